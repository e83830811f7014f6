"""The pictures and masks of examples, opened one after another.

Examples come in the order of their frames, so a video is decoded once, forwards. Axes: y x pixels.
"""

from pathlib import Path

import numpy as np
from jaxtyping import Bool, UInt8

from vitruve.data.datasets.examples import Mask, PictureExample
from vitruve.data.decoding.mat_file import read_cell, read_mat
from vitruve.data.decoding.picture import decode_picture
from vitruve.data.decoding.run_lengths import decode_runs
from vitruve.data.processing.mosaic import demosaic
from vitruve.io.errors import FileError
from vitruve.io.images import load_image
from vitruve.io.limits import read_span
from vitruve.io.video import FrameReader, read_frames


class MissingFrameError(FileError):
    """A video ends before the frame that is asked for."""


class Pictures:
    """Opens pictures and frames of videos; keeps the last one, for several people share it."""

    def __init__(self) -> None:
        self._videos: dict[str, tuple[Path, FrameReader]] = {}
        self._last: dict[str, tuple[Path, int | None, np.ndarray]] = {}
        self._last_span: tuple[Path, tuple[int, int], np.ndarray] | None = None

    def picture(self, example: PictureExample) -> UInt8[np.ndarray, "y x 3"]:
        """An example's picture, RGB.

        Raises:
            FileNotFoundError: There is no such file.
            MissingFrameError: The video is shorter.
            FileError: It is damaged, or has another size than the example's camera.
        """
        if example.span is not None:
            image = self._cut_out(example.picture, example.span)
        else:
            image = self._open("picture", example.picture, example.video_frame)
        if example.mosaic:
            image = demosaic(image[..., 0], example.mosaic)
        camera = example.camera
        size = image.shape[1], image.shape[0]
        if camera is not None and size != camera.image_size_px:
            raise FileError(
                f"{example.picture} has {size[0]} x {size[1]} pixels, its camera "
                f"{camera.image_size_px[0]} x {camera.image_size_px[1]}: labels would not fit"
            )
        return image

    def mask(self, mask: Mask) -> Bool[np.ndarray, "y x"]:
        """Where the person is.

        Raises:
            FileNotFoundError: There is no such file.
            FileError: It is damaged or ends before the frame.
        """
        if mask.runs:
            return decode_runs(mask.runs, mask.size_px, str(mask.path))
        if mask.array:
            if mask.frame is None:
                array = read_mat(mask.path, (mask.array,))[mask.array]
            else:
                array = read_cell(mask.path, mask.array, mask.frame)
            return np.asarray(mask.above < array.T)
        image = self._open("mask", mask.path, mask.frame)
        differs = np.abs(image - np.float32(mask.background)) if mask.background else image
        return np.asarray((differs > mask.above).any(-1))

    def close(self) -> None:
        """Close the videos that are open."""
        for _, reader in self._videos.values():
            reader.close()
        self._videos.clear()
        self._last.clear()
        self._last_span = None

    def _cut_out(self, path: Path, span: tuple[int, int]) -> UInt8[np.ndarray, "y x 3"]:
        if self._last_span is None or self._last_span[:2] != (path, span):
            image = decode_picture(read_span(path, span), "RGB", f"{path}, byte {span[0]}")
            self._last_span = path, span, image
        return self._last_span[2]

    def _open(self, kind: str, path: Path, frame: int | None) -> UInt8[np.ndarray, "y x 3"]:
        last = self._last.get(kind)
        if last is not None and last[:2] == (path, frame):
            return last[2]
        image = load_image(path) if frame is None else self._frame(kind, path, frame, last)
        self._last[kind] = path, frame, image
        return image

    def _frame(
        self, kind: str, path: Path, frame: int, last: tuple[Path, int | None, np.ndarray] | None
    ) -> UInt8[np.ndarray, "y x 3"]:
        open_now = self._videos.get(kind)
        backwards = last is not None and last[1] is not None and frame <= last[1]
        if open_now is None or open_now[0] != path or backwards:
            if open_now is not None:
                open_now[1].close()
            self._videos[kind] = open_now = path, read_frames(path, frame, threads=1)
        for found in open_now[1]:
            if found.index == frame:
                return found.image
        raise MissingFrameError(f"{path} ends before frame {frame}")

"""Videos, image folders and single images as one stream of upright RGB frames.

Decoded with PyAV (FFmpeg). FFmpeg's libraries leave three things to the caller, done here:

- the display rotation that phones write instead of turning the pixels;
- real frame times: with a variable rate, frame ``i`` is not at ``i / fps``;
- damage: whatever decodes is handed out, then ``FrameReader.damage`` says what was wrong.

Axes: y x pixels.
"""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from av.container import InputContainer
from av.error import FFmpegError
from av.video.frame import VideoFrame as DecodedFrame
from av.video.stream import VideoStream
from jaxtyping import UInt8

from vitruve.io.container import (
    duration_s,
    first_frame,
    frame_rate,
    open_video,
    packet_times,
    rotation_deg,
    seconds_between,
)
from vitruve.io.errors import FileError
from vitruve.io.images import IMAGE_SUFFIXES, check_pixels, list_images, load_image

IMAGE_FOLDER_FPS = 25.0
"""Frames per second of an image folder when none is given."""


class TruncatedVideoError(FileError):
    """A clip that ends early or holds frames that cannot be decoded."""


@dataclass(frozen=True)
class VideoInfo:
    """What a clip says about itself."""

    path: Path
    image_size_px: tuple[int, int]
    """Width, height as displayed, after rotation."""
    fps: float
    """Average frames per second."""
    num_frames: int | None
    """None if neither the index nor the duration tells."""
    num_frames_exact: bool
    """True if the file's index states it, damaged or not; False if it is duration times rate."""
    duration_s: float | None
    rotation_deg: int
    """Counter-clockwise turn, already applied to the frames: 0, 90, 180 or 270."""
    variable_frame_rate: bool
    """True if frame intervals differ by more than 10 % within the first 600 frames."""


@dataclass(frozen=True, eq=False)
class VideoFrame:
    """One upright picture of a clip."""

    index: int
    """Counts decoded frames from 0."""
    time_s: float
    """Seconds since the first frame, as displayed."""
    image: UInt8[np.ndarray, "y x 3"]
    """RGB."""


class FrameReader(Iterator[VideoFrame]):
    """Frames of one clip, in order, once.

    ``damage`` is None until the clip has shown some, then one line saying what was lost.
    """

    def __init__(
        self, path: Path, start: int, stop: int | None, bt601: bool, fps: float | None, threads: int
    ) -> None:
        self.damage: str | None = None
        self._path, self._start, self._stop = path, start, stop
        self._bt601, self._threads = bt601, threads
        if path.is_dir() or path.suffix.lower() in IMAGE_SUFFIXES:
            self._frames = self._from_images(fps or IMAGE_FOLDER_FPS)
        else:
            self._frames = self._from_video()

    def __next__(self) -> VideoFrame:
        return next(self._frames)

    def close(self) -> None:
        """Close the file before the end."""
        self._frames.close()

    def _from_images(self, fps: float):  # noqa: ANN202 - a generator, closed by close()
        paths = list_images(self._path) if self._path.is_dir() else [self._path]
        first: tuple[Path, tuple[int, ...]] | None = None
        for index in range(
            self._start, len(paths) if self._stop is None else min(self._stop, len(paths))
        ):
            image = load_image(paths[index])
            first = first or (paths[index], image.shape)
            if image.shape != first[1]:
                raise FileError(
                    f"images of one clip must have one size: {first[0].name} is {_size(first[1])}, "
                    f"{paths[index].name} is {_size(image.shape)}; resize them or split the folder"
                )
            yield VideoFrame(index, index / fps, image)

    def _from_video(self):  # noqa: ANN202 - a generator, closed by close()
        with closing(open_video(self._path)) as container:
            stream = container.streams.video[0]
            stream.thread_type = "AUTO"
            stream.thread_count = self._threads
            fps = frame_rate(stream, [])
            first = None
            index = -1
            for index, frame in enumerate(self._decode(container, stream)):
                first = first or frame
                if self._stop is not None and index >= self._stop:
                    return
                if index >= self._start:
                    time_s = seconds_between(first, frame)
                    time_s = index / fps if time_s is None else time_s
                    yield VideoFrame(index, time_s, self._upright(frame, first))
            if index < 0:
                raise FileError(f"{self._path} holds no frame that can be decoded")

    def _decode(self, container: InputContainer, stream: VideoStream) -> Iterator[DecodedFrame]:
        num_packets = num_frames = num_bad = 0
        packets = container.demux(stream)
        while True:
            try:
                packet = next(packets, None)
            except FFmpegError:
                packet = None
            if packet is None:
                break
            num_packets += packet.size > 0
            num_bad += packet.is_corrupt
            try:
                for frame in packet.decode():
                    num_frames += 1
                    yield frame
            except (FFmpegError, EOFError):
                num_bad += 1
        # The index may list frames an edit list hides: compare packets, which are all demuxed.
        if num_bad or num_packets < stream.frames:
            stated = f" of {stream.frames} stated" if stream.frames else ""
            self.damage = (
                f"{self._path} is damaged or cut short: {num_frames}{stated} frames read, "
                f"{num_bad} packets damaged"
            )

    def _upright(self, frame: DecodedFrame, first: DecodedFrame) -> UInt8[np.ndarray, "y x 3"]:
        check_pixels(self._path, frame.width, frame.height)
        image = frame.reformat(
            width=first.width,
            height=first.height,
            format="rgb24",
            src_colorspace="ITU601" if self._bt601 else None,
        ).to_ndarray()
        return np.ascontiguousarray(np.rot90(image, rotation_deg(first) // 90))


def read_frames(
    path: str | Path,
    start: int = 0,
    stop: int | None = None,
    bt601: bool = False,
    *,
    fps: float | None = None,
    threads: int = 0,
) -> FrameReader:
    """Frames ``start`` to ``stop`` of a video, an image folder or one image.

    A damaged video gives every frame that decodes; ask ``FrameReader.damage`` afterwards, or call
    ``require_whole``. Frames before ``start`` are decoded, so indices are exact, but not converted.

    Args:
        path: A video file, a folder of images in natural order, or an image.
        start: First frame.
        stop: Frame after the last; None for all.
        bt601: Read colours as BT.601 whatever the file's tag, as OpenCV 4 does.
        fps: Rate of an image folder; ``IMAGE_FOLDER_FPS`` if None. A video's own rate always wins.
        threads: Decoder threads; 0 for one per core.

    Raises:
        FileNotFoundError: No such file (at once).
        FileError: Not a video, no picture in it, images of different sizes (while iterating).
    """
    path = _existing(path)
    if start < 0 or (stop is not None and stop < start):
        raise ValueError(f"frames {start} to {stop} are not a range: need 0 <= start <= stop")
    return FrameReader(path, start, stop, bt601, fps, threads)


def require_whole(reader: FrameReader) -> None:
    """Refuse a clip that showed damage, once its frames were read.

    Raises:
        TruncatedVideoError: Frames were lost.
    """
    if reader.damage is not None:
        raise TruncatedVideoError(reader.damage)


def probe(path: str | Path, *, fps: float | None = None) -> VideoInfo:
    """Size, rate and length of a clip, from its header and its first frame.

    Args:
        path: As in ``read_frames``.
        fps: Rate of an image folder; ``IMAGE_FOLDER_FPS`` if None.

    Raises:
        FileNotFoundError: No such file.
        FileError: Not a video, or no picture in it.
    """
    path = _existing(path)
    if path.is_dir() or path.suffix.lower() in IMAGE_SUFFIXES:
        images = list_images(path) if path.is_dir() else [path]
        height, width, _ = load_image(images[0]).shape
        rate = fps or IMAGE_FOLDER_FPS
        num = len(images)
        return VideoInfo(path, (width, height), rate, num, True, num / rate, 0, False)
    with closing(open_video(path)) as container:
        stream = container.streams.video[0]
        times = packet_times(container, stream)
        rate = frame_rate(stream, times)
        duration = duration_s(container, stream)
        stated = stream.frames
    with closing(open_video(path)) as container:
        first = first_frame(path, container)
    width, height = first.width, first.height
    rotation = rotation_deg(first)
    size = (height, width) if rotation % 180 else (width, height)
    num = stated or (round(duration * rate) if duration else None)
    steps = np.diff(times)
    varies = bool(len(steps) > 1 and np.ptp(steps) > max(0.1 * float(np.median(steps)), 0.0015))
    return VideoInfo(path, size, rate, num, stated > 0, duration, rotation, varies)


def _existing(path: str | Path) -> Path:
    path = Path(path)
    if not path.exists():
        raise FileNotFoundError(f"no such video, image or folder: {path}")
    return path


def _size(shape: tuple[int, ...]) -> str:
    return f"{shape[1]}x{shape[0]}"

"""Small H.264 clips: the demo's input, the preview inside the viewer's page. Axes: y x pixels."""

import itertools
import tempfile
from collections.abc import Iterable, Iterator
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av.video.reformatter import Colorspace
from jaxtyping import UInt8

from vitruve.io.atomic import atomic_path
from vitruve.io.errors import FileError
from vitruve.io.video import probe, read_frames

_BT709 = 1
_MIN_PREVIEW_SIDE_PX = 96


def write_video(
    path: str | Path, frames: Iterable[UInt8[np.ndarray, "y x 3"]], fps: float, *, crf: int = 23
) -> None:
    """Write RGB frames as an MP4 (H.264, yuv420p, BT.709).

    Args:
        path: Written whole or not at all.
        frames: Equal sizes; an odd last row or column is dropped, as yuv420p needs even sides.
        fps: Frames per second.
        crf: Constant quality, 0 (lossless) to 51.

    Raises:
        ValueError: No frames, sizes that differ, or frames under 2x2 pixels.
        OSError: The folder cannot be written.
    """
    with atomic_path(path) as temporary:
        _encode(temporary, iter(frames), fps, crf)


def preview_mp4(
    path: str | Path,
    *,
    max_side_px: int = 640,
    max_fps: float = 30.0,
    max_bytes: int = 16_000_000,
    start: int = 0,
    stop: int | None = None,
) -> tuple[bytes, float]:
    """Re-encode a clip to embed in a page; frame ``i`` shows at ``(i - start) / fps`` seconds.

    Args:
        path: What ``read_frames`` takes.
        max_side_px: Longest side.
        max_fps: Frames are dropped evenly to keep to it.
        max_bytes: Sides are halved until the clip fits.
        start: First source frame.
        stop: Source frame after the last.

    Returns:
        The MP4 file, and its frames per second.

    Raises:
        FileError: Not a clip, or it does not fit ``max_bytes`` at any size.
    """
    info = probe(path)
    step = max(1, int(np.ceil(info.fps / max_fps - 1e-6)))
    fps = info.fps / step
    while max_side_px >= _MIN_PREVIEW_SIDE_PX:
        size = _fit(info.image_size_px, max_side_px)
        images = (f.image for f in read_frames(path, start, stop) if (f.index - start) % step == 0)
        with tempfile.TemporaryDirectory() as folder:
            small = Path(folder) / "preview.mp4"
            _encode(small, images, fps, 28, size)
            if small.stat().st_size <= max_bytes:
                return small.read_bytes(), fps
        max_side_px //= 2
    raise FileError(
        f"a preview of {path} does not fit {max_bytes} bytes: raise max_bytes or cut it"
    )


def _fit(size: tuple[int, int], max_side_px: int) -> tuple[int, int]:
    scale = min(1.0, max_side_px / max(size))
    width, height = (max(2, round(side * scale / 2) * 2) for side in size)
    return width, height


def _encode(
    path: Path,
    images: Iterator[np.ndarray],
    fps: float,
    crf: int,
    size: tuple[int, int] | None = None,
) -> None:
    first = next(images, None)
    if first is None:
        raise ValueError("no frames to write")
    width, height = size or (first.shape[1] // 2 * 2, first.shape[0] // 2 * 2)
    if min(width, height) < 2:
        raise ValueError(f"frames of {first.shape[1]}x{first.shape[0]} pixels: need at least 2x2")
    rate = Fraction(fps).limit_denominator(1001)
    options = {"preset": "veryfast", "crf": str(crf)}
    # The index first, so that what is left of a broken copy still plays.
    movflags = {"movflags": "faststart"}
    with av.open(f"file:{path}", "w", format="mp4", options=movflags) as container:
        stream = container.add_stream("libx264", rate=rate, options=options)
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        context = stream.codec_context
        context.colorspace = context.color_primaries = context.color_trc = _BT709
        for index, image in enumerate(itertools.chain([first], images)):
            if image.shape != first.shape:
                raise ValueError(f"frame {index} has shape {image.shape}, frame 0 {first.shape}")
            kept = image if size else np.ascontiguousarray(image[:height, :width])
            frame = av.VideoFrame.from_ndarray(kept, format="rgb24")
            frame = frame.reformat(width, height, "yuv420p", dst_colorspace=Colorspace.ITU709)
            frame.pts, frame.time_base = index, 1 / rate
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))

"""Video containers, opened safely, and what their headers say."""

from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import av
from av.container import InputContainer
from av.error import FFmpegError
from av.packet import Packet
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from vitruve.io.errors import FileError
from vitruve.io.images import check_pixels

FALLBACK_FPS = 25.0
"""Frames per second of a video that states none and has no frame times either."""
_PROBED_PACKETS = 600
_MAX_FPS = 2000.0
_NOT_VIDEO = frozenset({"tty", "hls", "dash", "concat", "ffmetadata", "srt", "webvtt", "ass"})
"""FFmpeg formats that are text: it would draw a text file as a terminal, or follow playlists."""


def open_video(path: Path) -> InputContainer:
    """Open a local video file, following no address and no playlist.

    Raises:
        FileError: Empty, not a video, no picture stream, or frames beyond ``MAX_PIXELS``.
    """
    if path.stat().st_size == 0:
        raise FileError(f"{path} is empty (0 bytes)")
    try:
        # `file:` keeps names such as `a:b.mp4` from being read as network addresses.
        container = av.open(
            f"file:{path}", options={"protocol_whitelist": "file"}, metadata_errors="replace"
        )
    except FFmpegError as error:
        raise FileError(f"{path} is not a video that can be read: {error.strerror}") from error
    if container.format.name in _NOT_VIDEO or not container.streams.video:
        name = container.format.name
        container.close()
        raise FileError(
            f"{path} holds no video (it reads as {name!r}): name a video or image folder"
        )
    context = container.streams.video[0].codec_context
    if context is None:
        container.close()
        raise FileError(f"{path} uses a video codec that cannot be decoded: re-encode it as H.264")
    check_pixels(path, context.width, context.height)
    return container


def first_frame(path: Path, container: InputContainer) -> VideoFrame:
    """Decode the first picture.

    Raises:
        FileError: None can be decoded.
    """
    try:
        return next(container.decode(video=0))
    except (FFmpegError, StopIteration):
        raise FileError(f"{path} holds no frame that can be decoded") from None


def packet_times(container: InputContainer, stream: VideoStream) -> list[float]:
    """Display times of the first 600 packets, seconds, increasing."""

    def times(packets: Iterator[Packet]) -> Iterator[float]:
        for packet in packets:
            if packet.pts is not None and packet.size > 0:
                yield float(packet.pts * packet.time_base)

    try:
        return sorted(islice(times(container.demux(stream)), _PROBED_PACKETS))
    except FFmpegError:
        return []


def frame_rate(stream: VideoStream, times: list[float]) -> float:
    """Average frames per second as stated, else as measured from ``times``."""
    for rate in (stream.average_rate, stream.guessed_rate):
        if rate and 0 < rate <= _MAX_FPS:
            return float(rate)
    measured = (
        (len(times) - 1) / (times[-1] - times[0]) if len(times) > 1 and times[-1] > times[0] else 0
    )
    return measured if 0 < measured <= _MAX_FPS else FALLBACK_FPS


def duration_s(container: InputContainer, stream: VideoStream) -> float | None:
    """Seconds, None if not stated."""
    if stream.duration and stream.time_base:
        return float(stream.duration * stream.time_base)
    return container.duration / av.time_base if container.duration else None


def seconds_between(first: VideoFrame, frame: VideoFrame) -> float | None:
    """Display time of ``frame`` after ``first``, None if either has no time stamp."""
    if frame.pts is None or first.pts is None or frame.time_base is None:
        return None
    return float((frame.pts - first.pts) * frame.time_base)


def rotation_deg(frame: VideoFrame) -> int:
    """Counter-clockwise turn that makes the frame upright (``av_display_rotation_get``)."""
    return round(getattr(frame, "rotation", 0) / 90) % 4 * 90

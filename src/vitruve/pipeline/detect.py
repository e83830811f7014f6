"""The detection stage: a video or image folder in, one file of 2D tracks out.

Axes: t frames, k keypoints.
"""

from collections.abc import Callable, Generator, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import asdict, dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Literal

from vitruve.io.keypoints import write_keypoints
from vitruve.io.video import FrameReader, VideoFrame, VideoInfo, probe, read_frames, require_whole
from vitruve.pipeline.blazepose import BlazePose, BlazePoseConfig
from vitruve.pipeline.detection import Detection, Detector
from vitruve.pipeline.parts import Part, Parts, fingerprint_of
from vitruve.pipeline.rtmpose import RTMPose, RTMPoseConfig
from vitruve.pipeline.swaps import repair_swaps
from vitruve.pipeline.track import TrackConfig, link, track_to_sequence
from vitruve.poses import KeypointSequence
from vitruve.skeletons import skeleton

CHUNK_FRAMES = 300
"""Frames detected between two writes: what a kill can cost, and what is held in memory."""

Progress = Callable[[int, int | None], None]
"""Told frames done and frames in all, None where the file does not say."""


class NobodyError(ValueError):
    """Nobody was found in a clip."""


@dataclass(frozen=True)
class DetectConfig:
    """Settings of the detection stage."""

    detector: Literal["blazepose", "rtmpose"] = "blazepose"
    """blazepose works offline; rtmpose needs rtmlib and its weights."""
    max_persons: int = 0
    """Most people to return, the most prominent first; 0 for everyone found."""
    min_track_s: float = 0.5
    """Shorter tracks are dropped, seconds; never more than half the clip."""
    fps: float | None = None
    """Frames per second of an image folder; None takes 25. A video's own rate always wins."""
    threads: int = 1
    """Inference threads of the detector; decoding runs beside it."""
    repair_swaps: bool = True
    """Find and put back exchanged left and right sides."""


def _blazepose(config: DetectConfig) -> Detector:
    return BlazePose(BlazePoseConfig(max_persons=config.max_persons, threads=config.threads))


def _rtmpose(config: DetectConfig) -> Detector:
    del config
    return RTMPose(RTMPoseConfig())


DETECTORS: Mapping[str, Callable[[DetectConfig], Detector]] = {
    "blazepose": _blazepose,
    "rtmpose": _rtmpose,
}


def detect(
    source: Path, out: Path, config: DetectConfig, progress: Progress | None = None
) -> list[KeypointSequence]:
    """Find, follow and name the people of a clip, and write their 2D tracks to ``out``.

    While it runs, finished chunks wait in ``out`` + ``.parts``; a killed run goes on from there.

    Args:
        source: A video, an image folder or an image.
        out: The keypoint file, .npz.
        config: Settings.
        progress: Called as frames get done.

    Returns:
        One sequence per person, the most prominent first.

    Raises:
        FileNotFoundError: No such source, or the detector's models cannot be had.
        NobodyError: Nobody is in the clip.
        ValueError: It is no video.
        TruncatedVideoError: The clip is damaged; what could be seen of it is in ``out``.
    """
    info = probe(source, fps=config.fps)
    detector = DETECTORS[config.detector](config)
    stated = {**fingerprint_of(source), **asdict(config), "model": detector.model}
    parts = Parts(out.with_name(out.name + ".parts"), {**stated, "chunk_frames": CHUNK_FRAMES})
    reader = _run(info, detector, parts, progress)
    frames = [frame for part in parts.load() for frame in part.frames]
    sequences = _people(frames, info, detector, config)
    if not sequences:
        raise NobodyError(
            f"no person found in the {len(frames)} frames of {source}: is someone in view, "
            "upright and larger than a tenth of the picture?"
        )
    write_keypoints(sequences, out)
    parts.remove()
    require_whole(reader)
    return sequences


def _run(
    info: VideoInfo, detector: Detector, parts: Parts, progress: Progress | None
) -> FrameReader:
    """Detect all frames that are not in ``parts`` yet."""
    finished = parts.load()
    done = sum(len(part.frames) for part in finished)
    if finished:
        detector.restore(finished[-1].state)
    reader = read_frames(info.path, start=done, threads=1)
    index = len(finished)
    with closing(_read_ahead(reader)) as ahead:
        while found := _detect_chunk(detector, ahead, done, (info, progress)):
            parts.append(index, Part(found, detector.state()))
            done += len(found)
            index += 1
    return reader


def _detect_chunk(
    detector: Detector,
    frames: Iterator[VideoFrame],
    done: int,
    watch: tuple[VideoInfo, Progress | None],
) -> list[list[Detection]]:
    info, progress = watch
    found: list[list[Detection]] = []
    for frame in islice(frames, CHUNK_FRAMES):
        found.append(detector.detect(frame.image))
        if progress is not None:
            progress(done + len(found), info.num_frames)
    return found


def _read_ahead(frames: FrameReader) -> Generator[VideoFrame, None, None]:
    """Decode the next frame while this one is being worked on."""
    with ThreadPoolExecutor(1, thread_name_prefix="decode") as pool:
        following = pool.submit(next, frames, None)
        while (frame := following.result()) is not None:
            following = pool.submit(next, frames, None)
            yield frame


def _people(
    frames: list[list[Detection]], info: VideoInfo, detector: Detector, config: DetectConfig
) -> list[KeypointSequence]:
    """Everyone's track, sides repaired, the most prominent person first."""
    joints = skeleton(detector.skeleton)
    tracking = TrackConfig(min_track_s=config.min_track_s, max_persons=config.max_persons)
    sequences = []
    for person, track in enumerate(link(frames, joints.mirror_index, info.fps, tracking)):
        size = info.image_size_px
        sequence = track_to_sequence(track, joints, info.fps, size, detector.model)
        if config.repair_swaps:
            sequence, report = repair_swaps(sequence)
            if report.whole_body + report.limbs:
                sequence = replace(sequence, model=f"{sequence.model}; {report}")
        sequences.append(replace(sequence, person=person))
    return sequences

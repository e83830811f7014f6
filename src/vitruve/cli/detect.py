"""``vitruve detect VIDEO``: the 2D joints of everyone in a clip, in one file."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import tyro

from vitruve.cli.estimate import above_zero, at_least


@dataclass(frozen=True, kw_only=True)
class Arguments:
    """Find people in a clip and follow their 2D joints. A run that was stopped goes on."""

    video: Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="VIDEO")]
    """Video, folder of images, or image."""
    out: Path | None = None
    """File to write, npz or json; VIDEO's name + _keypoints.npz in the current folder if unset."""
    detector: Literal["blazepose", "rtmpose"] = "blazepose"
    """blazepose works offline; rtmpose needs rtmlib and its weights."""
    max_persons: int = 0
    """Most people, the most prominent ones; 0 for everyone."""
    min_track_s: float = 0.5
    """Shorter appearances are dropped, seconds; never more than half the clip."""
    repair_swaps: bool = True
    """Find and put back exchanged left and right sides."""
    fps: float | None = None
    """Frames per second of an image folder; 25 if unset. A video's own rate always wins."""
    threads: int = 1
    """Inference threads of the detector; decoding runs beside it."""


def main(argv: list[str]) -> int:
    """Parse, detect, print.

    Returns:
        0 when done.

    Raises:
        ValueError: Nobody is in the clip, it is no clip, or it is damaged: then what could be seen
            of it is in the file.
        OSError: A file is missing or cannot be written.
        ImportError: The detector is not installed.
    """
    arguments = tyro.cli(Arguments, prog="vitruve detect", args=argv)
    video = arguments.video
    out = arguments.out or Path(f"{video.resolve().stem}_keypoints.npz")
    if out.suffix not in (".npz", ".json"):
        raise ValueError(f"keypoints are written as .npz or .json, not {out.suffix!r}: {out}")
    from vitruve.cli.progress import show_progress
    from vitruve.pipeline.detect import DetectConfig, detect

    config = DetectConfig(
        detector=arguments.detector,
        max_persons=at_least("--max-persons", arguments.max_persons, 0),
        min_track_s=arguments.min_track_s,
        repair_swaps=arguments.repair_swaps,
        fps=None if arguments.fps is None else above_zero("--fps", arguments.fps),
        threads=at_least("--threads", arguments.threads, 1),
    )
    with show_progress() as tell:
        people = detect(video, out, config, lambda done, total: tell("detect", done, total))
    for person in people:
        first, last = int(person.frames[0]), int(person.frames[-1])
        print(
            f"person {person.person}: {len(person.frames)} frames between {first} and {last}, "
            f"{person.skeleton.name} by {person.model}"
        )
    print(out)
    return 0

"""``vitruve lift KEYPOINTS``: `vitruve estimate` from where 2D keypoints are there."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from vitruve.cli.estimate import LiftArguments, at_least, estimate


@dataclass(frozen=True, kw_only=True)
class Arguments(LiftArguments):
    """Metric 3D motion from 2D keypoints. The same command goes on where a stopped run was."""

    keypoints: Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="KEYPOINTS")]
    """2D keypoints of any common tool: a JSON or npz file, or OpenPose's folder."""


def main(argv: list[str]) -> int:
    """Parse, lift, print.

    Returns:
        0 when done.

    Raises:
        ValueError: The source is no keypoint file, is damaged, or shows nobody.
        OSError: A file is missing or cannot be written.
        KeyError: A skeleton or model has no such name.
    """
    arguments = tyro.cli(Arguments, prog="vitruve lift", args=argv)
    from vitruve.pipeline.detect import DetectConfig
    from vitruve.pipeline.run import is_keypoints

    source = arguments.keypoints
    if not source.exists():
        raise FileNotFoundError(f"no such keypoint file or folder: {source}")
    if not is_keypoints(source):
        raise ValueError(f"{source} is no keypoint file; vitruve estimate takes pictures and video")
    most = at_least("--max-persons", arguments.max_persons, 0)
    return estimate(source, arguments, DetectConfig(max_persons=most))

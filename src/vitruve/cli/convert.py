"""``vitruve convert IN OUT``: another format, another skeleton, of 3D motion or 2D keypoints."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import tyro

from vitruve.cli.estimate import above_zero, parse_size

if TYPE_CHECKING:
    from vitruve.nets.skeleton_bridge import SkeletonBridge
    from vitruve.poses import KeypointSequence, PoseSequence
    from vitruve.skeletons import Skeleton

_EITHER = frozenset({".json", ".npz"})
"""Suffixes that 3D motion and 2D keypoints share."""


MISFIT = 2.0
"""How many times as far joints may be from what the bridge makes of them as on its own poses."""


@dataclass(frozen=True, kw_only=True)
class Arguments:
    """Change the skeleton or file format of 3D motion or 2D keypoints."""

    source: Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="IN")]
    """3D motion (amc, asf, bvh, c3d, csv, json, npz, parquet, trc), or 2D keypoints of any tool."""
    out: Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="OUT")]
    """File to write. The suffix says what: bvh, c3d, csv, glb, json, npz, parquet or trc for
    motion, json or npz for keypoints."""
    skeleton: str = ""
    """Format of the result, such as smpl_24 or coco_17; the source's own if unset."""
    bridge: str = "none"
    """How 3D joints that are not the same in both formats are found: ``none`` by rules, ``default``
    by what the packaged bridge learned from bodies, or the file of a bridge of your own."""
    report: bool = False
    """Say for every joint that is not exact where it comes from."""
    unit_m: float | None = None
    """Metres per unit of a BVH file; guessed from the figure's size if unset."""
    asf: Path | None = None
    """Skeleton file of an AMC file; the only one beside it if unset."""
    size: str = ""
    """Picture size such as 1920x1080, pixels, for keypoint files that do not say."""
    fps: float | None = None
    """Frames per second of keypoint files that do not say."""
    keypoint_skeleton: str = ""
    """What the keypoints of a file are, where their number does not tell."""


def main(argv: list[str]) -> int:
    """Parse, convert, print what became of the joints and where the file is.

    Returns:
        0 when done.

    Raises:
        ValueError: A file is damaged, of no known format, or cannot hold the result.
        OSError: A file is missing or cannot be written.
        KeyError: A skeleton has no such name.
    """
    arguments = tyro.cli(Arguments, prog="vitruve convert", args=argv)
    from vitruve.poses import PoseSequence
    from vitruve.skeletons import skeleton

    target = skeleton(arguments.skeleton) if arguments.skeleton else None
    content = _read(arguments)
    source = content.skeleton if isinstance(content, PoseSequence) else content[0].skeleton
    bridge = _bridge(arguments, isinstance(content, PoseSequence))
    if target is not None:
        _print_report(source, target, arguments.report, bridge)
    if isinstance(content, PoseSequence):
        if bridge is not None:
            _print_misfit(content, bridge)
        _write_motion(content, target, arguments.out, bridge)
    else:
        _write_keypoints(content, target, arguments)
    print(arguments.out)
    return 0


def _bridge(arguments: Arguments, is_motion: bool) -> "SkeletonBridge | None":
    """The learned bridge, if one is asked for.

    Raises:
        ValueError: There is nothing that it could convert.
    """
    if arguments.bridge == "none":
        return None
    if not is_motion or not arguments.skeleton:
        need = "3D motion" if arguments.skeleton else "--skeleton, the format to convert to"
        raise ValueError(f"--bridge {arguments.bridge} needs {need}")
    from vitruve.nets.bridge_file import read_bridge

    return read_bridge(arguments.bridge)


def _read(arguments: Arguments) -> "PoseSequence | list[KeypointSequence]":
    from vitruve.io import FileError, read

    source = arguments.source
    if source.is_dir():
        return _read_keypoints(arguments)
    try:
        return read(source, **_options(arguments))
    except FileError as not_motion:
        if source.suffix.lower() not in _EITHER:
            raise
        try:
            return _read_keypoints(arguments)
        except FileError as not_keypoints:
            both = f"neither 3D motion nor 2D keypoints: {not_motion}; {not_keypoints}"
            raise FileError(both) from None


def _read_keypoints(arguments: Arguments) -> "list[KeypointSequence]":
    from vitruve.io import read_keypoints

    return read_keypoints(
        arguments.source,
        image_size_px=parse_size(arguments.size) if arguments.size else None,
        fps=None if arguments.fps is None else above_zero("--fps", arguments.fps),
        skeleton=arguments.keypoint_skeleton or None,
    )


def _write_motion(
    motion: "PoseSequence", target: "Skeleton | None", out: Path, bridge: "SkeletonBridge | None"
) -> None:
    from vitruve.io import write
    from vitruve.pipeline import convert

    if target is not None:
        motion = convert(motion, target, bridge=bridge or "none")
    write(motion, out)


def _write_keypoints(
    people: "list[KeypointSequence]", target: "Skeleton | None", arguments: Arguments
) -> None:
    from vitruve.io import write_keypoints
    from vitruve.pipeline.convert import convert_keypoints

    if arguments.out.suffix not in _EITHER:
        raise ValueError(
            f"{arguments.source} holds 2D keypoints, and {arguments.out.suffix} files hold 3D "
            "motion: write .npz or .json, or make motion with vitruve lift"
        )
    if target is not None:
        people = [convert_keypoints(person, target) for person in people]
    write_keypoints(people, arguments.out)


def _options(arguments: Arguments) -> dict[str, Any]:
    """What the reader of the source's format also takes.

    Raises:
        ValueError: An option is for another format.
    """
    suffix = arguments.source.suffix.lower()
    given = {"unit_m": (arguments.unit_m, ".bvh"), "asf": (arguments.asf, ".amc")}
    options = {}
    for name, (value, wanted) in given.items():
        if value is None:
            continue
        if suffix != wanted:
            raise ValueError(f"--{name.replace('_', '-')} is for {wanted} files, not {suffix}")
        options[name] = value
    return options


def _print_misfit(motion: "PoseSequence", bridge: "SkeletonBridge") -> None:
    """Say so where the source's joints are not those that the bridge learned from."""
    found_m, own_m = bridge.misfit_m(motion.skeleton, motion.joints_world, motion.valid)
    if found_m > MISFIT * own_m:
        print(
            f"{motion.skeleton.name} of this motion is not that of the people the bridge learned "
            f"from: joints lie {1000 * found_m:.1f} mm from what it makes of them, "
            f"{found_m / own_m:.1f} times as far as theirs, so the errors it states may not hold; "
            "compare with --bridge none"
        )


def _print_report(
    source: "Skeleton", target: "Skeleton", in_full: bool, bridge: "SkeletonBridge | None"
) -> None:
    """Say what becomes of the joints.

    Raises:
        ValueError: Nothing would be left.
    """
    from vitruve.skeletons import conversion

    there = bridge.conversion(source, target) if bridge else conversion(source, target)
    if all(quality == "absent" for quality in there.quality):
        raise ValueError(f"{source.name!r} says nothing about any joint of {target.name!r}")
    report = there.report()
    print(report if in_full else report.splitlines()[0])

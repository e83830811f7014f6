"""``vitruve view FILE...``: one self-contained page of motion and keypoint files."""

import sys
import webbrowser
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import tyro

from vitruve.io import FileError, read
from vitruve.io.keypoints import read_keypoints
from vitruve.io.video import probe
from vitruve.io.video_writer import preview_mp4
from vitruve.poses import KeypointSequence, PoseSequence
from vitruve.viewer import write_page

_EITHER = frozenset({".json", ".npz"})
"""Suffixes that 3D motion and 2D keypoints share."""


@dataclass(frozen=True)
class Arguments:
    """Make a self-contained page of motion files: one HTML file that opens without a network."""

    files: tyro.conf.Positional[tuple[Path, ...]]
    """3D motion (bvh, c3d, trc, npz, ...), one person each, and 2D keypoint files or folders."""
    video: Path | None = None
    """The clip they were made from; a small copy of it is put into the page."""
    truth: tuple[Path, ...] = ()
    """Motion files to draw as ghosts beside the people."""
    out: Path | None = None
    """The page; beside the first file if unset."""
    title: str = ""
    """Heading of the page; the video's or the first file's name if unset."""
    open: bool = False
    """Show the page in the browser of this machine."""


def main(argv: list[str] | None = None) -> int:
    """Parse, write the page, print where it is.

    Args:
        argv: Arguments after ``vitruve view``; those of the process by default.

    Returns:
        0; what went wrong is raised.

    Raises:
        ValueError: A file is neither motion nor keypoints, or they do not fit on one page.
        OSError: A file cannot be read or the page not written.
    """
    arguments = tyro.cli(Arguments, prog="vitruve view", args=argv)
    if not arguments.files:
        raise ValueError("no file to show: name at least one motion or keypoint file")
    page = _write(arguments)
    print(page)
    if arguments.open and not webbrowser.open(page.resolve().as_uri()):
        raise OSError(f"no browser could be started here; open {page} in one yourself")
    return 0


def _write(arguments: Arguments) -> Path:
    people, keypoints = _read_all(arguments.files, arguments.video)
    truth = [read(path) for path in arguments.truth]
    if len(truth) == len(people):
        truth = [replace(t, person=p.person) for t, p in zip(truth, people, strict=True)]
    video, start = None, 0
    if arguments.video:
        frames = [int(f) for s in (*people, *keypoints) for f in (s.frames[0], s.frames[-1])]
        start = min(frames)
        video, _ = preview_mp4(arguments.video, start=start, stop=max(frames) + 1)
    return write_page(
        people,
        arguments.out or arguments.files[0].with_suffix(".html"),
        keypoints=keypoints,
        video=video,
        video_start=start,
        title=arguments.title or (arguments.video or arguments.files[0]).name,
        truth=truth,
    )


def _read_all(
    files: Sequence[Path], video: Path | None
) -> tuple[list[PoseSequence], list[KeypointSequence]]:
    size = probe(video).image_size_px if video else None
    people: list[PoseSequence] = []
    others: list[tuple[Path, FileError | None]] = []
    for path in files:
        if path.is_dir():
            others.append((path, None))
            continue
        try:
            people.append(read(path))
        except FileError as error:
            if path.suffix.lower() not in _EITHER:
                raise
            others.append((path, error))
    # Keypoint files that state no rate are of the same clip as the motion.
    fps = people[0].fps if people else (probe(video).fps if video else None)
    keypoints = [k for path, error in others for k in _keypoints(path, error, size, fps)]
    if len({p.person for p in people}) < len(people):
        people = [replace(p, person=i) for i, p in enumerate(people, 1)]
    return people, keypoints


def _keypoints(
    path: Path, motion_error: FileError | None, size: tuple[int, int] | None, fps: float | None
) -> list[KeypointSequence]:
    try:
        return read_keypoints(path, image_size_px=size, fps=fps)
    except FileError as error:
        if motion_error is None:
            raise
        raise FileError(f"neither 3D motion nor 2D keypoints: {motion_error}; {error}") from None


if __name__ == "__main__":
    sys.exit(main())

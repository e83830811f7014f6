"""Folders of 2D keypoint files: clips without 3D, one sequence for each person."""

from collections.abc import Iterator
from pathlib import Path

from vitruve.data.sequences.clip import MotionSequence, refuse_split
from vitruve.io.keypoints import read_keypoints

SUFFIXES = (".json", ".npz")


def read(root: str | Path, split: str | None = None) -> Iterator[MotionSequence]:
    """Yield every person of every keypoint file below ``root``, or of the one file ``root``.

    Raises:
        FileNotFoundError: There is no keypoint file.
        ValueError: A file is damaged, or a split was asked for: the files state none.
    """
    refuse_split(split, "keypoint files")
    root = Path(root)
    files = [root] if root.is_file() else sorted(p for p in root.rglob("*") if p.suffix in SUFFIXES)
    if not files:
        raise FileNotFoundError(
            f"no keypoint files ({', '.join(SUFFIXES)}) below {root}: make them with "
            "`vitruve detect`, or see docs/data.md for the detectors whose files are read"
        )
    return (clip for file in files for clip in _people(file, root))


def _people(file: Path, root: Path) -> Iterator[MotionSequence]:
    name = file.stem if file == root else file.relative_to(root).with_suffix("").as_posix()
    for person in read_keypoints(file):
        yield MotionSequence(
            name=f"{name}:{person.person}",
            subject="",
            action="",
            split="",
            skeleton=person.skeleton,
            fps=person.fps,
            keypoints=(person,),
        )

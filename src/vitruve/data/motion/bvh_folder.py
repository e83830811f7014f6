"""Folders of BVH files: anyone's motion capture, each file with a skeleton of its own."""

from collections.abc import Iterator
from pathlib import Path

from vitruve.data.sequences.clip import MotionSequence, from_poses, refuse_split
from vitruve.io.bvh import read_bvh


def read(
    root: str | Path, split: str | None = None, *, unit_m: float | None = None
) -> Iterator[MotionSequence]:
    """Yield every BVH file below ``root``, named by its path, its folder as the subject.

    ``unit_m`` is metres per length unit; None guesses it from the size of each figure.

    Raises:
        FileNotFoundError: There is no BVH file.
        ValueError: A file is damaged, or a split was asked for: the files state none.
    """
    refuse_split(split, "BVH files")
    root = Path(root)
    files = sorted(p for p in root.rglob("*") if p.suffix.lower() == ".bvh")
    if not files:
        raise FileNotFoundError(
            f"no .bvh files below {root}: expected is a folder with one file for each clip, or one "
            "such folder for each subject; CMU's motions are at https://mocap.cs.cmu.edu"
        )
    return (
        from_poses(
            read_bvh(file, unit_m=unit_m),
            file.relative_to(root).with_suffix("").as_posix(),
            subject=file.parent.name if file.parent != root else "",
            action=file.stem,
        )
        for file in files
    )

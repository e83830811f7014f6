"""CMU motion capture as released: folders of ASF and AMC files.

Joints are bone ends of the subject's own figure (``cmu_amc_31``), metres, 120 frames per second.
Prefer these files to BVH conversions, which drop the thorax and wrist bones, so that neck and
shoulders hang 12 cm too low. CMU's ``lradius`` ends 5 cm short of the anatomical wrist.

Source: CMU Graphics Lab Motion Capture Database, https://mocap.cs.cmu.edu, created with funding
from NSF EIA-0196217; motions are free for all uses.
"""

from collections.abc import Iterator
from pathlib import Path

from vitruve.data.sequences.clip import MotionSequence, from_poses, refuse_split
from vitruve.io.asf_amc import read_amc

PAGE = "https://mocap.cs.cmu.edu"


def read(root: str | Path, split: str | None = None) -> Iterator[MotionSequence]:
    """Yield every motion below ``root`` in the order of its path.

    Raises:
        FileNotFoundError: There is no AMC file.
        ValueError: A file is damaged, or a split was asked for: the files state none.
    """
    refuse_split(split, "CMU files")
    root = Path(root)
    files = sorted(p for p in root.rglob("*") if p.suffix.lower() == ".amc")
    if not files:
        raise FileNotFoundError(
            f"no .amc files below {root}: get the ASF/AMC files from {PAGE}; expected are folders "
            "such as subjects/01 with 01.asf and 01_01.amc, 01_02.amc, ..."
        )
    return (
        from_poses(read_amc(file), file.stem, subject=file.parent.name, action="") for file in files
    )

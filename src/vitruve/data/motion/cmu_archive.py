"""CMU motion capture as one archive of arrays: ``cmu_motion.npz``.

Source: CMU Graphics Lab Motion Capture Database, https://mocap.cs.cmu.edu, created with funding
from NSF EIA-0196217; motions are free for all uses.
"""

import json
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

from vitruve.data.sequences.clip import MotionSequence, finite_joints
from vitruve.io.npz_members import open_archive, read_member
from vitruve.skeletons import SKELETONS, Skeleton

PAGE = "https://mocap.cs.cmu.edu"


def read(
    root: str | Path,
    split: str | None = None,
    *,
    joints: Literal["h36m_17", "native"] = "h36m_17",
) -> Iterator[MotionSequence]:
    """Yield clips one by one, each read from the archive when its turn comes.

    ``root`` is the archive or the folder it lies in. ``h36m_17`` gives every clip in that order,
    with wrists at the anatomical place but CMU's shoulders (about 10 cm higher and 7 cm wider
    than Human3.6M's) and a head that ends at the forehead. ``native`` gives each clip in its own
    skeleton: ``cmu_amc_31`` where it is the subject's own.

    Raises:
        FileNotFoundError: There is no archive.
        ValueError: The archive is damaged or of another layout.
    """
    path = Path(root)
    path = path / "cmu_motion.npz" if path.is_dir() else path
    if not path.is_file():
        raise FileNotFoundError(
            f"{path} is missing: expected the archive cmu_motion.npz with `meta`, `h17/<clip>` "
            f"and `native/<clip>`, made of the motions of {PAGE}"
        )
    return _clips(path, split, joints)


def _clips(
    path: Path, split: str | None, joints: Literal["h36m_17", "native"]
) -> Iterator[MotionSequence]:
    with open_archive(path) as archive:
        clips = _meta(archive)["clips"]
        for clip in clips:
            if split is None or clip["split"] == split:
                yield _clip(archive, clip, joints)


def _meta(archive: zipfile.ZipFile) -> dict[str, Any]:
    try:
        meta = json.loads(str(read_member(archive, "meta")))
        missing = {"clips"} - meta.keys()
    except (KeyError, ValueError, AttributeError) as error:
        raise ValueError(f"{archive.filename}: no readable `meta`: {error}") from error
    if missing:
        raise ValueError(f"{archive.filename}: `meta` lists no clips")
    return meta


def _clip(
    archive: zipfile.ZipFile, clip: dict[str, Any], joints: Literal["h36m_17", "native"]
) -> MotionSequence:
    folder = "h17" if joints == "h36m_17" else "native"
    skeleton = SKELETONS["h36m_17"] if joints == "h36m_17" else _native_skeleton(clip)
    joints_world, valid = finite_joints(read_member(archive, f"{folder}/{clip['name']}"))
    return MotionSequence(
        name=clip["name"],
        subject=clip["subject"] or "",
        action=clip["action"] or "",
        split=clip["split"],
        skeleton=skeleton,
        fps=float(clip["fps"]),
        joints_world=joints_world,
        valid=valid,
    )


def _native_skeleton(clip: dict[str, Any]) -> Skeleton:
    names, parents = tuple(clip["joints"]), tuple(clip["parents"])
    known = SKELETONS["cmu_amc_31"]
    if parents == known.parents and len(names) == known.num_joints:
        return known
    return Skeleton(f"cmu_{len(names)}", names, parents)

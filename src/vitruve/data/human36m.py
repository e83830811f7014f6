"""Human3.6M in the layout that VideoPose3D made common.

``data_3d_h36m.npz`` holds ``positions_3d``: subject -> action -> (t, 32, 3) world metres, 50 per
second. ``data_2d_h36m_<detector>.npz`` holds ``positions_2d``: subject -> action -> one
(t', 17, 2) array of pixels for each camera, and ``metadata``; t' may exceed t. Both are pickled
objects, read by an unpickler that builds arrays only.

Source: Ionescu et al., "Human3.6M", TPAMI 2014; layout: Pavllo et al., CVPR 2019.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch

from vitruve.data.archives import open_archive, read_member
from vitruve.data.cameras import h36m_rigs
from vitruve.data.sequences import MotionSequence, finite_joints
from vitruve.geometry.camera import Camera
from vitruve.poses import KeypointSequence
from vitruve.skeletons import SKELETONS, Skeleton

PAGE = "http://vision.imar.ro/human3.6m"
FPS = 50.0
SPLITS = {"train": ("S1", "S5", "S6", "S7", "S8"), "test": ("S9", "S11")}
JOINTS_17 = (0, 1, 2, 3, 6, 7, 8, 12, 13, 14, 15, 17, 18, 19, 25, 26, 27)
"""Which of the 32 recorded joints the 17 are."""
_COCO_LEFT = [1, 3, 5, 7, 9, 11, 13, 15]
_H36M_LEFT = [4, 5, 6, 11, 12, 13]


def read(
    root: str | Path, split: str | None = None, *, detector: str | None = None
) -> Iterator[MotionSequence]:
    """Yield every action of every subject of a split, with the four cameras of its rig.

    ``detector`` names the 2D file, for example ``gt`` or ``cpn_ft_h36m_dbb``; None for 3D only.

    Raises:
        FileNotFoundError: A file is missing.
        ValueError: A file is damaged, hostile, or of another layout.
    """
    root = Path(root)
    motion = _read(root / "data_3d_h36m.npz", "positions_3d")
    seen, skeleton = None, None
    if detector is not None:
        path = root / f"data_2d_h36m_{detector}.npz"
        seen = _read(path, "positions_2d")
        skeleton = _keypoint_skeleton(path, _read(path, "metadata"))
    return _sequences(motion, split, seen, skeleton, f"data_2d_h36m_{detector}.npz")


def _read(path: Path, key: str) -> Mapping[str, Any]:
    if not path.is_file():
        raise FileNotFoundError(
            f"{path} is missing: get Human3.6M from {PAGE} and prepare it as VideoPose3D's "
            "DATASETS.md describes (github.com/facebookresearch/VideoPose3D); expected are "
            "data_3d_h36m.npz and, for 2D, data_2d_h36m_<detector>.npz in one folder"
        )
    with open_archive(path) as archive:
        content = read_member(archive, key, objects=True)
    if not isinstance(content, dict):
        raise ValueError(f"{path}: {key!r} holds {type(content).__name__}, expected a dict")
    return content


def _sequences(
    motion: Mapping[str, Any],
    split: str | None,
    seen: Mapping[str, Any] | None,
    skeleton: Skeleton | None,
    label: str,
) -> Iterator[MotionSequence]:
    for subject, actions in motion.items():
        its_split = next((s for s, members in SPLITS.items() if subject in members), "")
        if split is not None and split != its_split:
            continue
        rig = h36m_rigs().get(subject, ())
        for action, joints in actions.items():
            views: list[np.ndarray] = []
            if seen is not None:
                views = _views(seen, subject, action, len(joints), label)
            yield _sequence(f"{subject} {action}", its_split, joints, rig, (views, skeleton, label))


def _views(
    seen: Mapping[str, Any], subject: str, action: str, frames: int, label: str
) -> list[np.ndarray]:
    try:
        views = [np.asarray(view, dtype=np.float32) for view in seen[subject][action]]
    except KeyError as error:
        raise ValueError(f"{label} has no keypoints of {subject} {action}") from error
    shortest = min(len(view) for view in views)
    if shortest < frames:
        raise ValueError(
            f"{label}: {subject} {action} has {shortest} frames of keypoints but {frames} of motion"
        )
    return [view[:frames] for view in views]


def _sequence(
    name: str,
    split: str,
    joints: Any,
    rig: tuple[Camera, ...],
    seen: tuple[list[np.ndarray], Skeleton | None, str],
) -> MotionSequence:
    joints = np.asarray(joints)
    if joints.ndim != 3 or joints.shape[1] not in (17, 32) or joints.shape[2] != 3:
        raise ValueError(f"{name}: joints of shape {joints.shape}, expected (t, 32, 3)")
    if joints.shape[1] == 32:
        joints = joints[:, JOINTS_17]
    joints_world, valid = finite_joints(joints)
    views, skeleton, model = seen
    subject, _, action = name.partition(" ")
    return MotionSequence(
        name=name,
        subject=subject,
        action=action,
        split=split,
        skeleton=SKELETONS["h36m_17"],
        fps=FPS,
        joints_world=joints_world,
        valid=valid,
        cameras=rig,
        keypoints=tuple(
            _keypoints(view, camera, skeleton, model)
            for view, camera in zip(views, rig, strict=True)
            if skeleton is not None
        )
        if views
        else (),
    )


def _keypoints(
    view: np.ndarray, camera: Camera, skeleton: Skeleton, model: str
) -> KeypointSequence:
    pixels = torch.from_numpy(np.nan_to_num(view[..., :2], posinf=0.0, neginf=0.0))
    valid = torch.from_numpy(np.isfinite(view[..., :2]).all(-1))
    return KeypointSequence(
        skeleton=skeleton,
        keypoints_px=pixels,
        valid=valid,
        confidence=valid.float(),
        frames=torch.arange(len(view)),
        fps=FPS,
        image_size_px=camera.image_size_px,
        model=model,
    )


def _keypoint_skeleton(path: Path, metadata: Mapping[str, Any]) -> Skeleton:
    """Which joints the 2D has: the file tells only their number and which are left."""
    left = sorted(int(i) for i in metadata.get("keypoints_symmetry", [[]])[0])
    for skeleton, its_left in (("h36m_17", _H36M_LEFT), ("coco_17", _COCO_LEFT)):
        if metadata.get("num_joints") == 17 and left == its_left:
            return SKELETONS[skeleton]
    raise ValueError(
        f"{path}: {metadata.get('num_joints')} keypoints with left side {left} are neither "
        "the 17 of Human3.6M nor those of COCO"
    )

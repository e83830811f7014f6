"""Human3.6M in the layout that VideoPose3D made common.

``data_3d_h36m.npz`` holds ``positions_3d``: subject -> action -> (t, 32, 3) world metres, 50 per
second. ``data_2d_h36m_<detector>.npz`` holds ``positions_2d``: subject -> action -> one
(t', k, 2) array of pixels for each camera, and ``metadata``; t' may exceed t. Both are pickled
objects, read by an unpickler that builds arrays only.

Source: Ionescu et al., "Human3.6M", TPAMI 2014; layout: Pavllo et al., CVPR 2019.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch

from vitruve.data.cameras.virtual import h36m_rigs
from vitruve.data.sequences.clip import MotionSequence, finite_joints
from vitruve.geometry.camera import Camera
from vitruve.io.npz_members import open_archive, read_member
from vitruve.poses import KeypointSequence
from vitruve.skeletons import SKELETONS, Skeleton

PAGE = "http://vision.imar.ro/human3.6m"
FPS = 50.0
_NUM_CAMERAS = 4
SPLITS = {"train": ("S1", "S5", "S6", "S7", "S8"), "test": ("S9", "S11")}
JOINTS_17 = (0, 1, 2, 3, 6, 7, 8, 12, 13, 14, 15, 17, 18, 19, 25, 26, 27)
"""Which of the 32 recorded joints the 17 are."""
_KEYPOINTS = (
    ("h36m_17", [4, 5, 6, 11, 12, 13]),
    ("coco_17", [1, 3, 5, 7, 9, 11, 13, 15]),
    ("mpii_16", [3, 4, 5, 13, 14, 15]),
    ("h36m_16", [4, 5, 6, 10, 11, 12]),
)
"""Joint sets of the published detections, with their left joints; the hourglass's is MPII's."""


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


def detectors(root: str | Path) -> tuple[str, ...]:
    """Which 2D the folder holds, by the names that ``read`` takes; exact 2D (``gt``) first."""
    prefix = "data_2d_h36m_"
    found = [p.stem.removeprefix(prefix) for p in Path(root).glob(f"{prefix}*.npz")]
    return tuple(sorted(found, key=lambda name: (name != "gt", name)))


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
            if seen is not None and skeleton is not None:
                views = _views(seen, subject, action, len(joints), (skeleton, label))
            yield _sequence(f"{subject} {action}", its_split, joints, rig, (views, skeleton, label))


def _views(
    seen: Mapping[str, Any],
    subject: str,
    action: str,
    frames: int,
    source: tuple[Skeleton, str],
) -> list[np.ndarray]:
    skeleton, label = source
    try:
        views = [np.asarray(view, dtype=np.float32) for view in seen[subject][action]]
    except KeyError as error:
        raise ValueError(f"{label} has no keypoints of {subject} {action}") from error
    if len(views) != _NUM_CAMERAS:
        raise ValueError(f"{label}: {subject} {action} has {len(views)} views, expected 4")
    k = skeleton.num_joints
    if odd := [v.shape for v in views if v.ndim != 3 or v.shape[1] != k or v.shape[2] < 2]:
        raise ValueError(
            f"{label}: {subject} {action} has keypoints of shape {odd[0]}, expected (t, {k}, 2)"
        )
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
    for name, its_left in _KEYPOINTS:
        if metadata.get("num_joints") == SKELETONS[name].num_joints and left == its_left:
            return SKELETONS[name]
    raise ValueError(
        f"{path}: {metadata.get('num_joints')} keypoints with left side {left} are neither "
        f"of {', '.join(name for name, _ in _KEYPOINTS)}"
    )

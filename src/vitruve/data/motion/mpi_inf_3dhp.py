"""MPI-INF-3DHP: one person in a studio and outdoors, seen by one camera at a time.

Two layouts. As P-STMO and MotionAGFormer keep it: ``data_train_3dhp.npz`` and
``data_test_3dhp.npz`` (``data_*_3dhp_ori.npz`` as D3DP does, with ``annot3``). As published: the
test set's ``TS1/annot_data.mat`` to ``TS6/annot_data.mat``. Joints are camera-frame millimetres, of
the person's own size (``annot3``) or of a universal one (``univ_annot3``); errors on the two do not
compare.

Source: Mehta et al., "Monocular 3D human pose estimation in the wild using improved CNN
supervision", 3DV 2017, https://arxiv.org/abs/1611.09813.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch

from vitruve.data.cameras.level import fit_intrinsics, level_world
from vitruve.data.decoding.mat_file import read_mat
from vitruve.data.sequences.clip import MotionSequence
from vitruve.geometry.camera import Camera
from vitruve.io.npz_members import open_archive, read_member
from vitruve.poses import KeypointSequence
from vitruve.skeletons import SKELETONS

PAGE = "https://vcai.mpi-inf.mpg.de/3dhp-dataset"
Annotation = Literal["univ_annot3", "annot3"]
NPZ_SUFFIX: dict[Annotation, str] = {"univ_annot3": "", "annot3": "_ori"}
SEQUENCES = ("TS1", "TS2", "TS3", "TS4", "TS5", "TS6")
FARTHEST = 10.0
"""Frames with a keypoint this many half widths off the image's middle are damaged (a few hundred in
the training set)."""
_STUDIO_SIZE_PX, _OUTDOOR_SIZE_PX = (2048, 2048), (1920, 1080)
_OUTDOOR = ("TS5", "TS6")
_STUDIO_LENS = (1500.17, 1017.39, 1043.03)
_OUTDOOR_LENS = (1683.98, 939.86, 560.14)
"""Focal length and principal point of the test cameras, pixels; as in D3DP's evaluation."""
_TEST_FPS = 25.0
"""The files state none; no score depends on it."""
_NUM_JOINTS = 17


def read(
    root: str | Path, split: str | None = None, *, annotation: Annotation = "univ_annot3"
) -> Iterator[MotionSequence]:
    """Yield every sequence of every camera of a split.

    The world is that of a level camera, since the files do not say how the cameras stood. Frames
    that are not ``valid`` in the test set, or that are damaged, have no valid joint.

    Raises:
        FileNotFoundError: A file is missing.
        ImportError: The test set is there as ``.mat`` files only and h5py is not installed.
        ValueError: A file is damaged, hostile, or of another layout.
    """
    root = Path(root)
    suffix = NPZ_SUFFIX[annotation]
    parts: list[Iterator[MotionSequence]] = []
    if split in (None, "train"):
        path = root / f"data_train_3dhp{suffix}.npz"
        parts.append(_train(_content(path), path))
    if split in (None, "test"):
        path = root / f"data_test_3dhp{suffix}.npz"
        parts.append(_test(root, path, annotation))
    return (sequence for part in parts for sequence in part)


def _missing(path: Path) -> FileNotFoundError:
    return FileNotFoundError(
        f"{path} is missing: get MPI-INF-3DHP from {PAGE}; expected are data_train_3dhp.npz and "
        "data_test_3dhp.npz as P-STMO prepares them (_ori for annot3), or for the test set "
        "TS1/annot_data.mat to TS6/annot_data.mat as published"
    )


def _content(path: Path) -> Mapping[str, Any]:
    if not path.is_file():
        raise _missing(path)
    with open_archive(path) as archive:
        content = read_member(archive, "data", objects=True)
    if not isinstance(content, dict):
        raise ValueError(f"{path}: 'data' holds {type(content).__name__}, expected a dict")
    return content


def _train(content: Mapping[str, Any], path: Path) -> Iterator[MotionSequence]:
    for name, entry in content.items():
        try:
            cameras, fps = entry[0], float(entry[1])
            views = {str(camera): (v["data_2d"], v["data_3d"]) for camera, v in cameras.items()}
        except (AttributeError, KeyError, TypeError, IndexError, ValueError) as error:
            raise ValueError(
                f"{path}: {name!r} is not [{{camera: {{data_2d, data_3d}}}}, fps]: {error!r}"
            ) from error
        for camera, arrays in views.items():
            label = f"{name} camera {camera}"
            points, joints = _arrays(path, label, *arrays)
            intact = np.asarray(_sane(points, _STUDIO_SIZE_PX).all(-1))
            lens = fit_intrinsics(points[intact].reshape(-1, 2), joints[intact].reshape(-1, 3))
            yield _sequence(label, "train", fps, points, joints, (intact, lens, _STUDIO_SIZE_PX))


def _test(root: Path, path: Path, annotation: Annotation) -> Iterator[MotionSequence]:
    """The test sequences of the npz file, or of the mat files where there is none."""
    mats = {name: root / name / "annot_data.mat" for name in SEQUENCES}
    if path.is_file():
        content = _content(path)
        found = ((n, _fields(path, n, content)) for n in content)
    elif any(mat.is_file() for mat in mats.values()):
        found = ((n, _mat_fields(mat, annotation)) for n, mat in mats.items())
    else:
        raise _missing(path)
    return (_test_sequence(path, name, fields) for name, fields in found)


def _fields(path: Path, name: str, content: Mapping[str, Any]) -> tuple[Any, Any, Any]:
    try:
        return tuple(content[name][key] for key in ("data_2d", "data_3d", "valid"))
    except (KeyError, TypeError, IndexError) as error:
        raise ValueError(f"{path}: {name!r} is no {{data_2d, data_3d, valid}}") from error


def _mat_fields(path: Path, annotation: Annotation) -> tuple[Any, Any, Any]:
    if not path.is_file():
        raise _missing(path)
    arrays = read_mat(path, ("annot2", annotation, "valid_frame"))
    # HDF5 order: frames, people (one), joints, coordinates.
    if odd := [a.shape for a in (arrays["annot2"], arrays[annotation]) if a.shape[1:2] != (1,)]:
        raise ValueError(f"{path}: annotations of shape {odd[0]}, expected (t, 1, 17, c)")
    return arrays["annot2"][:, 0], arrays[annotation][:, 0], arrays["valid_frame"]


def _test_sequence(path: Path, name: str, fields: tuple[Any, Any, Any]) -> MotionSequence:
    points, joints = _arrays(path, name, *fields[:2])
    valid = np.asarray(fields[2]).reshape(-1).astype(bool)
    if len(valid) != len(points):
        raise ValueError(f"{path}: {name} has {len(points)} frames but {len(valid)} flags in valid")
    outdoor = name in _OUTDOOR
    f, cx, cy = _OUTDOOR_LENS if outdoor else _STUDIO_LENS
    lens = torch.tensor([[f, 0.0, cx], [0.0, f, cy], [0.0, 0.0, 1.0]])
    size = _OUTDOOR_SIZE_PX if outdoor else _STUDIO_SIZE_PX
    return _sequence(name, "test", _TEST_FPS, points, joints, (valid, lens, size))


def _arrays(path: Path, name: str, points: Any, joints: Any) -> tuple[np.ndarray, np.ndarray]:
    points, joints = np.asarray(points, np.float64), np.asarray(joints, np.float64)
    n = len(joints)
    if points.shape != (n, _NUM_JOINTS, 2) or joints.shape != (n, _NUM_JOINTS, 3):
        raise ValueError(
            f"{path}: {name} has 2D {points.shape} and 3D {joints.shape}, expected (t, 17, 2) and "
            "(t, 17, 3)"
        )
    if not np.isfinite(points).all() or not np.isfinite(joints).all():
        raise ValueError(f"{path}: {name} holds numbers that are not finite")
    return points, joints / 1000


def _sane(points: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    return np.asarray((np.abs(points / (size[0] / 2) - 1) <= FARTHEST).all(-1))


def _sequence(
    name: str,
    split: str,
    fps: float,
    points: np.ndarray,
    joints: np.ndarray,
    rest: tuple[np.ndarray, torch.Tensor, tuple[int, int]],
) -> MotionSequence:
    intact, intrinsics, size = rest
    valid = np.repeat(intact[:, None], _NUM_JOINTS, 1)
    joints_world, T_world_cam = level_world(joints, valid)
    seen = torch.from_numpy(_sane(points, size))
    skeleton = SKELETONS["mpi_inf_3dhp_17"]
    return MotionSequence(
        name=name,
        subject=name.partition(" ")[0],
        action="",
        split=split,
        skeleton=skeleton,
        fps=fps,
        joints_world=joints_world,
        valid=valid,
        cameras=(Camera(intrinsics, size, T_world_cam=T_world_cam),),
        keypoints=(
            KeypointSequence(
                skeleton=skeleton,
                keypoints_px=torch.from_numpy(points.astype(np.float32)),
                valid=seen,
                confidence=seen.float(),
                frames=torch.arange(len(points)),
                fps=fps,
                image_size_px=size,
                model="annot2",
            ),
        ),
    )

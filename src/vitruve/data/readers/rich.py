"""RICH: people in touch with scanned places, before 6 to 8 cameras that stand still.

``bodies/<split>/<sequence>/<frame>/<subject>.pkl`` are parameters of SMPL-X in the frame of the
first camera, metres, hands as coefficients of the model's own poses. The first word of a sequence
is its place; ``scan_calibration/<place>/calibration/<camera>.xml`` holds ``CameraMatrix`` (3 x 4),
``Intrinsics`` and ``Distortion``. Moving cameras have none and are left out. Faces stay neutral.

Source: Huang et al., CVPR 2022; format: the toolkit's README, posepile.
"""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from vitruve.data.datasets.examples import Part, PictureExample
from vitruve.data.readers.boxes import picture_size_px
from vitruve.data.readers.release import (
    check_pose,
    field,
    find,
    finite,
    frame_number,
    make_camera,
    require,
)
from vitruve.data.readers.smpl_fits import NUM_BETAS, fitted_joints, load_model
from vitruve.geometry.camera import Camera
from vitruve.io.errors import FileError
from vitruve.io.images import list_images
from vitruve.io.limits import read_text
from vitruve.io.npz_members import open_archive, read_member
from vitruve.io.restricted_pickle import read_pickle
from vitruve.skeletons import SKELETONS

NAME = "rich"
WOMEN = (9, 10, 12, 13, 16, 17, 18, 19, 21)
"""Which of the subjects, by the toolkit's list; the others are men."""
NUM_SUBJECTS = 22
_POSES = {"global_orient": 1, "body_pose": 21, "jaw_pose": 1, "leye_pose": 1, "reye_pose": 1}
"""Rotation vectors of each, in the order of SMPL-X's bones; hands follow."""
_HAND_VALUES = 45
_CAMERA = re.compile(r"cam_(\d+)")


def parts(root: Path, split: str | None = None) -> list[Part]:
    """Every calibrated camera of every sequence.

    Raises:
        FileNotFoundError: There are no pictures.
    """
    found = []
    for folder in find(NAME, root, "images/*/*/cam_*"):
        its_split, sequence, camera = folder.parts[-3:]
        if _CAMERA.fullmatch(camera) and _calibration(root, sequence, camera).exists():
            found.append(Part(root, f"{its_split}/{sequence}/{camera}", its_split))
    return [part for part in found if split in (None, part.split)]


def read(part: Part) -> Iterator[PictureExample]:
    """Every person of every picture that has a body.

    Raises:
        FileNotFoundError: A file is missing.
        ValueError: A file is damaged or of another layout.
    """
    split, sequence, camera_name = part.name.split("/")
    pictures = list_images(part.root / "images" / part.name)
    frames = {frame_number(path, path.stem.partition("_")[0]): path for path in pictures}
    size = picture_size_px(pictures[0])
    camera, R, t = _camera(require(NAME, _calibration(part.root, sequence, camera_name)), size)
    folder = require(NAME, part.root / "bodies" / split / sequence)
    fits = sorted(p for p in folder.glob("*/*.pkl") if frame_number(p, p.parent.name) in frames)
    people = [
        _joints(part.root, subject, [path for path in fits if path.stem == subject])
        for subject in sorted({path.stem for path in fits})
    ]
    skeleton = SKELETONS["smplx_42"]
    for frame, picture in sorted(frames.items()):
        for person, (subject, valid, motion) in enumerate(people):
            if frame in motion:
                yield PictureExample(
                    picture=picture,
                    video_frame=None,
                    skeleton=skeleton,
                    valid=valid,
                    joints_cam=np.where(valid[:, None], motion[frame] @ R.T + t, 0.0),
                    keypoints_px=None,
                    camera=camera,
                    sequence=part.name,
                    frame=frame,
                    split=part.split,
                    subject=subject,
                    person=person,
                )


def _joints(
    root: Path, subject: str, fits: Sequence[Path]
) -> tuple[str, np.ndarray, dict[int, np.ndarray]]:
    """Subject, which joints are known, and joints by frame in the first camera's frame."""
    number = frame_number(fits[0], subject)
    if number >= NUM_SUBJECTS:
        raise FileError(f"{fits[0]}: subject {number} is not known, there are 0 to 21")
    gender = "FEMALE" if number in WOMEN else "MALE"
    model = require(NAME, root / f"body_models/smplx/SMPLX_{gender}.npz")
    hands = _hands(model)
    said = [_parameters(path, hands) for path in fits]
    rotvecs, betas, shift = (np.stack(values) for values in zip(*said, strict=True))
    body = load_model("smplx", model)
    joints, valid = fitted_joints(body, SKELETONS["smplx_42"], rotvecs, betas, shift)
    frames = [frame_number(path, path.parent.name) for path in fits]
    return subject, valid, dict(zip(frames, joints, strict=True))


def _parameters(
    path: Path, hands: dict[str, tuple[np.ndarray, np.ndarray]]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(55, 3) rotation vectors, (10,) shape, (3,) shift."""
    fit = read_pickle(path)

    def values(key: str, length: int | None) -> np.ndarray:
        return finite(path, key, np.ravel(field(path, fit, key)), (length,))

    pose = [values(key, 3 * bones) for key, bones in _POSES.items()]
    for side, (mean, directions) in hands.items():
        along = values(f"{side}_hand_pose", None)
        if len(along) > len(directions):
            raise FileError(f"{path}: {side}_hand_pose has {len(along)} values, at most 45")
        pose.append(mean + along @ directions[: len(along)])
    return np.concatenate(pose).reshape(-1, 3), values("betas", NUM_BETAS), values("transl", 3)


def _hands(model: Path) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Mean pose of each hand, and the directions in which it varies."""
    with open_archive(model) as archive:

        def values(name: str, *shape: int) -> np.ndarray:
            return finite(model, name, read_member(archive, name), shape)

        return {
            side: (
                values(f"hands_mean{side[0]}", _HAND_VALUES),
                values(f"hands_components{side[0]}", _HAND_VALUES, _HAND_VALUES),
            )
            for side in ("left", "right")
        }


def _calibration(root: Path, sequence: str, camera: str) -> Path:
    number = int(camera.removeprefix("cam_"))
    place = sequence.partition("_")[0]
    return root / f"scan_calibration/{place}/calibration/{number:03d}.xml"


def _camera(path: Path, size_px: tuple[int, int]) -> tuple[Camera, np.ndarray, np.ndarray]:
    text = read_text(path)

    def values(name: str, length: int | None = None) -> np.ndarray:
        said = re.search(rf"<{name}\b.*?<data>(.*?)</data>", text, re.DOTALL)
        if said is None:
            raise FileError(f"{path} has no {name} with data")
        return finite(path, name, said[1].split(), (length,))

    T, K = values("CameraMatrix", 12).reshape(3, 4), values("Intrinsics", 9).reshape(3, 3)
    R, t = check_pose(path, T[:, :3], T[:, 3])
    return make_camera(path, K, size_px, distortion=values("Distortion")), R, t

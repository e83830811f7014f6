"""GPA: people with markers on and around boxes, before five cameras.

``xyz_gpa12_mdp_cntind_crop_cam_c2g.json`` has ``images`` and ``annotations`` of one order; an
annotation has ``joint_cams`` (3, 34) camera millimetres, ``f`` and ``c``. A picture's name ends in
ten digits, which tell its folders.

Source: Wang et al., "Geometric pose affordance", arXiv:1905.07718; format: posepile.
"""

from collections.abc import Iterator
from pathlib import Path

from vitruve.data.datasets.examples import Mask, Part, PictureExample
from vitruve.data.readers.boxes import picture_size_px
from vitruve.data.readers.release import (
    MM,
    clean_joints,
    field,
    make_camera,
    numbers,
    read_json_file,
    require,
)
from vitruve.io.errors import FileError
from vitruve.skeletons import SKELETONS

NAME = "gpa"
LABELS = "xyz_gpa12_mdp_cntind_crop_cam_c2g.json"
PICTURES, MASKS = "Gaussian_img_jpg_new", "img_jpg_new_resnet101deeplabv3humanmask"
MASK_ABOVE = 10.0
"""Masks are JPEG: nearly black is background."""
_DIGITS = 10


def parts(root: Path, split: str | None = None) -> list[Part]:
    """The two sets of the one file of labels.

    Raises:
        FileNotFoundError: It is missing.
    """
    require(NAME, root / LABELS)
    return [Part(root, name, name) for name in ("train", "test") if split in (None, name)]


def read(part: Part) -> Iterator[PictureExample]:
    """Every picture of a set.

    Raises:
        FileNotFoundError: A picture is missing.
        ValueError: The labels are damaged or of another layout.
    """
    path = part.root / LABELS
    labels = read_json_file(path)
    pairs = zip(field(path, labels, "images"), field(path, labels, "annotations"), strict=True)
    skeleton = SKELETONS["gpa_34"]
    for image, annotation in pairs:
        if bool(field(path, annotation, "istrains")) != (part.name == "train"):
            continue
        number = Path(str(field(path, image, "file_name"))).stem[-_DIGITS:]
        if len(number) != _DIGITS or not number.isdigit():
            raise FileError(f"{path}: a picture's name ends in {number!r}, not in ten digits")
        within = f"{number[:6]}/{number[6:8]}/{number}"
        picture = part.root / PICTURES / f"{within}.jpg"
        mask = part.root / MASKS / f"{within}_mask.jpg"
        given = field(path, annotation, "joint_cams")
        joints = numbers(path, "joint_cams", given, (3, skeleton.num_joints)).T * MM
        joints_cam, valid = clean_joints(joints)
        f = numbers(path, "f", field(path, annotation, "f"), (2,))
        c = numbers(path, "c", field(path, annotation, "c"), (2,))
        K = [[f[0], 0, c[0]], [0, f[1], c[1]], [0, 0, 1]]
        yield PictureExample(
            picture=picture,
            video_frame=None,
            skeleton=skeleton,
            valid=valid,
            joints_cam=joints_cam,
            keypoints_px=None,
            camera=make_camera(path, K, picture_size_px(picture)),
            sequence=part.name,
            frame=int(number),
            split=part.split,
            mask=Mask(mask, above=MASK_ABOVE) if mask.exists() else None,
        )

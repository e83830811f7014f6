"""3DOH50K: people behind things in an office, single pictures of six cameras.

``<trainset|testset>/annots.json`` names each picture with ``lsp_joints_3d`` (14, 3), camera frame,
seven units to the metre; ``intri``; and ``bbox``, two corners.

Source: Zhang et al., "Object-occluded human shape and pose estimation from a single color image",
CVPR 2020; format: posepile.
"""

from collections.abc import Iterator
from pathlib import Path

from vitruve.data.datasets.examples import Mask, Part, PictureExample
from vitruve.data.readers.boxes import picture_size_px
from vitruve.data.readers.release import (
    clean_joints,
    field,
    find,
    finite,
    make_camera,
    numbers,
    read_json_file,
    require,
    within,
)
from vitruve.skeletons import SKELETONS

NAME = "3doh50k"
UNITS_PER_M = 7.0
_NUM_JOINTS = 14


def parts(root: Path, split: str | None = None) -> list[Part]:
    """The files of labels: train, test.

    Raises:
        FileNotFoundError: There is none.
    """
    found = find(NAME, root, "*set/annots.json")
    names = [path.parent.name for path in found]
    return [Part(root, n, n[:-3]) for n in names if split in (None, n[:-3])]


def read(part: Part) -> Iterator[PictureExample]:
    """Every picture.

    Raises:
        FileNotFoundError: A picture is missing.
        ValueError: The labels are damaged or of another layout.
    """
    folder = part.root / part.name
    path = require(NAME, folder / "annots.json")
    for number, (name, annotation) in enumerate(read_json_file(path).items()):
        given = field(path, annotation, "lsp_joints_3d")
        joints = numbers(path, "lsp_joints_3d", given, (_NUM_JOINTS, 3)) / UNITS_PER_M
        joints_cam, valid = clean_joints(joints)
        picture = within(path, folder / "images", f"{name}.jpg")
        box = finite(path, "bbox", field(path, annotation, "bbox"), (2, 2)).ravel()
        mask = folder / "masks" / f"{name}.png"
        yield PictureExample(
            picture=picture,
            video_frame=None,
            skeleton=SKELETONS["lsp_14_posepile"],
            valid=valid,
            joints_cam=joints_cam,
            keypoints_px=None,
            camera=make_camera(path, field(path, annotation, "intri"), picture_size_px(picture)),
            # Pictures do not follow each other.
            sequence=f"{part.name}/{name}",
            frame=number,
            split=part.split,
            box_px=box,
            mask=Mask(mask) if mask.exists() else None,
        )

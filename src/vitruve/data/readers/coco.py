"""COCO's people: photographs with 17 2D joints.

``annotations/person_keypoints_<split><year>.json``; pictures in ``<split><year>``.

Source: Lin et al., "Microsoft COCO", ECCV 2014; cocodataset.org, data format.
"""

from collections.abc import Iterator
from pathlib import Path

from vitruve.data.datasets.examples import Part, PictureExample
from vitruve.data.readers.boxes import box_from_corner
from vitruve.data.readers.coco_labels import keypoints, pictures_with_people
from vitruve.data.readers.release import field, find, within
from vitruve.skeletons import SKELETONS

NAME = "coco"
_PREFIX = "person_keypoints_"


def parts(root: Path, split: str | None = None) -> list[Part]:
    """Every file of labels, for example ``train2017``.

    Raises:
        FileNotFoundError: There is none.
    """
    found = find(NAME, root, f"annotations/{_PREFIX}*.json")
    names = [path.stem.removeprefix(_PREFIX) for path in found]
    return [Part(root, n, n[:-4]) for n in names if split in (None, n, n[:-4])]


def read(part: Part) -> Iterator[PictureExample]:
    """Every person with labelled joints; crowds have none.

    Raises:
        ValueError: The labels are damaged or of another layout.
    """
    path = part.root / f"annotations/{_PREFIX}{part.name}.json"
    skeleton = SKELETONS["coco_17"]
    for number, (image, people) in enumerate(pictures_with_people(path)):
        file_name = str(field(path, image, "file_name"))
        for person, annotation in enumerate(people):
            points, valid = keypoints(path, annotation, skeleton.num_joints)
            if annotation.get("iscrowd") or not valid.any():
                continue
            yield PictureExample(
                picture=within(path, part.root / part.name, file_name),
                video_frame=None,
                skeleton=skeleton,
                valid=valid,
                joints_cam=None,
                keypoints_px=points,
                camera=None,
                sequence=file_name,
                frame=number,
                split=part.split,
                person=person,
                box_px=box_from_corner(path, annotation),
            )

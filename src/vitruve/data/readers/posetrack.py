"""PoseTrack18: people in videos of the web, some frames with 2D joints.

``posetrack_data/annotations/<split>/<sequence>.json`` is laid out like COCO's; ``file_name`` starts
at the folder of the release.

Source: Andriluka et al., "PoseTrack", CVPR 2018.
"""

from collections.abc import Iterator
from pathlib import Path

from vitruve.data.datasets.examples import Part, PictureExample
from vitruve.data.readers.boxes import box_from_corner
from vitruve.data.readers.coco_labels import keypoints, pictures_with_people
from vitruve.data.readers.release import field, find, within
from vitruve.skeletons import SKELETONS

NAME = "posetrack"
_LABELS = "posetrack_data/annotations"


def parts(root: Path, split: str | None = None) -> list[Part]:
    """Every sequence of a split; the test set has no labels.

    Raises:
        FileNotFoundError: There is none.
    """
    found = [p for p in find(NAME, root, f"{_LABELS}/*/*.json") if p.parent.name != "test"]
    names = [(f"{path.parent.name}/{path.stem}", path.parent.name) for path in found]
    return [Part(root, name, its) for name, its in names if split in (None, its)]


def read(part: Part) -> Iterator[PictureExample]:
    """Every person with a box and labelled joints.

    Raises:
        ValueError: The labels are damaged or of another layout.
    """
    path = part.root / f"{_LABELS}/{part.name}.json"
    skeleton = SKELETONS["posetrack18_17"]
    for number, (image, people) in enumerate(pictures_with_people(path)):
        for annotation in people:
            box = box_from_corner(path, annotation)
            if box is None or "keypoints" not in annotation:
                continue
            points, valid = keypoints(path, annotation, skeleton.num_joints)
            track = int(field(path, annotation, "track_id"))
            yield PictureExample(
                picture=within(path, part.root, field(path, image, "file_name")),
                video_frame=None,
                skeleton=skeleton,
                valid=valid,
                joints_cam=None,
                keypoints_px=points,
                camera=None,
                sequence=part.name,
                frame=number,
                split=part.split,
                subject=f"{part.name}/{track}",
                person=track,
                box_px=box,
            )

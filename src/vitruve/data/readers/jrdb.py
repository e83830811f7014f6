"""JRDB-Pose: people around a robot, seen by its five cameras, with 17 2D joints.

``train_dataset/labels/labels_2d_pose_coco/<sequence>.json`` is laid out like COCO's; ``file_name``
starts at ``train_dataset/images``. Labels belong to the frame two later than they name.

Source: Vendrow et al., "JRDB-Pose", CVPR 2023; the shift of frames: posepile.
"""

from collections.abc import Iterator
from pathlib import Path

from vitruve.data.datasets.examples import Part, PictureExample
from vitruve.data.readers.coco_labels import keypoints, pictures_with_people
from vitruve.data.readers.release import field, find, within
from vitruve.io.errors import FileError
from vitruve.skeletons import SKELETONS

NAME = "jrdb"
FRAMES_LATER = 2
_LABELS = "train_dataset/labels/labels_2d_pose_coco"


def parts(root: Path, split: str | None = None) -> list[Part]:
    """Every file of labels; only the training set has them.

    Raises:
        FileNotFoundError: There is none.
    """
    found = find(NAME, root, f"{_LABELS}/*.json")
    return [Part(root, p.stem, "train") for p in found] if split in (None, "train") else []


def read(part: Part) -> Iterator[PictureExample]:
    """Every person with labelled joints.

    Raises:
        ValueError: The labels are damaged or of another layout.
    """
    path = part.root / f"{_LABELS}/{part.name}.json"
    pictures = part.root / "train_dataset/images"
    skeleton = SKELETONS["jrdb_17"]
    for image, people in pictures_with_people(path):
        camera, frame = _camera_and_frame(path, str(field(path, image, "file_name")))
        for annotation in people:
            points, valid = keypoints(path, annotation, skeleton.num_joints)
            if not valid.any():
                continue
            track = int(field(path, annotation, "track_id"))
            yield PictureExample(
                picture=within(path, pictures, f"{camera}/{frame:06d}.jpg"),
                video_frame=None,
                skeleton=skeleton,
                valid=valid,
                joints_cam=None,
                keypoints_px=points,
                camera=None,
                sequence=camera,
                frame=frame,
                split=part.split,
                subject=f"{part.name}/{track}",
                person=track,
            )


def _camera_and_frame(path: Path, file_name: str) -> tuple[str, int]:
    """Folder of the camera's pictures, number of the picture that is meant."""
    folder, _, last = file_name.rpartition("/")
    number = last.partition(".")[0]
    if not number.isdigit():
        raise FileError(f"{path}: {file_name!r} is not a camera, a sequence and a frame")
    return folder, int(number) + FRAMES_LATER

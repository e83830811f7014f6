"""HSPACE: rigged people rendered into moving scenes, several in a picture.

``2021_01/<split>/*.tfrecord`` have a record for each picture: ``image/rgb``, encoded;
``camera_intrinsics`` (fx, fy, cx, cy); ``number_of_rigged_characters``, and of each
``RIGGED_<n>/joints_3d``, GHUM's 63 joints in the camera's frame, metres. Masks are not read.

Source: Bazavan et al., "HSPACE", arXiv:2112.12867; format: posepile.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path

from vitruve.data.datasets.examples import Part, PictureExample
from vitruve.data.decoding.picture import encoded_size_px
from vitruve.data.readers.release import clean_joints, find, make_camera, numbers, require
from vitruve.geometry.camera import Camera
from vitruve.io.errors import FileError
from vitruve.io.limits import clip, read_span
from vitruve.io.tf_records import RecordFeature, read_records
from vitruve.skeletons import SKELETONS

NAME = "hspace"
MAX_PEOPLE = 100
_PICTURE, _CAMERA, _PEOPLE = "image/rgb", "camera_intrinsics", "number_of_rigged_characters"


def parts(root: Path, split: str | None = None) -> list[Part]:
    """Every file of records.

    Raises:
        FileNotFoundError: There is none.
    """
    files = find(NAME, root, "2021_01/*/*.tfrecord")
    found = [Part(root, f"{path.parent.name}/{path.stem}", path.parent.name) for path in files]
    return [part for part in found if split in (None, part.split)]


def read(part: Part) -> Iterator[PictureExample]:
    """Every person of every picture.

    Raises:
        FileNotFoundError: The file is missing.
        ValueError: It is damaged or of another layout.
    """
    path = require(NAME, part.root / f"2021_01/{part.name}.tfrecord")
    skeleton, all_joints = SKELETONS["ghum_35"], SKELETONS["ghum_63"]
    chosen = [all_joints.names.index(name) for name in skeleton.names]
    for frame, record in enumerate(read_records(path)):
        spans = _feature(path, record, _PICTURE).spans
        if len(spans) != 1:
            raise FileError(f"{path}: a record has {len(spans)} pictures, expected one")
        camera = _camera(path, record, encoded_size_px(read_span(path, spans[0]), str(path)))
        count = numbers(path, _PEOPLE, _feature(path, record, _PEOPLE).numbers, (1,))[0]
        if not 0 <= count <= MAX_PEOPLE:
            raise FileError(f"{path}: {_PEOPLE} is {count:.0f}, expected 0 to {MAX_PEOPLE}")
        for person in range(int(count)):
            name = f"RIGGED_{person}/joints_3d"
            said = _feature(path, record, name).numbers
            joints = numbers(path, name, said, (3 * all_joints.num_joints,)).reshape(-1, 3)
            joints_cam, valid = clean_joints(joints[chosen])
            yield PictureExample(
                picture=path,
                video_frame=None,
                skeleton=skeleton,
                valid=valid,
                joints_cam=joints_cam,
                keypoints_px=None,
                camera=camera,
                sequence=part.name,
                frame=frame,
                split=part.split,
                subject=f"{part.name}/{person}",
                person=person,
                span=spans[0],
            )


def _camera(path: Path, record: Mapping[str, RecordFeature], size_px: tuple[int, int]) -> Camera:
    said = _feature(path, record, _CAMERA).numbers
    fx, fy, cx, cy = numbers(path, _CAMERA, said, (4,))
    return make_camera(path, [[fx, 0, cx], [0, fy, cy], [0, 0, 1]], size_px)


def _feature(path: Path, record: Mapping[str, RecordFeature], name: str) -> RecordFeature:
    if name not in record:
        there = clip(", ".join(record)) or "nothing"
        raise FileError(f"{path}: a record has no {name}; there is {there}")
    return record[name]

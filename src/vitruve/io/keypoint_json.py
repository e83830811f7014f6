"""2D keypoints as other tools write them in JSON, recognised by content.

Layouts, and where each is documented or written:

- OpenPose: ``{"people": [{"pose_keypoints_2d": [x, y, c, ...]}]}``, one file per frame,
  https://github.com/CMU-Perceptual-Computing-Lab/openpose/blob/master/doc/02_output.md
- AlphaPose: a list like COCO's with ``image_id`` a file name and ``idx`` a person; its variants
  ``cmu`` (``bodies``/``joints``) and ``open`` (``people``) keyed by file name,
  https://github.com/MVIG-SJTU/AlphaPose/blob/master/docs/output.md
- COCO: the list of results, or the dataset with ``images`` and ``annotations``,
  https://cocodataset.org/#format-results and https://cocodataset.org/#format-data
- MMPose: ``frame_id`` and ``instances`` per frame, or the list of one image's instances, as
  ``mmpose/structures/utils.py`` splits them; the demo wraps frames, counted from 1, in
  ``instance_info``, https://mmpose.readthedocs.io/en/latest/user_guides/inference.html
- MediaPipe: landmarks as ``{"x", "y", "z", "visibility"}``, 0 to 1 of the image,
  https://ai.google.dev/edge/mediapipe/solutions/vision/pose_landmarker
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np

from vitruve.io.archive import load_json
from vitruve.io.errors import FileError
from vitruve.io.keypoint_tracks import (
    Found,
    Sighting,
    to_fps,
    to_keypoints,
    to_size,
    to_tracks,
)
from vitruve.io.limits import clip
from vitruve.io.natural_order import natural_key

_OPENPOSE_KEYS = ("pose_keypoints_2d", "pose_keypoints", "joints")
_LANDMARK_KEYS = ("landmarks", "pose_landmarks", "poseLandmarks", "keypoints")
_FRAME_KEYS = ("frame_id", "frame", "frame_index", "frameIndex", "frame_idx", "image_id")
_PERSON_KEYS = ("track_id", "idx", "person_id")
_PACKED = {"keypoints", "keypoint_scores", *_OPENPOSE_KEYS}
_MMPOSE_SKELETONS = {
    "coco": "coco_17",
    "coco_wholebody": "coco_wholebody_133",
    "halpe": "halpe_136",
    "halpe26": "halpe_26",
    "mpii": "mpii_16",
    "h36m": "h36m_17_mmpose",
    "ap10k": "ap10k_17",
}
_MAX_FRAME = 2**40


def pack_keypoints(item: dict[str, Any]) -> dict[str, Any]:
    """Turn the keypoint lists of one JSON object into arrays, an eighth of their memory.

    What is no list of numbers stays as it is, for the layouts to judge.
    """
    for key in _PACKED & item.keys():
        if isinstance(item[key], list):
            with suppress(TypeError, ValueError, OverflowError), np.errstate(over="ignore"):
                item[key] = np.array(item[key], np.float32)
    return item


def read_json_layout(path: Path, content: Any) -> Found | None:
    """Recognise the content of one JSON file.

    Returns:
        None if it is none of the layouts.

    Raises:
        FileError: It is one of them, but broken.
    """
    for recognise in _LAYOUTS:
        found = recognise(path, content)
        if found is not None:
            return found
    return None


def read_openpose_folder(folder: Path) -> Found:
    """OpenPose's one file per frame; the frame is the last number in each name.

    Raises:
        FileError: There are no such files, or one is broken.
        OSError: One cannot be read.
    """
    paths = sorted(folder.glob("*.json"), key=natural_key)
    if not paths:
        raise FileError(f"{folder} holds no JSON files: name a keypoint file or OpenPose's folder")
    frames = _frames_of_names([p.name for p in paths])
    sightings: list[Sighting] = []
    for path in paths:
        content = load_json(path, object_hook=pack_keypoints)
        if not isinstance(content, dict) or not isinstance(content.get("people"), list):
            raise FileError(f"{path} holds no list of 'people', as OpenPose's files do")
        sightings += _people(path, content["people"], frames[path.name])
    return Found("OpenPose", to_tracks(folder, sightings))


def _openpose(path: Path, content: Any) -> Found | None:
    if isinstance(content, dict) and isinstance(content.get("people"), list):
        return Found("OpenPose", to_tracks(path, _people(path, content["people"], 0)))
    if not _is_list_of(content, "people"):
        return None
    sightings = [
        s
        for i, item in enumerate(content)
        for s in _people(path, item["people"], _frame_of(path, item, i))
    ]
    size = to_size(content[0].get("canvas_width"), content[0].get("canvas_height"))
    return Found("OpenPose", to_tracks(path, sightings), image_size_px=size)


def _alphapose_by_image(path: Path, content: Any) -> Found | None:
    if not isinstance(content, dict) or not content:
        return None
    people = [
        v.get("bodies", v.get("people")) if isinstance(v, dict) else None for v in content.values()
    ]
    if not all(isinstance(p, list) for p in people):
        return None
    frames = _frames_of_names(list(content))
    sightings = [
        s
        for name, listed in zip(content, people, strict=True)
        for s in _people(path, listed or [], frames[name])
    ]
    return Found("AlphaPose", to_tracks(path, sightings))


def _people(path: Path, people: Any, frame: int) -> Iterator[Sighting]:
    for person in people if isinstance(people, list) else [people]:
        if not isinstance(person, dict):
            raise FileError(
                f"{path}: 'people' holds {clip(repr(person))} where a person is expected"
            )
        value = next((person[k] for k in _OPENPOSE_KEYS if _given(person.get(k))), None)
        if value is not None:
            yield Sighting(frame, _person_of(person), to_keypoints(path, value))


def _coco_results(path: Path, content: Any) -> Found | None:
    if not _is_list_of(content, "image_id", "keypoints"):
        return None
    names = [item["image_id"] for item in content]
    if all(isinstance(n, str) for n in names):
        frames, layout = _frames_of_names(names), "AlphaPose"
    else:
        frames, layout = {n: _index(path, n) for n in names if not _unhashable(path, n)}, "COCO"
    sightings = [
        Sighting(frames[item["image_id"]], _person_of(item), to_keypoints(path, item["keypoints"]))
        for item in content
    ]
    return Found(layout, to_tracks(path, sightings))


def _coco_dataset(path: Path, content: Any) -> Found | None:
    if not isinstance(content, dict) or not _is_list_of(content.get("images"), "id"):
        return None
    annotations = content.get("annotations")
    if not isinstance(annotations, list) or not all(isinstance(a, dict) for a in annotations):
        raise FileError(
            f"{path} looks like a COCO dataset, but 'annotations' is no list of objects"
        )
    images = content["images"]
    names = {
        i["id"]: str(i.get("file_name", i["id"])) for i in images if not _unhashable(path, i["id"])
    }
    frames = _frames_of_names(list(names.values()))
    sightings = []
    for item in annotations:
        if _given(item.get("keypoints")):
            image = item.get("image_id")
            if _unhashable(path, image) or image not in names:
                raise FileError(f"{path}: an annotation's image_id {clip(repr(image))} is no image")
            keypoints = to_keypoints(path, item["keypoints"])
            # COCO's third number: 0 not labelled, 1 labelled but hidden, 2 visible.
            keypoints[:, 2] = keypoints[:, 2] > 0
            sightings.append(Sighting(frames[names[image]], _person_of(item), keypoints))
    sizes = {to_size(i.get("width"), i.get("height")) for i in images}
    size = sizes.pop() if len(sizes) == 1 else None
    return Found("COCO", to_tracks(path, sightings), image_size_px=size)


def _mmpose(path: Path, content: Any) -> Found | None:
    items, skeleton, first = content, None, 0
    if isinstance(content, dict) and isinstance(content.get("instance_info"), list):
        items = content["instance_info"]
        meta = content.get("meta_info")
        name = meta.get("dataset_name") if isinstance(meta, dict) else None
        skeleton = _MMPOSE_SKELETONS.get(name) if isinstance(name, str) else None
        first = 1
    if _is_list_of(items, "keypoints", "keypoint_scores"):
        items = [{"frame_id": first, "instances": items}]
    if not _is_list_of(items, "instances"):
        return None
    sightings = []
    for i, item in enumerate(items):
        frame = max(_frame_of(path, item, i + first) - first, 0)
        if not isinstance(item["instances"], list):
            raise FileError(f"{path}: 'instances' of frame {frame} is no list")
        for person in item["instances"]:
            if not isinstance(person, dict) or "keypoints" not in person:
                raise FileError(f"{path}: an instance of frame {frame} has no 'keypoints'")
            keypoints = to_keypoints(path, person["keypoints"], person.get("keypoint_scores"))
            sightings.append(Sighting(frame, _person_of(person), keypoints))
    return Found("MMPose", to_tracks(path, sightings), skeleton)


def _mediapipe(path: Path, content: Any) -> Found | None:
    stated = content if isinstance(content, dict) else {}
    items = stated.get("frames", content)
    if not isinstance(items, list):
        return None
    if _is_landmarks(items):
        items = [items]
    sightings = []
    for i, item in enumerate(items):
        listed: Any = item
        if isinstance(item, dict):
            listed = next((v for k in _LANDMARK_KEYS if _given(v := item.get(k))), None)
        people: Any = [listed] if _is_landmarks(listed) else [] if listed is None else listed
        frame = _frame_of(path, item, i) if isinstance(item, dict) else i
        if not isinstance(people, list) or not all(_is_landmarks(p) for p in people):
            return None
        for number, landmarks in enumerate(people):
            rows = [[m["x"], m["y"], m.get("visibility", 1.0)] for m in landmarks]
            person = None if len(people) > 1 else number
            sightings.append(Sighting(frame, person, to_keypoints(path, rows)))
    if not sightings:
        return None
    size = to_size(stated.get("width"), stated.get("height"))
    fps = to_fps(stated.get("fps"))
    return Found("MediaPipe", to_tracks(path, sightings), fps=fps, image_size_px=size)


_LAYOUTS: tuple[Callable[[Path, Any], Found | None], ...] = (
    _openpose,
    _alphapose_by_image,
    _coco_results,
    _coco_dataset,
    _mmpose,
    _mediapipe,
)


def _is_list_of(content: Any, *keys: str) -> bool:
    if not isinstance(content, list) or not content:
        return False
    return all(isinstance(item, dict) and all(k in item for k in keys) for item in content)


def _given(value: Any) -> bool:
    return isinstance(value, list | np.ndarray) and len(value) > 0


def _is_landmarks(content: Any) -> bool:
    return _is_list_of(content, "x", "y")


def _unhashable(path: Path, value: Any) -> bool:
    if isinstance(value, list | dict):
        raise FileError(f"{path}: {clip(repr(value))} is no image id")
    return False


def _frames_of_names(names: Sequence[str]) -> dict[str, int]:
    """The last number in each name, or the rank in natural order if that is no index."""
    distinct = sorted(set(names), key=lambda name: natural_key(Path(name)))
    numbers = [re.findall(r"[0-9]+", Path(name).name.rsplit(".", 1)[0])[-1:] for name in distinct]
    frames = [int(n[0]) for n in numbers if n and len(n[0]) <= 12]
    if len(set(frames)) < len(distinct):
        frames = list(range(len(distinct)))
    return dict(zip(distinct, frames, strict=True))


def _frame_of(path: Path, item: Mapping[str, Any], default: int) -> int:
    value = next((item[k] for k in _FRAME_KEYS if k in item), default)
    return _index(path, value)


def _index(path: Path, value: Any) -> int:
    if isinstance(value, int | float) and 0 <= value < _MAX_FRAME and value == int(value):
        return int(value)
    raise FileError(f"{path}: {clip(repr(value))} is no frame index; whole numbers from 0 are")


def _person_of(item: Mapping[str, Any]) -> int | None:
    value = next((item[k] for k in _PERSON_KEYS if k in item), None)
    if isinstance(value, list) and len(value) == 1:
        value = value[0]
    # OpenPose writes -1 for "nobody tracked".
    if isinstance(value, int | float) and 0 <= value < 2**31 and value == int(value):
        return int(value)
    return None

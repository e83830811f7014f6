"""SAIL-VOS: people of a game's cut scenes, in pictures of 1280 x 800.

``<sequence>/images/<frame>.bmp`` are the pictures; ``<id>_Ped_<model>/<frame>_3d.txt`` and
``_2d.txt`` the bones of a person in the game's world, metres, and their pixels. Bones at exactly 0
and pixels at -1280 or -800 are missing. The camera of a frame is not told and follows from all of
its people; frames from which none follows are left out, as are people more than three quarters of
whom (``<frame>.png``) cannot be seen (``visible/<frame>.npy``, ids).

Source: Hu et al., "SAIL-VOS", CVPR 2019; format: posepile.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from vitruve.data.datasets.examples import Part, PictureExample
from vitruve.data.processing.masks import mask_box
from vitruve.data.readers.find_camera import FoundCamera, find_camera
from vitruve.data.readers.release import (
    clean_joints,
    find,
    frame_number,
    make_camera,
    numbers,
    read_npy,
    require,
)
from vitruve.io.errors import FileError
from vitruve.io.images import load_image
from vitruve.io.limits import read_text
from vitruve.skeletons import SKELETONS

NAME = "sail_vos"
SIZE_PX = (1280, 800)
FOCAL_GUESS_PX = 1100.0
"""Sixty degrees across the picture."""
MAX_ERROR_PX = 5.0
"""A camera that misses its pixels by more is none."""
MAX_HIDDEN = 0.75
MISSING_PX = (-1280.0, -800.0)
BONES = (
    *((341, 8), (61,), (216, 234), (171,), (164, 309), (255, 39), (330,), (108,), (45, 294)),
    *((215, 131, 253), (295,), (144, 315), (147, 342, 27), (85,), (152,), (206, 128, 102)),
    *((307, 312), (130,), (11,), (167, 188, 191, 310), (194, 193, 236, 78), (227, 304, 58, 229)),
    *((37, 260, 195), (47, 148, 232), (323,), (160,)),
)
"""Rows whose mean is each joint of ``sailvos_26``."""
_SUFFIXES = (".bmp", ".png", ".jpg")
_PERSON = "_Ped_"
_3D, _2D = "_3d.txt", "_2d.txt"


def parts(root: Path, split: str | None = None) -> list[Part]:
    """Every sequence; splits are not told.

    Raises:
        FileNotFoundError: There is none.
    """
    folders = find(NAME, root, "*/images")
    return [Part(root, folder.parent.name) for folder in folders] if split in (None, "") else []


def read(part: Part) -> Iterator[PictureExample]:
    """Every person of every frame whose camera can be found.

    Raises:
        FileNotFoundError: A file is missing.
        ValueError: A file is damaged or of another layout.
    """
    folder = part.root / part.name
    frames = defaultdict(list)
    for path in sorted(folder.glob(f"*{_PERSON}*/*{_3D}")):
        frames[path.name.removesuffix(_3D)].append(path)
    for frame, paths in sorted(frames.items()):
        bones = [_bones(path) for path in paths]
        found = _camera(bones)
        if found is None:
            continue
        camera = make_camera(paths[0], found.K, SIZE_PX)
        picture = _picture(folder, frame)
        for path, (world, _) in zip(paths, bones, strict=True):
            seen, box = _seen(folder, path, frame)
            if not seen:
                continue
            joints_cam, valid = clean_joints(found.see(_joints(world)))
            yield PictureExample(
                picture=picture,
                video_frame=None,
                skeleton=SKELETONS["sailvos_26"],
                valid=valid,
                joints_cam=joints_cam,
                keypoints_px=None,
                camera=camera,
                sequence=part.name,
                frame=frame_number(path, frame),
                subject=f"{part.name}/{path.parent.name}",
                person=_id(path),
                box_px=box,
            )


def _picture(folder: Path, frame: str) -> Path:
    paths = [folder / f"images/{frame}{suffix}" for suffix in _SUFFIXES]
    return next((path for path in paths if path.exists()), paths[0])


def _bones(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """World metres (n, 3), NaN where a bone is missing, and pixels (n, 2), NaN likewise."""
    world = _rows(path, 3)
    pixels = _rows(require(NAME, path.with_name(path.name.replace(_3D, _2D))), 2)
    if len(world) != len(pixels):
        raise FileError(f"{path} has {len(world)} bones, their pixels are {len(pixels)}")
    world[(world == 0).all(1)] = np.nan
    pixels[np.isin(pixels[:, 0], MISSING_PX)] = np.nan
    return world, pixels


def _rows(path: Path, count: int) -> np.ndarray:
    rows = [line.split() for line in read_text(path).splitlines() if line.strip()]
    found = numbers(path, "its bones", rows, (None, count))
    least = max(row for rows in BONES for row in rows) + 1
    if len(found) < least:
        raise FileError(f"{path} has {len(found)} bones, expected {least} or more")
    return found


def _joints(world: np.ndarray) -> np.ndarray:
    """(26, 3) means of the bones that are there; NaN where none is."""
    joints = np.full((len(BONES), 3), np.nan)
    for joint, rows in enumerate(BONES):
        there = world[list(rows)]
        there = there[np.isfinite(there).all(1)]
        if len(there):
            joints[joint] = there.mean(0)
    return joints


def _camera(bones: Sequence[tuple[np.ndarray, np.ndarray]]) -> FoundCamera | None:
    """The camera of a frame, of all that is known of its people."""
    points = np.concatenate([np.concatenate(one, axis=1) for one in bones])
    points = points[np.isfinite(points).all(1)]
    K = np.diag([FOCAL_GUESS_PX, FOCAL_GUESS_PX, 1.0])
    K[:2, 2] = np.array(SIZE_PX) / 2
    try:
        found = find_camera(points[:, 3:], points[:, :3], K, free_focal=True)
    except ValueError:
        return None
    return found if found.error_px < MAX_ERROR_PX else None


def _seen(folder: Path, path: Path, frame: str) -> tuple[bool, np.ndarray | None]:
    """Whether enough of a person is seen, and a box around that, where the release tells."""
    visible = folder / f"visible/{frame}.npy"
    whole = path.with_name(f"{frame}.png")
    if not (visible.exists() and whole.exists()):
        return True, None
    shown = numbers(visible, "its ids", read_npy(visible), (SIZE_PX[1], SIZE_PX[0])) == _id(path)
    own = int((load_image(whole) > 0).any(-1).sum())
    seen = shown.any() and shown.sum() >= (1 - MAX_HIDDEN) * own
    return bool(seen), mask_box(shown) if seen else None


def _id(path: Path) -> int:
    return frame_number(path, path.parent.name.partition("_")[0])

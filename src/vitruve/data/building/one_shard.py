"""One shard of person crops: read labels and pictures, cut people out, write the file.

The same function serves processes of one machine and a cluster. A shard appears whole or not at
all, and is the same however often it is made. Columns, for n examples and j joints:

``image`` JPEG; ``mask`` PNG, empty where there is none; ``valid`` (n, j); ``keypoints_px``
(n, j, 2) and ``box_px`` (n, 4) in the crop; ``sequence``, ``subject``, ``frame``, ``person``. With
3D: ``joints_cam`` (n, j, 3) metres in the crop's camera, ``intrinsics`` (n, 3, 3), ``distortion``
(n, 12), and ``up_cam`` (n, 3), the direction against gravity, NaN where it is unknown.
"""

import io
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Bool, UInt8
from PIL import Image

from vitruve.data.building.plan import Plan, Shard, read_plan, read_selected
from vitruve.data.datasets.examples import PictureExample
from vitruve.data.processing import Crop, CropConfig, crop_person, example_box_px
from vitruve.data.processing.boxes import keypoints_of
from vitruve.data.processing.pictures import MissingFrameError, Pictures
from vitruve.data.readers import DATASETS
from vitruve.data.shards.file import KEY, Column, write_shard
from vitruve.data.shards.folder import shard_name
from vitruve.io.errors import FileError

NUM_TERMS = 12
"""Distortion terms are filled up to so many, so that they make a column."""
MASK_PNG_LEVEL = 6
Row = dict[str, np.ndarray | np.generic | bytes | str]


def make_shard(out: Path, shard: Shard) -> int:
    """Make a shard, unless it is there.

    Returns:
        How many examples were written; 0 also where it was there.

    Raises:
        FileNotFoundError: A picture is missing.
        FileError: A picture is damaged or of another size than its camera.
        OSError: The folder cannot be written.
    """
    path = out / shard_name(shard.number)
    if path.is_file():
        return 0
    plan = read_plan(out)
    rows = [row for piece in shard.pieces for row in _rows(out, plan, piece)]
    if rows:
        write_shard(path, _columns(rows))
    return len(rows)


def _rows(out: Path, plan: Plan, piece: tuple[int, int, int]) -> Iterator[Row]:
    part, start, stop = piece
    numbers = read_selected(out, part)[0][start:stop]
    pictures = Pictures()
    try:
        for number, example in _examples(out, part, plan, numbers):
            try:
                yield _row(f"{part:06d}/{number:08d}", example, pictures, plan)
            except MissingFrameError:
                # A video that ends before its labels is common; what is missing is counted.
                continue
            except (FileNotFoundError, FileError):
                if not plan.config.skip_broken:
                    raise
    finally:
        pictures.close()


def _examples(
    out: Path, part: int, plan: Plan, numbers: np.ndarray
) -> Iterator[tuple[int, PictureExample]]:
    """Kept examples of a part; those of single pictures stay read, for the next shard's sake."""
    if read_selected(out, part)[1]:
        kept = _still_examples(plan, out, part)
        return ((int(n), kept[int(n)]) for n in numbers)
    wanted = set(numbers.tolist())
    read = DATASETS[plan.config.dataset][1](plan.parts[part])
    return ((n, example) for n, example in enumerate(read) if n in wanted)


@lru_cache(maxsize=1)
def _still_examples(plan: Plan, out: Path, part: int) -> dict[int, PictureExample]:
    wanted = set(read_selected(out, part)[0].tolist())
    read = DATASETS[plan.config.dataset][1](plan.parts[part])
    return {n: example for n, example in enumerate(read) if n in wanted}


def _row(key: str, example: PictureExample, pictures: Pictures, plan: Plan) -> Row:
    image = pictures.picture(example)
    size = image.shape[1], image.shape[0]
    points, seen = keypoints_of(example)
    box = example_box_px(example, points, seen, size)
    if box is None:
        raise FileError(f"{example.picture} does not show {example.name}: its box is outside")
    config = plan.config.crop
    crop = crop_person(image, example.camera, box, config)
    mask = b""
    if example.mask is not None:
        mask = _mask_png(pictures.mask(example.mask), example, box, config)
    row: Row = {
        KEY: key,
        "image": _jpeg(crop.image, plan.config.jpeg_quality),
        "mask": mask,
        "valid": example.valid,
        "sequence": example.sequence,
        "subject": example.subject,
        "frame": np.int32(example.frame),
        "person": np.int32(example.person),
        **_labels(example, crop, points, box),
    }
    return row


def _labels(example: PictureExample, crop: Crop, points: np.ndarray, box: np.ndarray) -> Row:
    if example.joints_cam is None or crop.camera is None:
        placed = crop.to_crop(np.concatenate([points, box.reshape(2, 2)])).astype(np.float32)
        return {"keypoints_px": placed[:-2], "box_px": placed[-2:].reshape(4)}
    camera = crop.camera
    joints = crop.turn(example.joints_cam).astype(np.float32)
    lens = np.zeros(NUM_TERMS, np.float32)
    if camera.distortion is not None:
        lens[: len(camera.distortion)] = camera.distortion.numpy()
    T = camera.T_world_cam
    up = np.full(3, np.nan, np.float32) if T is None else T[2, :3].numpy()
    return {
        "joints_cam": np.where(example.valid[:, None], joints, np.float32(0)),
        "keypoints_px": camera.project(torch.from_numpy(joints)).numpy(),
        "box_px": _box_in_crop(example, crop, box),
        "intrinsics": camera.intrinsics.numpy(),
        "distortion": lens,
        "up_cam": up,
    }


def _box_in_crop(example: PictureExample, crop: Crop, box: np.ndarray) -> np.ndarray:
    """The box's corners where the crop shows them; their hull, for they may be turned."""
    if example.camera is None or crop.camera is None:
        return crop.to_crop(box.reshape(2, 2)).reshape(4).astype(np.float32)
    left, top, right, bottom = box
    corners = torch.tensor([[left, top], [right, top], [right, bottom], [left, bottom]]).float()
    if np.allclose(crop.R_crop_picture, np.eye(3)):
        hull = crop.to_crop(corners.numpy())
    else:
        rays = example.camera.undistort_px(corners)
        rays = torch.linalg.solve(
            example.camera.intrinsics, torch.cat([rays, torch.ones(4, 1)], 1).T
        ).T.numpy()
        turned = torch.from_numpy(crop.turn(rays.astype(np.float64))).float()
        hull = crop.camera.project(turned).numpy()
    return np.concatenate([hull.min(0), hull.max(0)]).astype(np.float32)


def _mask_png(
    mask: Bool[np.ndarray, "y x"], example: PictureExample, box: np.ndarray, config: CropConfig
) -> bytes:
    grey = np.where(mask, np.uint8(255), np.uint8(0))[..., None]
    cut = crop_person(grey, example.camera, box, config).image[..., 0]
    buffer = io.BytesIO()
    Image.fromarray(cut >= 128).save(buffer, "PNG", compress_level=MASK_PNG_LEVEL)
    return buffer.getvalue()


def _jpeg(image: UInt8[np.ndarray, "n n 3"], quality: int) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, "JPEG", quality=quality)
    return buffer.getvalue()


def _columns(rows: list[Row]) -> dict[str, Column]:
    return {
        name: [row[name] for row in rows]  # pyright: ignore[reportReturnType]
        if isinstance(first, bytes)
        else np.array([row[name] for row in rows])
        for name, first in rows[0].items()
    }

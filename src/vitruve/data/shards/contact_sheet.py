"""A folder of shards at a glance: pictures, masks and skeletons in one grid."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from PIL import Image, ImageDraw

from vitruve.data.decoding.picture import decode_picture
from vitruve.data.shards.file import Example
from vitruve.data.shards.folder import ShardReader
from vitruve.io.errors import FileError
from vitruve.skeletons import Skeleton, skeleton

CELL_PX = 160
GAP_PX = 4
BACKGROUND = (24, 26, 30)
LEFT, RIGHT, MIDDLE = (255, 120, 60), (60, 180, 255), (250, 240, 120)
"""Colours of the sides of skeletons."""


def contact_sheet(reader: ShardReader, numbers: Sequence[int], columns: int = 4) -> Image.Image:
    """A grid of examples, each as its picture, its mask and its skeleton over the picture.

    Args:
        reader: Shards with ``image``; ``mask`` and ``keypoints_px`` of the skeleton that the index
            states are shown where they are.
        numbers: Which examples.
        columns: Examples in a row.

    Raises:
        FileError: Examples have no pictures, or one is damaged.
    """
    name = reader.about.get("skeleton")
    joints = skeleton(name) if isinstance(name, str) else None
    panels = [_panels(reader[number], joints, reader) for number in numbers]
    return grid(panels, columns)


def grid(panels: Sequence[Sequence[Image.Image]], columns: int) -> Image.Image:
    """Groups of square pictures of `CELL_PX`, so many groups in a row.

    Raises:
        ValueError: There are none.
    """
    wide = max(len(p) for p in panels)
    cell = CELL_PX + GAP_PX
    rows = -(-len(panels) // columns)
    size = (min(columns, len(panels)) * (wide * cell + GAP_PX) + GAP_PX, rows * cell + GAP_PX)
    sheet = Image.new("RGB", size, BACKGROUND)
    for place, shown in enumerate(panels):
        left = GAP_PX + place % columns * (wide * cell + GAP_PX)
        for i, panel in enumerate(shown):
            sheet.paste(panel, (left + i * cell, GAP_PX + place // columns * cell))
    return sheet


def _panels(example: Example, joints: Skeleton | None, reader: ShardReader) -> list[Image.Image]:
    where = f"{reader.folder}, example {example['key']}"
    content = example.get("image")
    if not isinstance(content, bytes):
        raise FileError(f"{where} has no picture; a sheet needs shards with a column 'image'")
    picture = Image.fromarray(decode_picture(content, "RGB", where))
    panels = [fitted(picture)]
    mask = example.get("mask")
    if isinstance(mask, bytes) and mask:
        panels.append(fitted(Image.fromarray(decode_picture(mask, "L", where)).convert("RGB")))
    keypoints = example.get("keypoints_px")
    if joints is not None and isinstance(keypoints, np.ndarray):
        panels.append(with_skeleton(picture, keypoints, example.get("valid"), joints))
    return panels


def fitted(picture: Image.Image) -> Image.Image:
    """A picture as a panel: a square of `CELL_PX`."""
    return picture.resize((CELL_PX, CELL_PX), Image.Resampling.BICUBIC)


def with_skeleton(
    picture: Image.Image, keypoints_px: np.ndarray, valid: Any, joints: Skeleton
) -> Image.Image:
    """A panel of a darkened picture and the skeleton over it.

    Args:
        picture: Of any size.
        keypoints_px: Pixels of the picture, one row for each joint.
        valid: Which joints are drawn; all if None.
        joints: Whose bones.
    """
    shown = Image.blend(fitted(picture), Image.new("RGB", (CELL_PX, CELL_PX), BACKGROUND), 0.35)
    draw = ImageDraw.Draw(shown)
    scale = np.array([CELL_PX / picture.width, CELL_PX / picture.height])
    points = [tuple(p) for p in np.nan_to_num(keypoints_px[:, :2] * scale).tolist()]
    seen = np.ones(len(points), bool) if valid is None else np.asarray(valid, bool)
    for joint, parent in enumerate(joints.parents):
        if parent >= 0 and seen[joint] and seen[parent]:
            draw.line([points[joint], points[parent]], colour_of(joints.names[joint]), 2)
    for joint, (x, y) in enumerate(points):
        if seen[joint]:
            draw.ellipse([x - 2, y - 2, x + 2, y + 2], colour_of(joints.names[joint]))
    return shown


def colour_of(joint: str) -> tuple[int, int, int]:
    """Of the bone that ends at a joint, by its side."""
    return LEFT if joint.startswith("left") else RIGHT if joint.startswith("right") else MIDDLE

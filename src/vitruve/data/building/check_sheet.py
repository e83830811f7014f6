"""Many small pictures on one, with their joints drawn in, to be looked at."""

import math

import numpy as np
from jaxtyping import UInt8
from PIL import Image, ImageDraw

from vitruve.data.building.check import SHEET_PX, Shown
from vitruve.data.shards.contact_sheet import LEFT, MIDDLE, RIGHT

COLUMNS = 6
GAP_PX = 6
CAPTION_PX = 18
PAPER = (250, 250, 250)
INK = (40, 40, 40)
_FINE = 3
"""Lines are drawn this much larger and made smaller, so that they are smooth."""


def crop_sheet(shown: list[Shown]) -> UInt8[np.ndarray, "y x 3"]:
    """All pictures in rows, each under its number and name.

    Raises:
        ValueError: There are none.
    """
    if not shown:
        raise ValueError("there is no picture to show")
    columns = min(COLUMNS, len(shown))
    rows = math.ceil(len(shown) / columns)
    step_x, step_y = SHEET_PX + GAP_PX, SHEET_PX + CAPTION_PX + GAP_PX
    sheet = Image.new("RGB", (columns * step_x + GAP_PX, rows * step_y + GAP_PX), PAPER)
    draw = ImageDraw.Draw(sheet)
    for number, one in enumerate(shown):
        x = GAP_PX + number % columns * step_x
        y = GAP_PX + number // columns * step_y
        draw.text((x, y + 2), _caption(one.example.name), INK)
        sheet.paste(_drawn(one), (x, y + CAPTION_PX))
    return np.array(sheet)


def _caption(name: str) -> str:
    longest = SHEET_PX // 7
    return name if len(name) <= longest else f"...{name[3 - longest :]}"


def _drawn(one: Shown) -> Image.Image:
    """The crop in the middle of its square, with joints and bones."""
    side = one.crop.image.shape[0]
    scale = SHEET_PX / side
    fine = Image.fromarray(one.crop.image).resize((SHEET_PX * _FINE, SHEET_PX * _FINE))
    draw = ImageDraw.Draw(fine)
    points = one.keypoints_px * scale * _FINE
    skeleton = one.example.skeleton
    for a, b in skeleton.edges:
        if one.seen[a] and one.seen[b]:
            draw.line([*map(tuple, points[[a, b]])], _colour(one, b), width=2 * _FINE)
    for joint in np.flatnonzero(one.seen):
        x, y = points[joint]
        r = 3 * _FINE
        draw.ellipse((x - r, y - r, x + r, y + r), _colour(one, int(joint)), INK)
    return fine.resize((SHEET_PX, SHEET_PX), Image.Resampling.BOX)


def _colour(one: Shown, joint: int) -> tuple[int, int, int]:
    skeleton = one.example.skeleton
    if joint in skeleton.left:
        return LEFT
    return RIGHT if joint in skeleton.right else MIDDLE

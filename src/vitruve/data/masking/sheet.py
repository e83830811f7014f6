"""Masks at a glance: the oddest first, then some evenly spread, each over its picture.

A red frame stands for a mask that looks wrong, an orange one for a mask much larger or smaller than
those of its clip; others have none. Axes: y x pixels.
"""

import io
import math
from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw
from scipy import ndimage

from vitruve.data.masking.make import MaskReport, MaskThumbnail
from vitruve.data.shards.contact_sheet import BACKGROUND, CELL_PX, grid

COLUMNS = 8
ODD_AREA = 1.8
"""A mask this many times as large as the clip's median, or as small, is odd."""
WRONG, ODD, PLAIN = (230, 60, 60), (240, 160, 40), (70, 74, 82)
TINT = (90, 230, 150)
CAPTION_PX = 14
_FRAME_PX = 4
_LETTER_PX = 7
Shown = tuple[str, MaskThumbnail, float]
"""Clip, mask, and how odd it is."""


def mask_sheet(reports: Sequence[MaskReport], examples: int = 32) -> Image.Image:
    """A grid of masks: half of them the oddest of all clips, half evenly spread.

    Raises:
        ValueError: There are no masks.
    """
    everyone = [(r.clip, t, _oddness(t, r)) for r in reports for t in r.thumbnails]
    if not everyone:
        raise ValueError("there are no masks to show")
    wrong = [shown for shown in everyone if math.isinf(shown[2])]
    odd = [shown for shown in everyone if math.log(ODD_AREA) < shown[2] < math.inf]
    odd.sort(key=lambda shown: -shown[2])
    oddest = _evenly(wrong, examples // 2)
    oddest += odd[: examples // 2 - len(oddest)]
    rest = [shown for shown in everyone if shown not in oddest]
    evenly = _evenly(rest, examples - len(oddest))
    several = len(reports) > 1
    panels = [_panel(clip if several else "", t, oddness) for clip, t, oddness in oddest + evenly]
    return grid([[panel] for panel in panels], COLUMNS)


def _evenly(shown: list[Shown], count: int) -> list[Shown]:
    count = min(count, len(shown))
    return [shown[i * len(shown) // count] for i in range(count)]


def _oddness(one: MaskThumbnail, report: MaskReport) -> float:
    """How much a mask differs from its clip's usual; infinite if it looks wrong."""
    if one.kind != "good":
        return math.inf
    usual = np.median([t.share for t in report.thumbnails if t.kind == "good"])
    return abs(math.log(one.share / float(usual)))


def _panel(clip: str, one: MaskThumbnail, oddness: float) -> Image.Image:
    with Image.open(io.BytesIO(one.picture)) as opened:
        picture = np.asarray(opened.convert("RGB")).astype(np.float32)
    edge = one.mask & ~np.asarray(ndimage.binary_erosion(one.mask), bool)
    shown = np.where(one.mask[..., None], 0.6 * picture + 0.4 * np.array(TINT), 0.55 * picture)
    shown[edge] = TINT
    room = (CELL_PX - 2 * _FRAME_PX, CELL_PX - 2 * _FRAME_PX - CAPTION_PX)
    small = Image.fromarray(shown.astype(np.uint8))
    small.thumbnail(room)
    colour = WRONG if math.isinf(oddness) else ODD if oddness > math.log(ODD_AREA) else PLAIN
    cell = Image.new("RGB", (CELL_PX, CELL_PX), colour)
    inner = Image.new("RGB", (room[0], room[1] + CAPTION_PX), BACKGROUND)
    inner.paste(small, ((room[0] - small.width) // 2, CAPTION_PX + (room[1] - small.height) // 2))
    said = " ".join(w for w in (clip, one.name, "" if one.kind == "good" else one.kind) if w)
    longest = room[0] // _LETTER_PX
    said = said if len(said) <= longest else f"...{said[3 - longest :]}"
    ImageDraw.Draw(inner).text((3, 1), said, (225, 225, 225))
    cell.paste(inner, (_FRAME_PX, _FRAME_PX))
    return cell

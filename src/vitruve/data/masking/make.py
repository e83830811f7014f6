"""A folder of masks of one clip, each written whole or not at all, and how many look wrong.

Axes: y x pixels.
"""

import io
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np
from jaxtyping import Bool, UInt8
from PIL import Image

from vitruve.data.masking.background import shrink
from vitruve.data.masking.masker import Masker
from vitruve.data.own.clips import named_frames
from vitruve.data.own.mask_file import write_mask
from vitruve.data.processing.masks import Kind, mask_box

THUMBNAIL_PX = 160
_WRONG: dict[Kind, str] = {
    "empty": "are empty",
    "full": "cover nearly everything",
    "several": "have pieces of like size, as of two people, of which the largest was kept",
}


@dataclass(frozen=True, eq=False)
class MaskThumbnail:
    """A mask and its picture, small enough to keep those of a whole clip."""

    name: str
    kind: Kind
    share: float
    """Of the picture that the mask covers."""
    picture: bytes
    """JPEG."""
    mask: Bool[np.ndarray, "y x"]


@dataclass(frozen=True)
class MaskReport:
    """What became of a clip's masks."""

    clip: str
    thumbnails: tuple[MaskThumbnail, ...]

    @property
    def counts(self) -> Counter[Kind]:
        """How many masks there are of each kind."""
        return Counter(t.kind for t in self.thumbnails)

    def warnings(self) -> list[str]:
        """One line for each kind of mask that looks wrong."""
        total, lines = len(self.thumbnails), []
        for kind, what in _WRONG.items():
            names = [t.name for t in self.thumbnails if t.kind == kind]
            if names:
                lines.append(f"{self.clip}: {len(names)} of {total} masks {what}; first {names[0]}")
        return lines


def make_masks(
    clip: str,
    source: Path,
    out: Path,
    masker: Masker,
    tell: Callable[[int], None] | None = None,
    *,
    every: int = 1,
) -> MaskReport:
    """Write ``out/NAME.png`` for each picture: 255 is the person.

    Args:
        clip: What the clip is called.
        source: A video, a folder of pictures or a picture.
        out: Folder; made if it is not there.
        masker: What tells the person.
        tell: Told of the pictures that are done.
        every: Every so manyth picture gets a mask.

    Raises:
        FileError: A picture is damaged.
        OSError: The folder cannot be written.
    """
    out.mkdir(parents=True, exist_ok=True)
    thumbnails = []
    for name, image in islice(named_frames(source), 0, None, every):
        mask, kind = masker(name, image)
        write_mask(out / f"{name}.png", mask, kind)
        thumbnails.append(thumbnail(name, kind, image, mask))
        if tell:
            tell(len(thumbnails))
    return MaskReport(clip, tuple(thumbnails))


def thumbnail(
    name: str, kind: Kind, image: UInt8[np.ndarray, "y x 3"], mask: Bool[np.ndarray, "y x"]
) -> MaskThumbnail:
    """A small copy of a picture and its mask, of what is around the person if there is one."""
    share = float(mask.mean())
    if mask.any():
        left, top, right, bottom = mask_box(mask).astype(int)
        room = max(right - left, bottom - top) // 2
        part = slice(max(0, top - room), bottom + room), slice(max(0, left - room), right + room)
        image, mask = image[part], mask[part]
    small = shrink(image, THUMBNAIL_PX)
    size = (small.shape[1], small.shape[0])
    content = io.BytesIO()
    Image.fromarray(small).save(content, "JPEG", quality=85)
    covered = (
        np.asarray(Image.fromarray(mask).convert("L").resize(size, Image.Resampling.BOX)) > 127
    )
    return MaskThumbnail(name, kind, share, content.getvalue(), covered)

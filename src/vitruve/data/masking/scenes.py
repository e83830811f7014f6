"""What is behind a user's people: pictures of their clips with nobody in them.

Rendered bodies are put before these, so that a detector learns what is in the room and who is not.
Where somebody was, a clip shows the median of its other pictures, as far as they show anything; a
picture that stands alone, and what is always hidden, go on with the nearest pixels. A camera that
moves thus spoils no more than these places.

Axes: n pictures, y x pixels.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from jaxtyping import Bool, UInt8
from PIL import Image
from scipy import ndimage

from vitruve.data.masking.background import shrink
from vitruve.data.masking.scene_growth import median_of_seen
from vitruve.data.own.clips import OwnClip, spread_frames
from vitruve.data.own.mask_file import load_mask
from vitruve.data.processing.masks import FULL_SHARE
from vitruve.io.atomic import atomic_path

PICTURES = 16
"""Of a clip; of pictures that stand alone four times as many."""
SIDE_PX = 640
"""Along the longer side, at most."""
_WIDER = 0.01
"""What a mask may lack at its edge, of the longer side."""
_SMOOTH = 0.02
"""Standard deviation by which pixels are mixed that nobody saw, of the longer side."""


def write_scenes(clips: Sequence[OwnClip], folder: Path, every: int = 1) -> int:
    """Write empty scenes as ``CLIP-PICTURE.png``; pictures without a mask of somebody give none.

    Args:
        clips: With the folders of their masks.
        folder: Where to; made if there is something to write.
        every: Every so manyth picture of a clip has a mask.

    Returns:
        How many there are.

    Raises:
        FileError: A picture or a mask is damaged.
        OSError: They cannot be written.
    """
    count = 0
    for clip in clips:
        for name, scene in _scenes(clip, every):
            folder.mkdir(parents=True, exist_ok=True)
            with atomic_path(folder / f"{clip.name}-{name}.png") as temporary:
                Image.fromarray(scene).save(temporary)
            count += 1
    return count


def without_people(
    pictures: UInt8[np.ndarray, "n y x 3"], people: Bool[np.ndarray, "n y x"]
) -> UInt8[np.ndarray, "n y x 3"]:
    """Pictures of one camera with the median of the others, or what is nearest, where people are.

    Args:
        pictures: RGB.
        people: Where they are; a little too much is better than too little.
    """
    hidden = np.asarray(people.all(0))
    seen = ~hidden
    behind = np.zeros_like(pictures[0])
    behind[seen] = median_of_seen(pictures[:, seen].astype(np.int16), people[:, seen, None])
    behind = _filled(behind, hidden)
    return np.where(people[..., None], behind, pictures)


def _filled(
    picture: UInt8[np.ndarray, "y x 3"], hole: Bool[np.ndarray, "y x"]
) -> UInt8[np.ndarray, "y x 3"]:
    if not hole.any() or hole.all():
        return picture
    nearest = ndimage.distance_transform_edt(hole, return_distances=False, return_indices=True)
    assert isinstance(nearest, np.ndarray)
    whole = picture[tuple(nearest)]
    sigma = _SMOOTH * max(hole.shape)
    smooth = ndimage.gaussian_filter(whole, (sigma, sigma, 0))
    return np.where(hole[..., None], smooth, whole)


def _scenes(clip: OwnClip, every: int) -> Iterator[tuple[str, UInt8[np.ndarray, "y x 3"]]]:
    found = list(_masked(clip, every))
    if clip.ordered and len({picture.shape for _, picture, _ in found}) == 1:
        names, pictures, people = zip(*found, strict=True)
        yield from zip(names, without_people(np.stack(pictures), np.stack(people)), strict=True)
        return
    for name, picture, mask in found:
        yield name, without_people(picture[None], mask[None])[0]


def _masked(
    clip: OwnClip, every: int
) -> Iterator[tuple[str, UInt8[np.ndarray, "y x 3"], Bool[np.ndarray, "y x"]]]:
    """Pictures spread over a clip, made small, and where people are in them."""
    wanted = PICTURES if clip.ordered else 4 * PICTURES
    for name, image in spread_frames(clip.source, wanted, every):
        mask = None if clip.masks is None else load_mask(clip.masks, name)
        if mask is None or not 0 < mask.mean() <= FULL_SHARE:
            continue
        small = shrink(image, SIDE_PX)
        size = (small.shape[1], small.shape[0])
        covered = np.asarray(Image.fromarray(mask).convert("L").resize(size, Image.Resampling.BOX))
        wider = max(1, round(_WIDER * max(size)))
        yield name, small, ndimage.binary_dilation(covered > 0, iterations=wider)

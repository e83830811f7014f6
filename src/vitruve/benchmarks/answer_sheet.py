"""What a model of pictures says, at a glance: over the picture, drawn as a body, and from the side.

Axes: h hypotheses, j joints, y x pixels.
"""

from collections.abc import Sequence

import torch
from jaxtyping import Float
from PIL import Image, ImageDraw
from torch import Tensor

from vitruve.data.shards.contact_sheet import (
    BACKGROUND,
    CELL_PX,
    colour_of,
    fitted,
    grid,
    with_skeleton,
)
from vitruve.data.studio.batches import studio_batch, told
from vitruve.data.studio.reader import Studio
from vitruve.estimators import Estimator
from vitruve.metrics import root_centred
from vitruve.nets.skeleton_mask import pixel_grid, skeleton_mask
from vitruve.objectives.pictured import picture_masks, picture_points
from vitruve.poses import PoseBatch, Prediction
from vitruve.skeletons import Skeleton
from vitruve.skeletons.line_forms import line_form

REACH_M = 1.1
"""Half of what the view from the side shows."""
_TRUTH = (110, 114, 122)
_FAINT = 0.35
"""How much of its colour a hypothesis beside the first one has."""


@torch.no_grad()
def answer_sheet(
    studio: Studio, estimator: Estimator, numbers: Sequence[int], columns: int = 3
) -> Image.Image:
    """A grid of pictures, each with what the model says of it.

    Four panels: 2D joints over the picture; the mask (red) and the body drawn of the joints
    (green), yellow where they meet; 3D from the left of the camera, far to the right, all
    hypotheses and in grey the truth, where it is known; the same from above.

    Args:
        studio: Pictures with masks.
        estimator: A model of single pictures that says 2D and 3D.
        numbers: Which pictures.
        columns: Pictures in a row.

    Raises:
        ValueError: The estimator needs more than a picture.
        FileError: A shard is damaged.
    """
    estimator.eval()
    batch = studio_batch(studio, numbers)
    device = next(estimator.parameters()).device
    said = estimator(told(batch, "none").to(device)).map(lambda x: x.cpu().float())
    shown = zip(_pictures(batch), _drawn(said, batch), _truths(batch), strict=True)
    return grid(
        [_panels(*of_one, said.map(lambda x, i=i: x[i : i + 1])) for i, of_one in enumerate(shown)],
        columns,
    )


def _panels(
    picture: Float[Tensor, "y x 3"],
    drawn: Float[Tensor, "y x 3"],
    truth: Float[Tensor, "j 3"] | None,
    said: Prediction,
) -> list[Image.Image]:
    assert said.keypoints_px is not None
    points_px = said.keypoints_px[0, 0, 0].numpy()
    return [
        with_skeleton(_image(picture), points_px, None, said.skeleton),
        fitted(_image(drawn)),
        _seen_along(said, truth, (2, 1)),
        _seen_along(said, truth, (0, 2)),
    ]


def _pictures(batch: PoseBatch) -> Float[Tensor, "n y x 3"]:
    assert batch.images is not None
    return batch.images[:, 0].permute(0, 2, 3, 1)


def _truths(batch: PoseBatch) -> list[Tensor] | list[None]:
    """Joints relative to the root, where they are known."""
    if batch.joints_cam is None or batch.skeleton is None or not _known(batch):
        return [None] * len(batch.keypoints_px)
    return list(root_centred(batch.joints_cam[:, 0], batch.skeleton.root))


def _known(batch: PoseBatch) -> bool:
    return batch.valid is not None and bool(batch.valid.any())


def _drawn(said: Prediction, batch: PoseBatch) -> Float[Tensor, "n y x 3"]:
    """Masks in red, drawn bodies in green."""
    points, _ = picture_points(said, batch)
    masks = picture_masks(batch)
    cells = pixel_grid(masks.shape[-2], masks.shape[-1], like=masks)
    bodies = skeleton_mask(points[:, 0], line_form(said.skeleton, "tree"), cells)
    return torch.stack([masks, bodies, torch.zeros_like(masks)], dim=-1)


def _image(values: Float[Tensor, "y x 3"]) -> Image.Image:
    whole = (255 * values.clamp(0, 1)).round().to(torch.uint8).numpy()
    return Image.fromarray(whole)


def _seen_along(said: Prediction, truth: Tensor | None, axes: tuple[int, int]) -> Image.Image:
    """Two of the camera's axes: right and down in the panel."""
    shown = Image.new("RGB", (CELL_PX, CELL_PX), BACKGROUND)
    draw = ImageDraw.Draw(shown)
    skeleton = said.skeleton
    if truth is not None:
        _bones(draw, truth, axes, skeleton, 3, 0.0)
    for h in reversed(range(said.joints_cam.shape[1])):
        joints = root_centred(said.joints_cam[0, h, 0], skeleton.root)
        _bones(draw, joints, axes, skeleton, 1 if h else 2, _FAINT if h else 1.0)
    return shown


def _bones(
    draw: ImageDraw.ImageDraw,
    joints: Float[Tensor, "j 3"],
    axes: tuple[int, int],
    skeleton: Skeleton,
    width: int,
    strength: float,
) -> None:
    """Bones in the colours of their sides; in grey at strength 0."""
    half = CELL_PX / 2
    points = [tuple(p) for p in (half + half / REACH_M * joints[:, list(axes)]).tolist()]
    for joint, parent in enumerate(skeleton.parents):
        if parent < 0:
            continue
        colour = _TRUTH
        if strength:
            sides = zip(colour_of(skeleton.names[joint]), BACKGROUND, strict=True)
            colour = tuple(round(strength * a + (1 - strength) * b) for a, b in sides)
        draw.line([points[joint], points[parent]], colour, width)

"""What a model of pictures says, at a glance: over the picture, drawn as a body, and from the side.

Axes: h hypotheses, j joints, y x pixels.
"""

from collections.abc import Sequence
from dataclasses import replace

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
_WHITE = (255, 255, 255)
_FAINT = 0.35
"""How much of its colour a hypothesis beside the first one has."""


@torch.no_grad()
def answer_sheet(
    studio: Studio, estimator: Estimator, numbers: Sequence[int], columns: int = 3
) -> Image.Image:
    """A grid of pictures, each with what the model says of it.

    Four panels: 2D joints over the picture; the mask (red) and the body drawn of the joints
    (green), yellow where they meet; 3D from the left of the camera, far to the right, all
    hypotheses and in grey the truth, where it is known; the same from above. A fifth one where the
    model says how probable depths are: a row for each joint, near to the left, far to the right,
    white where hypotheses are and grey where the truth is.

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
    shown = told(batch, "none").to(device)
    said = replace(estimator(shown), depth_cells=estimator.training_forward(shown).depth_cells)
    said = said.map(lambda x: x.cpu().float())
    each = zip(_pictures(batch), _drawn(said, batch), _truths(batch), strict=True)
    return grid(
        [_panels(*of_one, said.map(lambda x, i=i: x[i : i + 1])) for i, of_one in enumerate(each)],
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
    panels = [
        with_skeleton(_image(picture), points_px, None, said.skeleton),
        fitted(_image(drawn)),
        _seen_along(said, truth, (2, 1)),
        _seen_along(said, truth, (0, 2)),
    ]
    return panels if said.depth_cells is None else [*panels, _depths(said, truth)]


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


def _depths(said: Prediction, truth: Tensor | None) -> Image.Image:
    """Probabilities of every joint's depths, relative to the root's mean."""
    assert said.depth_cells is not None
    depth_m, probability = said.depth_cells[0, 0, ..., 0], said.depth_cells[0, 0, ..., 1].exp()
    root = said.skeleton.root
    middle = (depth_m * probability)[root].sum() / probability[root].sum()
    colours = torch.tensor([colour_of(name) for name in said.skeleton.names]) / 255
    heat = probability / probability.amax(-1, keepdim=True)
    shown = _image(heat[..., None] * colours[:, None]).resize((CELL_PX, CELL_PX), 0)
    draw = ImageDraw.Draw(shown)
    row_px, half_px = CELL_PX / len(heat), CELL_PX / 2
    # Cells lie at their middles.
    reach = depth_m[0].abs().max() * heat.shape[1] / (heat.shape[1] - 1)

    def marks(z_m: Float[Tensor, "j"], colour: tuple[int, int, int]) -> None:
        for joint, at in enumerate((half_px * (1 + z_m / reach)).tolist()):
            draw.line([(at, joint * row_px), (at, (joint + 1) * row_px - 2)], colour, 2)

    if truth is not None:
        marks(truth[:, 2] + middle, _TRUTH)
    for joints in said.joints_cam[0, :, 0]:
        marks(joints[:, 2] - joints[root, 2] + middle, _WHITE)
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

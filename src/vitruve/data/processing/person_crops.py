"""Crops of pictures around people, for estimators that look at them.

Axes: n pictures, k keypoints, y x pixels. Positions are in pixels, the middle of the first one at
0.5; a box is its left, top, right and bottom edge.
"""

import math

import torch
from jaxtyping import Bool, Float
from torch import Tensor
from torch.nn import functional

MAX_FINER = 8
"""Samples along each side of a pixel of a crop, at most; bounds memory."""


def person_boxes_px(
    keypoints_px: Float[Tensor, "*b k 2"],
    valid: Bool[Tensor, "*b k"],
    *,
    margin: float = 0.25,
    aspect: float = 0.75,
) -> Float[Tensor, "*b 4"]:
    """Boxes around the seen keypoints, all of one shape; NaN where nothing is seen.

    Args:
        keypoints_px: 2D joints.
        valid: Which of them were seen.
        margin: Room on every side, as a share of the larger side.
        aspect: Width over height; the shorter side is made longer.
    """
    seen = valid.unsqueeze(-1)
    first = keypoints_px.where(seen, torch.inf).amin(dim=-2)
    last = keypoints_px.where(seen, -torch.inf).amax(dim=-2)
    size = last - first
    size = size + 2 * margin * size.amax(dim=-1, keepdim=True)
    width = torch.maximum(size[..., 0], aspect * size[..., 1]).clamp(min=1.0)
    half = torch.stack([width, width / aspect], dim=-1) / 2
    middle = (first + last) / 2
    boxes = torch.cat([middle - half, middle + half], dim=-1)
    return boxes.where(valid.any(dim=-1, keepdim=True), torch.nan)


def crop_pictures(
    pictures: Float[Tensor, "n 3 y x"],
    boxes_px: Float[Tensor, "n 4"],
    size_px: tuple[int, int] = (192, 256),
) -> Float[Tensor, "n 3 _ _"]:
    """Cut boxes out and bring them to one size; black beyond the picture.

    Args:
        pictures: RGB, 0 to 1.
        boxes_px: May reach beyond the picture.
        size_px: Width, height of the result.

    Raises:
        ValueError: A box has no width or height, or is not finite.
    """
    sizes = boxes_px[:, 2:] - boxes_px[:, :2]
    if not bool((sizes > 0).all()):
        raise ValueError("boxes_px must be left, top, right, bottom; a box is empty or not finite")
    wanted = sizes.new_tensor(size_px)
    # Where pixels are thrown together, several samples of each are averaged: nothing flickers.
    finer = math.ceil(float((sizes / wanted).max().clamp(1.0, MAX_FINER)))
    x, y = ((torch.arange(n * finer, device=boxes_px.device) + 0.5) / (n * finer) for n in size_px)
    within = torch.cartesian_prod(y, x).flip(-1).to(boxes_px).unflatten(0, (len(y), len(x)))
    at_px = boxes_px[:, None, None, :2] + within * sizes[:, None, None]
    picture = at_px.new_tensor([pictures.shape[-1], pictures.shape[-2]])
    samples = functional.grid_sample(pictures, 2 * at_px / picture - 1, align_corners=False)
    return functional.avg_pool2d(samples, finer)

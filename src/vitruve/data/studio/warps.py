"""Warped copies of pictures: the same joints, elsewhere in the crop.

Siarohin et al., "First Order Motion Model for Image Animation", NeurIPS 2019,
https://arxiv.org/abs/2003.00196: the identity and noise on every entry, and pictures that go on as
their mirror image beyond the edge. Affine maps only; the original also bends.

Axes: b examples, i pictures of an example, t frames, y x pixels. Crop coordinates: 0 in the middle,
the longer side from -1 to 1.
"""

from dataclasses import replace
from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

from vitruve.poses import PoseBatch

Between = Literal["bilinear", "bicubic"]
SPREAD = 0.05
"""Standard deviation of the noise."""


def draw_warps(
    count: int, generator: torch.Generator, spread: float = SPREAD
) -> Float[Tensor, "b 2 3"]:
    """Affine maps near the identity."""
    return torch.eye(2, 3) + spread * torch.randn(count, 2, 3, generator=generator)


def warp_batch(batch: PoseBatch, warps: Float[Tensor, "b 2 3"]) -> PoseBatch:
    """Copies of plain examples whose pictures, masks and 2D joints went where ``warps`` take them.

    There is no camera that would have seen them so: 3D labels are not known, and none of their 2D
    joints are either. Their ``picture`` stays, so that they are known for copies.

    Raises:
        ValueError: The batch has no pictures, or was warped before.
    """
    if batch.images is None or batch.crops_px is None or batch.warp is None:
        raise ValueError("warping needs PoseBatch.images, crops_px and warp; the batch lacks one")
    if not torch.equal(batch.warp, torch.eye(2, 3).expand_as(batch.warp)):
        raise ValueError("warp plain pictures; some of these were warped before")
    images, masks = warped_pictures(batch, warps)
    return replace(
        batch,
        images=images,
        masks=masks,
        warp=warps,
        keypoints_valid=torch.zeros_like(batch.keypoints_valid),
        valid=None if batch.valid is None else torch.zeros_like(batch.valid),
    )


def warped_copies(batch: PoseBatch, count: int, generator: torch.Generator) -> PoseBatch:
    """Copies of the first ``count`` plain examples, each warped by chance.

    Raises:
        ValueError: The batch has no pictures, or was warped before.
    """
    return warp_batch(batch.map(lambda x: x[:count]), draw_warps(count, generator))


def warped_pictures(
    batch: PoseBatch, warps: Float[Tensor, "b 2 3"], between: Between = "bilinear"
) -> tuple[Float[Tensor, "b i 3 y x"], Float[Tensor, "b i y x"] | None]:
    """Pictures and masks that went where ``warps`` take them; beyond edges, their mirror image.

    Args:
        batch: With pictures.
        warps: In crop coordinates.
        between: What is between pixels; bicubic pictures stay as sharp as they were.
    """
    assert batch.images is not None
    if batch.masks is None:
        return _warped(batch.images, warps, between), None
    both = _warped(torch.cat([batch.images, batch.masks.unsqueeze(2)], 2), warps, between)
    return both[:, :, :3], both[:, :, 3]


def _warped(
    pictures: Float[Tensor, "b i c y x"], warps: Float[Tensor, "b 2 3"], between: Between
) -> Float[Tensor, "b i c y x"]:
    b, i, c, height, width = pictures.shape
    reach = pictures.new_tensor([width, height]) / max(width, height)
    # Where each pixel comes from, in the coordinates of grid_sample: every side from -1 to 1.
    back = torch.linalg.inv(warps[:, :, :2])
    turn = back * reach / reach[:, None]
    shift = -(back @ warps[:, :, 2:]) / reach[:, None]
    grid = functional.affine_grid(torch.cat([turn, shift], 2), [b, c, height, width], False)
    flat = functional.grid_sample(
        pictures.transpose(0, 1).flatten(0, 1),
        grid.repeat(i, 1, 1, 1),
        mode=between,
        padding_mode="reflection",
        align_corners=False,
    ).clamp_(0, 1)
    return flat.unflatten(0, (i, b)).transpose(0, 1)

"""Heatmaps of joints in the picture and in a metric box, and the coordinates they mean.

MeTRAbs (Sarandi et al., T-BIOM 2021, https://arxiv.org/abs/2007.07227): a convolution of one pixel
gives each joint a heatmap over the crop and one over a box of fixed size in metres whose middle is
nowhere in particular: only the joints' places relative to each other mean anything. A joint may lie
outside the picture and still inside the box.

Axes: b batch, j joints, d depth cells, y x cells.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor, nn

from vitruve.nets.precision import unrounded


@dataclass(frozen=True)
class MetricHeatmapsConfig:
    """Settings of the heatmaps; the defaults are the published ones."""

    in_channels: int
    """Channels of the features."""
    num_joints: int
    """Joints that have heatmaps."""
    depth: int = 8
    """Cells along the depth of the box."""
    box_m: float = 2.2
    """Length of the box's edges."""
    stride: int = 32
    """Pixels of the crop from one cell to the next."""

    def __post_init__(self) -> None:
        """Refuse heatmaps of nothing.

        Raises:
            ValueError: A number is not positive, or the depth has one cell only.
        """
        if min(self.in_channels, self.num_joints, self.stride) < 1 or self.box_m <= 0:
            raise ValueError(f"every number of {self} must be positive")
        if self.depth < 2:
            raise ValueError(f"depth must be 2 or more, got {self.depth}")


class MetricHeatmaps(nn.Module):
    """Features of a crop to joints in its pixels and to joints in metres."""

    def __init__(self, config: MetricHeatmapsConfig) -> None:
        super().__init__()
        self.config = config
        self.logits = nn.Conv2d(config.in_channels, config.num_joints * (1 + config.depth), 1)

    def forward(
        self, features: Float[Tensor, "b c y x"]
    ) -> tuple[Float[Tensor, "b j 2"], Float[Tensor, "b j 3"]]:
        """Pixels of the crop, and metres in the box (x right, y down, z away)."""
        return decode(self.logits(features), self.config)


def decode(
    logits: Float[Tensor, "b c y x"], config: MetricHeatmapsConfig
) -> tuple[Float[Tensor, "b j 2"], Float[Tensor, "b j 3"]]:
    """Expected coordinates under the softmax of each heatmap.

    Channels are the joints' heatmaps over the crop, then those of the box, slice by slice of its
    depth. The outermost cells' centres lie half a stride inside the crop, and on the faces of the
    box along its depth.

    Raises:
        ValueError: A map has fewer than 2 cells along an axis, so that it knows no place.
    """
    y, x = logits.shape[-2:]
    if min(y, x) < 2:
        raise ValueError(f"heatmaps need 2 cells or more along each axis, got {y} x {x}")
    flat, solid = logits.split([config.num_joints, config.num_joints * config.depth], dim=1)
    solid = solid.unflatten(1, (config.depth, config.num_joints)).transpose(1, 2)
    plane, cell = expected_cell(flat), expected_cell(solid)
    size = config.stride * plane.new_tensor([x, y])
    points_px = _inside(plane, size, config.stride)
    across = _inside(cell[..., :2], size, config.stride) * (config.box_m / size)
    return points_px, torch.cat([across, config.box_m * cell[..., 2:]], dim=-1)


def expected_cell(logits: Float[Tensor, "b j *cells"]) -> Float[Tensor, "b j axes"]:
    """Expected place, 0 at the first cell of an axis and 1 at the last: x, y, then z."""
    axes = logits.ndim - 2
    exact = torch.promote_types(logits.dtype, torch.float32)
    weights = logits.flatten(2).softmax(dim=-1, dtype=exact).view(logits.shape)
    places = []
    for axis in range(axes):
        others = [2 + a for a in range(axes) if a != axis]
        marginal = weights.sum(dim=others) if others else weights
        ticks = torch.linspace(0, 1, marginal.shape[-1], device=logits.device, dtype=exact)
        with unrounded(logits.device):
            places.append(marginal @ ticks)
    return torch.stack(places[::-1], dim=-1)


def _inside(
    cell: Float[Tensor, "b j 2"], size: Float[Tensor, "2"], stride: int
) -> Float[Tensor, "b j 2"]:
    """Pixels of a place between the outermost cells' centres."""
    return cell * (size - stride) + stride / 2

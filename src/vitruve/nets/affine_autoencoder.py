"""Affine-combining autoencoder: many joints to few latent points and back, weights sum to 1.

Sárándi, Hermans, Leibe, "Learning 3D human pose estimation from dozens of datasets using a
geometry-aware autoencoder to bridge between skeleton formats", WACV 2023,
https://arxiv.org/abs/2212.14474. Written from the paper.

An affine combination commutes with every affine map of space, and the block structure of the
weights makes swapping the sides of the input swap the sides of the output, exactly.

Axes: b any leading axes, j joints, l latents, o outputs and i inputs of one weight matrix,
c coordinates.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, assert_never

import torch
from jaxtyping import Float
from torch import Tensor, nn

from vitruve.skeletons.skeleton import Skeleton

GUARD = 1e-2
"""A signed sum below this part of the absolute one is no divisor."""
Normalise = Literal["signed_sum", "additive"]


@dataclass(frozen=True)
class AffineAutoencoderConfig:
    """Settings of the affine-combining autoencoder."""

    skeleton: Skeleton
    """All joints; its mirror says which are left, right and central."""
    num_latents: int = 48
    """Latent points, left, right and central in the proportion of the joints."""
    normalise: Normalise = "signed_sum"
    """How weights are made to sum to 1: divided by their sum, or their lack of 1 spread evenly."""
    seed: int = 0
    """Of the first weights."""
    chirality: bool = True
    """Sides of the body stay sides (equation 5). Without it every joint counts as central: weights
    are free, and latents have no mirror."""

    def __post_init__(self) -> None:
        """Refuse what compresses nothing.

        Raises:
            ValueError: There are fewer than 3 latents, or not fewer than joints.
        """
        if not 3 <= self.num_latents < self.skeleton.num_joints:
            raise ValueError(
                f"num_latents is {self.num_latents}; allowed: from 3 to fewer than the "
                f"{self.skeleton.num_joints} joints"
            )

    @property
    def latents_per_side(self) -> int:
        """Left latents, and as many right ones; the others are central."""
        if not self.chirality:
            return 0
        share = len(self.skeleton.left) / self.skeleton.num_joints
        # A format with central joints keeps a central latent, one with sides a pair.
        most = (self.num_latents - bool(self.skeleton.centre)) // 2
        return min(most, max(bool(share), round(share * self.num_latents)))


class AffineAutoencoder(nn.Module):
    """Encoder and decoder, a matrix of affine weights each."""

    def __init__(self, config: AffineAutoencoderConfig) -> None:
        super().__init__()
        self.config = config
        skeleton, side = config.skeleton, config.latents_per_side
        sides = len(skeleton.left) if config.chirality else 0
        joints = (sides, skeleton.num_joints - 2 * sides)
        latents = (side, config.num_latents - 2 * side)
        draw = torch.Generator().manual_seed(config.seed)
        self.to_latents = ChiralWeights(latents, joints, draw)
        self.to_joints = ChiralWeights(joints, latents, draw)
        order = torch.tensor([*skeleton.left, *skeleton.right, *skeleton.centre])
        self.register_buffer("_place", order.argsort(), persistent=False)
        self._place: Tensor

    @property
    def encoder(self) -> Float[Tensor, "l j"]:
        """Rows sum to 1 (equation 1); latents are left, right, central."""
        return to_affine(self.to_latents()[:, self._place], self.config.normalise)

    @property
    def decoder(self) -> Float[Tensor, "j l"]:
        """Rows sum to 1 (equation 2)."""
        return to_affine(self.to_joints()[self._place], self.config.normalise)

    def encode(self, joints: Float[Tensor, "*b j c"]) -> Float[Tensor, "*b l c"]:
        """Latent points, in the joints' frame and unit."""
        return self.encoder @ joints

    def decode(self, latents: Float[Tensor, "*b l c"]) -> Float[Tensor, "*b j c"]:
        """Joints, in the latents' frame and unit."""
        return self.decoder @ latents

    def forward(self, joints: Float[Tensor, "*b j c"]) -> Float[Tensor, "*b j c"]:
        """To the latents and back."""
        return self.decode(self.encode(joints))


class ChiralWeights(nn.Module):
    """A matrix that stays the same when left and right are swapped in its rows and its columns."""

    def __init__(
        self, outputs: tuple[int, int], inputs: tuple[int, int], draw: torch.Generator
    ) -> None:
        """Draw the blocks evenly from -0.1 to 1.

        Args:
            outputs: Rows of each side, and central ones.
            inputs: Columns of each side, and central ones.
            draw: Source of the first weights.
        """
        super().__init__()

        def block(rows: int, columns: int) -> nn.Parameter:
            return nn.Parameter(torch.rand(rows, columns, generator=draw) * 1.1 - 0.1)

        (out_side, out_centre), (in_side, in_centre) = outputs, inputs
        self.same_side = block(out_side, in_side)
        self.other_side = block(out_side, in_side)
        self.from_centre = block(out_side, in_centre)
        self.to_centre = block(out_centre, in_side)
        self.centre = block(out_centre, in_centre)

    def forward(self) -> Float[Tensor, "o i"]:
        """Rows and columns are left, right, central."""
        # Eq. (5)
        left = torch.cat([self.same_side, self.other_side, self.from_centre], 1)
        right = torch.cat([self.other_side, self.same_side, self.from_centre], 1)
        middle = torch.cat([self.to_centre, self.to_centre, self.centre], 1)
        return torch.cat([left, right, middle])


def to_affine(weights: Float[Tensor, "o i"], how: Normalise) -> Float[Tensor, "o i"]:
    """Make every row sum to 1.

    Where the signed sum is too near 0 to divide by, what lacks to 1 is spread evenly instead.
    """
    total = weights.sum(-1, keepdim=True)
    evened = weights + (1.0 - total) / weights.shape[-1]
    match how:
        case "additive":
            return evened
        case "signed_sum":
            safe = total.abs() > GUARD * weights.abs().sum(-1, keepdim=True)
            return torch.where(safe, weights / torch.where(safe, total, 1.0), evened)
        case _:
            assert_never(how)


def mirror_latents(num_latents: int, per_side: int) -> Sequence[int]:
    """Where each latent's value comes from after a left-right flip."""
    left, right = range(per_side), range(per_side, 2 * per_side)
    return [*right, *left, *range(2 * per_side, num_latents)]

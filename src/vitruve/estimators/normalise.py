"""How pixels become the input of a lifting net, and its output becomes metres.

A normaliser sees the whole batch, so it may use the camera. Both directions are functions of the
batch alone and share no state.

Axes: b batch, t frames, k keypoints, j joints.
"""

from typing import Protocol, runtime_checkable

import torch
from jaxtyping import Float
from torch import Tensor

from vitruve.estimators.root_view import RootView
from vitruve.poses import PoseBatch


@runtime_checkable
class Normaliser(Protocol):
    """Pixels to net input, net output to metres."""

    needs: tuple[str, ...]
    """PoseBatch fields that must be present."""

    def encode(self, batch: PoseBatch) -> Float[Tensor, "*b t k 2"]:
        """Net input of every keypoint, of the order of 1; invalid ones are finite."""
        ...

    def decode(
        self, joints: Float[Tensor, "*b t j 3"], batch: PoseBatch
    ) -> Float[Tensor, "*b t j 3"]:
        """Camera axes, metres, from net output of the batch's central frames."""
        ...

    def encode_joints(
        self, joints: Float[Tensor, "*b t j 3"], batch: PoseBatch
    ) -> Float[Tensor, "*b t j 3"]:
        """What ``decode`` takes to these joints of all frames, for nets that read labels."""
        ...


class Screen:
    """Width to [-1, 1] with the aspect ratio kept, as published by Pavllo et al. (CVPR 2019).

    The net speaks metres in camera axes, so decoding changes nothing.
    """

    needs: tuple[str, ...] = ()

    def encode(self, batch: PoseBatch) -> Float[Tensor, "*b t k 2"]:
        """``x / w * 2 - 1`` and ``y / w * 2 - h / w``."""
        half_width, centre = _half_width_and_centre(batch)
        return batch.keypoints_px * (1 / half_width) - centre

    def decode(
        self, joints: Float[Tensor, "*b t j 3"], batch: PoseBatch
    ) -> Float[Tensor, "*b t j 3"]:
        """The joints as they are."""
        del batch
        return joints

    encode_joints = decode

    def to_pixels(
        self, points: Float[Tensor, "*b t k 2"], batch: PoseBatch
    ) -> Float[Tensor, "*b t k 2"]:
        """What ``encode`` makes these points of."""
        half_width, centre = _half_width_and_centre(batch)
        return (points + centre) * half_width


def _half_width_and_centre(
    batch: PoseBatch,
) -> tuple[Float[Tensor, "*b 1 1 1"], Float[Tensor, "*b 1 1 2"]]:
    """Half the image width in pixels, and the image centre in units of it."""
    width, height = batch.image_size_px[..., None, None, :].unbind(-1)
    centre = torch.stack([torch.ones_like(width), height / width], dim=-1)
    return (width / 2).unsqueeze(-1), centre


class WeakPerspective(Screen):
    """Input as ``Screen``; the net speaks the same units, half the image's width, depth included.

    As published by Zhu et al. (MotionBERT, ICCV 2023, https://arxiv.org/abs/2210.06551). Metres
    follow from what a pixel spans at the person in each frame, which the protocol gives.
    """

    needs: tuple[str, ...] = ("scale_m_per_px",)

    def decode(
        self, joints: Float[Tensor, "*b t j 3"], batch: PoseBatch
    ) -> Float[Tensor, "*b t j 3"]:
        """Net output in pixels, times the metres of a pixel."""
        return joints * _half_width_m(joints, batch)

    def encode_joints(
        self, joints: Float[Tensor, "*b t j 3"], batch: PoseBatch
    ) -> Float[Tensor, "*b t j 3"]:
        """What ``decode`` makes these joints of."""
        return joints / _half_width_m(joints, batch)


def _half_width_m(joints: Float[Tensor, "*b t j 3"], batch: PoseBatch) -> Float[Tensor, "*b t 1 1"]:
    """What half the image's width spans at the person, metres, in the batch's central frames."""
    assert batch.scale_m_per_px is not None
    scale = batch.scale_m_per_px * batch.image_size_px[..., None, 0] / 2
    cut = (scale.shape[-1] - joints.shape[-3]) // 2
    return scale[..., cut : cut + joints.shape[-3], None, None]


NORMALISERS: dict[str, Normaliser] = {
    "root_view": RootView(),
    "screen": Screen(),
    "weak_perspective": WeakPerspective(),
}
"""Every normaliser by the name a lifter's config carries."""


def net_input(
    normaliser: Normaliser, batch: PoseBatch, confidence: bool
) -> Float[Tensor, "*b t k c"]:
    """Encoded keypoints, 0 where unseen, with their confidence as a third channel if wanted."""
    x = normaliser.encode(batch)
    if confidence:
        x = torch.cat([x, batch.confidence.unsqueeze(-1)], dim=-1)
    # An unseen keypoint holds an arbitrary value; the net must not react to it.
    return x.where(batch.keypoints_valid.unsqueeze(-1), 0.0)

"""Whole batches of small crops, varied: as another camera there would have taken them.

Where a crop is all there is of a picture, `augment` has nothing to look past it. The camera is
turned about its axis and zooms, so that pictures, 2D and 3D labels stay those of one camera; a
mirror, other light and, behind people with a mask, another background.

Axes: b examples, i pictures of an example, t frames, j joints.
"""

from dataclasses import dataclass, field, replace

import roma
import torch
from jaxtyping import Bool, Float
from torch import Tensor

from vitruve.data.studio.warps import warped_pictures
from vitruve.data.training_crops.colour import ColourConfig, draw_colours, recoloured
from vitruve.data.training_crops.scenery import Scenery
from vitruve.data.training_crops.silhouettes import seen_from_front, silhouettes
from vitruve.poses import PoseBatch, mirror_batch


@dataclass(frozen=True)
class VariedConfig:
    """How far pictures are varied."""

    roll_deg: float = 10.0
    """Standard deviation of turns about the optical axis."""
    zoom: float = 0.05
    """Standard deviation of the logarithm of zooms."""
    mirrored: float = 0.5
    """Share that is mirrored; of views of one moment all or none."""
    replaced: float = 0.5
    """Share of people with a mask who get another background."""
    silhouettes: float = 0.0
    """Share of people with a mask of whom nothing but the mask is shown."""
    colour: ColourConfig = field(default_factory=ColourConfig)


class Varier:
    """Batches of square crops to varied ones; the same generator gives the same bits."""

    def __init__(self, config: VariedConfig, side_px: int) -> None:
        """Make backgrounds for crops of ``side_px`` pixels."""
        self.config = config
        self._scenery = Scenery(side_px) if config.replaced else None

    def __call__(self, batch: PoseBatch, drawn: torch.Generator) -> PoseBatch:
        """The varied batch; mirrored examples come last.

        Raises:
            ValueError: It has no pictures, no cameras, or crops that are part of pictures.
        """
        config, count = self.config, len(batch.keypoints_px)
        batch = self._in_other_light(batch, drawn)
        outlined = torch.zeros(count, dtype=torch.bool)
        if config.silhouettes:
            outlined = torch.rand(count, generator=drawn) < config.silhouettes
            batch = silhouettes(batch, outlined)
        turns = config.roll_deg * torch.randn(count, generator=drawn)
        zooms = (config.zoom * torch.randn(count, generator=drawn)).exp()
        batch = turned_batch(batch, turns.deg2rad(), zooms)
        if config.silhouettes:
            batch = seen_from_front(batch, outlined)
        mirrored = torch.rand(count, generator=drawn) < config.mirrored
        if batch.scene is not None:
            # Views of one moment stay views of one moment.
            mirrored = mirrored[batch.scene.unique(return_inverse=True)[1]]
        plain = batch.map(lambda x: x[~mirrored])
        return PoseBatch.join([plain, mirror_batch(batch.map(lambda x: x[mirrored]))])

    def _in_other_light(self, batch: PoseBatch, drawn: torch.Generator) -> PoseBatch:
        assert batch.images is not None
        flat = batch.images.flatten(0, 1)
        if self._scenery is not None and batch.masks is not None:
            chance = torch.rand(len(flat), generator=drawn)
            cover = batch.masks.flatten(0, 1).unsqueeze(1)
            # Who keeps what is behind them is all cover.
            cover = cover.where((chance < self.config.replaced).view(-1, 1, 1, 1), 1.0)
            scenery = torch.stack([self._scenery.draw(drawn) for _ in flat])
            flat = torch.lerp(scenery, flat, cover)
        maps = [draw_colours(self.config.colour, drawn) for _ in flat]
        return replace(batch, images=recoloured(flat, maps).view_as(batch.images))


def turned_batch(
    batch: PoseBatch, turns_rad: Float[Tensor, "b"], zooms: Float[Tensor, "b"]
) -> PoseBatch:
    """As cameras saw it that are turned about their axes, clockwise pictures, and zoom.

    The middle of a picture stays there. Beyond the edge it goes on as its mirror image.

    Raises:
        ValueError: It has no pictures or cameras, crops that are part of pictures, or a lens.
    """
    if batch.images is None or batch.intrinsics is None or batch.crops_px is None:
        raise ValueError("turning needs PoseBatch.images, intrinsics and crops_px")
    if batch.distortion is not None or not _whole(batch).all():
        raise ValueError("turning needs whole pictures of plain lenses")
    turn = rolls(turns_rad)
    linear = zooms[:, None, None] * turn[:, :2, :2]
    middle = batch.image_size_px / 2
    shift = middle - torch.einsum("bac,bc->ba", linear, middle)

    def pixels(points: Float[Tensor, "b *axes 2"]) -> Float[Tensor, "b *axes 2"]:
        return torch.einsum("bac,b...c->b...a", linear, points) + shift.view(
            len(shift), *[1] * (points.ndim - 2), 2
        )

    warps = torch.cat([linear, torch.zeros_like(linear[..., :1])], -1)
    images, masks = warped_pictures(batch, warps, "bicubic")
    joints, place, scale = batch.joints_cam, batch.T_world_cam, batch.scale_m_per_px
    keypoints_px = pixels(batch.keypoints_px)
    inside = ((keypoints_px >= 0) & (keypoints_px <= 2 * middle[:, None, None])).all(-1)
    return replace(
        batch,
        images=images,
        masks=masks,
        keypoints_px=keypoints_px,
        keypoints_valid=batch.keypoints_valid & inside,
        intrinsics=_turned_intrinsics(batch.intrinsics, turn, linear, shift),
        joints_cam=None if joints is None else torch.einsum("bac,b...c->b...a", turn, joints),
        T_world_cam=None if place is None else _turned_place(place, turn),
        scale_m_per_px=None if scale is None else scale / zooms[:, None],
    )


def rolls(turns_rad: Float[Tensor, "*b"]) -> Float[Tensor, "*b 3 3"]:
    """Turns about the optical axis: of camera-frame points to those of a camera that is turned."""
    return roma.rotvec_to_rotmat(torch.stack([0 * turns_rad, 0 * turns_rad, turns_rad], -1))


def _whole(batch: PoseBatch) -> Bool[Tensor, "b"]:
    """Whose crops are all of the picture."""
    assert batch.crops_px is not None
    whole = torch.cat([torch.zeros_like(batch.image_size_px), batch.image_size_px], -1)
    return (batch.crops_px == whole[:, None]).all(-1).all(-1)


def _turned_intrinsics(
    intrinsics: Float[Tensor, "b 3 3"],
    turn: Float[Tensor, "b 3 3"],
    linear: Float[Tensor, "b 2 2"],
    shift: Float[Tensor, "b 2"],
) -> Float[Tensor, "b 3 3"]:
    """Pixels of turned rays: the map of pixels, after the lens, after the turn back."""
    pixels = torch.eye(3).repeat(len(linear), 1, 1).to(intrinsics)
    pixels[:, :2, :2], pixels[:, :2, 2] = linear, shift
    return pixels @ intrinsics @ turn.mT


def _turned_place(
    place: Float[Tensor, "b 4 4"], turn: Float[Tensor, "b 3 3"]
) -> Float[Tensor, "b 4 4"]:
    turned = place.clone()
    turned[:, :3, :3] = place[:, :3, :3] @ turn.mT
    return turned

"""A person's crop as training sees it: through another camera, in other light, somewhere else.

The augmentations of MeTRAbs and of "Learning 3D human pose estimation from dozens of datasets using
a geometry-aware autoencoder to bridge between skeleton formats" (Sarandi et al., WACV 2023,
https://arxiv.org/abs/2212.14474): turn, scale, shift and mirror of the view, which also undoes the
perspective of a person beside the middle of the picture; colour; backgrounds, where there is a
mask; occluders. We deviate: occluders are drawn shapes, theirs are cut out of photographs.

Everything follows from the generator that is passed in. Axes: n pixels of a side, j joints.
"""

from dataclasses import dataclass, field, replace

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from vitruve.bodies.shapes import ShapesConfig, paint_shapes
from vitruve.data.datasets.crops import CropExample
from vitruve.data.processing.boxes import MIN_DEPTH_M
from vitruve.data.processing.view import AimConfig, View, draw_aim, view_of
from vitruve.data.training_crops.colour import NO_CHANGE, ColourConfig, draw_colours
from vitruve.data.training_crops.scenery import Scenery
from vitruve.geometry.camera import Camera, intrinsics_from_fov
from vitruve.geometry.projection import project
from vitruve.skeletons import Skeleton

ASSUMED_FOV_DEG = 20.0
"""What a crop spans whose camera is unknown: its labels are 2D, a little turn is all it is for."""
_AHEAD = (0.0, 0.0, 1.0)
"""Stands for a joint that has no picture."""


@dataclass(frozen=True)
class AugmentConfig:
    """How crops are made, and varied; shares are probabilities for each example."""

    side_px: int = 256
    """Side of the result."""
    expand: float = 1.1
    """Side of what it shows over the longer side of the person's box."""
    aim: AimConfig = field(default_factory=AimConfig)
    colour: ColourConfig = field(default_factory=ColourConfig)
    replaced: float = 0.7
    """Share of people with a mask who get another background."""
    occluded: float = 0.5
    """Share of pictures with shapes before the person."""
    occluders: ShapesConfig = field(default_factory=lambda: ShapesConfig(most=3, size=(0.06, 0.25)))
    backgrounds: str = ""
    """Folder of pictures for backgrounds; made up ones if empty."""

    def __post_init__(self) -> None:
        """Refuse shares that are none.

        Raises:
            ValueError: A share is outside 0 to 1, or a size is not positive.
        """
        shares = {"replaced": self.replaced, "occluded": self.occluded, "mirror": self.aim.mirror}
        for name, share in shares.items():
            if not 0 <= share <= 1:
                raise ValueError(f"{name} {share}: a share, 0 to 1")
        if self.side_px < 1 or self.expand <= 0 or not 0 <= self.aim.scale < 1:
            raise ValueError(
                f"side_px {self.side_px} and expand {self.expand} must be positive, "
                f"scale {self.aim.scale} in [0, 1)"
            )

    def plain(self) -> "AugmentConfig":
        """The same crops without any variation: what a net sees when it is used."""
        still = AimConfig(0.0, 0.0, 0.0, 0.0)
        return replace(self, aim=still, colour=NO_CHANGE, replaced=0.0, occluded=0.0)


@dataclass(frozen=True, eq=False)
class TrainingCrop:
    """A crop of the net's size, labels in its own camera."""

    skeleton: Skeleton
    image: Float[Tensor, "3 n n"]
    """RGB, 0 to 1."""
    mask: Bool[Tensor, "n n"] | None
    """Where the person is seen."""
    intrinsics: Float[Tensor, "3 3"]
    """Of the crop; a guess where the picture's camera is unknown."""
    keypoints_px: Float[Tensor, "j 2"]
    seen: Bool[Tensor, "j"]
    """False where a keypoint is missing, behind the camera or beside the crop."""
    joints_cam: Float[Tensor, "j 3"] | None
    """Absolute, metres; None for weak labels."""
    valid: Bool[Tensor, "j"]


class Augmenter:
    """Crops to training crops; the same example and generator give the same bits."""

    def __init__(self, config: AugmentConfig) -> None:
        """Make the bank of backgrounds, if any is needed.

        Raises:
            FileError: The folder of backgrounds holds no pictures.
            OSError: It does not exist.
        """
        self.config = config
        self._scenery = Scenery(config.side_px, config.backgrounds) if config.replaced else None

    def __call__(self, example: CropExample, generator: torch.Generator) -> TrainingCrop:
        """One training crop."""
        config, camera = self.config, example.camera or _assumed(example)
        aim = draw_aim(config.aim, generator)
        view = view_of(camera, example.box_px, config.side_px, expand=config.expand, aim=aim)
        image, cover = _shown(example, view, camera)
        chance = torch.rand(2, generator=generator).tolist()
        if self._scenery is not None and cover is not None and chance[0] < config.replaced:
            image = torch.lerp(self._scenery.draw(generator), image, cover)
        image = draw_colours(config.colour, generator)(image)
        mask = None if cover is None else cover[0] > 0.5
        if chance[1] < config.occluded:
            hidden = paint_shapes(image, generator, config.occluders)
            mask = None if mask is None else mask & ~hidden
        return _labelled(example, view, camera, image.contiguous(), mask)


def _assumed(example: CropExample) -> Camera:
    size = example.image.shape[-1], example.image.shape[-2]
    return Camera(intrinsics_from_fov(ASSUMED_FOV_DEG, size), size)


def _shown(
    example: CropExample, view: View, camera: Camera
) -> tuple[Float[Tensor, "3 n n"], Float[Tensor, "1 n n"] | None]:
    """The view's picture, and how much of each pixel is the person if there is a mask; 0 to 1."""
    planes = example.image
    if example.mask is not None:
        planes = torch.cat([planes, 255 * example.mask.to(torch.uint8).unsqueeze(0)])
    shown = view.show(planes.permute(1, 2, 0).numpy(), camera)
    image = torch.from_numpy(shown).permute(2, 0, 1).float() / 255
    return image[:3], None if example.mask is None else image[3:]


def _labelled(
    example: CropExample,
    view: View,
    camera: Camera,
    image: Float[Tensor, "3 n n"],
    mask: Bool[Tensor, "n n"] | None,
) -> TrainingCrop:
    """The labels as the view has them: in a mirror left is right."""
    order = list(example.skeleton.mirror_index) if view.mirrored else slice(None)
    valid, joints = example.valid[order], None
    if example.joints_cam is None or example.camera is None:
        points, known = view.place(example.keypoints_px, camera)[order], valid
        valid = torch.zeros_like(known)
    else:
        joints = view.turn(example.joints_cam)[order]
        known = valid & (joints[:, 2] > MIN_DEPTH_M)
        ahead = torch.where(known[:, None], joints, torch.tensor(_AHEAD))
        points = project(ahead, view.camera.intrinsics)
        joints = torch.where(valid[:, None], joints, 0.0)
    inside = ((points >= 0) & (points <= image.shape[-1])).all(-1)
    points = points.nan_to_num(0.0, 0.0, 0.0)
    return TrainingCrop(
        example.skeleton,
        image,
        mask,
        view.camera.intrinsics,
        points,
        known & inside,
        joints,
        valid,
    )

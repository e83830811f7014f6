"""People in whole pictures: a picture, its camera and boxes in; placed joints of everyone out.

Every person is looked at by a few virtual cameras at the picture's place, each turned to the person
(so that the perspective of somebody beside the middle is undone), some mirrored, turned or closer.
Their answers are brought back to the picture's camera and averaged; how far they lie apart says how
sure the estimator is.

Axes: n people, a views of each, m views in all, j joints, y x pixels.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, UInt8
from torch import Tensor

from vitruve.data.processing.view import Aim, view_of
from vitruve.estimators.base import Estimator
from vitruve.geometry.camera import Camera
from vitruve.poses import PoseBatch, TensorRecord
from vitruve.skeletons import Skeleton

AIMS = (
    Aim(),
    Aim(mirrored=True),
    Aim(roll_deg=8.0, zoom=1.08),
    Aim(roll_deg=-8.0, zoom=0.93, mirrored=True),
)
"""Views of each person."""
_AT_ONCE = 64
"""Views that the net sees together: bounds memory."""


@dataclass(frozen=True)
class ViewsConfig:
    """How people are looked at."""

    side_px: int
    """Side of the views: that of the crops the estimator learned from."""
    expand: float
    """Side of what they show over the longer side of the person's box."""
    aims: tuple[Aim, ...] = AIMS
    """Views of each person; more cost as much more."""


@dataclass(frozen=True, eq=False)
class Looks(TensorRecord):
    """Views of people, ready for an estimator; all views of a person follow each other."""

    images: Float[Tensor, "m 3 y x"]
    """RGB, 0 to 1."""
    intrinsics: Float[Tensor, "m 3 3"]
    R_view_picture: Float[Tensor, "m 3 3"]
    """Also mirrors, where the view is mirrored."""


@dataclass(frozen=True, eq=False)
class PlacedPeople(TensorRecord):
    """Where the joints of people are."""

    skeleton: Skeleton
    joints_cam: Float[Tensor, "n j 3"]
    """In the picture's camera frame, absolute, metres."""
    spread: Float[Tensor, "n j"]
    """Standard deviation over the views, metres."""


def look_at_people(
    image: UInt8[np.ndarray, "y x 3"],
    camera: Camera,
    boxes_px: Float[Tensor, "n 4"],
    config: ViewsConfig,
) -> Looks:
    """Take the views of people in a picture.

    Args:
        image: RGB.
        camera: What took it, lens and all.
        boxes_px: Around each person's joints: left, top, right, bottom.
        config: How.
    """
    views = [
        view_of(camera, box, config.side_px, expand=config.expand, aim=aim)
        for box in boxes_px
        for aim in config.aims
    ]
    side = config.side_px
    shown = [torch.from_numpy(view.show(image, camera)) for view in views]
    pictures = torch.stack(shown) if shown else torch.zeros(0, side, side, 3, dtype=torch.uint8)
    return Looks(
        pictures.permute(0, 3, 1, 2).float() / 255,
        _stacked([view.camera.intrinsics for view in views]),
        _stacked([view.R_view_picture for view in views]),
    )


@torch.no_grad()
def place_people_seen(estimator: Estimator, looks: Looks, config: ViewsConfig) -> PlacedPeople:
    """What an estimator says of people that were looked at.

    Args:
        estimator: One that takes pictures and places people.
        looks: Of any number of pictures, joined.
        config: How they were looked at.

    Raises:
        ValueError: The estimator needs more than pictures and their camera, or does not place.
    """
    skeleton, said = estimator.skeleton, []
    device = next(estimator.parameters()).device
    for start in range(0, len(looks.images), _AT_ONCE):
        part = looks.map(lambda x, s=start: x[s : s + _AT_ONCE])
        said.append(_placed(estimator, _batch(part, estimator).to(device)))
    joints = torch.cat(said) if said else torch.zeros(0, skeleton.num_joints, 3)
    mirrored = torch.linalg.det(looks.R_view_picture) < 0
    swapped = joints[:, list(skeleton.mirror_index)]
    joints = torch.where(mirrored[:, None, None], swapped, joints) @ looks.R_view_picture
    views = joints.unflatten(0, (-1, len(config.aims)))
    mean = views.mean(1)
    spread = (views - mean.unsqueeze(1)).square().sum(-1).mean(1).sqrt()
    return PlacedPeople(skeleton, mean, spread)


def people_in_picture(
    estimator: Estimator,
    image: UInt8[np.ndarray, "y x 3"],
    camera: Camera,
    boxes_px: Float[Tensor, "n 4"],
    config: ViewsConfig,
) -> PlacedPeople:
    """Both in one for a single picture; see `look_at_people` and `place_people_seen`."""
    return place_people_seen(estimator, look_at_people(image, camera, boxes_px, config), config)


def _stacked(tensors: Sequence[Tensor]) -> Float[Tensor, "m 3 3"]:
    return torch.stack(list(tensors)) if tensors else torch.zeros(0, 3, 3)


def _batch(looks: Looks, estimator: Estimator) -> PoseBatch:
    """Pictures and cameras, and keypoints that nobody has seen."""
    m, _, height, width = looks.images.shape
    keypoints = estimator.keypoint_skeleton
    size_px = torch.tensor([float(width), float(height)])
    return PoseBatch(
        keypoint_skeleton=keypoints,
        keypoints_px=torch.zeros(m, 1, keypoints.num_joints, 2),
        keypoints_valid=torch.zeros(m, 1, keypoints.num_joints, dtype=torch.bool),
        confidence=torch.zeros(m, 1, keypoints.num_joints),
        image_size_px=size_px.expand(m, 2),
        intrinsics=looks.intrinsics,
        images=looks.images.unsqueeze(1),
        crops_px=torch.cat([torch.zeros(2), size_px]).expand(m, 1, 4),
    )


def _placed(estimator: Estimator, batch: PoseBatch) -> Float[Tensor, "m j 3"]:
    said = estimator(batch)
    if said.root_cam is None:
        raise ValueError(
            f"{type(estimator).__name__} says shapes and no place: looking at whole pictures needs "
            "an estimator that says root_cam, such as metric_scale"
        )
    return (said.joints_cam + said.root_cam.unsqueeze(-2))[:, 0, 0].float().cpu()

"""Where an estimator's 2D joints lie in the pictures of a batch.

For objectives that compare with pictures. Any estimator will do that says 2D joints, or places its
joints before a known camera.

Axes: *b examples, n pictures of all of them, h hypotheses, t frames, i pictures of an example, j
joints, y x pixels. Crop coordinates: 0 in the middle, the longer side from -1 to 1.
"""

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from vitruve.geometry.projection import project
from vitruve.poses import PoseBatch, Prediction


def picture_points(
    prediction: Prediction, batch: PoseBatch
) -> tuple[Float[Tensor, "n h j 2"], Bool[Tensor, "n"]]:
    """2D joints in every picture, one picture after the other.

    Returns:
        Crop coordinates; and False for a picture whose frame is not among those predicted.

    Raises:
        ValueError: The batch has no pictures, or there are no 2D joints to be had.
    """
    reach = crop_reach(batch)
    assert batch.crops_px is not None
    at, shown = at_pictures(keypoints_px(prediction, batch), batch)
    points = to_crop(at.movedim(-4, -3), batch.crops_px[..., None, :], reach)
    return points.flatten(0, -4), shown.flatten()


def at_pictures(
    joints: Float[Tensor, "*b h t j c"], batch: PoseBatch
) -> tuple[Float[Tensor, "*b h i j c"], Bool[Tensor, "*b i"]]:
    """Joints in the frames that pictures show, and False for one that is not among those predicted.

    Raises:
        ValueError: The batch has no pictures.
    """
    num_frames, t = joints.shape[-3], batch.keypoints_px.shape[-3]
    at = picture_frames(batch) - (t - num_frames) // 2
    shown = (at >= 0) & (at < num_frames)
    index = at.clamp(0, num_frames - 1)[..., None, :, None, None]
    return joints.take_along_dim(index, dim=-3), shown


def is_plain(warp: Float[Tensor, "n 2 3"]) -> Bool[Tensor, "n"]:
    """Which warps are none: of pictures as their cameras took them."""
    return (warp == torch.eye(2, 3).to(warp)).flatten(1).all(1)


def picture_masks(batch: PoseBatch) -> Float[Tensor, "n y x"]:
    """Masks of every picture, one after the other.

    Raises:
        ValueError: The batch has none.
    """
    if batch.masks is None:
        raise ValueError("this objective needs PoseBatch.masks; the batch has none")
    return batch.masks.flatten(0, -3)


def keypoints_px(prediction: Prediction, batch: PoseBatch) -> Float[Tensor, "*b h t j 2"]:
    """What the estimator says they are, or where its placed joints project to.

    Raises:
        ValueError: It says none and does not place, or there is no camera.
    """
    if prediction.keypoints_px is not None:
        return prediction.keypoints_px
    if prediction.root_cam is None or batch.intrinsics is None:
        raise ValueError(
            "this objective needs 2D joints: an estimator that says keypoints_px, or one that says "
            "root_cam and a batch with intrinsics"
        )
    lens = None if batch.distortion is None else batch.distortion[..., None, None, :]
    joints = prediction.joints_cam + prediction.root_cam.unsqueeze(-2)
    return project(joints, batch.intrinsics[..., None, None, :, :], lens)


def picture_frames(batch: PoseBatch) -> Tensor:
    """Frame of the batch that each picture shows, (*b, i); picture i shows frame i if none say."""
    if batch.image_frames is not None:
        return batch.image_frames
    assert batch.crops_px is not None
    shape = batch.crops_px.shape[:-1]
    return torch.arange(shape[-1], device=batch.crops_px.device).expand(shape)


def crop_reach(batch: PoseBatch) -> Float[Tensor, "2"]:
    """Largest x and y in crop coordinates: the longer side reaches 1.

    Raises:
        ValueError: The batch has no pictures.
    """
    pictures = batch.images if batch.masks is None else batch.masks
    if pictures is None or batch.crops_px is None:
        raise ValueError(
            "this objective needs PoseBatch.crops_px, with images or masks; the batch has none"
        )
    sides = pictures.new_tensor([pictures.shape[-1], pictures.shape[-2]])
    return sides / sides.max()


def to_crop(
    points_px: Float[Tensor, "*#b j 2"],
    crops_px: Float[Tensor, "*#b 4"],
    reach: Float[Tensor, "2"],
) -> Float[Tensor, "*b j 2"]:
    """Crop coordinates of pixels of the picture."""
    first, last = crops_px[..., None, :].split(2, dim=-1)
    return (2 * (points_px - first) / (last - first) - 1) * reach


def from_crop(
    points: Float[Tensor, "*#b j 2"],
    crops_px: Float[Tensor, "*#b 4"],
    reach: Float[Tensor, "2"],
) -> Float[Tensor, "*b j 2"]:
    """Pixels of the picture of crop coordinates."""
    first, last = crops_px[..., None, :].split(2, dim=-1)
    return first + (points / reach + 1) / 2 * (last - first)

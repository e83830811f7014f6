"""Normalisation by a virtual camera that looks straight at the person.

What a person's picture looks like changes with where in the frame they stand, with the lens and
with their distance. Turning the camera towards them and dividing by their size in the picture
removes all three, so one net serves any field of view, crop and camera height.

Axes: b batch, t frames, k keypoints, j joints.
"""

import torch
from jaxtyping import Float
from torch import Tensor

from vitruve.geometry.projection import normalise_points
from vitruve.poses import PoseBatch

AIM = ("left_hip", "right_hip", "left_shoulder", "right_shoulder")
"""Keypoints whose mean the camera looks at."""
FAINT = 0.02
"""Weight of every other keypoint in that mean: where the trunk is unseen, they decide."""
MIN_DEPTH = 0.1
"""Of a turned ray of unit depth; rays at a right angle to the view and beyond stay finite."""
LARGEST = 6.0
"""Bound of an input value, in units of the person's radius."""


class RootView:
    """Turn the camera towards the person in each frame, then divide by their radius.

    The aim is the mean ray of hips and shoulders, the turn the smallest one, the radius the root
    mean square distance of the seen keypoints from the view's axis. Decoding turns joints back.
    """

    needs: tuple[str, ...] = ("intrinsics",)

    def encode(self, batch: PoseBatch) -> Float[Tensor, "*b t k 2"]:
        """Points in the turned view over the person's radius."""
        rays = self._rays(batch)
        turned = torch.einsum("...ij,...kj->...ki", self._turn(batch, rays), rays)
        points = turned[..., :2] / turned[..., 2:].clamp(min=MIN_DEPTH)
        seen = batch.keypoints_valid.to(points)[..., None]
        count = seen.sum(-2, keepdim=True).clamp(min=1)
        square = points.square().sum(-1, keepdim=True)
        radius = ((square * seen).sum(-2, keepdim=True) / count).clamp(min=1e-8).sqrt()
        return (points / radius).clamp(-LARGEST, LARGEST)

    def decode(
        self, joints: Float[Tensor, "*b t j 3"], batch: PoseBatch
    ) -> Float[Tensor, "*b t j 3"]:
        """Joints in the axes of the real camera, metres."""
        turn = self._turn(batch, self._rays(batch))
        cut = (turn.shape[-3] - joints.shape[-3]) // 2
        turn = turn[..., cut : cut + joints.shape[-3], :, :]
        return torch.einsum("...ji,...kj->...ki", turn, joints)

    def encode_joints(
        self, joints: Float[Tensor, "*b t j 3"], batch: PoseBatch
    ) -> Float[Tensor, "*b t j 3"]:
        """Joints in the axes of the turned view, metres."""
        return torch.einsum("...ij,...kj->...ki", self._turn(batch, self._rays(batch)), joints)

    def _rays(self, batch: PoseBatch) -> Float[Tensor, "*b t k 3"]:
        assert batch.intrinsics is not None
        points = normalise_points(batch.keypoints_px, batch.intrinsics[..., None, :, :])
        return torch.cat([points, torch.ones_like(points[..., :1])], dim=-1)

    def _turn(self, batch: PoseBatch, rays: Float[Tensor, "*b t k 3"]) -> Float[Tensor, "*b t 3 3"]:
        """Smallest rotation that takes the aim to the optical axis."""
        names = batch.keypoint_skeleton.names
        weights = torch.tensor([1.0 + FAINT if n in AIM else FAINT for n in names]).to(rays)
        used = (batch.keypoints_valid * weights)[..., None]
        aim = (rays * used).sum(-2) / used.sum(-2).clamp(min=1e-6)
        ahead = torch.tensor([0.0, 0.0, 1.0]).to(rays)
        aim = torch.where(used.sum(-2) > 0, aim, ahead)
        x, y, z = (aim / aim.norm(dim=-1, keepdim=True)).unbind(-1)
        k = 1 / (1 + z)
        rows = [1 - x * x * k, -x * y * k, -x, -x * y * k, 1 - y * y * k, -y, x, y, z]
        return torch.stack(rows, dim=-1).unflatten(-1, (3, 3))

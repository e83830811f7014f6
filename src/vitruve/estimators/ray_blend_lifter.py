"""RayBlendLifter: a lifter whose x and y are blended with where the keypoints' rays are.

P-STMO with its refining module (Shan et al., ECCV 2022, https://arxiv.org/abs/2203.07628). A pose's
depths, put behind its keypoints by the camera, give x and y a second time; ``nets.ray_blend``
chooses between the two. As published: the mirrored clip is averaged before that, the lens is taken
to be straight, and the root is moved to zero only after.

How far away the root is has to be known for that. The published evaluation takes it from the label;
where there is none, the keypoints place the lifted pose.

Axes: *b batch, t frames, j joints.
"""

from dataclasses import dataclass
from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor

from vitruve.estimators.base import Estimator
from vitruve.estimators.lifter import Lifter, LifterConfig
from vitruve.estimators.placing import keypoint_joints, place_by_keypoints
from vitruve.geometry.projection import back_project
from vitruve.nets.ray_blend import RayBlend, RayBlendConfig
from vitruve.poses import PoseBatch, Prediction, mirror_batch
from vitruve.skeletons import places_of

RootDepth = Literal["placed", "label"]


@dataclass(frozen=True)
class RayBlendLifterConfig:
    """A lifter and the net that blends its answers."""

    lifter: LifterConfig
    """Lifts; each of its joints is one of its keypoints."""
    blend: RayBlendConfig
    """Chooses between the lifted pose and the one on the rays."""
    root_depth: RootDepth = "placed"
    """placed: the root stands where the keypoints place the lifted pose. label: as far away as
    ``PoseBatch.joints_cam`` says, which is what published evaluations do and no estimate."""
    flip: bool = True
    """Lift the mirrored clip too and average, before the blend; as published."""


class RayBlendLifter(Estimator):
    """2D keypoints and their camera to 3D joints relative to the root; every frame is predicted."""

    def __init__(self, config: RayBlendLifterConfig) -> None:
        """Build both nets.

        Raises:
            KeyError: The lifter's net or normaliser is unknown.
            ValueError: The sizes do not fit the skeletons, or a joint is none of the keypoints.
        """
        super().__init__()
        self.config = config
        self.lifter, self.blend = Lifter(config.lifter), RayBlend(config.blend)
        self.skeleton = self.lifter.skeleton
        self.keypoint_skeleton = self.lifter.keypoint_skeleton
        self.receptive_field, self.native_fps = self.lifter.receptive_field, self.lifter.native_fps
        self.needs = tuple(dict.fromkeys((*self.lifter.needs, "intrinsics")))
        if config.blend.num_joints != self.skeleton.num_joints:
            raise ValueError(
                f"RayBlendConfig.num_joints is {config.blend.num_joints}, but the lifter says "
                f"{self.skeleton.num_joints} joints"
            )
        self._placing = keypoint_joints(self.keypoint_skeleton, self.skeleton)
        self._seen_as = _keypoint_of_each(self.lifter)

    def forward(self, batch: PoseBatch) -> Prediction:
        """Lift every frame, then blend.

        Raises:
            ValueError: The batch has no camera, or no labels of this skeleton where the root's
                depth is theirs.
        """
        joints = self._lifted(batch)
        if self.config.flip:
            swap, sign = list(self.skeleton.mirror_index), joints.new_tensor([-1.0, 1.0, 1.0])
            joints = (joints + self._lifted(mirror_batch(batch))[..., swap, :] * sign) / 2
        return self._blended(joints, batch)

    def training_forward(self, batch: PoseBatch) -> Prediction:
        """Lift every frame once, then blend."""
        return self._blended(self._lifted(batch), batch)

    def _lifted(self, batch: PoseBatch) -> Float[Tensor, "*b t j 3"]:
        self.check(batch)
        # Callers set the precision of the whole after it was built.
        self.lifter.precision = self.precision
        return self.lifter.joints(batch)

    def _blended(self, joints: Float[Tensor, "*b t j 3"], batch: PoseBatch) -> Prediction:
        both = (joints, self._on_rays(joints, batch))
        blended = self.blend(*(pose.reshape(-1, *joints.shape[-3:]) for pose in both))
        centred = blended.reshape(joints.shape).clone()
        centred[..., self.skeleton.root, :] = 0.0
        return self.lifter.say(centred.unsqueeze(-4), batch)

    def _on_rays(
        self, joints: Float[Tensor, "*b t j 3"], batch: PoseBatch
    ) -> Float[Tensor, "*b t j 3"]:
        """The pose at the lifted depths on the keypoints' rays; as lifted where none was seen."""
        assert batch.intrinsics is not None
        root, seen_as = self.skeleton.root, list(self._seen_as)
        depth = joints[..., 2].clone()
        depth[..., root] = 0.0
        depth = depth + self._root_depth(joints, batch).unsqueeze(-1)
        # Without the lens: published weights have learnt from rays that were not straightened.
        points = back_project(
            batch.keypoints_px[..., seen_as, :], depth, batch.intrinsics.unsqueeze(-3)
        )
        seen = batch.keypoints_valid[..., seen_as]
        seen = (seen & seen[..., root : root + 1]).unsqueeze(-1)
        return torch.where(seen, points - points[..., root : root + 1, :], joints)

    def _root_depth(
        self, joints: Float[Tensor, "*b t j 3"], batch: PoseBatch
    ) -> Float[Tensor, "*b t"]:
        root = self.skeleton.root
        if self.config.root_depth == "placed":
            centred = joints - joints[..., root : root + 1, :]
            return place_by_keypoints(centred.unsqueeze(-4), self._placing, batch)[..., 0, :, 2]
        labelled = batch.skeleton
        if labelled is None or batch.joints_cam is None or labelled.names != self.skeleton.names:
            raise ValueError(
                f"root_depth 'label' reads how far away the root of {self.skeleton.name!r} truly "
                f"is, but the labels are of {labelled and labelled.name!r}: take 'placed' outside "
                "of evaluations"
            )
        return batch.joints_cam[..., root, 2]


def _keypoint_of_each(lifter: Lifter) -> tuple[int, ...]:
    """For each joint, which keypoint it is.

    Raises:
        ValueError: A joint is none.
    """
    found = places_of(lifter.skeleton, lifter.keypoint_skeleton)
    if None in found:
        raise ValueError(
            f"joints are blended with their keypoints, but {lifter.keypoint_skeleton.name!r} has "
            f"no {lifter.skeleton.names[found.index(None)]!r} of {lifter.skeleton.name!r}"
        )
    return tuple(k for k in found if k is not None)

"""Blend a lifted pose with the pose that has the same depths on the rays of its keypoints.

The refining module published with P-STMO (Shan et al., ECCV 2022, https://arxiv.org/abs/2203.07628)
after Cai et al., "Exploiting spatial-temporal relationships for 3D pose estimation via graph
convolutional networks", ICCV 2019. Both poses have the same depths; the net says for x and y of
each joint how much of either to take. ``estimators.ray_blend_lifter`` makes the second pose.

Axes: b batch, t frames, j joints.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor, nn

from vitruve.nets.renaming import Rules, rename_keys

_RULES: Rules = {r"post_refine\.0\.": "fc1.", r"post_refine\.3\.": "fc2."}


@dataclass(frozen=True)
class RayBlendConfig:
    """Settings of the blend; the defaults are the published ones."""

    num_joints: int
    """Joints of the poses."""
    hidden: int = 1024
    """Hidden features of the net."""
    dropout: float = 0.5
    """Share of features dropped in training."""


class RayBlend(nn.Module):
    """Two poses of the same depths to one; every frame by itself."""

    def __init__(self, config: RayBlendConfig) -> None:
        super().__init__()
        self.config = config
        self.fc1 = nn.Linear(6 * config.num_joints, config.hidden)
        self.dropout = nn.Dropout(config.dropout)
        self.fc2 = nn.Linear(config.hidden, 2 * config.num_joints)

    def forward(
        self, lifted: Float[Tensor, "b t j 3"], on_rays: Float[Tensor, "b t j 3"]
    ) -> Float[Tensor, "b t j 3"]:
        """Blend x and y; the depth is that of ``lifted``."""
        both = torch.cat([lifted, on_rays], dim=-1).flatten(-2)
        share = self.fc2(self.dropout(self.fc1(both).relu())).sigmoid()
        xy = torch.lerp(on_rays[..., :2], lifted[..., :2], share.view_as(lifted[..., :2]))
        return torch.cat([xy, lifted[..., 2:]], dim=-1)

    @staticmethod
    def from_official(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Rename the keys of the published ``refine`` files to ours.

        Raises:
            KeyError: A key has no rule.
        """
        return rename_keys(state, _RULES)

    @staticmethod
    def config_from_official(state: Mapping[str, Tensor]) -> RayBlendConfig | None:
        """Read the sizes off a published state dict; None when it is another net's."""
        if not {"post_refine.0.weight", "post_refine.3.weight"} <= state.keys():
            return None
        outputs, hidden = state["post_refine.3.weight"].shape
        return RayBlendConfig(outputs // 2, hidden)

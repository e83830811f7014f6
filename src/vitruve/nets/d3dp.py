"""D3DP's denoiser: MixSTE that also reads a noisy guess of the joints and how noisy it is.

Shan, Liu, Zhang, Wang, Han, Wang, Ma, Gao, "Diffusion-based 3D human pose estimation with
multi-hypothesis aggregation", ICCV 2023, https://arxiv.org/abs/2303.11579. What draws hypotheses
with it is ``estimators.DiffusionLifter``.

Axes: b batch, h hypotheses, t frames, j joints (one token each), c channels.
"""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass

import torch
from jaxtyping import Float, Int64
from torch import Tensor, nn

from vitruve.nets.diffusion_schedule import NUM_STEPS, schedule_tensors
from vitruve.nets.layers import Mlp
from vitruve.nets.mixste import RULES, MixSTE, MixSTEConfig
from vitruve.nets.renaming import Rules, rename_keys

_PREFIX = "pose_estimator."
_RULES: Rules = {
    **RULES,
    r"time_mlp\.1\.": "time_mlp.fc1.",
    r"time_mlp\.3\.": "time_mlp.fc2.",
}
_LOWEST_FREQUENCY = 1e-4


@dataclass(frozen=True)
class D3DPConfig(MixSTEConfig):
    """Settings of the denoiser; the defaults are the published 243-frame net.

    ``in_channels`` counts those of the 2D input; the noisy joints bring three more of their own.
    """

    def __post_init__(self) -> None:
        """Check the sizes."""
        super().__post_init__()
        if self.channels % 2 or self.channels < 4:
            raise ValueError(
                f"D3DPConfig: the time step is told as sines and cosines, so channels must be "
                f"even and at least 4, got {self.channels}"
            )


class D3DP(MixSTE):
    """Noisy joints to clean ones, given keypoints and the time step of the noise."""

    config: D3DPConfig

    def __init__(self, config: D3DPConfig) -> None:
        super().__init__(config)
        self.embed = nn.Linear(config.in_channels + 3, config.channels)
        self.time_mlp = Mlp(config.channels, 2 * config.channels)

    def forward(self, keypoints: Float[Tensor, "b t j c"]) -> Float[Tensor, "b t j 3"]:
        """Lift without noise: the answer at the last time step, where the joints say nothing.

        They are given as zero, the mean of pure noise, so that equal keypoints have equal answers.
        """
        zero = keypoints.new_zeros(*keypoints.shape[:-1], 3)
        last = keypoints.new_full(keypoints.shape[:1], NUM_STEPS - 1, dtype=torch.int64)
        return self.denoise(keypoints, zero.unsqueeze(1), last)[:, 0]

    def denoise(
        self,
        keypoints: Float[Tensor, "b t j c"],
        noisy_joints: Float[Tensor, "b h t j 3"],
        time: Int64[Tensor, "b"],
    ) -> Float[Tensor, "b h t j 3"]:
        """Guess the clean joints behind noisy ones, each hypothesis by itself.

        Args:
            keypoints: Normalised keypoints.
            noisy_joints: In the unit and scale that the net was trained with.
            time: Time step of each clip's noise, 0 to 999.
        """
        b, h = noisy_joints.shape[:2]
        given = keypoints.unsqueeze(1).expand(-1, h, -1, -1, -1)
        tokens = self.embed(torch.cat([given, noisy_joints], dim=-1).flatten(0, 1))
        moment = self.time_mlp(self._waves(time).to(tokens.dtype))
        # Not repeat_interleave: torch exports that wrongly where h may be any number.
        moment = moment.unsqueeze(1).expand(-1, h, -1).flatten(0, 1)[:, None, None]
        return self._attend(tokens + self.spatial_position + moment).unflatten(0, (b, h))

    def _waves(self, time: Int64[Tensor, "b"]) -> Float[Tensor, "b c"]:
        """Sines, then cosines, of the time step at frequencies from 1 down to 1e-4."""
        half = self.config.channels // 2
        rate = math.log(_LOWEST_FREQUENCY) / (half - 1)
        angle = time[:, None] * (torch.arange(half, device=time.device) * rate).exp()
        return torch.cat([angle.sin(), angle.cos()], dim=-1)

    @staticmethod
    def from_official(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Rename the keys of the published model to ours and leave its noise schedule out.

        The schedule is no weight: ours is the same and follows from its formula.

        Raises:
            KeyError: A key has no rule.
            ValueError: The weights were trained with another noise schedule.
        """
        bare = {key.removeprefix(_PREFIX): value for key, value in state.items()}
        for name, ours in schedule_tensors().items():
            theirs = bare.pop(name, ours).to(ours)
            if theirs.shape != ours.shape or not torch.allclose(theirs, ours, rtol=1e-6, atol=0.0):
                raise ValueError(
                    f"{name} in this checkpoint is not that of the cosine schedule over "
                    f"{NUM_STEPS} time steps; D3DP nets of another schedule are not read"
                )
        return rename_keys(bare, _RULES)

    @staticmethod
    def config_from_official(state: Mapping[str, Tensor]) -> D3DPConfig | None:
        """Read the sizes off a published state dict; None when it is another net's.

        The number of heads leaves no trace in the shapes; it is 8 in every published net.
        """
        bare = {key.removeprefix(_PREFIX): value for key, value in state.items()}
        if bare.pop("time_mlp.1.weight", None) is None:
            return None
        trunk = MixSTE.config_from_official(bare)
        if trunk is None:
            return None
        return D3DPConfig(**{**asdict(trunk), "in_channels": trunk.in_channels - 3})

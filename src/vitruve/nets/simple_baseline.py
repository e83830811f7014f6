"""SimpleBaseline lifter: a residual MLP from one frame of 2D joints to 3D joints.

Martinez, Hossain, Romero, Little, "A simple yet effective baseline for 3d human pose
estimation", ICCV 2017, https://arxiv.org/abs/1705.03098, Figure 1.

Axes: b batch, t frames, k keypoints, j joints, c channels.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from jaxtyping import Float
from torch import Tensor, nn

from vitruve.nets.precision import exactly
from vitruve.nets.renaming import Rules, rename_keys, split_features

_LAYERS = {"w1": "0.0", "batch_norm1": "0.1", "w2": "1.0", "batch_norm2": "1.1"}
_RULES: Rules = {
    r"w1\.": "embed.0.",
    r"batch_norm1\.": "embed.1.",
    r"linear_stages\.(\d+)\.(w1|w2|batch_norm1|batch_norm2)\.": lambda m: (
        f"blocks.{m[1]}.layers.{_LAYERS[m[2]]}."
    ),
    r"w2\.": "head.",
}


@dataclass(frozen=True)
class SimpleBaselineConfig:
    """Settings of SimpleBaseline; the defaults are the published ones."""

    num_keypoints: int
    """Joints of the 2D input."""
    num_joints: int
    """Joints of the 3D output."""
    in_channels: int = 2
    """Numbers per keypoint: 2 for x and y, 3 with the detector's confidence."""
    width: int = 1024
    """Features of every hidden layer."""
    num_blocks: int = 2
    """Residual blocks of two layers each."""
    dropout: float = 0.5
    """Share of hidden features dropped in training, 0 to 1."""


class SimpleBaseline(nn.Module):
    """Lifts each frame by itself; ``t`` is folded into the batch."""

    receptive_field = 1
    """Frames that one output frame sees."""
    padding = (0, 0)
    """Frames to add before and after a clip so that every frame gets an output."""
    window = None
    """Takes clips of any length."""

    def __init__(self, config: SimpleBaselineConfig) -> None:
        super().__init__()
        self.config = config
        self.embed = _LinearBlock(config.in_channels * config.num_keypoints, config)
        self.blocks = nn.ModuleList(_Residual(config) for _ in range(config.num_blocks))
        self.head = nn.Linear(config.width, 3 * config.num_joints)

    def forward(self, keypoints: Float[Tensor, "b t k c"]) -> Float[Tensor, "b t j 3"]:
        """Lift normalised keypoints to joints in the unit the weights were trained for."""
        b, t, _, _ = keypoints.shape
        x = self.embed(keypoints.flatten(0, 1).flatten(1))
        for block in self.blocks:
            x = block(x)
        return exactly(self.head, x).view(b, t, self.config.num_joints, 3)

    @staticmethod
    def from_official(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Rename the keys of the PyTorch release (and of SemGCN's copy of it) to ours.

        Raises:
            KeyError: A key has no rule.
        """
        return rename_keys(state, _RULES)

    @staticmethod
    def config_from_official(state: Mapping[str, Tensor]) -> SimpleBaselineConfig | None:
        """Read the sizes off a published state dict; None when it is another net's."""
        if not {"w1.weight", "w2.weight", "batch_norm1.weight"} <= state.keys():
            return None
        width, features = state["w1.weight"].shape
        num_joints = state["w2.weight"].shape[0] // 3
        num_keypoints, in_channels = split_features(features, num_joints)
        stages = {key.split(".")[1] for key in state if key.startswith("linear_stages.")}
        return SimpleBaselineConfig(
            num_keypoints, num_joints, in_channels, width=width, num_blocks=len(stages)
        )


class _LinearBlock(nn.Sequential):
    def __init__(self, in_features: int, config: SimpleBaselineConfig) -> None:
        super().__init__(
            nn.Linear(in_features, config.width),
            nn.BatchNorm1d(config.width),
            nn.ReLU(),
            nn.Dropout(config.dropout),
        )


class _Residual(nn.Module):
    def __init__(self, config: SimpleBaselineConfig) -> None:
        super().__init__()
        self.layers = nn.Sequential(*(_LinearBlock(config.width, config) for _ in range(2)))

    def forward(self, x: Float[Tensor, "b c"]) -> Float[Tensor, "b c"]:
        return x + self.layers(x)

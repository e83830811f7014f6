"""KTPFormer lifter: MixSTE whose first pair of blocks knows the skeleton and the order of frames.

Peng, Zhou, Mok, "KTPFormer: kinematics and trajectory prior knowledge-enhanced transformer for 3D
human pose estimation", CVPR 2024, https://arxiv.org/abs/2404.00658. Its graph convolution is that
of Zou, Tang, "Modulated graph convolutional network for 3D human pose estimation", ICCV 2021.

The published net fixes two input channels and 17 joints; here both are settings, and so is the
skeleton. Modulations start at one and learned edges at zero, so that training starts from a plain
graph convolution; the published net starts them elsewhere.

Axes: b batch, t frames, j joints (one token each), n nodes of a graph, c channels.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

import torch
from jaxtyping import Float
from torch import Tensor, nn

from vitruve.nets.graph_mixer import skeleton_edges
from vitruve.nets.mixste import MixSTE, MixSTEConfig
from vitruve.nets.renaming import Rules, rename_keys
from vitruve.skeletons import skeleton

_PARTS = {"M": "modulation", "W": "weight", "adj2": "edges", "bias": "bias"}
_RULES: Rules = {
    r"kpattention\.attn\.Spatial_pos_embed$": "spatial_position",
    r"tpattention\.attn\.Temporal_pos_embed$": "temporal_position",
    r"kpattention\.attn\.kpa\.gconv\.(M|W|adj2|bias)$": lambda m: f"embed.{_PARTS[m[1]]}",
    r"kpattention\.attn\.kpa\.bn\.": "embed.norm.",
    r"tpattention\.attn\.tpa\.gconv([12])\.gconv\.(M|W|adj2|bias)$": lambda m: (
        f"trajectory.{int(m[1]) - 1}.{_PARTS[m[2]]}"
    ),
    r"tpattention\.attn\.tpa\.gconv([12])\.bn\.": lambda m: f"trajectory.{int(m[1]) - 1}.norm.",
    r"kpattention\.attn\.(qkv|proj)\.": r"spatial_blocks.0.attn.\1.",
    r"tpattention\.attn\.(qkv|proj)\.": r"temporal_blocks.0.attn.\1.",
    r"kpattention\.(?:attn\.)?(norm1|norm2|mlp)\.": r"spatial_blocks.0.\1.",
    r"tpattention\.(?:attn\.)?(norm1|norm2|mlp)\.": r"temporal_blocks.0.\1.",
    r"STEblocks\.(\d+)\.": lambda m: f"spatial_blocks.{int(m[1]) + 1}.",
    r"TTEblocks\.(\d+)\.": lambda m: f"temporal_blocks.{int(m[1]) + 1}.",
    r"Spatial_norm\.": "spatial_norm.",
    r"Temporal_norm\.": "temporal_norm.",
    r"head\.": "head.",
}


@dataclass(frozen=True)
class KTPFormerConfig(MixSTEConfig):
    """Settings of KTPFormer; the defaults are the published 243-frame net.

    ``depth`` counts the pair of blocks behind the priors too: the published 1 + 7 are 8.
    """

    parents: tuple[int, ...] = field(default_factory=lambda: skeleton("h36m_17").parents)
    """Index of each joint's parent, -1 for a root: the bones of the graph over joints."""

    def __post_init__(self) -> None:
        """Check the sizes and the skeleton."""
        super().__post_init__()
        skeleton_edges(self.num_joints, self.parents)


class KTPFormer(MixSTE):
    """MixSTE with graph convolutions before its first block over joints and over frames."""

    config: KTPFormerConfig

    def __init__(self, config: KTPFormerConfig) -> None:
        super().__init__(config)
        c, chain = config.channels, tuple(range(-1, config.num_frames - 1))
        self.embed = _GraphConv(adjacency(config.parents), config.in_channels, c)
        self.trajectory = nn.Sequential(
            _GraphConv(adjacency(chain), c, c), _GraphConv(adjacency(chain), c, c)
        )
        for block in (self.spatial_blocks[0], self.temporal_blocks[0]):
            block.norm1 = nn.LayerNorm(c)  # eps 1e-5 here, 1e-6 in every other block

    def _place_in_time(self, x: Float[Tensor, "b j t c"]) -> Float[Tensor, "b j t c"]:
        return super()._place_in_time(x + self.trajectory(x))

    @staticmethod
    def from_official(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Rename the keys of the published net to ours.

        Raises:
            KeyError: A key has no rule.
        """
        return rename_keys(state, _RULES)

    @staticmethod
    def config_from_official(state: Mapping[str, Tensor]) -> KTPFormerConfig | None:
        """Read the sizes off a published state dict; None when it is another net's.

        Neither the skeleton nor the number of heads leaves a trace in the shapes: Human3.6M and
        the published 8 are taken. Pass ``parents`` for weights of another skeleton.
        """
        weight = state.get("kpattention.attn.kpa.gconv.W")
        if weight is None:
            return None
        _, in_channels, channels = weight.shape
        num_joints = state["kpattention.attn.Spatial_pos_embed"].shape[1]
        hidden = state["kpattention.mlp.fc1.weight"].shape[0]
        return KTPFormerConfig(
            num_joints,
            num_joints,
            in_channels,
            num_frames=state["tpattention.attn.Temporal_pos_embed"].shape[1],
            channels=channels,
            depth=1 + len({key.split(".")[1] for key in state if key.startswith("STEblocks.")}),
            mlp_ratio=hidden / channels,
        )


def adjacency(parents: tuple[int, ...]) -> Float[Tensor, "n n"]:
    """Weights of the bones, each row's sum one, and of every node itself, one."""
    edges = skeleton_edges(len(parents), parents)
    degree = edges.sum(dim=1, keepdim=True).clamp(min=1.0)
    return edges / degree + torch.eye(len(parents))


class _GraphConv(nn.Module):
    """Modulated graph convolution, batch norm and ReLU over the second last axis."""

    adjacency: Tensor

    def __init__(self, adjacency: Float[Tensor, "n n"], in_channels: int, channels: int) -> None:
        super().__init__()
        n = len(adjacency)
        self.register_buffer("adjacency", adjacency, persistent=False)
        self.edges = nn.Parameter(torch.zeros(n, n))
        self.modulation = nn.Parameter(torch.ones(n, channels))
        self.weight = nn.Parameter(torch.empty(2, in_channels, channels))
        self.bias = nn.Parameter(torch.zeros(channels))
        self.norm = nn.BatchNorm1d(channels)
        for weight in self.weight:
            nn.init.xavier_uniform_(weight)

    def forward(self, x: Float[Tensor, "*b n cin"]) -> Float[Tensor, "*b n c"]:
        """Mix each node with its neighbours, by weights of its own for itself."""
        graph = self.adjacency + self.edges
        graph = (graph + graph.mT) / 2
        own = graph.diagonal()[:, None] * self.modulation * (x @ self.weight[0])
        near = (graph - graph.diagonal().diag()) @ (self.modulation * (x @ self.weight[1]))
        y = own + near + self.bias
        return torch.relu(self.norm(y.flatten(0, -2)).unflatten(0, y.shape[:-1]))

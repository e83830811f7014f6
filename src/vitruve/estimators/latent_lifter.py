"""A lifter that says a few latent points, of which the joints of every format are made.

"Learning 3D human pose estimation from dozens of datasets using a geometry-aware autoencoder to
bridge between skeleton formats" (Sárándi et al., WACV 2023, https://arxiv.org/abs/2212.14474),
section 3.4: latent prediction, and the hybrid of it with the joints themselves, which teach it. The
decoder is that of a fitted bridge and does not learn.

Axes: b batch, h hypotheses, t frames, p points that the net says, l latents, j joints.
"""

from dataclasses import dataclass, fields
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from vitruve.estimators.lifter import Lifter, LifterConfig
from vitruve.nets.bridge_file import read_bridge
from vitruve.poses import PoseBatch, Prediction
from vitruve.skeletons import Skeleton, places_in


@dataclass(frozen=True)
class LatentLifterConfig(LifterConfig):
    """A lifter into many formats by latent points."""

    num_latents: int = 48
    """Latent points; the net's joints are these, and with ``direct`` the skeleton's behind them."""
    bridge: str = "default"
    """File of the fitted bridge that a new lifter takes its decoder from, or ``default``."""
    direct: bool = False
    """The net says the joints too; in training they are a second hypothesis (hybrid)."""


class LatentLifter(Lifter):
    """2D keypoints to latent points to joints relative to the root."""

    decoder: Tensor

    def __init__(self, config: LatentLifterConfig) -> None:
        """Build it with random weights and a decoder that `load_pretrained` fills.

        Raises:
            KeyError: The net or the normaliser is unknown.
            ValueError: The net says another number of points.
        """
        points = latent_points(config.num_latents, config.skeleton if config.direct else None)
        settings: dict[str, Any] = {f.name: getattr(config, f.name) for f in fields(LifterConfig)}
        settings["skeleton"] = points
        super().__init__(LifterConfig(**settings))
        self.config, self.skeleton = config, config.skeleton
        empty = torch.zeros(config.skeleton.num_joints, config.num_latents)
        self.register_buffer("decoder", empty)

    def load_pretrained(self) -> None:
        """Take the decoder of the bridge.

        Raises:
            FileNotFoundError: There is no such file.
            ValueError: It is no bridge, has another number of latents, or lacks a joint.
        """
        config = self.config
        self.decoder.copy_(read_decoder(config.bridge, config.num_latents, config.skeleton))

    def forward(self, batch: PoseBatch) -> Prediction:
        """Predict every frame, by the latents."""
        prediction = super().forward(batch)
        root = prediction.root_cam
        first = prediction.joints_cam[..., :1, :, :, :]
        return Prediction(self.skeleton, first, None if root is None else root[..., :1, :, :])

    def _decode(self, output: Float[Tensor, "b t p 3"], batch: PoseBatch) -> Prediction:
        latents, direct = self._to_metres(output, batch).tensor_split([self.config.num_latents], -2)
        ways = [self.decoder @ latents, *([direct] if self.config.direct else [])]
        joints = torch.stack(ways, dim=-4)
        root = self.skeleton.root
        return self.say(joints - joints[..., root : root + 1, :], batch)


def latent_points(count: int, direct: Skeleton | None) -> Skeleton:
    """What a net says that says latent points, and with ``direct`` its joints behind them."""
    names = tuple(f"latent_{i}" for i in range(count)) + (direct.names if direct else ())
    return Skeleton("points", names, (-1,) * len(names), tuple(range(len(names))), 0)


def read_decoder(bridge: str, count: int, skeleton: Skeleton) -> Float[Tensor, "j l"]:
    """How a bridge makes the joints of a skeleton of its latents.

    Raises:
        FileNotFoundError: There is no such file.
        ValueError: It is no bridge, has another number of latents, or lacks a joint.
    """
    fitted = read_bridge(bridge)
    if fitted.num_latents != count:
        raise ValueError(
            f"{bridge} has {fitted.num_latents} latents, num_latents is {count}; make them the same"
        )
    return fitted.decoder[list(places_in(skeleton, fitted.fitted))]

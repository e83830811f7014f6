"""A metric-scale estimator that says a few latent points, of which joints of all formats are made.

"Learning 3D human pose estimation from dozens of datasets using a geometry-aware autoencoder to
bridge between skeleton formats" (Sárándi et al., WACV 2023, https://arxiv.org/abs/2212.14474),
section 3.4: latent prediction, and the hybrid of it with the joints themselves. Latent points have
heatmaps as joints have and are placed as those are; the frozen decoder makes joints of them in the
camera frame, where sums of weights that are 1 change nothing.

The picture's points of latents have no label. What trains them is where the joints of the latents'
rays would be seen.

Axes: *b examples, h hypotheses, t frames, p points that have heatmaps, l latents, j joints.
"""

from dataclasses import dataclass, fields
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from vitruve.estimators.latent_lifter import latent_points, read_decoder
from vitruve.estimators.metric_scale import MetricScale, MetricScaleConfig
from vitruve.geometry.projection import project
from vitruve.poses import PoseBatch, Prediction


@dataclass(frozen=True)
class LatentMetricScaleConfig(MetricScaleConfig):
    """A metric-scale estimator of many formats by latent points."""

    num_latents: int = 48
    """Latent points."""
    bridge: str = "default"
    """File of the fitted bridge that a new estimator takes its decoder from, or ``default``."""
    direct: bool = False
    """The net says the joints too; in training they are a second hypothesis (hybrid)."""


class LatentMetricScale(MetricScale):
    """Pictures to latent points to placed joints."""

    decoder: Tensor

    def __init__(self, config: LatentMetricScaleConfig) -> None:
        """Build it with random weights and a decoder that `load_pretrained` fills.

        Raises:
            ImportError: The backbone needs a package that is not installed.
            KeyError: The backbone is unknown.
            ValueError: A size means nothing.
        """
        settings: dict[str, Any] = {
            f.name: getattr(config, f.name) for f in fields(MetricScaleConfig)
        }
        direct = config.skeleton if config.direct else None
        settings["skeleton"] = latent_points(config.num_latents, direct)
        super().__init__(MetricScaleConfig(**settings))
        self.config = config
        self.skeleton = self.keypoint_skeleton = config.skeleton
        empty = torch.zeros(config.skeleton.num_joints, config.num_latents)
        self.register_buffer("decoder", empty)

    def load_pretrained(self) -> None:
        """Take the decoder of the bridge, and the weights of a backbone that others trained.

        Raises:
            FileNotFoundError: There is no such bridge.
            OSError: The backbone's weights cannot be reached.
            ValueError: It is no bridge, has another number of latents, or lacks a joint.
        """
        super().load_pretrained()
        config = self.config
        self.decoder.copy_(read_decoder(config.bridge, config.num_latents, config.skeleton))

    def forward(self, batch: PoseBatch) -> Prediction:
        """Predict every frame, by the latents."""
        said = super().forward(batch)
        root, points = said.root_cam, said.keypoints_px
        assert root is not None
        assert points is not None
        first = said.joints_cam[..., :1, :, :, :]
        return Prediction(
            self.skeleton, first, root[..., :1, :, :], keypoints_px=points[..., :1, :, :, :]
        )

    def _say(
        self,
        placed: Float[Tensor, "*b t p 3"],
        points_px: Float[Tensor, "*b t p 2"],
        batch: PoseBatch,
    ) -> Prediction:
        # A depth that follows the picture's points would let them off: it is taken as it is.
        rays = self._rays(points_px, batch) * placed[..., 2:].detach()
        assert batch.intrinsics is not None
        lens = None if batch.distortion is None else batch.distortion[..., None, None, :]
        seen = project(self._joints(rays), batch.intrinsics[..., None, None, :, :], lens)
        return self._prediction(self._joints(placed), seen)

    def _joints(self, points: Float[Tensor, "*b t p 3"]) -> Float[Tensor, "*b h t j 3"]:
        """Joints by the latents, and behind them those that are said directly, if any are."""
        latents, direct = points.tensor_split([self.config.num_latents], dim=-2)
        ways = [self.decoder @ latents, *([direct] if self.config.direct else [])]
        return torch.stack(ways, dim=-4)

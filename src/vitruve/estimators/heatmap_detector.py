"""Heatmap detector: a picture of a person to 3D joints, as one volume of heat per joint.

Sun et al., "Integral Human Pose Regression", ECCV 2018, https://arxiv.org/abs/1711.08229, and the
detectors of Mask as Supervision (2023, https://arxiv.org/abs/2312.07051) and X as Supervision
(2024, https://arxiv.org/abs/2411.13026), which reads several depths out of one volume.

The volume's axes are those of the crop and a depth relative to the root. Metres come from how much
the crop spans, which the detector assumes, learns or is told by the batch; both papers' code takes
the true depth of the pelvis for it. No perspective within the person.

Axes: *b examples, n pictures of all of them, i pictures of an example, t frames, h hypotheses, j
joints, d y x cells.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import torch
from jaxtyping import Float
from torch import Tensor, nn

from vitruve.estimators.base import Estimator
from vitruve.estimators.image_features import TimmConfig, TimmFeatures
from vitruve.estimators.image_source import ImageFeatures
from vitruve.estimators.lifter import lookup
from vitruve.nets.heatmap_decoding import (
    EPSILON,
    Grid,
    cell_positions,
    depth_hypotheses,
    expectation,
    marginals,
)
from vitruve.nets.heatmap_head import HeatmapHead, HeatmapHeadConfig
from vitruve.nets.hourglass import HourglassConfig, StackedHourglass
from vitruve.nets.res_net import ResNet, ResNetConfig
from vitruve.poses import PoseBatch, Prediction
from vitruve.skeletons.skeleton import Skeleton

BACKBONES: dict[str, tuple[Any, Any]] = {
    "hourglass": (StackedHourglass, HourglassConfig),
    "res_net": (ResNet, ResNetConfig),
    "timm": (TimmFeatures, TimmConfig),
}
"""Name -> (backbone, config). RGB pictures to a list of maps, of which the last is used; ``timm``
needs the extra ``image``."""


@dataclass(frozen=True)
class HeatmapDetectorConfig:
    """A detector of joints in pictures."""

    skeleton: Skeleton
    """Joint set of the output, 2D and 3D."""
    backbone: str = "res_net"
    """Name in ``estimators.heatmap_detector.BACKBONES``."""
    backbone_config: Any = field(default_factory=ResNetConfig)
    """Config of that backbone."""
    head: HeatmapHeadConfig = field(default_factory=HeatmapHeadConfig)
    """What makes heat of its features."""
    num_hypotheses: int = 1
    """Depths of each joint: 1 takes the mean of the whole axis, more the highest peaks'."""
    window: int = 15
    """Cells around a peak that its depth is the mean of, odd."""
    least_peak: float = 0.05
    """Share of the highest peak's probability under which others are ripples, not peaks. In
    training every peak counts, as published, so that small ones can grow."""
    grid: Grid = "centres"
    """Where cells lie; ``edges`` is how the released code of X as Supervision has it."""
    scale: Literal["box", "learned", "batch"] = "box"
    """What says how many metres a crop spans: ``box_m``; that times a factor that is learnt, as who
    crouches fills a crop too; or the batch's ``scale_m_per_px``."""
    box_m: float = 2.0
    """Metres along a crop's longer side."""
    depth_m: float = 2.0
    """Depth axis: from this much nearer than the root to this much farther, metres."""
    side_px: int | None = None
    """Side of the square crops it is trained on, for whoever makes them; None says nothing."""

    @classmethod
    def choices(cls, data: Mapping[str, Any]) -> dict[str, type]:
        """Types of the fields that depend on other fields, for reading a saved config.

        Raises:
            KeyError: The backbone is unknown.
        """
        return {"backbone_config": lookup(BACKBONES, "backbone", data.get("backbone"))[1]}


class HeatmapDetector(Estimator):
    """Pictures to joints, in 2D and relative to the root; one picture for each frame."""

    receptive_field = 1

    def __init__(self, config: HeatmapDetectorConfig) -> None:
        """Build it with random weights.

        Raises:
            ImportError: The backbone needs a package that is not installed.
            KeyError: The backbone is unknown.
        """
        super().__init__()
        self.config = config
        self.skeleton = self.keypoint_skeleton = config.skeleton
        told = ("scale_m_per_px",) if config.scale == "batch" else ()
        self.needs = ("images", "crops_px", *told)
        self.backbone = lookup(BACKBONES, "backbone", config.backbone)[0](config.backbone_config)
        channels = self.backbone.channels[-1]
        self.head = HeatmapHead(config.head, channels, config.skeleton.num_joints)
        self.span = None
        if config.scale == "learned":
            self.span = nn.Linear(channels, 1)
            nn.init.zeros_(self.span.weight)
            nn.init.zeros_(self.span.bias)

    def load_pretrained(self) -> None:
        """Get the weights of a backbone that others trained, if its config names some.

        Raises:
            OSError: They cannot be reached.
        """
        if isinstance(self.backbone, ImageFeatures):
            self.backbone.load_pretrained()

    def heat(self, features: Float[Tensor, "n c _y _x"]) -> Float[Tensor, "n j d y x"]:
        """Logits of every cell, of the backbone's features."""
        return self.head(features)

    def forward(self, batch: PoseBatch) -> Prediction:
        """Predict every frame.

        The keypoints of the answer are the same for all hypotheses: those differ in depth. The
        root has one depth, its strongest, so that it does not move all joints of the others.

        Raises:
            ValueError: The batch lacks what is needed, or does not show every frame once.
        """
        return self._predict(batch, self.config.least_peak)[0]

    def training_forward(self, batch: PoseBatch) -> Prediction:
        """Predict every frame, and say how probable every cell of the depth axis is."""
        prediction, heat = self._predict(batch, least_peak=0.0)
        at = self.config.depth_m * cell_positions(heat.shape[-1], self.config.grid, like=heat)
        cells = torch.stack([at.expand_as(heat), heat.clamp(min=EPSILON).log()], dim=-1)
        return replace(prediction, depth_cells=cells)

    def _predict(
        self, batch: PoseBatch, least_peak: float
    ) -> tuple[Prediction, Float[Tensor, "*b t j d"]]:
        """The answer, and the probabilities of its depths."""
        self.check(batch)
        assert batch.images is not None
        assert batch.crops_px is not None
        check_frames(batch)
        leading = batch.crops_px.shape[:-1]
        features = self.backbone(batch.images.flatten(end_dim=-4))[-1]
        heat_x, heat_y, heat_z = marginals(self.heat(features))
        plane = [expectation(heat, self.config.grid) for heat in (heat_x, heat_y)]
        points = torch.stack(plane, dim=-1).unflatten(0, leading)
        depth, peaks = self._depths(heat_z, least_peak)
        first, last = batch.crops_px[..., None, :].split(2, dim=-1)
        keypoints_px = first + (points + 1) / 2 * (last - first)
        flat = (points * self._half_sides_m(batch, features)).unsqueeze(-4)
        z_m = self.config.depth_m * depth.unflatten(0, leading).movedim(-1, -3)
        flat = flat.expand(*z_m.shape, 2)
        joints = torch.cat([flat, z_m.unsqueeze(-1)], dim=-1)
        root = self.skeleton.root
        answer = Prediction(
            self.skeleton,
            joints - joints[..., root : root + 1, :],
            keypoints_px=keypoints_px.unsqueeze(-4),
            confidence=None if peaks is None else peaks.unflatten(0, leading).movedim(-1, -3),
        )
        return answer, heat_z.unflatten(0, leading)

    def _depths(
        self, heat: Float[Tensor, "n j d"], least_peak: float
    ) -> tuple[Float[Tensor, "n j h"], Float[Tensor, "n j h"] | None]:
        """Depth of each hypothesis, -1 to 1, and the probability of its peak."""
        config = self.config
        count, grid = config.num_hypotheses, config.grid
        if count == 1:
            return expectation(heat, grid).unsqueeze(-1), None
        depth, peaks = depth_hypotheses(heat, count, config.window, grid, least_peak)
        is_root = torch.arange(heat.shape[-2], device=heat.device) == self.skeleton.root
        return torch.where(is_root[:, None], depth[..., :1], depth), peaks

    def _half_sides_m(
        self, batch: PoseBatch, features: Float[Tensor, "n c _y _x"]
    ) -> Float[Tensor, "*b i 1 2"]:
        """Half of what each crop spans at the person, metres."""
        assert batch.crops_px is not None
        sides_px = batch.crops_px[..., 2:] - batch.crops_px[..., :2]
        if self.config.scale != "batch":
            scale = self.config.box_m / sides_px.amax(dim=-1, keepdim=True)
            if self.span is not None:
                factor = self.span(features.mean((-2, -1))).float().tanh().exp()
                scale = scale * factor.unflatten(0, sides_px.shape[:-1])
        else:
            assert batch.scale_m_per_px is not None
            scale = batch.scale_m_per_px.unsqueeze(-1)
        return (sides_px * scale / 2).unsqueeze(-2)


def check_frames(batch: PoseBatch) -> None:
    """Refuse a batch that does not show every frame once, in order.

    Raises:
        ValueError: It does not.
    """
    assert batch.crops_px is not None
    t, frames = batch.keypoints_px.shape[-3], batch.image_frames
    i = batch.crops_px.shape[-2]
    in_turn = frames is None or bool((frames == torch.arange(i, device=frames.device)).all())
    if i != t or not in_turn:
        raise ValueError(
            f"a detector needs one picture of every frame, in order; this batch has {t} frames and "
            f"{i} pictures" + ("" if frames is None else f" of frames {frames.flatten().tolist()}")
        )

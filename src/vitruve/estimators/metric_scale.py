"""Metric-scale estimator: a picture of a person to joints in metres, placed before the camera.

MeTRAbs: Sarandi, Linder, Arras and Leibe, "Metric-Scale Truncation-Robust Heatmaps for Absolute 3D
Human Pose Estimation", T-BIOM 2021, https://arxiv.org/abs/2007.07227; as the net that answers in
many skeletons: Sarandi, Hermans and Leibe, WACV 2023, https://arxiv.org/abs/2212.14474. A net says
where joints are in the crop and how they lie in a box of metres; both together say how far away the
person is. We deviate: in training the answer is that of the box alone and the crop's points are
trained by their own loss (``keypoints``), where the published code draws at random how much of
either goes into a joint.

Axes: *b examples, n pictures of all of them, i pictures of an example, t frames, j joints.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from vitruve.estimators.base import Estimator
from vitruve.estimators.heatmap_detector import BACKBONES, check_frames
from vitruve.estimators.image_source import ImageFeatures
from vitruve.estimators.lifter import lookup
from vitruve.geometry.metrabs_placement import place_by_ridge, place_by_size
from vitruve.geometry.projection import normalise_points
from vitruve.nets.metric_heatmaps import MetricHeatmaps, MetricHeatmapsConfig
from vitruve.nets.regularised import Norms, fix_norms, limit_norms, to_ghost_norms
from vitruve.nets.res_net import ResNetConfig
from vitruve.poses import PoseBatch, Prediction
from vitruve.skeletons.skeleton import Skeleton

BORDER = 0.75
"""Points nearer to the crop's edge than this part of a cell may be pressed against it."""
MIX = 0.5
"""Share of the box in a joint that is seen in the crop; the rest is its point at the same depth."""


@dataclass(frozen=True)
class MetricScaleConfig:
    """A metric-scale estimator."""

    skeleton: Skeleton
    """Joint set of the output, 2D and 3D; of many formats with ``skeletons.merge``."""
    backbone: str = "res_net"
    """Name in ``estimators.heatmap_detector.BACKBONES``."""
    backbone_config: Any = field(default_factory=ResNetConfig)
    """Config of that backbone."""
    depth: int = 8
    """Cells along the depth of the box."""
    box_m: float = 2.2
    """Length of the box's edges, metres."""
    stride: int = 32
    """Pixels of the crop for one cell; the backbone's."""
    side_px: int = 256
    """Side of the crops that it is made for, pixels."""
    expand: float = 1.1
    """Side of such a crop over the longer side of the box around the person's joints."""
    weak_updates: int = 500
    """First updates, which place by size alone."""
    norms: Norms = "batch"
    """Which statistics batch normalisation takes in training, if the backbone has any."""
    norm_group: int = 8
    """Examples of a group of ghost normalisation."""
    max_norm: float = 0.0
    """Largest norm of a convolution's kernel; 0 for no bound."""

    @classmethod
    def choices(cls, data: Mapping[str, Any]) -> dict[str, type]:
        """Types of the fields that depend on other fields, for reading a saved config.

        Raises:
            KeyError: The backbone is unknown.
        """
        return {"backbone_config": lookup(BACKBONES, "backbone", data.get("backbone"))[1]}


class MetricScale(Estimator):
    """Pictures to placed joints; one picture for each frame."""

    receptive_field = 1
    needs = ("images", "crops_px", "intrinsics")
    updates: Tensor

    def __init__(self, config: MetricScaleConfig) -> None:
        """Build it with random weights.

        Raises:
            ImportError: The backbone needs a package that is not installed.
            KeyError: The backbone is unknown.
            ValueError: A size means nothing.
        """
        super().__init__()
        self.config = config
        self.skeleton = self.keypoint_skeleton = config.skeleton
        self.backbone = lookup(BACKBONES, "backbone", config.backbone)[0](config.backbone_config)
        self.heatmaps = MetricHeatmaps(
            MetricHeatmapsConfig(
                self.backbone.channels[-1],
                config.skeleton.num_joints,
                config.depth,
                config.box_m,
                config.stride,
            )
        )
        if config.norms == "ghost":
            to_ghost_norms(self.backbone, config.norm_group)
        self.register_buffer("updates", torch.zeros((), dtype=torch.int64))

    def load_pretrained(self) -> None:
        """Get the weights of a backbone that others trained, if its config names some.

        Raises:
            OSError: They cannot be reached.
        """
        if isinstance(self.backbone, ImageFeatures):
            self.backbone.load_pretrained()

    def train(self, mode: bool = True) -> "MetricScale":
        """Set the mode of all but fixed norms."""
        super().train(mode)
        if self.config.norms == "fixed":
            fix_norms(self.backbone)
        return self

    def forward(self, batch: PoseBatch) -> Prediction:
        """Predict every frame.

        Raises:
            ValueError: The batch lacks what is needed, does not show every frame once, or its crops
                are of no whole number of cells.
        """
        points_px, box, seen = self._answers(batch)
        root = self._place(place_by_ridge, box, points_px, seen, batch)
        placed = box + root.unsqueeze(-2)
        ray = self._rays(points_px, batch) * placed[..., 2:]
        placed = placed.where(~seen.unsqueeze(-1), MIX * placed + (1 - MIX) * ray)
        return self._say(placed, points_px, batch)

    def training_forward(self, batch: PoseBatch) -> Prediction:
        """Answer with the box alone; counts the update, and bounds the kernels before it."""
        if self.config.max_norm:
            limit_norms(self.backbone, self.config.max_norm)
        points_px, box, seen = self._answers(batch)
        place = place_by_size if self.updates < self.config.weak_updates else place_by_ridge
        self.updates += 1
        root = self._place(place, box, points_px, seen, batch)
        return self._say(box + root.unsqueeze(-2), points_px, batch)

    def _answers(
        self, batch: PoseBatch
    ) -> tuple[Float[Tensor, "*b t j 2"], Float[Tensor, "*b t j 3"], Bool[Tensor, "*b t j"]]:
        """Pixels of the picture, metres in the box, and which points the crop shows."""
        self.check(batch)
        check_frames(batch)
        assert batch.images is not None
        assert batch.crops_px is not None
        pictures = batch.images.flatten(end_dim=-4)
        features = self.backbone(pictures)[-1]
        cells, stride = features.new_tensor(features.shape[:-3:-1]), self.config.stride
        size = features.new_tensor(pictures.shape[:-3:-1])
        if not torch.equal(cells * stride, size):
            raise ValueError(
                f"pictures of {size.int().tolist()} pixels give {cells.int().tolist()} cells; with "
                f"a stride of {stride} they must be that many times as large"
            )
        points, box = self.heatmaps(features)
        inside = (points > BORDER * stride) & (points < size - BORDER * stride)
        leading = batch.crops_px.shape[:-1]
        first, last = batch.crops_px[..., None, :].split(2, dim=-1)
        points_px = first + (points / size).unflatten(0, leading) * (last - first)
        return points_px, box.unflatten(0, leading), inside.all(-1).unflatten(0, leading)

    def _place(
        self,
        place: Any,
        box: Float[Tensor, "*b t j 3"],
        points_px: Float[Tensor, "*b t j 2"],
        seen: Bool[Tensor, "*b t j"],
        batch: PoseBatch,
    ) -> Float[Tensor, "*b t 3"]:
        """Where the box's origin stands, camera frame, metres."""
        flat = self._rays(points_px, batch)[..., :2]
        return place(box, flat, torch.eye(3, device=box.device), seen)

    def _rays(
        self, points_px: Float[Tensor, "*b t j 2"], batch: PoseBatch
    ) -> Float[Tensor, "*b t j 3"]:
        """Undistorted points at depth 1, camera frame."""
        assert batch.intrinsics is not None
        lens = None if batch.distortion is None else batch.distortion[..., None, :]
        flat = normalise_points(points_px, batch.intrinsics[..., None, :, :], lens)
        return torch.cat([flat, torch.ones_like(flat[..., :1])], dim=-1)

    def _say(
        self,
        placed: Float[Tensor, "*b t j 3"],
        points_px: Float[Tensor, "*b t j 2"],
        batch: PoseBatch,
    ) -> Prediction:
        """The answer, of the points of the heatmaps in the camera frame and in the picture."""
        del batch
        return self._prediction(placed.unsqueeze(-4), points_px.unsqueeze(-4))

    def _prediction(
        self, placed: Float[Tensor, "*b h t j 3"], keypoints_px: Float[Tensor, "*b h t j 2"]
    ) -> Prediction:
        root = placed[..., self.skeleton.root, :]
        joints = placed - root.unsqueeze(-2)
        return Prediction(self.skeleton, joints, root, keypoints_px=keypoints_px)

"""Context lifter: keypoints and the pictures around them to 3D joints.

Frozen nets turn pictures into feature maps; a context-aware PoseFormer reads them at the 2D
joints. Any sources of ``IMAGE_FEATURES`` go together: a backbone for images as in Zhao et al.
(NeurIPS 2023, https://arxiv.org/abs/2311.03312), and features of a net for depth beside it as in
PrML's table 14.

Axes: b batch, t frames, i pictures, k keypoints, j joints, c channels, y x pixels or cells.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Float, Int64
from torch import Tensor, nn

from vitruve.estimators.base import Estimator
from vitruve.estimators.image_features import IMAGE_FEATURES
from vitruve.estimators.lifter import check_sizes, lookup
from vitruve.estimators.normalise import NORMALISERS, net_input
from vitruve.estimators.precision import computing
from vitruve.estimators.windows import predict_windows
from vitruve.nets.context_pose_former import ContextPoseFormer, ContextPoseFormerConfig
from vitruve.nets.image_context import Pictures
from vitruve.poses import PoseBatch, Prediction
from vitruve.skeletons.skeleton import Skeleton

MAX_PICTURES = 32
"""Pictures that go through the frozen nets at once; bounds the memory of long clips."""


@dataclass(frozen=True)
class FeatureSource:
    """One source of feature maps."""

    source: str
    """Name in ``estimators.image_features.IMAGE_FEATURES``."""
    config: Any
    """Config of that source."""

    @classmethod
    def choices(cls, data: Mapping[str, Any]) -> dict[str, type]:
        """Types of the fields that depend on other fields, for reading a saved config.

        Raises:
            KeyError: The source is unknown.
        """
        return {"config": lookup(IMAGE_FEATURES, "source of features", data.get("source"))[1]}


@dataclass(frozen=True)
class ContextLifterConfig:
    """A lifter that sees the pictures."""

    skeleton: Skeleton
    """Joint set of the output."""
    keypoint_skeleton: Skeleton
    """Joint set of the input."""
    net_config: ContextPoseFormerConfig
    """Its ``level_channels`` are those of all sources' maps, one after the other."""
    sources: tuple[FeatureSource, ...]
    """Where feature maps come from; none makes a lifter of keypoints alone."""
    normaliser: str = "screen"
    """Name in ``estimators.normalise.NORMALISERS``."""
    native_fps: float | None = None
    """Frame rate it is trained around; callers show it every n-th frame of faster clips."""
    confidence: bool = False
    """Give the net each keypoint's confidence as a third channel, 0 where it was not seen."""


class ContextLifter(Estimator):
    """2D keypoints and pictures to 3D joints relative to the root; every frame is predicted.

    The sources stay as they are: no gradient, always in evaluation mode. A saved context lifter
    holds their weights too, so it needs no hub. Built by itself their weights are random;
    ``make_estimator`` and ``load_pretrained`` get the published ones.
    """

    sources: Any

    def __init__(self, config: ContextLifterConfig) -> None:
        """Build it, the sources with random weights.

        Raises:
            ImportError: A source needs a package that is not installed.
            KeyError: A source or the normaliser is unknown.
            ValueError: The net's sizes do not fit the skeletons or the sources.
        """
        super().__init__()
        self.config = config
        self.skeleton = config.skeleton
        self.keypoint_skeleton = config.keypoint_skeleton
        self.native_fps = config.native_fps
        self.normaliser = lookup(NORMALISERS, "normaliser", config.normaliser)
        pictures = ("images", "crops_px", "image_frames") if config.sources else ()
        self.needs = ("keypoints_px", *pictures, *self.normaliser.needs)
        check_sizes(config)
        self.net = ContextPoseFormer(config.net_config)
        self.receptive_field = config.net_config.num_frames
        self.sources = nn.ModuleList(
            lookup(IMAGE_FEATURES, "source of features", s.source)[0](s.config)
            for s in config.sources
        )
        given = tuple(c for source in self.sources for c in source.channels)
        if given != config.net_config.level_channels:
            raise ValueError(
                f"the sources give maps of {given} channels, but net_config.level_channels is "
                f"{config.net_config.level_channels}; make them the same"
            )
        self.sources.requires_grad_(False).eval()

    def load_pretrained(self) -> None:
        """Fill every source with the weights that its config names.

        Raises:
            OSError: They cannot be reached.
            ValueError: They are of another net.
        """
        for source in self.sources:
            source.load_pretrained()

    def train(self, mode: bool = True) -> "ContextLifter":
        """Set the mode of all but the sources."""
        super().train(mode)
        self.sources.eval()
        return self

    def forward(self, batch: PoseBatch) -> Prediction:
        """Predict every frame; frames without a picture are known by keypoints alone.

        Raises:
            ValueError: The batch lacks what is needed, a crop shows a frame it does not have, or
                is empty.
        """
        self.check(batch)
        x = net_input(self.normaliser, batch, self.config.confidence)
        x = x.flatten(end_dim=-4) if x.ndim > 3 else x[None]
        pictures = self._pictures(batch) if self.config.sources else None
        tokens, mixer = self.net.tokens(x, pictures), self.net.mixer
        whole = mixer.window in (None, tokens.shape[1])
        with computing(self.net, self.precision):
            output = mixer(tokens) if whole else predict_windows(mixer, tokens)
        leading, root = batch.keypoints_px.shape[:-3], self.skeleton.root
        joints = self.normaliser.decode(output.reshape(*leading, *output.shape[1:]), batch)
        joints = joints - joints[..., root : root + 1, :]
        return Prediction(self.skeleton, joints.unsqueeze(-4))

    def _pictures(self, batch: PoseBatch) -> Pictures:
        images, crops_px, frames = batch.images, batch.crops_px, batch.image_frames
        assert images is not None
        assert crops_px is not None
        assert frames is not None
        _check_pictures(crops_px, frames, batch.keypoints_px.shape[-3])
        i, t, k = frames.shape[-1], *batch.keypoints_valid.shape[-2:]
        frames = frames.reshape(-1, i)
        at = frames[..., None]
        seen = batch.keypoints_valid.reshape(-1, t, k).take_along_dim(at, dim=1)
        keypoints_px = batch.keypoints_px.reshape(-1, t, k, 2).take_along_dim(at[..., None], dim=1)
        first, last = crops_px.reshape(-1, i, 1, 4).split(2, dim=-1)
        points = 2 * (keypoints_px - first) / (last - first) - 1
        levels = self._levels(images.flatten(end_dim=-4))
        return Pictures(tuple(m.unflatten(0, (-1, i)) for m in levels), points, seen, frames)

    @torch.no_grad()
    def _levels(self, images: Float[Tensor, "n 3 y x"]) -> list[Float[Tensor, "n _ _ _"]]:
        """Maps of all sources, one after the other."""
        parts = [
            [maps for source in self.sources for maps in source(some)]
            for some in images.split(MAX_PICTURES)
        ]
        return [torch.cat(maps) for maps in zip(*parts, strict=True)]


def _check_pictures(
    crops_px: Float[Tensor, "*b i 4"], frames: Int64[Tensor, "*b i"], num_frames: int
) -> None:
    if not 0 <= int(frames.min()) <= int(frames.max()) < num_frames:
        raise ValueError(
            f"image_frames must be frames of the clip, 0 to {num_frames - 1}; got "
            f"{int(frames.min())} to {int(frames.max())}"
        )
    if not bool((crops_px[..., 2:] > crops_px[..., :2]).all()):
        raise ValueError("crops_px must be left, top, right, bottom; a crop has no width or height")

"""Many datasets out of one parallel corpus: each has its own people, cameras and skeleton format.

What the mixture of dozens of datasets is to "Learning 3D human pose estimation from dozens of
datasets using a geometry-aware autoencoder to bridge between skeleton formats" (Sárándi et al.,
WACV 2023, https://arxiv.org/abs/2212.14474), made of motion whose truth is known in every format.

Axes: b examples, t frames (here 1), j joints of all formats, n moments.
"""

from dataclasses import dataclass, replace

import torch
from jaxtyping import Float, Int64
from torch import Tensor

from vitruve.data.cameras.virtual import RandomCameras, RandomCamerasConfig
from vitruve.data.corpora.parallel import ParallelCorpus
from vitruve.data.lifting.batches import MIN_DEPTH_M, bounding_ball, rank_share, step_generator
from vitruve.geometry.projection import project
from vitruve.poses import PoseBatch
from vitruve.skeletons import skeleton

FORMATS = (
    "h36m_17",
    "coco_17",
    "smpl_24",
    "mpi_inf_3dhp_17",
    "openpose_25",
    "halpe_26",
    "mpii_16",
    "lsp_14",
    "cmu_amc_31",
    "aspset_17",
    "humaneva_15",
    "umpm_15",
    "h36m_25",
    "coco_19",
    "3dpw_18",
)
"""One for each dataset."""
VIEWS = ((-10.0, 5.0), (0.0, 15.0), (10.0, 30.0), (25.0, 50.0))
"""Pitches of the cameras, degrees; datasets take them in turns."""


@dataclass(frozen=True)
class OneFormatEachConfig:
    """How datasets differ."""

    keypoints: str = "coco_17"
    """Format of the 2D that all of them show."""
    bias: float = 0.03
    """Standard deviation of a dataset's own error in each bone's length, as a share of it."""
    noise_m: float = 0.005
    """Standard deviation of the labels' error along each axis, metres."""
    seed: int = 0
    """Of the biases."""


class OneFormatEach:
    """A batch of as many examples of every dataset; the labels of each are of its format alone."""

    def __init__(
        self, corpus: ParallelCorpus, config: OneFormatEachConfig, batch_size: int, seed: int
    ) -> None:
        """Deal the groups of moments out to the datasets in turn.

        Raises:
            KeyError: The corpus has no such 2D.
            ValueError: There are fewer groups than formats, the batch has not as many examples of
                each, or the corpus is in the camera frame.
        """
        count, groups = len(corpus.formats), corpus.group.unique()
        if len(groups) < count or batch_size % count:
            raise ValueError(
                f"{count} formats need as many groups of moments, and a batch of a multiple of "
                f"that; there are {len(groups)} groups and {batch_size} examples"
            )
        draw = torch.Generator().manual_seed(config.seed)
        self.corpus, self.config, self.seed = corpus, config, seed
        self._stretch = config.bias * torch.randn(count, corpus.joints.shape[1], generator=draw)
        self._dataset = torch.arange(count).repeat_interleave(batch_size // count)
        self._own = torch.zeros(count, corpus.joints.shape[1], dtype=torch.bool)
        self._moments = []
        for number, one in enumerate(corpus.formats):
            self._own[number, corpus.part(one.name)] = True
            its = torch.isin(corpus.group, groups[number::count])
            self._moments.append(its.nonzero()[:, 0])
        self._views = [Moments(corpus, config.keypoints, pitch) for pitch in VIEWS]

    def batch_at(self, step: int, rank: int = 0, world_size: int = 1) -> PoseBatch:
        """The batch of one process at one step; every example shows one moment.

        Raises:
            ValueError: The batch does not divide among the ranks.
        """
        draw = step_generator(self.seed, step, rank, world_size)
        b = rank_share(len(self._dataset), world_size)
        dataset = self._dataset[rank::world_size][:b]
        rows = torch.stack([self._draw(number, draw) for number in dataset.tolist()])
        # Datasets of one view are seen together.
        kinds = [(dataset % len(VIEWS) == kind).nonzero()[:, 0] for kind in range(len(VIEWS))]
        batches = [
            view.see(rows[kind], draw)
            for view, kind in zip(self._views, kinds, strict=True)
            if len(kind)
        ]
        return self._label(PoseBatch.join(batches), dataset[torch.cat(kinds)], draw)

    def _draw(self, number: int, draw: torch.Generator) -> Tensor:
        moments = self._moments[number]
        return moments[torch.randint(len(moments), (), generator=draw)]

    def _label(self, batch: PoseBatch, dataset: Tensor, draw: torch.Generator) -> PoseBatch:
        """Leave the labels of each example's own format, as its dataset has them."""
        assert batch.joints_cam is not None
        assert batch.valid is not None
        stretch = self._stretch[dataset][:, None]
        joints = stretch_bones(batch.joints_cam, stretch, self.corpus.skeleton.parents)
        joints = joints + self.config.noise_m * torch.randn(joints.shape, generator=draw)
        valid = batch.valid & self._own[dataset][:, None]
        return replace(batch, joints_cam=joints, valid=valid)


class Moments:
    """Moments of a corpus, seen by virtual cameras in one of its formats."""

    def __init__(
        self, corpus: ParallelCorpus, keypoints: str, pitch_deg: tuple[float, float] | None = None
    ) -> None:
        """Point cameras at a corpus, from any height if ``pitch_deg`` is None.

        Raises:
            KeyError: The corpus has no such 2D.
            ValueError: It is not in the world frame.
        """
        if corpus.frame != "world":
            raise ValueError("virtual cameras need a corpus in the world frame, z up")
        config = RandomCamerasConfig()
        if pitch_deg is not None:
            config = replace(config, pitch_deg=pitch_deg)
        self._corpus, self._cameras = corpus, RandomCameras(config)
        self._part, self._keypoints = corpus.part(keypoints), skeleton(keypoints)

    def see(self, rows: Int64[Tensor, "b"], draw: torch.Generator) -> PoseBatch:
        """These moments, each through a camera of its own, with labels in every format."""
        joints, valid = self._corpus.joints[rows, None], self._corpus.valid[rows, None]
        cameras = self._cameras.sample(*bounding_ball(joints, valid), draw)
        joints_cam = cameras.joints_to_cam(joints)
        points, seen = joints_cam[..., self._part, :], valid[..., self._part]
        seen = seen & (points[..., 2] > MIN_DEPTH_M)
        return PoseBatch(
            keypoint_skeleton=self._keypoints,
            keypoints_px=project(points, cameras.intrinsics[:, None]),
            keypoints_valid=seen,
            confidence=seen.float(),
            image_size_px=cameras.image_size_px,
            intrinsics=cameras.intrinsics,
            skeleton=self._corpus.skeleton,
            joints_cam=joints_cam,
            valid=valid,
        )


def stretch_bones(
    joints: Float[Tensor, "*b j 3"], stretch: Float[Tensor, "*#b j"], parents: tuple[int, ...]
) -> Float[Tensor, "*b j 3"]:
    """Move every joint along its bone by a share of the bone's length; others stay."""
    above = torch.tensor([p if p >= 0 else j for j, p in enumerate(parents)])
    return joints + stretch[..., None] * (joints - joints[..., above, :])

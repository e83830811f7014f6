"""Skeletons, from pictures: one image model's answers in many formats on Studio's test people.

As `skeletons`, of which it is the twin: errors relative to each format's own root, mean over the
joints of a format, then over formats, and the distance between answers in two formats about one
point of the body. What is shown is a plain crop and its camera, turned to the person; the box is
that of the true joints. ``place_mm`` is the distance of the mean joint of all formats from where it
is before the camera.

Axes: n pictures, t frames of a view (one), j joints of all formats.
"""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import torch
from jaxtyping import Float
from torch import Tensor

from vitruve.benchmarks.skeletons import Skeletons
from vitruve.benchmarks.view import RecordedClip, View
from vitruve.data.corpora.one_format_each import FORMATS
from vitruve.data.corpora.parallel import ParallelCorpus
from vitruve.data.studio.crops import StudioCrops, joints_in_formats
from vitruve.data.studio.reader import Studio
from vitruve.data.training_crops import AugmentConfig, Augmenter, crops_batch, pictures_alone
from vitruve.estimators import Estimator, predict_flipped
from vitruve.skeletons import places_in, skeleton

_SIDE_PX = 256
"""Of crops, for estimators that do not say for which they are made."""


class StudioSkeletons(Skeletons):
    """The benchmark over a folder that ``vitruve data studio`` made."""

    name = "studio_skeletons"
    title = "Studio, many skeletons"
    data_name = "studio"
    table = "skeletons_studio"
    columns = ("mpjpe_mm", "p_mpjpe_mm", "cross_skeleton_mm", "place_mm")
    fps = 1.0
    keypoints = ("pictures",)

    def __init__(self, data: str | Path) -> None:
        """Open the shards, and read every format off the bodies of the test split.

        Raises:
            FileNotFoundError: There are none.
            ValueError: They are damaged, or none is of the test split.
        """
        inside = Path(data) / "people"
        studio = Studio(inside if inside.is_dir() else data, "test")
        if not len(studio):
            raise ValueError(f"{data} has no test pictures; make more scenes")
        formats = tuple(map(skeleton, FORMATS))
        self._crops = StudioCrops(studio, joints_in_formats(studio, formats))
        moments = [studio.moment_of(number) for number in range(len(studio))]
        joints = self._crops.joints.joints_world[moments]
        valid = self._crops.joints.valid.expand(joints.shape[:2])
        self._whole = ParallelCorpus(formats, joints, valid, torch.arange(len(joints)))
        self.clips = [RecordedClip(f"{n:06d}", "test", "all", 1) for n in range(len(joints))]
        self._scored = list(formats)
        self._augment = Augmenter(AugmentConfig(_SIDE_PX).plain())
        self._keep([one.name for one in formats])

    def check(self, estimator: Estimator) -> None:
        """Keep the formats that the estimator says, and make crops as it wants them.

        Raises:
            ValueError: It says none, or only ones that have no joint in common.
        """
        super().check(estimator)
        side = getattr(estimator.config, "side_px", _SIDE_PX)
        expand = getattr(estimator.config, "expand", AugmentConfig.expand)
        self._augment = Augmenter(AugmentConfig(side, expand).plain())

    def views(self, keypoints: str) -> Iterator[View]:
        """Every picture."""
        self._kind(keypoints)
        kept = list(places_in(self.skeleton, self._whole.skeleton))
        still, everything = torch.Generator(), torch.ones(1, dtype=torch.bool)
        for number, clip in enumerate(self.clips):
            crop = self._augment(self._crops[number], still)
            batch = crops_batch([crop], self._whole.skeleton)
            assert batch.joints_cam is not None
            assert batch.valid is not None
            joints, valid = batch.joints_cam[..., kept, :], batch.valid[..., kept]
            batch = replace(batch, skeleton=self.skeleton, joints_cam=joints, valid=valid)
            yield View(clip, 0, batch, everything)

    @torch.no_grad()
    def lift(self, estimator: Estimator, view: View, *, flip: bool) -> Float[Tensor, "t j 3"]:
        """The answer in every format, placed before the camera if it says where.

        Args:
            estimator: One that looks at pictures.
            view: A picture.
            flip: Average with the answer to the mirrored picture.

        Raises:
            ValueError: The estimator does not say every joint of the corpus.
        """
        estimator.eval()
        batch = pictures_alone(view.batch, estimator.keypoint_skeleton)
        batch = batch.to(next(estimator.parameters()).device)
        said = predict_flipped(estimator, batch) if flip else estimator(batch)
        joints = said.joints_cam
        if said.root_cam is not None:
            joints = joints + said.root_cam.unsqueeze(-2)
        places = list(places_in(self.skeleton, estimator.skeleton))
        return joints.mean(1)[0, :, places].float().cpu()

    def errors(self, view: View, joints: Float[Tensor, "t j 3"]) -> dict[str, float]:
        """Errors in every format, how far the formats disagree, and how far off the place is."""
        assert view.batch.joints_cam is not None
        assert view.batch.valid is not None
        known = view.batch.valid[0, 0]
        off = (joints - view.batch.joints_cam[0])[0, known].mean(0).norm()
        return super().errors(view, joints) | {"place_mm": 1000 * off.item()}

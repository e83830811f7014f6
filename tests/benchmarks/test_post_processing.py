"""Labels behind an estimator: what a linear map and a small net make of its answers."""

import pytest
import torch

from vitruve.benchmarks import BENCHMARKS
from vitruve.benchmarks.post_processing import ridge, two_layer
from vitruve.benchmarks.studio import labels
from vitruve.data.studio.batches import studio_batch
from vitruve.data.studio.reader import Studio
from vitruve.estimators import ConstantPose, ConstantPoseConfig
from vitruve.poses import Prediction

FITS = pytest.mark.parametrize("fit", [ridge, two_layer])
SKELETON = BENCHMARKS["studio"].skeleton


class Confused(ConstantPose):
    """Knows every picture of a folder, but calls left right, and every joint is too far away."""

    def __init__(self, folder):
        super().__init__(ConstantPoseConfig(SKELETON))
        studios = [Studio(folder / "people", split) for split in ("train", "test")]
        self.known = {}
        for studio in studios:
            batch = studio_batch(studio, range(len(studio)))
            for n, image in enumerate(batch.images):
                self.known[image.numpy().tobytes()] = (
                    batch.joints_cam[n, 0],
                    batch.keypoints_px[n, 0],
                )

    def forward(self, batch):
        """The truth, exchanged and moved."""
        found = [self.known[image.numpy().tobytes()] for image in batch.images]
        twin = list(SKELETON.mirror_index)
        joints, points = (torch.stack(x)[:, twin] for x in zip(*found, strict=True))
        joints = 2 * joints + torch.arange(18)[:, None]
        return Prediction(SKELETON, joints[:, None, None], keypoints_px=points[:, None, None] + 9)


def numbers(n, k, seed=0):
    return torch.randn(n, k, generator=torch.Generator().manual_seed(seed))


@FITS
def test_a_linear_map_is_found_and_is_found_again(fit):
    said = 40 * numbers(600, 6) + 7
    said[:, 5] = 3.0
    true = said[:, :5] @ numbers(5, 4, 1) - 100
    state = torch.random.get_rng_state()
    fitted = fit(said[:500], true[:500])
    assert torch.equal(torch.random.get_rng_state(), state)
    error = (fitted(said[500:]) - true[500:]).norm() / (true[500:] - true.mean(0)).norm()
    assert error < (0.01 if fit is ridge else 0.1)
    assert torch.equal(fit(said[:500], true[:500])(said[500:]), fitted(said[500:]))


def test_only_a_net_finds_what_is_not_linear():
    said = numbers(2000, 3)
    true = said.abs()
    linear, net = (
        (fit(said[:1500], true[:1500])(said[1500:]) - true[1500:]).square().mean()
        for fit in (ridge, two_layer)
    )
    assert linear > 0.3
    assert net < 0.1 * linear


@FITS
def test_without_labels_nothing_is_learnt(fit):
    with pytest.raises(ValueError, match="there are none"):
        fit(numbers(0, 3), numbers(0, 2))


@pytest.mark.parametrize(("name", "most"), [("studio_ridge", 0.1), ("studio_two_layer", 0.5)])
def test_what_is_wrong_everywhere_alike_is_right_behind_labels(studio_folder, tmp_path, name, most):
    confused = Confused(studio_folder)
    found = {}
    for benchmark in (BENCHMARKS["studio"](studio_folder), BENCHMARKS[name](studio_folder)):
        file = benchmark.predict(confused, tmp_path / f"{benchmark.name}.npz")
        found[benchmark.name] = benchmark.score(file)["sets"]["test"]["metrics"]
    for metric in ("mpjpe_mm", "keypoint_error", "mpjpe_mm.triangulated"):
        assert found[name][metric] < most * found["studio"][metric]
    assert not any("best" in metric for metric in found[name])
    with pytest.raises(ValueError, match=f"'{name}'"):
        BENCHMARKS["studio"](studio_folder).score(file)


def test_who_says_no_2d_joints_has_none_behind_labels(studio_folder, tmp_path):
    benchmark = BENCHMARKS["studio_ridge"](studio_folder)
    estimator = ConstantPose(ConstantPoseConfig(SKELETON))
    file = benchmark.predict(estimator, tmp_path / "p.npz")
    found = benchmark.score(file)["sets"]["test"]["metrics"]
    assert "keypoint_error" not in found
    # One answer to everything leaves the mean of the labels.
    train = Studio(studio_folder / "people", "train")
    true = labels(train, range(len(train))).joints_cam[:, 0]
    mean = (true - true[:, :1]).mean(0)
    said = benchmark.answers(estimator)["joints_cam"]
    torch.testing.assert_close(said, mean.expand_as(said), atol=1e-4, rtol=0)

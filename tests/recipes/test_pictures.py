"""Source ``pictures`` and its runs: what is shown and measured, and the whole way of images."""

from dataclasses import replace

import pytest
import torch
from rich.console import Console

from studio_samples import TINY
from vitruve.benchmarks.studio_skeletons import StudioSkeletons
from vitruve.data.studio.shards import begin, finish, make_shards
from vitruve.estimators import load_estimator
from vitruve.estimators.base import Estimator
from vitruve.poses import Prediction
from vitruve.recipes import RECIPES
from vitruve.recipes.acae_images import ACAE_IMAGE_RUNS, PREFIX
from vitruve.recipes.acae_workflow import Workflow
from vitruve.recipes.sources.pictures import PicturesSource
from vitruve.skeletons import merge, skeleton

PHOTO = RECIPES["photo.studio.image.small"]
QUIET = Console(quiet=True)


@pytest.fixture(scope="module")
def many(tmp_path_factory):
    """Studio of enough people for a dataset of each format."""
    folder = tmp_path_factory.mktemp("many") / "people"
    config = replace(TINY, scenes=64, people=200, margin=(0.3, 0.5))
    begin(folder, config)
    make_shards(folder, config, range(config.shards))
    finish(folder, config)
    return folder


def small(run, out="", **train):
    """A run with pictures of 32 pixels and a batch of 15."""
    source = replace(run.source_config, augment=replace(run.source_config.augment, side_px=32))
    estimator = replace(run.estimator_config, side_px=32)
    settings = {"steps": 2, "batch_size": 15, "evaluate_every": 0, "out": str(out), **train}
    train = replace(run.train, accelerator="cpu", **settings)
    return replace(run, source_config=source, estimator_config=estimator, train=train)


@pytest.mark.parametrize("name", [n for n, r in RECIPES.items() if r.source == "pictures"])
def test_every_recipe_that_starts_from_nothing_trains(name, many, tmp_path):
    if name.rpartition(".")[2] in ("regularised", "latent", "hybrid"):
        return
    result = small(RECIPES[name], tmp_path).start(many, QUIET)
    assert result.finished
    assert result.figures["mpjpe_mm"] > 0
    assert result.figures["place_mm"] > 0
    assert load_estimator(result.weights).skeleton == RECIPES[name].estimator_config.skeleton


def test_a_batch_holds_every_format_and_what_it_shows_is_true(many, tmp_path):
    run = small(ACAE_IMAGE_RUNS[f"{PREFIX}.separate"], tmp_path)
    batch = PicturesSource(run.source_config, run.train, many).batch_at(0)
    whole = run.source_config.skeleton
    formats = [name.partition("/")[0] for name in whole.names]
    said = [{formats[j] for j in row.nonzero()[:, 0].tolist()} for row in batch.valid[:, 0]]
    assert all(len(one) == 1 for one in said)
    assert len({next(iter(one)) for one in said}) == 15
    assert 0.05 < batch.masks.mean() < 0.9
    everything = PicturesSource(small(PHOTO).source_config, run.train, many).batch_at(0)
    assert everything.valid.float().mean() > 0.9


def test_validation_hides_labels_and_knows_the_truth(many, tmp_path):
    run = small(PHOTO, tmp_path)
    source = PicturesSource(run.source_config, run.train, many)
    truth = list(source._validation())

    class Knows(Estimator):
        """Says the truth of the batch whose pictures it is shown."""

        def __init__(self):
            super().__init__()
            self.skeleton = self.keypoint_skeleton = run.source_config.skeleton
            self.receptive_field, self.number = 1, 0
            self.unused = torch.nn.Parameter(torch.zeros(()))

        def forward(self, batch):
            assert batch.joints_cam is None
            assert not batch.keypoints_valid.any()
            joints = truth[self.number].joints_cam.unsqueeze(1)
            self.number += 1
            root = joints[..., 0, :] + torch.tensor([0.0, 0.0, 0.1])
            return Prediction(self.skeleton, joints - joints[..., :1, :], root)

    figures = source.evaluate(Knows())
    assert figures["mpjpe_mm"] < 0.01
    assert figures["place_mm"] == pytest.approx(100, abs=0.1)


def test_the_whole_way_of_images(many, tmp_path):
    runs = {name: small(run) for name, run in ACAE_IMAGE_RUNS.items()}
    flow = Workflow(many, tmp_path, 0, 2, runs)
    names = tuple(f"{PREFIX}.{v}" for v in ("regularised", "hybrid"))
    assert list(flow.go(names, QUIET, lambda line: None)) == list(names)
    assert flow.pseudo_truth(names[0]).exists()
    hybrid = load_estimator(flow.estimator(names[1]))
    assert hybrid.decoder.abs().sum() > 0
    # The weights of the initial model were taken over: after two steps they are still near.
    first = load_estimator(flow.estimator(f"{PREFIX}.separate"))
    before, after = (e.backbone.stem[0][0].weight for e in (first, hybrid))
    assert (before - after).abs().max() < 0.1


def test_the_benchmark_of_pictures(many, tmp_path):
    benchmark = StudioSkeletons(many)
    views = list(benchmark.views("pictures"))
    assert len(views) == len(benchmark.clips) > 4

    class Knows(Estimator):
        def __init__(self):
            super().__init__()
            self.config = small(PHOTO).estimator_config
            self.skeleton = merge((skeleton("h36m_17"), skeleton("smpl_24")))
            self.keypoint_skeleton, self.receptive_field, self.number = self.skeleton, 1, 0
            self.unused = torch.nn.Parameter(torch.zeros(()))

        def forward(self, batch):
            assert batch.images.shape[-1] == 32
            view = views[self.number].batch
            own = [view.skeleton.names.index(name) for name in self.skeleton.names]
            joints = view.joints_cam[..., own, :].unsqueeze(1)
            self.number += 1
            return Prediction(self.skeleton, joints - joints[..., :1, :], joints[..., 0, :])

    file = benchmark.predict(Knows(), tmp_path / "p.npz", flip=False)
    metrics = benchmark.score(file)["sets"]["test"]["metrics"]
    assert metrics == pytest.approx(dict.fromkeys(metrics, 0.0), abs=0.05)
    assert {"mpjpe_mm", "p_mpjpe_mm", "cross_skeleton_mm", "place_mm"} == set(metrics)


def test_what_is_not_there_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match="give --data DIR"):
        PicturesSource(PHOTO.source_config, PHOTO.train, None)
    with pytest.raises(FileNotFoundError, match="no pictures at"):
        PicturesSource(PHOTO.source_config, PHOTO.train, tmp_path)

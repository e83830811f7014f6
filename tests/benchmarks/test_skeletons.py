"""The benchmark of one estimator in many formats, and the workflow whose runs it measures."""

import shutil
from dataclasses import replace

import pytest
import torch
from rich.console import Console

from format_samples import people
from vitruve.benchmarks.skeletons import Skeletons, same_points
from vitruve.data.corpora.one_format_each import FORMATS
from vitruve.data.corpora.parallel import read_corpus, write_corpus
from vitruve.estimators import Estimator
from vitruve.nets.bridge_file import read_bridge
from vitruve.poses import Prediction
from vitruve.recipes.acae_workflow import Workflow
from vitruve.skeletons import merge, skeleton


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("corpus")
    write_corpus(people(), folder / "train.npz")
    write_corpus(people(n=6, seed=1), folder / "test.npz")
    return folder


class Knows(Estimator):
    """Says the truth, moved by ``shift`` in each format by its number."""

    def __init__(self, said, shift=0.0):
        super().__init__()
        self.skeleton, self.keypoint_skeleton = said, skeleton("coco_17")
        self.receptive_field, self.shift = 1, shift
        self.unused = torch.nn.Parameter(torch.zeros(()))

    def forward(self, batch):
        own = [list(batch.skeleton.names).index(name) for name in self.skeleton.names]
        joints = batch.joints_cam[..., own, :].unsqueeze(1).clone()
        formats = [name.partition("/")[0] for name in self.skeleton.names]
        number = {name: i for i, name in enumerate(dict.fromkeys(formats))}
        joints[..., 0] += self.shift * torch.tensor([float(number[f]) for f in formats])
        return Prediction(self.skeleton, joints)


def test_the_truth_has_no_error(files, tmp_path):
    benchmark = Skeletons(files / "test.npz")
    said = merge([skeleton(name) for name in FORMATS])
    score = benchmark.score(benchmark.predict(Knows(said), tmp_path / "p.npz", flip=False))
    metrics = score["sets"]["test"]["metrics"]
    assert metrics == pytest.approx(dict.fromkeys(metrics, 0.0), abs=1e-2)
    assert set(metrics) == {"mpjpe_mm", "p_mpjpe_mm", "cross_skeleton_mm"}


def test_formats_that_disagree_are_found_out(files, tmp_path):
    benchmark = Skeletons(files / "test.npz")
    two = Knows(merge([skeleton(name) for name in FORMATS[:2]]), shift=0.05)
    score = benchmark.score(benchmark.predict(two, tmp_path / "p.npz", flip=False))
    metrics = score["sets"]["test"]["metrics"]
    # Each format is right about its own root; only both together show it.
    assert metrics["mpjpe_mm"] == pytest.approx(0.0, abs=1e-2)
    assert metrics["cross_skeleton_mm"] == pytest.approx(50.0, rel=1e-3)


def test_same_points_are_of_different_formats():
    corpus = people(FORMATS[:2])
    names = corpus.skeleton.names
    pairs = {(names[a], names[b]) for a, b in same_points(corpus).tolist()}
    assert ("h36m_17/left_knee", "coco_17/left_knee") in pairs
    assert all(a.partition("/")[0] != b.partition("/")[0] for a, b in pairs)
    assert all(a.partition("/")[2] == b.partition("/")[2] for a, b in pairs)


def test_what_cannot_be_scored_is_refused(files, tmp_path):
    benchmark = Skeletons(files / "test.npz")
    with pytest.raises(ValueError, match="none of the formats that are said"):
        benchmark.predict(Knows(skeleton("h36m_17")), tmp_path / "p.npz", flip=False)
    write_corpus(replace(people(n=6), frame="camera"), tmp_path / "camera.npz")
    with pytest.raises(ValueError, match="virtual cameras need the world's"):
        Skeletons(tmp_path / "camera.npz")


def test_the_workflow_goes_on_at_every_arrow(files, tmp_path):
    flow = Workflow(files / "train.npz", tmp_path, steps=2)
    first, name = "acae.motion_3.lifter.separate", "acae.motion_3.lifter.latent"
    quiet = Console(quiet=True)

    def steps() -> list[str]:
        told = []
        assert list(flow.go((name,), quiet, told.append)) == [name]
        return [line.partition(":")[0] for line in told]

    fit = "autoencoder answers_20"
    assert steps() == [first, "pseudo-truth", fit, name]
    pseudo = read_corpus(flow.pseudo_truth(first))
    assert pseudo.frame == "camera"
    assert [one.name for one in pseudo.formats] == list(FORMATS[:3])
    assert steps() == []
    shutil.rmtree(flow.estimator(name).parent)
    assert steps() == [name]
    shutil.rmtree(flow.estimator(name).parent)
    flow.bridge(name).unlink()
    assert steps() == [fit, name]


def test_an_autoencoder_may_be_fitted_to_the_truth_and_without_chirality(files, tmp_path):
    flow = Workflow(files / "train.npz", tmp_path, steps=2)
    names = tuple(f"acae.motion.lifter.{helper}" for helper in ("truth", "free"))
    assert tuple(flow.go(names, Console(quiet=True), lambda line: None)) == names
    truth, free = (read_bridge(flow.bridge(name)) for name in names)
    assert truth.fitted == free.fitted
    assert truth.mirror is not None
    assert free.mirror is None
    assert not torch.equal(truth.encoder, free.encoder)

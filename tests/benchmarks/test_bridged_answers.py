"""The study of one format and a bridge: what it counts, and that a bridge costs something."""

import importlib.util
from pathlib import Path

import pytest
import torch
from test_skeletons import Knows

from format_samples import people
from vitruve.data.corpora.one_format_each import FORMATS
from vitruve.data.corpora.parallel import write_corpus
from vitruve.skeletons import merge, skeleton

FOLDER = Path(__file__).parents[2] / "benchmarks"


@pytest.fixture(scope="module")
def study():
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(FOLDER))
        spec = importlib.util.spec_from_file_location("bridged", FOLDER / "bridged_answers.py")
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        yield module


def test_a_bridge_costs_something_where_answers_are_true(study, tmp_path):
    write_corpus(people(n=6), tmp_path / "test.npz")
    said, errors = Knows(merge([skeleton(name) for name in FORMATS])), {}
    for bridged in (False, True):
        benchmark = study.KnownJoints(tmp_path / "test.npz", "h36m_17", bridged)
        benchmark.check(said)
        file = benchmark.predict(said, tmp_path / "p.npz", flip=False)
        errors[bridged] = benchmark.score(file)["sets"]["test"]["metrics"]["mpjpe_mm"]
    assert errors[False] == pytest.approx(0, abs=1e-2)
    # These people are random points, of which a bridge of bodies knows little.
    assert errors[True] > 100
    view = next(iter(benchmark.views("coco_17")))
    plain = study.KnownJoints(tmp_path / "test.npz", "h36m_17", bridged=False)
    own = [name.startswith("h36m_17/") for name in benchmark.skeleton.names]
    made, direct = (b.lift(said, view, flip=False)[:, own] for b in (benchmark, plain))
    torch.testing.assert_close(made, direct)
    # Nobody knows a nose by Human3.6M's joints.
    names = benchmark.skeleton.names
    assert not benchmark.known()[names.index("coco_17/nose")]
    assert benchmark.known()[names.index("coco_17/left_knee")]

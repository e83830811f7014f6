"""The benchmark of training without labels runs, and its rates are of what it says."""

import importlib.util
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[2] / "benchmarks"


@pytest.fixture(scope="module")
def unlabelled():
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(FOLDER))
        spec = importlib.util.spec_from_file_location("unlabelled_speed", FOLDER / "unlabelled.py")
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        yield module


def test_a_step_costs_more_than_its_detector(unlabelled, studio_folder):
    rates = unlabelled.train_rates("mask.studio.detector.full", studio_folder, 2)
    assert 0 < rates["share_of_detector"] < 1
    assert rates["loader"] > rates["detector"]
    assert rates["peak_mb"] > 100


def test_larger_masks_take_longer(unlabelled, studio_folder):
    small, large = (unlabelled.geodesic_rates(side, studio_folder) for side in (16, 128))
    assert small["maps_per_core_second"] > large["maps_per_core_second"]

"""The benchmark of bodies measures each row once and refuses what it cannot measure."""

import importlib.util
from pathlib import Path

import pytest
import torch

from vitruve.benchmarks import read_rows
from vitruve.bodies import make_body

FILE = Path(__file__).parents[2] / "benchmarks/bodies.py"


@pytest.fixture(scope="module")
def bench():
    spec = importlib.util.spec_from_file_location("bodies_benchmark", FILE)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_rows_are_measured_once(bench, tmp_path, monkeypatch):
    monkeypatch.setattr(bench, "BODIES", ("capsule-human",))
    monkeypatch.setattr(bench, "BATCHES", (1, 3))
    threads = torch.get_num_threads()
    for _ in range(2):
        bench.main(["speed", "--results", str(tmp_path)])
    torch.set_num_threads(threads)
    rows = read_rows(tmp_path / "bodies.json")
    assert [r["run"] for r in rows] == [f"bodies.speed.capsule-human.b{n}" for n in (1, 3)]
    assert all(r["metrics"]["bodies_per_s"] > 0 for r in rows)


def test_a_share_of_the_drawn_bodies_is_plausible(bench):
    metrics = bench.drawn(make_body("capsule-dog"), count=20)
    assert 0.3 < metrics["accepted_share"] <= 1


def test_motion_must_be_named(bench, capsys):
    with pytest.raises(SystemExit):
        bench.main(["retarget"])
    assert "retarget needs --motion" in capsys.readouterr().err

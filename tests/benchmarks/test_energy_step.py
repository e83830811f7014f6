"""The energy's share of a training step: rows are measured once, and products are all there."""

import importlib.util
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from vitruve.benchmarks import read_rows
from vitruve.data.lifting.wrong_poses import WrongPosesConfig
from vitruve.nets import GraphEnergyConfig, MlpEnergyConfig
from vitruve.objectives.energy import EnergyConfig
from vitruve.skeletons import skeleton

FOLDER = Path(__file__).parents[2] / "benchmarks"
H36M = skeleton("h36m_17")


@pytest.fixture(scope="module")
def energy_step():
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(FOLDER))
        spec = importlib.util.spec_from_file_location("energy_step", FOLDER / "energy_step.py")
        module = importlib.util.module_from_spec(spec)
        patch.setitem(sys.modules, "energy_step", module)
        spec.loader.exec_module(module)
        yield module


@pytest.fixture(autouse=True)
def _memory(energy_step, monkeypatch):
    """The allocator stays as the other tests know it."""
    monkeypatch.setattr(energy_step, "keep_freed_memory", lambda: False)


def test_rows_are_measured_once(energy_step, tmp_path, capsys):
    asked = ["--tiny", "--rounds", "1", "--results", str(tmp_path), "--batches", "2"]
    asked += ["--nets", "mixste", "simple_baseline", "--variants", "structure_gpu", "mlp"]
    energy_step.main([*asked, "--precisions", "32"])
    rows = {r["run"]: r for r in read_rows(tmp_path / "scotl_speed.json")}
    assert set(rows) == {
        f"speed.scotl.{net}.{variant}.b2.float32"
        for net in ("mixste", "simple_baseline")
        for variant in ("structure_gpu", "mlp")
    }
    clip = rows["speed.scotl.mixste.structure_gpu.b2.float32"]
    assert clip["preset"] == "gpu"
    assert clip["metrics"]["scored_poses"] == 2 * 9
    assert clip["metrics"]["least_ratio"] > 1
    capsys.readouterr()
    energy_step.main([*asked, "--precisions", "32"])
    assert capsys.readouterr().out == ""


def test_a_step_rounds_as_it_is_told(energy_step):
    exact = energy_step.Case("simple_baseline", "graph_gpu", 2, "32")
    rough = replace(exact, precision="bf16-mixed")
    assert rough.name == "speed.scotl.simple_baseline.graph_gpu.b2.bf16"
    seen = []
    for case in (exact, rough):
        run = energy_step.run_of(case, "graph", tiny=True)
        with energy_step.fabric_of(run.train.precision, "cpu").autocast():
            seen.append((torch.ones(2, 2) @ torch.ones(2, 2)).dtype)
    assert seen == [torch.float32, torch.bfloat16]


@pytest.mark.parametrize(
    ("net", "config"),
    [
        ("graph", GraphEnergyConfig(H36M, channels=16, depth=3, num_heads=2)),
        ("mlp", MlpEnergyConfig(H36M, width=16, structure=True)),
    ],
)
def test_the_products_are_those_of_both_players_steps(energy_step, net, config):
    def macs(poses, **settings):
        made = energy_step.energy_products(EnergyConfig(net, config, **settings), poses)
        return sum(product.macs for product in made)

    with FlopCounterMode(display=False) as counter:
        alone = macs(5)
    assert counter.get_total_flops() == 2 * alone
    # A third set of poses is half as many again in the loss-net's own step.
    spoilt = macs(5, wrong_poses=WrongPosesConfig())
    assert 1.3 * alone < spoilt < 1.5 * alone
    assert macs(10) > 1.9 * alone

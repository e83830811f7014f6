"""The speed benchmark runs, compares what it says, and skips what is there."""

import importlib.util
import sys
from pathlib import Path

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from vitruve.benchmarks import read_rows
from vitruve.nets import layers

FOLDER = Path(__file__).parents[2] / "benchmarks"


@pytest.fixture(scope="module")
def lifting():
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(FOLDER))
        spec = importlib.util.spec_from_file_location("lifting_speed", FOLDER / "lifting.py")
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        yield module


def test_rows_are_measured_once(lifting, tmp_path, capsys):
    asked = ["--tiny", "--rounds", "1", "--results", str(tmp_path), "--nets", "mixste"]
    lifting.main([*asked, "video_pose_3d"])
    rows = {r["run"]: r["metrics"] for r in read_rows(tmp_path / "lifters_speed.json")}
    assert set(rows) == {
        *(
            f"speed.mixste.{case}"
            for case in ("forward", "bfloat16", "training", "flip", "sixteen")
        ),
        *(f"speed.video_pose_3d.{case}" for case in lifting.CASES_ON["cpu"]),
    }
    assert "speedup" in rows["speed.mixste.forward"]
    assert "speedup" not in rows["speed.video_pose_3d.forward"]
    assert 0 < rows["speed.mixste.bfloat16"]["relative_change"] < 0.05
    capsys.readouterr()
    lifting.main(asked)
    assert capsys.readouterr().out == ""


def test_a_share_of_the_card_is_a_ratio_of_rates(lifting):
    metrics = lifting.sixty_four("mixste", tiny=True, rounds=2)
    assert 0 < metrics["share_of_card"] < 1
    share = metrics["tflops_per_s"] / metrics["card_tflops_per_s"]
    assert metrics["share_of_card"] == pytest.approx(share, rel=1)


def test_attention_written_out_is_attention(lifting):
    ours = layers.attend
    q, k, v = torch.randn(3, 2, 4, 7, 8)
    for bias in (None, torch.randn(1, 1, 7, 7)):
        found = sys.modules["timing"].written_out(q, k, v, bias=bias)
        torch.testing.assert_close(found, ours(q, k, v, bias=bias), atol=1e-6, rtol=1e-5)
    seen = []
    lifting.reference(lambda: seen.append(layers.attend))()
    assert seen == [sys.modules["timing"].written_out]
    assert layers.attend is ours


def test_the_floor_computes_every_product(lifting):
    net = lifting.make_net("mixste", tiny=True)
    products = lifting.products_of(net, 1, 9)
    with FlopCounterMode(display=False) as counter:
        lifting.floor_of(products)()
    assert counter.get_total_flops() == 2 * lifting.cost_of(net, 9).macs

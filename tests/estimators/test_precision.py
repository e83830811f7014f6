"""Inference in bfloat16: where it is chosen, and how near it stays."""

import pytest
import torch
from test_lifter import make_batch

from vitruve.estimators import Lifter, LifterConfig, predict_flipped
from vitruve.estimators import precision as precision_module
from vitruve.estimators.precision import computing
from vitruve.nets import MixSTEConfig
from vitruve.recipes.sources.toy import TOY


def make_mixste(**settings):
    torch.manual_seed(0)
    net = MixSTEConfig(5, 5, num_frames=9, channels=32, depth=2, **settings)
    return Lifter(LifterConfig(TOY, TOY, "mixste", net)).eval()


def rounds(net, precision):
    with computing(net, precision):
        return torch.is_autocast_enabled("cpu")


@pytest.mark.parametrize("native", [True, False])
@pytest.mark.parametrize("large", [True, False])
def test_auto_asks_the_processor_and_the_size_of_the_net(native, large, monkeypatch):
    monkeypatch.setattr(precision_module, "has_bfloat16", lambda device: native)
    monkeypatch.setattr(precision_module, "WORTHWHILE_MACS", 1 if large else 10**12)
    net = make_mixste().net
    assert rounds(net, "auto") == (native and large)
    assert rounds(net, "bfloat16")
    assert not rounds(net, "float32")
    assert not rounds(net.train(), "bfloat16")


def test_bfloat16_stays_near_and_does_not_move_in_steps():
    lifter, batch = make_mixste(), make_batch(9)
    exact = predict_flipped(lifter, batch).joints_cam
    lifter.precision = "bfloat16"
    rough = predict_flipped(lifter, batch).joints_cam
    assert rough.dtype == torch.float32
    assert 0 < (rough - exact).norm() < 0.1 * exact.norm()
    assert not torch.equal(lifter(batch).joints_cam.bfloat16().float(), lifter(batch).joints_cam)


def test_a_processor_without_bfloat16_says_so():
    assert not precision_module.has_bfloat16(torch.device("meta"))
    assert isinstance(precision_module.has_bfloat16(torch.device("cpu")), bool)


@pytest.mark.parametrize("able", [True, False])
@pytest.mark.parametrize("seconds", [0.5, 2.0])
def test_a_processor_that_is_slower_with_bfloat16_does_not_gain(able, seconds, monkeypatch):
    for probe in ("_is_avx512_bf16_supported", "_is_amx_tile_supported"):
        monkeypatch.setattr(torch.cpu, probe, lambda: able, raising=False)
    monkeypatch.setattr(
        precision_module,
        "_seconds",
        lambda matrix: seconds if matrix.dtype == torch.bfloat16 else 1.0,
    )
    precision_module._gains.cache_clear()
    found = precision_module.has_bfloat16(torch.device("cpu"))
    precision_module._gains.cache_clear()
    assert found == (able and seconds < 1)

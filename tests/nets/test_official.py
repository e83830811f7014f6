from pathlib import Path

import pytest
import torch
from nets_golden import make_state, read_cases

from vitruve.nets import COMPANIONS, LIFTERS, load_official, recognise

STATE = make_state(read_cases("simple_baseline")["simplebaseline_tiny"], "w05")

OFFICIAL = [
    pytest.param(net, case["shapes"], id=name)
    for net in LIFTERS | COMPANIONS
    if (Path(__file__).parent / f"golden_{net}.json").exists()
    for name, case in read_cases(net).items()
    if name.endswith("_official")
]
"""Key lists of published checkpoints."""


def test_all_published_nets_are_there():
    assert len(OFFICIAL) == 30
    assert {p.values[0] for p in OFFICIAL} == (LIFTERS | COMPANIONS).keys() - {"prml"}


@pytest.mark.parametrize(("net", "shapes"), OFFICIAL)
def test_published_key_lists_are_recognised(net, shapes):
    state = {f"module.{k}": torch.empty(shape, device="meta") for k, shape in shapes.items()}
    assert recognise({"epoch": 3, "model_pos": state})[0] == net


@pytest.mark.parametrize("wrapper", [None, "model_pos", "model", "state_dict"])
@pytest.mark.parametrize("prefix", ["", "module."])
def test_every_packing_is_unwrapped(wrapper, prefix):
    state = {prefix + key: value for key, value in STATE.items()}
    checkpoint = state if wrapper is None else {"epoch": 3, "optimizer": {}, wrapper: state}
    assert recognise(checkpoint)[0] == "simple_baseline"
    net = load_official(checkpoint)
    assert not net.training
    assert torch.equal(net.head.weight, STATE["w2.weight"])


def test_unknown_net():
    with pytest.raises(ValueError, match="no lifter has the keys a, b; the known ones are "):
        recognise({"a": torch.zeros(1), "b": torch.zeros(1)})


@pytest.mark.parametrize("checkpoint", [{}, {"epoch": 3}, {"model_pos": None}])
def test_no_weights_inside(checkpoint):
    with pytest.raises(ValueError, match="no state dict in this checkpoint"):
        load_official(checkpoint)


def test_missing_and_misshapen_weights_fail():
    short = {key: value for key, value in STATE.items() if key != "w2.bias"}
    with pytest.raises(ValueError, match=r"do not fit simple_baseline.*Missing key.*head\.bias"):
        load_official(short)
    with pytest.raises(ValueError, match="size mismatch"):
        load_official({**STATE, "w2.bias": torch.zeros(7)})


def test_leftover_weights_fail():
    with pytest.raises(KeyError, match="no rule for official key 'extra'"):
        load_official({**STATE, "extra": torch.zeros(1)})


def test_hints():
    assert load_official(STATE, dropout=0.1).config.dropout == 0.1
    with pytest.raises(KeyError, match="simple_baseline takes no hint 'heads'; allowed: num_key"):
        load_official(STATE, heads=8)


def test_input_width_is_read_as_keypoints_and_channels():
    net = load_official(STATE)
    assert (net.config.num_keypoints, net.config.in_channels) == (16, 2)
    with_confidence = {**STATE, "w1.weight": torch.zeros(32, 48)}
    config = recognise(with_confidence)[1]
    assert (config.num_keypoints, config.in_channels) == (16, 3)
    with pytest.raises(ValueError, match="35 input features are no whole number"):
        recognise({**STATE, "w1.weight": torch.zeros(32, 35)})

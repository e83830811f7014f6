"""Tensor files: what is written is read, and nothing is built that the file does not hold."""

import json
from dataclasses import dataclass

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from vitruve.io.tensor_file import build_to_fit, load_strictly, read_tensors, write_tensors


@dataclass(frozen=True)
class Size:
    width: int
    seed: int = 0


class Net(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.layer = nn.Linear(config.width, 2)
        self.dropout = nn.Dropout(0.5)


TENSORS = {
    "a": torch.arange(6.0).view(2, 3),
    "b": torch.tensor([1, 2**40]),
    "c": torch.tensor(True),
    "d": torch.randn(3).bfloat16(),
    "e": torch.zeros(0, 4),
}


def test_round_trip(tmp_path):
    path = tmp_path / "a.safetensors"
    document = {"kind": "test", "text": "naïve", "list": [1, 2.5, None]}
    views = {"view": TENSORS["a"].T, "same": TENSORS["a"]}
    write_tensors(path, TENSORS | views, document)
    tensors, again = read_tensors(path, "test")
    assert again == document
    for name, tensor in (TENSORS | views).items():
        assert tensors[name].dtype == tensor.dtype, name
        assert torch.equal(tensors[name], tensor), name
    assert [p.name for p in tmp_path.iterdir()] == ["a.safetensors"]


def test_a_failed_write_leaves_the_old_file(tmp_path):
    path = tmp_path / "a.safetensors"
    write_tensors(path, TENSORS, {"kind": "test"})
    with pytest.raises(ValueError, match="JSON"):
        write_tensors(path, {}, {"kind": "test", "bad": float("nan")})
    assert read_tensors(path, "test")[0].keys() == TENSORS.keys()
    assert [p.name for p in tmp_path.iterdir()] == ["a.safetensors"]


@pytest.mark.parametrize("document", [[1], "text", {"kind": "other"}, {}])
def test_another_kind_is_refused(document, tmp_path):
    path = tmp_path / "a.safetensors"
    save_file({"a": torch.zeros(1)}, path, {"vitruve": json.dumps(document)})
    with pytest.raises(ValueError, match="is a Vitruve file, but not of kind 'test'"):
        read_tensors(path, "test")


@pytest.mark.parametrize("text", ["{", "", "[" * 100_000])
def test_a_document_that_is_no_json_is_refused_in_one_line(text, tmp_path):
    path = tmp_path / "a.safetensors"
    save_file({"a": torch.zeros(1)}, path, {"vitruve": text})
    with pytest.raises(ValueError, match="damaged or not a safetensors file") as refused:
        read_tensors(path, "test")
    assert "\n" not in str(refused.value)


def test_a_module_takes_its_own_tensors_only():
    net = Net(Size(3))
    state = net.state_dict()
    with pytest.raises(ValueError, match=r"x lacks tensor 'layer\.bias'"):
        load_strictly(net, {"layer.weight": state["layer.weight"]}, "x")
    with pytest.raises(ValueError, match="x has the unknown tensor 'more'"):
        load_strictly(net, state | {"more": torch.zeros(1)}, "x")
    with pytest.raises(ValueError, match=r"'layer.weight' has shape \(3, 2\).*asks for \(2, 3\)"):
        load_strictly(net, state | {"layer.weight": torch.zeros(3, 2)}, "x")


def test_a_module_is_built_to_fit_its_tensors():
    net = Net(Size(3))
    again = build_to_fit(Net, Size(3, seed=10**9), net.state_dict(), "x")
    assert torch.equal(again.layer.weight, net.layer.weight)
    assert not again.training


@pytest.mark.parametrize(
    ("config", "message"),
    [
        (Size(4), "x holds 8 numbers, but its config asks for 10"),
        (Size(10**12), "x holds 8 numbers, but its config asks for 1000000000000"),
        (Size(-3), "x: no net can be built from its config"),
    ],
)
def test_a_config_that_asks_for_more_or_nonsense_is_refused_before_memory_is_taken(config, message):
    built = []

    def build(given):
        built.append(torch.get_default_device().type)
        return Net(given)

    with pytest.raises(ValueError, match=message):
        build_to_fit(build, config, Net(Size(3)).state_dict(), "x")
    assert set(built) <= {"meta"}

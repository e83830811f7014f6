"""Weight files: round trip, damaged and hostile files."""

import json
import struct
from dataclasses import replace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import load_file, save_file

import vitruve.estimators.saved as saved
from vitruve.estimators import Lifter, LifterConfig, load, load_estimator, save_estimator
from vitruve.io.tensor_file import read_tensors
from vitruve.nets import SimpleBaselineConfig, VideoPose3DConfig
from vitruve.recipes.sources.toy import TOY

CONFIG = LifterConfig(TOY, TOY, "simple_baseline", SimpleBaselineConfig(5, 5, width=8))


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "toy.safetensors"
    save_estimator(Lifter(CONFIG), path, card="A toy.", commit="abc")
    return path


def rewrite(path, change):
    document = read_tensors(path, "estimator")[1]
    change(document)
    save_file(load_file(path), path, {"vitruve": json.dumps(document)})


@pytest.mark.parametrize(
    "config",
    [
        CONFIG,
        replace(CONFIG, net_config=SimpleBaselineConfig(5, 5, 3, width=8), confidence=True),
        LifterConfig(TOY, TOY, "video_pose_3d", VideoPose3DConfig(5, 5, widths=(3,), channels=4)),
    ],
)
def test_round_trip(tmp_path, config):
    lifter = Lifter(config)
    save_estimator(lifter, tmp_path / "a.safetensors")
    again = load(tmp_path / "a.safetensors")
    assert again.config == config
    assert not again.training
    for name, tensor in lifter.state_dict().items():
        assert torch.equal(tensor, again.state_dict()[name]), name
    assert [p.name for p in tmp_path.iterdir()] == ["a.safetensors"]


def test_the_file_says_what_it_is(file):
    _, document = read_tensors(file, "estimator")
    assert document["skeleton"] == "toy_5"
    assert document["unit"] == "metre"
    assert document["card"] == "A toy."
    assert document["commit"] == "abc"
    assert document["config"]["skeleton"]["names"] == list(TOY.names)


def test_packaged_weights_are_found_by_name(file, monkeypatch):
    monkeypatch.setattr(saved, "PACKAGED", file.parent)
    assert load("toy").config == CONFIG
    with pytest.raises(KeyError, match=r"no weights 'nope': packaged are \['toy'\]"):
        load("nope")
    with pytest.raises(KeyError, match=r"no weights '\.\./x/toy'"):
        load("../x/toy")


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        (lambda d: d.update(estimator="nope"), KeyError, "'nope'; this version has"),
        (lambda d: d["config"].update(net="nope"), KeyError, "unknown net 'nope'"),
        (lambda d: d["config"].update(extra=1), ValueError, "no field 'extra'"),
        (lambda d: d["config"].pop("net_config"), ValueError, "needs the field 'net_config'"),
        (lambda d: d["config"]["net_config"].update(width=10**9), ValueError, "its config asks"),
        (lambda d: d["config"]["net_config"].update(width="8"), ValueError, "of type int"),
        (lambda d: d.update(kind="checkpoint"), ValueError, "not of kind 'estimator'"),
        (lambda d: d.update(config=None), ValueError, "must be a mapping"),
    ],
)
def test_a_file_that_lies_is_refused(file, change, error, message):
    if message.endswith("kind 'estimator'"):
        save_file(load_file(file), file, {"vitruve": json.dumps({"kind": "checkpoint"})})
    else:
        rewrite(file, change)
    with pytest.raises(error, match=message):
        load_estimator(file)


def test_foreign_files_are_refused(tmp_path, file):
    with pytest.raises(FileNotFoundError, match="no such file"):
        load_estimator(tmp_path / "absent.safetensors")
    foreign = tmp_path / "foreign.safetensors"
    save_file({"a": torch.zeros(2)}, foreign)
    with pytest.raises(ValueError, match="Vitruve did not write it"):
        load_estimator(foreign)
    foreign.write_bytes(struct.pack("<Q", 2**62) + b"{}")
    with pytest.raises(ValueError, match="damaged or not a safetensors file"):
        load_estimator(foreign)
    foreign.write_bytes(b"")
    with pytest.raises(ValueError, match="damaged or not a safetensors file"):
        load_estimator(foreign)


def test_renamed_and_reshaped_tensors_are_refused(file):
    tensors, document = read_tensors(file, "estimator")
    text = {"vitruve": json.dumps(document)}
    renamed = {k.replace("net.head.bias", "net.head.b"): v for k, v in tensors.items()}
    save_file(renamed, file, text)
    with pytest.raises(ValueError, match=r"has the unknown tensor 'net.head.b'"):
        load_estimator(file)
    save_file(tensors | {"net.head.bias": tensors["net.head.bias"].view(5, 3)}, file, text)
    with pytest.raises(ValueError, match=r"'net.head.bias' has shape \(5, 3\)"):
        load_estimator(file)


@settings(deadline=None, max_examples=40)
@given(st.data())
def test_a_mutated_file_is_read_or_refused_in_one_line(tmp_path_factory, data):
    path = tmp_path_factory.mktemp("mutated") / "toy.safetensors"
    save_estimator(Lifter(CONFIG), path)
    content = bytearray(path.read_bytes())
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, min(len(content), 2500) - 1))] = data.draw(
            st.integers(0, 255)
        )
    path.write_bytes(bytes(content[: data.draw(st.integers(0, len(content)))]))
    try:
        load_estimator(path)
        message = ""
    except (ValueError, KeyError) as error:
        message = str(error.args[0])
    assert "\n" not in message

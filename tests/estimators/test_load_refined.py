"""``load`` finds the loss-net that comes with weights, or a named one."""

import pytest
import torch

from vitruve.estimators import (
    Lifter,
    LifterConfig,
    RefineConfig,
    RefinedEstimator,
    load,
    save_estimator,
    saved,
)
from vitruve.nets import (
    GeometryEnergy,
    MlpEnergy,
    MlpEnergyConfig,
    SimpleBaselineConfig,
    write_energy,
)
from vitruve.recipes.sources.toy import TOY
from vitruve.skeletons import skeleton


@pytest.fixture
def file(tmp_path):
    net = SimpleBaselineConfig(5, 5, width=8)
    save_estimator(
        Lifter(LifterConfig(TOY, TOY, "simple_baseline", net)), tmp_path / "toy.safetensors"
    )
    return tmp_path / "toy.safetensors"


def write(path, joints=TOY):
    net = MlpEnergy(MlpEnergyConfig(joints, width=4))
    write_energy(net, path)
    return net


def test_the_loss_net_beside_the_weights_is_found(file, monkeypatch):
    written = write(file.with_name("toy.energy.safetensors"))
    assert type(load(file)) is Lifter
    refined = load(file, "float32", "default", RefineConfig(3, 1.0))
    assert type(refined) is RefinedEstimator
    assert refined.config == RefineConfig(3, 1.0)
    assert refined.precision == refined.estimator.precision == "float32"
    assert torch.equal(refined.energy.head.weight, written.head.weight)
    monkeypatch.setattr(saved, "PACKAGED", file.parent)
    assert type(load("toy", refine="default")) is RefinedEstimator
    with pytest.raises(KeyError, match=r"no weights 'nope': packaged are \['toy'\]"):
        load("nope")


def test_a_named_loss_net_is_taken(file, tmp_path):
    written = write(tmp_path / "energy.safetensors")
    refined = load(file, refine=tmp_path / "energy.safetensors")
    assert refined.config == RefineConfig()
    assert torch.equal(refined.energy.head.weight, written.head.weight)


def test_geometry_needs_no_file(file):
    refined = load(file, refine="geometry")
    assert type(refined.energy) is GeometryEnergy
    assert refined.energy.config.skeleton == TOY


def test_what_cannot_refine_is_one_line(file, tmp_path):
    with pytest.raises(FileNotFoundError, match=r"comes with '.*toy\.safetensors' \(no file toy\."):
        load(file, refine="default")
    with pytest.raises(FileNotFoundError, match=r"no loss-net file 'yes'; name the file of one"):
        load(file, refine="yes")
    with pytest.raises(ValueError, match="not of kind 'energy'"):
        load(file, refine=file)
    write(tmp_path / "other.safetensors", skeleton("h36m_17"))
    with pytest.raises(ValueError, match="knows poses of 'h36m_17', but the model says 'toy_5'"):
        load(file, refine=tmp_path / "other.safetensors")

"""``--refine`` of the verbs that predict."""

import pytest
import torch

from vitruve.io import read
from vitruve.nets import MlpEnergy, MlpEnergyConfig, write_energy
from vitruve.skeletons import skeleton


@pytest.fixture
def energy(tmp_path):
    torch.manual_seed(0)
    write_energy(
        MlpEnergy(MlpEnergyConfig(skeleton("h36m_17"), width=8)), tmp_path / "e.safetensors"
    )
    return tmp_path / "e.safetensors"


@pytest.mark.parametrize("verb", ["estimate", "lift"])
def test_motion_is_refined_and_says_so(vitruve, keypoints, weights, energy, tmp_path, verb):
    args = (verb, keypoints, "--model", weights, "--no-page", "--out", tmp_path / "out")
    code, said, err = vitruve(*args)
    assert (code, err) == (0, "")
    assert "refinement" not in said
    plain = read(tmp_path / "out" / "person0.npz")
    code, said, err = vitruve(*args, "--refine", energy, "--refine-steps", "4", "--refine-mm", "3")
    assert (code, err) == (0, "")
    assert "refinement: 4 steps of 3 mm down the energy of loss-net 'e'" in said
    refined = read(tmp_path / "out" / "person0.npz")
    assert "small, refined, on" in refined.model
    assert not torch.allclose(plain.joints_world, refined.joints_world, atol=1e-3)
    assert vitruve(*args, "--refine", "none")[1].count("refinement") == 0


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--refine", "default"), "(no file small.energy.safetensors beside it); name the file"),
        (("--refine", "/nowhere"), "no loss-net file '/nowhere'"),
        (("--refine", "default", "--refine-mm", "0"), "step_mm must be above 0, got 0.0"),
        (("--refine", "default", "--refine-steps", "-1"), "steps must be 0 or more, got -1"),
        (("--refine-steps", "3"), "say how far --refine goes: give it"),
    ],
)
def test_refining_in_vain_is_one_line(vitruve, keypoints, weights, tmp_path, options, message):
    out = tmp_path / "out"
    code, _, err = vitruve("lift", keypoints, "--model", weights, "--out", out, *options)
    assert code == 2
    assert message in err
    assert err.count("\n") == 1
    assert not out.exists()


def test_a_loss_net_of_other_joints_is_refused(vitruve, keypoints, weights, tmp_path):
    net = MlpEnergy(MlpEnergyConfig(skeleton("coco_17"), width=4))
    write_energy(net, tmp_path / "coco.safetensors")
    args = ("--model", weights, "--refine", tmp_path / "coco.safetensors")
    code, _, err = vitruve("estimate", keypoints, *args)
    assert (code, err.count("\n")) == (2, 1)
    assert "the loss-net knows poses of 'coco_17', but the model says 'h36m_17'" in err

"""The lifter by latent points, and the term that teaches it."""

import pytest
import torch

from bridge_samples import ENDS, MIDDLES, bridge_file
from vitruve.estimators import (
    LatentLifter,
    LatentLifterConfig,
    load_estimator,
    make_estimator,
    save_estimator,
)
from vitruve.nets import SimpleBaselineConfig
from vitruve.nets.bridge_file import read_bridge
from vitruve.objectives.teacher import TeacherConfig, TeacherObjective
from vitruve.poses import PoseBatch, Prediction
from vitruve.skeletons import merge

BOTH = merge((ENDS, MIDDLES))


def config(direct=False, **changes):
    points = 3 + (BOTH.num_joints if direct else 0)
    settings = {
        "skeleton": BOTH,
        "keypoint_skeleton": ENDS,
        "net": "simple_baseline",
        "net_config": SimpleBaselineConfig(7, points, width=16, num_blocks=1),
        "num_latents": 3,
        "bridge": bridge_file(ENDS, MIDDLES),
        "direct": direct,
    }
    return LatentLifterConfig(**(settings | changes))


def batch_of(b=2):
    seen = torch.ones(b, 1, 7, dtype=torch.bool)
    draw = torch.Generator().manual_seed(0)
    points = 100 * torch.rand(b, 1, 7, 2, generator=draw)
    return PoseBatch(ENDS, points, seen, seen.float(), torch.full((b, 2), 100.0))


def test_joints_are_what_the_decoder_makes_of_the_points():
    lifter = make_estimator("latent_lifter", config()).eval()
    said = lifter(batch_of()).joints_cam[:, 0, 0]
    points = lifter.net(lifter._encode(batch_of()))[:, 0]
    joints = read_bridge(bridge_file(ENDS, MIDDLES)).decoder @ points
    assert torch.allclose(said, joints - joints[:, :1], atol=1e-6)


def test_the_decoder_does_not_learn():
    lifter = make_estimator("latent_lifter", config())
    assert "decoder" not in dict(lifter.named_parameters())


def test_in_training_the_direct_joints_come_second():
    lifter = make_estimator("latent_lifter", config(direct=True)).eval()
    both, said = lifter.training_forward(batch_of()), lifter(batch_of())
    assert both.joints_cam.shape == (2, 2, 1, BOTH.num_joints, 3)
    assert said.joints_cam.shape == (2, 1, 1, BOTH.num_joints, 3)
    assert torch.equal(said.joints_cam[:, 0], both.joints_cam[:, 0])
    direct = lifter.net(lifter._encode(batch_of()))[:, 0, 3:]
    assert torch.allclose(both.joints_cam[:, 1, 0], direct - direct[:, :1], atol=1e-6)


def test_a_saved_one_needs_no_bridge(tmp_path):
    lifter = make_estimator("latent_lifter", config()).eval()
    lifter.config = config(bridge="gone.safetensors")
    save_estimator(lifter, tmp_path / "it.safetensors")
    again = load_estimator(tmp_path / "it.safetensors").eval()
    assert torch.equal(again(batch_of()).joints_cam, lifter(batch_of()).joints_cam)


def test_bridges_that_do_not_fit_are_refused():
    with pytest.raises(FileNotFoundError, match="gone"):
        make_estimator("latent_lifter", config(bridge="gone.safetensors"))
    four = config(num_latents=4, net_config=SimpleBaselineConfig(7, 4, width=16, num_blocks=1))
    with pytest.raises(ValueError, match="has 3 latents, num_latents is 4"):
        make_estimator("latent_lifter", four)
    with pytest.raises(ValueError, match="num_joints is 5"):
        LatentLifter(config(net_config=SimpleBaselineConfig(7, 5, width=16, num_blocks=1)))


def test_the_first_hypothesis_learns_from_the_last():
    joints = torch.randn(2, 2, 1, 12, 3, requires_grad=True)
    objective = TeacherObjective(TeacherConfig())
    loss = objective.loss(Prediction(BOTH, joints), batch_of())
    loss.backward()
    assert joints.grad[:, 0].abs().sum() > 0
    assert joints.grad[:, 1].abs().sum() == 0
    moved = torch.stack([joints[:, 0], joints[:, 0] + 3.0], dim=1)
    assert objective.loss(Prediction(BOTH, moved), batch_of()).item() == pytest.approx(0, abs=1e-6)
    with pytest.raises(ValueError, match="needs two hypotheses"):
        objective.loss(Prediction(BOTH, joints[:, :1]), batch_of())

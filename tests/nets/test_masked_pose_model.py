import pytest
import torch
from nets_golden import RULES, assert_golden, make_input, make_state, read_cases

from vitruve.nets import PSTMO, PSTMOConfig, load_official, recognise
from vitruve.nets.masked_pose_model import MaskedPoseModel, MaskedPoseModelConfig, Masks

CASES = read_cases("masked_pose_model")
UNUSED = 2 * 256 + 2 * 128
"""Numbers of the last norms of two transformers, which the published net saves and never uses."""
SMALL = MaskedPoseModelConfig(
    5, num_frames=9, channels=16, hidden=24, depth=2, num_heads=2, masked_joints=2
)


@pytest.mark.parametrize("rule", RULES)
def test_agrees_with_the_published_net(rule):
    case = CASES["pstmo_mae_tiny"]
    state = make_state(case, rule)
    net = MaskedPoseModel(MaskedPoseModel.config_from_official(state)).eval()
    net.load_state_dict(net.from_official(state))
    x = make_input(case)[..., 0].permute(0, 2, 3, 1)
    frames, joints = (torch.tensor(case["masks"][k]).bool() for k in ("mask", "spatial_mask"))
    recovered = net(x, Masks(frames, joints))
    # The published net leaves the frames as its decoder gets them: seen ones first.
    shuffled = torch.cat([recovered[:, ~frames], recovered[:, frames]], dim=1)
    assert_golden(shuffled.permute(0, 3, 1, 2)[..., None], case, rule)


def test_the_published_size_is_recognised():
    case = CASES["pstmo_mae_s_official"]
    with torch.device("meta"):
        state = {key: torch.empty(shape) for key, shape in case["shapes"].items()}
        assert recognise(state) == ("masked_pose_model", MaskedPoseModelConfig(17))
        net = load_official(state)
    assert isinstance(net, MaskedPoseModel)
    assert sum(p.numel() for p in net.parameters()) + UNUSED == case["param_count"]
    assert MaskedPoseModel.config_from_official({"a": torch.zeros(1)}) is None


def test_masks_hide_the_wanted_number_of_any_frames_and_joints():
    net = MaskedPoseModel(SMALL)
    drawn = [net.draw_masks(torch.Generator().manual_seed(seed)) for seed in range(40)]
    assert all(masks.frames.sum() == 7 for masks in drawn)
    assert all((masks.joints.sum(1) == 2).all() for masks in drawn)
    hidden = torch.stack([masks.joints for masks in drawn]).float().mean(dim=(0, 1))
    torch.testing.assert_close(hidden, torch.full((5,), 0.4), atol=0.1, rtol=0)
    again = net.draw_masks(torch.Generator().manual_seed(3))
    assert torch.equal(again.frames, drawn[3].frames)
    assert torch.equal(again.joints, drawn[3].joints)


def test_what_is_hidden_is_not_seen():
    torch.manual_seed(0)
    net = MaskedPoseModel(SMALL).eval()
    x, masks = torch.randn(2, 9, 5, 2), net.draw_masks(torch.Generator().manual_seed(0))
    hidden = masks.frames[:, None] | masks.joints
    changed = torch.where(hidden[:, :, None], x + 1, x)
    assert torch.equal(net(changed, masks), net(x, masks))
    assert not torch.equal(net(torch.where(hidden[:, :, None], x, x + 1), masks), net(x, masks))


def test_gradients_reach_every_parameter():
    torch.manual_seed(0)
    net = MaskedPoseModel(SMALL)
    net(torch.randn(2, 9, 5, 2), net.draw_masks()).square().sum().backward()
    for name, parameter in net.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.isfinite().all(), name
        assert parameter.grad.abs().sum() > 0, name


def test_the_lifter_has_the_encoder_under_the_same_names():
    lifter = PSTMO(PSTMOConfig(17, 17, strides=(3, 3, 3))).state_dict()
    masked = MaskedPoseModel(MaskedPoseModelConfig(17, num_frames=27)).state_dict()
    shared = {key for key in masked if key in lifter and masked[key].shape == lifter[key].shape}
    assert shared == {key for key in masked if key.startswith(("frames.", "encoder."))}


def test_sizes_that_cannot_be():
    with pytest.raises(ValueError, match=r"masked_frames must be in \[0, 1\)"):
        MaskedPoseModelConfig(17, masked_frames=1.0)
    with pytest.raises(ValueError, match=r"masked_joints 0 to 17, got 0\.8 and 18"):
        MaskedPoseModelConfig(17, masked_joints=18)
    with pytest.raises(ValueError, match="24 channels, halved in the decoder, do not divide"):
        MaskedPoseModelConfig(17, channels=24)

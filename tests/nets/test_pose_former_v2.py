import numpy as np
import pytest
import torch
from nets_golden import RULES, assert_golden, make_input, make_state, read_cases
from scipy.fft import dct, idct

from vitruve.nets import PoseFormerV2, PoseFormerV2Config, load_official, recognise
from vitruve.nets.pose_former_v2 import cosine_transform, inverse_transform
from vitruve.skeletons import skeleton

CASES = read_cases("pose_former_v2")
H36M = skeleton("h36m_17")


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("name", [f"poseformerv2_9_{kept}_tiny" for kept in ("1_3", "3_3", "3_5")])
def test_agrees_with_the_published_net(name, rule):
    case = CASES[name]
    net = load_official(make_state(case, rule), num_frames=9)
    assert_golden(net(make_input(case)), case, rule)


@pytest.mark.parametrize("rule", RULES)
def test_agrees_when_flipped(rule):
    case = CASES["poseformerv2_tta_tiny"]
    net = load_official(make_state(case, rule), num_frames=9)

    def mirror(x):
        x = x[..., list(H36M.mirror_index), :].clone()
        x[..., 0] *= -1
        return x

    x = make_input(case)
    assert_golden(net(x), case, rule, also="y_plain")
    assert_golden((net(x) + mirror(net(mirror(x)))) / 2, case, rule)


@pytest.mark.parametrize("name", [name for name in CASES if name.endswith("official")])
def test_published_sizes_are_recognised(name):
    case, told = CASES[name], CASES[name]["config"]
    frames, kept, coefficients = told["T"], told["kept_frames"], told["kept_coeffs"]
    with torch.device("meta"):
        state = {key: torch.empty(shape) for key, shape in case["shapes"].items()}
        found, config = recognise(state)
        assert found == "pose_former_v2"
        assert config == PoseFormerV2Config(
            17,
            17,
            num_frames=frames if kept > 3 else None,
            kept_frames=kept,
            kept_coefficients=coefficients,
        )
        net = load_official(state, num_frames=frames)
        assert sum(p.numel() for p in net.parameters()) == case["param_count"]


def test_frames_that_weights_do_not_tell_must_be_given():
    state = make_state(CASES["poseformerv2_9_1_3_tiny"], "w05")
    with pytest.raises(ValueError, match=r"do not tell how many frames a clip has .* num_frames"):
        load_official(state)


def test_transforms_are_those_of_scipy():
    x = np.random.default_rng(0).standard_normal((7, 3))
    transformed = cosine_transform(7).double().numpy() @ x
    np.testing.assert_allclose(transformed, dct(x, axis=0), atol=1e-5)
    np.testing.assert_allclose(
        inverse_transform(7).double().numpy() @ x, idct(x, axis=0), atol=1e-5
    )


@pytest.mark.parametrize(("frames", "centre"), [(9, 4), (8, 3)])
def test_the_kept_frame_is_the_one_that_is_answered(frames, centre):
    torch.manual_seed(0)
    config = PoseFormerV2Config(
        3, 3, num_frames=frames, kept_frames=1, kept_coefficients=1, channels=8, depth=1
    )
    net = PoseFormerV2(config).eval()
    assert net.padding[0] == centre
    x = torch.randn(1, frames, 3, 2)
    for frame in range(frames):
        # The only frequency is the mean, which this change keeps.
        changed = x.clone()
        changed[:, frame] += 1
        changed[:, frame - 1] -= 1
        near = {frame, (frame - 1) % frames}
        assert torch.allclose(net(changed), net(x), atol=1e-6) == (centre not in near)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"kept_frames": 2}, "kept_frames must be odd and positive, got 2"),
        ({"num_frames": 9}, "27 kept frames and 27 coefficients do not fit 9 frames"),
        ({"kept_coefficients": 0}, "27 kept frames and 0 coefficients do not fit 243 frames"),
        ({"channels": 30}, "30 channels do not divide among 8 heads"),
    ],
)
def test_sizes_that_cannot_be(settings, message):
    with pytest.raises(ValueError, match=message):
        PoseFormerV2Config(17, 17, **settings)

import pytest
import torch
from nets_golden import RULES, assert_golden, make_input, make_state, read_cases

from vitruve.nets import VideoPose3D, VideoPose3DConfig, load_official, recognise

CASES = read_cases("video_pose_3d")
CLIPS = [n for n, case in CASES.items() if "w05" in case and "sequence" not in n]
LEFT, RIGHT = [4, 5, 6, 11, 12, 13], [1, 2, 3, 14, 15, 16]


def small(**settings):
    torch.manual_seed(1)
    net = VideoPose3D(VideoPose3DConfig(**{"num_keypoints": 4, "num_joints": 3, **settings}))
    net(torch.randn(8, net.receptive_field, 4, 2))  # gives the batch norms statistics
    return net.eval()


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("name", CLIPS)
def test_agrees_with_the_published_net(name, rule):
    case = CASES[name]
    hints = {"causal": "causal" in name, "strided": "opt1f" in name}
    net = load_official(make_state(case, rule), **hints)
    assert sum(p.numel() for p in net.parameters()) == case["param_count"]
    assert_golden(net(make_input(case)), case, rule)


@pytest.mark.parametrize("rule", RULES)
def test_agrees_on_a_padded_sequence_with_flip_averaging(rule):
    case = CASES["videopose3d_sequence_tta_tiny"]
    net = load_official(make_state(case, rule))
    before, after = net.padding
    x = make_input(case)[None]
    x = torch.cat([x[:, :1]] * before + [x] + [x[:, -1:]] * after, dim=1)
    both = net(torch.cat([x, flip(x)]))
    assert_golden((both[:1] + flip(both[1:])) / 2, case, rule)


def flip(x):
    x = x.clone()
    x[..., 0] *= -1
    x[..., LEFT + RIGHT, :] = x[..., RIGHT + LEFT, :]
    return x


@pytest.mark.parametrize(
    ("name", "widths", "num_joints"),
    [("243", (3,) * 5, 17), ("1frame", (1, 1, 1), 17), ("humaneva", (3, 3, 3), 15)],
)
def test_published_sizes_are_recognised(name, widths, num_joints):
    case = CASES[f"videopose3d_{name}_official"]
    state = {f"module.{key}": torch.empty(shape) for key, shape in case["shapes"].items()}
    found = recognise({"epoch": 80, "model_pos": state, "model_traj": None})
    assert found == ("video_pose_3d", VideoPose3DConfig(17, num_joints, widths=widths))


def test_strided_form_equals_dilated_form():
    for causal in (False, True):
        dilated = small(widths=(3, 5, 3), channels=8, causal=causal)
        strided = small(widths=(3, 5, 3), channels=8, causal=causal, strided=True)
        strided.load_state_dict(dilated.state_dict())
        x = torch.randn(2, 45, 4, 2)
        torch.testing.assert_close(strided(x), dilated(x))


@pytest.mark.parametrize("dense", [False, True])
def test_causal_does_not_see_the_future(dense):
    net = small(widths=(3, 3), channels=8, causal=True, dense=dense)
    assert net.padding == (8, 0)
    x = torch.randn(1, 8 + 6, 4, 2, requires_grad=True)
    net(x)[0, 2].sum().backward()
    touched = x.grad.abs().sum((0, 2, 3)).nonzero().flatten().tolist()
    assert touched == list(range(2, 11))  # padded frame 10 is clip frame 2


def test_centred_output_is_drawn_to_the_centre_frame():
    net = small(widths=(3, 3), channels=8)
    x = torch.randn(1, 9, 4, 2, requires_grad=True)
    net(x).sum().backward()
    assert net.padding == (4, 4)
    assert x.grad.abs().sum((0, 2, 3)).min() > 0


@pytest.mark.parametrize(
    ("settings", "frames", "message"),
    [
        ({}, 8, "takes at least 9 frames, got 8"),
        ({"strided": True}, 10, "takes exactly 9 frames, got 10"),
    ],
)
def test_wrong_clip_length(settings, frames, message):
    net = small(widths=(3, 3), channels=8, **settings)
    with pytest.raises(ValueError, match=message):
        net(torch.randn(1, frames, 4, 2))


def test_bad_settings():
    with pytest.raises(ValueError, match="widths must be odd"):
        VideoPose3DConfig(4, 3, widths=(3, 2))
    with pytest.raises(ValueError, match="exclude each other"):
        VideoPose3DConfig(4, 3, dense=True, strided=True)


def test_dense_with_mixed_widths_needs_a_hint():
    net = small(widths=(3, 5), channels=8, dense=True)
    official = {
        "expand_conv.weight": net.expand[0].weight,
        "layers_conv.0.weight": net.blocks[0].wide[0].weight,
        "layers_conv.1.weight": net.blocks[0].point[0].weight,
        "shrink.weight": net.shrink.weight,
        "shrink.bias": net.shrink.bias,
    }
    for ours, theirs in [("expand", "expand_bn"), ("blocks.0.wide", "layers_bn.0")]:
        bn = net.get_submodule(ours)[1].state_dict()
        official |= {f"{theirs}.{key}": value for key, value in bn.items()}
    bn = net.blocks[0].point[1].state_dict()
    official |= {f"layers_bn.1.{key}": value for key, value in bn.items()}
    twin = load_official(official, widths=(3, 5), dense=True)
    x = torch.randn(2, 17, 4, 2)
    torch.testing.assert_close(twin(x), net(x))


def test_unknown_keys_are_named():
    with pytest.raises(KeyError, match=r"no rule for official key 'expand_gn\.weight'"):
        VideoPose3D.from_official({"expand_gn.weight": torch.zeros(1)})

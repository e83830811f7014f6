import numpy as np
import pytest
import torch
from nets_golden import RULES, assert_golden, make_inputs, make_state, read_cases

from vitruve.estimators import DiffusionLifter, DiffusionLifterConfig
from vitruve.estimators.ddim import sample_times
from vitruve.nets import D3DP, D3DPConfig, load_official, recognise
from vitruve.nets.diffusion_schedule import schedule_tensors
from vitruve.skeletons import skeleton

CASES = read_cases("d3dp")
H36M = skeleton("h36m_17")


def load(case, rule):
    return load_official(make_state(case, rule, schedule_tensors()))


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("layout", ["", "trainlayout_"])
def test_agrees_with_the_published_denoiser(layout, rule):
    case = CASES[f"d3dp_denoiser_{layout}tiny"]
    net = load(case, rule)
    assert sum(p.numel() for p in net.parameters()) == case["param_count"]
    given = make_inputs(case)
    clean = net.denoise(given["x2d"], given["x3d"], given["t"])
    assert_golden(clean[:, 0] if layout else clean, case, rule)


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("name", ["H2K1", "H2K5_scale05", "H3K4"])
def test_agrees_with_the_published_sampler(name, rule):
    case = CASES[f"d3dp_sampler_{name}_tiny"]
    net = load(case, rule)
    scale = case["config"]["scale"]
    lifter = DiffusionLifter(DiffusionLifterConfig(H36M, H36M, "d3dp", net.config, scale=scale))
    lifter.net.load_state_dict(net.state_dict())
    lifter.eval()
    given = make_inputs(case)
    noise = given["noise0"][None]
    if case["config"]["K"] > 1:
        noise = torch.cat([noise, given["noise_steps"]])
    assert_golden(lifter.sample(given["x2d"], noise), case, rule)


def test_published_time_steps():
    assert sample_times(1) == [999, -1]
    assert sample_times(4) == [999, 749, 499, 249, -1]
    assert sample_times(5) == [999, 799, 599, 399, 199, -1]


@pytest.mark.parametrize("name", ["d3dp_denoiser_official", "d3dp_sampler_H2K2_official"])
def test_published_sizes_are_recognised(name):
    case = CASES[name]
    with torch.device("meta"):
        state = {key: torch.empty(shape) for key, shape in case["shapes"].items()}
        net, config = recognise(state)
        assert (net, config) == ("d3dp", D3DPConfig(17, 17))
        assert sum(p.numel() for p in D3DP(config).parameters()) == case["param_count"]


def test_the_noise_schedule_is_the_published_one():
    ours = schedule_tensors()
    stored = CASES["d3dp_denoiser_tiny"]["stored"]
    assert set(ours) == set(stored)
    for name, values in stored.items():
        kept = ours[name][np.linspace(0, 999, len(values)).astype(int)]
        torch.testing.assert_close(kept, torch.tensor(values).double(), rtol=1e-6, atol=1e-9)


def test_weights_of_another_noise_schedule_are_refused():
    state = make_state(CASES["d3dp_denoiser_tiny"], "w05", schedule_tensors())
    with pytest.raises(ValueError, match="betas in this checkpoint is not that of the cosine"):
        load_official({**state, "betas": torch.linspace(1e-4, 0.02, 1000)})
    with pytest.raises(ValueError, match="posterior_variance in this checkpoint is not that"):
        load_official({**state, "posterior_variance": torch.zeros(100)})


def test_the_denoiser_alone_is_read_too():
    case = CASES["d3dp_denoiser_tiny"]
    whole = load(case, "w05")
    state = make_state(case, "w05", schedule_tensors())
    prefix = "pose_estimator."
    alone = load_official({k[len(prefix) :]: v for k, v in state.items() if k.startswith(prefix)})
    for key, value in whole.state_dict().items():
        assert torch.equal(alone.state_dict()[key], value)


def test_without_noise_it_answers_the_last_time_step():
    torch.manual_seed(0)
    net = D3DP(D3DPConfig(4, 4, num_frames=3, channels=8, depth=1, num_heads=2)).eval()
    x = torch.randn(2, 3, 4, 2)
    last, zero = torch.tensor([999, 999]), torch.zeros(2, 1, 3, 4, 3)
    assert torch.equal(net(x), net.denoise(x, zero, last)[:, 0])


def test_hypotheses_do_not_see_each_other():
    torch.manual_seed(0)
    net = D3DP(D3DPConfig(4, 4, num_frames=3, channels=8, depth=1, num_heads=2)).eval()
    x, noisy, time = torch.randn(2, 3, 4, 2), torch.randn(2, 3, 3, 4, 3), torch.tensor([5, 700])
    one = net.denoise(x, noisy[:, 1:2], time)
    torch.testing.assert_close(net.denoise(x, noisy, time)[:, 1:2], one)


@pytest.mark.parametrize("channels", [2, 5])
def test_time_needs_an_even_number_of_channels(channels):
    with pytest.raises(ValueError, match=f"even and at least 4, got {channels}"):
        D3DPConfig(4, 4, channels=channels, num_heads=1)

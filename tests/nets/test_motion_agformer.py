import pytest
import torch
from nets_golden import RULES, assert_golden, make_input, make_state, read_cases

from vitruve.nets import MotionAGFormer, MotionAGFormerConfig, load_official, recognise

CASES = read_cases("motion_agformer")
HINTS = {
    "motionagformer_tiny": {},
    "motionagformer_hier_tiny": {},
    "motionagformer_tcn_tiny": {"num_frames": 9},
    "motionagformer_tempadj_tiny": {"temporal_mixer": "chain"},
}
"""What the shapes of each case do not tell."""


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("name", HINTS)
def test_agrees_with_the_published_net(name, rule):
    case = CASES[name]
    net = load_official(make_state(case, rule), **HINTS[name])
    assert_golden(net(make_input(case)), case, rule)


def test_variants_are_told_apart():
    found = {name: recognise(make_state(CASES[name], "w05"))[1] for name in HINTS}
    kinds = {name: (config.streams, config.temporal_mixer) for name, config in found.items()}
    assert kinds == {
        "motionagformer_tiny": ("parallel", "similarity"),
        "motionagformer_hier_tiny": ("hierarchical", "similarity"),
        "motionagformer_tcn_tiny": ("parallel", "convolution"),
        "motionagformer_tempadj_tiny": ("parallel", "similarity"),
    }
    assert found["motionagformer_hier_tiny"].channels == 32


@pytest.mark.parametrize(
    ("size", "frames", "channels", "depth"),
    [
        ("xs", 27, 64, 12),
        ("s", 81, 64, 26),
        ("b", 243, 128, 16),
        ("l", 243, 128, 26),
        ("b_3dhp", 81, 128, 16),
        ("l_3dhp", 81, 128, 26),
    ],
)
def test_published_sizes_are_recognised(size, frames, channels, depth):
    case = CASES[f"motionagformer_{size}_official"]
    wanted = MotionAGFormerConfig(17, 17, 3, frames, channels, depth=depth)
    with torch.device("meta"):
        state = {key: torch.empty(shape) for key, shape in case["shapes"].items()}
        assert recognise(state) == ("motion_agformer", wanted)
        net = MotionAGFormer(wanted)
    assert sum(p.numel() for p in net.parameters()) == case["param_count"]
    assert MotionAGFormer.from_official(state).keys() == net.state_dict().keys()


@pytest.mark.parametrize("streams", ["parallel", "hierarchical"])
@pytest.mark.parametrize("temporal_mixer", ["similarity", "chain", "convolution"])
def test_every_variant_trains(streams, temporal_mixer):
    torch.manual_seed(0)
    config = MotionAGFormerConfig(
        *(3, 3, 2, 5, 16, 8),
        depth=2,
        num_heads=2,
        drop_path=0.2,
        parents=(-1, 0, 1),
        streams=streams,
        temporal_mixer=temporal_mixer,
    )
    net = MotionAGFormer(config)
    net(torch.randn(4, 5, 3, 2)).square().sum().backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in net.parameters())


def test_frames_and_sizes_that_do_not_fit_are_refused():
    config = MotionAGFormerConfig(17, 17, num_frames=9, channels=16, depth=1)
    with pytest.raises(ValueError, match="takes exactly 9 frames, got 8; pad or cut"):
        MotionAGFormer(config)(torch.zeros(1, 8, 17, 2))
    with pytest.raises(ValueError, match="half of 24 channels does not divide among 8 heads"):
        MotionAGFormerConfig(17, 17, channels=24, streams="hierarchical")
    with pytest.raises(ValueError, match="num_neighbours must be 1 to num_frames = 3, got 4"):
        MotionAGFormerConfig(17, 17, num_frames=3, num_neighbours=4)
    with pytest.raises(ValueError, match="num_ahead must be 0 or more, got -1"):
        MotionAGFormerConfig(17, 17, num_ahead=-1)

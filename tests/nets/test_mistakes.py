"""What typical mistakes change: as much in our nets as in the published ones, and enough to see.

Agreement with golden outputs would prove little if a wrong epsilon or scale went unnoticed.
"""

import json
from pathlib import Path

import pytest
import torch
from nets_golden import RULES, TOLERANCE, make_input, make_inputs, make_state, read_cases
from torch import nn
from torch.nn import functional

from vitruve.estimators import DiffusionLifter, DiffusionLifterConfig
from vitruve.nets import layers, load_official
from vitruve.nets.diffusion_schedule import schedule_tensors
from vitruve.nets.masked_pose_model import Masks
from vitruve.skeletons import skeleton

PUBLISHED = json.loads((Path(__file__).parent / "golden_mistakes.json").read_text())["cases"]
NETS = {
    "simplebaseline": "simple_baseline",
    "semgcn": "sem_gcn",
    "videopose3d": "video_pose_3d",
    "mixste": "mixste",
    "pstmo_f27": "p_stmo",
    "pstmo_mae": "masked_pose_model",
    "poseformerv2": "pose_former_v2",
    "motionbert": "dstformer",
    "ktpformer": "ktpformer",
    "motionagformer": "motion_agformer",
    "d3dp": "d3dp",
}
LEAST = 1e-6
"""Of the largest output; less is as good as nothing in float32."""


def set_eps(kind, right, wrong):
    def make(net, _):
        for module in net.modules():
            if isinstance(module, kind) and module.eps == right:
                module.eps = wrong

    return make


def use_tanh(_, patch):
    exact = functional.gelu
    patch.setattr(functional, "gelu", lambda x: exact(x, approximate="tanh"))


def scale_by_all_channels(net, patch):
    right = layers.attend
    heads = next(m.num_heads for m in net.modules() if isinstance(m, layers.Attention))
    patch.setattr(layers, "attend", lambda q, *rest: right(q / heads**0.5, *rest))


def leak_less(net, _):
    for module in net.modules():
        if isinstance(module, nn.LeakyReLU):
            module.negative_slope = 0.01


def divide_by_n(_, patch):
    right = torch.std_mean
    patch.setattr(torch, "std_mean", lambda x, **rest: right(x, correction=0, **rest))


MISTAKES = {
    "BN eps 1e-5 -> 1e-3": set_eps(nn.modules.batchnorm._BatchNorm, 1e-5, 1e-3),
    "LN eps 1e-6 -> 1e-5": set_eps(nn.LayerNorm, 1e-6, 1e-5),
    "LN eps 1e-5 -> 1e-6": set_eps(nn.LayerNorm, 1e-5, 1e-6),
    "GELU erf -> tanh": use_tanh,
    "attention scale dim^-.5 instead of head_dim^-.5": scale_by_all_channels,
    "LeakyReLU .2 -> .01": leak_less,
    "custom LayerNorm: biased std": divide_by_n,
}


def loaded(name, case, rule):
    """A net, and a function that runs it on the case's input."""
    family = next(family for prefix, family in NETS.items() if name.startswith(prefix))
    state = make_state(case, rule, schedule_tensors() if family == "d3dp" else None)
    net = load_official(state, **({"num_frames": 9} if family == "pose_former_v2" else {}))
    # In float64 a change is itself, whatever the processor; float32 rounds it.
    if "sampler" in name:
        net, given = net.double(), {k: v.double() for k, v in make_inputs(case).items()}
        return net, lambda: sampled(net, given)
    if family == "d3dp":
        net, given = net.double(), make_inputs(case)
        return net, lambda: net.denoise(given["x2d"].double(), given["x3d"].double(), given["t"])
    net, x = net.double(), make_input(case).double()
    if family == "masked_pose_model":
        masks = Masks(*(torch.tensor(case["masks"][k]).bool() for k in ("mask", "spatial_mask")))
        return net, lambda: net(x[..., 0].permute(0, 2, 3, 1), masks)
    if family == "p_stmo":
        x = x[..., 0].permute(0, 2, 3, 1)
    if family == "simple_baseline":
        x = x.view(len(x), 1, -1, 2)
    if family == "sem_gcn":
        x = x[:, None]
    return net, lambda: net(x)


def sampled(net, given):
    h36m = skeleton("h36m_17")
    lifter = DiffusionLifter(DiffusionLifterConfig(h36m, h36m, "d3dp", net.config))
    lifter.net = net
    return lifter.eval().sample(
        given["x2d"], torch.cat([given["noise0"][None], given["noise_steps"]])
    )


@pytest.mark.parametrize(("name", "mistake"), [(n, m) for n, ms in PUBLISHED.items() for m in ms])
@torch.no_grad()
def test_a_mistake_shows_as_in_the_published_net(name, mistake, monkeypatch):
    family = next(family for prefix, family in NETS.items() if name.startswith(prefix))
    case, changes = read_cases(family)[name], []
    for rule in RULES:
        net, answer = loaded(name, case, rule)
        right = answer()
        with monkeypatch.context() as patch:
            MISTAKES[mistake](net, patch)
            change = float((answer() - right).abs().max() / right.abs().max())
        published = PUBLISHED[name][mistake][rule]
        assert change == pytest.approx(published, rel=0.06, abs=LEAST / 2)
        changes.append(change)
    assert max(changes) > 3 * TOLERANCE

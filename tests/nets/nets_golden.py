"""Golden cases: runs of published nets whose weights and inputs follow a rule.

Keys are sorted; key number i is filled from `default_rng(1000 + i)`, in float64, then cast.
`w05`: 0.05 N. `strong`: every layer keeps the signal's scale; a case's `fill` gives [scale, offset]
of the keys that the rule below does not cover. Integer counters are zero. `layers.[8].x` stands for
the keys of layers 0 to 7.
"""

import hashlib
import json
import math
import re
from pathlib import Path

import numpy as np
import torch

RULES = ("w05", "strong")
TOLERANCE = 3e-6


def read_cases(net):
    cases = json.loads((Path(__file__).parent / f"golden_{net}.json").read_text())
    for case in cases.values():
        case["shapes"] = dict(_unfold(case["shapes"]))
    return cases


def _unfold(shapes):
    for key, shape in shapes.items():
        layers = re.search(r"\[(\d+)\]", key)
        for i in range(int(layers[1]) if layers else 1):
            yield (key.replace(layers[0], str(i)) if layers else key), shape


def _fill(i, key, shape, rule, unusual):
    noise = np.random.default_rng(1000 + i).standard_normal(shape)
    if key.endswith("num_batches_tracked"):
        return np.zeros(shape, np.int64)
    if rule == "w05":
        values = np.abs(0.05 * noise) + 0.5 if key.endswith("running_var") else 0.05 * noise
    elif key in unusual:
        scale, offset = unusual[key]
        values = offset + scale * noise
    elif key.endswith("running_var"):
        values = 0.5 + 0.5 * np.abs(noise)
    elif key.endswith("weight"):
        values = noise / math.sqrt(math.prod(shape[1:])) if len(shape) > 1 else 1 + 0.2 * noise
    else:
        values = 0.2 * noise
    return np.asarray(values, np.float32)


def make_state(case, rule, stored=None):
    """Fill a published state dict by rule; checked against the run's own hash where it has one.

    ``stored`` gives the tensors that follow from a formula instead.
    """
    unusual, stored = case.get("fill", {}), stored or {}
    keys = enumerate(sorted(case["shapes"].items()))
    filled = {
        k: stored[k].numpy() if k in stored else _fill(i, k, shape, rule, unusual)
        for i, (k, shape) in keys
    }
    if "weights_sha256" in case.get(rule, {}):
        digest = hashlib.sha256()
        for key, value in filled.items():
            digest.update(key.encode() + value.tobytes())
        assert digest.hexdigest() == case[rule]["weights_sha256"]
    return {key: torch.from_numpy(value) for key, value in filled.items()}


def make_input(case):
    return draw(7, case["input_shape"])


def make_inputs(case):
    """Inputs by name, of a net that takes several."""
    return {name: _make_one(**described) for name, described in case["inputs"].items()}


def _make_one(values=None, shape=None, seed=None, first_seed=0):
    if values is not None:
        return torch.tensor(values)
    if seed is not None:
        return draw(seed, shape)
    return torch.stack([draw(first_seed + i, shape[1:]) for i in range(shape[0])])


def draw(seed, shape):
    noise = np.random.default_rng(seed).standard_normal(shape)
    return torch.from_numpy(noise.astype(np.float32))


def flip(x, skeleton):
    """Coordinates as a mirror would show them."""
    mirrored = x[..., list(skeleton.mirror_index), :].clone()
    mirrored[..., 0] *= -1
    return mirrored


def assert_golden(output, case, rule, also=None):
    """Compare the run's output, or the one called ``also``."""
    golden = case | case[rule] if also is None else case[rule]["also"][also]
    assert list(output.shape) == golden["output_shape"]
    error = output.detach().flatten()[golden["index"]] - torch.tensor(golden["values"])
    assert float(error.abs().max()) <= TOLERANCE * golden["largest"]

"""A tiny motion archive in the layout of the CMU one, and clips of a benchmark over it."""

import json

import numpy as np

from vitruve.benchmarks.cmu_clips import Clip
from vitruve.skeletons import skeleton

H36M = skeleton("h36m_17")
FRAMES = 12
CLIPS = tuple(
    Clip(name, part, action, rig, "someone", FRAMES, None, "made up", "made up")
    for name, part, action, rig in (
        ("a_walk", "subject", "walk", "S9"),
        ("b_hop", "subject", "hop", "S11"),
        ("c_wash", "action", "wash", "S9"),
    )
)


def person(seed=0):
    """A figure of 1.7 m that sways, (t, 17, 3), z up."""
    rng = np.random.default_rng(seed)
    rest = rng.uniform((-0.4, -0.3, 0.1), (0.4, 0.3, 1.7), (17, 3))
    rest[0] = (0.0, 0.0, 0.9)
    sway = 0.1 * np.sin(np.arange(FRAMES) / 3)[:, None, None] * rest[None, :, 2:]
    return (rest + sway * (1.0, 0.5, 0.0)).astype(np.float32)


def write_archive(path, names=tuple(c.name for c in CLIPS)):
    about = {"subject": "someone", "action": "", "split": "test", "fps": 60}
    arrays = {f"h17/{name}": person(seed) for seed, name in enumerate(names)}
    clips = [{"name": n, **about, "joints": H36M.names, "parents": H36M.parents} for n in names]
    np.savez(path, meta=np.array(json.dumps({"clips": clips})), **arrays)
    return path

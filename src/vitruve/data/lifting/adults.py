"""Motion of many sources on one body: the default model's joints with adult proportions.

Recorded skeletons disagree about bone lengths, some by retargeting: directions are theirs, lengths
are ours. The tips of the feet come from each clip's own skeleton.

Axes: t frames, j joints of ``vitruve_19``. Metres.
"""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import torch
from jaxtyping import Float

from vitruve.data.lifting.augment import bones_of, joints_of
from vitruve.data.lifting.body_parts import body_parts
from vitruve.data.sequences.clip import MotionSequence
from vitruve.skeletons import SKELETONS, Skeleton

BONES_M = {
    "hip": 0.09,
    "knee": 0.415,
    "ankle": 0.405,
    "toe": 0.20,
    "spine": 0.23,
    "thorax": 0.24,
    "neck": 0.11,
    "head": 0.11,
    "shoulder": 0.19,
    "elbow": 0.285,
    "wrist": 0.255,
}
"""Length of the bone that ends at a joint: rounded means of the CMU subjects' own skeletons."""
TOES = {
    "left": (
        "ltoes",
        "left_toe",
        "lefttoebase_end",
        "lefttoe_end",
        "cc_base_l_toebase",
        "lfoot_end",
    ),
    "right": (
        "rtoes",
        "right_toe",
        "righttoebase_end",
        "righttoe_end",
        "cc_base_r_toebase",
        "rfoot_end",
    ),
}
"""What the sources call the tip of the foot, in lower case."""


def to_adults(
    h36m: Iterator[MotionSequence], native: Iterator[MotionSequence]
) -> Iterator[MotionSequence]:
    """Clips of an archive in ``vitruve_19``, from their ``h36m_17`` and native versions.

    Raises:
        ValueError: The two hold different clips, or one has no tips of the feet.
    """
    target = SKELETONS["vitruve_19"]
    lengths = torch.tensor([_length(name) for name in target.names])
    for clip, own in zip(h36m, native, strict=True):
        if clip.name != own.name or clip.joints_world is None or own.joints_world is None:
            raise ValueError(f"clips {clip.name!r} and {own.name!r} are not two views of one")
        joints = np.concatenate([clip.joints_world, _toes(own)], axis=1)
        resized = resize(torch.from_numpy(joints), target, lengths).numpy()
        yield replace(
            clip, skeleton=target, joints_world=resized, valid=np.isfinite(resized).all(-1)
        )


def resize(
    joints: Float[torch.Tensor, "t j 3"], skeleton: Skeleton, lengths: Float[torch.Tensor, "j"]
) -> Float[torch.Tensor, "t j 3"]:
    """Keep every bone's direction, give it a length; the root's path grows as the legs do."""
    parts = body_parts(skeleton)
    bones = bones_of(joints, parts)
    legs = [skeleton.index(f"{s}_{p}") for s in ("left", "right") for p in ("knee", "ankle")]
    before = bones[:, legs].norm(dim=-1).median(0).values.sum()
    scaled = torch.nn.functional.normalize(bones, dim=-1) * lengths[:, None]
    scaled[:, skeleton.root] = bones[:, skeleton.root] * (lengths[legs].sum() / before)
    return joints_of(scaled, parts)


def _length(name: str) -> float:
    return BONES_M.get(name.removeprefix("left_").removeprefix("right_"), 0.0)


def _toes(own: MotionSequence) -> Float[np.ndarray, "t 2 3"]:
    """Tips of the feet."""
    assert own.joints_world is not None
    names = [name.lower() for name in own.skeleton.names]
    found = [next((n for n in TOES[side] if n in names), None) for side in ("left", "right")]
    if None not in found:
        return own.joints_world[:, [names.index(str(n)) for n in found]]
    raise ValueError(f"clip {own.name!r} has no joint for the tip of a foot among {names}")

"""Published weights as estimators of ours: skeletons, normalisation and unit.

A state dict says which net it is and how large, but neither what its joints are nor the unit it
speaks. Those are known for the weights that authors published for Human3.6M; for all others the
caller has to say them, since a wrong unit looks like a right one.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import Tensor

from vitruve.estimators.diffusion_lifter import DiffusionLifter, DiffusionLifterConfig
from vitruve.estimators.lifter import Lifter, LifterConfig
from vitruve.estimators.masked_keypoints import MaskedKeypoints, MaskedKeypointsConfig
from vitruve.estimators.ray_blend_lifter import RayBlendLifter, RayBlendLifterConfig, RootDepth
from vitruve.io.dataclass_json import config_from_dict
from vitruve.nets import COMPANIONS, LIFTERS, load_official, recognise
from vitruve.skeletons import Skeleton, skeleton

BY_NUMBER = {17: "h36m_17", 16: "h36m_16"}
"""Joints that the published weights mean, by their number."""
FPS = 50.0
"""Frame rate of Human3.6M."""
NORMALISERS_OF = {
    "d3dp": "screen",
    "dstformer": "weak_perspective",
    "ktpformer": "screen",
    "mixste": "screen",
    "motion_agformer": "weak_perspective",
    "p_stmo": "screen",
    "pose_former_v2": "screen",
    "sem_gcn": "screen",
    "video_pose_3d": "screen",
}
"""How the Human3.6M weights of each net read and speak, as their authors' code feeds them: metres
in camera axes (``screen``), or pixels (``weak_perspective``)."""
UNKNOWN = {
    "simple_baseline": "those of its authors speak coordinates standardised by statistics that no "
    "checkpoint holds; SemGCN's copies of it speak metres",
}
"""Why the unit of a net's published weights cannot be known."""
USES = {
    "masked_pose_model": "a lifter is trained from it",
    "ray_blend": "it goes with a lifter's weights; import those, and give this file as --ray-blend",
}
"""What published weights that lift nothing are for."""


@dataclass(frozen=True)
class Hints:
    """What a state dict leaves open; None takes what is usual."""

    skeleton: str | None = None
    """Joint set of the output; by the number of joints if None."""
    keypoint_skeleton: str | None = None
    """Joint set of the input; by the number of keypoints if None."""
    metres_per_unit: float | None = None
    """Metres in one unit of the output; None takes what is known of the Human3.6M weights."""
    fps: float | None = None
    """Frame rate the weights were trained at; None takes Human3.6M's."""

    def __post_init__(self) -> None:
        """Check the numbers."""
        for what in ("metres_per_unit", "fps"):
            value = getattr(self, what)
            if value is not None and not 0 < value < float("inf"):
                raise ValueError(f"{what} must be above 0, got {value}")


@dataclass(frozen=True, eq=False)
class Published:
    """What became of a published state dict."""

    net: str
    """Name in ``nets.LIFTERS``."""
    lifter: Lifter
    unused: tuple[str, ...]
    """Published keys that nothing of ours is made of: what the net never uses or can compute."""


def import_published(
    state: Mapping[str, Tensor], hints: Hints, net_hints: Mapping[str, Any] | None = None
) -> Published:
    """Make a lifter of a published state dict, in eval mode; one that draws hypotheses of D3DP's.

    Args:
        state: As ``nets.read_checkpoint`` gives it.
        hints: What the weights mean.
        net_hints: Fields of the net's config that shapes cannot tell, such as ``causal``.

    Raises:
        ValueError: The net is unknown or no lifter, the weights do not fill it exactly, or the
            meaning of its output is not known and not said.
        KeyError: A key has no rule, a skeleton no such name, or the net's config no such field.
    """
    name, net = _filled(state, net_hints)
    if name in USES:
        raise ValueError(
            f"these are weights of {name}, which lifts nothing by itself: {USES[name]}"
        )
    settings = _lifter_settings(name, net.config, hints)
    draws = hasattr(net, "denoise")
    lifter = (
        DiffusionLifter(DiffusionLifterConfig(**settings))
        if draws
        else Lifter(LifterConfig(**settings))
    )
    lifter.net.load_state_dict(net.state_dict())
    return Published(name, lifter.eval(), _unused(LIFTERS[name][0], state))


def blend_with(
    lifter: Lifter, state: Mapping[str, Tensor], root_depth: RootDepth = "placed"
) -> RayBlendLifter:
    """Put a lifter and the published weights that blend its answers together, in eval mode.

    Args:
        lifter: Made of the weights published beside them.
        state: As ``nets.read_checkpoint`` gives it.
        root_depth: Where the root's distance comes from.

    Raises:
        ValueError: The weights are of another net or do not fit the lifter, or it draws hypotheses.
        KeyError: A key has no rule.
    """
    name, blend = _filled(state)
    if name != "ray_blend":
        raise ValueError(f"a lifter is blended by weights of ray_blend, but these are of {name}")
    if type(lifter) is not Lifter:
        raise ValueError(f"a {type(lifter).__name__} cannot be blended: it says several poses")
    config = RayBlendLifterConfig(lifter.config, blend.config, root_depth)
    together = RayBlendLifter(config)
    together.lifter.load_state_dict(lifter.state_dict())
    together.blend.load_state_dict(blend.state_dict())
    return together.eval()


def import_pretraining(
    state: Mapping[str, Tensor], hints: Hints, net_hints: Mapping[str, Any] | None = None
) -> MaskedKeypoints:
    """Make an estimator of published weights of a masked pre-training, in eval mode.

    Raises:
        ValueError: The weights are of another net, or of other sizes than recognised, or a skeleton
            or unit of the output is given, of which there is none.
        KeyError: A key has no rule, a skeleton no such name, or the net's config no such field.
    """
    name, net = _filled(state, net_hints)
    if name != "masked_pose_model":
        raise ValueError(f"these weights are of {name}, which is no masked pre-training")
    if hints.skeleton or hints.metres_per_unit:
        raise ValueError(
            "a masked pre-training says no 3D joints: leave out --skeleton and --metres-per-unit"
        )
    points = _skeleton("keypoints", net.config.num_keypoints, hints.keypoint_skeleton)
    fps = hints.fps or (FPS if points.name in BY_NUMBER.values() else None)
    config = MaskedKeypointsConfig(points, net.config, net.config.in_channels == 3, fps)
    estimator = MaskedKeypoints(config)
    estimator.net.load_state_dict(net.state_dict())
    return estimator.eval()


def _filled(
    state: Mapping[str, Tensor], net_hints: Mapping[str, Any] | None = None
) -> tuple[str, Any]:
    """The net that the weights are of, with them, and its name."""
    name, config = recognise(state)
    given = dict(net_hints or {})
    _, config_class = (LIFTERS | COMPANIONS)[name]
    checked = config_from_dict(config_class, asdict(config) | given)
    return name, load_official(state, **{field: getattr(checked, field) for field in given})


def _unused(net_class: Any, state: Mapping[str, Tensor]) -> tuple[str, ...]:
    """Keys of the published weights that nothing of ours is made of."""
    leaves = [torch.zeros((), requires_grad=True) for _ in state]
    pairs = zip(state.items(), leaves, strict=True)
    renamed = net_class.from_official({k: v + leaf for (k, v), leaf in pairs})
    total = torch.stack([value.sum() for value in renamed.values()]).sum()
    traces = torch.autograd.grad(total, leaves, allow_unused=True)
    return tuple(k for k, trace in zip(state, traces, strict=True) if trace is None)


def _lifter_settings(net: str, config: Any, hints: Hints) -> dict[str, Any]:
    if config.num_joints == 1:
        raise ValueError(
            "these weights say one joint, where a person's root is; a lifter says joints relative "
            "to the root, so nothing of it would be left"
        )
    joints = _skeleton("joints", config.num_joints, hints.skeleton)
    normaliser, metres_per_unit = _meaning(net, joints, hints.metres_per_unit)
    return {
        "skeleton": joints,
        "keypoint_skeleton": _skeleton("keypoints", config.num_keypoints, hints.keypoint_skeleton),
        "net": net,
        "net_config": config,
        "normaliser": normaliser,
        "native_fps": hints.fps or (FPS if joints.name in BY_NUMBER.values() else None),
        "confidence": config.in_channels == 3,
        "metres_per_unit": metres_per_unit,
    }


def _skeleton(what: str, number: int, name: str | None) -> Skeleton:
    name = name or BY_NUMBER.get(number)
    option = "--skeleton" if what == "joints" else "--keypoint-skeleton"
    if name is None:
        raise ValueError(f"the net has {number} {what}: say which they are with {option}")
    found = skeleton(name)
    if found.num_joints != number:
        raise ValueError(
            f"the net has {number} {what}, but {name!r} has {found.num_joints}: give another "
            f"{option}"
        )
    return found


def _meaning(net: str, joints: Skeleton, metres_per_unit: float | None) -> tuple[str, float]:
    """Normaliser, and metres in a unit of what it leaves."""
    if metres_per_unit is not None:
        return "screen", metres_per_unit
    ask = "give --metres-per-unit (1 for metres, 0.001 for millimetres) if you know it"
    if net not in NORMALISERS_OF:
        why = UNKNOWN.get(net, "none were published when this was written")
        raise ValueError(f"the unit of {net} weights is not known ({why}): {ask}")
    if joints.name not in BY_NUMBER.values():
        raise ValueError(
            f"the unit of {net} weights is known for Human3.6M joints only, not for "
            f"{joints.name!r}: {ask}"
        )
    return NORMALISERS_OF[net], 1.0

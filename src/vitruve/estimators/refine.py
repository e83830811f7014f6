"""Gradient-based inference: a trained loss-net moves predicted joints to where its energy is lower.

"SCoTL-pose", appendix A.3, which gives neither the step nor how many. Ours are in millimetres, the
same for every pose: the gradient says where to, not how far, as energies have no unit. The root
stays where it is, as poses are relative to it and the loss-net knows none that are not.

Axes: b batch, h hypotheses, t frames, j joints, n poses.
"""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from vitruve.estimators.base import Estimator
from vitruve.nets.pose_evidence import PoseEvidence, evidence_of
from vitruve.poses import PoseBatch, Prediction
from vitruve.skeletons import Skeleton

_JOINTS_AT_ONCE = 8192
"""Of all poses that go through the loss-net at once; bounds the memory of long clips."""


@dataclass(frozen=True)
class RefineConfig:
    """How far to descend; the defaults are about what the default model's validation chooses."""

    steps: int = 20
    """Steps down the energy."""
    step_mm: float = 1.0
    """Root mean square over the joints of what a step moves them."""
    enough: float | None = None
    """Poses of this energy or less stay as they are; None descends with all of them."""

    def __post_init__(self) -> None:
        """Refuse steps that lead nowhere.

        Raises:
            ValueError: The number of steps is negative, or their size is not positive.
        """
        if self.steps < 0:
            raise ValueError(f"steps must be 0 or more, got {self.steps}")
        if not self.step_mm > 0:
            raise ValueError(f"step_mm must be above 0, got {self.step_mm}")


def descend(
    energy: nn.Module,
    joints: Float[Tensor, "n j 3"],
    evidence: PoseEvidence,
    config: RefineConfig,
) -> Iterator[tuple[Float[Tensor, "n j 3"], Float[Tensor, "n"]]]:
    """Poses and their energies after 0, 1, 2 ... steps.

    Args:
        energy: A net of ``nets.ENERGIES``.
        joints: Camera axes, metres, relative to the root.
        evidence: 2D of the same poses.
        config: How far.
    """
    root = _known_to(energy).root
    for step in range(config.steps + 1):
        value, gradient = _energy_and_gradient(energy, joints, evidence)
        yield joints, value
        if step == config.steps:
            return
        gradient[:, root] = 0.0
        move = config.step_mm / 1000 * _of_unit_size(gradient)
        if config.enough is not None:
            move = move.where((value > config.enough)[:, None, None], 0.0)
        joints = joints - move


def _known_to(energy: nn.Module) -> Skeleton:
    """Whose poses a loss-net tells apart."""
    config: Any = energy.config
    return config.skeleton


def _of_unit_size(gradient: Float[Tensor, "n j 3"]) -> Float[Tensor, "n j 3"]:
    """With a root mean square of 1 over the joints; zeros stay."""
    tiny = torch.finfo(gradient.dtype).tiny
    # Squares of small numbers would vanish.
    gradient = gradient / gradient.abs().amax((-2, -1), keepdim=True).clamp(min=tiny)
    size = gradient.square().sum(-1).mean(-1).sqrt()
    return gradient / size.clamp(min=tiny)[:, None, None]


def _energy_and_gradient(
    energy: nn.Module, joints: Float[Tensor, "n j 3"], evidence: PoseEvidence
) -> tuple[Float[Tensor, "n"], Float[Tensor, "n j 3"]]:
    n, j, _ = joints.shape
    at_once = max(1, _JOINTS_AT_ONCE // j)
    values, gradients = [], []
    # Callers predict in inference mode, whose tensors know no gradient: copies made here do.
    with torch.inference_mode(False), torch.enable_grad():
        for start in range(0, n, at_once):
            part = slice(start, start + at_once)
            leaf = joints[part].detach().clone().requires_grad_()
            value = energy(leaf, evidence.map(lambda x, part=part: x[part].clone()))
            gradients.append(torch.autograd.grad(value.sum(), leaf)[0])
            values.append(value.detach())
        return torch.cat(values), torch.cat(gradients)


class RefinedEstimator(Estimator):
    """An estimator whose every answer is refined by a loss-net of its skeleton."""

    def __init__(
        self, estimator: Estimator, energy: nn.Module, config: RefineConfig = RefineConfig()
    ) -> None:
        """Put both together.

        Raises:
            ValueError: The loss-net knows another skeleton.
        """
        super().__init__()
        known = _known_to(energy)
        if known.names != estimator.skeleton.names:
            raise ValueError(
                f"the loss-net knows poses of {known.name!r}, but the model says "
                f"{estimator.skeleton.name!r}; give a loss-net trained beside such a model"
            )
        self.estimator, self.energy, self.config = estimator, energy.eval(), config
        self.skeleton, self.keypoint_skeleton = estimator.skeleton, estimator.keypoint_skeleton
        self.receptive_field, self.native_fps = estimator.receptive_field, estimator.native_fps
        self.needs, self.precision = estimator.needs, estimator.precision

    def forward(self, batch: PoseBatch) -> Prediction:
        """Predict every frame, then descend."""
        prediction = self.estimator(batch)
        joints = prediction.joints_cam
        evidence = evidence_of(batch, self.skeleton).of_each(joints)
        poses = descend(self.energy, joints.flatten(end_dim=-3), evidence.flat(), self.config)
        ((refined, _),) = deque(poses, maxlen=1)
        return replace(prediction, joints_cam=refined.view_as(joints))

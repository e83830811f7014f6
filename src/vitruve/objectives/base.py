"""An objective turns a prediction into a loss, and may learn while doing so.

Axes: b batch, h hypotheses, t frames, j joints.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import ClassVar

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from vitruve.poses import PoseBatch, Prediction


class Objective(nn.Module, ABC):
    """A training signal for any estimator.

    Cooperative objectives learn on ``loss`` itself; rivals override ``own_loss``. The trainer
    steps the objective on ``own_loss`` with the prediction detached, then the estimator on
    ``loss`` with the objective frozen, so neither sees the other's gradient.
    """

    rounds: ClassVar[bool] = False
    """Whether a training in 16 bits computes it so: for its own nets. Geometry does without."""

    @property
    def kept(self) -> nn.Module | None:
        """A net of its own that is worth having after the training, if there is one."""
        return None

    @abstractmethod
    def loss(self, prediction: Prediction, batch: PoseBatch) -> Float[Tensor, ""]:
        """Loss that trains the estimator."""

    def own_loss(self, prediction: Prediction, batch: PoseBatch) -> Float[Tensor, ""]:
        """Loss that trains this objective's own parameters, if it has any."""
        return self.loss(prediction, batch)


@dataclass(frozen=True)
class Term:
    """An objective's place in the total: its weight over time and its own learning rate."""

    objective: Objective
    weight: float | Callable[[int], float] = 1.0
    """A constant, or a schedule of the step; 0 leaves the objective out of the total."""
    learning_rate: float = 1e-4
    """Of the objective's own optimizer."""
    own_steps: int = 1
    """Updates of the objective for one of the estimator."""
    pull: float | None = None
    """Norm of its gradient at the predicted joints as a share of what all terms without this
    setting pull together; the weight then only says on or off."""
    until_step: int | None = None
    """From it on the objective is done: it neither counts nor learns; None keeps it to the end."""

    def done_at(self, step: int) -> bool:
        """Whether it no longer takes part at a training step."""
        return self.until_step is not None and step >= self.until_step

    def weight_at(self, step: int) -> float:
        """Weight at a training step."""
        if self.done_at(step):
            return 0.0
        return self.weight(step) if callable(self.weight) else self.weight

    def make_optimizer(self) -> torch.optim.Optimizer | None:
        """An optimizer over the objective's parameters, or None when it has none."""
        own = [p for p in self.objective.parameters() if p.requires_grad]
        return torch.optim.AdamW(own, lr=self.learning_rate) if own else None


@contextmanager
def frozen(modules: Iterable[nn.Module]) -> Iterator[None]:
    """Let gradients flow through ``modules`` but not into them."""
    trainable = [p for m in modules for p in m.parameters() if p.requires_grad]
    for p in trainable:
        p.requires_grad_(False)
    try:
        yield
    finally:
        for p in trainable:
            p.requires_grad_(True)


def labels(
    prediction: Prediction, batch: PoseBatch, num_frames: int | None = None, step: int = 1
) -> tuple[Float[Tensor, "*b 1 t j 3"], Bool[Tensor, "*b 1 t j"]]:
    """3D labels of the frames that ``prediction`` covers, with a hypothesis axis.

    A prediction shorter than the batch covers its central frames (valid convolutions).

    Args:
        prediction: What the labels are for.
        batch: What holds them.
        num_frames: Frames of the answer, where it is another one than ``joints_cam``.
        step: Frames of the batch from one frame of the answer to the next.

    Returns:
        Joints in the camera frame, absolute, metres; and which of them are labelled.

    Raises:
        ValueError: The batch has no 3D labels, or labels of another skeleton.
    """
    if batch.joints_cam is None or batch.skeleton is None:
        raise ValueError("this objective needs PoseBatch.joints_cam; the batch has no 3D labels")
    if batch.skeleton.names != prediction.skeleton.names:
        raise ValueError(
            f"labels are of skeleton {batch.skeleton.name!r} but the estimator says "
            f"{prediction.skeleton.name!r}; convert the data or choose another estimator skeleton"
        )
    valid = batch.valid
    if valid is None:
        valid = torch.ones_like(batch.joints_cam[..., 0], dtype=torch.bool)
    if num_frames is None:
        num_frames = prediction.joints_cam.shape[-3]
    frames = central_frames(valid.shape[-2], num_frames, step)
    return batch.joints_cam[..., frames, :, :].unsqueeze(-4), valid[..., frames, :].unsqueeze(-3)


def central_frames(total: int, num_frames: int, step: int = 1) -> slice:
    """Where ``num_frames``, each ``step`` after the other, lie in the middle of ``total``."""
    span = max(0, num_frames - 1) * step + min(1, num_frames)
    start = (total - span) // 2
    return slice(start, start + span, step)


def joint_weighting(
    weights: tuple[float, ...] | None, like: Float[Tensor, "*b j"]
) -> Float[Tensor, "j"]:
    """Per-joint weights as a tensor; ones when none are given.

    Raises:
        ValueError: The number of weights is not the number of joints.
    """
    if weights is None:
        return like.new_ones(like.shape[-1])
    if len(weights) != like.shape[-1]:
        raise ValueError(
            f"joint_weights holds {len(weights)} numbers, but the skeleton has "
            f"{like.shape[-1]} joints; give one per joint"
        )
    return like.new_tensor(weights)


def masked_mean(values: Float[Tensor, "*b"], mask: Bool[Tensor, "*b"]) -> Float[Tensor, ""]:
    """Mean of ``values`` where ``mask``; 0 with a graph when nothing is valid."""
    return values.where(mask, 0.0).sum() / mask.sum().clamp(min=1)

"""What a net keeps apart: t-SNE of its features for the 2D pose and for depth.

Figures 6 and 10 of "PrML" (docs/studies.md): all joints of random frames, both tasks' features in
one embedding. The paper looks right before the regression heads; here it is what the net hands to
objectives, for prml the support features of its decoder. t-SNE: van der Maaten and Hinton,
"Visualizing data using t-SNE", JMLR 9, 2008. It shows who is whose neighbour; distances between
groups, and their sizes, mean little.

Axes: n samples (one frame each), f tasks, j joints, c channels.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from vitruve.benchmarks.lift_view import as_read
from vitruve.benchmarks.studies.figure import Look, panels
from vitruve.benchmarks.studies.motion import CmuMotion, StudySet
from vitruve.benchmarks.studies.on_cmu import CmuStudy
from vitruve.benchmarks.studies.study import Finding, Model
from vitruve.benchmarks.view import View, cut_windows
from vitruve.data.lifting.batches import step_generator

TASKS = ("2D pose", "depth")
PERPLEXITY = 30
"""The t-SNE's, about the number of neighbours each point looks at."""


@dataclass(frozen=True)
class FeaturesConfig:
    """t-SNE of a net's features of its two tasks, coloured by task and by action."""

    set: StudySet = "subject"
    """Test set that the frames are drawn from; exact 2D."""
    points: int = 3000
    """At most so many points, two for each joint of a frame."""
    sample_seed: int = 0
    """Seed of the frames drawn and of the t-SNE."""


@dataclass(frozen=True, eq=False)
class _Sample:
    """The features of one frame."""

    view: View
    frame: int
    features: Float[Tensor, "f j c"]


class FeaturesStudy(CmuStudy):
    """Where the features of the tasks lie."""

    needs = ("sklearn",)

    def __init__(self, config: FeaturesConfig) -> None:
        self.config = config

    @property
    def data(self) -> str:
        """What it measures on."""
        return f"features {self.config.set}"

    def measure_one(self, model: Model, motion: CmuMotion) -> Finding:
        """Embed features; beside it, how far the tasks stand apart in the features themselves.

        Raises:
            ValueError: The net has no features by task, no clip is as long as its window, or
                ``points`` are too few.
        """
        from sklearn.manifold import TSNE
        from sklearn.metrics import silhouette_score

        samples = self._samples(model, motion)
        points = torch.stack([s.features for s in samples]).transpose(0, 1).double()
        tasks, _, joints, _ = points.shape
        flat = points.flatten(0, 2).numpy()
        embed = TSNE(perplexity=PERPLEXITY, init="pca", random_state=self.config.sample_seed)
        places = embed.fit_transform(flat)
        task = np.repeat(np.arange(tasks), len(flat) // tasks)
        names = model.estimator.skeleton.names
        about = [
            {"task": TASKS[f], "action": s.view.clip.action, "clip": s.view.clip.name}
            | {"camera": s.view.camera, "frame": s.frame, "joint": names[j]}
            for f in range(tasks)
            for s in samples
            for j in range(joints)
        ]
        rows = [
            {"x": float(x), "y": float(y), **row} for (x, y), row in zip(places, about, strict=True)
        ]
        metrics = {
            "task_silhouette": float(silhouette_score(flat, task)),
            "kl_divergence": float(embed.kl_divergence_),
            "points": len(rows),
        }
        return Finding(model.name, metrics, rows)

    def _samples(self, model: Model, motion: CmuMotion) -> list[_Sample]:
        """Middles of random windows, the same number of each action."""
        window = model.estimator.receptive_field
        by_action: dict[str, list[View]] = {}
        for view in motion.views(self.config.set, "gt"):
            if view.clip.frames >= window:
                by_action.setdefault(view.clip.action, []).append(view)
        if not by_action:
            raise ValueError(f"no clip has the {window} frames of {model.name}'s window")
        per_frame = len(TASKS) * model.estimator.skeleton.num_joints
        count = self.config.points // per_frame
        if count * per_frame <= 2 * PERPLEXITY:
            raise ValueError(
                f"{self.config.points} points are too few: t-SNE needs more than "
                f"{2 * PERPLEXITY}, in steps of {per_frame} for a frame"
            )
        generator = step_generator(self.config.sample_seed, 0)
        actions = list(by_action.values())
        return [
            _sample(model, _one_of(actions[i % len(actions)], generator), generator)
            for i in range(count)
        ]

    def draw(self, findings: Sequence[Finding]) -> Any:
        """A row of two panels for each model: by task, and by action."""
        count = len(findings)
        figure, axes = panels(count, 2, height=3.9 * count)
        for finding, (left, right) in zip(findings, np.reshape(axes, (count, 2)), strict=True):
            for side, key, first in ((left, "task", 2), (right, "action", 0)):
                _scatter(side, finding.rows, key, first)
            left.set_title(f"{finding.model}, by task")
            right.set_title(f"{finding.model}, by action")
        return figure


def _one_of(views: Sequence[View], generator: torch.Generator) -> View:
    return views[_random(len(views), generator)]


@torch.no_grad()
def _sample(model: Model, view: View, generator: torch.Generator) -> _Sample:
    estimator = model.estimator.eval()
    start = _random(view.clip.frames - estimator.receptive_field + 1, generator)
    window = torch.arange(start, start + estimator.receptive_field)[None]
    batch = as_read(cut_windows(view.batch, window), estimator.keypoint_skeleton)
    batch = batch.to(next(estimator.parameters()).device)
    features = estimator.training_forward(batch).features
    if features is None:
        raise ValueError(
            f"{model.name} gives no features by task (Prediction.features), which this study looks "
            "at; nets with a branch for each task do, such as prml with its decoder"
        )
    # Always the middle: a position in the window is a feature too, which would scatter the points.
    frame = start + estimator.receptive_field // 2
    return _Sample(view, frame, features[0, :, features.shape[2] // 2].float().cpu())


def _random(below: int, generator: torch.Generator) -> int:
    return int(torch.randint(below, (), generator=generator))


def _scatter(axes: Any, rows: list[dict[str, Any]], key: str, first_look: int) -> None:
    """Points of one panel, a colour for each value of ``key``; axes of t-SNE have no meaning."""
    for i, value in enumerate(dict.fromkeys(row[key] for row in rows)):
        chosen = [row for row in rows if row[key] == value]
        x, y = ([row[axis] for row in chosen] for axis in "xy")
        colour = Look(first_look + i).colour
        axes.scatter(x, y, s=3, color=colour, alpha=0.6, linewidths=0, label=value)
    axes.set_xticks([])
    axes.set_yticks([])
    axes.set_aspect("equal")
    axes.grid(visible=False)
    for spine in axes.spines.values():
        spine.set_visible(False)
    marks = {"markerscale": 3, "handletextpad": 0.1, "columnspacing": 1.0}
    axes.legend(loc="upper center", bbox_to_anchor=(0.5, 0.0), ncols=3, **marks)

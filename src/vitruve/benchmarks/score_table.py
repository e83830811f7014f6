"""Means of one test set, by action, as a benchmark's result states them."""

from collections.abc import Mapping
from typing import Any, Literal

from vitruve.metrics import GroupedMean

Average = Literal["actions", "frames"]
"""What the headline is a mean over: the means of the actions, or all frames."""


class ScoreTable:
    """Gathers the errors of views."""

    def __init__(self, average: Average) -> None:
        self._average = average
        self._means: dict[str, GroupedMean] = {}
        self._frames = 0

    def add(self, errors: Mapping[str, float], frames: int, action: str) -> None:
        """Count the errors of a view, each a mean over its scored frames."""
        for name, value in errors.items():
            self._means.setdefault(name, GroupedMean()).add(value, frames, action)
        self._frames += frames

    def result(self) -> dict[str, Any]:
        """``metrics`` (the headline), ``frame_metrics``, ``actions`` and ``frames``."""
        by_action = {name: mean.by_group() for name, mean in self._means.items()}
        actions = sorted({str(a) for groups in by_action.values() for a in groups})
        frame_metrics = {name: mean.mean() for name, mean in self._means.items()}
        of_actions = {name: mean.mean_of_groups() for name, mean in self._means.items()}
        return {
            "metrics": of_actions if self._average == "actions" else frame_metrics,
            "frame_metrics": frame_metrics,
            "actions": {a: {name: by_action[name][a] for name in by_action} for a in actions},
            "frames": self._frames,
        }

"""Means over a data set that arrives batch by batch, in groups (actions, subjects, sequences)."""

import math
from collections import defaultdict
from collections.abc import Hashable


class GroupedMean:
    """Weighted means per group; NaN values (nothing valid in them) carry no weight."""

    def __init__(self) -> None:
        self._totals: defaultdict[Hashable, float] = defaultdict(float)
        self._weights: defaultdict[Hashable, float] = defaultdict(float)

    def add(self, value: float, weight: float | int = 1.0, group: Hashable = "all") -> None:
        """Count a value.

        Args:
            value: A mean over a batch or clip; a NaN is counted as nothing.
            weight: What it is a mean of, for example its number of valid joints or frames.
            group: What it belongs to; a group that only gets NaN has the mean NaN.
        """
        known = not math.isnan(value)
        self._totals[group] += value * weight if known else 0.0
        self._weights[group] += weight if known else 0.0

    def by_group(self) -> dict[Hashable, float]:
        """Weighted mean of each group, in the order they came."""
        return {g: _divide(total, self._weights[g]) for g, total in self._totals.items()}

    def mean(self) -> float:
        """Weighted mean of everything."""
        return _divide(math.fsum(self._totals.values()), math.fsum(self._weights.values()))

    def mean_of_groups(self) -> float:
        """Plain mean of the groups' means (Human3.6M: of actions); NaN groups are left out."""
        means = [m for m in self.by_group().values() if not math.isnan(m)]
        return _divide(math.fsum(means), float(len(means)))


def _divide(total: float, weight: float) -> float:
    return total / weight if weight else math.nan

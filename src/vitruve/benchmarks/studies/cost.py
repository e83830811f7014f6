"""What a lifter costs: parameters, multiply-accumulates, and frames per second on one thread.

Table 2 of "PrML" (docs/studies.md) compares errors at a cost. Counting is that of ``nets.cost``:
``macs`` are all matrix products, ``layer_macs`` what the counter gives that most papers quote. A
clip is the net's window, or as much as a net of any length needs for ``frames`` answers; a strided
net is counted in the dilated form that lifts clips. Time is the net's alone, float32 on the CPU.
"""

import statistics
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch

from vitruve.benchmarks.studies.figure import Look, list_names, log_scale, panels, short
from vitruve.benchmarks.studies.leaderboard import measured_runs
from vitruve.benchmarks.studies.study import Finding, Material, Study
from vitruve.estimators import Lifter
from vitruve.nets import LIFTERS
from vitruve.nets.cost import cost_of

_JOINTS = 17


@dataclass(frozen=True)
class CostConfig:
    """Parameters, MACs and speed of WEIGHTS, or of every net at its published size."""

    nets: tuple[str, ...] = ()
    """Without WEIGHTS: only these nets."""
    frames: int = 243
    """Frames that nets of any length answer at once; the others answer those of their window."""
    clips: int = 1
    """Clips lifted at once when timed."""
    repeats: int = 5
    """Timed passes, of which the median counts; one more before them is not timed."""
    on: str = "cmu gt"
    """Which MPJPE of the results to set the cost against, where the runs have one."""


class CostStudy(Study):
    """Size, work and speed of nets."""

    needs_weights = False
    needs_motion = False

    def __init__(self, config: CostConfig) -> None:
        """Check the names and counts.

        Raises:
            KeyError: A net is unknown.
            ValueError: A count is not positive.
        """
        if unknown := [name for name in config.nets if name not in LIFTERS]:
            raise KeyError(f"unknown net {unknown[0]!r}; there are {', '.join(LIFTERS)}")
        for name in ("frames", "clips", "repeats"):
            if getattr(config, name) < 1:
                raise ValueError(f"{name} is {getattr(config, name)}; it must be 1 or more")
        self.config = config

    @property
    def data(self) -> str:
        """What it measures on."""
        return "cost"

    def measure(self, material: Material) -> Iterator[Finding]:
        """Count and time net by net.

        Raises:
            ValueError: A model is not one pass of a net.
        """
        errors = measured_runs(material.results, self.config.on)
        for name, run, net in self._nets(material):
            cost = cost_of(net, self._length(net))
            metrics = {
                "parameters": cost.parameters,
                "macs_per_clip": cost.macs,
                "macs_per_frame": cost.macs_per_frame,
                "layer_macs_per_clip": cost.layer_macs,
                "layer_macs_per_frame": cost.layer_macs_per_frame,
                "frames_per_clip": cost.frames,
                "frames_per_second": self.config.clips * cost.frames / self._seconds(net),
            }
            row: dict[str, Any] = dict(metrics)
            if run in errors:
                row["mpjpe_mm"] = statistics.fmean(r["metrics"]["mpjpe_mm"] for r in errors[run])
            yield Finding(name, metrics, [row])

    def _nets(self, material: Material) -> Iterator[tuple[str, str, Any]]:
        """Name, run and net of each model; without models, of each net at its published size."""
        for model in material.models:
            if type(model.estimator) is not Lifter:
                raise ValueError(
                    f"{model.name} is a {type(model.estimator).__name__}; only a plain Lifter, "
                    "one pass of a net, is counted"
                )
            yield model.name, model.run, _as_it_lifts(model.estimator.net)
        if not material.models:
            for name in self.config.nets or LIFTERS:
                build, config = LIFTERS[name]
                yield name, "", build(config(_JOINTS, _JOINTS))

    def _length(self, net: Any) -> int:
        """Frames of a clip, with what it needs before and after."""
        return net.window or self.config.frames + sum(net.padding)

    def _seconds(self, net: Any) -> float:
        """Median time of a pass on one thread of the CPU."""
        config, times = net.config, []
        shape = (self._length(net), config.num_keypoints, config.in_channels)
        clip = torch.zeros(self.config.clips, *shape)
        net, threads = net.cpu().eval(), torch.get_num_threads()
        try:
            torch.set_num_threads(1)
            with torch.inference_mode():
                for _ in range(1 + self.config.repeats):
                    start = time.perf_counter()
                    net(clip)
                    times.append(time.perf_counter() - start)
        finally:
            torch.set_num_threads(threads)
        return statistics.median(times[1:])

    def draw(self, findings: Sequence[Finding]) -> Any:
        """Error (or parameters where it is not known) against MACs; speed, with the names."""
        figure, (left, right) = panels(1, 2, height=2.4 + 0.14 * len(findings))
        rows = [finding.rows[0] for finding in findings]
        known = all("mpjpe_mm" in row for row in rows)
        for i, row in enumerate(rows):
            height = row["mpjpe_mm"] if known else row["parameters"] / 1e6
            left.plot(row["macs_per_frame"] / 1e6, height, **Look(i).dot)
            right.plot(row["frames_per_second"], i, **Look(i).dot)
        left.margins(0.1)
        log_scale(left, "x")
        left.set_xlabel("million MACs per output frame")
        left.set_ylabel(f"MPJPE on {self.config.on} (mm)" if known else "parameters (millions)")
        if not known:
            log_scale(left, "y")
        right.margins(0.1)
        log_scale(right, "x")
        list_names(right, [short(finding.model) for finding in findings])
        right.set_xlabel("output frames per second, one thread")
        return figure


def _as_it_lifts(net: Any) -> Any:
    """A strided net in the dilated form, of the same size, in which ``Lifter`` uses it on clips."""
    if not getattr(net.config, "strided", False):
        return net
    return type(net)(replace(net.config, strided=False))

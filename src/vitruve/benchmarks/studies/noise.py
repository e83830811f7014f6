"""Robustness to noisy 2D: how the error grows with Gaussian noise on exact keypoints.

The curve of Figure 5 of "PrML" (docs/studies.md): MPJPE at a noise minus MPJPE without, of the same
weights. The paper does not state the unit of its noise; here it is pixels of the 1000-pixel image,
so that 5 px with seed 1 is the benchmark's ``noisy``.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from vitruve.benchmarks.cmu_views import NOISE_SEED, Noise
from vitruve.benchmarks.studies.figure import Look, legend_below, panels, short
from vitruve.benchmarks.studies.motion import CmuMotion
from vitruve.benchmarks.studies.on_cmu import CmuStudy, CmuStudyConfig, answers
from vitruve.benchmarks.studies.study import Finding, Model
from vitruve.estimators import Estimator
from vitruve.metrics import GroupedMean, mpjpe_mm


@dataclass(frozen=True)
class NoiseConfig(CmuStudyConfig):
    """MPJPE against Gaussian noise on exact 2D, same weights, same draws."""

    sigmas_px: tuple[float, ...] = (0.0, 2.0, 5.0, 10.0, 15.0, 20.0)
    """Standard deviations along x and y, pixels of the 1000-pixel image; the first is 0."""
    noise_seed: int = NOISE_SEED
    """Seed of the noise; every clip and camera has its own stream of it."""


class NoiseStudy(CmuStudy):
    """MPJPE over the size of the noise."""

    def __init__(self, config: NoiseConfig) -> None:
        """Check the sizes of the noise.

        Raises:
            ValueError: They do not begin with 0 and rise.
        """
        sigmas = config.sigmas_px
        if len(sigmas) < 2 or sigmas[0] != 0 or any(a >= b for a, b in pairwise(sigmas)):
            raise ValueError(
                f"sigmas_px are {sigmas}; they must begin with 0, which the others are compared "
                "with, and rise"
            )
        self.config = config

    @property
    def data(self) -> str:
        """What it measures on."""
        return f"noise {self.config.set}"

    def measure_one(self, model: Model, motion: CmuMotion) -> Finding:
        """MPJPE at every noise, and its increase."""
        errors = [self._mpjpe_mm(model.estimator, motion, s) for s in self.config.sigmas_px]
        rows = [
            {"sigma_px": sigma, "mpjpe_mm": error, "increase_mm": error - errors[0]}
            for sigma, error in zip(self.config.sigmas_px, errors, strict=True)
        ]
        metrics = {"mpjpe_mm": errors[0]}
        metrics |= {f"increase_{row['sigma_px']:g}px_mm": row["increase_mm"] for row in rows[1:]}
        return Finding(model.name, metrics, rows)

    def _mpjpe_mm(self, estimator: Estimator, motion: CmuMotion, sigma_px: float) -> float:
        views = motion.views(self.config.set, Noise(sigma_px, self.config.noise_seed))
        mean = GroupedMean()
        for answer in answers(estimator, views, flip=self.config.flip):
            error = mpjpe_mm(answer.predicted, answer.truth, answer.valid)
            mean.add(error.item(), answer.frames, answer.view.clip.action)
        return mean.mean_of_groups()

    def draw(self, findings: Sequence[Finding]) -> Any:
        """The increase, and the error itself."""
        figure, (left, right) = panels(1, 2, height=3.2 + 0.12 * len(findings))
        for i, finding in enumerate(findings):
            sigmas = [row["sigma_px"] for row in finding.rows]
            for axes, key in ((left, "increase_mm"), (right, "mpjpe_mm")):
                values = [row[key] for row in finding.rows]
                axes.plot(sigmas, values, label=short(finding.model), **Look(i).line)
        left.set_ylabel("increase of MPJPE (mm)")
        right.set_ylabel("MPJPE (mm)")
        for axes in (left, right):
            axes.set_xlabel("noise on exact 2D, σ (px of a 1000 px image)")
            axes.set_ylim(bottom=min(0.0, axes.get_ylim()[0]))
        legend_below(figure, left)
        return figure

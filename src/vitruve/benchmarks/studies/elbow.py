"""How many latent points a bridge needs: the error against their number.

Figure 5 of Sárándi et al., WACV 2023 (https://arxiv.org/abs/2212.14474): where the curve bends,
more points say little more.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from vitruve.benchmarks.studies.figure import Look, panels
from vitruve.benchmarks.studies.study import Finding, Material, Study
from vitruve.data.corpora.parallel import read_corpus
from vitruve.estimators.bridge import BridgeConfig, fit_bridge
from vitruve.nets.skeleton_bridge import SkeletonBridge
from vitruve.skeletons import conversion, part_of


@dataclass(frozen=True)
class ElbowConfig:
    """Held-out error of bridges with few to many latent points."""

    corpus: str = "bridge_train.npz"
    """Parallel corpus, .npz, that the bridges learn from; docs/bridge.md."""
    held_out: str = ""
    """Corpus to measure the errors on; if unset, a tenth of the groups of ``corpus``."""
    numbers: tuple[int, ...] = (8, 16, 24, 32, 48, 64)
    """Latent points of each bridge."""
    steps: int = 6000
    """Updates of each fit; other settings are those of ``vitruve skeleton fit``."""


class ElbowStudy(Study):
    """One bridge for each number of latent points."""

    needs_weights = False
    needs_motion = False
    table = "bridge"

    def __init__(self, config: ElbowConfig) -> None:
        """Check the numbers.

        Raises:
            ValueError: There is none.
        """
        if not config.numbers:
            raise ValueError("numbers is empty: give one number of latent points or more")
        self.config = config

    @property
    def data(self) -> str:
        """What it measures on."""
        return Path(self.config.held_out or self.config.corpus).stem

    def measure(self, material: Material) -> Iterator[Finding]:
        """Fit and measure, one number after the other.

        Raises:
            ValueError: A corpus is damaged, or there are not fewer latent points than joints.
            OSError: A corpus is missing.
        """
        del material
        learn = read_corpus(self.config.corpus)
        if not self.config.held_out:
            learn, held_out = learn.hold_out(0.1)
        else:
            held_out = read_corpus(self.config.held_out)
        for number in self.config.numbers:
            bridge = fit_bridge(learn, held_out, BridgeConfig(number, self.config.steps))
            metrics = {
                "latents": number,
                "reconstruction_mm": bridge.about["reconstruction_mm"],
                "conversion_rms_mm": _conversion_rms_mm(bridge),
                "fit_cpu_seconds": bridge.about["cpu_seconds"],
            }
            yield Finding(f"latents_{number:02d}", metrics, [metrics])

    def draw(self, findings: Sequence[Finding]) -> Any:
        """Both errors over the number of latent points."""
        figure, axes = panels(1, 1, width=5.2)
        rows = sorted((row for f in findings for row in f.rows), key=lambda row: row["latents"])
        named = {
            "reconstruction_mm": "all formats in, all out (mean)",
            "conversion_rms_mm": "one format in, another out (root mean square)",
        }
        for i, (key, label) in enumerate(named.items()):
            points = [row["latents"] for row in rows], [row[key] for row in rows]
            axes.plot(*points, label=label, **Look(i).line)
        axes.set_xticks([row["latents"] for row in rows])
        axes.set_xlabel("latent points")
        axes.set_ylabel("distance on held-out poses (mm)")
        axes.set_ylim(bottom=0)
        axes.legend()
        return figure


def _conversion_rms_mm(bridge: SkeletonBridge) -> float:
    """Root mean square over all pairs, of joints for which there is a rule that is not exact."""
    squares = []
    for i, source in enumerate(bridge.formats):
        for target in bridge.formats:
            rules = conversion(source, target)
            inexact = torch.tensor([quality == "approximate" for quality in rules.quality])
            residual_m = bridge.residual_m[i, part_of(bridge.formats, target.name)][inexact]
            squares.append(residual_m[residual_m.isfinite()].square())
    return 1000 * torch.cat(squares).mean().sqrt().item()

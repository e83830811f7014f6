"""How well loss-nets tell true poses from wrong ones.

A loss-net that only knows what its model's mistakes look like cannot tell a turned or stretched
bone from a true one, and pulls a model nowhere. So truth is set against what the model says and
against poses spoilt in one way each (``data.lifting.wrong_poses``), and every way is counted by
itself.

Axes: n poses, j joints of h36m_17.
"""

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from vitruve.benchmarks.studies.figure import (
    MUTED,
    Look,
    beside,
    legend_below,
    list_names,
    panels,
    short,
)
from vitruve.benchmarks.studies.loss_nets import (
    LossNetConfig,
    LossNetStudy,
    Sample,
    samples,
    stream,
)
from vitruve.benchmarks.studies.motion import CmuMotion
from vitruve.benchmarks.studies.on_cmu import H36M
from vitruve.benchmarks.studies.study import Finding, Model
from vitruve.data.lifting.wrong_poses import shake, stretch_bone, turn_bone
from vitruve.metrics import auroc, mpjpe_mm, paired_accuracy, root_centred

Spoiler = Callable[[Float[Tensor, "n j 3"], torch.Generator], Float[Tensor, "n j 3"]]


@dataclass(frozen=True)
class EnergyStudyConfig(LossNetConfig):
    """AUROC and paired accuracy of loss-nets: truth against predictions and spoilt poses."""


@dataclass(frozen=True)
class Wrong:
    """One way of being wrong."""

    name: str
    """In metrics."""
    label: str
    """In pictures."""
    spoil: Spoiler | None
    """None for what the model says."""


def _noise(std_mm: int) -> Wrong:
    def spoil(joints: Tensor, generator: torch.Generator) -> Tensor:
        return shake(joints, _same(joints, std_mm / 1000), generator)

    return Wrong(f"noise_{std_mm}mm", f"noise, σ = {std_mm} mm", spoil)


def _stretched(percent: int) -> Wrong:
    def spoil(joints: Tensor, generator: torch.Generator) -> Tensor:
        return stretch_bone(joints, H36M, _same(joints, percent / 100), generator)

    return Wrong(f"bone_{percent}percent", f"one bone ±{percent} %", spoil)


def _scaled(percent: int) -> Wrong:
    def spoil(joints: Tensor, generator: torch.Generator) -> Tensor:
        sign = 2 * torch.randint(2, (len(joints), 1, 1), generator=generator) - 1
        return joints * (1 + sign * percent / 100)

    return Wrong(f"body_{percent}percent", f"whole body ±{percent} %", spoil)


def _turned(degrees: int) -> Wrong:
    def spoil(joints: Tensor, generator: torch.Generator) -> Tensor:
        return turn_bone(joints, H36M, _same(joints, float(degrees)), generator)

    return Wrong(f"turn_{degrees}deg", f"one bone turned {degrees}°", spoil)


WRONG = (
    Wrong("prediction", "the model's prediction", None),
    *map(_noise, (10, 20, 40)),
    *map(_stretched, (10, 20)),
    _scaled(10),
    *map(_turned, (5, 10, 20, 30)),
)
"""What truth is set against; signs, bones and axes are random for each pose."""


class EnergyStudy(LossNetStudy):
    """Truth against wrong poses, way by way."""

    table = "scotl_energies"

    columns = tuple(
        f"{name}_paired"
        for name in ("prediction", "noise_20mm", "bone_10percent", "body_10percent", "turn_10deg")
    )

    @property
    def data(self) -> str:
        """What it measures on."""
        return f"energy {self.config.keypoints} {self.config.set}"

    def measure_one(self, model: Model, motion: CmuMotion) -> Finding:
        """Energies of true and wrong poses of the same frames, all views together.

        Raises:
            ValueError: The loss-net knows other joints than those whose truth is known.
        """
        if model.estimator.skeleton.names != H36M.names:
            raise ValueError(
                f"{model.name} says {model.estimator.skeleton.name!r}, but the truth that its "
                f"loss-net is asked about is {H36M.name!r}"
            )
        energies: dict[str, list[Tensor]] = defaultdict(list)
        errors: dict[str, list[Tensor]] = defaultdict(list)
        for sample in samples(model, motion, self.config, self.config.set):
            energies["truth"].append(_energy(model, sample, sample.truth))
            for wrong in WRONG:
                poses = _wrong_poses(wrong, sample, self.config.sample_seed)
                energies[wrong.name].append(_energy(model, sample, poses))
                centred = root_centred(poses, H36M.root)
                errors[wrong.name].append(torch.vmap(mpjpe_mm)(centred, sample.truth))
        truth = torch.cat(energies["truth"])
        rows = [
            _row(wrong, truth, torch.cat(energies[wrong.name]), torch.cat(errors[wrong.name]))
            for wrong in WRONG
        ]
        metrics: dict[str, float | int] = {"poses": len(truth)}
        for row in rows:
            metrics |= {f"{row['wrong']}_{k}": row[k] for k in ("auroc", "paired")}
        return Finding(model.name, metrics, rows)

    def draw(self, findings: Sequence[Finding]) -> Any:
        """Paired accuracy, way by way."""
        figure, axes = panels(1, 1, height=3.6 + 0.3 * len(findings))
        for i, finding in enumerate(findings):
            places = beside(len(WRONG), i, len(findings))
            values = [row["paired"] for row in finding.rows]
            axes.plot(values, places, label=short(finding.model), **Look(i).dot)
        axes.axvline(0.5, color=MUTED, linestyle="--", linewidth=1.0, zorder=1, label="chance")
        list_names(axes, [wrong.label for wrong in WRONG])
        axes.set_xlabel("frames in which the true pose has the lower energy (share)")
        axes.set_xlim(right=1.02)
        legend_below(figure, axes)
        return figure


def _wrong_poses(wrong: Wrong, sample: Sample, seed: int) -> Float[Tensor, "n j 3"]:
    if wrong.spoil is None:
        return sample.predicted.cpu()
    generator = stream(seed, sample.view, wrong.name, str(int(sample.frames[0])))
    return root_centred(wrong.spoil(sample.truth, generator), H36M.root)


@torch.no_grad()
def _energy(model: Model, sample: Sample, joints: Float[Tensor, "n j 3"]) -> Float[Tensor, "n"]:
    return model.energy(joints.to(sample.predicted.device), sample.evidence).double().cpu()


def _row(wrong: Wrong, truth: Tensor, energy: Tensor, error_mm: Tensor) -> dict[str, Any]:
    return {
        "wrong": wrong.name,
        "mpjpe_mm": error_mm.mean().item(),
        "auroc": auroc(truth, energy).item(),
        "paired": paired_accuracy(truth, energy).item(),
        "mean_gap": (energy - truth).mean().item(),
        "mean_true_energy": truth.mean().item(),
    }


def _same(joints: Float[Tensor, "n j 3"], value: float) -> Float[Tensor, "n"]:
    return joints.new_full((len(joints),), value)

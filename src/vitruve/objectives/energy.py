"""Energy loss: a net learns what a true pose is, and the estimator is trained to look like one.

"SCoTL-pose: structural consistency via trainable loss for pose estimation", anonymous submission,
Algorithm 1 and appendix A.1; after Lee et al., "Structured energy network as a loss" (SEAL),
NeurIPS 2022. Low energy is plausible. The loss-net learns by ``own_loss`` on the detached
prediction, then the estimator by ``loss`` on the frozen loss-net. We deviate: the prediction that
the loss-net learns from is the training one, with dropout, so that the estimator runs once a step;
the margin is each sample's own error unless ``margin_over`` says batch, as the authors' runs do; a
term's optimizer is AdamW with torch's decay of 0.01, theirs has none.

Axes: b batch, h hypotheses, t frames, j joints, n poses.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, assert_never

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn
from torch.nn import functional

from vitruve.data.wrong_poses import WrongPosesConfig, spoil
from vitruve.nets import ENERGIES, read_energy
from vitruve.nets.pose_evidence import PoseEvidence, evidence_of
from vitruve.objectives.base import Objective, labels, masked_mean
from vitruve.objectives.energy_windows import PairConfig, window_difference
from vitruve.objectives.position import root_relative
from vitruve.poses import PoseBatch, Prediction


@dataclass(frozen=True)
class EnergyConfig:
    """Settings of the energy."""

    net: str
    """Name in ``nets.ENERGIES``."""
    net_config: Any
    """Config of that net; its skeleton is the estimator's."""
    ranking: Literal["margin", "nce"] = "margin"
    """How truth is ranked before prediction: by a margin (equation 4) or by NCE (equation 5)."""
    margin: float = 1.0
    """Energy that must lie between them for each metre of mean joint error."""
    margin_over: Literal["sample", "batch"] = "sample"
    """Whose error sets the margin."""
    temperature: float = 1.0
    """Of NCE."""
    regulariser: float = 1e-4
    """Factor of the mean squared energy, which only its differences hold in place."""
    wrong_poses: WrongPosesConfig | None = None
    """True poses spoilt on purpose are ranked behind the truth too; None for predictions alone."""
    pair: PairConfig | None = None
    """The pairwise temporal loss; None for none."""
    weights: str = ""
    """File of a trained loss-net that stays as it is (SEAL-static); empty to learn beside."""

    def __post_init__(self) -> None:
        """Refuse to divide by nothing.

        Raises:
            ValueError: The temperature is not positive.
        """
        if not self.temperature > 0:
            raise ValueError(f"temperature must be above 0, got {self.temperature}")

    @classmethod
    def choices(cls, data: Mapping[str, Any]) -> dict[str, type]:
        """Types of the fields that depend on other fields, for reading a saved config.

        Raises:
            KeyError: The loss-net is unknown.
        """
        return {"net_config": _known(data.get("net"))[1]}


class EnergyObjective(Objective):
    """Mean energy of the prediction."""

    def __init__(self, config: EnergyConfig) -> None:
        """Make the loss-net, or read it.

        Raises:
            KeyError: The loss-net is unknown.
            FileNotFoundError: There is no file ``weights``.
            ValueError: That file is damaged or holds another loss-net.
        """
        super().__init__()
        self.config = config
        self.net: nn.Module = _known(config.net)[0](config.net_config)
        if config.weights:
            saved = read_energy(Path(config.weights))
            if saved.config != config.net_config:
                raise ValueError(f"{config.weights} holds another loss-net than the config's")
            self.net = saved.requires_grad_(False)

    @property
    def kept(self) -> nn.Module:
        """The loss-net."""
        return self.net

    def loss(self, prediction: Prediction, batch: PoseBatch) -> Float[Tensor, ""]:
        """Mean energy over all predicted frames, labelled or not.

        Raises:
            ValueError: The estimator speaks another skeleton than the loss-net, or the pair loss is
                the estimator's and there are no 3D labels for its ``kappa``.
        """
        joints, evidence = self._poses(prediction, batch)
        energy = self._energy(joints, evidence)
        total = energy.mean()
        if self.config.pair is not None and self.config.pair.on == "estimator":
            total = total + self._pair_loss(energy, prediction, batch)
        return total

    def own_loss(self, prediction: Prediction, batch: PoseBatch) -> Float[Tensor, ""]:
        """Rank labelled true poses before the predicted ones.

        A frame counts when all of its joints are labelled. Without any the result is 0, so that
        unlabelled batches (``valid`` False) train the estimator alone.

        Raises:
            ValueError: No 3D labels, or the skeletons differ.
        """
        joints, evidence = self._poses(prediction, batch)
        target, valid = root_relative(*labels(prediction, batch), prediction.skeleton)
        known = valid.all(-1).expand(joints.shape[:-2])
        truth = target.expand_as(joints)
        rivals = [joints]
        if self.config.wrong_poses is not None:
            wrong = spoil(truth.flatten(end_dim=-3), prediction.skeleton, self.config.wrong_poses)
            rivals.append(wrong.view_as(joints))
        # One pass of the net for all of them.
        poses = torch.stack([truth, *rivals])
        energies = self._energy(poses, evidence.map(lambda x: x.expand(len(poses), *x.shape)))
        true_energy, total = energies[0], energies.new_zeros(())
        for rival, energy in zip(rivals, energies[1:], strict=True):
            total = total + self._ranking(true_energy, energy, rival, truth, known)
        if self.config.pair is not None and self.config.pair.on == "loss_net":
            total = total + self._pair_loss(energies[1], prediction, batch)
        squared = masked_mean(energies.square().mean(0), known)
        return total + self.config.regulariser * squared

    def _ranking(
        self,
        true_energy: Float[Tensor, "*b h t"],
        energy: Float[Tensor, "*b h t"],
        rival: Float[Tensor, "*b h t j 3"],
        truth: Float[Tensor, "*b h t j 3"],
        known: Bool[Tensor, "*b h t"],
    ) -> Float[Tensor, ""]:
        gap = true_energy - energy
        match self.config.ranking:
            case "nce":
                # Eq. (5) is the softplus of the gap.
                return masked_mean(functional.softplus(gap / self.config.temperature), known)
            case "margin":
                error = torch.linalg.vector_norm(rival - truth, dim=-1).mean(-1)
                if self.config.margin_over == "batch":
                    error = masked_mean(error, known)
                # Eq. (4); its maximum over y is a leftover of SEAL's inference.
                return masked_mean((self.config.margin * error + gap).relu(), known)
            case _:
                assert_never(self.config.ranking)

    def _pair_loss(
        self, energy: Float[Tensor, "*b h t"], prediction: Prediction, batch: PoseBatch
    ) -> Float[Tensor, ""]:
        assert self.config.pair is not None
        truth = None
        if self.config.pair.kappa:
            truth = root_relative(*labels(prediction, batch), prediction.skeleton)
        return window_difference(energy, truth, self.config.pair)

    def _poses(
        self, prediction: Prediction, batch: PoseBatch
    ) -> tuple[Float[Tensor, "*b h t j 3"], PoseEvidence]:
        """Predicted joints, and the evidence for each hypothesis of them."""
        known = self.config.net_config.skeleton
        if known.names != prediction.skeleton.names:
            raise ValueError(
                f"the loss-net knows poses of {known.name!r}, but the estimator says "
                f"{prediction.skeleton.name!r}; give both the same skeleton"
            )
        joints = prediction.joints_cam
        return joints, evidence_of(batch, prediction.skeleton).of_each(joints)

    def _energy(
        self, joints: Float[Tensor, "*b j 3"], evidence: PoseEvidence
    ) -> Float[Tensor, "*b"]:
        energy = self.net(joints.flatten(end_dim=-3), evidence.flat())
        return energy.float().view(joints.shape[:-2])


def _known(name: Any) -> tuple[Any, Any]:
    if name not in ENERGIES:
        raise KeyError(f"unknown loss-net {name!r}; there are {sorted(ENERGIES)}")
    return ENERGIES[name]

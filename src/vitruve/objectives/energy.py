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

from vitruve.data.lifting.wrong_poses import WrongPosesConfig, spoil
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
    poses: int | None = None
    """At most so many random poses of a batch are scored; None scores all. Neighbours of a clip are
    alike, so that a few of them say as much at less cost."""
    wrong_poses: WrongPosesConfig | None = None
    """True poses spoilt on purpose are ranked behind the truth too; None for predictions alone."""
    pair: PairConfig | None = None
    """The pairwise temporal loss; None for none."""
    weights: str = ""
    """File of a trained loss-net that stays as it is (SEAL-static); empty to learn beside."""

    def __post_init__(self) -> None:
        """Refuse to divide by nothing, and segments without frames.

        Raises:
            ValueError: The temperature or the number of poses is not positive, or only some poses
                are scored where the pair loss needs all.
        """
        if not self.temperature > 0:
            raise ValueError(f"temperature must be above 0, got {self.temperature}")
        if self.poses is not None and self.poses < 1:
            raise ValueError(f"poses must be 1 or more, got {self.poses}")
        if self.poses is not None and self.pair is not None:
            raise ValueError("the pair loss needs the energy of every frame: leave poses out")

    @classmethod
    def choices(cls, data: Mapping[str, Any]) -> dict[str, type]:
        """Types of the fields that depend on other fields, for reading a saved config.

        Raises:
            KeyError: The loss-net is unknown.
        """
        return {"net_config": _known(data.get("net"))[1]}


class EnergyObjective(Objective):
    """Mean energy of the prediction."""

    rounds = True

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
        self._read: tuple[PoseBatch, PoseEvidence] | None = None

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
        chosen = self._choose(joints)
        energy = self.net(joints.flatten(end_dim=-3)[chosen], evidence.map(lambda x: x[chosen]))
        total = energy.float().mean()
        if self.config.pair is not None and self.config.pair.on == "estimator":
            total = total + self._pair_loss(energy.view(joints.shape[:-2]), prediction, batch)
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
        chosen = self._choose(joints)
        known = valid.all(-1).expand(joints.shape[:-2]).flatten()[chosen]
        truth = target.expand_as(joints).flatten(end_dim=-3)[chosen]
        rivals = [joints.flatten(end_dim=-3)[chosen]]
        if self.config.wrong_poses is not None:
            rivals.append(spoil(truth, prediction.skeleton, self.config.wrong_poses))
        # One pass of the net for all of them.
        poses = torch.cat([truth, *rivals])
        seen = evidence.map(lambda x: x[chosen].repeat(1 + len(rivals), *[1] * (x.ndim - 1)))
        energies = self.net(poses, seen).float().view(1 + len(rivals), -1)
        total = energies.new_zeros(())
        for rival, energy in zip(rivals, energies[1:], strict=True):
            total = total + self._ranking(energies[0] - energy, rival, truth, known)
        if self.config.pair is not None and self.config.pair.on == "loss_net":
            predicted = energies[1].view(joints.shape[:-2])
            total = total + self._pair_loss(predicted, prediction, batch)
        squared = masked_mean(energies.square().mean(0), known)
        return total + self.config.regulariser * squared

    def _ranking(
        self,
        gap: Float[Tensor, "n"],
        rival: Float[Tensor, "n j 3"],
        truth: Float[Tensor, "n j 3"],
        known: Bool[Tensor, "n"],
    ) -> Float[Tensor, ""]:
        """Loss of the gap from the rival's energy up to the true one's, which is to be negative."""
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
        """Predicted joints, and the evidence of every pose, with one leading axis."""
        known = self.config.net_config.skeleton
        if known.names != prediction.skeleton.names:
            raise ValueError(
                f"the loss-net knows poses of {known.name!r}, but the estimator says "
                f"{prediction.skeleton.name!r}; give both the same skeleton"
            )
        joints = prediction.joints_cam
        # A step asks twice, for either player: undoing the lens once will do.
        if self._read is None or self._read[0] is not batch:
            self._read = batch, evidence_of(batch, prediction.skeleton)
        return joints, self._read[1].of_each(joints).flat()

    def _choose(self, joints: Float[Tensor, "*b h t j 3"]) -> Tensor | slice:
        """Which of all poses are scored."""
        count = joints.shape[:-2].numel()
        if self.config.poses is None or self.config.poses >= count:
            return slice(None)
        return torch.randperm(count, device=joints.device)[: self.config.poses]


def _known(name: Any) -> tuple[Any, Any]:
    if name not in ENERGIES:
        raise KeyError(f"unknown loss-net {name!r}; there are {sorted(ENERGIES)}")
    return ENERGIES[name]

"""3D pose of a user's own subject with no labels: every signal that the pictures can give.

A composition of Mask as Supervision (Yang et al., 2023, https://arxiv.org/abs/2312.07051) and X as
Supervision (Yang et al., 2024, https://arxiv.org/abs/2411.13026), with the objectives of both:

| there is | what teaches |
|---|---|
| always | rendered bodies with labels, poses that can be (a discriminator), masks, silhouettes |
| several calibrated cameras | joints that silhouettes agree on label pictures: 2D, depth, side |
| pictures in order of time | neighbouring frames have poses alike |
| 2D poses of others | a discriminator of 2D poses |
| a trained loss-net | its energy |
| a person | limbs of equal lengths on both sides |

Ours: the first half of the training is of rendered bodies alone (X as Supervision: 50 of 65
epochs), and that motion is smooth is no part of either paper. Nor is what bridges renderings and
pictures: half of the rendered bodies and a copy of every picture are shown as silhouettes, which
look alike in both, and joints of a picture are those of its copy, once silhouettes are known. Two
bodies cast one silhouette: one is seen from the front and one, with sides exchanged, from behind.
All silhouettes are said to be the former, or nets say the mean of both; which it is, views tell.
"""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from vitruve.data.studio.config import CAMERAS
from vitruve.data.training_crops import VariedConfig
from vitruve.estimators import HeatmapDetectorConfig
from vitruve.nets import ENERGIES, read_energy
from vitruve.nets.pose_discriminator import DiscriminatorConfig
from vitruve.objectives.adversarial import AdversarialConfig
from vitruve.objectives.adversarial_2d import Adversarial2dConfig
from vitruve.objectives.depth_likelihood import DepthLikelihoodConfig
from vitruve.objectives.energy import EnergyConfig
from vitruve.objectives.equivariance import EquivarianceConfig
from vitruve.objectives.keypoints import KeypointsConfig
from vitruve.objectives.mask import MaskConfig
from vitruve.objectives.multiview import MultiviewConfig
from vitruve.objectives.position import PositionConfig
from vitruve.objectives.smoothness import SmoothnessConfig
from vitruve.objectives.symmetry import SymmetryConfig
from vitruve.objectives.view_labels import ViewLabelsConfig
from vitruve.recipes.detectors import H36M_18, LONG_TRAIN, RESNET_50_DETECTOR, SMALL_DETECTOR
from vitruve.recipes.mask import EPOCHS, SMALL_MASK, cascade
from vitruve.recipes.run import Run, TermConfig
from vitruve.recipes.sources.own import MAX_VIEWS, OwnSourceConfig
from vitruve.recipes.sources.studio import StudioSourceConfig
from vitruve.recipes.subjects import of_subject
from vitruve.recipes.upright import UPRIGHT
from vitruve.recipes.x import LIKELIHOOD
from vitruve.skeletons.line_forms import fullest_form
from vitruve.skeletons.skeleton import Skeleton
from vitruve.training import TrainConfig

Size = Literal["tiny", "small", "full"]
FIRST_STAGE = 0.5
"""Share of the training that is of rendered bodies alone."""
ROLL_DEG = 20.0
"""Standard deviation of the turns of rendered pictures: nobody knows how cameras are held."""
SILHOUETTES = 0.5
"""Share of rendered pictures of which only the mask is shown, as of all copies of the user's."""
COPIES = 0.25
"""Weight of what silhouettes teach pictures, 2D joints."""
LABELS = 5.0
"""Weight of joints that views agree on: enough to win against copies, who do not know sides."""
_TRAIN = replace(LONG_TRAIN, steps=9_000, monitor="mask_error_percent", out="runs/unsupervised")


@dataclass(frozen=True)
class Preset:
    """How large everything is."""

    side_px: int
    """Of the crops."""
    detector: HeatmapDetectorConfig
    mask: MaskConfig
    channels: tuple[int, int]
    """Of the discriminator: of a node, and of its last layers."""
    scenes: int
    """Rendered scenes, of ``frames`` moments before four cameras."""
    frames: int
    train: TrainConfig


PRESETS: dict[Size, Preset] = {
    "tiny": Preset(
        32, SMALL_DETECTOR, SMALL_MASK, (16, 32), 4, 1, replace(_TRAIN, steps=200, batch_size=8)
    ),
    "small": Preset(64, SMALL_DETECTOR, SMALL_MASK, (32, 128), 250, 8, _TRAIN),
    "full": Preset(
        256,
        RESNET_50_DETECTOR,
        MaskConfig(side_px=128),
        (128, 512),
        2000,
        8,
        replace(
            _TRAIN,
            steps=65_000,
            batch_size=64,
            learning_rate=2e-4,
            weight_decay=0.0,
            precision="bf16-mixed",
        ),
    ),
}
"""tiny to try the command, small for a CPU, full for a GPU."""


@dataclass(frozen=True)
class Signals:
    """What there is to learn from."""

    views: int = 1
    """Cameras of the same moments whose calibration fits."""
    ordered: bool = False
    """Whether pictures follow each other in time."""
    energy: Path | None = None
    """File of a trained loss-net."""
    poses_2d: Path | None = None
    """File of 2D poses of others, as `data.own.poses_2d` writes it."""
    rendered: bool = True
    """Whether rendered bodies teach; if not, a standing person's template starts the training."""

    def lines(self) -> list[str]:
        """One line for each signal, for people."""
        said = ["masks", "a standing person's template, at first"]
        if self.rendered:
            said = ["rendered bodies with labels, and their poses as those that can be", "masks"]
        if self.views > 1:
            said.append(f"{self.views} calibrated cameras: joints that they agree on, and depth")
        if self.ordered:
            said.append("neighbouring frames: poses alike")
        if self.poses_2d is not None:
            said.append("2D poses of other people and pictures, as those that can be")
        if self.energy is not None:
            said.append(f"the energy of {self.energy}")
        return said


def unsupervised(signals: Signals, skeleton: Skeleton, size: Size, train: TrainConfig) -> Run:
    """The run that uses every signal.

    Args:
        signals: What there is.
        skeleton: Joints that are learnt; those of the rendered bodies.
        size: How large.
        train: How to train.

    Raises:
        FileNotFoundError: There is no such loss-net.
        ValueError: The loss-net is damaged, or knows poses of another skeleton; or there is no
            template of it.
    """
    preset = PRESETS[size]
    detector = of_subject(preset.detector, skeleton)
    hypotheses = 3 if signals.rendered else 1
    # Labels of rendered bodies say how many metres a crop spans.
    scale = "learned" if signals.rendered else "box"
    detector = replace(detector, num_hypotheses=hypotheses, side_px=preset.side_px, scale=scale)
    source = OwnSourceConfig(min(signals.views, MAX_VIEWS), 2 if signals.ordered else 1, 0.0)
    if signals.rendered:
        source = replace(
            source,
            pairs_share=0.5,
            pairs_first=_second_half(train.steps),
            varied=VariedConfig(roll_deg=ROLL_DEG, silhouettes=SILHOUETTES),
            own_varied=VariedConfig(),
        )
    taught = _bodies_first if signals.rendered else _masks_alone
    return Run(
        estimator="heatmap_detector",
        estimator_config=detector,
        source="own",
        source_config=source,
        terms=taught(signals, skeleton, preset, train.steps),
        train=train,
        summary=f"No labels of its subject, {size}: {'; '.join(signals.lines())}.",
    )


def _masks_alone(
    signals: Signals, skeleton: Skeleton, preset: Preset, steps: int
) -> dict[str, TermConfig]:
    """Mask as Supervision, its three stages from a template."""
    if skeleton.names != H36M_18.names:
        raise ValueError(
            f"there is no template for joints {skeleton.name!r}, only for people's; train it with "
            "rendered bodies"
        )
    epoch = max(1, steps // EPOCHS)
    terms = cascade(epoch, signals.views > 1, preset.mask, UPRIGHT)
    return terms | _of_others(signals, skeleton, preset, 2 * epoch)


def _bodies_first(
    signals: Signals, skeleton: Skeleton, preset: Preset, steps: int
) -> dict[str, TermConfig]:
    """Labels of rendered bodies from the start, the rest in the second half."""
    start = _second_half(steps)
    mask = replace(preset.mask, form=fullest_form(skeleton), skeleton=1.0, physique=1.0)
    terms = {
        "pairs": TermConfig("position", PositionConfig(hypotheses="best")),
        "pairs_2d": TermConfig("keypoints", KeypointsConfig()),
        "pairs_depth": TermConfig("depth_likelihood", DepthLikelihoodConfig(), weight=LIKELIHOOD),
        "equivariance": TermConfig(
            "equivariance", EquivarianceConfig("plain", either_side=True), COPIES, start
        ),
        "adversarial": TermConfig(
            "adversarial",
            AdversarialConfig(_players(skeleton, preset)),
            weight=0.5,
            start_step=start,
        ),
    }
    terms["mask"] = TermConfig("mask", mask, start_step=start, learning_rate=1e-3)
    if signals.views > 1:
        views = ViewLabelsConfig(points=LABELS)
        terms["views"] = TermConfig("view_labels", views, start_step=start)
    if skeleton.limbs:
        lengths = SymmetryConfig("camera", midpoints=0.1, lengths=0.1, hypotheses="best")
        terms["symmetry"] = TermConfig("symmetry", lengths, start_step=start)
    return terms | _of_others(signals, skeleton, preset, start)


def _of_others(
    signals: Signals, skeleton: Skeleton, preset: Preset, start: int
) -> dict[str, TermConfig]:
    """What neighbouring frames, 2D poses of others and a loss-net teach, from a step on."""
    terms = {}
    if signals.poses_2d is not None:
        roll = ROLL_DEG if signals.rendered else 0.0
        game = Adversarial2dConfig(_players(skeleton, preset), str(signals.poses_2d), roll)
        terms["adversarial_2d"] = TermConfig("adversarial_2d", game, 0.1, start)
    if signals.ordered:
        smooth = SmoothnessConfig(velocity=0.0, smoothness=1.0)
        terms["smoothness"] = TermConfig("smoothness", smooth, start_step=start)
    if signals.energy is not None:
        terms["energy"] = TermConfig("energy", _energy(signals.energy, skeleton), 0.1, start)
    return terms


def _players(skeleton: Skeleton, preset: Preset) -> DiscriminatorConfig:
    channels, hidden = preset.channels
    return DiscriminatorConfig(skeleton, channels=channels, hidden=hidden)


def _energy(path: Path, skeleton: Skeleton) -> EnergyConfig:
    net = read_energy(path)
    known = net.config.skeleton
    if known.names != skeleton.names:
        raise ValueError(
            f"{path} knows poses of {known.name!r}, this run learns {skeleton.name!r}; train a "
            "loss-net of that format or leave it out"
        )
    name = next(name for name, (kind, _) in ENERGIES.items() if type(net) is kind)
    return EnergyConfig(name, net.config, weights=str(path))


def _second_half(steps: int) -> int:
    return round(FIRST_STAGE * steps)


_STUDIO = "unsupervised.studio.detector.views"
_OF_STUDIO = unsupervised(Signals(views=CAMERAS), H36M_18, "small", LONG_TRAIN)
_START = _second_half(LONG_TRAIN.steps)
_AGREED = MultiviewConfig(_OF_STUDIO.terms["mask"].config, depth=1.0, sides=1.0)
_TERMS = {name: term for name, term in _OF_STUDIO.terms.items() if name != "mask"} | {
    "equivariance": TermConfig("equivariance", EquivarianceConfig(), start_step=_START),
    "views": TermConfig("multiview", _AGREED, start_step=_START, learning_rate=1e-3),
}
UNSUPERVISED_RUNS = {
    _STUDIO: replace(
        _OF_STUDIO,
        source="studio",
        source_config=StudioSourceConfig(
            cameras=CAMERAS,
            warped=True,
            pairs="pairs_motion",
            pairs_share=0.5,
            pairs_first=_START,
            prior=True,
            varied=VariedConfig(),
        ),
        terms=_TERMS,
        train=replace(LONG_TRAIN, out=f"runs/{_STUDIO}"),
    )
}
"""What a user's four calibrated views are taught, on Studio, where its errors can be measured;
rendered bodies in recorded poses. Nothing has to bridge these and those: copies are no silhouettes
and no teachers, and views agree on what is said of the pictures themselves."""

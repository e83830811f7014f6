"""Mask as Supervision on Studio: 3D pose from masks, with every ablation of its tables 4 and 5.

Yang et al., 2023, https://arxiv.org/abs/2312.07051. Each run adds one thing to the one before:

| run | what it adds |
|---|---|
| ``base`` | joints drawn as dots (Eq. 3) |
| ``base_physique`` | the net that makes an outline, of dots (table 5) |
| ``structure`` | drawn as a skeleton (Eq. 4), and symmetry |
| ``physique`` | the net that makes an outline of it (Eq. 6) |
| ``geodesic`` | weights of pixels (Eq. 9) |
| ``triangulation`` | joints that four cameras agree on (Eq. 10), and depth from them |
| ``structure_triangulation``, ``physique_triangulation`` | the same without what comes after |
| ``cascade`` | ``geodesic`` in three stages, one camera |
| ``full`` | all of it |
| any of them with ``_upright`` | a start that is told of a whole standing body |
| ``multi_view_ft`` | ``--initial``, a detector of one camera, goes on with four (table 3) |
| ``mixed_view_ft`` | the same, and half of the pictures are of more people, one camera each |

The cascade is one run: its terms start and end with their stages, so that a net of a later stage
already learns, alone, while the detector is in an earlier one. With ``_minutes_gpu`` behind its
name a run has a larger detector and twice the batch: minutes of a GPU. Weights and shares of the
stages are the paper's. It does not say how depth is learned: here by the triangulated joints, and
from one camera not at all (``flatness`` keeps it from pointing anywhere). The upright runs have a
template, which the paper does without.
"""

from dataclasses import replace
from functools import partial

from vitruve.estimators import HeatmapDetectorConfig
from vitruve.nets.physique import PhysiqueConfig
from vitruve.objectives.bone_constants import BoneConstantsConfig
from vitruve.objectives.equivariance import EquivarianceConfig
from vitruve.objectives.flatness import FlatnessConfig
from vitruve.objectives.geodesic import GeodesicConfig
from vitruve.objectives.mask import MaskConfig
from vitruve.objectives.multiview import MultiviewConfig
from vitruve.objectives.proportions import ProportionsConfig
from vitruve.objectives.symmetry import SymmetryConfig
from vitruve.recipes.detectors import (
    CPU_TRAIN,
    HOURGLASS_DETECTOR,
    LONG_TRAIN,
    SMALL_DETECTOR,
    in_minutes,
)
from vitruve.recipes.run import Run, TermConfig
from vitruve.recipes.sources.studio import StudioSourceConfig
from vitruve.recipes.upright import PUBLISHED, UPRIGHT, Start
from vitruve.training import TrainConfig

EPOCHS = 45
"""Of all three stages."""
_STEPS_PER_EPOCH = CPU_TRAIN.steps // EPOCHS
SMALL_MASK = MaskConfig(physique_net=PhysiqueConfig((8, 16, 32)), side_px=32)
"""Masks are compared at 32 pixels: lines are about one pixel wide there."""
_LARGE_MASK = MaskConfig(side_px=128)
_LEARNING_RATE = 1e-3
"""Of nets that make outlines."""
_LINES = replace(SMALL_MASK, form="loose", skeleton=2.0)
_OUTLINE = replace(_LINES, physique=1.5)
_WEIGHED = replace(_OUTLINE, geodesic=GeodesicConfig())
_EQUIVARIANCE = {"equivariance": TermConfig("equivariance", EquivarianceConfig())}
_FLAT = TermConfig("flatness", FlatnessConfig(), weight=0.1)
_PRIORS = _EQUIVARIANCE | {"symmetry": TermConfig("symmetry", SymmetryConfig(), weight=2.0)}


def _masks(mask: MaskConfig, start_step: int = 0) -> TermConfig:
    return TermConfig("mask", mask, start_step=start_step, learning_rate=_LEARNING_RATE)


def _views(mask: MaskConfig, start_step: int = 0) -> TermConfig:
    config = MultiviewConfig(mask, depth=1.0, sides=1.0)
    return TermConfig("multiview", config, start_step=start_step, learning_rate=_LEARNING_RATE)


_SLACK = 1.25
"""By which bones may be longer than the template's: who crouches fills a crop too."""


def started(start: Start, epoch: int) -> dict[str, TermConfig]:
    """What is told of bodies at first: where joints are for two epochs, bones for fifteen.

    Bones of a template are a bound after that: lines alone fill a thigh with a forearm.
    """
    anchors, bones = start
    told = {
        "anchors": TermConfig("anchors", anchors, weight=10.0, until_step=2 * epoch),
        "bones": TermConfig("bone_constants", bones, weight=2.5, until_step=15 * epoch),
    }
    if start == PUBLISHED:
        return told
    longest = tuple((a, b, _SLACK * length) for a, b, length in bones.bones)
    bound = BoneConstantsConfig(longest, at_most=True)
    return told | {
        "bound": TermConfig("bone_constants", bound, 2.5, 15 * epoch),
        "proportions": TermConfig("proportions", ProportionsConfig(), 5.0, 2 * epoch),
    }


def cascade(
    epoch: int,
    several_cameras: bool,
    size: MaskConfig,
    start: Start = PUBLISHED,
) -> dict[str, TermConfig]:
    """Terms of the three stages (appendix A.3): 15, 5 and 25 epochs.

    The anchors hold for two epochs, before masks count, and the tie of both arms for three: the
    published 400 and 600 steps in epochs of 200.

    Args:
        epoch: Steps of one.
        several_cameras: Whether it is triangulated joints that fill masks. The paper has them in
            the last stage alone, which is too late: by then joints lie anywhere.
        size: How finely masks are compared, and with which net.
        start: What the first stage is told of bodies.
    """
    first, second, third = 2 * epoch, 15 * epoch, 20 * epoch
    # A template knows where arms are; drawn too late, they stay before the trunk.
    form = "tight" if start == PUBLISHED else "medium"
    tight = replace(size, form=form, skeleton=10.0, geodesic=GeodesicConfig())
    medium = replace(size, form="medium", skeleton=1.0, physique=4.0)
    loose = replace(size, form="loose", skeleton=2.0, physique=1.5, geodesic=GeodesicConfig())
    tied = SymmetryConfig(midpoints=0.0, tied=1.0)
    flat = replace(_FLAT, until_step=first) if several_cameras else _FLAT
    fill = _views if several_cameras else _masks
    return (
        _PRIORS
        | {"flatness": flat}
        | started(start, epoch)
        | {
            "tight": replace(fill(tight, first), until_step=second),
            "medium": replace(fill(medium, second), until_step=third),
            "tied": TermConfig(
                "symmetry", tied, weight=4.0, start_step=second, until_step=second + 3 * epoch
            ),
            "loose": fill(loose, third),
        }
    )


_ONE_VIEW = StudioSourceConfig(warped=True)
_FOUR_VIEWS = replace(_ONE_VIEW, cameras=4)


def _run(
    name: str,
    terms: dict[str, TermConfig],
    what: str,
    *,
    source: StudioSourceConfig = _ONE_VIEW,
    detector: HeatmapDetectorConfig = SMALL_DETECTOR,
    train: TrainConfig = CPU_TRAIN,
) -> dict[str, Run]:
    whole = f"mask.studio.detector.{name}"
    run = Run(
        estimator="heatmap_detector",
        estimator_config=detector,
        source="studio",
        source_config=source,
        terms=terms,
        train=replace(train, out=f"runs/{whole}"),
        summary=f"Mask as Supervision on Studio, no labels: {what}.",
    )
    return {whole: run}


_GPU_TRAIN = TrainConfig(
    steps=EPOCHS * 1000,
    batch_size=64,
    learning_rate=2e-4,
    schedule="drop",
    drop_at=34 / 45,
    final_factor=0.5,
    weight_decay=0.0,
    precision="bf16-mixed",
)


_ONE_CAMERA = _PRIORS | {"flatness": _FLAT}
_TUNE = replace(CPU_TRAIN, steps=CPU_TRAIN.steps // 3, learning_rate=CPU_TRAIN.learning_rate / 5)
_OUTLINES_FIRST = _TUNE.steps // 4
"""Steps in which the net of outlines, which is new, learns what the detector's joints look like."""
_MIXED = replace(_FOUR_VIEWS, single_view=("people_drawn",), single_view_share=0.5)


def _ablations(name: str, start: Start | None) -> dict[str, Run]:
    """Every row, ``name`` behind each; the cascade starts as published if nothing else is said."""
    told = {} if start is None else started(start, _STEPS_PER_EPOCH)
    first = PUBLISHED if start is None else start
    dots = _EQUIVARIANCE | {"flatness": _FLAT, "mask": _masks(replace(SMALL_MASK, form="dots"))}
    blots = {"mask": _masks(replace(_OUTLINE, form="dots"))}
    outline, weighed = {"mask": _masks(_OUTLINE)}, {"mask": _masks(_WEIGHED)}
    agreed = partial(_run, source=_FOUR_VIEWS)
    seen_lines, seen_outline, seen_weighed = (
        _PRIORS | told | {"mask": _views(mask)} for mask in (_LINES, _OUTLINE, _WEIGHED)
    )
    # A tuned detector knows where joints are; that bones are not too long holds from the start.
    bound = {n: replace(term, start_step=0) for n, term in told.items() if n == "bound"}
    tuned = _PRIORS | bound | {"mask": _views(_WEIGHED, _OUTLINES_FIRST)}
    lines = _ONE_CAMERA | told | {"mask": _masks(_LINES)}
    staged = partial(cascade, _STEPS_PER_EPOCH, size=SMALL_MASK, start=first)
    return (
        _run(f"base{name}", told | dots, "joints as dots that fill the mask")
        | _run(f"base_physique{name}", told | dots | blots, "and an outline made of the dots")
        | _run(f"structure{name}", lines, "lines that fill the mask")
        | _run(f"physique{name}", lines | outline, "and an outline made of the lines")
        | _run(f"geodesic{name}", lines | weighed, "and pixels weighed by their way")
        | agreed(f"structure_triangulation{name}", seen_lines, "lines, and four cameras that agree")
        | agreed(f"physique_triangulation{name}", seen_outline, "and an outline, and four cameras")
        | agreed(f"triangulation{name}", seen_weighed, "and pixels weighed, and four cameras")
        | _run(f"cascade{name}", staged(several_cameras=False), "masks in three stages, one camera")
        | agreed(f"full{name}", staged(several_cameras=True), "three stages and four cameras")
        | agreed(f"multi_view_ft{name}", tuned, "--initial goes on with four cameras", train=_TUNE)
        | _run(
            f"mixed_view_ft{name}",
            tuned,
            "--initial goes on with four cameras, and more people before one",
            source=_MIXED,
            train=_TUNE,
        )
    )


_SMALL = _ablations("", None) | _ablations("_upright", UPRIGHT)
_LONGER = _run(
    "full_upright_longer",
    cascade(LONG_TRAIN.steps // EPOCHS, True, SMALL_MASK, UPRIGHT),
    "three stages and four cameras, five times as long",
    source=_FOUR_VIEWS,
    train=LONG_TRAIN,
)
_LARGE = _run(
    "full_gpu",
    cascade(1000, True, _LARGE_MASK),
    "three stages and four cameras, at the published size",
    source=_FOUR_VIEWS,
    detector=HOURGLASS_DETECTOR,
    train=_GPU_TRAIN,
)
MASK_RUNS = _SMALL | in_minutes(_SMALL) | _LONGER | _LARGE
"""Every run by name."""

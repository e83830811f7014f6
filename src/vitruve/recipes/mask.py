"""Mask as Supervision on Studio: 3D pose from masks, with every ablation of its tables 4 and 5.

Yang et al., 2023, https://arxiv.org/abs/2312.07051. Each run adds one thing to the one before:

| run | what it adds |
|---|---|
| ``base`` | joints drawn as dots (Eq. 3) |
| ``structure`` | drawn as a skeleton (Eq. 4), and symmetry |
| ``physique`` | the net that makes an outline of it (Eq. 6) |
| ``geodesic`` | weights of pixels (Eq. 9) |
| ``triangulation`` | joints that four cameras agree on (Eq. 10), and depth from them |
| ``cascade`` | ``geodesic`` in three stages, one camera |
| ``full`` | all of it |
| any of them with ``_upright`` | a start that is told of a whole standing body |

The cascade is one run: its terms start and end with their stages, so that a net of a later stage
already learns, alone, while the detector is in an earlier one. With ``_minutes_gpu`` behind its
name a run has a larger detector and twice the batch: minutes of a GPU. Weights and shares of the
stages are the paper's. It does not say how depth is learned: here by the triangulated joints, and
from one camera not at all (``flatness`` keeps it from pointing anywhere). The upright runs have a
template, which the paper does without.
"""

from collections.abc import Mapping
from dataclasses import replace
from functools import partial

from vitruve.estimators import HeatmapDetectorConfig
from vitruve.nets.heatmap_head import HeatmapHeadConfig
from vitruve.nets.hourglass import HourglassConfig
from vitruve.nets.physique import PhysiqueConfig
from vitruve.nets.res_net import ResNetConfig
from vitruve.objectives.anchors import AnchorsConfig
from vitruve.objectives.bone_constants import BoneConstantsConfig
from vitruve.objectives.equivariance import EquivarianceConfig
from vitruve.objectives.flatness import FlatnessConfig
from vitruve.objectives.geodesic import GeodesicConfig
from vitruve.objectives.mask import MaskConfig
from vitruve.objectives.multiview import MultiviewConfig
from vitruve.objectives.proportions import ProportionsConfig
from vitruve.objectives.symmetry import SymmetryConfig
from vitruve.recipes.run import Run, TermConfig
from vitruve.recipes.studio import StudioSourceConfig
from vitruve.skeletons import skeleton
from vitruve.training import TrainConfig

H36M_18 = skeleton("h36m_18")
SMALL_DETECTOR = HeatmapDetectorConfig(
    H36M_18,
    backbone_config=ResNetConfig(depths=(1, 1, 1, 1), channels=(32, 64, 128, 256)),
    head=HeatmapHeadConfig(deconvolutions=2, width=64, depth_cells=24),
    window=5,
    depth_m=0.96,
    side_px=64,
)
"""For pictures of 64 pixels on a CPU: heat of 16 x 16 cells, a quarter of the picture's as
published, and 24 of 8 cm in depth."""
METRIC_DETECTOR = replace(SMALL_DETECTOR, scale="learned")
"""The same where 3D labels say how many metres a crop spans."""
_MEDIUM_BACKBONE = ResNetConfig(depths=(2, 2, 2, 2), channels=(64, 128, 192, 256))
"""For the same pictures on a GPU: heat of 16 x 16 x 48 cells."""
HOURGLASS_DETECTOR = HeatmapDetectorConfig(
    H36M_18,
    backbone="hourglass",
    backbone_config=HourglassConfig(),
    head=HeatmapHeadConfig(deconvolutions=0, depth_cells=64),
    side_px=256,
)
"""As published, for pictures of 256 pixels: heat of 64 x 64 x 64 cells."""
CPU_TRAIN = TrainConfig(
    steps=3600,
    batch_size=32,
    learning_rate=1e-3,
    schedule="drop",
    drop_at=34 / 45,
    final_factor=0.5,
    precision="bf16-auto",
)
LONG_TRAIN = replace(
    CPU_TRAIN,
    steps=18_000,
    learning_rate=2e-3,
    schedule="cosine",
    warmup_steps=200,
    final_factor=0.01,
)
"""Five times as long."""
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
Start = tuple[AnchorsConfig, BoneConstantsConfig]
"""Where joints are drawn to at first, and how long bones are while arms are not drawn."""
PUBLISHED: Start = AnchorsConfig(), BoneConstantsConfig()
_STANDING = AnchorsConfig(
    (
        ("head_top", 0.0, -0.79),
        ("neck_base_or_nose", 0.0, -0.64),
        ("thorax", 0.0, -0.49),
        ("mid_shoulder", 0.0, -0.44),
        ("left_shoulder", 0.15, -0.44),
        ("right_shoulder", -0.15, -0.44),
        ("spine", 0.0, -0.22),
        ("left_elbow", 0.22, -0.19),
        ("right_elbow", -0.22, -0.19),
        ("pelvis", 0.0, 0.02),
        ("left_wrist", 0.27, 0.04),
        ("right_wrist", -0.27, 0.04),
        ("left_hip", 0.09, 0.02),
        ("right_hip", -0.09, 0.02),
        ("left_knee", 0.09, 0.41),
        ("right_knee", -0.09, 0.41),
        ("left_ankle", 0.09, 0.84),
        ("right_ankle", -0.09, 0.84),
    )
)
"""Somebody who stands before the camera with arms that hang beside the trunk: heights of our body
in its rest pose, 1.71 m in a crop of 2.01 m, and widths as they are between front and side."""
_TRUNK = (
    ("pelvis", "spine", 0.24),
    ("spine", "mid_shoulder", 0.22),
    ("mid_shoulder", "thorax", 0.055),
    ("thorax", "neck_base_or_nose", 0.155),
    ("neck_base_or_nose", "head_top", 0.15),
)
_LIMBS = tuple(
    (start.replace("SIDE", side), end.replace("SIDE", side), length)
    for side in ("left", "right")
    for start, end, length in (
        ("pelvis", "SIDE_hip", 0.11),
        ("SIDE_hip", "SIDE_knee", 0.39),
        ("SIDE_knee", "SIDE_ankle", 0.43),
        ("mid_shoulder", "SIDE_shoulder", 0.18),
        ("SIDE_shoulder", "SIDE_elbow", 0.26),
        ("SIDE_elbow", "SIDE_wrist", 0.24),
    )
)
UPRIGHT: Start = _STANDING, BoneConstantsConfig(_TRUNK + _LIMBS)
"""Somebody who stands, with the bones of an adult."""
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


def _run(
    name: str,
    terms: dict[str, TermConfig],
    what: str,
    *,
    cameras: int = 1,
    detector: HeatmapDetectorConfig = SMALL_DETECTOR,
    train: TrainConfig = CPU_TRAIN,
) -> dict[str, Run]:
    whole = f"mask.studio.detector.{name}"
    run = Run(
        estimator="heatmap_detector",
        estimator_config=detector,
        source="studio",
        source_config=StudioSourceConfig(cameras=cameras, warped=True),
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


def in_minutes(runs: Mapping[str, Run]) -> dict[str, Run]:
    """Small runs with a larger detector and batch, named ``NAME_minutes_gpu``."""
    return {f"{name}_minutes_gpu": _in_minutes(name, run) for name, run in runs.items()}


def _in_minutes(name: str, run: Run) -> Run:
    small = run.estimator_config
    cells, window = small.head.depth_cells, small.window
    if cells > 1:
        # Finer, and a peak as wide in metres.
        cells, window = 2 * cells, 2 * window + 1
    head = replace(small.head, width=128, depth_cells=cells)
    return replace(
        run,
        estimator_config=replace(small, backbone_config=_MEDIUM_BACKBONE, head=head, window=window),
        train=replace(run.train, batch_size=64, out=f"runs/{name}_minutes_gpu"),
    )


_ONE_CAMERA = _PRIORS | {"flatness": _FLAT}


def _ablations(name: str, start: Start | None) -> dict[str, Run]:
    """Every row, ``name`` behind each; the cascade starts as published if nothing else is said."""
    told = {} if start is None else started(start, _STEPS_PER_EPOCH)
    first = PUBLISHED if start is None else start
    dots = _EQUIVARIANCE | {"flatness": _FLAT, "mask": _masks(replace(SMALL_MASK, form="dots"))}
    outline, weighed = {"mask": _masks(_OUTLINE)}, {"mask": _masks(_WEIGHED)}
    views = {"mask": _views(_WEIGHED)}
    lines = _ONE_CAMERA | told | {"mask": _masks(_LINES)}
    staged = partial(cascade, _STEPS_PER_EPOCH, size=SMALL_MASK, start=first)
    return (
        _run(f"base{name}", told | dots, "joints as dots that fill the mask")
        | _run(f"structure{name}", lines, "lines that fill the mask")
        | _run(f"physique{name}", lines | outline, "and an outline made of the lines")
        | _run(f"geodesic{name}", lines | weighed, "and pixels weighed by their way")
        | _run(
            f"triangulation{name}", _PRIORS | told | views, "and four cameras that agree", cameras=4
        )
        | _run(f"cascade{name}", staged(several_cameras=False), "masks in three stages, one camera")
        | _run(
            f"full{name}", staged(several_cameras=True), "three stages and four cameras", cameras=4
        )
    )


_SMALL = _ablations("", None) | _ablations("_upright", UPRIGHT)
_LONGER = _run(
    "full_upright_longer",
    cascade(LONG_TRAIN.steps // EPOCHS, True, SMALL_MASK, UPRIGHT),
    "three stages and four cameras, five times as long",
    cameras=4,
    train=LONG_TRAIN,
)
_LARGE = _run(
    "full_gpu",
    cascade(1000, True, _LARGE_MASK),
    "three stages and four cameras, at the published size",
    cameras=4,
    detector=HOURGLASS_DETECTOR,
    train=_GPU_TRAIN,
)
MASK_RUNS = _SMALL | in_minutes(_SMALL) | _LONGER | _LARGE
"""Every run by name."""

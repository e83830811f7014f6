"""Published lifters trained for CMU-Lift: CMU motion in the published Human3.6M camera rigs.

Each net's paper stands in its file in ``nets``. As published: exact 2D of the rigs, screen
coordinates, mirrored windows. The ``gpu`` presets have the published sizes and optimizers. The
``cpu`` ones fit a few minutes of one core: fewer channels, AdamW, a cosine schedule and a running
mean of the weights; the nets that answer a whole clip share batch, steps and learning rate, and
have sizes of about equal time.
"""

from dataclasses import replace
from math import prod
from typing import Any

from vitruve.estimators import LifterConfig
from vitruve.nets import (
    DSTFormerConfig,
    MixSTEConfig,
    MotionAGFormerConfig,
    SimpleBaselineConfig,
    VideoPose3DConfig,
)
from vitruve.objectives.position import PositionConfig
from vitruve.objectives.smoothness import SmoothnessConfig
from vitruve.recipes.cmu_lift import CmuLiftSourceConfig
from vitruve.recipes.run import Run, TermConfig
from vitruve.skeletons import skeleton
from vitruve.training import TrainConfig

_H36M = skeleton("h36m_17")
_LIMBS = (1.0, 1.0, 2.5, 2.5, 1.0, 2.5, 2.5, 1.0, 1.0, 1.0, 1.5, 1.5, 4.0, 4.0, 1.5, 4.0, 4.0)
"""MixSTE's weight of each joint, for the position and for the smoothness."""
_POSITION = {"position": TermConfig("position", PositionConfig())}
_TEMPORAL = {"temporal": TermConfig("smoothness", SmoothnessConfig(joint_weights=_LIMBS))}
_BY_JOINT = {"position": TermConfig("position", PositionConfig(joint_weights=_LIMBS))}
_VELOCITY = {"velocity": TermConfig("smoothness", SmoothnessConfig(20.0, 0.0))}

_CPU = TrainConfig(
    steps=4_000,
    batch_size=256,
    learning_rate=1e-3,
    warmup_steps=200,
    ema_decay=0.995,
    log_every=50,
    checkpoint_every=500,
    evaluate_every=500,
)
_CLIPS_CPU = replace(_CPU, steps=2_400, batch_size=4, warmup_steps=100)
"""For nets that answer every frame of a clip."""
_GPU = TrainConfig(
    steps=60_000,
    batch_size=1024,
    learning_rate=1e-3,
    schedule="exponential",
    final_factor=0.05,
    optimizer="adam_amsgrad",
    weight_decay=0.0,
    clip_norm=0.0,
    log_every=100,
    checkpoint_every=2_000,
    evaluate_every=2_000,
)
_CLIPS_GPU = replace(_GPU, optimizer="adamw", batch_size=16, final_factor=0.3)
"""For nets that answer every frame of a clip; learning rate and decay are the net's own."""

Terms = dict[str, TermConfig]


def _tcn(widths: tuple[int, ...], channels: int) -> VideoPose3DConfig:
    return VideoPose3DConfig(17, 17, widths=widths, channels=channels, strided=True)


_SIZES: dict[str, tuple[Any, TrainConfig, Terms]] = {
    "simple_baseline.cpu": (SimpleBaselineConfig(17, 17, width=512, dropout=0.25), _CPU, _POSITION),
    "simple_baseline.gpu": (SimpleBaselineConfig(17, 17), _GPU, _POSITION),
    "video_pose_3d.t1_cpu": (_tcn((1, 1, 1), 512), _CPU, _POSITION),
    "video_pose_3d.t27_cpu": (
        _tcn((3, 3, 3), 256),
        replace(_CPU, steps=4_500, batch_size=128),
        _POSITION,
    ),
    "video_pose_3d.t243_cpu": (
        _tcn((3, 3, 3, 3, 3), 160),
        replace(_CPU, steps=2_400, batch_size=64),
        _POSITION,
    ),
    "video_pose_3d.t1_gpu": (_tcn((1, 1, 1), 1024), _GPU, _POSITION),
    "video_pose_3d.t27_gpu": (_tcn((3, 3, 3), 1024), _GPU, _POSITION),
    "video_pose_3d.t243_gpu": (_tcn((3, 3, 3, 3, 3), 1024), _GPU, _POSITION),
    "mixste.t27_cpu": (
        MixSTEConfig(17, 17, num_frames=27, channels=64, depth=4, num_heads=4),
        _CLIPS_CPU,
        _BY_JOINT | _TEMPORAL,
    ),
    "mixste.t243_gpu": (
        MixSTEConfig(17, 17),
        replace(_CLIPS_GPU, learning_rate=4e-5, weight_decay=0.1, batch_size=4),
        _BY_JOINT | _TEMPORAL,
    ),
    "dstformer.t27_cpu": (
        DSTFormerConfig(
            17, 17, num_frames=27, channels=64, representation_channels=128, depth=2, num_heads=4
        ),
        _CLIPS_CPU,
        _POSITION | _TEMPORAL,
    ),
    "dstformer.t243_gpu": (
        DSTFormerConfig(17, 17),
        replace(_CLIPS_GPU, learning_rate=2e-4, weight_decay=0.01, batch_size=32),
        _POSITION | _VELOCITY,
    ),
    "motion_agformer.t27_cpu": (
        MotionAGFormerConfig(
            17, 17, num_frames=27, channels=32, representation_channels=128, depth=4, num_heads=4
        ),
        _CLIPS_CPU,
        _POSITION | _TEMPORAL,
    ),
    "motion_agformer.t243_gpu": (
        MotionAGFormerConfig(17, 17),
        replace(_CLIPS_GPU, learning_rate=5e-4, weight_decay=0.01),
        _POSITION | _VELOCITY,
    ),
}
"""Net and preset -> net config, training, terms."""


def _run(row: str, net_config: Any, train: TrainConfig, terms: Terms) -> Run:
    name, net = f"lifters.cmu.{row}", row.split(".")[0]
    frames = getattr(net_config, "num_frames", prod(getattr(net_config, "widths", (1,))))
    return Run(
        estimator="lifter",
        estimator_config=LifterConfig(_H36M, _H36M, net, net_config, native_fps=60.0),
        source="cmu_lift",
        source_config=CmuLiftSourceConfig(window=frames),
        terms=terms,
        train=replace(train, out=f"runs/{name}"),
        summary=f"{net}, {frames} frame{'s' * (frames > 1)} at 60/s, for CMU-Lift: CMU motion "
        "(mocap.cs.cmu.edu) in Human3.6M rigs, exact 2D.",
    )


LIFTER_RUNS: dict[str, Run] = {f"lifters.cmu.{row}": _run(row, *_SIZES[row]) for row in _SIZES}
"""Lifter runs by name: small presets for two cores, ``gpu`` ones of the published size."""

"""Published lifters trained for CMU-Lift: CMU motion in the published Human3.6M camera rigs.

Each net's paper stands in its file in ``nets``. As published: exact 2D of the rigs, screen
coordinates, mirrored windows. The ``gpu`` presets have the published sizes and optimizers. The
``t81_gpu`` and ``minutes_gpu`` ones have the published sizes too but train for minutes, on equal
terms. The ``cpu`` ones fit a few minutes of one core: fewer channels, AdamW, a cosine schedule and
a running mean of the weights; the nets that answer a whole clip share batch, steps and learning
rate, and have sizes of about equal time.
"""

from dataclasses import replace
from math import prod
from typing import Any

from vitruve.estimators import DiffusionLifterConfig, LifterConfig, MaskedKeypointsConfig
from vitruve.nets import (
    D3DPConfig,
    DSTFormerConfig,
    KTPFormerConfig,
    MixSTEConfig,
    MotionAGFormerConfig,
    PoseFormerV2Config,
    PSTMOConfig,
    SemGCNConfig,
    SimpleBaselineConfig,
    VideoPose3DConfig,
)
from vitruve.nets.masked_pose_model import MaskedPoseModelConfig
from vitruve.objectives.keypoints import KeypointsConfig
from vitruve.objectives.position import PositionConfig
from vitruve.objectives.smoothness import SmoothnessConfig
from vitruve.recipes.run import Run, TermConfig
from vitruve.recipes.sources.cmu_lift import CmuLiftSourceConfig
from vitruve.skeletons import skeleton
from vitruve.training import TrainConfig

_H36M = skeleton("h36m_17")
_LIMBS = (1.0, 1.0, 2.5, 2.5, 1.0, 2.5, 2.5, 1.0, 1.0, 1.0, 1.5, 1.5, 4.0, 4.0, 1.5, 4.0, 4.0)
"""MixSTE's weight of each joint, for the position and for the smoothness."""
_POSITION = {"position": TermConfig("position", PositionConfig())}
_TEMPORAL = {"temporal": TermConfig("smoothness", SmoothnessConfig(joint_weights=_LIMBS))}
_BY_JOINT = {"position": TermConfig("position", PositionConfig(joint_weights=_LIMBS))}
_SQUARED = {"position": TermConfig("position", PositionConfig("mse"))}
_COARSE = {"coarse": TermConfig("position", PositionConfig(of="coarse"))}
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
_WINDOWS_CPU = replace(_CPU, steps=2_400, batch_size=64)
"""For nets that answer the middle of a window."""
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
_MINUTES_GPU = TrainConfig(
    steps=1_200,
    batch_size=16,
    learning_rate=3e-4,
    warmup_steps=150,
    ema_decay=0.995,
    precision="bf16-mixed",
    log_every=50,
    evaluate_every=400,
)
"""For nets of published size that answer every frame of a clip, in minutes of a GPU."""
_MANY_WINDOWS_GPU = replace(_MINUTES_GPU, steps=2_000, batch_size=256, learning_rate=1e-3)
"""For those that answer the middle."""

Terms = dict[str, TermConfig]


def _tcn(widths: tuple[int, ...], channels: int) -> VideoPose3DConfig:
    return VideoPose3DConfig(17, 17, widths=widths, channels=channels, strided=True)


_SIZES: dict[str, tuple[Any, TrainConfig, Terms]] = {
    "simple_baseline.cpu": (SimpleBaselineConfig(17, 17, width=512, dropout=0.25), _CPU, _POSITION),
    "simple_baseline.gpu": (SimpleBaselineConfig(17, 17), _GPU, _POSITION),
    "simple_baseline.minutes_gpu": (
        SimpleBaselineConfig(17, 17),
        replace(_MANY_WINDOWS_GPU, batch_size=1024),
        _POSITION,
    ),
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
    "video_pose_3d.t81_gpu": (_tcn((3, 3, 3, 3), 1024), _MANY_WINDOWS_GPU, _POSITION),
    "video_pose_3d.t243_gpu": (_tcn((3, 3, 3, 3, 3), 1024), _GPU, _POSITION),
    "mixste.t27_cpu": (
        MixSTEConfig(17, 17, num_frames=27, channels=64, depth=4, num_heads=4),
        _CLIPS_CPU,
        _BY_JOINT | _TEMPORAL,
    ),
    "mixste.t81_gpu": (
        MixSTEConfig(17, 17, num_frames=81),
        _MINUTES_GPU,
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
    "dstformer.t81_gpu": (
        DSTFormerConfig(17, 17, num_frames=81),
        _MINUTES_GPU,
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
    "motion_agformer.t81_gpu": (
        MotionAGFormerConfig(17, 17, num_frames=81),
        _MINUTES_GPU,
        _POSITION | _TEMPORAL,
    ),
    "motion_agformer.t243_gpu": (
        MotionAGFormerConfig(17, 17),
        replace(_CLIPS_GPU, learning_rate=5e-4, weight_decay=0.01),
        _POSITION | _VELOCITY,
    ),
    "ktpformer.t27_cpu": (
        KTPFormerConfig(17, 17, num_frames=27, channels=64, depth=4, num_heads=4),
        _CLIPS_CPU,
        _BY_JOINT | _TEMPORAL,
    ),
    "ktpformer.t81_gpu": (
        KTPFormerConfig(17, 17, num_frames=81),
        _MINUTES_GPU,
        _BY_JOINT | _TEMPORAL,
    ),
    "ktpformer.t243_gpu": (
        KTPFormerConfig(17, 17),
        replace(_CLIPS_GPU, learning_rate=8e-5, weight_decay=0.1, batch_size=8),
        _BY_JOINT | _TEMPORAL,
    ),
    "d3dp.t27_cpu": (
        D3DPConfig(17, 17, num_frames=27, channels=64, depth=4, num_heads=4),
        _CLIPS_CPU,
        _POSITION,
    ),
    "d3dp.t243_gpu": (
        D3DPConfig(17, 17),
        replace(_CLIPS_GPU, learning_rate=6e-5, weight_decay=0.1, batch_size=4),
        _POSITION,
    ),
    "sem_gcn.cpu": (SemGCNConfig(17, 17), replace(_CPU, steps=2_800, batch_size=128), _SQUARED),
    "sem_gcn.gpu": (
        SemGCNConfig(17, 17, non_local=True),
        replace(_GPU, batch_size=64, final_factor=0.3, clip_norm=1.0),
        _SQUARED,
    ),
    "p_stmo.t27_cpu": (
        PSTMOConfig(17, 17, strides=(3, 3, 3), channels=64, hidden=128, num_heads=4),
        _WINDOWS_CPU,
        _POSITION | _COARSE,
    ),
    "p_stmo.t243_gpu": (
        PSTMOConfig(17, 17),
        replace(_GPU, learning_rate=7e-4, batch_size=160),
        _POSITION | _COARSE,
    ),
    "pose_former_v2.t27_cpu": (
        PoseFormerV2Config(
            17,
            17,
            num_frames=27,
            kept_frames=9,
            kept_coefficients=9,
            channels=8,
            depth=3,
            num_heads=4,
        ),
        _WINDOWS_CPU,
        _POSITION,
    ),
    "pose_former_v2.t81_gpu": (
        PoseFormerV2Config(17, 17, num_frames=81, kept_frames=9, kept_coefficients=9),
        _MANY_WINDOWS_GPU,
        _POSITION,
    ),
    "pose_former_v2.t243_gpu": (
        PoseFormerV2Config(17, 17),
        replace(_GPU, optimizer="adamw", learning_rate=1e-4, weight_decay=0.1, final_factor=0.3),
        _POSITION,
    ),
}
"""Net and preset -> net config, training, terms."""


_PRETRAIN: dict[str, tuple[MaskedPoseModelConfig, TrainConfig]] = {
    "p_stmo.pretrain_t27_cpu": (
        MaskedPoseModelConfig(17, num_frames=27, channels=64, hidden=128, num_heads=4),
        _WINDOWS_CPU,
    ),
    "p_stmo.pretrain_t243_gpu": (
        MaskedPoseModelConfig(17),
        replace(_GPU, learning_rate=1e-4, batch_size=160),
    ),
}
"""P-STMO's first stage, 2D alone: its weights start the second with ``--initial``."""


def frames_of(net_config: Any) -> int:
    """Frames of the windows that a lifter trains on."""
    return getattr(net_config, "num_frames", prod(getattr(net_config, "widths", (1,))))


def _estimator(net: str, net_config: Any) -> tuple[str, Any]:
    if net == "d3dp":
        config = DiffusionLifterConfig(_H36M, _H36M, net, net_config, native_fps=60.0)
        # The small preset draws as little as still makes hypotheses; the other as published.
        small = net_config.num_frames < 243
        return "diffusion_lifter", replace(
            config, num_hypotheses=2, num_steps=2
        ) if small else config
    return "lifter", LifterConfig(_H36M, _H36M, net, net_config, native_fps=60.0)


def _run(row: str, net_config: Any, train: TrainConfig, terms: Terms) -> Run:
    name, net = f"lifters.cmu.{row}", row.split(".")[0]
    frames = frames_of(net_config)
    estimator, config = _estimator(net, net_config)
    return Run(
        estimator=estimator,
        estimator_config=config,
        source="cmu_lift",
        source_config=CmuLiftSourceConfig(window=frames),
        terms=terms,
        train=replace(train, out=f"runs/{name}"),
        summary=f"{net}, {frames} frame{'s' * (frames > 1)} at 60/s, for CMU-Lift: CMU motion "
        "(mocap.cs.cmu.edu) in Human3.6M rigs, exact 2D.",
    )


def _pretrain(row: str, net_config: MaskedPoseModelConfig, train: TrainConfig) -> Run:
    return Run(
        estimator="masked_keypoints",
        estimator_config=MaskedKeypointsConfig(_H36M, net_config, native_fps=60.0),
        source="cmu_lift",
        source_config=CmuLiftSourceConfig(window=net_config.num_frames),
        terms={"keypoints": TermConfig("keypoints", KeypointsConfig())},
        train=replace(train, out=f"runs/lifters.cmu.{row}"),
        summary=f"P-STMO's masked pre-training, {net_config.num_frames} frames at 60/s: CMU motion "
        "(mocap.cs.cmu.edu) in Human3.6M rigs, 2D alone.",
    )


LIFTER_RUNS: dict[str, Run] = {
    **{f"lifters.cmu.{row}": _run(row, *_SIZES[row]) for row in _SIZES},
    **{f"lifters.cmu.{row}": _pretrain(row, *_PRETRAIN[row]) for row in _PRETRAIN},
}
"""Lifter runs by name: small presets for two cores, ``gpu`` ones of the published size."""

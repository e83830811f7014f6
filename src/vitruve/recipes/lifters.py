"""Published lifters trained for CMU-Lift: CMU motion in the published Human3.6M camera rigs.

SimpleBaseline: Martinez et al., ICCV 2017, https://arxiv.org/abs/1705.03098. VideoPose3D: Pavllo
et al., CVPR 2019, https://arxiv.org/abs/1811.11742. As published: exact 2D of the rigs, screen
coordinates, mirrored windows, one frame per window (strided form). The ``gpu`` presets have the
published sizes and optimizer. The ``cpu`` ones fit four minutes of one core: fewer channels, AdamW,
a cosine schedule and a running mean of the weights.
"""

from dataclasses import replace
from math import prod
from typing import Any

from vitruve.estimators import LifterConfig
from vitruve.nets import SimpleBaselineConfig, VideoPose3DConfig
from vitruve.objectives.position import PositionConfig
from vitruve.recipes.cmu_lift import CmuLiftSourceConfig
from vitruve.recipes.run import Run, TermConfig
from vitruve.skeletons import skeleton
from vitruve.training import TrainConfig

_H36M = skeleton("h36m_17")
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


def _tcn(widths: tuple[int, ...], channels: int) -> VideoPose3DConfig:
    return VideoPose3DConfig(17, 17, widths=widths, channels=channels, strided=True)


_SIZES = {
    "lifters.cmu.simple_baseline.cpu": (
        SimpleBaselineConfig(17, 17, width=512, dropout=0.25),
        _CPU,
    ),
    "lifters.cmu.simple_baseline.gpu": (SimpleBaselineConfig(17, 17), _GPU),
    "lifters.cmu.video_pose_3d.t1_cpu": (_tcn((1, 1, 1), 512), _CPU),
    "lifters.cmu.video_pose_3d.t27_cpu": (
        _tcn((3, 3, 3), 256),
        replace(_CPU, steps=4_500, batch_size=128),
    ),
    "lifters.cmu.video_pose_3d.t243_cpu": (
        _tcn((3, 3, 3, 3, 3), 160),
        replace(_CPU, steps=2_400, batch_size=64),
    ),
    "lifters.cmu.video_pose_3d.t1_gpu": (_tcn((1, 1, 1), 1024), _GPU),
    "lifters.cmu.video_pose_3d.t27_gpu": (_tcn((3, 3, 3), 1024), _GPU),
    "lifters.cmu.video_pose_3d.t243_gpu": (_tcn((3, 3, 3, 3, 3), 1024), _GPU),
}


def _run(name: str, net_config: Any, train: TrainConfig) -> Run:
    net = name.split(".")[2]
    frames = prod(getattr(net_config, "widths", (1,)))
    return Run(
        estimator="lifter",
        estimator_config=LifterConfig(_H36M, _H36M, net, net_config, native_fps=60.0),
        source="cmu_lift",
        source_config=CmuLiftSourceConfig(window=frames),
        terms={"position": TermConfig("position", PositionConfig())},
        train=replace(train, out=f"runs/{name}"),
        summary=f"{net}, {frames} frame{'s' * (frames > 1)} at 60/s, for CMU-Lift: CMU motion "
        "(mocap.cs.cmu.edu) in Human3.6M rigs, exact 2D.",
    )


LIFTER_RUNS: dict[str, Run] = {name: _run(name, *size) for name, size in _SIZES.items()}
"""Lifter runs by name: small presets for two cores, ``gpu`` ones of the published size."""

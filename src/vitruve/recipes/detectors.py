"""Detectors of pictures and their trainings: small ones for a CPU, published ones for a GPU."""

from collections.abc import Mapping
from dataclasses import replace

from vitruve.estimators import HeatmapDetectorConfig
from vitruve.nets.heatmap_head import HeatmapHeadConfig
from vitruve.nets.hourglass import HourglassConfig
from vitruve.nets.res_net import ResNetConfig
from vitruve.recipes.run import Run
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
RESNET_50_DETECTOR = HeatmapDetectorConfig(
    H36M_18,
    backbone_config=ResNetConfig("bottleneck", (3, 4, 6, 3), (64, 128, 256, 512), stem=7),
    head=HeatmapHeadConfig(),
    scale="learned",
    side_px=256,
)
"""As published but for group normalisation and random weights; for pictures of 256 pixels."""
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

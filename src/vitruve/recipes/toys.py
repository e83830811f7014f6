"""Runs of a second, to see that training works."""

from dataclasses import replace

from vitruve.estimators import LifterConfig, MaskedKeypointsConfig
from vitruve.nets import PSTMOConfig, SimpleBaselineConfig, VideoPose3DConfig
from vitruve.nets.masked_pose_model import MaskedPoseModelConfig
from vitruve.objectives.keypoints import KeypointsConfig
from vitruve.objectives.position import PositionConfig
from vitruve.objectives.smoothness import SmoothnessConfig
from vitruve.recipes.run import Run, TermConfig
from vitruve.recipes.sources.toy import TOY, ToySourceConfig
from vitruve.training import TrainConfig

_TERMS = {
    "position": TermConfig("position", PositionConfig()),
    "smoothness": TermConfig("smoothness", SmoothnessConfig(), weight=0.1, start_step=2),
}
_TRAIN = TrainConfig(
    steps=200,
    batch_size=16,
    learning_rate=3e-3,
    ema_decay=0.99,
    log_every=10,
    checkpoint_every=50,
    accelerator="cpu",
    out="runs/toy",
)


def _toy(net: str, net_config: object) -> Run:
    return Run(
        estimator="lifter",
        estimator_config=LifterConfig(TOY, TOY, net, net_config),
        source="toy",
        source_config=ToySourceConfig(),
        terms=_TERMS,
        train=_TRAIN,
        summary="Toy: two swinging legs made up in code; of no use on people.",
    )


_STMO = PSTMOConfig(5, 5, strides=(1, 3, 3), channels=32, hidden=64, depth=2)
_PRETRAIN = Run(
    estimator="masked_keypoints",
    estimator_config=MaskedKeypointsConfig(
        TOY,
        MaskedPoseModelConfig(5, num_frames=9, channels=32, hidden=64, depth=2, masked_joints=1),
    ),
    source="toy",
    source_config=ToySourceConfig(),
    terms={"keypoints": TermConfig("keypoints", KeypointsConfig())},
    train=replace(_TRAIN, out="runs/toy.pretrain"),
    summary="Toy: P-STMO's first stage, 2D with holes recovered; the file starts the finetune.",
)
_FINETUNE = replace(
    _toy("p_stmo", _STMO),
    terms={
        "position": TermConfig("position", PositionConfig()),
        "coarse": TermConfig("position", PositionConfig(of="coarse")),
    },
)

TOYS = {
    "toy.synthetic.p_stmo.finetune": _FINETUNE,
    "toy.synthetic.p_stmo.pretrain": _PRETRAIN,
    "toy.synthetic.simple_baseline.position": _toy(
        "simple_baseline", SimpleBaselineConfig(5, 5, width=32, dropout=0.1)
    ),
    "toy.synthetic.video_pose_3d.position": _toy(
        "video_pose_3d", VideoPose3DConfig(5, 5, widths=(3, 1), channels=32, dropout=0.1)
    ),
}
"""Toy runs by name."""

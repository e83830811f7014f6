"""The default model: a temporal lifter for any detector, lens, camera height and frame rate.

Trained on CMU motion alone, whose use is free (mocap.cs.cmu.edu; NSF EIA-0196217). VideoPose3D's
net (Pavllo et al., CVPR 2019) reads 27 frames through `RootView`; bodies, postures, cameras and
detector errors are varied so widely that no camera or detector is special.

Its loss-net is trained beside it, on the same data, and leaves it as it is: the energy has weight 0
and is the only term, and ``--initial`` gives the model. The ``further`` runs train the model on,
with an energy or without, from the same ``--initial``: what an energy does to a trained net.
"""

from dataclasses import replace

from vitruve.data.lifting.wrong_poses import WrongPosesConfig
from vitruve.estimators import LifterConfig
from vitruve.nets import GraphEnergyConfig, VideoPose3DConfig
from vitruve.objectives.energy import EnergyConfig
from vitruve.objectives.geometry import GeometryConfig
from vitruve.objectives.position import PositionConfig
from vitruve.recipes.run import Run, TermConfig
from vitruve.recipes.sources.adults import JOINTS, KEYPOINTS, AdultSourceConfig
from vitruve.training import TrainConfig

NAME = "default.cmu.video_pose_3d.t27"

ENERGY_NAME = "default.cmu.video_pose_3d.energy"

_LIFTER = Run(
    estimator="lifter",
    estimator_config=LifterConfig(
        skeleton=JOINTS,
        keypoint_skeleton=KEYPOINTS,
        net="video_pose_3d",
        net_config=VideoPose3DConfig(
            KEYPOINTS.num_joints,
            JOINTS.num_joints,
            in_channels=3,
            widths=(3, 3, 3),
            channels=512,
            dropout=0.1,
            strided=True,
        ),
        normaliser="root_view",
        native_fps=30.0,
        confidence=True,
    ),
    source="adults",
    source_config=AdultSourceConfig(),
    terms={"position": TermConfig("position", PositionConfig())},
    train=TrainConfig(
        steps=7_000,
        batch_size=512,
        learning_rate=1e-3,
        warmup_steps=200,
        final_factor=0.01,
        ema_decay=0.999,
        precision="bf16-mixed",
        log_every=50,
        checkpoint_every=250,
        evaluate_every=500,
        accelerator="auto",
        out=f"runs/{NAME}",
    ),
    summary="Default lifter: 15 keypoints of any detector to 19 joints; trained on CMU motion "
    "(mocap.cs.cmu.edu) alone, free for all uses.",
)
_LOSS_NET = TermConfig(
    "energy",
    EnergyConfig(
        "graph",
        GraphEnergyConfig(JOINTS, channels=64, depth=2, num_heads=4, structure=True),
        wrong_poses=WrongPosesConfig(),
    ),
    learning_rate=1e-3,
)
_ENERGY = replace(
    _LIFTER,
    terms={"energy": replace(_LOSS_NET, weight=0.0)},
    train=replace(
        _LIFTER.train, steps=3_000, batch_size=128, precision="32", out=f"runs/{ENERGY_NAME}"
    ),
    summary="Loss-net of the default lifter's 19 joints, for refinement; trained on CMU motion "
    "(mocap.cs.cmu.edu) alone, free for all uses.",
)
_PULL = 0.3
_FURTHER: dict[str, dict[str, TermConfig]] = {
    "further": {},
    "further_geometry": {"geometry": TermConfig("geometry", GeometryConfig(), pull=_PULL)},
    "further_structure": {"energy": replace(_LOSS_NET, pull=_PULL)},
}
"""What is added to the model's own term in training on."""


def _further(name: str, added: dict[str, TermConfig]) -> Run:
    train = replace(
        _LIFTER.train, steps=1_500, batch_size=128, learning_rate=1e-4, out=f"runs/{name}"
    )
    summary = f"{_LIFTER.summary} Trained further, as {name}."
    return replace(_LIFTER, terms=_LIFTER.terms | added, train=train, summary=summary)


DEFAULT_RUNS = {NAME: _LIFTER, ENERGY_NAME: _ENERGY} | {
    (name := f"default.cmu.video_pose_3d.{variant}"): _further(name, added)
    for variant, added in _FURTHER.items()
}
"""Runs of the default model, of its loss-net, and of training it further, by name."""

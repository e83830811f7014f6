"""Published lifters on recorded data: the rows of SCoTL-pose's tables 1 to 3, without its loss.

The ``gpu`` presets have the published sizes, optimizers and numbers of updates. Single frames train
as the paper's appendix A.2.1 says: Adam, a constant rate, batch and epochs, and no mirroring; the
squared error, and sizes and rates that it leaves out, are those of the group's public code. Nets of
clips train as their own papers do. An epoch counts all training subjects, and mirrored windows as
windows of their own; since one subject is held out, the others are gone through more often. The
``cpu`` presets have the sizes and optimizers of the small runs on CMU-Lift.

The paper's KTPFormer draws hypotheses; ours answers once. Its D3DP on MPI-INF-3DHP takes 20 steps,
here 10 as on Human3.6M. P-STMO starts from nothing, unless a run is given its first stage.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from vitruve.nets import (
    PoseFormerV2Config,
    PSTMOConfig,
    SemGCNConfig,
    SimpleBaselineConfig,
    VideoPose3DConfig,
)
from vitruve.recipes.baseline import Baseline, baseline_of, on_cmu
from vitruve.recipes.lifters import LIFTER_RUNS, frames_of
from vitruve.recipes.run import Run
from vitruve.recipes.sources.recorded import RecordedSourceConfig
from vitruve.skeletons import Skeleton, skeleton
from vitruve.training import TrainConfig


@dataclass(frozen=True)
class _Recorded:
    """A dataset, and what single frames and clips are taken from."""

    name: str
    title: str
    skeleton: Skeleton
    fps: float | None
    single: RecordedSourceConfig
    single_frames: int
    """Frames in all training views, of which single frames are taken: their epoch."""
    clips: RecordedSourceConfig | None = None
    """None where frames do not follow each other."""
    clip_frames: int = 0
    """The same of the views that nets of clips train on."""


_EIGHT_CAMERAS = ("0", "1", "2", "4", "5", "6", "7", "8")
_FRAMES_3DHP = 131_592
"""Of one camera in all 16 training sequences."""
_H36M = _Recorded(
    "h36m",
    "Human3.6M",
    skeleton("h36m_17"),
    fps=50.0,
    single=RecordedSourceConfig("human36m", flip=0.0),
    clips=RecordedSourceConfig("human36m"),
    single_frames=1_559_752,
    clip_frames=1_559_752,
)
_3DHP = _Recorded(
    "3dhp",
    "MPI-INF-3DHP",
    skeleton("mpi_inf_3dhp_17"),
    fps=25.0,
    single=RecordedSourceConfig("mpi_inf_3dhp", flip=0.0, annotation="annot3"),
    clips=RecordedSourceConfig("mpi_inf_3dhp", cameras=_EIGHT_CAMERAS),
    single_frames=14 * _FRAMES_3DHP,
    clip_frames=8 * _FRAMES_3DHP,
)
_H3WB = _Recorded(
    "h3wb",
    "H3WB",
    skeleton("h3wb_133"),
    fps=None,
    single=RecordedSourceConfig("h3wb", flip=0.0, validation_subject="S7"),
    single_frames=80_000,
)
_ANSWER_EVERY_FRAME = ("mixste", "ktpformer", "d3dp")
_SQUARED = LIFTER_RUNS["lifters.cmu.sem_gcn.cpu"].terms
_MLP = SimpleBaselineConfig(17, 17)
_MLP_LARGE = SimpleBaselineConfig(17, 17, width=2048, num_blocks=3)
_GCN = SemGCNConfig(17, 17)
_TCN = VideoPose3DConfig(17, 17, widths=(1, 1, 1, 1, 1), strided=True)
_POSE_FORMER_27 = PoseFormerV2Config(17, 17, num_frames=27, kept_frames=3, kept_coefficients=3)
_POSE_FORMER_81 = PoseFormerV2Config(17, 17, num_frames=81, kept_frames=9, kept_coefficients=9)


def _epochs(train: TrainConfig, windows: int, epochs: int, decay: float = 1.0) -> TrainConfig:
    """As many updates as the epochs have, the rate times ``decay`` after each."""
    updates = windows / train.batch_size
    return replace(
        train,
        steps=round(epochs * updates),
        schedule="exponential" if decay < 1 else "constant",
        final_factor=decay**epochs,
        checkpoint_every=round(updates),
        evaluate_every=round(updates),
    )


def _fitted(net_config: Any, joints: Skeleton) -> Any:
    """A net's config for other joints, with their tree where it has one."""
    tree = {"parents": joints.parents} if hasattr(net_config, "parents") else {}
    n = joints.num_joints
    return replace(net_config, num_keypoints=n, num_joints=n, **tree)


def _run(
    data: _Recorded, net: str, like: Run, net_config: Any, train: TrainConfig, **changes: Any
) -> Run:
    """A run on recorded data; the estimator's other settings are those of one on CMU-Lift."""
    frames, joints = frames_of(net_config), data.skeleton
    source = replace(data.clips if frames > 1 and data.clips else data.single, window=frames)
    if net in _ANSWER_EVERY_FRAME:
        source = replace(source, stride=frames, windows="whole")
    estimator = replace(
        like.estimator_config,
        skeleton=joints,
        keypoint_skeleton=joints,
        net_config=_fitted(net_config, joints),
        native_fps=data.fps,
    )
    return Run(
        estimator=like.estimator,
        estimator_config=estimator,
        source="recorded",
        source_config=replace(source, **changes),
        terms=_SQUARED if frames == 1 else like.terms,
        train=replace(train, out=f"runs/baseline.{data.name}.{net}"),
        summary=f"{net}, {frames} frame{'s' * (frames > 1)}, trained on {data.title} as recorded, "
        "exact 2D; mind that dataset's licence.",
    )


def _single(
    data: _Recorded,
    net: str,
    size: Any,
    *,
    learning_rate: float = 1e-3,
    batch_size: int = 1024,
    epochs: int = 50,
) -> Baseline:
    """A net of single frames; ``size`` is the published net."""
    cmu = on_cmu(net)
    # AdamW without decay is Adam.
    adam = replace(
        cmu["gpu"].train,
        optimizer="adamw",
        weight_decay=0.0,
        clip_norm=0.0,
        learning_rate=learning_rate,
        batch_size=batch_size,
    )
    small, train = cmu["cpu"], _epochs(adam, data.single_frames, epochs)
    return baseline_of(
        {
            "cpu": _run(data, net, small, small.estimator_config.net_config, small.train),
            "gpu": _run(data, net, cmu["gpu"], size, train),
        }
    )


def _clips(
    data: _Recorded,
    net: str,
    epochs: int,
    decay: float,
    *,
    size: Any = None,
    small: Any = None,
    training: Mapping[str, Any] | None = None,
    **source: Any,
) -> Baseline:
    """A net of clips; sizes and optimizer are those on CMU-Lift unless others are given."""
    cmu = on_cmu(net)
    small = small or cmu["cpu"].estimator_config.net_config
    size = size or cmu["gpu"].estimator_config.net_config
    hop = frames_of(size) if net in _ANSWER_EVERY_FRAME else 1
    train = replace(cmu["gpu"].train, **(training or {}))
    train = _epochs(train, 2 * data.clip_frames // hop, epochs, decay)
    return baseline_of(
        {
            "cpu": _run(data, net, cmu["cpu"], small, cmu["cpu"].train, **source),
            "gpu": _run(data, net, cmu["gpu"], size, train, **source),
        }
    )


def _pose_formers(data: _Recorded, epochs: int, decay: float, **training: Any) -> dict[str, Any]:
    """PoseFormerV2 of 27 and of 81 frames."""
    small = on_cmu("pose_former_v2")["cpu"].estimator_config.net_config
    return {
        f"pose_former_v2_t{size.num_frames}": _clips(
            data,
            "pose_former_v2",
            epochs,
            decay,
            size=size,
            small=replace(small, num_frames=size.num_frames),
            training=training,
        )
        for size in (_POSE_FORMER_27, _POSE_FORMER_81)
    }


def _d3dp(data: _Recorded, **source: Any) -> Baseline:
    """D3DP, whose published size draws the paper's numbers of hypotheses and steps."""
    row = _clips(data, "d3dp", 400, 0.993, **source)
    gpu = replace(row.estimator_config["gpu"], num_hypotheses=20, num_steps=10)
    return replace(row, estimator_config={**row.estimator_config, "gpu": gpu})


def on_h36m() -> dict[str, Baseline]:
    """Table 1: exact 2D of Human3.6M."""
    return {
        "simple_baseline": _single(_H36M, "simple_baseline", _MLP),
        "sem_gcn": _single(_H36M, "sem_gcn", _GCN),
        "video_pose_3d": _single(_H36M, "video_pose_3d", _TCN),
        "mixste": _clips(_H36M, "mixste", 120, 0.99),
        **_pose_formers(_H36M, 200, 0.99),
        "d3dp": _d3dp(_H36M),
        "ktpformer": _clips(_H36M, "ktpformer", 200, 0.99),
    }


def on_3dhp() -> dict[str, Baseline]:
    """Table 2: exact 2D of MPI-INF-3DHP; own size for single frames and D3DP, else universal."""
    adam = {"optimizer": "adam_amsgrad", "learning_rate": 7e-4, "weight_decay": 0.0}
    p_stmo = PSTMOConfig(17, 17, strides=(3, 3, 3, 3))
    return {
        "simple_baseline": _single(_3DHP, "simple_baseline", _MLP_LARGE, learning_rate=2e-4),
        "sem_gcn": _single(_3DHP, "sem_gcn", _GCN, learning_rate=1e-2),
        "video_pose_3d": _single(_3DHP, "video_pose_3d", _TCN),
        "p_stmo": _clips(_3DHP, "p_stmo", 79, 0.97, size=p_stmo, training=adam),
        **_pose_formers(_3DHP, 79, 0.97, batch_size=512, **adam),
        "d3dp": _d3dp(_3DHP, annotation="annot3"),
    }


def on_h3wb() -> dict[str, Baseline]:
    """Table 3: 133 joints of H3WB."""
    return {
        net: _single(_H3WB, net, size, batch_size=64, epochs=200)
        for net, size in (("simple_baseline", _MLP), ("video_pose_3d", _TCN))
    }

"""PrML for CMU-Lift, and every ablation of its paper as a run of its own.

"PrML: progressive multi-task learning for monocular 3D human pose estimation", anonymous
submission. Loss: equation 9, with the position by task, a temporal term and the mutual
information. The paper does not give the temporal term's factors: it is MixSTE's sum of smoothness
and velocity error, with the joint weights of Hossain and Little, ECCV 2018. Windows are mirrored
in training with probability a half.

The ``gpu`` presets are the published size and optimizer: 90 epochs of 340 steps, an epoch being
four views of the training clips in windows 81 frames apart. The ``t81_gpu`` one trains for minutes,
on the terms of `recipes.lifters`. The ``cpu`` ones are small enough for
two cores and compare parts of the net with each other, not with published figures.
"""

from dataclasses import dataclass, field, replace
from typing import Any, Literal

from vitruve.estimators import LifterConfig
from vitruve.nets import DSTFormerConfig, MixSTEConfig, PrMLConfig
from vitruve.objectives.mutual_information import MutualInformationConfig
from vitruve.objectives.position import PositionConfig
from vitruve.objectives.smoothness import SmoothnessConfig
from vitruve.objectives.task_position import TaskPositionConfig
from vitruve.recipes.lifters import LIFTER_RUNS
from vitruve.recipes.run import Run, TermConfig
from vitruve.recipes.sources.cmu_lift import CmuLiftSourceConfig
from vitruve.skeletons import skeleton
from vitruve.training import TrainConfig

_H36M = skeleton("h36m_17")
_LIMBS = (1.0, 1.0, 2.5, 2.5, 1.0, 2.5, 2.5, 1.0, 1.0, 1.0, 1.0, 1.0, 4.0, 4.0, 1.0, 4.0, 4.0)
"""Weight of each joint's smoothness: knees and feet 2.5, elbows and wrists 4."""
_EPOCHS, _STEPS_OF_AN_EPOCH = 90, 340

_PRML = {
    "cpu": PrMLConfig(17, 17, num_frames=27, channels=32, depth=2, num_heads=2, head_channels=64),
    "gpu": PrMLConfig(17, 17),
}
_MIXSTE = {
    "cpu": MixSTEConfig(17, 17, num_frames=27, channels=48, depth=3, num_heads=2),
    "gpu": MixSTEConfig(17, 17),
}
_DSTFORMER = {
    "cpu": DSTFormerConfig(
        17, 17, num_frames=27, channels=48, representation_channels=64, depth=2, num_heads=2
    ),
    "gpu": DSTFormerConfig(17, 17),
}
_TRAIN = {
    "cpu": TrainConfig(
        steps=2_400,
        batch_size=4,
        learning_rate=1e-3,
        warmup_steps=100,
        ema_decay=0.995,
        log_every=50,
        checkpoint_every=800,
        evaluate_every=800,
    ),
    "gpu": TrainConfig(
        steps=_EPOCHS * _STEPS_OF_AN_EPOCH,
        batch_size=16,
        learning_rate=5e-4,
        schedule="exponential",
        final_factor=0.99**_EPOCHS,
        weight_decay=0.01,
        clip_norm=0.0,
        log_every=100,
        checkpoint_every=1_700,
        evaluate_every=1_700,
    ),
}


@dataclass(frozen=True)
class _Variant:
    """What one row of the paper's tables changes."""

    net: dict[str, Any] = field(default_factory=dict)
    """Fields of the net's config."""
    width: float = 1.0
    """Factor of the net's channels."""
    information: float = 0.01
    """Weight of the mutual information; 0 leaves the term out."""
    bound: Literal["barber_agakov", "info_nce"] = "barber_agakov"
    """How it is bounded."""


def _bare(**net: Any) -> _Variant:
    return _Variant(net, information=0.0)


_VARIANTS = {
    "full": _Variant(),
    # Table 4: branches, decoder, mutual information.
    "baseline": _bare(branches="none", decoder=False),
    "branch_2d": _bare(branches="2d", decoder=False),
    "branch_depth": _bare(branches="depth", decoder=False),
    "decoder": _bare(branches="none"),
    "decoder_information": _Variant({"branches": "none"}),
    "branches": _bare(decoder=False),
    "branches_decoder": _bare(),
    # Table 5: parts of the decoder; its last step is "full".
    "complement": _Variant({"align": False, "bias_2d": "none", "bias_depth": "none"}),
    "complement_align": _Variant({"bias_2d": "none", "bias_depth": "none"}),
    "complement_bias": _Variant({"align": False}),
    # Table 6: which task has a bias, and whether it learns.
    "bias_2d": _Variant({"bias_depth": "none"}),
    "bias_depth": _Variant({"bias_2d": "none"}),
    "bias_fixed": _Variant({"learn_bias": False}),
    # Table 9: what the biases start from; G-G is "full".
    "bias_laplace_gaussian": _Variant({"bias_2d": "laplace"}),
    "bias_gaussian_laplace": _Variant({"bias_depth": "laplace"}),
    "bias_laplace_laplace": _Variant({"bias_2d": "laplace", "bias_depth": "laplace"}),
    # Table 10: encoders of a layer; T->S is "full".
    "order_s": _Variant({"order": "S"}),
    "order_t": _Variant({"order": "T"}),
    "order_s_beside_t": _Variant({"order": "S-T"}),
    "order_s_then_t": _Variant({"order": "S->T"}),
    # Table 11: width, weight of the mutual information.
    "width_half": _Variant(width=0.5),
    "width_three_quarters": _Variant(width=0.75),
    "information_1": _Variant(information=1.0),
    "information_tenth": _Variant(information=0.1),
    # Ours: the other bound of the mutual information; a net that looks back only.
    "info_nce": _Variant(bound="info_nce"),
    "causal": _Variant({"causal": True}),
}
_BY_TASK = TermConfig("task_position", TaskPositionConfig())
_HEADS = {"joint": TermConfig("position", PositionConfig()), "split": _BY_TASK}
"""Tables 7 and 8: one last layer with the usual loss, or two with the loss by task."""


def _run(net: str, variant: str, net_config: Any, terms: dict[str, TermConfig]) -> Run:
    frames = net_config.num_frames
    temporal = TermConfig("smoothness", SmoothnessConfig(joint_weights=_LIMBS))
    return Run(
        estimator="lifter",
        estimator_config=LifterConfig(_H36M, _H36M, net, net_config, native_fps=60.0),
        source="cmu_lift",
        source_config=CmuLiftSourceConfig(window=frames),
        terms={**terms, "temporal": temporal},
        train=replace(_TRAIN[variant.split("_")[-1]], out=f"runs/prml.cmu.{net}.{variant}"),
        summary=f"{net}, {variant}, {frames} frames at 60/s, for CMU-Lift: CMU motion "
        "(mocap.cs.cmu.edu) in Human3.6M rigs, exact 2D.",
    )


def _ablation(name: str, preset: str) -> Run:
    variant = _VARIANTS[name]
    channels = int(_PRML[preset].channels * variant.width)
    terms = {"position": _BY_TASK}
    if variant.information:
        terms["information"] = TermConfig(
            "mutual_information",
            MutualInformationConfig(channels=2 * channels, bound=variant.bound),
            weight=variant.information,
            # Slower than the net: a density that fits one batch is too sure of the next.
            learning_rate=1e-4,
        )
    net_config = replace(_PRML[preset], channels=channels, **variant.net)
    return _run("prml", f"{name}_{preset}", net_config, terms)


def _in_minutes() -> Run:
    run = _ablation("full", "gpu")
    others = LIFTER_RUNS["lifters.cmu.mixste.t81_gpu"]
    net = replace(run.estimator_config.net_config, num_frames=81)
    name = "prml.cmu.prml.full_t81_gpu"
    return replace(
        run,
        estimator_config=replace(run.estimator_config, net_config=net),
        source_config=others.source_config,
        train=replace(others.train, out=f"runs/{name}"),
        summary=run.summary.replace("full_gpu, 243", "full_t81_gpu, 81"),
    )


def _two_heads(net: str, config: Any, heads: str, preset: str) -> Run:
    terms = {"position": _HEADS[heads]}
    return _run(net, f"{heads}_{preset}", replace(config, heads=heads), terms)


PRML_RUNS: dict[str, Run] = {
    "prml.cmu.prml.full_t81_gpu": _in_minutes(),
    **{
        f"prml.cmu.prml.{name}_{preset}": _ablation(name, preset)
        for preset in _TRAIN
        for name in _VARIANTS
    },
    **{
        f"prml.cmu.{net}.{heads}_{preset}": _two_heads(net, sizes[preset], heads, preset)
        for preset in _TRAIN
        for net, sizes in (("mixste", _MIXSTE), ("dstformer", _DSTFORMER))
        for heads in _HEADS
    },
}
"""PrML's ablations, and known nets with one head or two, by name."""

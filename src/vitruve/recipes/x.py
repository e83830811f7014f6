"""X as Supervision on Studio: several depths from one picture, and what a body can do.

Yang et al., 2024, https://arxiv.org/abs/2411.13026. People whose labels are hidden teach by their
masks; rendered people, by their labels; and poses that can be, by a discriminator. Runs are named
by the detector (``sh``: one hypothesis, ``mh``: three, the best of which is scored), the
discriminator (``none``, ``mlp``, ``graph``; table 3) and the rendered people: dressed and in drawn
poses, with ``_parts`` painted in one colour for each part of the body, or with ``_motion`` in poses
that were recorded (table 4). ``sh_none_2d`` is told the people's 2D joints in place of a
discriminator (table 3). ``sh_none_motion`` and ``sh_graph_motion`` are ours: they tell what
the discriminator does from what its poses do.

``mh_graph_two`` and ``mh_graph_three`` also see people of a second and a third folder (section
4.4.1, data scale-up): in drawn poses, and half hidden. How they do on people of conditions that no
folder has is measured by the benchmark ``studio_unseen``.

``x.studio.dog`` are dogs, in a folder of their own.

First the rendered people alone, for 50 of 65 epochs, then all terms, as published. The paper's
weights are of losses of another scale; ours are those of its code for symmetry and discriminator,
and 1 for masks. Ours too: several hypotheses also learn how likely each depth is
(`objectives.depth_likelihood`).
"""

from dataclasses import replace
from typing import Literal

from vitruve.data.studio.batches import Told
from vitruve.data.training_crops import VariedConfig
from vitruve.estimators import HeatmapDetectorConfig
from vitruve.nets.pose_discriminator import DiscriminatorConfig
from vitruve.objectives.adversarial import AdversarialConfig
from vitruve.objectives.depth_likelihood import DepthLikelihoodConfig
from vitruve.objectives.hypotheses import Scored
from vitruve.objectives.keypoints import KeypointsConfig
from vitruve.objectives.mask import MaskConfig
from vitruve.objectives.position import PositionConfig
from vitruve.objectives.symmetry import SymmetryConfig
from vitruve.recipes.detectors import (
    CPU_TRAIN,
    H36M_18,
    METRIC_DETECTOR,
    RESNET_50_DETECTOR,
    in_minutes,
)
from vitruve.recipes.mask import SMALL_MASK
from vitruve.recipes.run import Run, TermConfig
from vitruve.recipes.sources.studio import StudioSourceConfig
from vitruve.recipes.subjects import DOG, of_subject
from vitruve.skeletons.line_forms import fullest_form
from vitruve.training import TrainConfig

Discriminator = Literal["none", "mlp", "graph"]
Look = Literal["texture", "parts", "motion"]
_LOOKS: dict[Look, str] = {
    "texture": "dressed",
    "parts": "painted by parts",
    "motion": "dressed, in recorded poses",
}
_TOLD: dict[Told, str] = {"none": "no labels", "keypoints": "2D labels", "joints": "all labels"}
_FIRST_STAGE = 50 / 65
_FOLDERS = ("people", "people_drawn", "people_hidden")
"""People whose labels are hidden, folder after folder."""
LIKELIHOOD = 0.1
"""Weight of the likelihood of depths beside distances in metres."""
_SMALL = DiscriminatorConfig(H36M_18, channels=32, hidden=128), SMALL_MASK


def _terms(
    scored: Scored,
    discriminator: Discriminator,
    sizes: tuple[DiscriminatorConfig, MaskConfig],
    start: int,
) -> dict[str, TermConfig]:
    """What teaches: labels of rendered people from the start, the rest from step ``start`` on."""
    size, mask = sizes
    mask = replace(mask, form=fullest_form(size.skeleton), skeleton=1.0, physique=1.0)
    lengths = SymmetryConfig("camera", midpoints=0.1, lengths=0.1, hypotheses=scored)
    terms = {
        "pairs": TermConfig("position", PositionConfig(hypotheses=scored)),
        "pairs_2d": TermConfig("keypoints", KeypointsConfig()),
        "mask": TermConfig("mask", mask, start_step=start, learning_rate=1e-3),
    }
    if size.skeleton.limbs:
        terms["symmetry"] = TermConfig("symmetry", lengths, start_step=start)
    if scored == "best":
        likely = DepthLikelihoodConfig()
        terms["pairs_depth"] = TermConfig("depth_likelihood", likely, weight=LIKELIHOOD)
    if discriminator != "none":
        config = AdversarialConfig(replace(size, kind=discriminator))
        terms["adversarial"] = TermConfig("adversarial", config, weight=0.5, start_step=start)
    return terms


def _run(
    name: str,
    discriminator: Discriminator,
    *,
    hypotheses: int = 3,
    look: Look = "texture",
    folders: int = 1,
    labels: Told = "none",
    detector: HeatmapDetectorConfig = METRIC_DETECTOR,
    sizes: tuple[DiscriminatorConfig, MaskConfig] = _SMALL,
    train: TrainConfig = CPU_TRAIN,
    family: str = "x.studio.detector",
) -> dict[str, Run]:
    whole = f"{family}.{name}"
    start = round(_FIRST_STAGE * train.steps)
    source = StudioSourceConfig(
        labels=labels,
        people=_FOLDERS[:folders],
        pairs=f"pairs_{look}",
        pairs_share=0.5,
        pairs_first=start,
        prior=discriminator != "none",
        varied=VariedConfig(),
    )
    run = Run(
        estimator="heatmap_detector",
        estimator_config=replace(detector, num_hypotheses=hypotheses),
        source="studio",
        source_config=source,
        terms=_terms("all" if hypotheses == 1 else "best", discriminator, sizes, start),
        train=replace(train, drop_at=_FIRST_STAGE, out=f"runs/{whole}"),
        summary=(
            f"X as Supervision on Studio, {_TOLD[labels]} of its people: {hypotheses} hypotheses, "
            f"discriminator {discriminator}, rendered people {_LOOKS[look]}, "
            f"others of {', '.join(_FOLDERS[:folders])}."
        ),
    )
    return {whole: run}


_GPU_TRAIN = TrainConfig(
    steps=65 * 1000,
    batch_size=64,
    learning_rate=2e-4,
    schedule="drop",
    final_factor=0.5,
    weight_decay=0.0,
    precision="bf16-mixed",
)
_ALL_SMALL: dict[str, Run] = (
    _run("sh_none", "none", hypotheses=1)
    | _run("sh_none_2d", "none", hypotheses=1, labels="keypoints")
    | _run("sh_mlp", "mlp", hypotheses=1)
    | _run("sh_graph", "graph", hypotheses=1)
    | _run("mh_none", "none")
    | _run("mh_mlp", "mlp")
    | _run("mh_graph", "graph")
    | _run("mh_graph_two", "graph", folders=2)
    | _run("mh_graph_three", "graph", folders=3)
    | _run("mh_graph_parts", "graph", look="parts")
    | _run("mh_graph_motion", "graph", look="motion")
    | _run("sh_graph_motion", "graph", hypotheses=1, look="motion")
    | _run("sh_none_motion", "none", hypotheses=1, look="motion")
)
_LARGE = _run(
    "mh_graph_gpu",
    "graph",
    detector=RESNET_50_DETECTOR,
    sizes=(DiscriminatorConfig(H36M_18), MaskConfig(side_px=128)),
    train=_GPU_TRAIN,
)
_DOGS = {
    "detector": of_subject(METRIC_DETECTOR, DOG),
    "sizes": (replace(_SMALL[0], skeleton=DOG), SMALL_MASK),
    "family": "x.studio.dog",
}
_OF_DOGS = _run("sh_none", "none", hypotheses=1, **_DOGS) | _run("mh_graph", "graph", **_DOGS)
X_RUNS = _ALL_SMALL | in_minutes(_ALL_SMALL) | _LARGE | _OF_DOGS
"""Every run by name."""

"""One model, every skeleton, as lifters: the affine-combining autoencoder's variants.

Sárándi et al., "Learning 3D human pose estimation from dozens of datasets using a geometry-aware
autoencoder to bridge between skeleton formats", WACV 2023, https://arxiv.org/abs/2212.14474, on
motion instead of pictures: as many datasets as formats, each labelled in its own
(``data.one_format_each``), and a truth in all of them to measure with. ``separate`` says every
format by itself and comes first; its answers are what the autoencoder is fitted to
(``vitruve reproduce acae`` does all of it); the others go on from its weights. ``separate_longer``
is as long as both together.
"""

from dataclasses import replace
from typing import Any

from vitruve.data.one_format_each import FORMATS
from vitruve.estimators import LatentLifterConfig, LifterConfig
from vitruve.nets import SimpleBaselineConfig
from vitruve.objectives.absolute import AbsoluteConfig
from vitruve.objectives.consistency import ConsistencyConfig
from vitruve.objectives.mean_relative import MeanRelativeConfig
from vitruve.objectives.projection import ProjectionConfig
from vitruve.objectives.teacher import TeacherConfig
from vitruve.recipes.formats import FormatsSourceConfig
from vitruve.recipes.run import Run, TermConfig
from vitruve.skeletons import Skeleton, merge, merge_alike, skeleton
from vitruve.training import TrainConfig

BRIDGE = "runs/acae.motion.lifter.bridge.safetensors"
"""Where the fitted autoencoder is looked for."""
LATENTS = 48
_KEYPOINTS = skeleton("coco_17")
_EACH = merge(tuple(map(skeleton, FORMATS)), "formats_15")
_ALIKE = merge_alike(tuple(map(skeleton, FORMATS)), "formats_15_alike")
_PLACED = {
    "shape": TermConfig("mean_relative", MeanRelativeConfig()),
    "picture": TermConfig("projection", ProjectionConfig(margin=0.5)),
    "place": TermConfig("absolute", AbsoluteConfig(), weight=0.1, start_step=500),
}
"""As MeTRAbs: the shape of a format says nothing of where the other formats are."""
_TRAIN = TrainConfig(
    steps=4_000,
    batch_size=240,
    learning_rate=1e-3,
    warmup_steps=200,
    ema_decay=0.995,
    log_every=100,
    checkpoint_every=1_000,
    evaluate_every=1_000,
)
_TUNE = replace(_TRAIN, steps=2_000, learning_rate=3e-4)


def _net(joints: int) -> dict[str, Any]:
    config = SimpleBaselineConfig(_KEYPOINTS.num_joints, joints, width=512, dropout=0.1)
    return {
        "keypoint_skeleton": _KEYPOINTS,
        "net": "simple_baseline",
        "net_config": config,
        "places": True,
    }


def _run(name: str, says: Skeleton, terms: dict[str, TermConfig], train: TrainConfig) -> Run:
    return Run(
        "lifter",
        LifterConfig(skeleton=says, normaliser="root_view", **_net(says.num_joints)),
        "formats",
        FormatsSourceConfig(says, FORMATS),
        terms,
        replace(train, out=f"runs/{name}"),
        f"SimpleBaseline from coco_17 into {len(FORMATS)} formats, each learnt from other people "
        f"(CMU motion on synthetic bodies); {name.rpartition('.')[2]}.",
    )


def _by_latents(name: str, direct: bool, terms: dict[str, TermConfig]) -> Run:
    run = _run(name, _EACH, terms, _TUNE)
    points = LATENTS + (_EACH.num_joints if direct else 0)
    config = LatentLifterConfig(
        skeleton=_EACH,
        normaliser="root_view",
        num_latents=LATENTS,
        bridge=BRIDGE,
        direct=direct,
        **_net(points),
    )
    return replace(run, estimator="latent_lifter", estimator_config=config)


_CONSISTENT = {"consistency": TermConfig("consistency", ConsistencyConfig(BRIDGE))}
_TAUGHT = {"teacher": TermConfig("teacher", TeacherConfig(), start_step=500)}
PREFIX = "acae.motion.lifter"

ACAE_RUNS: dict[str, Run] = {
    f"{PREFIX}.separate": _run(f"{PREFIX}.separate", _EACH, _PLACED, _TRAIN),
    f"{PREFIX}.merged": _run(f"{PREFIX}.merged", _ALIKE, _PLACED, _TRAIN),
    f"{PREFIX}.separate_longer": _run(f"{PREFIX}.separate_longer", _EACH, _PLACED, _TUNE),
    f"{PREFIX}.regularised": _run(f"{PREFIX}.regularised", _EACH, _PLACED | _CONSISTENT, _TUNE),
    f"{PREFIX}.latent": _by_latents(f"{PREFIX}.latent", False, _PLACED),
    f"{PREFIX}.hybrid": _by_latents(f"{PREFIX}.hybrid", True, _PLACED | _TAUGHT),
}
"""Runs by name; all but the first two start from ``separate``."""

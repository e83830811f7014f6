"""One model, every skeleton, from pictures: the affine-combining autoencoder's variants on Studio.

What `recipes.acae` is to lifters. Sárándi et al., "Learning 3D human pose estimation from dozens of
datasets using a geometry-aware autoencoder to bridge between skeleton formats", WACV 2023,
https://arxiv.org/abs/2212.14474: as many datasets as formats, made of Studio's people, each with
people and errors of its own and labelled in its own format. ``separate`` comes first, and its
answers are what the autoencoder is fitted to; all but ``merged`` go on from its weights.
"""

from dataclasses import replace

from vitruve.data.corpora.one_format_each import FORMATS, OneFormatEachConfig
from vitruve.data.training_crops import AugmentConfig
from vitruve.estimators import LatentMetricScaleConfig, MetricScaleConfig
from vitruve.nets.res_net import ResNetConfig
from vitruve.objectives.consistency import ConsistencyConfig
from vitruve.objectives.teacher import TeacherConfig
from vitruve.recipes.acae import Autoencoder
from vitruve.recipes.photo import PLACED
from vitruve.recipes.run import Run, TermConfig
from vitruve.recipes.sources.pictures import PicturesSourceConfig
from vitruve.skeletons import Skeleton, merge, merge_alike, skeleton
from vitruve.training import TrainConfig

PREFIX = "acae.studio.image"
SIDE_PX = 64
STRIDE = 8
BACKBONE = ResNetConfig(depths=(1, 1, 2), channels=(32, 64, 128))
"""For pictures of 64 pixels on a CPU: 8 x 8 cells."""
AUGMENT = AugmentConfig(side_px=SIDE_PX)
HELPER = Autoencoder(48)
BRIDGE = f"runs/{PREFIX}.bridge.{HELPER.name}.safetensors"
"""Where the fitted autoencoder is looked for."""
_EACH = merge(tuple(map(skeleton, FORMATS)), "formats_15")
_ALIKE = merge_alike(tuple(map(skeleton, FORMATS)), "formats_15_alike")
_TRAIN = TrainConfig(
    steps=2_400,
    batch_size=30,
    learning_rate=1e-3,
    warmup_steps=200,
    ema_decay=0.995,
    log_every=50,
    checkpoint_every=200,
    evaluate_every=500,
    precision="bf16-auto",
)
_TUNE = replace(_TRAIN, steps=1_200, learning_rate=3e-4)
_CONSISTENT = {"consistency": TermConfig("consistency", ConsistencyConfig(BRIDGE))}
_TAUGHT = {"teacher": TermConfig("teacher", TeacherConfig(), start_step=500)}


def _run(variant: str, says: Skeleton, terms: dict[str, TermConfig], train: TrainConfig) -> Run:
    name = f"{PREFIX}.{variant}"
    return Run(
        "metric_scale",
        MetricScaleConfig(says, backbone_config=BACKBONE, stride=STRIDE, side_px=SIDE_PX),
        "pictures",
        PicturesSourceConfig(says, FORMATS, OneFormatEachConfig(), AUGMENT),
        terms,
        replace(train, out=f"runs/{name}"),
        f"Pictures of {SIDE_PX} pixels to {len(FORMATS)} formats, each learnt from other people of "
        f"Studio; {variant}.",
    )


def _by_latents(variant: str, direct: bool, terms: dict[str, TermConfig]) -> Run:
    config = LatentMetricScaleConfig(
        _EACH,
        backbone_config=BACKBONE,
        stride=STRIDE,
        side_px=SIDE_PX,
        weak_updates=0,
        num_latents=HELPER.latents,
        bridge=BRIDGE,
        direct=direct,
    )
    run = _run(variant, _EACH, terms, _TUNE)
    return replace(run, estimator="latent_metric_scale", estimator_config=config)


ACAE_IMAGE_RUNS: dict[str, Run] = {
    f"{PREFIX}.separate": _run("separate", _EACH, PLACED, _TRAIN),
    f"{PREFIX}.merged": _run("merged", _ALIKE, PLACED, _TRAIN),
    f"{PREFIX}.separate_longer": _run("separate_longer", _EACH, PLACED, _TUNE),
    f"{PREFIX}.regularised": _run("regularised", _EACH, PLACED | _CONSISTENT, _TUNE),
    f"{PREFIX}.latent": _by_latents("latent", False, PLACED),
    f"{PREFIX}.hybrid": _by_latents("hybrid", True, PLACED | _TAUGHT),
}
"""Runs by name; all but the first two start from ``separate``."""
IMAGE_HELPERS = {f"{PREFIX}.{v}": HELPER for v in ("regularised", "latent", "hybrid")}
"""Which autoencoder a run is helped by; ``vitruve reproduce acae`` makes it."""

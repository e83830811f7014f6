"""The small image model: a picture of a person to joints in metres, in every common format.

A metric-scale net (MeTRAbs, https://arxiv.org/abs/2007.07227) that says the latent points of the
packaged bridge, of which it makes the joints of all formats (the latent variant of
https://arxiv.org/abs/2212.14474, section 3.4). It learns from Studio's people, whose joints are
known in all formats, so that the formats agree. Small enough to train on a processor.
"""

from vitruve.data.training_crops import AugmentConfig
from vitruve.estimators import LatentMetricScaleConfig
from vitruve.nets.res_net import ResNetConfig
from vitruve.objectives.absolute import AbsoluteConfig
from vitruve.objectives.keypoints import KeypointsConfig
from vitruve.objectives.mean_relative import MeanRelativeConfig
from vitruve.objectives.projection import ProjectionConfig
from vitruve.recipes.run import Run, TermConfig
from vitruve.recipes.sources.pictures import PicturesSourceConfig
from vitruve.skeletons import merge, skeleton
from vitruve.training import TrainConfig

FORMATS = (
    "h36m_17", "h36m_25", "mpi_inf_3dhp_17", "coco_17", "coco_19", "openpose_25", "halpe_26",
    "mpii_16", "posetrack18_17", "lsp_14", "smpl_24", "3dpw_18", "umpm_15", "humaneva_15",
    "aspset_17", "jrdb_17", "vitruve_19",
)  # fmt: skip
"""Formats of the packaged bridge of which Studio's body has every joint; the others follow from
these by the bridge."""
SIDE_PX = 128
STRIDE = 16
BACKBONE = ResNetConfig(depths=(1, 2, 3), channels=(32, 96, 192), stem=7)
"""For pictures of 128 pixels on a CPU: 8 x 8 cells."""
AUGMENT = AugmentConfig(side_px=SIDE_PX)
PLACED = {
    "shape": TermConfig("mean_relative", MeanRelativeConfig()),
    "picture": TermConfig("projection", ProjectionConfig()),
    "points": TermConfig("keypoints", KeypointsConfig(), weight=1.5),
    "place": TermConfig("absolute", AbsoluteConfig(), weight=0.1, start_step=500),
}
"""As MeTRAbs, whose answer takes the picture's points in where this one trains them by a term of
their own."""
_ALL = merge(tuple(map(skeleton, FORMATS)), "formats_17")
_NAME = "photo.studio.image.small"

PHOTO_RUNS: dict[str, Run] = {
    _NAME: Run(
        "latent_metric_scale",
        LatentMetricScaleConfig(_ALL, backbone_config=BACKBONE, stride=STRIDE, side_px=SIDE_PX),
        "pictures",
        PicturesSourceConfig(_ALL, FORMATS, augment=AUGMENT),
        PLACED,
        TrainConfig(
            steps=10_000,
            batch_size=32,
            learning_rate=1e-3,
            warmup_steps=200,
            ema_decay=0.998,
            log_every=50,
            checkpoint_every=200,
            evaluate_every=500,
            out=f"runs/{_NAME}",
        ),
        f"Pictures of {SIDE_PX} pixels to placed joints in {len(FORMATS)} formats, by the latents "
        "of the packaged bridge; Studio's people.",
    )
}
"""Runs by name."""

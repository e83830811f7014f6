"""One model, every skeleton, as lifters: the affine-combining autoencoder's variants.

Sárándi et al., "Learning 3D human pose estimation from dozens of datasets using a geometry-aware
autoencoder to bridge between skeleton formats", WACV 2023, https://arxiv.org/abs/2212.14474, on
motion instead of pictures: as many datasets as formats, each labelled in its own
(``data.corpora.one_format_each``), and a truth in all of them to measure with. Runs are
``acae.motion.lifter.VARIANT`` of 15 formats, and ``acae.motion_8`` and ``acae.motion_3`` of fewer.
``separate`` says every format by itself and comes first; its answers are what the autoencoder is
fitted to (``vitruve reproduce acae`` does all of it); the others go on from its weights.
``separate_longer`` is as long as both together; ``regularised_3`` and so on weigh the consistency.
"""

from dataclasses import dataclass, replace
from typing import Any, Literal

from vitruve.data.corpora.one_format_each import FORMATS
from vitruve.estimators import LatentLifterConfig, LifterConfig
from vitruve.nets import SimpleBaselineConfig
from vitruve.objectives.absolute import AbsoluteConfig
from vitruve.objectives.consistency import ConsistencyConfig
from vitruve.objectives.mean_relative import MeanRelativeConfig
from vitruve.objectives.projection import ProjectionConfig
from vitruve.objectives.teacher import TeacherConfig
from vitruve.recipes.run import Run, TermConfig
from vitruve.recipes.sources.formats import FormatsSourceConfig
from vitruve.skeletons import Skeleton, merge, merge_alike, skeleton
from vitruve.training import TrainConfig

FAMILIES = {"acae.motion": (15, 48), "acae.motion_8": (8, 32), "acae.motion_3": (3, 20)}
"""How many formats there are, the first ones, and how many latent points."""
_KEYPOINTS = skeleton("coco_17")


@dataclass(frozen=True)
class Autoencoder:
    """What holds a run's formats together."""

    latents: int
    """Latent points."""
    fitted_to: Literal["answers", "truth"] = "answers"
    """What the initial model says, as published; or, ours, the corpus' own joints, which only
    bodies have in every format at once."""
    chirality: bool = True
    """Sides of the body stay sides."""

    @property
    def name(self) -> str:
        """Part of its file's name."""
        chirality = "" if self.chirality else "_free"
        return f"{self.fitted_to}_{self.latents}{chirality}"


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
_TAUGHT = {"teacher": TermConfig("teacher", TeacherConfig(), start_step=500)}


@dataclass(frozen=True)
class _Family:
    """The runs of one set of formats."""

    prefix: str
    formats: tuple[str, ...]
    latents: int

    def runs(self) -> dict[str, tuple[Run, Autoencoder | None]]:
        """Runs by the variant's name, each with what it is helped by."""
        each, alike = (
            make(tuple(map(skeleton, self.formats)), f"formats_{len(self.formats)}{suffix}")
            for make, suffix in ((merge, ""), (merge_alike, "_alike"))
        )
        usual = Autoencoder(self.latents)
        runs = {
            "separate": (self._run("separate", each, _PLACED, _TRAIN), None),
            "merged": (self._run("merged", alike, _PLACED, _TRAIN), None),
            "separate_longer": (self._run("separate_longer", each, _PLACED, _TUNE), None),
            "regularised": self._regularised("regularised", each, usual),
            "latent": (self._by_latents("latent", each, False, _PLACED), usual),
            "hybrid": (self._by_latents("hybrid", each, True, _PLACED | _TAUGHT), usual),
        }
        if self.formats == FORMATS:
            for weight in (3.0, 10.0, 30.0):
                name = f"regularised_{weight:.0f}"
                runs[name] = self._regularised(name, each, usual, weight)
            for name, helper in _HELPERS.items():
                runs[name] = self._regularised(name, each, helper, 10.0)
        return runs

    def _regularised(
        self, variant: str, says: Skeleton, helper: Autoencoder, weight: float = 1.0
    ) -> tuple[Run, Autoencoder]:
        config = ConsistencyConfig(self._file(helper))
        consistent = TermConfig("consistency", config, weight)
        terms = _PLACED | {"consistency": consistent}
        return self._run(variant, says, terms, _TUNE), helper

    def _file(self, helper: Autoencoder) -> str:
        return f"runs/{self.prefix}.lifter.bridge.{helper.name}.safetensors"

    def _run(
        self, variant: str, says: Skeleton, terms: dict[str, TermConfig], train: TrainConfig
    ) -> Run:
        return Run(
            "lifter",
            LifterConfig(skeleton=says, normaliser="root_view", **_net(says.num_joints)),
            "formats",
            FormatsSourceConfig(says, self.formats),
            terms,
            replace(train, out=f"runs/{self.prefix}.lifter.{variant}"),
            f"SimpleBaseline from coco_17 into {len(self.formats)} formats, each learnt from other "
            f"people (CMU motion on synthetic bodies); {variant}.",
        )

    def _by_latents(
        self, variant: str, says: Skeleton, direct: bool, terms: dict[str, TermConfig]
    ) -> Run:
        run = self._run(variant, says, terms, _TUNE)
        points = self.latents + (says.num_joints if direct else 0)
        config = LatentLifterConfig(
            skeleton=says,
            normaliser="root_view",
            num_latents=self.latents,
            bridge=self._file(Autoencoder(self.latents)),
            direct=direct,
            **_net(points),
        )
        return replace(run, estimator="latent_lifter", estimator_config=config)


def _net(joints: int) -> dict[str, Any]:
    config = SimpleBaselineConfig(_KEYPOINTS.num_joints, joints, width=512, dropout=0.1)
    return {
        "keypoint_skeleton": _KEYPOINTS,
        "net": "simple_baseline",
        "net_config": config,
        "places": True,
    }


_HELPERS = {
    "latents_16": Autoencoder(16),
    "latents_24": Autoencoder(24),
    "latents_64": Autoencoder(64),
    "free": Autoencoder(48, chirality=False),
    "truth": Autoencoder(48, "truth"),
}
"""Ablations of the autoencoder, all in ``regularised_10``."""
_ALL = {
    f"{prefix}.lifter.{variant}": pair
    for prefix, (count, latents) in FAMILIES.items()
    for variant, pair in _Family(prefix, FORMATS[:count], latents).runs().items()
}
ACAE_RUNS: dict[str, Run] = {name: run for name, (run, _) in _ALL.items()}
"""Runs by name; all but ``separate`` and ``merged`` start from ``separate`` of their formats."""
HELPERS: dict[str, Autoencoder] = {name: helper for name, (_, helper) in _ALL.items() if helper}
"""Which autoencoder a run is helped by; ``vitruve reproduce acae`` makes it."""

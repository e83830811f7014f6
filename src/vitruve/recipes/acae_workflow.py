"""The whole way of the affine-combining autoencoder: every arrow a file, so that it goes on there.

Section 3 of Sárándi et al., WACV 2023, https://arxiv.org/abs/2212.14474: an initial model that says
every format by itself -> its answers in all formats on the same people (pseudo-truth) -> the
autoencoder of them -> models that go on from the first with its help -> a table.

Axes: b examples, j joints.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import torch
from rich.console import Console

from vitruve.data.corpora.one_format_each import Moments
from vitruve.data.corpora.parallel import ParallelCorpus, read_corpus, write_corpus
from vitruve.data.lifting.batches import step_generator
from vitruve.data.studio.crops import StudioCrops, joints_in_formats
from vitruve.data.studio.reader import Studio
from vitruve.data.training_crops import Augmenter, crops_batch, pictures_alone
from vitruve.estimators import Estimator, load_estimator, predict_flipped
from vitruve.estimators.bridge import BridgeConfig, fit_bridge
from vitruve.nets.bridge_file import write_bridge
from vitruve.objectives.consistency import ConsistencyConfig
from vitruve.recipes.acae import ACAE_RUNS, HELPERS, Autoencoder
from vitruve.recipes.acae_images import ACAE_IMAGE_RUNS, IMAGE_HELPERS
from vitruve.recipes.run import Run
from vitruve.recipes.sources.pictures import PicturesSourceConfig, studio_folder
from vitruve.skeletons import skeleton

RUNS = ACAE_RUNS | ACAE_IMAGE_RUNS
"""Lifters, and image models."""
_ALL_HELPERS = HELPERS | IMAGE_HELPERS

FIRST = "separate"
"""Variant whose answers the autoencoder is fitted to, and from which others go on."""
ALONE = (FIRST, "merged")
"""Variants that start from nothing."""
_PSEUDO_SEED = 30_000
_MOMENTS = 256
_PICTURES = 4096
"""Of Studio that pseudo-truth is made of, at most."""
_HELD_OUT = 0.1
Tell = Callable[[str], None]


@dataclass(frozen=True)
class Workflow:
    """One seed of all runs in one folder."""

    data: Path
    """What to learn from: a parallel corpus in the world frame, or pictures of Studio."""
    out: Path
    """Folder of the trainings and of what lies between them."""
    seed: int = 0
    """Of every training and of the autoencoder."""
    steps: int | None = None
    """Updates of every training and of the autoencoder; the recipes' if None."""
    runs: Mapping[str, Run] = field(default_factory=lambda: RUNS)
    """What there is to train, by name."""

    def go(self, names: tuple[str, ...], console: Console, tell: Tell) -> Iterator[str]:
        """Train runs and whatever they need that is not there yet.

        Yields:
            The name of each run whose estimator is there.

        Raises:
            OSError: The corpus is missing, or a file cannot be written.
            ValueError: The corpus is damaged, or a folder holds another run.
        """
        for name in names:
            self._train(name, console, tell)
            yield name

    def estimator(self, name: str) -> Path:
        """File of a trained run."""
        return self._folder(name) / "estimator.safetensors"

    def bridge(self, name: str) -> Path:
        """File of the autoencoder that helps a run."""
        family, helper = name.rpartition(".")[0], _ALL_HELPERS[name]
        return self.out / f"{family}.bridge.{helper.name}.seed{self.seed}.safetensors"

    def pseudo_truth(self, name: str) -> Path:
        """File of what the initial model of the same formats answers."""
        return self.out / f"{name.rpartition('.')[0]}.pseudo_truth.seed{self.seed}.npz"

    def _folder(self, name: str) -> Path:
        return self.out / f"{name}.seed{self.seed}"

    def _train(self, name: str, console: Console, tell: Tell) -> None:
        if self.estimator(name).exists():
            return
        family, _, variant = name.rpartition(".")
        first = f"{family}.{FIRST}"
        if variant not in ALONE:
            self._train(first, console, tell)
        run = self.runs[name]
        if name in _ALL_HELPERS:
            self._make_bridge(name, first, tell)
            run = with_bridge(run, str(self.bridge(name)))
        tell(f"{name}: training")
        steps = run.train.steps if self.steps is None else self.steps
        train = replace(run.train, steps=steps, seed=self.seed, out=str(self._folder(name)))
        initial = None if variant in ALONE else self.estimator(first)
        replace(run, train=train).start(self.data, console, initial=initial)

    def _make_bridge(self, name: str, first: str, tell: Tell) -> None:
        if self.bridge(name).exists():
            return
        helper = _ALL_HELPERS[name]
        corpus = self._corpus(helper, first, tell)
        tell(f"autoencoder {helper.name}: fit")
        parts = corpus.hold_out(_HELD_OUT, self.seed)
        config = BridgeConfig(helper.latents, seed=self.seed, chirality=helper.chirality)
        if self.steps is not None:
            config = replace(config, steps=self.steps)
        write_bridge(fit_bridge(*parts, config), self.bridge(name))

    def _corpus(self, helper: Autoencoder, first: str, tell: Tell) -> ParallelCorpus:
        """What an autoencoder is fitted to."""
        source, file = self.runs[first].source_config, self.pseudo_truth(first)
        if helper.fitted_to == "truth":
            return read_corpus(self.data).only(source.formats)
        if not file.exists():
            tell("pseudo-truth: answers of the initial model")
            model = load_estimator(self.estimator(first))
            if isinstance(source, PicturesSourceConfig):
                said = picture_answers(model, self.data, source)
            else:
                corpus = read_corpus(self.data).only(source.formats)
                said = answers(model, corpus, source.datasets.keypoints)
            write_corpus(said, file)
        return read_corpus(file)


def with_bridge(run: Run, bridge: str) -> Run:
    """The run with another file of the autoencoder, where it takes one."""
    config: Any = run.estimator_config
    if hasattr(config, "bridge"):
        config = replace(config, bridge=bridge)
    terms = {
        name: replace(term, config=ConsistencyConfig(bridge))
        if isinstance(term.config, ConsistencyConfig)
        else term
        for name, term in run.terms.items()
    }
    return replace(run, estimator_config=config, terms=terms)


@torch.no_grad()
def answers(first: Estimator, corpus: ParallelCorpus, keypoints: str) -> ParallelCorpus:
    """What an estimator says in every format of every moment, mean of both mirror images.

    Camera axes, relative to the root.
    """
    first.eval()
    moments, said = Moments(corpus, keypoints), []
    for number, rows in enumerate(torch.arange(len(corpus.joints)).split(_MOMENTS)):
        batch = moments.see(rows, step_generator(_PSEUDO_SEED, number))
        said.append(predict_flipped(first, batch).joints_cam[:, 0, 0].float())
    joints = torch.cat(said)
    return replace(corpus, joints=joints, valid=torch.ones(joints.shape[:2]).bool(), frame="camera")


@torch.no_grad()
def picture_answers(first: Estimator, data: Path, source: PicturesSourceConfig) -> ParallelCorpus:
    """What an image model says in every format of pictures that it learned from; as `answers`."""
    first.eval()
    studio = Studio(studio_folder(data), "train")
    formats = tuple(map(skeleton, source.formats))
    crops = StudioCrops(studio, joints_in_formats(studio, formats))
    count = min(len(crops), _PICTURES)
    numbers = torch.arange(count) * len(crops) // count
    plain, still, said = Augmenter(source.augment.plain()), torch.Generator(), []
    for rows in numbers.split(_MOMENTS):
        batch = crops_batch([plain(crops[n], still) for n in rows.tolist()], crops.skeleton)
        shown = pictures_alone(batch, first.keypoint_skeleton)
        said.append(predict_flipped(first, shown).joints_cam[:, 0, 0].float())
    joints = torch.cat(said)
    valid = torch.ones(joints.shape[:2], dtype=torch.bool)
    scene = torch.from_numpy(studio.column("scene").astype("int64"))
    return ParallelCorpus(formats, joints, valid, scene[numbers], "camera")

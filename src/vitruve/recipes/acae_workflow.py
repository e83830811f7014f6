"""The whole way of the affine-combining autoencoder: every arrow a file, so that it goes on there.

Section 3 of Sárándi et al., WACV 2023, https://arxiv.org/abs/2212.14474: an initial model that says
every format by itself -> its answers in all formats on the same people (pseudo-truth) -> the
autoencoder of them -> models that go on from the first with its help -> a table.

Axes: b examples, j joints.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from rich.console import Console

from vitruve.data.lifting import step_generator
from vitruve.data.one_format_each import Moments
from vitruve.data.parallel_corpus import ParallelCorpus, read_corpus, write_corpus
from vitruve.estimators import Estimator, load_estimator, predict_flipped
from vitruve.estimators.bridge import BridgeConfig, fit_bridge
from vitruve.nets.bridge_file import write_bridge
from vitruve.objectives.consistency import ConsistencyConfig
from vitruve.recipes.acae import ACAE_RUNS, LATENTS, PREFIX
from vitruve.recipes.run import Run

FIRST = f"{PREFIX}.separate"
ALONE = (FIRST, f"{PREFIX}.merged")
"""Runs that start from nothing."""
_PSEUDO_SEED = 30_000
_MOMENTS = 256
_HELD_OUT = 0.1
Tell = Callable[[str], None]


@dataclass(frozen=True)
class Workflow:
    """One seed of all runs in one folder."""

    data: Path
    """Parallel corpus to learn from, in the world frame."""
    out: Path
    """Folder of the trainings and of what lies between them."""
    seed: int = 0
    """Of every training and of the autoencoder."""
    steps: int | None = None
    """Updates of every training and of the autoencoder; the recipes' if None."""

    def go(self, names: tuple[str, ...], console: Console, tell: Tell) -> Iterator[str]:
        """Train runs and whatever they need that is not there yet.

        Yields:
            The name of each run whose estimator is there.

        Raises:
            OSError: The corpus is missing, or a file cannot be written.
            ValueError: The corpus is damaged, or a folder holds another run.
        """
        for name in names:
            if name not in ALONE:
                self._make_bridge(console, tell)
            self._train(name, console, tell)
            yield name

    def estimator(self, name: str) -> Path:
        """File of a trained run."""
        return self._folder(name) / "estimator.safetensors"

    @property
    def bridge(self) -> Path:
        """File of the autoencoder."""
        return self.out / f"bridge.seed{self.seed}.safetensors"

    @property
    def pseudo_truth(self) -> Path:
        """File of the initial model's answers."""
        return self.out / f"pseudo_truth.seed{self.seed}.npz"

    def _folder(self, name: str) -> Path:
        return self.out / f"{name}.seed{self.seed}"

    def _train(self, name: str, console: Console, tell: Tell) -> None:
        if self.estimator(name).exists():
            return
        tell(f"{name}: training")
        run = with_bridge(ACAE_RUNS[name], str(self.bridge))
        steps = run.train.steps if self.steps is None else self.steps
        train = replace(run.train, steps=steps, seed=self.seed, out=str(self._folder(name)))
        initial = None if name in ALONE else self.estimator(FIRST)
        replace(run, train=train).start(self.data, console, initial=initial)

    def _make_bridge(self, console: Console, tell: Tell) -> None:
        if self.bridge.exists():
            return
        if not self.pseudo_truth.exists():
            self._train(FIRST, console, tell)
            tell("pseudo-truth: answers of the initial model")
            source = ACAE_RUNS[FIRST].source_config
            corpus = read_corpus(self.data).only(source.formats)
            first = load_estimator(self.estimator(FIRST))
            write_corpus(answers(first, corpus, source.datasets.keypoints), self.pseudo_truth)
        tell("autoencoder: fit to the pseudo-truth")
        parts = read_corpus(self.pseudo_truth).hold_out(_HELD_OUT, self.seed)
        config = BridgeConfig(LATENTS, seed=self.seed)
        if self.steps is not None:
            config = replace(config, steps=self.steps)
        write_bridge(fit_bridge(*parts, config), self.bridge)


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

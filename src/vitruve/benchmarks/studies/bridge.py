"""What a learned bridge gains over rules: the distance of converted joints, by pair of formats.

Needs people given in several formats at once that the bridge has not learned from. Means are over
joints and moments; means over pairs weigh every pair alike.
"""

import statistics
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from vitruve.benchmarks.studies.figure import panels
from vitruve.benchmarks.studies.study import Finding, Material, Study
from vitruve.data.corpora.parallel import ParallelCorpus, read_corpus
from vitruve.estimators.bridge import direct_conversion
from vitruve.nets.bridge_file import read_bridge
from vitruve.skeletons import Conversion, conversion

EVERY = "every"
_OF_THE_FIT = ("cpu_seconds", "reconstruction_mm")
MOST_MM = 80.0
"""Where the colours of the picture end."""


@dataclass(frozen=True)
class BridgeStudyConfig:
    """Millimetres of converted joints, a learned bridge against rules, by pair of formats."""

    corpus: str = "bridge_test.npz"
    """Parallel corpus, .npz, of people that the bridge has not learned from; docs/bridge.md."""
    bridge: str = "default"
    """The bridge: a file, or ``default`` for the one that comes with the package."""
    learn: str = ""
    """Corpus to fit weights of each pair by themselves on, to compare with; not done if empty."""
    formats: tuple[str, ...] = ()
    """Only these formats; all that bridge and corpus share if none is named."""


class BridgeStudy(Study):
    """One row for each ordered pair, one for each source, one for all."""

    needs_weights = False
    needs_motion = False
    table = "bridge"
    columns = (
        "rules_mm", "learned_mm", "rules_inexact_mm", "learned_inexact_mm", "direct_inexact_mm",
        "learned_alone_mm",
        "rules_joints", "learned_joints", "joints",
    )  # fmt: skip

    def __init__(self, config: BridgeStudyConfig) -> None:
        self.config = config

    @property
    def data(self) -> str:
        """What it measures on."""
        return Path(self.config.corpus).stem

    def measure(self, material: Material) -> Iterator[Finding]:
        """Measure pair by pair, then means.

        Raises:
            ValueError: Bridge and corpus share fewer than two formats, or a file is damaged.
            OSError: A file is missing.
        """
        del material
        corpus, bridge = read_corpus(self.config.corpus), read_bridge(self.config.bridge)
        wanted = self.config.formats or tuple(one.name for one in corpus.formats)
        known = {one.name for one in bridge.formats}
        formats = [one for one in corpus.formats if one.name in known & set(wanted)]
        if len(formats) < 2:
            raise ValueError(
                f"{self.config.corpus} and the bridge share {len(formats)} of the formats wanted; "
                f"two or more are needed. The bridge has {', '.join(sorted(known))}"
            )
        learn = read_corpus(self.config.learn) if self.config.learn else None
        every: list[dict[str, float | int]] = []
        for source in formats:
            pairs = []
            for target in formats:
                if source == target:
                    continue
                metrics = _compare(corpus, bridge.conversion(source, target), learn)
                pairs.append(metrics)
                yield _finding(source.name, target.name, metrics)
            every += pairs
            yield _finding(source.name, EVERY, _means(pairs))
        cost = {k: v for k, v in bridge.about.items() if k in _OF_THE_FIT}
        yield _finding(EVERY, EVERY, _means(every) | cost)

    def draw(self, findings: Sequence[Finding]) -> Any:
        """Joints that are not exact: rules and the bridge, a square for each pair."""
        rows = [row for finding in findings for row in finding.rows if EVERY not in row.values()]
        names = list(dict.fromkeys(row["source"] for row in rows))
        figure, axes = panels(1, 2, width=9.2, height=1.6 + 0.2 * len(names))
        shown = None
        for one, kind in zip(axes, ("rules", "learned"), strict=True):
            table = torch.full((len(names), len(names)), torch.nan)
            for row in rows:
                place = names.index(row["source"]), names.index(row["target"])
                table[place] = row.get(f"{kind}_inexact_mm", torch.nan)
            shown = one.imshow(table.numpy(), cmap="YlOrRd", vmin=0.0, vmax=MOST_MM)
            one.set_title(f"{kind}, from (down) to (across)")
            one.set_xticks(range(len(names)), names, rotation=90)
            one.set_yticks(range(len(names)), names if kind == "rules" else [])
            one.grid(visible=False)
            one.tick_params(length=0)
        figure.colorbar(
            shown,
            ax=axes,
            shrink=0.8,
            label="mean distance of joints that are not exact (mm)",
            extend="max",
        )
        return figure


def _finding(source: str, target: str, metrics: dict[str, float | int]) -> Finding:
    row = {"source": source, "target": target, **metrics}
    return Finding(f"{source}.{target}", metrics, [row])


def _compare(
    corpus: ParallelCorpus, learned: Conversion, learn: ParallelCorpus | None
) -> dict[str, float | int]:
    """Millimetres over joints that both convert, over those that are not exact, and the rest."""
    rules = conversion(learned.source, learned.target)
    truth = corpus.valid[:, corpus.part(rules.target.name)]
    by_rules, ruled = _distance_mm(corpus, rules)
    by_bridge, bridged = _distance_mm(corpus, learned)
    both, inexact = ruled & bridged, torch.tensor([q != "exact" for q in rules.quality])
    found = {
        "rules_mm": by_rules[both],
        "learned_mm": by_bridge[both],
        "rules_inexact_mm": by_rules[both & inexact],
        "learned_inexact_mm": by_bridge[both & inexact],
        "learned_alone_mm": by_bridge[bridged & ~ruled],
    }
    if learn is not None:
        found["direct_inexact_mm"] = _distance_mm(corpus, direct_conversion(learn, learned))[0][
            both & inexact
        ]
    counts = {
        "rules_joints": int(ruled.any(0).sum()),
        "learned_joints": int(bridged.any(0).sum()),
        "joints": int(truth.any(0).sum()),
    }
    return {k: v.mean().item() for k, v in found.items() if len(v)} | counts


def _distance_mm(
    corpus: ParallelCorpus, there: Conversion
) -> tuple[Float[Tensor, "n k"], Bool[Tensor, "n k"]]:
    source, target = corpus.part(there.source.name), corpus.part(there.target.name)
    said, valid = there.apply(corpus.joints[:, source].double(), corpus.valid[:, source])
    distance = torch.linalg.vector_norm(said - corpus.joints[:, target].double(), dim=-1)
    return 1000 * distance, valid & corpus.valid[:, target]


def _means(pairs: Sequence[dict[str, float | int]]) -> dict[str, float | int]:
    """The mean over the pairs that have a metric."""
    names = dict.fromkeys(name for metrics in pairs for name in metrics)
    return {n: statistics.fmean(m[n] for m in pairs if n in m) for n in names}

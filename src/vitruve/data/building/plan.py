"""What is to be built of a dataset, decided once and kept beside the shards until they are whole.

``plan.json`` holds settings, parts and usual bone lengths; ``selected/part-000012.npz`` which of a
part's examples are kept. Both name nothing but numbers, so every worker makes the same shards.
"""

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from functools import lru_cache
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from vitruve.data.datasets.cards import dataset_card
from vitruve.data.datasets.examples import Part
from vitruve.data.processing import CropConfig, SelectConfig, Selector, bone_lengths
from vitruve.data.processing.plausible import usual_lengths
from vitruve.data.readers import DATASETS
from vitruve.io.archive import load_json
from vitruve.io.atomic import atomic_path
from vitruve.io.errors import FileError

PLAN = "plan.json"
SELECTED = "selected"
MAX_PLAN_BYTES = 256 * 2**20
SURVEY_PARTS, SURVEY_EXAMPLES = 20, 200
"""Parts, and examples of each, that tell the usual bone lengths."""
EXACT = frozenset({"surreal"})
"""Rendered datasets whose bodies are as odd as their makers wanted: bones are not checked."""


@dataclass(frozen=True)
class BuildConfig:
    """Settings of a build; a build that was begun goes on with the same ones only."""

    dataset: str
    root: str
    split: str = ""
    skeleton: str = ""
    """Format of the labels, for datasets that have several; the card's first where empty."""
    select: SelectConfig = field(default_factory=SelectConfig)
    crop: CropConfig = field(default_factory=CropConfig)
    jpeg_quality: int = 95
    shard_examples: int = 1000
    """Examples of a shard, about: videos are not split."""
    skip_broken: bool = False
    """Leave out pictures that are missing, damaged, or of another size, instead of stopping."""


@dataclass(frozen=True, eq=False)
class Plan:
    """Settings, and what follows from them and from the folder."""

    config: BuildConfig
    parts: tuple[Part, ...]
    skeleton: str
    usual: np.ndarray | None
    """(j,) usual bone lengths, metres; None where bones are not checked."""


@dataclass(frozen=True)
class Shard:
    """What goes into one shard."""

    number: int
    pieces: tuple[tuple[int, int, int], ...]
    """Number of a part, and from which to which of its kept examples."""


def make_plan(out: Path, config: BuildConfig) -> Plan:
    """The plan of a folder, made now if it has none.

    Raises:
        KeyError: There is no such dataset.
        FileNotFoundError: The dataset is not in its folder.
        ValueError: The folder was begun with other settings.
    """
    path = out / PLAN
    if path.is_file():
        read_plan.cache_clear()
        plan = read_plan(out)
        _refuse_other(out, asdict(plan.config), asdict(config))
        return plan
    card = dataset_card(config.dataset)
    skeleton = config.skeleton or card.skeletons[0]
    if skeleton not in card.skeletons:
        raise ValueError(f"{card.title} has no joints in {skeleton!r}, but {card.skeletons}")
    parts = DATASETS[config.dataset][0](Path(config.root), config.split or None)
    if not parts:
        raise FileNotFoundError(f"{config.root} has no part of split {config.split!r}")
    usual = None if config.dataset in EXACT else _survey(config.dataset, skeleton, parts)
    document = {
        "config": asdict(config),
        "parts": [[part.name, part.split] for part in parts],
        "skeleton": skeleton,
        "usual": None if usual is None else [None if np.isnan(v) else v for v in usual.tolist()],
    }
    out.mkdir(parents=True, exist_ok=True)
    (out / SELECTED).mkdir(exist_ok=True)
    with atomic_path(path) as temporary:
        temporary.write_text(json.dumps(document), "utf-8")
    read_plan.cache_clear()
    return read_plan(out)


@lru_cache(maxsize=2)
def read_plan(out: Path) -> Plan:
    """The plan that a folder was begun with.

    Raises:
        FileNotFoundError: There is none.
        FileError: It is damaged.
    """
    path = out / PLAN
    document = load_json(path, MAX_PLAN_BYTES)
    try:
        given = dict(document["config"])
        select, crop = SelectConfig(**given.pop("select")), CropConfig(**given.pop("crop"))
        config = BuildConfig(**given, select=select, crop=crop)
        parts = tuple(Part(Path(config.root), n, s) for n, s in document["parts"])
        usual = document["usual"]
        usual = None if usual is None else np.array(usual, dtype=np.float64)
        return Plan(config, parts, str(document["skeleton"]), usual)
    except (KeyError, TypeError, ValueError) as error:
        raise FileError(f"{path} is damaged: {error!r}; remove it to begin anew") from None


def select_part(out: Path, number: int) -> Counter[str]:
    """Decide which examples of a part are kept, and write their numbers down.

    Returns:
        How many were read, kept and left out.

    Raises:
        OSError: A file is missing or cannot be written.
        ValueError: The labels are damaged or of another layout.
    """
    plan = read_plan(out)
    path = selected_path(out, number)
    if path.is_file():
        return read_selected(out, number)[2]
    selector = Selector(plan.config.select, plan.skeleton, plan.usual)
    kept, still = [], True
    for at, example in enumerate(DATASETS[plan.config.dataset][1](plan.parts[number])):
        still &= example.video_frame is None
        if selector.keep(example):
            kept.append(at)
    counts = json.dumps(dict(selector.counts))
    with atomic_path(path) as temporary, temporary.open("wb") as file:
        np.savez(file, kept=np.array(kept, np.int64), still=still, counts=np.array(counts))
    return selector.counts


def read_selected(out: Path, number: int) -> tuple[np.ndarray, bool, Counter[str]]:
    """Kept examples of a part, whether they are single pictures, and the counts.

    Raises:
        FileError: The file is damaged.
        FileNotFoundError: The part was not gone through yet.
    """
    path = selected_path(out, number)
    try:
        with np.load(path, allow_pickle=False) as archive:
            counts = Counter(json.loads(str(archive["counts"])))
            return archive["kept"], bool(archive["still"]), counts
    except FileNotFoundError:
        raise
    # numpy raises a dozen kinds on damaged archives.
    except Exception as error:
        raise FileError(f"{path} is damaged: {error}; remove it, then go on") from error


def selected_path(out: Path, number: int) -> Path:
    """Where a part's selection is."""
    return out / SELECTED / f"part-{number:06d}.npz"


def group_shards(kept: Sequence[int], still: Sequence[bool], size: int) -> list[Shard]:
    """Parts in shards: small ones together; one of many single pictures in several.

    Args:
        kept: Examples of each part.
        still: Whether they are single pictures, which may be parted.
        size: Examples of a shard, about.
    """
    shards: list[tuple[tuple[int, int, int], ...]] = []
    pieces: list[tuple[int, int, int]] = []
    held = 0
    for part, (count, may_split) in enumerate(zip(kept, still, strict=True)):
        start = 0
        while start < count:
            stop = min(count, start + size - held) if may_split else count
            pieces.append((part, start, stop))
            held += stop - start
            start = stop
            if held >= size:
                shards.append(tuple(pieces))
                pieces, held = [], 0
    if pieces:
        shards.append(tuple(pieces))
    return [Shard(number, its) for number, its in enumerate(shards)]


def _survey(dataset: str, skeleton: str, parts: list[Part]) -> np.ndarray | None:
    """Usual bone lengths over some examples of some parts; None without 3D."""
    chosen = np.linspace(0, len(parts) - 1, min(len(parts), SURVEY_PARTS)).astype(int)
    lengths = [
        bone_lengths(example.joints_cam, example.valid, example.skeleton)
        for number in np.unique(chosen)
        for example in islice(DATASETS[dataset][1](parts[number]), SURVEY_EXAMPLES)
        if example.joints_cam is not None and example.skeleton.name == skeleton
    ]
    return usual_lengths(np.stack(lengths)) if lengths else None


def _refuse_other(out: Path, begun: Any, now: Any, where: str = "") -> None:
    if isinstance(begun, dict):
        for key, value in begun.items():
            _refuse_other(out, value, now[key], f"{where}.{key}".lstrip("."))
    elif begun != now:
        raise ValueError(
            f"{out} was begun with {where} {begun!r}, now it is {now!r}: go on with the same "
            "settings, or build into another folder"
        )

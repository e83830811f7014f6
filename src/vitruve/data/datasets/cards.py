"""Cards of the datasets pictures are trained on: where each is, on what terms, and what is in it.

The table is ``cards.toml``. It holds the 28 datasets with 3D labels and the four with 2D labels of
Sarandi et al., WACV 2023 (arXiv:2212.14474, table 1; quotas of table S1), 3DPW, and two with masks
on which X as Supervision is shown (arXiv:2411.13026).
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, fields
from functools import cache
from pathlib import Path
from typing import Any, Literal

CARDS = Path(__file__).with_name("cards.toml")
GROUPS = ("markerless", "markers", "synthetic", "2d", "evaluation", "masks")
COMMERCIAL = ("yes", "no", "unknown")
LEVELS = ("small", "medium", "full")
"""The paper's three combinations of datasets: 3, 14 and 28 of them."""
Level = Literal["small", "medium", "full"]


@dataclass(frozen=True)
class DatasetCard:
    """What must be known of a dataset before it is used."""

    name: str
    title: str
    group: str
    """How the labels were made: one of `GROUPS`."""
    page: str
    """Official page."""
    paper: str
    licence: str
    """Our reading in one line; theirs alone counts."""
    commercial: str
    """Whether it may be used commercially: yes, no, or unknown."""
    get: str
    """How to get it."""
    layout: str
    """Files of the official release."""
    layout_source: str
    """How the layout is known, and what of it was not established."""
    skeletons: tuple[str, ...]
    """Formats its joints are read in."""
    examples: int
    """Pictures of people that the paper kept of it; 0 where it states none."""
    people: str
    """Real people in it, as the paper counts them."""
    keypoints: int
    """Joints as the paper counts them."""
    cameras: str
    units: str
    """Of the release; what is read is in metres and pixels."""
    quirks: tuple[str, ...]
    """What a reader stumbles over."""
    quota: Mapping[str, int]
    """Examples in every batch at each of `LEVELS`; 0 where it is not part of the level."""


@cache
def dataset_cards(path: Path = CARDS) -> Mapping[str, DatasetCard]:
    """Every card by the name of its dataset.

    Raises:
        ValueError: The file is no TOML, or a field is missing, unknown, empty or not allowed.
    """
    try:
        document = tomllib.loads(path.read_text("utf-8"))
    except ValueError as error:
        raise ValueError(f"{path} is no TOML: {error}") from None
    return {name: _card(name, entry) for name, entry in document.items()}


def dataset_card(name: str) -> DatasetCard:
    """The card of one dataset.

    Raises:
        KeyError: There is no such dataset.
    """
    cards = dataset_cards()
    if name not in cards:
        raise KeyError(f"no dataset {name!r}; there are {', '.join(cards)}")
    return cards[name]


def quotas(level: Level = "full", weak: bool = True) -> dict[str, int]:
    """Examples of each dataset in a batch, as table S1 has them.

    Args:
        level: How many datasets.
        weak: The datasets with 2D labels too.
    """
    found = {name: card.quota[level] for name, card in dataset_cards().items()}
    is_2d = {name for name, card in dataset_cards().items() if card.group == "2d"}
    return {name: n for name, n in found.items() if n and (weak or name not in is_2d)}


def _card(name: str, entry: dict[str, Any]) -> DatasetCard:
    known = {f.name for f in fields(DatasetCard)} - {"name"}
    if wrong := sorted(known ^ set(entry)):
        raise ValueError(f"card {name!r}: fields missing or unknown: {', '.join(wrong)}")
    if empty := sorted(k for k, v in entry.items() if v in ("", [], {})):
        raise ValueError(f"card {name!r}: nothing in {', '.join(empty)}")
    for key, allowed in (("group", GROUPS), ("commercial", COMMERCIAL)):
        if entry[key] not in allowed:
            raise ValueError(f"card {name!r}: {key} {entry[key]!r}, allowed {', '.join(allowed)}")
    quota = entry["quota"]
    if tuple(quota) != LEVELS or any(not isinstance(n, int) or n < 0 for n in quota.values()):
        raise ValueError(f"card {name!r}: quota {quota} is not a number of each {LEVELS}")
    lists = {key: tuple(entry[key]) for key in ("skeletons", "quirks")}
    return DatasetCard(name=name, **{**entry, **lists})

"""``vitruve data list`` and ``vitruve data show NAME``: what datasets there are, on what terms."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import tyro

if TYPE_CHECKING:
    from vitruve.data.datasets.cards import DatasetCard

_COLUMNS = (
    "name",
    "people",
    "examples",
    "skeleton",
    "quota (small, medium, full)",
    "commercial use",
    "licence",
)


@dataclass(frozen=True)
class ListArguments:
    """Print the datasets that Vitruve knows, and the readers of motion."""

    markdown: bool = False
    """The datasets alone, as a Markdown table."""


@dataclass(frozen=True)
class ShowArguments:
    """Print a dataset's card: where it is, on what terms, what is in it."""

    name: Annotated[str, tyro.conf.Positional, tyro.conf.arg(metavar="NAME")]
    """As vitruve data list names it."""


def list_datasets(argv: list[str]) -> int:
    """Print a table of all cards, then the motion readers."""
    arguments = tyro.cli(ListArguments, prog="vitruve data list", args=argv)
    from vitruve.data import READERS
    from vitruve.data.datasets.cards import dataset_cards

    rows = [_row(card) for card in dataset_cards().values()]
    if arguments.markdown:
        print(markdown(rows))
        return 0
    print("datasets of pictures (vitruve data show NAME):\n")
    print(aligned([_COLUMNS, *rows]))
    print("\nreaders of motion (vitruve data build READER ROOT OUT):\n")
    print(aligned([(name, _first_line(read)) for name, read in READERS.items()]))
    return 0


def show_dataset(argv: list[str]) -> int:
    """Print one card.

    Raises:
        KeyError: There is no such dataset.
    """
    arguments = tyro.cli(ShowArguments, prog="vitruve data show", args=argv)
    from vitruve.data.datasets.cards import dataset_card

    print(_card_text(dataset_card(arguments.name)))
    return 0


def markdown(rows: Iterable[tuple[str, ...]]) -> str:
    """The cards as a Markdown table, with their columns' names."""
    lines = ["| " + " | ".join(row) + " |" for row in (_COLUMNS, *rows)]
    return "\n".join([lines[0], "|" + "---|" * len(_COLUMNS), *lines[1:]])


def aligned(rows: list[tuple[str, ...]]) -> str:
    """Rows with their columns under each other; the last one is as long as it is."""
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]) - 1)]
    return "\n".join(
        "  ".join([*(f"{cell:{w}}" for cell, w in zip(row[:-1], widths, strict=True)), row[-1]])
        for row in rows
    )


def _row(card: "DatasetCard") -> tuple[str, ...]:
    return (
        card.name,
        card.people,
        f"{card.examples:,}" if card.examples else "",
        " ".join(card.skeletons),
        " ".join(map(str, card.quota.values())),
        card.commercial,
        card.licence,
    )


def _card_text(card: "DatasetCard") -> str:
    quota = ", ".join(f"{n} ({level})" for level, n in card.quota.items())
    kept = f"{card.examples:,} kept by the paper" if card.examples else "not stated"
    facts = [
        ("page", card.page),
        ("paper", card.paper),
        ("licence", card.licence),
        ("commercial use", card.commercial),
        ("get it", card.get),
        ("labels", card.group),
        ("people", card.people),
        ("examples", kept),
        ("joints", f"{card.keypoints} in the paper; read as {' and '.join(card.skeletons)}"),
        ("cameras", card.cameras),
        ("units", f"{card.units}; read as metres and pixels"),
        ("in a batch", quota),
    ]
    quirks = "\n".join(f"  - {quirk}" for quirk in card.quirks)
    layout = "\n".join(f"  {line}" for line in card.layout.strip().splitlines())
    return (
        f"{card.title} ({card.name})\n\n{aligned(facts)}\n\n"
        f"layout, from {card.layout_source}:\n{layout}\n\nto know:\n{quirks}"
    )


def _first_line(read: Callable[..., object]) -> str:
    import inspect

    module = inspect.getmodule(read)
    return ((module and module.__doc__) or read.__doc__ or "").strip().splitlines()[0]

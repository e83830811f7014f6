"""How pictures of studies look: the viewer's colours on white, few lines, labels with units.

matplotlib is imported only when something is drawn; pictures go straight to files, no screen is
asked for.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal

from vitruve.io.atomic import atomic_path

DPI = 200
_COLOURS = ("#0b6fb0", "#c65a11", "#1f7a4d", "#7d4b9a", "#8a7412", "#a8403f", "#5d6570")
_MARKERS = "osD^vP"
_LINES = ("-", "--", ":", "-.")
TEXT, MUTED, _LINE = "#1d2127", "#69707a", "#dedbd3"
_STYLE: dict[Any, Any] = {
    "figure.facecolor": "white",
    "figure.dpi": DPI,
    "figure.constrained_layout.use": True,
    "savefig.dpi": DPI,
    "font.size": 9.0,
    "text.color": TEXT,
    "axes.labelcolor": TEXT,
    "axes.edgecolor": MUTED,
    "axes.linewidth": 0.6,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "axes.grid": True,
    "axes.titlesize": 9.0,
    "axes.titlelocation": "left",
    "grid.color": _LINE,
    "grid.linewidth": 0.6,
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "xtick.labelcolor": TEXT,
    "ytick.labelcolor": TEXT,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "legend.frameon": False,
    # The same picture is the same file, whoever draws it.
    "svg.hashsalt": "vitruve",
}


@dataclass(frozen=True)
class Look:
    """Colour, marker and line of the n-th thing in a picture, told apart without colour too."""

    number: int

    @property
    def colour(self) -> str:
        """Its colour."""
        return _COLOURS[self.number % len(_COLOURS)]

    @property
    def marker(self) -> str:
        """Its marker."""
        return _MARKERS[self.number % len(_MARKERS)]

    @property
    def line(self) -> dict[str, Any]:
        """Keywords of a line with markers."""
        style = _LINES[self.number // len(_COLOURS) % len(_LINES)]
        shape = {"marker": self.marker, "markersize": 4.0, "linestyle": style, "linewidth": 1.4}
        return {"color": self.colour, **shape}

    @property
    def dot(self) -> dict[str, Any]:
        """Keywords of a line's markers alone."""
        return {**self.line, "linestyle": "none"}


def check_plots(modules: Sequence[str] = ()) -> None:
    """Refuse to begin a study whose picture could not be drawn.

    Raises:
        ImportError: matplotlib, or one of ``modules``, is not installed.
    """
    if absent := [name for name in ("matplotlib", *modules) if find_spec(name) is None]:
        raise ImportError(
            f"studies draw pictures and need {absent[0]}: pip install 'vitruve[plots]'"
        )


@contextmanager
def house_style() -> Iterator[None]:
    """Everything drawn and saved inside looks like the house."""
    import matplotlib as mpl

    with mpl.rc_context(_STYLE):
        yield


def panels(rows: int, columns: int, width: float = 7.2, height: float = 3.4) -> tuple[Any, Any]:
    """A figure and its axes (an array where there are several); inches."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height))
    return figure, figure.subplots(rows, columns)


def legend_below(figure: Any, axes: Any) -> None:
    """One legend for the figure, under it, of what is labelled in ``axes``."""
    handles, labels = axes.get_legend_handles_labels()
    longest = max(map(len, labels), default=1)
    columns = max(1, min(len(labels), int(figure.get_figwidth() * 11 / (longest + 6))))
    figure.legend(handles, labels, loc="outside lower center", ncols=columns)


def list_names(axes: Any, names: Sequence[str]) -> None:
    """Write names along y, from top to bottom."""
    axes.set_yticks(range(len(names)), names)
    axes.set_ylim(len(names) - 0.4, -0.6)
    axes.tick_params(axis="y", length=0)


def beside(count: int, i: int, of: int) -> list[float]:
    """Places of the ``i``-th of ``of`` things at each of ``count`` names, side by side."""
    return [n + (i - (of - 1) / 2) * 0.7 / of for n in range(count)]


def log_scale(axes: Any, which: Literal["x", "y"]) -> None:
    """Make one direction of what is drawn logarithmic, with plain numbers at its ticks."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

    axes.set(**{f"{which}scale": "log"})
    axis, (low, high) = getattr(axes, f"{which}axis"), getattr(axes, f"get_{which}lim")()
    steps = (1.0, 2.0, 5.0) if high < 100 * low else (1.0, 3.0) if high < 5000 * low else (1.0,)
    axis.set_major_locator(LogLocator(subs=steps))
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,g}"))
    axis.set_minor_locator(NullLocator())


def short(name: str) -> str:
    """A run's name without what most runs share."""
    return name.removeprefix("lifters.cmu.")


def save(figure: Any, stem: Path) -> tuple[Path, Path]:
    """Write ``stem.png`` and ``stem.svg``.

    Raises:
        OSError: The folder cannot be written or the disk is full.
    """
    paths = stem.with_suffix(".png"), stem.with_suffix(".svg")
    for path in paths:
        dated = {"Date": None} if path.suffix == ".svg" else None
        with atomic_path(path) as temporary:
            # Titles and legends beside square panels may reach beyond the figure.
            figure.savefig(temporary, metadata=dated, bbox_inches="tight", pad_inches=0.08)
    return paths

"""``vitruve data check``: a store against its checksums, or a dataset's release on trial."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import tyro

if TYPE_CHECKING:
    from vitruve.data.building.check import CheckReport


@dataclass(frozen=True)
class CheckArguments:
    """Check a store, or with a folder a dataset of pictures.

    Of a store: count what is in it and compare every file with its checksum. Of a dataset: read a
    few examples from end to end, say what does not fit, and write a sheet of pictures with joints.
    """

    what: Annotated[str, tyro.conf.Positional, tyro.conf.arg(metavar="STORE|NAME")]
    """A store's folder or fsspec address, or a dataset's name (vitruve data list)."""
    root: Annotated[Path | None, tyro.conf.Positional, tyro.conf.arg(metavar="[DIR]")] = None
    """The dataset's folder."""
    split: str = ""
    """Only this split of the dataset."""
    examples: int = 24
    """Pictures of the dataset that are opened."""
    sheet: Path | None = None
    """Where the sheet is written; NAME_sheet.jpg if left out."""


def check_release(arguments: CheckArguments, root: Path) -> int:
    """Print what was found in a dataset's folder, and write the contact sheet.

    Raises:
        KeyError: There is no such dataset.
        FileNotFoundError: The folder is not what the card says.
        ValueError: Labels, pictures or cameras do not fit each other.
    """
    from vitruve.data.building.check import check_dataset
    from vitruve.data.datasets.cards import dataset_card

    card = dataset_card(arguments.what)
    if arguments.examples < 1:
        raise ValueError(f"--examples {arguments.examples}: must be 1 or more")
    if not root.is_dir():
        raise FileNotFoundError(f"no such folder: {root}; {card.title} is at {card.page}")
    split = arguments.split or None
    report = check_dataset(arguments.what, root, split, examples=arguments.examples)
    _print(report)
    if report.shown:
        sheet = arguments.sheet or Path(f"{arguments.what}_sheet.jpg")
        _write_sheet(report, sheet)
        print(sheet)
    if report.problems:
        print("\n".join(f"  ! {problem}" for problem in report.problems))
        raise ValueError(
            f"{root}: {len(report.problems)} things do not fit {card.title}, the first: "
            f"{report.problems[0]}; vitruve data show {card.name} tells the layout"
        )
    print("labels and pictures fit each other")
    return 0


def _print(report: "CheckReport") -> None:
    import numpy as np

    counts = report.counts
    print(f"{report.parts} parts, {counts['examples']} examples looked at")
    print(f"  pictures: {counts['pictures']} opened, {counts['missing pictures']} missing")
    for what, of in (
        ("labelled joints", "joints"),
        ("joints behind", "labelled joints"),
        ("joints inside", "joints before"),
        ("joints on the mask", "joints with a mask"),
        ("odd poses", "3D examples"),
    ):
        if counts[of]:
            print(f"  {what}: {counts[what]} of {counts[of]} ({report.share(what, of):.1%})")
    for what, values, unit in (
        ("farthest joints of a person", report.extents, "m"),
        ("distance from the camera", report.distances, "m"),
        ("release's 2D from projected 3D", report.own_2d_px, "px"),
    ):
        if values:
            low, mid, high = np.percentile(values, [5, 50, 95])
            print(f"  {what}: median {mid:.2f} {unit} (5 to 95 %: {low:.2f} to {high:.2f})")


def _write_sheet(report: "CheckReport", path: Path) -> None:
    from PIL import Image

    from vitruve.data.building.check_sheet import crop_sheet
    from vitruve.io.atomic import atomic_path

    with atomic_path(path) as temporary:
        Image.fromarray(crop_sheet(report.shown)).save(temporary, quality=92)

"""``vitruve data masks``: masks of the people of a user's own pictures, and a sheet of them."""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import tyro

if TYPE_CHECKING:
    from vitruve.data.masking import MaskingConfig, MaskReport
    from vitruve.data.masking.masker import Bones, Boxes
    from vitruve.data.own.clips import OwnClip


@dataclass(frozen=True, kw_only=True)
class MaskSettings:
    """How masks are made; `data masks` and `train unsupervised` share it."""

    by: Literal["background", "grabcut", "chroma", "given"] = "background"
    """background: what moves before a camera that stands still; grabcut: what differs in colour
    from what is around it; chroma: what has not the colour of a screen; given: a folder of
    masks, of which the largest piece is taken and small holes are closed."""
    refine: bool = False
    """Move the edges of masks to those of the pictures (GrabCut); those by background and by
    grabcut are there already."""
    given: Path | None = None
    """Masks for --by given: NAME.png for each picture, or CLIP/NAME.png; frames of a video are
    000000.png and so on. Brighter than 127 is the person."""
    boxes: Path | None = None
    """Around the person of each picture: a .csv with the columns picture, left, top, right, bottom,
    or a folder with CLIP.csv for each clip; grabcut finds people itself without."""
    key: tuple[str, ...] = ("green",)
    """Colours for --by chroma, of the screen and of what else is covered: green, blue, #rrggbb."""
    threshold: float = 4.0
    """Standard deviations from which a pixel differs from the background; fewer find more."""


@dataclass(frozen=True, kw_only=True)
class MasksArguments(MaskSettings):
    """Make a mask of the person in each picture, and a sheet on which bad ones are seen at once."""

    source: Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="VIDEO|DIR")]
    """Video, picture, folder of pictures, or folder of videos or of folders of pictures."""
    out: Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="OUT")]
    """Folder of masks: NAME.png, of several clips CLIP/NAME.png."""
    sheet: Path | None = None
    """The sheet; OUT's name + _sheet.jpg beside it if unset."""


def masks(argv: list[str]) -> int:
    """Make them, say how many look wrong.

    Returns:
        0 when done.

    Raises:
        ValueError: A source is damaged or too short, or a setting is out of range.
        OSError: Something is missing or cannot be written.
    """
    arguments = tyro.cli(MasksArguments, prog="vitruve data masks", args=argv)
    from vitruve.data.own.clips import find_clips

    clips, out = find_clips(arguments.source), arguments.out.resolve()
    folders = [out / clip.name for clip in clips] if len(clips) > 1 else [out]
    reports = mask_clips(clips, folders, arguments)
    for report in reports:
        counts = ", ".join(f"{n} {kind}" for kind, n in report.counts.most_common())
        print(f"{report.clip}: {len(report.thumbnails)} masks: {counts}")
    sheet = arguments.sheet or out.with_name(f"{out.name}_sheet.jpg")
    write_sheet(reports, sheet)
    print(arguments.out, sheet, sep="\n")
    return 0


def mask_clips(
    clips: "Sequence[OwnClip]",
    folders: "Sequence[Path]",
    settings: MaskSettings,
    *,
    every: int = 1,
) -> "list[MaskReport]":
    """Masks of every clip, with a warning line for each kind that looks wrong; see `masks`.

    Args:
        clips: Whose.
        folders: Of the masks of each.
        settings: How.
        every: Every so manyth picture gets a mask.
    """
    from vitruve.cli.progress import show_progress
    from vitruve.data.masking import Masker, make_masks

    config = _config(settings)
    reports = []
    with show_progress("pictures") as tell:
        for clip, folder in zip(clips, folders, strict=True):

            def told(done: int, name: str = clip.name) -> None:
                tell(name, done, None)

            given, boxes = _given(clip, settings), _boxes(clip, settings)
            bones = _bones(clip) if settings.by == "grabcut" and boxes is None else None
            masker = Masker(config, clip.source, given=given, boxes=boxes, bones=bones)
            made = make_masks(clip.name, clip.source, folder, masker, told, every=every)
            reports.append(made)
    for report in reports:
        for line in report.warnings():
            print(f"vitruve: {line}", file=sys.stderr)
    return reports


def write_sheet(reports: "Sequence[MaskReport]", path: Path) -> None:
    """Write the contact sheet, whole or not at all.

    Raises:
        ValueError: The suffix is of no picture.
        OSError: It cannot be written.
    """
    from vitruve.data.masking import mask_sheet
    from vitruve.io.atomic import atomic_path

    if path.suffix.lower() not in (".png", ".jpg"):
        raise ValueError(f"--sheet {path}: must end in .png or .jpg")
    with atomic_path(path) as temporary:
        mask_sheet(reports).save(temporary, quality=90)


def _config(settings: MaskSettings) -> "MaskingConfig":
    from vitruve.data.masking import BackgroundConfig, ChromaConfig, MaskingConfig

    if not settings.threshold > 0:
        raise ValueError(f"--threshold {settings.threshold:g}: must be above 0")
    return MaskingConfig(
        settings.by,
        settings.refine,
        background=BackgroundConfig(threshold=settings.threshold),
        chroma=ChromaConfig(settings.key),
    )


def _given(clip: "OwnClip", settings: MaskSettings) -> Path | None:
    folder = settings.given
    if folder is None:
        return clip.masks
    if not folder.is_dir():
        raise FileNotFoundError(f"no such folder of masks: {folder}")
    return folder / clip.name if (folder / clip.name).is_dir() else folder


def _boxes(clip: "OwnClip", settings: MaskSettings) -> "Boxes | None":
    if settings.boxes is None:
        return None
    from vitruve.data.masking import boxes_of_clip

    return boxes_of_clip(settings.boxes, clip.name)


def _bones(clip: "OwnClip") -> "Bones":
    """Of people that our detector finds, where nothing else can tell."""
    from vitruve.pipeline.person_bones import find_bones

    return find_bones(clip.source)

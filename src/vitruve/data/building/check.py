"""Does a folder hold the dataset that it should, and do labels and pictures fit each other?

A few examples of many parts are read from end to end, before hours are spent on all of them.
Axes: j joints.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

import numpy as np
from jaxtyping import Bool, Float

from vitruve.data.datasets.examples import PictureExample
from vitruve.data.processing.boxes import example_box_px, is_inside, keypoints_of
from vitruve.data.processing.crop import Crop, CropConfig, crop_person
from vitruve.data.processing.pictures import Pictures
from vitruve.data.processing.plausible import bone_lengths, is_plausible, usual_lengths
from vitruve.data.readers import DATASETS
from vitruve.io.errors import FileError

SHEET_PX, SHEET_EXPAND = 256, 1.2
LABELS_PER_PART = 200
"""Examples of a part whose labels are looked at."""
EXTENT_M = (0.5, 3.0)
"""Distance of a person's two farthest joints, metres; beyond it the unit is another."""
DISTANCE_M = (0.3, 200.0)
"""Of people from the camera, metres."""
FITS_PX = 5.0
"""Median distance of the release's own 2D from the projected 3D, at most."""
MAX_BEHIND, MAX_ODD, MIN_INSIDE, MIN_ON_MASK = 0.01, 0.05, 0.5, 0.7
"""Shares of joints behind the camera, of odd poses, of joints inside pictures and on masks."""


@dataclass(frozen=True, eq=False)
class Shown:
    """One picture of the contact sheet."""

    example: PictureExample
    crop: Crop
    keypoints_px: Float[np.ndarray, "j 2"]
    """In the crop."""
    seen: Bool[np.ndarray, "j"]


@dataclass
class CheckReport:
    """What was found."""

    parts: int = 0
    counts: Counter[str] = field(default_factory=Counter)
    problems: list[str] = field(default_factory=list)
    """What is wrong, each in one line; empty where all is well."""
    shown: list[Shown] = field(default_factory=list)
    extents: list[float] = field(default_factory=list)
    distances: list[float] = field(default_factory=list)
    own_2d_px: list[float] = field(default_factory=list)
    """Distance of the release's own 2D joints from the projected ones."""

    def share(self, what: str, of: str) -> float:
        """How many of what; NaN where there are none of them."""
        return self.counts[what] / self.counts[of] if self.counts[of] else float("nan")


def check_dataset(
    name: str, root: Path, split: str | None = None, *, examples: int = 24
) -> CheckReport:
    """Read a few examples of a dataset from end to end.

    Raises:
        KeyError: There is no such dataset.
        FileNotFoundError: The folder does not hold it.
    """
    parts_of, read = _reader(name)
    report = CheckReport()
    parts = parts_of(root, split)
    report.parts = len(parts)
    if not parts:
        raise FileNotFoundError(f"{root} has no part of split {split!r}; leave --split out")
    chosen = [parts[i] for i in _spread(len(parts), examples)]
    each = -(-examples // len(chosen))
    for part in chosen:
        try:
            labelled = list(islice(read(part), LABELS_PER_PART))
        except (OSError, ValueError) as error:
            report.counts["parts that cannot be read"] += 1
            report.problems.append(str(error))
            continue
        _check_labels(labelled, report)
        _check_pictures((labelled[i] for i in _spread(len(labelled), each)), report)
    _judge(report)
    return report


def _reader(name: str):  # noqa: ANN202 - a row of the table
    if name not in DATASETS:
        raise KeyError(f"no dataset {name!r}; there are {', '.join(DATASETS)}")
    return DATASETS[name]


def _spread(count: int, wanted: int) -> list[int]:
    """At most so many numbers below a count, evenly."""
    return sorted({int(i) for i in np.linspace(0, count - 1, min(count, wanted))}) if count else []


def _check_labels(labelled: list[PictureExample], report: CheckReport) -> None:
    report.counts["examples"] += len(labelled)
    solid = [e for e in labelled if e.joints_cam is not None and e.valid.any()]
    for skeleton in {e.skeleton.name: e.skeleton for e in solid}.values():
        group = [e for e in solid if e.skeleton.name == skeleton.name]
        joints = np.stack([e.joints_cam for e in group if e.joints_cam is not None])
        lengths = bone_lengths(joints, np.stack([e.valid for e in group]), skeleton)
        usual = usual_lengths(lengths)
        report.counts["odd poses"] += sum(not is_plausible(one, usual) for one in lengths)
    report.counts["3D examples"] += len(solid)
    for example in labelled:
        _check_joints(example, report)


def _check_joints(example: PictureExample, report: CheckReport) -> None:
    points, seen = keypoints_of(example)
    report.counts["joints"] += len(example.valid)
    report.counts["labelled joints"] += int(example.valid.sum())
    report.counts["joints behind"] += int((example.valid & ~seen).sum())
    if example.camera is not None:
        size = example.camera.image_size_px
        inside = is_inside(points, np.array([0, 0, *size], dtype=np.float64))
        report.counts["joints inside"] += int((seen & inside).sum())
        report.counts["joints before"] += int(seen.sum())
    if example.joints_cam is not None and example.valid.sum() > 1:
        joints = example.joints_cam[example.valid]
        spans = np.linalg.norm(joints[:, None] - joints[None], axis=-1)
        report.extents.append(float(spans.max()))
        report.distances.append(float(np.median(joints[:, 2])))
        if example.keypoints_px is not None and seen.any():
            off = np.linalg.norm(points - example.keypoints_px, axis=-1)
            report.own_2d_px.append(float(np.median(off[seen])))


def _check_pictures(examples: Iterator[PictureExample], report: CheckReport) -> None:
    pictures = Pictures()
    for example in examples:
        try:
            image = pictures.picture(example)
            mask = None if example.mask is None else pictures.mask(example.mask)
        except FileNotFoundError as error:
            report.counts["missing pictures"] += 1
            report.problems.append(str(error))
            continue
        except (FileError, ValueError) as error:
            report.counts["pictures that do not fit"] += 1
            report.problems.append(str(error))
            continue
        report.counts["pictures"] += 1
        points, seen = keypoints_of(example)
        if mask is not None:
            _check_mask(mask, points, seen, report)
        box = example_box_px(example, points, seen, (image.shape[1], image.shape[0]))
        if box is not None:
            crop = crop_person(image, example.camera, box, CropConfig(SHEET_PX, SHEET_EXPAND))
            report.shown.append(Shown(example, crop, crop.to_crop(points), seen))
    pictures.close()


def _check_mask(
    mask: Bool[np.ndarray, "y x"],
    points: Float[np.ndarray, "j 2"],
    seen: Bool[np.ndarray, "j"],
    report: CheckReport,
) -> None:
    inside = seen & is_inside(points, np.array([0, 0, mask.shape[1] - 1, mask.shape[0] - 1.0]))
    x, y = points[inside].astype(int).T
    report.counts["joints with a mask"] += int(inside.sum())
    report.counts["joints on the mask"] += int(mask[y, x].sum())


def _judge(report: CheckReport) -> None:
    def problem(found: float, low: float, high: float, text: str) -> None:
        if not np.isnan(found) and not low <= found <= high:
            report.problems.append(f"{text}; expected {low:g} to {high:g}")

    if not report.counts["examples"]:
        report.problems.append("no example could be read")
    extent, distance = _median(report.extents), _median(report.distances)
    problem(extent, *EXTENT_M, f"people measure {extent:.3g} m between their farthest joints")
    problem(distance, *DISTANCE_M, f"people stand {distance:.3g} m from the camera")
    behind = report.share("joints behind", "labelled joints")
    problem(behind, 0.0, MAX_BEHIND, f"{behind:.1%} of the joints are behind the camera")
    odd = report.share("odd poses", "3D examples")
    problem(odd, 0.0, MAX_ODD, f"{odd:.1%} of the poses have implausible bone lengths")
    inside = report.share("joints inside", "joints before")
    problem(inside, MIN_INSIDE, 1.0, f"{inside:.1%} of the joints project inside their picture")
    on_mask = report.share("joints on the mask", "joints with a mask")
    problem(on_mask, MIN_ON_MASK, 1.0, f"{on_mask:.1%} of the joints lie on the person's mask")
    off = _median(report.own_2d_px)
    problem(off, 0.0, FITS_PX, f"the release's own 2D is {off:.1f} pixels off the projected 3D")


def _median(values: list[float]) -> float:
    return float(np.median(values)) if values else float("nan")

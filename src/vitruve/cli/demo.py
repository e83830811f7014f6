"""``vitruve demo``: the main job on the clip that comes with Vitruve, compared with its truth.

Axes: t frames, j joints.
"""

import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import tyro
from jaxtyping import Float
from torch import Tensor

from vitruve.poses import PoseSequence

if TYPE_CHECKING:
    from vitruve.pipeline.run import Estimate

SAMPLE = Path(__file__).parents[1] / "pipeline" / "sample"
"""``clip.mp4`` and ``truth.npz``, made by tools/make_demo_clip.py."""
FORMATS = ("bvh", "trc", "c3d", "glb", "csv", "npz")
CHORD_S = 0.5
"""A walked path is measured in straight pieces this long, so that trembling adds nothing."""


@dataclass(frozen=True)
class Arguments:
    """Run the main job on the clip that comes with Vitruve and print its error against truth.

    A run that was stopped goes on where it was.
    """

    out: Path = Path("out/demo")
    """Folder for everything that is written."""
    model: str = "default"
    """Packaged weights by name, or a weights file."""


@dataclass(frozen=True)
class Row:
    """One line of the table."""

    what: str
    estimated: float
    true: float | None
    """None where the number is itself an error."""
    unit: str = ""

    def __str__(self) -> str:
        numbers = f"{self._text(self.estimated):>10}{self._text(self.true):>10}"
        return f"  {self.what:40}{numbers} {self.unit}".rstrip()

    @property
    def value(self) -> str:
        """The numbers with their unit, in words."""
        value = f"{self._text(self.estimated)} {self.unit}".strip()
        return value if self.true is None else f"{value} (true: {self._text(self.true)})"

    def _text(self, number: float | None) -> str:
        return "" if number is None else f"{number:.{2 if self.unit == 'm' else 0}f}"


def main(argv: list[str]) -> int:
    """Parse, run, compare, print; the last line says where the page is.

    Args:
        argv: Arguments after ``vitruve demo``.

    Returns:
        0 when done.

    Raises:
        OSError: The detector's models or the weights are not here and cannot be had, or the folder
            cannot be written.
        ImportError: The detector's extra is not installed.
        ValueError: The weights are damaged.
    """
    arguments = tyro.cli(Arguments, prog="vitruve demo", args=argv)
    from vitruve.cli.progress import show_progress
    from vitruve.io import read
    from vitruve.pipeline.config import EstimateConfig
    from vitruve.pipeline.run import run_estimate

    clip, truth = SAMPLE / "clip.mp4", read(SAMPLE / "truth.npz")
    print(f"{clip}: {len(truth.frames)} frames of a rendered person whose true 3D is known")
    config = EstimateConfig(model=arguments.model, formats=FORMATS)
    with show_progress() as tell:
        found = run_estimate(clip, arguments.out, config, tell)
    rows = compare(found.people[0], truth)
    print(f"\n  {'':40}{'estimated':>10}{'true':>10}")
    print(*rows, sep="\n")
    print(f"\nwritten to {arguments.out}: {', '.join(file.name for file in found.files)}")
    print(f"the page: {_page(arguments.out / 'page.html', found, truth, rows).resolve()}")
    return 0


def _page(path: Path, found: "Estimate", truth: PoseSequence, rows: list[Row]) -> Path:
    from vitruve.viewer import write_page

    return write_page(
        found.people,
        path,
        keypoints=found.keypoints,
        video=(SAMPLE / "clip.mp4").read_bytes(),
        title="Vitruve demo",
        facts={row.what: row.value for row in rows} | dict(found.facts),
        truth=[laid_onto(truth, found.people[0])],
    )


def compare(person: PoseSequence, truth: PoseSequence) -> list[Row]:
    """What there is to say about a result whose truth is known.

    Joints count where both skeletons mean the same point: those of the limbs. Their root is the
    middle of the hips.

    Raises:
        ValueError: They share no frame or no joint.
    """
    from vitruve.benchmarks.motion_pair import pair
    from vitruve.metrics import mpjpe_mm, p_mpjpe_mm

    both = pair(person, truth)
    hips = [both.skeleton.index(f"{side}_hip") for side in ("left", "right")]
    seen = both.valid[:, hips].all(1)
    found, true, valid = both.predicted[seen], both.truth[seen], both.valid[seen]
    roots, true_roots = found[:, hips].mean(1), true[:, hips].mean(1)
    error = mpjpe_mm(found - roots[:, None], true - true_roots[:, None], valid)
    p_error = p_mpjpe_mm(found, true, valid)
    count = int(valid.any(0).sum())
    return [
        Row("frames with a pose", float(len(found)), float(len(truth.frames))),
        Row(f"error of {count} joints, hips aligned", error.item(), None, "mm"),
        Row("the same after the best fit of each pose", p_error.item(), None, "mm"),
        Row("highest rise of the hips", 100 * rise(roots), 100 * rise(true_roots), "cm"),
        Row("length of the path", path(roots, both.fps), path(true_roots, both.fps), "m"),
    ]


def rise(points: Float[Tensor, "t 3"]) -> float:
    """Metres from the usual height to the highest."""
    height = points[:, 2]
    return (height.max() - height.median()).item()


def path(points: Float[Tensor, "t 3"], fps: float) -> float:
    """Metres travelled over the floor, in straight pieces of ``CHORD_S``."""
    return points[:: max(1, round(CHORD_S * fps)), :2].diff(dim=0).norm(dim=-1).sum().item()


def laid_onto(truth: PoseSequence, person: PoseSequence) -> PoseSequence:
    """The truth where one rigid motion of the whole clip brings it nearest to the result.

    The two worlds differ: no picture tells where the world's origin is. Scale is left alone.

    Raises:
        ValueError: They share no frame or no joint.
    """
    from vitruve.benchmarks.motion_pair import pair
    from vitruve.geometry.alignment import similarity

    both = pair(person, truth)
    true, found, alike = (x.flatten(0, 1) for x in (both.truth, both.predicted, both.valid))
    _, turn, shift = similarity(true, found, alike.double(), scale=False)
    moved = truth.joints_world @ turn.T.float() + shift.float()
    return replace(truth, joints_world=moved, camera=None, person=person.person)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

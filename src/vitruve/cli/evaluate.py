"""``vitruve evaluate PREDICTED TRUTH``: score a motion file against another."""

import json
import math
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import tyro

_UNITS = {"jitter": "m/s^3", "lse": "%", "lle": "%", "bsle": "%", "bone_length_variation": "%"}
_TEXTS = {
    "mpjpe_mm": "mean joint error",
    "p_mpjpe_mm": "after the best similarity of each pose",
    "n_mpjpe_mm": "after the best scale of each pose, root-relative",
    "mpjve_mm": "velocity error",
    "lse": "left and right limbs differ by",
    "lle": "limb lengths are off by",
    "bsle": "bone lengths are off by",
    "jitter": "mean jerk",
    "bone_length_variation": "bones change length by",
    "foot_slide_mm": "resting feet slide by",
}


@dataclass(frozen=True)
class Arguments:
    """Score a motion file against another of the same movement."""

    predicted: tyro.conf.Positional[Path]
    """Motion file in any format Vitruve reads."""
    truth: tyro.conf.Positional[Path]
    """What it should be; decides the skeleton. Frames are joined by number."""
    align: Literal["root", "procrustes", "none"] = "root"
    """Before MPJPE and MPJVE: roots onto each other in every frame; one rigid motion for the whole
    clip; or nothing (both in the same world)."""
    format: Literal["text", "json"] = "text"
    """How to print."""
    json: Path | None = None
    """Also write the numbers to this file."""


def main(argv: list[str] | None = None) -> int:
    """Parse, compare, print.

    Args:
        argv: Arguments after ``vitruve evaluate``; those of the process by default.

    Returns:
        0 when done.

    Raises:
        ValueError: A file is damaged, or the two have nothing to compare.
        OSError: A file is missing or cannot be written.
    """
    given = sys.argv[2:] if argv is None else argv
    arguments = tyro.cli(Arguments, prog="vitruve evaluate", args=given)
    from vitruve.benchmarks.motion_pair import pair
    from vitruve.io import read

    both = pair(read(arguments.predicted), read(arguments.truth))
    used = both.valid.any(0)
    names = [name for name, u in zip(both.skeleton.names, used.tolist(), strict=True) if u]
    # JSON has no NaN; a number that could not be measured is null.
    metrics = {k: v if math.isfinite(v) else None for k, v in both.scores(arguments.align).items()}
    report: dict[str, Any] = {
        "predicted": str(arguments.predicted),
        "truth": str(arguments.truth),
        "align": arguments.align,
        "skeleton": both.skeleton.name,
        "joints": names,
        "frames": len(both.predicted),
        "metrics": metrics,
    }
    text = json.dumps(report, indent=1, allow_nan=False)
    if arguments.json is not None:
        from vitruve.io.atomic import atomic_path

        with atomic_path(arguments.json) as temporary:
            temporary.write_text(text + "\n")
    print(text if arguments.format == "json" else _as_text(report))
    return 0


def _as_text(report: dict[str, Any]) -> str:
    metrics = report["metrics"]
    lines = [
        f"{report['frames']} frames, {len(report['joints'])} joints of {report['skeleton']}, "
        f"aligned: {report['align']}"
    ]
    for name, text in _TEXTS.items():
        unit = _UNITS.get(name, "mm")
        line = f"  {name:22}{_number(metrics[name])} {unit:6} {text}"
        if f"{name}_truth" in metrics:
            line += f" (truth {_number(metrics[f'{name}_truth']).strip()})"
        lines.append(line)
    return "\n".join(lines)


def _number(value: float | None) -> str:
    return f"{'-':>9}" if value is None else f"{value:9.2f}"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

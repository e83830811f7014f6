"""``vitruve export WEIGHTS OUT.onnx``: a lifter's net for programs without torch."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import tyro

if TYPE_CHECKING:
    from vitruve.estimators import ExportReport


@dataclass(frozen=True, kw_only=True)
class Arguments:
    """Write a lifter's net as an ONNX file, after comparing it with torch on random keypoints.

    The file takes normalised keypoints and says joints in the net's unit; how to get from pixels
    to the one and from the other to metres stands in its metadata.
    """

    weights: Annotated[str, tyro.conf.Positional, tyro.conf.arg(metavar="WEIGHTS")]
    """Name of packaged weights, or a .safetensors file."""
    out: Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="OUT.onnx")]
    """File to write."""
    precision: Literal["float32", "int8"] = "float32"
    """Of the weights; int8 makes the file smaller and its answers less exact, by how much is
    printed."""


def main(argv: list[str]) -> int:
    """Parse, export, print one line.

    Returns:
        0 when done.

    Raises:
        ImportError: The extra ``onnx`` is not installed.
        KeyError: No such weights.
        ValueError: They cannot be exported, or the file would differ from torch.
        OSError: The file cannot be written.
    """
    arguments = tyro.cli(Arguments, prog="vitruve export", args=argv)
    from vitruve.estimators import export_onnx, load, read_statement

    statement = read_statement(arguments.weights)
    report = export_onnx(
        load(arguments.weights),
        arguments.out,
        precision=arguments.precision,
        card=str(statement.get("card", "")),
        commit=str(statement.get("commit", "")),
    )
    print(_line(report))
    return 0


def _line(report: "ExportReport") -> str:
    size = f"{report.size_bytes / 1e6:.2f} MB"
    if report.precision == "int8":
        size += f" (float32: {report.float32_size_bytes / 1e6:.2f} MB)"
    line = (
        f"{report.path}: {report.net} {report.precision}, {size}, opset {report.opset}, float32 "
        f"within {report.difference:.1e} of torch"
    )
    if report.int8_mean is not None:
        line += (
            f", int8 {report.int8_mean:.2g} from it on average and {report.int8_largest:.2g} at "
            "most, in the net's unit"
        )
    return line

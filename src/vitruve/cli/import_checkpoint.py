"""``vitruve import-checkpoint FILE``: a published checkpoint as weights of ours."""

import hashlib
import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import tyro

if TYPE_CHECKING:
    from vitruve.estimators.published import Published

_OUTPUT = {
    "screen": "metres",
    "weak_perspective": "pixels: a shape without a size, so vitruve estimate needs --height",
}


@dataclass(frozen=True, kw_only=True)
class Arguments:
    """Recognise a published checkpoint by its keys and shapes, and write it as weights of ours.

    Only tensors are read; code in the file is never run. What shapes cannot tell is taken to be as
    in the weights their authors published for Human3.6M, and printed.
    """

    file: Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="FILE")]
    """The checkpoint: .bin, .pth, .pt, .pth.tar or .pth.tr, as torch.save wrote it."""
    out: Path | None = None
    """Weights to write; FILE with the suffix .safetensors if unset."""
    part: str | None = None
    """Entry of the checkpoint to read, such as model_pos; found by itself if unset."""
    skeleton: str | None = None
    """Joints of the output, such as h36m_17 or mpi_inf_3dhp_17; by their number if unset."""
    keypoint_skeleton: str | None = None
    """Joints of the 2D input, such as coco_17; by their number if unset."""
    metres_per_unit: float | None = None
    """Metres in one unit of the output: 1 for metres, 0.001 for millimetres; as their authors
    trained them if unset, which is known for Human3.6M joints only."""
    fps: float | None = None
    """Frames per second that the weights were trained at; 50, Human3.6M's, if unset."""
    hint: tuple[str, ...] = ()
    """Settings of the net that shapes cannot tell, such as causal=true or num_heads=4."""


def main(argv: list[str]) -> int:
    """Parse, import, print what was recognised and where the file is.

    Returns:
        0 when done.

    Raises:
        ValueError: The file is damaged, of no known net, does not fill it exactly, or the unit of
            its output is not known.
        OSError: The file is missing, or the weights cannot be written.
        KeyError: A key has no rule, or a part, skeleton or setting no such name.
    """
    arguments = tyro.cli(Arguments, prog="vitruve import-checkpoint", args=argv)
    from vitruve.estimators import save_estimator
    from vitruve.estimators.published import Hints, import_published
    from vitruve.nets import read_checkpoint

    state = read_checkpoint(arguments.file, arguments.part)
    hints = Hints(
        arguments.skeleton, arguments.keypoint_skeleton, arguments.metres_per_unit, arguments.fps
    )
    published = import_published(state, hints, _settings(arguments.hint))
    out = arguments.out or arguments.file.with_suffix(".safetensors")
    save_estimator(published.lifter, out, card=_card(arguments.file, published.net))
    print(_report(published))
    if not arguments.skeleton:
        print("  taken to be the authors' for Human3.6M; --skeleton says otherwise")
    print(out)
    return 0


def _settings(hints: tuple[str, ...]) -> dict[str, Any]:
    settings = {}
    for hint in hints:
        name, equals, text = hint.partition("=")
        if not (name and equals and text):
            raise ValueError(f"--hint {hint!r}: must be NAME=VALUE, such as causal=true")
        try:
            settings[name] = json.loads(text)
        except json.JSONDecodeError:
            settings[name] = text
    return settings


def _report(published: "Published") -> str:
    lifter = published.lifter
    config = lifter.config
    numbers = sum(p.numel() for p in lifter.net.parameters())
    settings = ", ".join(f"{name} {value}" for name, value in asdict(config.net_config).items())
    unused = ", ".join(published.unused) or "nothing"
    output = _OUTPUT[config.normaliser]
    if config.metres_per_unit != 1:
        output = f"units of {config.metres_per_unit:g} m"
    rate = "any" if config.native_fps is None else f"{config.native_fps:g} per second"
    return "\n".join(
        [
            f"{published.net}: {numbers:,} parameters",
            f"  settings: {settings}",
            f"  input: {config.keypoint_skeleton.name}"
            + (", with confidence" if config.confidence else ""),
            f"  output: {config.skeleton.name}, {output}",
            f"  frames: {lifter.receptive_field} seen for one answered, rate {rate}",
            f"  left out: {unused}",
        ]
    )


def _card(file: Path, net: str) -> str:
    digest = hashlib.sha256(file.read_bytes()).hexdigest()
    return (
        f"{net}, imported from {file.name} (SHA-256 {digest}); training data, licence and figures "
        "are those its authors state."
    )

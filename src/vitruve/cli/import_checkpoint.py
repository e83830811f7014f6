"""``vitruve import-checkpoint FILE``: a published checkpoint as weights of ours."""

import hashlib
import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import tyro

if TYPE_CHECKING:
    from vitruve.estimators import Estimator, MaskedKeypoints
    from vitruve.estimators.published import Hints, Published

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
    ray_blend: Path | None = None
    """Checkpoint of the net that P-STMO calls refine, published beside FILE: it blends the lifted x
    and y with the keypoints' rays; the result needs the camera."""
    root_depth: Literal["placed", "label"] = "placed"
    """For --ray-blend, where the root's distance comes from: the keypoints, or the label as in the
    published evaluation; the latter says nothing where there are no labels."""


def main(argv: list[str]) -> int:
    """Parse, import, print what was recognised and where the file is.

    Returns:
        0 when done.

    Raises:
        ValueError: A file is damaged, of no known net, does not fill it exactly, or the unit of
            its output is not known.
        OSError: A file is missing, or the weights cannot be written.
        KeyError: A key has no rule, or a part, skeleton or setting no such name.
    """
    arguments = tyro.cli(Arguments, prog="vitruve import-checkpoint", args=argv)
    from vitruve.estimators import save_estimator

    estimator, net, report = _imported(arguments)
    out = arguments.out or arguments.file.with_suffix(".safetensors")
    files = [arguments.file, *([arguments.ray_blend] if arguments.ray_blend else [])]
    save_estimator(estimator, out, card=_card(net, files))
    print(report)
    if not arguments.skeleton:
        print("  taken to be the authors' for Human3.6M; --skeleton says otherwise")
    print(out)
    return 0


def _imported(arguments: Arguments) -> "tuple[Estimator, str, str]":
    """The estimator, the name of its net, and what to say of it."""
    from vitruve.estimators.published import Hints, blend_with, import_published
    from vitruve.nets import read_checkpoint, recognise

    state, settings = read_checkpoint(arguments.file, arguments.part), _settings(arguments.hint)
    hints = Hints(
        arguments.skeleton, arguments.keypoint_skeleton, arguments.metres_per_unit, arguments.fps
    )
    if not arguments.ray_blend and recognise(state)[0] == "masked_pose_model":
        return _pretraining(state, hints, settings)
    published = import_published(state, hints, settings)
    if arguments.ray_blend is None:
        return published.lifter, published.net, _report(published)
    blend = read_checkpoint(arguments.ray_blend)
    estimator = blend_with(published.lifter, blend, arguments.root_depth)
    root = {"placed": "placed by the keypoints", "label": "given by the label"}
    line = f"  blended with the keypoints' rays, root {root[arguments.root_depth]}"
    return estimator, published.net, f"{_report(published)}\n{line}"


def _pretraining(
    state: dict[str, Any], hints: "Hints", settings: dict[str, Any]
) -> "tuple[MaskedKeypoints, str, str]":
    from vitruve.estimators.published import import_pretraining

    estimator = import_pretraining(state, hints, settings)
    numbers = sum(p.numel() for p in estimator.net.parameters())
    report = [
        f"masked_pose_model: {numbers:,} parameters",
        f"  settings: {_listed(estimator.config.net_config)}",
        f"  input: {estimator.keypoint_skeleton.name}",
        "  output: the same keypoints; a lifter starts from it: vitruve train RECIPE --initial",
    ]
    return estimator, "masked_pose_model", "\n".join(report)


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
    unused = ", ".join(published.unused) or "nothing"
    output = _OUTPUT[config.normaliser]
    if config.metres_per_unit != 1:
        output = f"units of {config.metres_per_unit:g} m"
    rate = "any" if config.native_fps is None else f"{config.native_fps:g} per second"
    return "\n".join(
        [
            f"{published.net}: {numbers:,} parameters",
            f"  settings: {_listed(config.net_config)}",
            f"  input: {config.keypoint_skeleton.name}"
            + (", with confidence" if config.confidence else ""),
            f"  output: {config.skeleton.name}, {output}",
            f"  frames: {lifter.receptive_field} seen for one answered, rate {rate}",
            f"  left out: {unused}",
        ]
    )


def _listed(config: Any) -> str:
    return ", ".join(f"{name} {value}" for name, value in asdict(config).items())


def _card(net: str, files: list[Path]) -> str:
    read = " and ".join(
        f"{file.name} (SHA-256 {hashlib.sha256(file.read_bytes()).hexdigest()})" for file in files
    )
    return (
        f"{net}, imported from {read}; training data, licence and figures are those its authors "
        "state."
    )

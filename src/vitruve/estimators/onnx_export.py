"""A lifter's net as an ONNX file, for programs that run without torch.

The file holds the net alone: normalised keypoints in, joints in the net's unit out. What goes
before and after it stands in the file's metadata. Needs the extra ``onnx``.

A strided VideoPose3D is written in its dilated form: same weights, clips of any length. A
diffusion lifter's net is written as its denoiser; the schedule of its steps stays with the caller.

Axes: b batch, h hypotheses, t frames, k keypoints, j joints, c channels.
"""

import copy
import logging
import math
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal

import torch
from jaxtyping import Float, Int64
from torch import Tensor, nn

from vitruve.estimators import onnx_int8
from vitruve.estimators.base import Estimator
from vitruve.estimators.diffusion_lifter import DiffusionLifter
from vitruve.estimators.lifter import Lifter
from vitruve.estimators.onnx_metadata import metadata
from vitruve.io.atomic import atomic_path
from vitruve.nets import LIFTERS
from vitruve.nets.diffusion_schedule import NUM_STEPS

TOLERANCE = 1e-4
"""Largest difference from torch that a float32 file may have, relative to the largest output."""
NEEDED = ("onnx", "onnxscript", "onnxruntime")
"""Modules of the extra ``onnx``."""

ExportPrecision = Literal["float32", "int8"]


@dataclass(frozen=True)
class ExportReport:
    """What was written, and how near it is to torch on random keypoints."""

    path: Path
    net: str
    """Name in ``nets.LIFTERS``."""
    precision: ExportPrecision
    opset: int
    """Version of ONNX's operators."""
    size_bytes: int
    """Of the file."""
    float32_size_bytes: int
    """Of the same net in float32."""
    difference: float
    """Largest of float32 from torch, relative to the largest output."""
    int8_largest: float | None = None
    """Largest difference of int8 from torch, in the net's unit; None for float32."""
    int8_mean: float | None = None
    """Mean distance of int8's joints from torch's, in the net's unit; None for float32."""


def export_onnx(
    estimator: Estimator,
    path: str | Path,
    *,
    precision: ExportPrecision = "float32",
    card: str = "",
    commit: str = "",
) -> ExportReport:
    """Write a lifter's net, and compare it with torch first; a net that differs is not written.

    Inputs: ``keypoints`` (b t k c); of a diffusion lifter also ``noisy_joints`` (b h t j 3) and
    ``time`` (b), int64. Output: ``joints`` (b t' j 3), or (b h t j 3). The batch may be of any
    size, the time of any length where the net's ``window`` is None.

    Args:
        estimator: A ``Lifter`` or ``DiffusionLifter``; it stays as it is.
        path: The file, ``*.onnx``.
        precision: ``int8`` also turns weights into 8-bit integers, except of the layers that read
            the inputs or say the joints. What that costs is in the report, for the caller to judge.
        card: For people, kept in the file.
        commit: Of the code that trained it, kept in the file.

    Raises:
        ImportError: The extra ``onnx`` is not installed.
        ValueError: It cannot be exported, or would differ from torch by more than ``TOLERANCE``.
        OSError: The file cannot be written.
    """
    lifter = _checked(estimator, path := Path(path), precision)
    net, clips = _net_and_clips(lifter)
    with atomic_path(path) as temporary:
        _write_float32(net, clips[0], temporary)
        float32_size = temporary.stat().st_size
        difference = _largest_difference(net, clips, temporary)
        _refuse_beyond_tolerance(lifter.config.net, difference, path)
        lost = _quantised(net, clips, temporary) if precision == "int8" else ()
        opset = _describe(temporary, metadata(lifter, precision, card, commit))
    sizes = path.stat().st_size, float32_size
    return ExportReport(path, lifter.config.net, precision, opset, *sizes, difference, *lost)


def _refuse_beyond_tolerance(net: str, difference: float, path: Path) -> None:
    if not difference <= TOLERANCE:
        raise ValueError(
            f"{net} as ONNX differs from torch by {difference:.1e} of its largest output; at most "
            f"{TOLERANCE:.0e} is allowed, so {path} was not written"
        )


class _Denoise(nn.Module):
    """The denoiser of a diffusion net as a module's forward."""

    def __init__(self, net: Any) -> None:
        super().__init__()
        self.net = net

    def forward(
        self,
        keypoints: Float[Tensor, "b t k c"],
        noisy_joints: Float[Tensor, "b h t j 3"],
        time: Int64[Tensor, "b"],
    ) -> Float[Tensor, "b h t j 3"]:
        return self.net.denoise(keypoints, noisy_joints, time)


def _checked(estimator: Estimator, path: Path, precision: str) -> Lifter:
    if not isinstance(estimator, Lifter):
        raise ValueError(
            f"{type(estimator).__name__} cannot be exported: only lifters that read nothing but "
            "keypoints can, which are Lifter and DiffusionLifter"
        )
    if path.suffix != ".onnx":
        raise ValueError(f"{path} must end in .onnx")
    if precision not in ("float32", "int8"):
        raise ValueError(f"precision {precision!r} must be float32 or int8")
    if absent := [name for name in NEEDED if find_spec(name) is None]:
        raise ImportError(f"ONNX files need {absent[0]}: pip install 'vitruve[onnx]'")
    return estimator


def _net_and_clips(lifter: Lifter) -> tuple[nn.Module, list[dict[str, Tensor]]]:
    """A copy of the net to be exported, and random inputs of two batch sizes and lengths."""
    config = lifter.config
    net: Any = copy.deepcopy(lifter.net).eval().float().cpu()
    if getattr(net.config, "strided", False):
        strided, net = net, LIFTERS[config.net][0](replace(net.config, strided=False)).eval()
        net.load_state_dict(strided.state_dict())
    lengths = [net.window] * 2
    if net.window is None:
        lengths = [net.receptive_field + 4, net.receptive_field + 9]
    generator, sizes = torch.Generator().manual_seed(0), config.net_config
    clips = []
    for b, t in zip((2, 3), lengths, strict=True):
        clip = {"keypoints": _uniform(generator, b, t, sizes.num_keypoints, sizes.in_channels)}
        if isinstance(lifter, DiffusionLifter):
            clip["noisy_joints"] = _uniform(generator, b, b + 1, t, sizes.num_joints, 3)
            clip["time"] = torch.randint(NUM_STEPS, (b,), generator=generator)
        clips.append(clip)
    return (_Denoise(net).eval() if isinstance(lifter, DiffusionLifter) else net), clips


def _uniform(generator: torch.Generator, *shape: int) -> Tensor:
    return torch.rand(*shape, generator=generator) * 2 - 1


def _write_float32(net: nn.Module, clip: dict[str, Tensor], path: Path) -> None:
    batch = torch.export.Dim("batch", min=1)
    shapes: dict[str, dict[int, Any]] = {name: {0: batch} for name in clip}
    if "noisy_joints" in clip:
        shapes["noisy_joints"][1] = torch.export.Dim("hypotheses", min=1)
    elif (bare := _bare(net)).window is None:
        shapes["keypoints"][1] = torch.export.Dim("frames", min=bare.receptive_field)
    with _quiet():
        program = torch.onnx.export(
            net,
            kwargs=clip,
            dynamo=True,
            input_names=list(clip),
            output_names=["joints"],
            dynamic_shapes=shapes,
            verbose=False,
        )
    assert program is not None
    program.save(path)


def _bare(net: nn.Module) -> Any:
    return net.net if isinstance(net, _Denoise) else net


@contextmanager
def _quiet() -> Iterator[None]:
    """Without what the exporter says that is no concern of whoever exports."""
    registration = logging.getLogger("torch.onnx._internal.exporter._registration")
    level = registration.level
    registration.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            # Raised inside torch by the code that torch's own exporter calls.
            warnings.filterwarnings("ignore", ".*treespec, LeafSpec", FutureWarning)
            # The denoiser's three inputs share their batch, and so its name.
            warnings.filterwarnings("ignore", ".*axis name: batch will not be used", UserWarning)
            yield
    finally:
        registration.setLevel(level)


def _answers(
    net: nn.Module, clips: list[dict[str, Tensor]], path: Path
) -> Iterator[tuple[Tensor, Tensor]]:
    """What the file and the net say of each clip, on one thread."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    for clip in clips:
        given = {name: value.numpy() for name, value in clip.items()}
        try:
            said = session.run(None, given)[0]
        # Its exceptions share no base of their own.
        except Exception as error:
            sizes = {name: tuple(value.shape) for name, value in clip.items()}
            raise ValueError(f"as ONNX the net does not run on {sizes}: {error}") from None
        with torch.no_grad():
            yield torch.from_numpy(said), net(**clip)


def _largest_difference(net: nn.Module, clips: list[dict[str, Tensor]], path: Path) -> float:
    """Relative to the largest output; infinite where the shapes differ."""
    worst = 0.0
    for said, wanted in _answers(net, clips, path):
        if said.shape != wanted.shape:
            return math.inf
        relative = (said - wanted).abs().max() / wanted.abs().max().clamp(min=1e-12)
        # Compared so that a difference that is no number counts.
        worst = worst if relative <= worst else relative.item()
    return worst


def _quantised(net: nn.Module, clips: list[dict[str, Tensor]], path: Path) -> tuple[float, float]:
    """Rewrite the file in int8; largest difference and mean distance of its joints from torch's."""
    onnx_int8.quantise(path)
    differences = [(said - wanted).reshape(-1, 3) for said, wanted in _answers(net, clips, path)]
    joined = torch.cat(differences)
    return joined.abs().max().item(), joined.norm(dim=-1).mean().item()


def _describe(path: Path, facts: dict[str, str]) -> int:
    """Put facts into the file; the version of its operators."""
    import onnx

    model = onnx.load(path)
    onnx.helper.set_model_props(model, facts)
    onnx.save(model, path)
    return next(entry.version for entry in model.opset_import if not entry.domain)

"""``vitruve doctor``: what works on this machine, what does not, and what to do about it."""

import json
import os
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from importlib.util import find_spec
from pathlib import Path

import tyro

MISSING = 1
_EXTRAS = {
    "detect": ("ai_edge_litert",),
    "body": ("anny",),
    "image": ("timm", "torchvision", "diffusers", "transformers"),
    "cluster": ("ray",),
    "mat": ("h5py",),
    "cdf": ("cdflib",),
    "onnx": ("onnx", "onnxscript", "onnxruntime"),
    "parquet": ("pyarrow",),
    "plots": ("matplotlib", "sklearn"),
    "tune": ("optuna",),
}
"""What each extra of the package brings."""


@dataclass(frozen=True)
class Arguments:
    """Try everything that estimating from a video needs, and look which extras are here.

    Exits with 0 if the main job can run, else with 1.
    """

    json: bool = False
    """Print JSON instead of lines."""
    fetch: bool = False
    """First fetch the detector's models (9 MB are kept) if they are not here."""


@dataclass(frozen=True)
class Check:
    """One thing that works or does not."""

    name: str
    ok: bool
    detail: str
    """What was found."""
    todo: str = ""
    """What to do where it is missing."""
    needed: bool = True
    """Whether the main job needs it."""


def main(argv: list[str]) -> int:
    """Look at everything, print it.

    Returns:
        0 if the main job can run, 1 if something it needs is missing.

    Raises:
        OSError: The models are to be fetched and cannot be.
    """
    arguments = tyro.cli(Arguments, prog="vitruve doctor", args=argv)
    if arguments.fetch:
        from vitruve.pipeline.models import ensure_models

        ensure_models()
    checks = []
    for check in examine():
        checks.append(check)
        if not arguments.json:
            print(_line(check), flush=True)
    missing = [check.name for check in checks if check.needed and not check.ok]
    if arguments.json:
        rows = [asdict(check) for check in checks]
        print(json.dumps({"main_job_can_run": not missing, "checks": rows}, indent=1))
    elif missing:
        print(f"vitruve estimate cannot run from video yet: {', '.join(missing)}")
    else:
        print("vitruve estimate can run")
    return MISSING if missing else 0


def examine() -> Iterator[Check]:
    """Every check, in order, as it is done."""
    for name, look, todo, needed in _CHECKS:
        try:
            ok, detail = look()
        # A broken installation can raise anything; that is what is to be found out here.
        except Exception as error:
            said = error.args[0] if error.args else ""
            ok, detail = False, " ".join(f"{type(error).__name__}: {said}".split())
        yield Check(name, ok, detail, "" if ok else todo, needed)
    for extra, modules in _EXTRAS.items():
        absent = [name for name in modules if find_spec(name) is None]
        detail = f"{', '.join(absent)} not installed" if absent else ", ".join(modules)
        todo = f"pip install 'vitruve[{extra}]'" if absent else ""
        yield Check(f"extra {extra}", not absent, detail, todo, needed=False)


def _torch() -> tuple[bool, str]:
    import torch

    return True, f"{torch.__version__}, {torch.get_num_threads()} threads of {os.cpu_count()} cores"


def _gpu() -> tuple[bool, str]:
    import torch

    if not torch.cuda.is_available():
        driver = Path("/proc/driver/nvidia/version").exists()
        if driver and torch.version.cuda is None:
            return False, "an NVIDIA driver is here, but this torch is built for the CPU only"
        return False, "no GPU that torch can use; training runs on the CPU"
    x = torch.eye(8, device="cuda")
    works = bool(torch.equal(x @ x, x))
    return works, f"{torch.cuda.get_device_name()}; training uses it, estimating runs on the CPU"


def _runtime() -> tuple[bool, str]:
    from importlib.metadata import version

    # Imported, not just found: a wheel for another libc is there and does not load.
    from ai_edge_litert.interpreter import Interpreter

    return Interpreter is not None, f"LiteRT {version('ai-edge-litert')}"


def _models() -> tuple[bool, str]:
    from vitruve.pipeline.models import cached_models, models_folder

    found = cached_models()
    return found is not None, f"{'in' if found else 'not in'} {models_folder()}"


def _cache() -> tuple[bool, str]:
    from vitruve.pipeline.models import models_folder

    folder = models_folder()
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=folder):
        return True, f"{folder} can be written"


def _codecs() -> tuple[bool, str]:
    import av
    import numpy as np

    from vitruve.io.video import read_frames
    from vitruve.io.video_writer import write_video

    frames = [np.full((32, 48, 3), 80 * i, np.uint8) for i in range(3)]
    with tempfile.TemporaryDirectory() as folder:
        clip = Path(folder) / "clip.mp4"
        write_video(clip, frames, 25.0)
        count = sum(1 for _ in read_frames(clip))
    others = [c for c in ("hevc", "vp9", "av1", "mpeg4") if c in av.codecs_available]
    return count == 3, f"PyAV {av.__version__}: H.264 both ways; reads {', '.join(others)}"


def _weights() -> tuple[bool, str]:
    import torch

    from vitruve.estimators import load
    from vitruve.poses import PoseBatch

    estimator = load()
    shape = (1, 8, estimator.keypoint_skeleton.num_joints)
    batch = PoseBatch(
        keypoint_skeleton=estimator.keypoint_skeleton,
        keypoints_px=200 + 600 * torch.rand(*shape, 2, generator=torch.Generator().manual_seed(0)),
        keypoints_valid=torch.ones(shape, dtype=torch.bool),
        confidence=torch.ones(shape),
        image_size_px=torch.tensor([[1000.0, 1000.0]]),
        intrinsics=torch.tensor([[[1000.0, 0, 500], [0, 1000, 500], [0, 0, 1]]]),
        fps=torch.tensor([30.0]),
    )
    with torch.inference_mode():
        said = estimator(batch).joints_cam
    size = sum(t.numel() for t in estimator.state_dict().values()) / 1e6
    finite = bool(torch.isfinite(said).all())
    return finite, f"default: {size:.1f} million numbers, {estimator.skeleton.name}; lifts"


def _rtmlib() -> tuple[bool, str]:
    absent = [name for name in ("rtmlib", "onnxruntime") if find_spec(name) is None]
    return not absent, f"{', '.join(absent)} not installed" if absent else "rtmlib, onnxruntime"


_CHECKS: tuple[tuple[str, Callable[[], tuple[bool, str]], str, bool], ...] = (
    ("torch", _torch, "install torch as https://pytorch.org says", True),
    ("gpu", _gpu, "none is needed; for one, install torch with CUDA", False),
    ("video codecs", _codecs, "pip install --force-reinstall av", True),
    ("detector runtime", _runtime, "pip install 'vitruve[detect]', or give keypoint files", True),
    (
        "detector models",
        _models,
        "vitruve doctor --fetch, once, with a network; without one set VITRUVE_MEDIAPIPE_WHEEL",
        True,
    ),
    ("cache folder", _cache, "set VITRUVE_HOME to a folder that can be written", False),
    ("weights", _weights, "install the package again: its weights are missing or damaged", True),
    ("rtmpose", _rtmlib, "pip install rtmlib onnxruntime, for --detector rtmpose", False),
)
"""Name, the check, what to do where it fails, whether the main job needs it."""


def _line(check: Check) -> str:
    state = "ok" if check.ok else "MISSING" if check.needed else "-"
    todo = f" -> {check.todo}" if check.todo else ""
    return f"{state:8}{check.name:17} {check.detail}{todo}"

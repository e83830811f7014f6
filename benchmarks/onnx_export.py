"""Every net as an ONNX file: agreement with torch, size, time; write results/lifters_onnx.json.

    python benchmarks/onnx_export.py [--preset medium] [--nets mixste prml]
    python benchmarks/onnx_export.py --weights default FILE.safetensors --data cmu_motion.npz

Nets of the table have random weights, so what int8 costs them says little about trained ones;
``--weights`` measures that on CMU-Lift's exact keypoints. Times are of one clip on one thread, and
the median of passes taken in turns: torch, float32, int8.

Axes: b batch, t frames, k keypoints, j joints, c channels.
"""

import argparse
import shlex
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import onnxruntime
import torch
from jaxtyping import Float
from torch import Tensor, nn

from vitruve.benchmarks import CmuLift
from vitruve.benchmarks.results import FOLDER, Row, record
from vitruve.estimators import ExportReport, Lifter, LifterConfig, export_onnx, load
from vitruve.nets import LIFTERS
from vitruve.skeletons import skeleton

RESULTS = "lifters_onnx"
FRAMES = 27
REPEATS = 5
_KEPT = {"kept_frames": 3, "kept_coefficients": 3}
_MEDIUM: dict[str, dict[str, Any]] = {
    "p_stmo": {"strides": (3, 3, 3)},
    "pose_former_v2": {"num_frames": FRAMES, **_KEPT},
    "sem_gcn": {"parents": skeleton("h36m_17").parents},
    "simple_baseline": {},
    "video_pose_3d": {"widths": (3, 3, 3)},
}
"""Settings that give a net a view of 27 frames; the others have ``num_frames``."""
_TINY: dict[str, dict[str, Any]] = {
    "simple_baseline": {"width": 32},
    "prml": {"channels": 32, "depth": 2, "head_channels": 32},
    "pose_former_v2": {"channels": 16, "depth": 1},
    "sem_gcn": {"channels": 32, "num_blocks": 1},
    "video_pose_3d": {"channels": 64},
}
"""What makes it small as well; the others get 32 channels and a depth of 2."""


class OnnxNet(nn.Module):
    """An ONNX file in place of the net that it was exported from."""

    def __init__(self, net: Any, path: Path) -> None:
        super().__init__()
        self.config, self.window, self.padding = net.config, net.window, net.padding
        # Who lifts asks an estimator's parameters where they are.
        self.nowhere = nn.Parameter(torch.zeros(0))
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        self.session = onnxruntime.InferenceSession(
            path, options, providers=["CPUExecutionProvider"]
        )

    def forward(self, keypoints: Float[Tensor, "b t k c"]) -> Float[Tensor, "b tout j 3"]:
        """Run the file."""
        return torch.from_numpy(self.session.run(None, {"keypoints": keypoints.numpy()})[0])


def make_lifter(name: str, preset: str) -> Lifter:
    """A net of the table with random weights and 17 joints."""
    settings: dict[str, Any] = {}
    if preset != "published":
        settings = _MEDIUM.get(name, {"num_frames": FRAMES})
    if preset == "tiny":
        settings = settings | _TINY.get(name, {"channels": 32, "depth": 2})
    joints = skeleton("h36m_17")
    torch.manual_seed(0)
    config = LIFTERS[name][1](17, 17, **settings)
    return Lifter(LifterConfig(joints, joints, name, config)).eval()


def export_both(lifter: Any, folder: Path) -> tuple[ExportReport, ExportReport]:
    """The same net in float32 and in int8."""
    return (
        export_onnx(lifter, folder / "float32.onnx"),
        export_onnx(lifter, folder / "int8.onnx", precision="int8"),
    )


def median_ms(passes: dict[str, Callable[[], Any]]) -> dict[str, float]:
    """Median times of functions that take turns; each runs once before, untimed."""
    times: dict[str, list[float]] = {name: [] for name in passes}
    for call in passes.values():
        call()
    for _ in range(REPEATS):
        for name, call in passes.items():
            start = time.perf_counter()
            call()
            times[name].append(1e3 * (time.perf_counter() - start))
    return {f"{name}_ms": statistics.median(values) for name, values in times.items()}


def sizes(float32: ExportReport, int8: ExportReport) -> dict[str, float]:
    """What both reports say; the nets here speak metres."""
    assert int8.int8_mean is not None
    assert int8.int8_largest is not None
    return {
        "max_difference": float32.difference,
        "size_mb": float32.size_bytes / 1e6,
        "int8_size_mb": int8.size_bytes / 1e6,
        "int8_mean_difference_mm": 1e3 * int8.int8_mean,
        "int8_max_difference_mm": 1e3 * int8.int8_largest,
    }


@torch.inference_mode()
def measure_net(name: str, preset: str) -> dict[str, float]:
    """Agreement, size and time of one net of the table."""
    lifter = make_lifter(name, preset)
    net: Any = lifter.net
    frames = net.window or FRAMES + sum(net.padding)
    clip = torch.rand(1, frames, 17, 2, generator=torch.Generator().manual_seed(0)) * 2 - 1
    with tempfile.TemporaryDirectory() as folder:
        with torch.inference_mode(False):
            reports = export_both(lifter, Path(folder))
        float32, int8 = (OnnxNet(net, report.path) for report in reports)
        times = median_ms(
            {
                "eager": lambda: net(clip),
                "onnxruntime": lambda: float32(clip),
                "int8": lambda: int8(clip),
            }
        )
    return sizes(*reports) | {"frames": frames} | times


def measure_weights(weights: str, data: Path) -> dict[str, float]:
    """MPJPE of trained weights on CMU-Lift's exact keypoints, through each file."""
    lifter = load(weights)
    benchmark = CmuLift(data)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        reports = export_both(lifter, folder)
        metrics: dict[str, float] = sizes(*reports)
        net = lifter.net
        for report in reports:
            # The file takes any length where the net is strided.
            lifter.net = OnnxNet(net, report.path)
            out = benchmark.predict(lifter, folder / "said.npz", "gt", flip=False)
            score = benchmark.score(out)["sets"][benchmark.main_set]["metrics"]["mpjpe_mm"]
            metrics[f"{report.precision}_mpjpe_mm"] = score
    metrics["int8_cost_mm"] = metrics["int8_mpjpe_mm"] - metrics["float32_mpjpe_mm"]
    return metrics


def main() -> None:
    """Measure, print and record."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--preset", choices=("tiny", "medium", "published"), default="medium")
    parser.add_argument("--nets", nargs="+", choices=sorted(LIFTERS), default=list(LIFTERS))
    parser.add_argument("--weights", nargs="+", default=[], help="instead of the nets of the table")
    parser.add_argument("--data", type=Path, help="CMU-Lift's motion archive, for --weights")
    parser.add_argument("--results", type=Path, default=FOLDER)
    arguments = parser.parse_args()
    if arguments.weights and arguments.data is None:
        parser.error("--weights is scored on CMU-Lift: give --data FILE.npz")
    torch.set_num_threads(1)
    command = shlex.join(["python", *sys.argv])
    for item in arguments.weights or arguments.nets:
        started = time.perf_counter()
        if arguments.weights:
            metrics, data = measure_weights(item, arguments.data), "cmu gt"
        else:
            metrics, data = measure_net(item, arguments.preset), "random keypoints"
        preset = "trained" if arguments.weights else arguments.preset
        seconds = time.perf_counter() - started
        row = Row(f"onnx.{Path(item).stem}", 0, preset, data, metrics, command, seconds)
        record(row, RESULTS, arguments.results)
        print(row.run, ", ".join(f"{k} {v:.4g}" for k, v in metrics.items()), flush=True)


if __name__ == "__main__":
    main()

"""Speed of every lifter against a plain reference and against its matrix products alone.

    python benchmarks/lifting.py [--nets mixste prml] [--cases forward training] [--device cuda]

Published sizes, random weights, clips of 243 frames of 17 joints. Rounds take turns between what is
compared, so that a drift of the machine meets all alike; medians count, and ratios are medians of
the ratios of each round. Rows go to results/lifters_speed.json as ``speed.NET.CASE``; a row that is
there is skipped unless ``--again``. Cases:

- ``forward``: float32, batch 1. The reference is the same net with attention written out, as
  softmax(q k' / sqrt(d)) v; a net without attention has none. The floor is the time of its matrix
  products and convolutions alone, on tensors of the same shapes; ``fraction_of_floor`` is 1 when
  nothing else takes time.
- ``bfloat16``: the same under the switch that ``--precision`` sets, against our own float32.
- ``training``: forward, backward and AdamW step, float32, against the reference's.
- ``flip``: averaging with the mirrored clip, against one pass.
- ``stream``: milliseconds a frame of a causal net, one frame in, one pose out, one thread.
- ``long``: a clip of 10,000 frames through the lifter, padding and decoding included.
- ``graph``, with ``--device cuda`` alone: batch 1, bfloat16, replayed as one CUDA graph, against
  float32 run eagerly with attention written out, and against bfloat16 run eagerly.
- ``sixty_four``, likewise: 64 clips in bfloat16; ``share_of_card`` is the rate of the net's
  products over that of one product of large bfloat16 matrices, measured in the same rounds.

Rows of a GPU go to results/lifters_speed_gpu.json.
"""

import argparse
import shlex
import statistics
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from timing import Call, floor_of, ratio, reference, seconds
from vitruve.benchmarks.results import FOLDER, Row, read_rows, record
from vitruve.estimators import Lifter, LifterConfig, open_stream, predict_flipped
from vitruve.estimators.cuda_graph import replayed
from vitruve.estimators.precision import computing
from vitruve.nets import LIFTERS, layers
from vitruve.nets.cost import cost_of, products_of
from vitruve.poses import PoseBatch
from vitruve.skeletons import skeleton

RESULTS = "lifters_speed"
_H36M = skeleton("h36m_17")
_TINY: dict[str, dict[str, Any]] = {
    "p_stmo": {"strides": (1, 3, 3), "channels": 16, "hidden": 32},
    "pose_former_v2": {"num_frames": 9, "kept_frames": 3, "kept_coefficients": 3, "channels": 8},
    "sem_gcn": {"channels": 16},
    "simple_baseline": {"width": 32},
    "video_pose_3d": {"widths": (3, 3), "channels": 16},
}
"""What makes a net tiny; the others get nine frames, 16 channels and a depth of 2."""
_CAUSAL = ("video_pose_3d", "prml")
_LONG = ("simple_baseline", "sem_gcn", "video_pose_3d")
"""Nets whose 10,000 frames take seconds; the others answer windows side by side."""


def make_net(name: str, tiny: bool, **settings: Any) -> Any:
    """A net of the table at its published or a tiny size, random weights, evaluation mode."""
    torch.manual_seed(0)
    build, config = LIFTERS[name]
    if tiny:
        small = {"num_frames": 9, "channels": 16, "depth": 2}
        settings = _TINY.get(name, small) | settings
    return build(config(17, 17, **settings)).eval()


def clip_of(net: Any, batch: int = 1, frames: int = 243) -> Tensor:
    """Keypoints of as many frames as the net takes."""
    return torch.randn(batch, net.window or max(frames, net.receptive_field), 17, 2)


def inference(net: Any, x: Tensor, precision: Any = "float32") -> Call:
    """One pass without gradients."""

    @torch.inference_mode()
    def run() -> None:
        with computing(net, precision):
            net(x)

    return run


def forward(name: str, tiny: bool, rounds: int, clips: int = 1) -> dict[str, float]:
    """Float32 against reference and floor."""
    net = make_net(name, tiny)
    x = clip_of(net, clips)
    ours = inference(net, x)
    calls = {"ours": ours, "floor": floor_of(products_of(net, clips, x.shape[1]))}
    calls |= {"reference": reference(ours)} if _attends(net) else {}
    times, cost = seconds(calls, rounds), cost_of(net, x.shape[1])
    ms = 1000 * statistics.median(times["ours"])
    metrics = {"ms": ms, "fraction_of_floor": ratio(times, "floor", "ours")}
    metrics |= {"gmacs": clips * cost.macs / 1e9, "gflops_per_s": 2e-6 * clips * cost.macs / ms}
    if "reference" in calls:
        metrics["speedup"] = ratio(times, "reference", "ours")
    return metrics | {"frames_per_second": 1000 * clips * cost.frames / ms}


def bfloat16(name: str, tiny: bool, rounds: int) -> dict[str, float]:
    """Bfloat16 against our float32; how far answers move, of their largest."""
    net = make_net(name, tiny)
    x = clip_of(net)
    calls = {"ours": inference(net, x, "bfloat16"), "float32": inference(net, x)}
    calls["floor"] = floor_of(products_of(net, 1, x.shape[1]), torch.bfloat16)
    times = seconds(calls, rounds)
    with torch.inference_mode():
        exact = net(x)
        with computing(net, "bfloat16"):
            change = (net(x).float() - exact).abs().max() / exact.abs().max()
    return {
        "ms": 1000 * statistics.median(times["ours"]),
        "speedup": ratio(times, "float32", "ours"),
        "fraction_of_floor": ratio(times, "floor", "ours"),
        "relative_change": change.item(),
    }


def graph(name: str, tiny: bool, rounds: int) -> dict[str, float]:
    """One clip on a GPU in bfloat16: a replayed graph, and the same eagerly."""
    net = make_net(name, tiny)
    x = clip_of(net)
    calls = {"eager": inference(net, x, "bfloat16"), "float32": inference(net, x)}
    calls["reference"] = reference(calls["float32"])
    run = replayed(net, x, "bfloat16")
    calls["ours"] = lambda: run(x)
    times = seconds(calls, 10 * rounds)
    with torch.inference_mode():
        exact = net(x)
        change = (run(x).float() - exact).abs().max() / exact.abs().max()
    return {
        "ms": 1000 * statistics.median(times["ours"]),
        "eager_ms": 1000 * statistics.median(times["eager"]),
        "float32_ms": 1000 * statistics.median(times["float32"]),
        "reference_ms": 1000 * statistics.median(times["reference"]),
        "speedup": ratio(times, "reference", "ours"),
        "relative_change": change.item(),
    }


def sixty_four(name: str, tiny: bool, rounds: int) -> dict[str, float]:
    """64 clips in bfloat16, against what the card multiplies at best."""
    net, side, clips = make_net(name, tiny), 64 if tiny else 8192, 64
    x = clip_of(net, clips)
    square = torch.randn(side, side, dtype=torch.bfloat16)
    calls = {
        "ours": inference(net, x, "bfloat16"),
        "card": torch.inference_mode()(lambda: square @ square),
    }
    times, cost = seconds(calls, 3 * rounds), cost_of(net, x.shape[1])
    ms, macs = 1000 * statistics.median(times["ours"]), clips * cost.macs
    return {
        "ms": ms,
        "tflops_per_s": 2e-9 * macs / ms,
        "card_tflops_per_s": 2e-12 * side**3 / statistics.median(times["card"]),
        "share_of_card": macs / side**3 * ratio(times, "card", "ours"),
        "frames_per_second": 1000 * clips * cost.frames / ms,
    }


def training(name: str, tiny: bool, rounds: int) -> dict[str, float]:
    """A training step against the reference's."""
    net = make_net(name, tiny).train()
    # Norms over the batch need more than one clip where each clip gives one answer.
    x = clip_of(net, 2 if net.receptive_field != 1 and sum(net.padding) else 1)
    optimizer = torch.optim.AdamW(net.parameters(), lr=1e-5)

    def step() -> None:
        optimizer.zero_grad(set_to_none=True)
        net(x).square().mean().backward()
        optimizer.step()

    calls: dict[str, Call] = {"ours": step}
    calls |= {"reference": reference(step)} if _attends(net) else {}
    times = seconds(calls, rounds)
    metrics = {"ms": 1000 * statistics.median(times["ours"])}
    if "reference" in calls:
        metrics["speedup"] = ratio(times, "reference", "ours")
    return metrics


def flip(name: str, tiny: bool, rounds: int) -> dict[str, float]:
    """Averaging with the mirrored clip against one pass of the lifter."""
    lifter, batch = make_lifter(name, tiny), batch_of(make_net(name, tiny).window or 243)
    calls: dict[str, Call] = {
        "once": torch.inference_mode()(lambda: lifter(batch)),
        "flipped": torch.inference_mode()(lambda: predict_flipped(lifter, batch)),
    }
    times = seconds(calls, rounds)
    return {
        "ms": 1000 * statistics.median(times["flipped"]),
        "flip_cost": ratio(times, "flipped", "once"),
    }


def stream(name: str, tiny: bool, rounds: int) -> dict[str, float]:
    """Milliseconds a frame on one thread."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    size = {} if tiny or name != "prml" else {"num_frames": 27, "channels": 64, "depth": 2}
    opened = open_stream(make_lifter(name, tiny, causal=True, **size), (1920, 1080))
    frame = 1000 * torch.rand(17, 2)
    times = seconds({"ours": lambda: opened.push(frame)}, 20 * rounds)["ours"]
    torch.set_num_threads(threads)
    return {"ms": 1000 * statistics.median(times), "slowest_ms": 1000 * max(times)}


def long(name: str, tiny: bool, rounds: int) -> dict[str, float]:
    """Frames a second of a clip of 10,000."""
    frames = 300 if tiny else 10_000
    lifter, batch = make_lifter(name, tiny), batch_of(frames)
    times = seconds({"ours": torch.inference_mode()(lambda: lifter(batch))}, rounds)["ours"]
    return {"frames": frames, "frames_per_second": frames / statistics.median(times)}


def make_lifter(name: str, tiny: bool, **settings: Any) -> Lifter:
    """The net in a lifter, float32."""
    net = make_net(name, tiny, **settings)
    lifter = Lifter(LifterConfig(_H36M, _H36M, name, net.config)).eval()
    lifter.precision = "float32"
    return lifter


def batch_of(frames: int) -> PoseBatch:
    """One clip of random keypoints."""
    seen = torch.ones(1, frames, 17, dtype=torch.bool)
    size = torch.tensor([[1000.0, 1000.0]])
    return PoseBatch(_H36M, 1000 * torch.rand(1, frames, 17, 2), seen, seen.float(), size)


def _attends(net: nn.Module) -> bool:
    return any(isinstance(m, layers.Attention) for m in net.modules())


CASES: dict[str, Callable[[str, bool, int], dict[str, float]]] = {
    "forward": forward,
    "bfloat16": bfloat16,
    "training": training,
    "flip": flip,
    "stream": stream,
    "long": long,
    "sixteen": partial(forward, clips=16),
    "graph": graph,
    "sixty_four": sixty_four,
}
"""What is measured, the most telling first."""
CASES_ON = {
    "cpu": tuple(CASES)[:-2],
    "cuda": ("graph", "sixty_four", "forward", "bfloat16", "training"),
}
"""Cases by device, those that are measured unless others are asked for."""


def plan(nets: Sequence[str], cases: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Case and net of every row."""
    only = {"stream": _CAUSAL, "long": _LONG}
    for case in cases:
        yield from ((case, net) for net in nets if net in only.get(case, nets))


def main(argv: list[str]) -> None:
    """Measure what is asked and not there yet."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--nets", nargs="+", default=list(LIFTERS), choices=list(LIFTERS))
    parser.add_argument("--cases", nargs="+", choices=list(CASES), help="all of the device")
    parser.add_argument("--device", default="cpu", choices=list(CASES_ON))
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--tiny", action="store_true", help="tiny nets: to see that it runs")
    parser.add_argument("--again", action="store_true", help="measure rows that are there too")
    parser.add_argument("--results", type=Path, default=FOLDER)
    asked = parser.parse_args(argv)
    gpu = asked.device == "cuda"
    torch.set_default_device(asked.device)
    results = f"{RESULTS}_gpu" if gpu else RESULTS
    there = {row["run"] for row in read_rows(asked.results / f"{results}.json")}
    for case, net in plan(asked.nets, asked.cases or CASES_ON[asked.device]):
        run = f"speed.{net}.{case}"
        if run in there and not asked.again:
            continue
        start, metrics = time.perf_counter(), CASES[case](net, asked.tiny, asked.rounds)
        took = time.perf_counter() - start
        where = "on a GPU" if gpu else f"{torch.get_num_threads()} threads"
        command = shlex.join(["python", "benchmarks/lifting.py", *argv])
        row = Row(run, 0, "gpu" if gpu else "cpu", f"random clip, {where}", metrics, command, took)
        record(row, results, asked.results)
        print(f"{run:36}", "  ".join(f"{k} {v:.3g}" for k, v in metrics.items()), flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])

"""What SCoTL-pose's energy adds to a training step, against the step without and its products.

    python benchmarks/energy_step.py [--nets mixste] [--variants graph mlp] [--device cuda]

The runs ``scotl.cmu.NET.VARIANT`` (preset cpu) and ``_gpu`` (published sizes) as they train, on
poses made up in the rigs of Human3.6M: both players' updates, clipping and logs included. Rounds
take turns between the plain step, the step with the energy, and the energy's products alone;
ratios are medians of the ratios of each round. Rows go to results/scotl_speed.json as
``speed.scotl.NET.VARIANT.bBATCH.PRECISION``, those of a GPU to results/scotl_speed_gpu.json; a row
that is there is skipped unless ``--again``.

``ratio`` is the step with the energy over the plain one, ``added_ms`` their difference.
``floor_ms`` is the time of the loss-net's matrix products alone, on tensors of the same shapes:
forward and backward for the truth and each rival in its own step, forward and backward to the
joints in the estimator's. ``fraction_of_floor`` is 1 when nothing else of the energy takes
time. ``macs_per_pose`` are these products for each scored pose, ``least_ratio`` what the ratio
would be if the energy cost no more than them.
"""

import argparse
import shlex
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from timing import Call, floor_of, ratio, seconds
from vitruve.benchmarks.results import FOLDER, Row, read_rows, record
from vitruve.cli.memory import keep_freed_memory
from vitruve.data.cameras.virtual import h36m_rigs
from vitruve.nets import ENERGIES
from vitruve.nets.cost import Product, products_made
from vitruve.nets.pose_evidence import PoseEvidence
from vitruve.objectives.energy import EnergyConfig
from vitruve.poses import PoseBatch
from vitruve.recipes import RECIPES, Run
from vitruve.recipes.lifters import frames_of
from vitruve.skeletons import skeleton
from vitruve.training import Players, train_step
from vitruve.training.loop import make_optimizer

RESULTS = "scotl_speed"
NETS = ("mixste", "simple_baseline", "sem_gcn", "video_pose_3d")
VARIANTS = ("graph_gpu", "mlp_gpu", "structure_gpu", "graph", "mlp")
"""Loss-nets of the published size, ours of that size, and the small preset's."""
PRECISIONS = ("32", "bf16-mixed")
_H36M = skeleton("h36m_17")
_TINY: dict[str, dict[str, Any]] = {
    "mixste": {"num_frames": 9, "channels": 16, "depth": 2},
    "simple_baseline": {"width": 32},
    "sem_gcn": {"channels": 16},
    "video_pose_3d": {"channels": 16},
    "graph": {"channels": 16, "depth": 2, "num_heads": 2},
    "mlp": {"width": 16},
}
"""What makes lifters and loss-nets tiny."""


@dataclass(frozen=True)
class Case:
    """One row."""

    net: str
    variant: str
    batch: int
    precision: Any

    @property
    def name(self) -> str:
        """Of the row."""
        precision = "float32" if self.precision == "32" else "bf16"
        return f"speed.scotl.{self.net}.{self.variant}.b{self.batch}.{precision}"

    @property
    def size(self) -> str:
        """What the names of its runs end with."""
        return "_gpu" if self.variant.endswith("_gpu") else ""


def run_of(case: Case, variant: str, tiny: bool) -> Run:
    """A run of the case's net, as it trains or tiny."""
    run = RECIPES[f"scotl.cmu.{case.net}.{variant}{case.size}"]
    train = replace(run.train, batch_size=case.batch, precision=case.precision)
    if not tiny:
        return replace(run, train=train)
    estimator = _shrunk(run.estimator_config, case.net)
    terms = dict(run.terms)
    if "energy" in terms:
        config = terms["energy"].config
        terms["energy"] = replace(terms["energy"], config=_shrunk(config, config.net))
    return replace(run, train=train, estimator_config=estimator, terms=terms)


def _shrunk(config: Any, net: str) -> Any:
    return replace(config, net_config=replace(config.net_config, **_TINY[net]))


def batch_of(run: Run) -> PoseBatch:
    """People of random bones, wholly labelled, exactly seen through a lens."""
    b, t = run.train.batch_size, frames_of(run.estimator_config.net_config)
    camera = h36m_rigs()["S1"][0]
    drawn = torch.Generator().manual_seed(0)
    body = 0.25 * torch.randn(b, 1, 17, 3, generator=drawn)
    sway = 0.02 * torch.randn(b, t, 17, 3, generator=drawn)
    joints = body + sway + torch.tensor([0.0, 0.0, 4.0])
    assert camera.distortion is not None
    seen = torch.ones(b, t, 17, dtype=torch.bool)
    return PoseBatch(
        _H36M,
        camera.project(joints),
        seen,
        seen.float(),
        torch.tensor([1000.0, 1000.0]).expand(b, 2),
        intrinsics=camera.intrinsics.float().expand(b, 3, 3),
        distortion=camera.distortion.float().expand(b, -1),
        skeleton=_H36M,
        joints_cam=joints,
        valid=seen,
    )


def step_of(run: Run, batch: PoseBatch, device: str) -> Call:
    """One training step of a run."""
    torch.manual_seed(0)
    estimator, terms = run.build()
    for module in (estimator, *(term.objective for term in terms.values())):
        module.to(device)
    batch = batch.to(device)
    players = Players(estimator.train(), make_optimizer(estimator, run.train), terms)
    fabric = fabric_of(run.train.precision, device)

    def step() -> None:
        train_step(players, batch, 0, clip_norm=run.train.clip_norm, fabric=fabric)

    return step


@cache
def fabric_of(precision: str, device: str) -> Any:
    """What rounds a training's arithmetic."""
    from lightning_fabric import Fabric

    kind: Any = "32-true" if precision == "32" else precision
    return Fabric(accelerator=device, devices=1, precision=kind)


def energy_products(config: EnergyConfig, poses: int) -> list[Product]:
    """The products of the loss-net in one training step that scores so many predicted poses."""
    with torch.device("meta"):
        net = ENERGIES[config.net][0](config.net_config)

    def energies(sets: int, joints: Tensor) -> Tensor:
        points = torch.empty(sets * poses, 17, 2, device="meta")
        return net(joints, PoseEvidence(points, points, points[..., 0])).sum()

    def own_step() -> None:
        # The truth, the prediction, and the poses spoilt on purpose.
        sets = 2 + (config.wrong_poses is not None)
        energies(sets, torch.empty(sets * poses, 17, 3, device="meta")).backward()

    def estimators_step() -> None:
        net.requires_grad_(False)
        energies(1, torch.empty(poses, 17, 3, device="meta", requires_grad=True)).backward()

    return products_made(own_step) + products_made(estimators_step)


def measure(case: Case, tiny: bool, rounds: int, device: str) -> dict[str, float]:
    """Step with the energy against the step without, and against the energy's products."""
    plain = run_of(case, "baseline", tiny)
    run = run_of(case, case.variant.removesuffix("_gpu"), tiny)
    batch = batch_of(run)
    poses = int(batch.keypoints_valid[..., 0].numel())
    config = run.terms["energy"].config
    scored = min(poses, config.poses or poses)
    products = energy_products(config, scored)
    dtype = torch.float32 if case.precision == "32" else torch.bfloat16
    calls: dict[str, Callable[[], object]] = {
        "plain": step_of(plain, batch, device),
        "energy": step_of(run, batch, device),
        "floor": floor_of(products, dtype, device),
    }
    times, macs = seconds(calls, rounds), sum(product.macs for product in products)
    medians = {name: statistics.median(of_call) for name, of_call in times.items()}
    pairs = zip(times["energy"], times["plain"], strict=True)
    added = statistics.median(with_it - without for with_it, without in pairs)
    metrics = {
        "ms": 1000 * medians["energy"],
        "plain_ms": 1000 * medians["plain"],
        "added_ms": 1000 * added,
        "floor_ms": 1000 * medians["floor"],
        "ratio": ratio(times, "energy", "plain"),
        "least_ratio": 1 + ratio(times, "floor", "plain"),
        "scored_poses": scored,
        "macs_per_pose": macs / scored,
    }
    # Where the energy is lost in the noise there is nothing to take a share of.
    return metrics | ({"fraction_of_floor": medians["floor"] / added} if added > 0 else {})


def plan(asked: argparse.Namespace) -> Iterator[Case]:
    """Every row, the most telling first."""
    for precision in asked.precisions:
        for net in asked.nets:
            for variant in asked.variants:
                batches = asked.batches or ((1,) if net == "mixste" else (256, 1024))
                yield from (Case(net, variant, batch, precision) for batch in batches)


def main(argv: list[str]) -> None:
    """Measure what is asked and not there yet."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--nets", nargs="+", default=NETS, choices=NETS)
    parser.add_argument("--variants", nargs="+", default=VARIANTS, choices=VARIANTS)
    parser.add_argument("--precisions", nargs="+", default=PRECISIONS, choices=PRECISIONS)
    parser.add_argument("--batches", nargs="+", type=int, help="1 of clips, 256 and 1024 else")
    parser.add_argument("--device", default="cpu", choices=["cpu", "cuda"])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--tiny", action="store_true", help="tiny nets: to see that it runs")
    parser.add_argument("--again", action="store_true", help="measure rows that are there too")
    parser.add_argument("--results", type=Path, default=FOLDER)
    asked = parser.parse_args(argv)
    keep_freed_memory()
    gpu = asked.device == "cuda"
    results = f"{RESULTS}_gpu" if gpu else RESULTS
    there = {row["run"] for row in read_rows(asked.results / f"{results}.json")}
    command = shlex.join(["python", "benchmarks/energy_step.py", *argv])
    for case in plan(asked):
        if case.name in there and not asked.again:
            continue
        start = time.perf_counter()
        metrics = measure(case, asked.tiny, asked.rounds, asked.device)
        took = time.perf_counter() - start
        where, preset = f"{torch.get_num_threads()} threads", case.size[1:] or "cpu"
        data = f"random poses, {'on a GPU' if gpu else where}"
        record(Row(case.name, 0, preset, data, metrics, command, took), results, asked.results)
        print(f"{case.name:56}", "  ".join(f"{k} {v:.3g}" for k, v in metrics.items()), flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])

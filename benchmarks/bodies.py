"""Bodies: how fast they are posed, how like anny ours is, what is drawn, how near motion comes.

    python benchmarks/bodies.py [speed] [anny] [draw] [retarget] [--motion FOLDER] [--again]

Rows go to results/bodies.json; one that is there is skipped unless ``--again``.

All on one thread, in processor time, so that other work on the machine counts little.

``speed.BODY.bN``: N random poses and shapes at once; ``ms`` without gradients, ``backward_ms`` the
same with the gradient of vertices and bones to pose, shape and root. ``anny``: our coarse body from
half precision against the package ``anny`` (needs it), random poses and shapes.
``draw.BODY``: the share of curated poses that do not run through the body, and bodies per second
with the check and the floor. ``retarget.BODY``: CMU motion (``--motion``, the folder of
cmu_motion.npz), the first 4 s of every test clip at 30 frames per second. ``residual_mm`` is the
mean distance of the seventeen joints from where they were recorded, past one constant offset per
joint and clip; ``p95_mm`` 95 % stay below; ``distance_mm`` is the distance without offsets.
``contact_mm`` is how far the lowest vertex is from the floor, on average, while an ankle is within
2 cm of its lowest; ``dip_mm`` how deep the 5 % deepest frames go below it at least.
"""

import argparse
import shlex
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import roma
import torch
from torch import Tensor

from vitruve.benchmarks.results import FOLDER, Row, read_rows, record
from vitruve.bodies import (
    Body,
    SamplingConfig,
    limbs_of,
    make_body,
    retarget,
    sample_bodies,
    sample_poses,
    sample_shapes,
)
from vitruve.data.motion.cmu_archive import read
from vitruve.skeletons import skeleton

RESULTS = "bodies"
BATCHES = (1, 64, 1024)
BODIES = ("anny", "capsule-human", "capsule-dog")
SECONDS, FPS = 4, 30
H36M = skeleton("h36m_17")
Metrics = dict[str, float]


def random_inputs(body: Body, count: int) -> tuple[Tensor, Tensor, Tensor]:
    """Pose, shape and root of so many bodies."""
    drawn = torch.Generator().manual_seed(0)
    turns = 0.4 * torch.randn(count, body.num_bones, 3, generator=drawn)
    shape = sample_shapes(body, count, drawn, SamplingConfig(shape_share=1.0))
    pose: Tensor = roma.rotvec_to_rotmat(turns)
    return pose, shape, torch.zeros(count, 3)


def speed(body: Body, count: int, rounds: int) -> Metrics:
    """Milliseconds per call, with and without gradients."""
    inputs = random_inputs(body, count)
    wanted = [x.clone().requires_grad_() for x in inputs]

    def forward() -> None:
        with torch.no_grad():
            body(*inputs)

    def backward() -> None:
        posed = body(*wanted)
        (posed.vertices.sum() + posed.T_world_bone.sum()).backward()

    times = [1000 * _median(call, rounds) for call in (forward, backward)]
    return {
        "ms": times[0],
        "backward_ms": times[1],
        "bodies_per_s": 1000 * count / times[0],
        "backward_bodies_per_s": 1000 * count / times[1],
    }


def _median(call: Callable[[], None], rounds: int) -> float:
    call()
    times = []
    for _ in range(rounds):
        start = time.process_time()
        call()
        times.append(time.process_time() - start)
    return statistics.median(times)


def like_anny(count: int = 64) -> Metrics:
    """Distance of our vertices and bones from those of the package anny."""
    import anny

    ours, theirs = make_body("anny"), anny.Anny(topology="notoes_collapse10pc")
    pose, shape, root = random_inputs(ours, count)
    with torch.no_grad():
        posed = ours(pose, shape, root)
        placed = posed.T_world_bone.double()
        # World orientations as anny has them: its bones do not rest along the world's axes.
        placed[..., :3, :3] = placed[..., :3, :3] @ ours.model_axes.double()
        values = dict(zip(theirs.phenotype_labels, shape.double().unbind(1), strict=True))
        shown = theirs(placed, values, pose_parameterization="world-orient")
    apart = (posed.vertices - shown["vertices"]).norm(dim=-1)
    heads = (posed.bone_heads - shown["bone_poses"][..., :3, 3]).norm(dim=-1)
    return {
        "vertices_mm": 1000 * float(apart.mean()),
        "vertices_max_mm": 1000 * float(apart.max()),
        "bones_max_mm": 1000 * float(heads.max()),
    }


def drawn(body: Body, count: int = 1000) -> Metrics:
    """How many curated poses are plausible, and how fast plausible ones come."""
    generator = torch.Generator().manual_seed(0)
    pose, shape = sample_poses(body, count, generator), sample_shapes(body, count, generator)
    with torch.no_grad():
        overlap = limbs_of(body).overlap(body(pose, shape, torch.zeros(count, 3)).bone_heads)
    start = time.process_time()
    sample_bodies(body, 256, generator)
    rate = 256 / (time.process_time() - start)
    accepted = float((overlap <= SamplingConfig().max_overlap).float().mean())
    return {"accepted_share": accepted, "bodies_per_s": rate}


def retargeted(body: Body, motion: Path, clips: int | None) -> tuple[str, Metrics]:
    """How near a body's joints come to recorded ones; what it was measured on first."""
    spent, frames, count = 0.0, 0, 0
    residuals, lows, dips, distances = [], [], [], []
    for clip in list(read(motion, "test"))[:clips]:
        step = round(clip.fps / FPS)
        assert clip.joints_world is not None
        seen = torch.tensor(clip.joints_world[: SECONDS * FPS * step : step])
        start = time.process_time()
        found = retarget(body, seen, clip.skeleton, clip.fps / step)
        spent += time.process_time() - start
        frames += len(seen)
        with torch.no_grad():
            posed = body(found.pose, found.shape[None], found.root)
        low = posed.vertices[..., 2].amin(-1)
        ankles = seen[:, [H36M.index(f"{s}_ankle") for s in ("left", "right")], 2].amin(-1)
        lows.append(low[ankles < ankles.min() + 0.02].abs())
        dips.append((-low).clamp(min=0))
        residuals.append(found.residual.flatten())
        distances.append(found.distance.flatten())
        count += 1
    residual, distance = torch.cat(residuals), torch.cat(distances)
    metrics = {
        "residual_mm": 1000 * float(residual.mean()),
        "p95_mm": 1000 * float(residual.quantile(0.95)),
        "distance_mm": 1000 * float(distance.mean()),
        "contact_mm": 1000 * float(torch.cat(lows).mean()),
        "dip_mm": 1000 * float(torch.cat(dips).quantile(0.95)),
        "frames_per_s": frames / spent,
    }
    return f"CMU, {count} test clips of {SECONDS} s", metrics


def plan(asked: argparse.Namespace) -> Iterator[tuple[str, Callable[[], tuple[str, Metrics]]]]:
    """Name of each row and what measures it."""
    if "speed" in asked.what:
        for name in BODIES:
            for count in BATCHES:
                rounds = 5 if count > 100 else 20
                yield (
                    f"speed.{name}.b{count}",
                    lambda n=name, c=count, r=rounds: (
                        "random poses",
                        speed(make_body(n), c, r),
                    ),
                )
    if "anny" in asked.what:
        yield "anny.coarse", lambda: ("random poses and shapes", like_anny())
    if "draw" in asked.what:
        for name in BODIES:
            yield f"draw.{name}", lambda n=name: ("curated", drawn(make_body(n)))
    if "retarget" in asked.what:
        for name in BODIES[:2]:
            yield (
                f"retarget.{name}",
                lambda n=name: retargeted(make_body(n), asked.motion, asked.clips),
            )


def main(argv: list[str]) -> None:
    """Measure what is asked and not there yet."""
    kinds = ("speed", "anny", "draw", "retarget")
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("what", nargs="*", choices=kinds, default=("speed", "draw"))
    parser.add_argument("--motion", type=Path, help="folder of cmu_motion.npz")
    parser.add_argument("--clips", type=int, help="only so many clips")
    parser.add_argument("--again", action="store_true", help="measure rows that are there too")
    parser.add_argument("--results", type=Path, default=FOLDER)
    asked = parser.parse_args(argv)
    if "retarget" in asked.what and asked.motion is None:
        parser.error("retarget needs --motion, the folder of cmu_motion.npz")
    torch.set_num_threads(1)
    there = {row["run"] for row in read_rows(asked.results / f"{RESULTS}.json")}
    typed = [x if x != str(asked.motion) else asked.motion.name for x in argv]
    command = shlex.join(["python", "benchmarks/bodies.py", *typed])
    for name, measure in plan(asked):
        if f"bodies.{name}" in there and not asked.again:
            continue
        start = time.perf_counter()
        data, metrics = measure()
        took = time.perf_counter() - start
        record(
            Row(f"bodies.{name}", 0, "cpu", data, metrics, command, took), RESULTS, asked.results
        )
        print(
            f"bodies.{name:28}", "  ".join(f"{k} {v:.3g}" for k, v in metrics.items()), flush=True
        )


if __name__ == "__main__":
    main(sys.argv[1:])

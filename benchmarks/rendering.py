"""Pictures per second of the renderer and of Studio; write results/rendering.json.

    python benchmarks/rendering.py [--bodies coarse full=FILE] [--sizes 64 128 256] [--again]
    python benchmarks/rendering.py --what studio

Rows ``render.BODY.SIZE.ZBUFFER.wN``: people of random shape, pose and clothes before new
backgrounds, 2 x 2 samples for each pixel, with mask, depth, parts and normals, in batches of 16, by
N processes of one thread at once. Posing them is not counted, drawing backgrounds and clothes is.
Rows ``studio.SIZE.wN``: ``vitruve data studio`` from the first scene to the index, start of the
processes and encoding included. ``full`` is the body that ``tools/make_anny_body.py full`` writes.
``pictures_per_second`` is what the clock says, and falls when others use the processors;
``pictures_per_core_second`` counts the time that processors worked.
"""

import argparse
import resource
import shlex
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import product
from multiprocessing import get_context
from pathlib import Path

import roma
import torch
from torch import Tensor

from vitruve.benchmarks.results import FOLDER, Row, read_rows, record
from vitruve.bodies import Body, make_body, raster
from vitruve.bodies.background import draw_backgrounds
from vitruve.bodies.clothes import dress, with_hair
from vitruve.bodies.light import draw_lights
from vitruve.bodies.mesh import fastest_zbuffer, mesh_of_body
from vitruve.bodies.render import render
from vitruve.cli.memory import keep_freed_memory
from vitruve.data import ShardReader

RESULTS = "rendering"
BATCH = 16
MOVED = ("left_hip", "right_hip", "left_knee", "right_knee", "left_elbow", "right_elbow", "spine2")


@dataclass(frozen=True)
class Case:
    """One row of the renderer's."""

    body: str
    file: str | None
    size: int
    zbuffer: str
    workers: int

    @property
    def name(self) -> str:
        """Of the row."""
        return f"render.{self.body}.{self.size}.{self.zbuffer}.w{self.workers}"


def people(body: Body, drawn: torch.Generator) -> Tensor:
    """Vertices of bodies 4 m before the camera, in its frame: as tall as three quarters of it."""
    low, high = (
        torch.tensor([getattr(p, end) for p in body.anatomy.shape_parameters])
        for end in ("low", "high")
    )
    shape = torch.lerp(low, high, 0.2 + 0.6 * torch.rand(BATCH, len(low), generator=drawn))
    turns = torch.zeros(BATCH, body.num_bones, 3)
    turns[:, 0, 2] = 2 * torch.pi * torch.rand(BATCH, generator=drawn)
    for role in MOVED:
        turns[:, body.bone(role)] = 0.3 * torch.randn(BATCH, 3, generator=drawn)
    with torch.no_grad():
        vertices = body(roma.rotvec_to_rotmat(turns), shape).vertices
    down = vertices[..., [0, 2, 1]] * torch.tensor([1.0, -1.0, 1.0])
    middle = (down.amin(1, keepdim=True) + down.amax(1, keepdim=True)) / 2
    return down - middle + torch.tensor([0.0, 0.0, 4.0])


def rate(case: Case, seconds: float) -> tuple[float, float, float]:
    """Pictures per second and per second of processor of one process; share that is covered."""
    torch.set_num_threads(1)
    keep_freed_memory()
    body = make_body("anny", case.file)
    mesh, parts = with_hair(mesh_of_body(body), body.anatomy.part_names)
    drawn = torch.Generator().manual_seed(0)
    vertices, size = people(body, drawn), case.size
    focal = 1.7 * size
    K = torch.tensor([[focal, 0, size / 2], [0, focal, size / 2], [0, 0, 1]]).expand(BATCH, 3, 3)
    zbuffer = raster.zbuffer if case.zbuffer == "torch" else fastest_zbuffer()

    def batch() -> float:
        background = draw_backgrounds(BATCH, (size, size), drawn)
        look = {"textures": dress(parts, BATCH, drawn), "light": draw_lights(BATCH, drawn)}
        picture = render(mesh, vertices, K, background, zbuffer=zbuffer, **look)
        return picture.coverage.mean().item()

    covered = batch()
    start, busy, done = time.perf_counter(), time.process_time(), 0
    while time.perf_counter() - start < seconds:
        batch()
        done += BATCH
    took, worked = time.perf_counter() - start, time.process_time() - busy
    return done / took, done / worked, covered


def measure(case: Case, seconds: float) -> dict[str, float]:
    """All processes at once."""
    with get_context("spawn").Pool(case.workers) as pool:
        found = pool.starmap(rate, [(case, seconds)] * case.workers, chunksize=1)
    wall, processor, covered = zip(*found, strict=True)
    return {
        "pictures_per_second": sum(wall),
        "pictures_per_core_second": sum(processor) / len(processor),
        "covered_fraction": covered[0],
    }


def measure_studio(size: int, workers: int, scenes: int) -> dict[str, float]:
    """The whole command, in a new process as a user starts it."""
    with tempfile.TemporaryDirectory() as folder:
        asked = {"--scenes": scenes, "--size": size, "--workers": workers}
        options = [str(part) for pair in asked.items() for part in pair]
        out = Path(folder) / "studio"
        start, busy = time.perf_counter(), _children()
        command = [sys.executable, "-m", "vitruve.cli", "data", "studio", str(out), *options]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        took = time.perf_counter() - start
        reader = ShardReader(out)
        size_bytes = sum(entry.size for entry in reader.entries)
        return {
            "pictures_per_second": len(reader) / took,
            "pictures_per_core_second": len(reader) / (_children() - busy),
            "pictures": len(reader),
            "bytes_per_picture": size_bytes / len(reader),
        }


def _children() -> float:
    """Seconds that processes which ended have kept processors busy."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def plan(asked: argparse.Namespace) -> Iterator[Case]:
    """Every row of the renderer's."""
    for size in asked.sizes:
        for named in asked.bodies:
            body, _, file = named.partition("=")
            for zbuffer in asked.zbuffers:
                for workers in asked.workers:
                    yield Case(body, file or None, size, zbuffer, workers)


def main(argv: list[str]) -> None:
    """Measure what is asked and not there yet."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument(
        "--what", nargs="+", default=("render", "studio"), choices=("render", "studio")
    )
    parser.add_argument("--bodies", nargs="+", default=("coarse",), help="coarse, full=FILE")
    parser.add_argument("--sizes", nargs="+", type=int, default=(64, 128, 256))
    parser.add_argument("--workers", nargs="+", type=int, default=(1, 2))
    parser.add_argument("--zbuffers", nargs="+", default=("warp",), choices=("warp", "torch"))
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--scenes", type=int, default=64, help="of Studio")
    parser.add_argument("--again", action="store_true", help="measure rows that are there too")
    parser.add_argument("--results", type=Path, default=FOLDER)
    asked = parser.parse_args(argv)
    command = shlex.join(["python", "benchmarks/rendering.py", *argv])
    there = {row["run"] for row in read_rows(asked.results / f"{RESULTS}.json")}

    def keep(name: str, data: str, metrics_of: Callable[[], dict[str, float]]) -> None:
        if name in there and not asked.again:
            return
        start = time.perf_counter()
        metrics = metrics_of()
        took = time.perf_counter() - start
        record(Row(name, 0, "cpu", data, metrics, command, took), RESULTS, asked.results)
        print(f"{name:32}", "  ".join(f"{k} {v:.3g}" for k, v in metrics.items()), flush=True)

    if "render" in asked.what:
        for case in plan(asked):
            keep(case.name, "anny", partial(measure, case, asked.seconds))
    if "studio" in asked.what:
        for size, workers in product(asked.sizes, asked.workers):
            run = partial(measure_studio, size, workers, asked.scenes)
            keep(f"studio.{size}.w{workers}", "studio", run)


if __name__ == "__main__":
    main(sys.argv[1:])

"""Measure the offline detector on real clips; write benchmarks/results/detect_blazepose.json.

Its tables go into docs/detection.md. The folder holds ``single_person/cam01..04.mp4`` with
``Calib.qca.txt`` and ``multi_person/cam01..04.mp4`` (both from Pose2Sim's demo),
``sports2d_demo.mp4``, and ``detections/*.npz``: what MediaPipe 0.10.21 (complexity 1) gives on
them, ``landmarks_px`` (t, 33, 4) and ``world`` (t, 33, 4).

    python tools/measure_detection.py VIDEO_FOLDER

Axes: t frames, k landmarks, v views.
"""

import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch

from qualisys import VIEWS, calibrated_px, projections, read_rig
from vitruve.geometry.triangulation import triangulate
from vitruve.io.atomic import atomic_path
from vitruve.io.video import probe, read_frames
from vitruve.pipeline.blazepose import BlazePose, BlazePoseConfig
from vitruve.pipeline.blazepose_nets import Landmarks
from vitruve.pipeline.detect import DetectConfig, detect
from vitruve.poses import KeypointSequence

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "benchmarks" / "results" / "detect_blazepose.json"
PAGE = ROOT / "docs" / "detection.md"
TABLE_MARKS = ("<!-- measured -->\n", "<!-- end measured -->")
LIMBS = [11, 13, 15, 23, 25, 27, 12, 14, 16, 24, 26, 28]
OTHER_SIDE = LIMBS[6:] + LIMBS[:6]


def _agreement(folder: Path, view: str, static: bool) -> dict[str, float]:
    """Distance to MediaPipe's landmarks; colours as OpenCV 4 decodes them."""
    detector = BlazePose(BlazePoseConfig(max_persons=1, static=static))
    clip = folder / "single_person" / f"{view}.mp4"
    bodies = [detector.landmarks(f.image)[0] for f in read_frames(clip, bt601=True, threads=1)]
    found = np.stack([b.points_px[:33] for b in bodies])
    if not static:
        found = _smoothed(found, bodies)
    name = f"single_{view}{'_static' if static else ''}.npz"
    reference = np.load(folder / "detections" / name, allow_pickle=False)
    distance = np.linalg.norm(found - reference["landmarks_px"][..., :2], axis=-1)
    metrics = {
        "median_px": round(float(np.median(distance)), 3),
        "p99_px": round(float(np.percentile(distance, 99)), 3),
        "within_2px_percent": round(100 * float((distance <= 2).mean()), 2),
    }
    if static:
        world = np.stack([b.joints_cam for b in bodies])
        gap = 1e3 * np.linalg.norm(world - reference["world"][..., :3], axis=-1)
        metrics["own_3d_p99_mm"] = round(float(np.percentile(gap, 99)), 2)
    return metrics


def _smoothed(points: np.ndarray, bodies: list[Landmarks]) -> np.ndarray:
    """MediaPipe's landmark filter, one-euro with 0.05 Hz and slope 80, always on when it tracks."""
    step_s, out = 1 / 30, points.copy()
    speed = np.zeros_like(points[0])
    for t in range(1, len(points)):
        side = 2 * np.linalg.norm(bodies[t].points_px[34] - bodies[t].points_px[33])
        velocity = (points[t] - points[t - 1]) / side / step_s
        weight = 2 * np.pi * step_s
        speed = speed + weight / (1 + weight) * (velocity - speed)
        weight = weight * (0.05 + 80 * np.abs(speed))
        out[t] = out[t - 1] + weight / (1 + weight) * (points[t] - out[t - 1])
    return out


def _stage(clip: Path, repair: bool = True) -> tuple[dict[str, Any], list[KeypointSequence]]:
    """The whole stage, decoding and writing included."""
    with tempfile.TemporaryDirectory() as folder:
        started, worked = time.perf_counter(), time.process_time()
        config = DetectConfig(repair_swaps=repair)
        sequences = detect(clip, Path(folder) / "out.npz", config)
        seconds = time.perf_counter() - started
        worked = time.process_time() - worked
    num_frames = probe(clip).num_frames or 0
    return {
        "frames_per_second": round(num_frames / seconds, 1),
        "cpu_ms_per_frame": round(1e3 * worked / num_frames, 1),
        "load_1min": round(os.getloadavg()[0], 1),
        "num_frames": num_frames,
        "num_tracks": len(sequences),
        "frames_per_track": [len(s.frames) for s in sequences],
    }, sequences


def _swaps(folder: Path) -> Iterator[tuple[str, dict[str, float]]]:
    """Frames of each view whose limbs fit the other views better with left and right exchanged."""
    single = folder / "single_person"
    P = projections(*read_rig(single / "Calib.qca.txt"))
    versions = [
        [_stage(single / f"{view}.mp4", repair)[1][0] for view in VIEWS] for repair in (False, True)
    ]
    before, after = (
        torch.stack([calibrated_px(s.keypoints_px, v) for v, s in enumerate(sequences)])
        for sequences in versions
    )
    weights = torch.stack([s.confidence for s in versions[1]]).double() + 0.05
    for v, view in enumerate(VIEWS):
        others = [u for u in range(len(VIEWS)) if u != v]
        points, _ = triangulate(after[others], P[others], weights[others])
        expected = points @ P[v, :, :3].T + P[v, :, 3]
        expected = (expected[..., :2] / expected[..., 2:])[:, LIMBS]
        metrics: dict[str, float] = {}
        for name, pixels in (("detected", before[v]), ("repaired", after[v])):
            right = (pixels[:, LIMBS] - expected).norm(dim=-1).mean(-1)
            wrong = (pixels[:, OTHER_SIDE] - expected).norm(dim=-1).mean(-1)
            metrics[f"swapped_frames_{name}"] = int((wrong < right).sum())
            metrics[f"mean_error_{name}_px"] = round(float(right.mean()), 1)
        yield view, metrics


def _measurements(folder: Path) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for view in VIEWS:
        for mode in ("static", "tracking"):
            metrics = _agreement(folder, view, mode == "static")
            yield f"detect.blazepose.{mode}", f"single_person/{view}", metrics
    clips = [f"{kind}_person/{view}" for kind in ("single", "multi") for view in VIEWS]
    for clip in [*clips, "sports2d_demo"]:
        yield "detect.blazepose.stage", clip, _stage(folder / f"{clip}.mp4")[0]
    for view, metrics in _swaps(folder):
        yield "detect.blazepose.swaps", f"single_person/{view}", metrics


def _tables(rows: list[dict[str, Any]]) -> str:
    """One Markdown table per run."""
    lines: list[str] = []
    for run in dict.fromkeys(row["run"] for row in rows):
        of_run = [row for row in rows if row["run"] == run]
        names = list(of_run[0]["metrics"])
        lines += ["", f"`{run}`", "", "| clip | " + " | ".join(names) + " |"]
        lines.append("|---" * (len(names) + 1) + "|")
        for row in of_run:
            cells = [row["data"], *(str(row["metrics"][name]) for name in names)]
            lines.append("| " + " | ".join(cells) + " |")
    return "\n".join([*lines[1:], ""])


def _write_page(rows: list[dict[str, Any]]) -> None:
    head, rest = PAGE.read_text().split(TABLE_MARKS[0])
    tail = rest.split(TABLE_MARKS[1])[1]
    with atomic_path(PAGE) as temporary:
        temporary.write_text(head + TABLE_MARKS[0] + _tables(rows) + TABLE_MARKS[1] + tail)


def main() -> None:
    """Measure, print, write."""
    torch.set_num_threads(1)
    folder = Path(sys.argv[1])
    commit = subprocess.check_output(["git", "rev-parse", "--short", "HEAD"], text=True).strip()
    stated = {
        "machine": f"{platform.machine()} CPU, {os.cpu_count()} cores",
        "commit": commit,
        "command": "python tools/measure_detection.py VIDEO_FOLDER",
    }
    rows, started = [], time.perf_counter()
    for run, data, metrics in _measurements(folder):
        seconds = round(time.perf_counter() - started, 1)
        row = {"run": run, "seed": 0, "preset": "cpu", "data": data, "metrics": metrics}
        rows.append({**row, **stated, "seconds": seconds})
        print(run, data, metrics, flush=True)
        started = time.perf_counter()
    with atomic_path(RESULTS) as temporary:
        temporary.write_text(json.dumps(rows, indent=1) + "\n")
    _write_page(rows)


if __name__ == "__main__":
    main()

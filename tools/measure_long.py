"""Lift and write an hour of 2D keypoints; write benchmarks/results/long_keypoints.json.

    python tools/measure_long.py [--minutes 15 60] [--results FOLDER]

The clip is a stick person walking in circles, 60 frames a second, made here. Each length runs in a
process of its own, whose peak memory is read when it ends; time should grow as the length does.
"""

import argparse
import math
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import torch

from vitruve.benchmarks.results import FOLDER, Row, record
from vitruve.geometry.camera import intrinsics_from_fov
from vitruve.geometry.projection import project
from vitruve.io.keypoints import write_keypoints
from vitruve.poses import KeypointSequence
from vitruve.skeletons import skeleton

FPS = 60.0
SIZE_PX = (1280, 720)
_HEIGHTS_M = {"hip": 0.9, "knee": 0.48, "ankle": 0.08, "shoulder": 1.4, "elbow": 1.1, "wrist": 0.9}
_WIDTHS_M = {"hip": 0.1, "knee": 0.1, "ankle": 0.1, "shoulder": 0.19, "elbow": 0.24, "wrist": 0.25}


def walker(minutes: float) -> KeypointSequence:
    """Exact 2D of a person who walks in circles, in COCO's joints with the face unseen."""
    body = skeleton("coco_17")
    frames = round(minutes * 60 * FPS)
    time_s = torch.arange(frames) / FPS
    turn = 2 * math.pi * time_s / 20
    points = torch.zeros(frames, 17, 3)
    valid = torch.zeros(frames, 17, dtype=torch.bool)
    for j, name in enumerate(body.names):
        side, _, part = name.partition("_")
        if part not in _HEIGHTS_M:
            continue
        sign = 1.0 if side == "left" else -1.0
        swing = 0.25 * torch.sin(2 * math.pi * time_s + (sign > 0) * math.pi)
        swing = swing * (0.9 - min(0.9, _HEIGHTS_M[part])) / 0.8
        across = sign * _WIDTHS_M[part]
        points[:, j, 0] = turn.cos() + across * turn.cos() - swing * turn.sin()
        points[:, j, 2] = turn.sin() + across * turn.sin() + swing * turn.cos() + 4.5
        points[:, j, 1] = 1.2 - _HEIGHTS_M[part]
        valid[:, j] = True
    keypoints = project(points, intrinsics_from_fov(60.0, SIZE_PX))
    keypoints = torch.where(valid[..., None], keypoints, 0.0)
    return KeypointSequence(
        body, keypoints, valid, valid.float(), torch.arange(frames), FPS, SIZE_PX, model="synthetic"
    )


def run_one(source: Path, out: Path) -> None:
    """Lift and write one file in this process; print seconds and peak memory."""
    from vitruve.pipeline.config import EstimateConfig
    from vitruve.pipeline.run import run_estimate

    torch.set_num_threads(1)
    started = time.perf_counter()
    run_estimate(source, out, EstimateConfig(formats=("npz", "trc")))
    seconds = time.perf_counter() - started
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"{seconds} {peak_mb}")


def main() -> None:
    """Make the clips, run each length, record."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, nargs="+", default=[15.0, 60.0])
    parser.add_argument("--results", type=Path, default=FOLDER)
    parser.add_argument("--one", type=Path, nargs=2, metavar=("SOURCE", "OUT"))
    arguments = parser.parse_args()
    if arguments.one:
        run_one(*arguments.one)
        return
    for minutes in arguments.minutes:
        with tempfile.TemporaryDirectory() as folder:
            source = Path(folder) / "walk.npz"
            clip = walker(minutes)
            write_keypoints([clip], source)
            command = [sys.executable, __file__, "--one", str(source), str(Path(folder) / "out")]
            said = subprocess.run(command, check=True, capture_output=True, text=True).stdout
        seconds, peak_mb = map(float, said.split()[-2:])
        frames = len(clip.frames)
        metrics = {
            "frames": frames,
            "frames_per_second": round(frames / seconds, 1),
            "seconds_per_minute": round(seconds / minutes, 3),
            "peak_rss_mb": round(peak_mb, 1),
        }
        print(f"{minutes:g} minutes: {metrics}")
        name, typed = f"{minutes:g} min at 60/s", "python tools/measure_long.py"
        row = Row("estimate.keypoints.default", 0, "cpu", name, metrics, typed, round(seconds, 1))
        record(row, "long_keypoints", arguments.results)


if __name__ == "__main__":
    main()

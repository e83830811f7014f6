"""Run the main job on four calibrated views of one person; write results/estimate_video.json.

    python tools/measure_views.py VIDEO_FOLDER [--refine geometry] [--model FILE --run NAME]

Each view is estimated alone, without calibration. Against the others: every pair of results after
rigid alignment over the whole clip. Against truth: the triangulation of our own 2D detections from
all four views (cameras refined), which no single view saw. Limb joints: hips, knees, ankles,
shoulders, elbows, wrists; the root is the middle of the hips.

Axes: v views, t frames, j joints.
"""

import argparse
import os
import shlex
import sys
import tempfile
import time
from itertools import combinations
from pathlib import Path

import torch
from torch import Tensor

from qualisys import VIEWS, calibrated_px, detections, read_rig, refined
from vitruve.benchmarks.results import FOLDER, Row, record
from vitruve.estimators import load
from vitruve.geometry.alignment import similarity
from vitruve.geometry.filters import zero_lag
from vitruve.metrics import mpjpe_mm, p_mpjpe_mm
from vitruve.pipeline.config import EstimateConfig
from vitruve.pipeline.run import Estimate, run_estimate
from vitruve.poses import KeypointSequence

LIMBS = tuple(
    f"{side}_{part}"
    for part in ("hip", "knee", "ankle", "shoulder", "elbow", "wrist")
    for side in ("left", "right")
)
CUTOFF_HZ = 8.0
"""Of the reference's smoothing."""
RUN = "estimate.video.default"


def limbs_of(result: Estimate) -> Tensor:
    """Limb joints of the most prominent person, camera axes, metres (t j 3)."""
    person = result.people[0]
    index = [person.skeleton.index(name) for name in LIMBS]
    assert bool(person.valid[:, index].all()), "a limb joint is missing in some frame"
    return person.joints_cam[:, index].double()


def reference(folder: Path, keypoints: list[KeypointSequence]) -> tuple[Tensor, float]:
    """Triangulated limb joints in every camera's axes (v t j 3), and the median error in pixels."""
    index = [keypoints[0].skeleton.index(name) for name in LIMBS]
    points = torch.stack([calibrated_px(k.keypoints_px, v) for v, k in enumerate(keypoints)])
    weights = torch.stack([k.confidence for k in keypoints]).double() + 0.05
    rig = read_rig(folder / "Calib.qca.txt")
    rotations, joints, error = refined(rig, points[:, :, index], weights[:, :, index])
    smooth = zero_lag(joints, keypoints[0].fps, CUTOFF_HZ)
    return torch.einsum("vij,tkj->vtki", torch.tensor(rotations), smooth), error


def centred(joints: Tensor) -> Tensor:
    """Relative to the middle of the hips."""
    return joints - joints[..., :2, :].mean(-2, keepdim=True)


def pair_metrics(a: Tensor, b: Tensor) -> dict[str, float]:
    """Two views after one rigid alignment of the whole clip (root-relative, no scale)."""
    a, b = centred(a), centred(b)
    _, turn, _ = similarity(a.reshape(1, -1, 3), b.reshape(1, -1, 3), scale=False)
    aligned = a @ turn[0].mT
    return {
        "mpjpe_mm": round(float(mpjpe_mm(aligned, b)), 1),
        "p_mpjpe_mm": round(float(p_mpjpe_mm(a, b)), 1),
    }


def truth_metrics(found: Tensor, truth: Tensor) -> dict[str, float]:
    """One view against the triangulation, in its own camera's axes; legs and arms also apart."""
    parts = {"": slice(None), ".legs": slice(6), ".arms": slice(6, None)}
    aligned = {
        f"p_mpjpe_mm{name}": round(float(p_mpjpe_mm(found[:, part], truth[:, part])), 1)
        for name, part in parts.items()
    }
    return {"mpjpe_mm": round(float(mpjpe_mm(centred(found), centred(truth))), 1), **aligned}


def mean_of(rows: list[dict[str, float]]) -> dict[str, float]:
    """Mean of every metric."""
    return {k: round(sum(r[k] for r in rows) / len(rows), 1) for k in rows[0]}


def estimate_views(folder: Path, config: EstimateConfig) -> tuple[list[Estimate], list[float]]:
    """Each view alone, and frames per second from file to file."""
    results, rates = [], []
    with tempfile.TemporaryDirectory() as out:
        for view in VIEWS:
            started = time.perf_counter()
            results.append(run_estimate(folder / f"{view}.mp4", Path(out) / view, config))
            rates.append(len(results[-1].people[0].frames) / (time.perf_counter() - started))
    return results, rates


def main() -> None:
    """Estimate, compare, write, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("videos", type=Path)
    parser.add_argument("--model", default="default")
    parser.add_argument("--run", default=RUN, help="what rows are called; .REFINE is added")
    parser.add_argument("--refine", help="as of vitruve estimate")
    parser.add_argument("--results", type=Path, default=FOLDER)
    arguments = parser.parse_args()
    run = arguments.run + (f".{arguments.refine}" if arguments.refine else "")
    folder, begun = arguments.videos / "single_person", time.perf_counter()
    config = EstimateConfig(model=arguments.model, refine=arguments.refine)
    results, rates = estimate_views(folder, config)
    if "images" in load(arguments.model).needs:
        # It says 2D joints of its own.
        seen = detections([folder / f"{view}.mp4" for view in VIEWS])
    else:
        seen = [result.keypoints[0] for result in results]
    truth, error = reference(folder, seen)
    joints = [limbs_of(r) for r in results]

    def write(data: str, metrics: dict[str, float]) -> None:
        print(data, metrics)
        seconds = round(time.perf_counter() - begun, 1)
        typed = shlex.join(["python", "tools/measure_views.py", "VIDEO_FOLDER", *sys.argv[2:]])
        row = Row(run, 0, "cpu", f"single_person/{data}", metrics, typed, seconds)
        record(row, "estimate_video", arguments.results)

    against = []
    for view, found, true, rate in zip(VIEWS, joints, truth, rates, strict=True):
        against.append(truth_metrics(found, true))
        write(view, {**against[-1], "frames_per_second": round(rate, 1)})
    pairs = []
    for a, b in combinations(range(len(VIEWS)), 2):
        pairs.append(pair_metrics(joints[a], joints[b]))
        write(f"{VIEWS[a]}-{VIEWS[b]}", pairs[-1])
    write("pairs", mean_of(pairs))
    busy = round(os.getloadavg()[0], 1)
    write("mean", {**mean_of(against), "reference_px": round(error, 2), "load_1min": busy})


if __name__ == "__main__":
    main()

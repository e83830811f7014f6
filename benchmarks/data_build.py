"""How many person crops a core makes in a second, and how large they are.

    python benchmarks/data_build.py [--sequences 2] [--frames 100] [--rounds 2]

Releases in CMU-Panoptic's layout are made up of the demo clip, enlarged: pictures as JPEG, and
videos as H.264, at two sizes. Every frame is kept (threshold 0). Rows go to
results/data_build.json as ``data.build.KIND.wWORKERS``.

``crops_per_cpu_s`` is crops over the processor time of all workers, for reading labels again,
opening pictures, cutting, encoding and writing; starting processes, ``start_cpu_s`` for each, is
left out. ``labels_per_cpu_s`` is the round before, which decides on labels alone. ``crops_per_s``
is by the clock, starting included; it says little of so few crops, and where other work runs:
``load`` is the machine's own at the end.
``bytes_per_crop`` is the shards' size over their crops. Figures are medians of rounds that take
turns; ``cpu_scaling`` is what two workers do in a second of processor time over what one does,
each ratio of the same round.
"""

import argparse
import json
import os
import resource
import shlex
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image

from vitruve.benchmarks.results import Row, record
from vitruve.data.building.dataset import RunAll, Work, build_dataset, in_processes
from vitruve.data.building.plan import BuildConfig
from vitruve.data.processing import SelectConfig
from vitruve.io.npz import read_npz
from vitruve.io.video import read_frames
from vitruve.io.video_writer import write_video
from vitruve.skeletons import skeleton

RESULTS = "data_build"
SAMPLE = Path(__file__).parents[1] / "src/vitruve/pipeline/sample"
KINDS = {
    "jpeg_1440x1080": (2.25, False),
    "h264_1440x1080": (2.25, True),
    "h264_2880x2160": (4.5, True),
}
"""How much the clip is enlarged, and whether it is a video."""
WORKERS = (1, 2)
CAMERA = "00_00"
_FPS = 30.0
_NOISE = 6
"""Grey levels of noise, so that pictures are as hard to pack as filmed ones."""


def main() -> int:
    """Measure every kind with one and two workers."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--sequences", type=int, default=2, help="copies of the clip")
    parser.add_argument("--frames", type=int, default=100, help="of the clip")
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--results", default="benchmarks/results")
    options = parser.parse_args()
    torch.set_num_threads(1)
    for kind in KINDS:
        measure(kind, options)
    return 0


def measure(kind: str, options: argparse.Namespace) -> None:
    """Build one kind of release again and again, and write its rows."""
    begun = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "release"
        make_release(root, kind, options.sequences, options.frames)
        rounds = [
            {w: build_once(root, Path(folder) / "out", w) for w in WORKERS}
            for _ in range(options.rounds)
        ]
    for workers in WORKERS:
        metrics = {
            name: statistics.median(r[workers][name] for r in rounds) for name in rounds[0][workers]
        }
        if workers > 1:
            ratios = [r[workers]["crops_per_cpu_s"] / r[1]["crops_per_cpu_s"] for r in rounds]
            metrics["cpu_scaling"] = statistics.median(ratios)
        row = Row(
            run=f"data.build.{kind}.w{workers}",
            seed=0,
            preset="cpu",
            data="demo clip enlarged",
            metrics=metrics | {"rounds": len(rounds)},
            command=shlex.join(["python", *sys.argv]),
            seconds=round(time.perf_counter() - begun, 1),
        )
        record(row, RESULTS, options.results)
        print(row.run, {k: round(v, 2) for k, v in row.metrics.items()}, flush=True)


def build_once(root: Path, out: Path, workers: int) -> dict[str, float]:
    """Rates of one build; nothing of it is kept."""
    spent: dict[str, tuple[float, float]] = {}
    run_all = metered(in_processes(workers), spent)
    list(run_all(nothing, out, list(range(workers))))
    config = BuildConfig(
        "panoptic", str(root), select=SelectConfig(threshold_m=0.0), shard_examples=100
    )
    reader = build_dataset(config, out, run_all)
    crops, size = len(reader), sum(entry.size for entry in reader.entries)
    shutil.rmtree(out)
    start_cpu_s = spent["nothing"][1]
    crop_s, crop_cpu_s = spent["make_shard"]
    rates = {
        "crops": crops,
        "crops_per_cpu_s": crops / (crop_cpu_s - start_cpu_s),
        "crops_per_s": crops / crop_s,
        "bytes_per_crop": size / crops,
        "start_cpu_s": start_cpu_s / workers,
        "load": os.getloadavg()[0],
    }
    if workers == 1:
        # Where processes start, what starting takes is more than the labels do.
        rates["labels_per_cpu_s"] = crops / spent["select_part"][1]
    return rates


def metered(run_all: RunAll, spent: dict[str, tuple[float, float]]) -> RunAll:
    """Note how many seconds, and seconds of processor time, each kind of work took."""

    def run(work: Work, out: Path, items: list[Any]) -> Iterator[Any]:
        clock, cpu = time.perf_counter(), cpu_s()
        yield from run_all(work, out, items)
        spent[work.__name__] = time.perf_counter() - clock, cpu_s() - cpu

    return run


def cpu_s() -> float:
    """Processor time of this process and of its children that have ended."""
    whose = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    return sum(u.ru_utime + u.ru_stime for u in map(resource.getrusage, whose))


def nothing(out: Path, item: Any) -> None:
    """What a process does that only starts: import what the work needs."""
    import vitruve.data.building.one_shard  # noqa: F401

    del out, item


def make_release(root: Path, kind: str, sequences: int, frames: int | None) -> None:
    """The demo clip, enlarged, as so many sequences of CMU-Panoptic."""
    scale, is_video = KINDS[kind]
    pictures = enlarged(scale, frames)
    labels, camera = panoptic_labels(scale)
    for number in range(sequences):
        folder = root / f"demo{number}"
        poses = folder / "hdPose3d_stage1_coco19"
        poses.mkdir(parents=True)
        (folder / f"calibration_{folder.name}.json").write_text(json.dumps({"cameras": [camera]}))
        for frame in range(len(pictures)):
            body = {"id": 0, "joints19": labels[frame].ravel().tolist()}
            scene = json.dumps({"bodies": [body]})
            (poses / f"body3DScene_{frame:08d}.json").write_text(scene)
        write = write_clip if is_video else write_pictures
        copy_or_write(root / "demo0", folder, lambda to, w=write: w(to, pictures))


def copy_or_write(first: Path, folder: Path, write: Callable[[Path], None]) -> None:
    """Pictures of the first sequence; of later ones copies, which the disk reads anew."""
    if folder == first:
        write(folder)
        return
    for name in ("hdImgs", "hdVideos"):
        if (first / name).is_dir():
            shutil.copytree(first / name, folder / name)


def enlarged(scale: float, frames: int | None) -> np.ndarray:
    """(t, y, x, 3) pictures with some noise."""
    rng = np.random.default_rng(0)
    found = []
    for frame in read_frames(SAMPLE / "clip.mp4", 0, frames):
        height, width, _ = frame.image.shape
        size = round(width * scale), round(height * scale)
        large = np.array(Image.fromarray(frame.image).resize(size, Image.Resampling.BICUBIC))
        noise = rng.integers(-_NOISE, _NOISE + 1, large.shape[:2], dtype=np.int16)[..., None]
        found.append((large.astype(np.int16) + noise).clip(0, 255).astype(np.uint8))
    return np.stack(found)


def write_clip(folder: Path, pictures: np.ndarray) -> None:
    """As a video."""
    (folder / "hdVideos").mkdir()
    write_video(folder / f"hdVideos/hd_{CAMERA}.mp4", pictures, _FPS)


def write_pictures(folder: Path, pictures: np.ndarray) -> None:
    """As JPEG files."""
    to = folder / "hdImgs" / CAMERA
    to.mkdir(parents=True)
    for frame, picture in enumerate(pictures):
        Image.fromarray(picture).save(to / f"{CAMERA}_{frame:08d}.jpg", quality=95)


def panoptic_labels(scale: float) -> tuple[np.ndarray, dict[str, Any]]:
    """(t, 19, 4) world centimetres with confidence, and the camera's entry."""
    truth = read_npz(SAMPLE / "truth.npz")
    if truth.camera is None or truth.camera.T_world_cam is None:
        raise ValueError("the demo clip's truth has no camera")
    body = skeleton("panoptic_19")
    said = {"mid_hip": "pelvis", "nose": "neck_base_or_nose", "neck": "thorax"}
    labels = np.zeros((len(truth.joints_cam), body.num_joints, 4))
    for joint, name in enumerate(body.names):
        source = said.get(name, name)
        if source in truth.skeleton.names:
            at = truth.skeleton.names.index(source)
            labels[:, joint, :3] = 100 * truth.joints_cam[:, at].numpy()
            labels[:, joint, 3] = 1
    K = truth.camera.intrinsics.numpy() * np.array([[scale], [scale], [1]])
    size = [round(side * scale) for side in truth.camera.image_size_px]
    entry = {"name": CAMERA, "resolution": size, "K": K.tolist(), "distCoef": [0.0] * 5}
    # The world is the camera's own frame.
    return labels, entry | {"R": np.eye(3).tolist(), "t": [[0.0]] * 3}


if __name__ == "__main__":
    sys.exit(main())

"""What crops of all 28 datasets would take, from measured rates.

    python benchmarks/data_scale.py

Rates and sizes are those of results/data_build.json, of one worker; the number of crops is what the
cards say the paper kept. Frames of videos that are dropped must be decoded all the same: what that
takes is measured here, on the same clips. Rows go to results/data_scale.json as
``data.scale.KIND``: what it would be if all pictures were of that kind.

``READ_PER_KEPT`` frames are taken to be read for each that is kept, and a core-hour to cost
``USD_PER_CORE_HOUR``: assumptions, not measurements.
"""

import sys
import tempfile
from pathlib import Path

import torch

from data_build import KINDS, cpu_s, make_release
from rows import tell
from vitruve.benchmarks.results import FOLDER, read_rows
from vitruve.data.datasets.cards import dataset_cards
from vitruve.io.video import read_frames

RESULTS = "data_scale"
CORES = 64
READ_PER_KEPT = 10
FRAMES = 100
USD_PER_CORE_HOUR = 0.05


def main() -> int:
    """Work out every kind."""
    torch.set_num_threads(1)
    measured = {row["run"]: row["metrics"] for row in read_rows(FOLDER / "data_build.json")}
    crops = sum(card.examples for card in dataset_cards().values() if card.group != "2d")
    for kind in KINDS:
        rates = measured[f"data.build.{kind}.w1"]
        crop_hours = crops / rates["crops_per_cpu_s"] / 3600
        frames_per_cpu_s = decoding_rate(kind)
        decode_hours = 0.0
        if frames_per_cpu_s:
            decode_hours = crops * (READ_PER_KEPT - 1) / frames_per_cpu_s / 3600
        core_hours = crop_hours + decode_hours
        metrics = {
            "crops_millions": crops / 1e6,
            "shards_tb": crops * rates["bytes_per_crop"] / 1e12,
            "crop_core_hours": crop_hours,
            "decode_core_hours": decode_hours,
            f"hours_on_{CORES}_cores": core_hours / CORES,
            "usd": core_hours * USD_PER_CORE_HOUR,
            "frames_per_cpu_s": frames_per_cpu_s,
        }
        tell(RESULTS, f"data.scale.{kind}", metrics, "28 datasets")
    return 0


def decoding_rate(kind: str) -> float:
    """Frames decoded in a second of processor time; 0 where pictures are files of their own."""
    if not KINDS[kind][1]:
        return 0.0
    with tempfile.TemporaryDirectory() as folder:
        make_release(Path(folder), kind, 1, FRAMES)
        (video,) = Path(folder).rglob("*.mp4")
        begun = cpu_s()
        frames = sum(1 for _ in read_frames(video, threads=1))
        return frames / (cpu_s() - begun)


if __name__ == "__main__":
    sys.exit(main())

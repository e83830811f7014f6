"""Measure the package: wheel size, runtime dependencies, what ``import vitruve`` costs.

``python tools/wheel_report.py`` builds the committed tree in a temporary folder and writes
``benchmarks/results/package.json``. Import times are medians of fresh processes.
"""

import json
import os
import statistics
import subprocess
import sys
import tarfile
import tempfile
import time
import zipfile
from collections.abc import Mapping
from email.parser import Parser
from io import BytesIO
from pathlib import Path

from vitruve.benchmarks.results import Row, record

ROOT = Path(__file__).parents[1]
COMMAND = "python tools/wheel_report.py"
NUM_STARTS = 7
IMPORTS = """
import json, sys, time
start = time.perf_counter()
import vitruve
alone = time.perf_counter()
import torch
torch_there = time.perf_counter()
vitruve.skeleton("h36m_17"), vitruve.PoseSequence, vitruve.Camera
ground = time.perf_counter()
vitruve.estimate, vitruve.load, vitruve.read
everything = time.perf_counter()
print(json.dumps({
    "import_vitruve_s": alone - start,
    "import_torch_s": torch_there - alone,
    "ground_after_torch_s": ground - torch_there,
    "whole_face_after_torch_s": everything - torch_there,
}))
"""
"""``vitruve`` first, so that it cannot hide behind what torch has imported."""


def build(folder: Path) -> Path:
    """Build the wheel of the committed tree, so that leftovers of other builds stay out."""
    archive = subprocess.run(
        ["git", "-C", str(ROOT), "archive", "HEAD"], capture_output=True, check=True
    )
    tree = folder / "tree"
    with tarfile.open(fileobj=BytesIO(archive.stdout)) as packed:
        packed.extractall(tree, filter="data")
    pip = [sys.executable, "-m", "pip", "wheel", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*pip, "--no-deps", "--wheel-dir", str(folder), str(tree)], check=True)
    return next(folder.glob("*.whl"))


def wheel_metrics(wheel: Path) -> dict[str, float]:
    """Sizes in megabytes (10^6 bytes) and the packages it needs without extras."""
    with zipfile.ZipFile(wheel) as archive:
        name = next(n for n in archive.namelist() if n.endswith(".dist-info/METADATA"))
        needs = Parser().parsestr(archive.read(name).decode()).get_all("Requires-Dist", [])
        unpacked = sum(member.file_size for member in archive.infolist())
        num_files = len(archive.infolist())
    return {
        "wheel_mb": round(wheel.stat().st_size / 1e6, 3),
        "unpacked_mb": round(unpacked / 1e6, 3),
        "num_files": num_files,
        "runtime_dependencies": sum("extra ==" not in need for need in needs),
    }


def import_metrics() -> dict[str, float]:
    """Seconds until each part of the package is there, each in a process of its own."""
    starts = []
    for _ in range(NUM_STARTS):
        ran = subprocess.run(
            [sys.executable, "-c", IMPORTS], capture_output=True, text=True, check=True
        )
        starts.append(json.loads(ran.stdout))
    return {
        **{name: round(statistics.median(s[name] for s in starts), 4) for name in starts[0]},
        "load_1min": round(os.getloadavg()[0], 1),
    }


def _keep(run: str, metrics: Mapping[str, float], started: float) -> None:
    row = Row(run, 0, "cpu", "package", metrics, COMMAND, round(time.perf_counter() - started, 1))
    print(run, dict(metrics), "->", record(row, "package", ROOT / "benchmarks/results"))


def main() -> None:
    """Measure, print, write."""
    started = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        _keep("package.wheel", wheel_metrics(build(Path(folder))), started)
    started = time.perf_counter()
    _keep("package.import", import_metrics(), started)


if __name__ == "__main__":
    main()

"""What measured a number: the commit and the machine."""

import platform
import subprocess
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import torch

from vitruve import __version__


def commit() -> str:
    """Short commit of this code, ``+dirty`` if its sources were changed; else the version."""
    folder = Path(__file__).parents[1]
    try:
        name = _git(folder, "rev-parse", "--short", "HEAD")
        changed = _git(folder, "status", "--porcelain", "--", ".")
    except (OSError, subprocess.SubprocessError):
        return f"v{_installed()}"
    return f"{name}+dirty" if changed else name


def machine() -> str:
    """Cores, processor (and GPU) and torch version, for example ``2 cores, EPYC, torch 2.9``."""
    cores = torch.multiprocessing.cpu_count()
    parts = [f"{cores} core{'s' * (cores > 1)}", _processor()]
    if torch.cuda.is_available():
        parts.append(torch.cuda.get_device_name())
    return ", ".join([*parts, f"torch {torch.__version__.partition('+')[0]}"])


def _processor() -> str:
    table = Path("/proc/cpuinfo")
    if table.is_file():
        for line in table.read_text().splitlines():
            if line.startswith("model name"):
                return " ".join(line.partition(":")[2].split())
    return platform.processor() or platform.machine()


def _installed() -> str:
    try:
        return version("vitruve")
    except PackageNotFoundError:
        return __version__


def _git(folder: Path, *arguments: str) -> str:
    done = subprocess.run(
        ["git", "-C", str(folder), *arguments],
        capture_output=True,
        text=True,
        check=True,
        timeout=10,
    )
    return done.stdout.strip()

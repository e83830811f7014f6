"""File names in the order people count: ``f2`` before ``f10``."""

import re
from pathlib import Path


def natural_key(path: Path) -> tuple[list[tuple[int, int, str]], str]:
    """Order of names by the numbers in them."""
    parts = re.findall(r"[0-9]{1,18}|[^0-9]+", path.name.lower())
    return [(0, int(p), "") if p[0] in "0123456789" else (1, 0, p) for p in parts], path.name

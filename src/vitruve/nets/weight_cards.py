"""Cards of the weights we hand out: where they lie, their hash, licence, data and results."""

import hashlib
import tomllib
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

CARDS = Path(__file__).with_name("weights.toml")
_PACKAGED = "package:"


@dataclass(frozen=True)
class WeightCard:
    """What must be known of a weights file before it is used."""

    name: str
    url: str
    """``package:`` and a path inside the package, or an address."""
    sha256: str
    num_bytes: int
    licence: str
    """SPDX name."""
    training_data: str
    """What it was trained on, with the acknowledgement its owners ask for."""
    use: str
    """What it is good for, and what not."""
    run: str
    """Recipe that trained it."""
    seed: int
    command: str
    """What was typed."""
    results: tuple[str, ...]
    """Files of ``benchmarks/results`` with rows of this run: the card itself states no numbers."""

    @property
    def path(self) -> Path | None:
        """Where a packaged file lies; None for one that is fetched."""
        if not self.url.startswith(_PACKAGED):
            return None
        return Path(__file__).parents[1] / self.url.removeprefix(_PACKAGED)

    def check(self, path: Path) -> None:
        """Compare a file with its card.

        Raises:
            ValueError: It has another size or hash.
            OSError: It cannot be read.
        """
        size = path.stat().st_size
        if size != self.num_bytes:
            raise ValueError(f"{path} has {size} bytes, the card {self.name!r} {self.num_bytes}")
        with path.open("rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
        if found != self.sha256:
            raise ValueError(f"{path} has sha256 {found}, the card {self.name!r} {self.sha256}")


def read_cards(path: Path = CARDS) -> dict[str, WeightCard]:
    """Every card by the name of its weights.

    Raises:
        ValueError: The file is no TOML, a field is missing, unknown or empty, or a hash is no hash.
    """
    try:
        document = tomllib.loads(path.read_text("utf-8"))
    except ValueError as error:
        raise ValueError(f"{path} is no TOML: {error}") from None
    return {name: _card(name, entry) for name, entry in document.items()}


def _card(name: str, entry: dict[str, Any]) -> WeightCard:
    known = {f.name for f in fields(WeightCard)} - {"name"}
    if wrong := sorted(known ^ set(entry)):
        raise ValueError(f"card {name!r}: fields missing or unknown: {', '.join(wrong)}")
    # Seed 0 is a seed; an empty hash is a file nobody has checked.
    if empty := sorted(k for k, v in entry.items() if k != "seed" and not v):
        raise ValueError(f"card {name!r}: nothing in {', '.join(empty)}; sha256sum gives a hash")
    if len(entry["sha256"]) != 64 or set(entry["sha256"]) - set("0123456789abcdef"):
        raise ValueError(f"card {name!r}: sha256 {entry['sha256']!r} is not 64 hex digits")
    return WeightCard(name=name, **{**entry, "results": tuple(entry["results"])})

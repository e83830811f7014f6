"""A little Studio of capsule people: 24 moments, 32 pixels."""

from dataclasses import replace
from pathlib import Path

from vitruve.data.studio.config import StudioConfig
from vitruve.data.studio.shards import begin, finish, make_shards

SIDE_PX = 32
TINY = StudioConfig(
    scenes=24,
    size_px=SIDE_PX,
    frames=1,
    body="capsule-human",
    people=30,
    held_out=(0.25, 0.25),
)
PARTS = {
    "people": TINY,
    "people_drawn": replace(TINY, scenes=8, seed=2),
    "people_hidden": replace(TINY, scenes=8, seed=3),
    "unseen": replace(TINY, scenes=8, seed=4),
    "pairs_texture": replace(TINY, scenes=6, seed=1, held_out=(0.0, 0.0)),
    "pairs_parts": replace(TINY, scenes=6, seed=1, held_out=(0.0, 0.0), flat_parts=1.0),
    "pairs_motion": replace(TINY, scenes=6, seed=1, held_out=(0.0, 0.0)),
}


DOGS = {name: replace(PARTS[name], body="capsule-dog") for name in ("people", "pairs_texture")}


def write_studio(root: Path, parts: dict[str, StudioConfig] = PARTS) -> Path:
    """People, and rendered pairs as runs look for them, each in a folder of its own."""
    for name, config in parts.items():
        begin(root / name, config)
        make_shards(root / name, config, range(config.shards))
        finish(root / name, config)
    return root

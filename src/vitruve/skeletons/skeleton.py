"""A joint set: names, tree and mirror. Index order is the tensor order of every ``j`` axis."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Skeleton:
    """A named joint set."""

    name: str
    names: tuple[str, ...]
    parents: tuple[int, ...]
    """Index of each joint's parent; -1 for a root (a format may have several)."""

    @property
    def num_joints(self) -> int:
        """Length of every ``j`` axis."""
        return len(self.names)

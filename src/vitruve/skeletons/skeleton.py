"""A joint set: names, tree and mirror. Index order is the tensor order of every ``j`` axis."""

import re
from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cached_property

UNREACHABLE = -1
"""Entry of `Skeleton.distances` for joints in different trees of a format."""

LIMBS = (("hip", "knee"), ("knee", "ankle"), ("shoulder", "elbow"), ("elbow", "wrist"))
"""Segments compared between the left and the right side."""

_OTHER_SIDE = {"left": "right", "l": "r", "right": "left", "r": "l"}
_SIDE_WORD = re.compile(
    r"(?<![A-Za-z])([Ll]eft|[Rr]ight|LEFT|RIGHT)|(?<![A-Za-z])([lLrR])(?=[A-Z_.\d])"
)
_SIDE_SUFFIX = re.compile(r"(?<=[a-z0-9_.-])(Left|Right)$|(?<=[_.\-])([lLrR]|left|right)$")
_SIDE_LETTER = re.compile(r"^([lr])(?=[a-z])")


@dataclass(frozen=True)
class Skeleton:
    """A named joint set.

    Only ``name``, ``names`` and ``parents`` are needed; the rest is derived from the side in each
    joint's name (``left_knee``, ``LeftKnee``, ``knee.L``, ``lknee``) unless it is given.

    Raises:
        ValueError: The joints are no forest, names repeat, or an index is out of range.
    """

    name: str
    names: tuple[str, ...]
    parents: tuple[int, ...]
    """Index of each joint's parent; -1 for a root (a format may have several)."""
    mirror_index: tuple[int, ...] = ()
    """Where each joint's value comes from after a left-right flip; derived from names if empty."""
    root: int = -1
    """The joint poses are centred on, pelvis-like where there is one; derived if -1."""
    edges: tuple[tuple[int, int], ...] = ()
    """Lines to draw, (parent, child) where derived; a source's own may close loops."""
    aliases: tuple[str, ...] = ()
    """The source's own joint names, where they differ from ours; empty if none does."""
    definitions: str = ""
    """Whose joint definitions these are (``smpl``, ``h36m``, ``coco``, ``animal`` ...). Equal names
    mean the same anatomical point only within one of these; `conversion` knows across which."""
    source: str = ""
    """Where the definition comes from."""
    note: str = ""
    """What to know before using it."""

    def __post_init__(self) -> None:
        _check_tree(self.name, self.names, self.parents)
        if not self.mirror_index:
            object.__setattr__(self, "mirror_index", mirror_from_names(self.names))
        _check_mirror(self.name, self.mirror_index, len(self.names))
        if len(self.aliases) not in (0, len(self.names)):
            raise ValueError(f"skeleton {self.name!r}: aliases must name every joint or none")
        if self.root == -1 and self.names:
            object.__setattr__(self, "root", _find_root(self.names, self.parents))
        if not self.edges:
            derived = tuple((p, j) for j, p in enumerate(self.parents) if p >= 0)
            object.__setattr__(self, "edges", derived)
        allowed = range(len(self.names))
        if self.names and self.root not in allowed:
            raise ValueError(f"skeleton {self.name!r}: root {self.root} is not one of its joints")
        for a, b in self.edges:
            if a not in allowed or b not in allowed or a == b:
                raise ValueError(f"skeleton {self.name!r}: edge {(a, b)} joins no two joints")

    @property
    def num_joints(self) -> int:
        """Length of every ``j`` axis."""
        return len(self.names)

    @cached_property
    def left(self) -> tuple[int, ...]:
        """Joints of the person's left side."""
        return tuple(j for j, name in enumerate(self.names) if self._side(j, name) == "left")

    @cached_property
    def right(self) -> tuple[int, ...]:
        """Mirror images of `left`, in the same order."""
        return tuple(self.mirror_index[j] for j in self.left)

    @cached_property
    def centre(self) -> tuple[int, ...]:
        """Joints that are their own mirror image."""
        return tuple(j for j, m in enumerate(self.mirror_index) if j == m)

    @cached_property
    def limbs(self) -> tuple[tuple[tuple[int, int], tuple[int, int]], ...]:
        """Left and right segment of each limb present: thigh, shank, upper arm, forearm."""
        at = {name: j for j, name in enumerate(self.names)}
        pairs = []
        for upper, lower in LIMBS:
            sides = [(f"{side}_{upper}", f"{side}_{lower}") for side in ("left", "right")]
            if all(a in at and b in at for a, b in sides):
                pairs.append(tuple((at[a], at[b]) for a, b in sides))
        return tuple(pairs)

    @cached_property
    def distances(self) -> tuple[tuple[int, ...], ...]:
        """Number of edges on the shortest path between joints; `UNREACHABLE` across trees."""
        links = neighbours(self.num_joints, [*self.edges, *self._bones()])
        return tuple(_distances_from(j, links) for j in range(self.num_joints))

    def index(self, name: str) -> int:
        """Position of a joint, by our name or the source's, on the ``j`` axis.

        Raises:
            KeyError: The skeleton has no such joint.
        """
        for known in (self.names, self.aliases):
            if name in known:
                return known.index(name)
        close = get_close_matches(name, self.names, n=3, cutoff=0.4)
        hint = f"did you mean {' or '.join(map(repr, close))}?" if close else f"it has {self.names}"
        raise KeyError(f"skeleton {self.name!r} has no joint {name!r}; {hint}")

    def _bones(self) -> list[tuple[int, int]]:
        return [(p, j) for j, p in enumerate(self.parents) if p >= 0]

    def _side(self, j: int, name: str) -> str:
        if self.mirror_index[j] == j:
            return "centre"
        own, other = side_of(name), side_of(self.names[self.mirror_index[j]])
        if own == other:
            return "left" if j < self.mirror_index[j] else "right"
        return own if own != "centre" else {"left": "right", "right": "left"}[other]


def side_of(name: str) -> str:
    """``left``, ``right`` or ``centre``, as far as the name alone tells."""
    for pattern in (_SIDE_WORD, _SIDE_SUFFIX, _SIDE_LETTER):
        found = pattern.search(name)
        if found:
            return "left" if found[0].lower().startswith("l") else "right"
    return "centre"


def mirror_from_names(names: Sequence[str]) -> tuple[int, ...]:
    """Pair joints whose names differ only in their side; a joint without partner keeps itself."""
    at = {name: j for j, name in enumerate(names)}
    return tuple(_partner(j, name, at) for j, name in enumerate(names))


def neighbours(num_joints: int, edges: Iterable[tuple[int, int]]) -> list[list[int]]:
    """Adjacency lists of an undirected graph, each in rising order."""
    links: list[set[int]] = [set() for _ in range(num_joints)]
    for a, b in edges:
        links[a].add(b)
        links[b].add(a)
    return [sorted(s) for s in links]


def _partner(j: int, name: str, at: dict[str, int]) -> int:
    for pattern in (_SIDE_WORD, _SIDE_SUFFIX, _SIDE_LETTER):
        for found in pattern.finditer(name):
            other = _swap(found[0])
            candidate = name[: found.start()] + other + name[found.end() :]
            if candidate in at:
                return at[candidate]
    return j


def _swap(side: str) -> str:
    other = _OTHER_SIDE[side.lower()]
    if side.isupper():
        return other.upper()
    return other.capitalize() if side[0].isupper() else other


def _distances_from(start: int, links: list[list[int]]) -> tuple[int, ...]:
    steps = [UNREACHABLE] * len(links)
    steps[start] = 0
    queue = deque([start])
    while queue:
        here = queue.popleft()
        for there in links[here]:
            if steps[there] == UNREACHABLE:
                steps[there] = steps[here] + 1
                queue.append(there)
    return tuple(steps)


def _find_root(names: tuple[str, ...], parents: tuple[int, ...]) -> int:
    by_name = {name.lower(): j for j, name in enumerate(names)}
    return by_name.get("pelvis", parents.index(-1))


def _check_tree(name: str, names: tuple[str, ...], parents: tuple[int, ...]) -> None:
    if len(names) != len(parents):
        raise ValueError(f"skeleton {name!r} has {len(names)} names but {len(parents)} parents")
    seen: set[str] = set()
    for joint in names:
        if joint in seen:
            raise ValueError(f"skeleton {name!r}: joint name {joint!r} is used twice")
        seen.add(joint)
    for j, p in enumerate(parents):
        if not -1 <= p < len(names):
            raise ValueError(
                f"skeleton {name!r}: parent {p} of joint {names[j]!r} is out of range; "
                f"allowed: -1 (a root) to {len(names) - 1}"
            )
    grounded = [p == -1 for p in parents]
    for j in range(len(names)):
        path, here = [], j
        while not grounded[here] and len(path) <= len(names):
            path.append(here)
            here = parents[here]
        if len(path) > len(names):
            raise ValueError(f"skeleton {name!r}: the parents of joint {names[j]!r} form a cycle")
        for visited in path:
            grounded[visited] = True


def _check_mirror(name: str, mirror: tuple[int, ...], num_joints: int) -> None:
    if len(mirror) != num_joints:
        raise ValueError(
            f"skeleton {name!r} has {num_joints} joints but {len(mirror)} mirror entries"
        )
    for j, m in enumerate(mirror):
        if not 0 <= m < num_joints or mirror[m] != j:
            raise ValueError(f"skeleton {name!r}: mirroring joint {j} twice does not give it back")

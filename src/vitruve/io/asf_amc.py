"""Read ASF/AMC (Acclaim), the format of CMU's motion: figure and motion in two files.

Length unit: CMU's ASF says ``length 0.45``, which means that one inch is 0.45 units, so a unit is
56.44 mm (CMU Graphics Lab, FAQ). Up is y. The format states no rate; CMU recorded 120 frames/s.
Each bone turns by C M C^-1: C its ``axis``, M its degrees of freedom, both x first, in fixed axes
(J. Lander, Working with Motion Capture File Formats, Game Developer 1998).
"""

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from vitruve.io.contents import assemble, foreign_meta, to_z_up
from vitruve.io.errors import FileError
from vitruve.io.euler import axis_rotation
from vitruve.io.limits import MAX_JOINTS, check_values, clip, read_text, to_floats
from vitruve.poses import PoseSequence
from vitruve.skeletons import recognise_joints

CMU_FPS = 120.0
_INCH_M = 0.0254
_TURNS = {"rx": 0, "ry": 1, "rz": 2}
_MOVES = {"tx": 0, "ty": 1, "tz": 2}


@dataclass
class _Bone:
    offset: np.ndarray
    axis: np.ndarray
    dof: list[str] = field(default_factory=list)
    parent: str = ""


@dataclass
class _Figure:
    unit_m: float
    degrees: bool
    bones: dict[str, _Bone]
    """In file order; ``root`` first."""


def read_amc(path: Path, *, asf: str | Path | None = None, fps: float = CMU_FPS) -> PoseSequence:
    """Read a motion and its figure: the root, then the end of each bone, in the figure's order.

    Args:
        path: The ``.amc`` file.
        asf: Its figure; None looks beside it for the same name, then for the subject's (``02.asf``
            for ``02_01.amc``), then for the folder's only one.
        fps: Frames per second, which the format does not state.

    Raises:
        FileError: One of the files is not sound, or they do not belong together.
        OSError: One of them does not exist or may not be read.
    """
    figure_path = Path(asf) if asf is not None else _find_figure(path)
    figure = _read_figure(figure_path)
    frames, values = _read_motion(path, figure)
    points = to_z_up(_pose(figure, values) * figure.unit_m)
    names = list(figure.bones)
    parents = [names.index(b.parent) if b.parent else -1 for b in figure.bones.values()]
    model = f"amc file with {figure_path.name}; {fps:g} frames/s assumed"
    meta = foreign_meta("asf", names, parents, fps, model)
    known = recognise_joints(tuple(names))
    if known is not None and known.parents == tuple(parents):
        meta["skeleton"] = {"name": known.name, "names": known.names, "parents": parents}
    return assemble(path, points, meta, frames=frames - 1)


def read_asf(path: Path) -> PoseSequence:
    """Refuse: a figure has no motion.

    Raises:
        FileError: Always, naming what to read.
    """
    raise FileError(f"{path} is a figure without motion: read an .amc file beside it")


def _find_figure(path: Path) -> Path:
    beside = sorted(p for p in path.parent.iterdir() if p.suffix.lower() == ".asf")
    for stem in (path.stem, path.stem.rpartition("_")[0]):
        for candidate in beside:
            if stem and candidate.stem == stem:
                return candidate
    if len(beside) == 1:
        return beside[0]
    raise FileError(
        f"{path} needs its figure: {len(beside)} .asf files lie beside it; name one by asf="
    )


def _read_figure(path: Path) -> _Figure:
    sections: dict[str, list[list[str]]] = {}
    section = ""
    for line in read_text(path).splitlines():
        words = line.split("#")[0].split()
        if words and words[0].startswith(":"):
            section = words[0].lower()
            sections.setdefault(section, [])
            words = words[1:]
        if words:
            sections.setdefault(section, []).append(words)
    missing = [s for s in (":root", ":bonedata", ":hierarchy") if s not in sections]
    if missing:
        raise FileError(f"{path} is no ASF figure: section {missing[0]} is missing")
    units = {words[0].lower(): words[1] for words in sections.get(":units", []) if len(words) > 1}
    length = to_floats(path, ":units length", [units.get("length", "1.0")], 1)[0]
    if not 1e-6 < length < 1e6:
        raise FileError(f"{path} states a length unit of {length:g}; it must be positive")
    degrees = units.get("angle", "deg").lower().startswith("deg")
    bones = {"root": _root(path, sections[":root"], degrees)}
    for name, fields in _blocks(path, sections[":bonedata"]):
        bones[name] = _bone(path, name, fields, degrees)
    _link(path, bones, sections[":hierarchy"])
    return _Figure(_INCH_M / length, degrees, bones)


def _root(path: Path, lines: list[list[str]], degrees: bool) -> _Bone:
    fields = {words[0].lower(): words[1:] for words in lines}
    order = [word.lower() for word in fields.get("order", ["TX", "TY", "TZ", "RX", "RY", "RZ"])]
    turn = to_floats(path, ":root orientation", fields.get("orientation", ["0", "0", "0"])[:3], 3)
    return _Bone(np.zeros(3), _fixed_axes(turn, degrees), _dof(path, "root", order))


def _blocks(path: Path, lines: list[list[str]]) -> list[tuple[str, dict[str, list[str]]]]:
    blocks: list[tuple[str, dict[str, list[str]]]] = []
    fields: dict[str, list[str]] = {}
    for words in lines:
        key = words[0].lower()
        if key == "begin":
            fields = {}
        elif key == "end":
            if not fields.get("name"):
                raise FileError(f"{path}: a bone has no name")
            blocks.append((fields["name"][0], fields))
        else:
            fields.setdefault(key, words[1:])
    names = [name for name, _ in blocks]
    if len(set(names)) < len(names) or "root" in names or len(names) >= MAX_JOINTS:
        raise FileError(f"{path}: bone names repeat, or there are over {MAX_JOINTS}")
    return blocks


def _bone(path: Path, name: str, fields: dict[str, list[str]], degrees: bool) -> _Bone:
    where = f"bone {clip(name)}"
    direction = to_floats(path, where, fields.get("direction", []), 3)
    length = to_floats(path, where, fields.get("length", []), 1)
    axis = to_floats(path, where, fields.get("axis", ["0", "0", "0"])[:3], 3)
    dof = _dof(path, name, [word.lower() for word in fields.get("dof", [])])
    return _Bone(direction * length, _fixed_axes(axis, degrees), dof)


def _dof(path: Path, name: str, words: list[str]) -> list[str]:
    wrong = [w for w in words if w not in _TURNS and w not in _MOVES and w != "l"]
    if wrong:
        raise FileError(
            f"{path}: bone {clip(name)} moves along {clip(wrong[0])!r}; known are tx to rz"
        )
    return words


def _fixed_axes(angles: np.ndarray, degrees: bool) -> np.ndarray:
    turns = _radians(angles, degrees)
    x, y, z = (axis_rotation(i, turns[i, ...]) for i in range(3))
    return z @ y @ x


def _radians(angles: np.ndarray, degrees: bool) -> np.ndarray:
    return np.deg2rad(angles) if degrees else np.asarray(angles)


def _link(path: Path, bones: dict[str, _Bone], lines: list[list[str]]) -> None:
    known = {"root"}
    for words in lines:
        parent, *children = words
        if parent.lower() in {"begin", "end"}:
            continue
        for child in children:
            if parent not in known or child not in bones or child in known:
                raise FileError(
                    f"{path}: {clip(child)!r} hangs on {clip(parent)!r} against the tree"
                )
            bones[child].parent = parent
            known.add(child)
    loose = [name for name in bones if name not in known]
    if loose:
        raise FileError(f"{path}: bone {clip(loose[0])!r} hangs on nothing")


def _read_motion(path: Path, figure: _Figure) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    frames: list[int] = []
    table: dict[str, list[np.ndarray]] = {name: [] for name, b in figure.bones.items() if b.dof}
    for number, line in enumerate(read_text(path).splitlines(), 1):
        words = line.split()
        if not words or words[0].startswith("#"):
            continue
        if words[0].startswith(":"):
            figure.degrees = {":degrees": True, ":radians": False}.get(
                words[0].lower(), figure.degrees
            )
        elif len(words) == 1 and words[0].isdecimal() and len(words[0]) < 16:
            frames.append(int(words[0]))
        elif words[0] in table and len(table[words[0]]) == len(frames) - 1:
            dof = figure.bones[words[0]].dof
            table[words[0]].append(to_floats(path, f"line {number}", words[1:], len(dof)))
        else:
            raise FileError(f"{path}, line {number}: {clip(line)!r} fits no bone of the figure")
    check_values(path, (len(frames), len(figure.bones), 3))
    short = [name for name, rows in table.items() if len(rows) != len(frames)]
    if short or not frames:
        raise FileError(
            f"{path} is cut short: {len(frames)} frames, {clip(str(short[:3]))} lack values"
        )
    return np.array(frames), {name: np.stack(rows) for name, rows in table.items()}


def _pose(figure: _Figure, values: dict[str, np.ndarray]) -> np.ndarray:
    names = list(figure.bones)
    count = len(next(iter(values.values()))) if values else 0
    points = np.zeros((count, len(names), 3))
    globals_: dict[str, np.ndarray] = {}
    for name in _parents_first(figure):
        bone = figure.bones[name]
        move, turn = _local(bone, values.get(name), count, figure.degrees)
        turn = bone.axis @ turn @ bone.axis.T
        if bone.parent:
            turn = globals_[bone.parent] @ turn
            start = points[:, names.index(bone.parent)]
            points[:, names.index(name)] = start + turn @ bone.offset
        else:
            points[:, 0] = move
        globals_[name] = turn
    return points


def _parents_first(figure: _Figure) -> list[str]:
    order = ["root"]
    for name in order:
        order.extend(child for child, bone in figure.bones.items() if bone.parent == name)
    return order


def _local(
    bone: _Bone, values: np.ndarray | None, count: int, degrees: bool
) -> tuple[np.ndarray, np.ndarray]:
    move, turn = np.zeros((count, 3)), np.broadcast_to(np.eye(3), (count, 3, 3))
    for column, word in enumerate(bone.dof):
        if values is not None and word in _TURNS:
            turn = axis_rotation(_TURNS[word], _radians(values[:, column], degrees)) @ turn
        elif values is not None and word in _MOVES:
            move[:, _MOVES[word]] = values[:, column]
    return move, turn

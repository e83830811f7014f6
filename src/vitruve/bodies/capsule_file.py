"""An animal of your own as a TOML file: what is different from a capsule body of ours.

    scale = 2.4                   # of all metres that the file does not give

    [bones."{s}_knee"]            # metres, as `CapsuleBone` has them
    head = [0.12, 0.46, 0.78]
    radii = [0.09, 0.05]

    [ranges.neck]                 # degrees, as `JointRange` has them
    about_x = [60, 70]

Bones keep their names, so the joints of formats and the limbs are found as on ours. A bone of
another name is a new one, such as a horn.
"""

import math
import tomllib
from collections.abc import Collection, Mapping
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

from vitruve.bodies.capsule import CapsuleBone, CapsuleConfig
from vitruve.bodies.ranges import RANGES_OF_BODIES, JointRange, both_sides
from vitruve.io.errors import FileError
from vitruve.io.limits import clip, read_text

_MOST_BYTES = 2**20
_MOST = 1000.0
"""Largest number of metres, times or degrees."""
_POINTS = {"head": 3, "tail": 3, "start": 3, "radii": 2}
"""What of a bone is metres, and how many numbers."""
_SPANS = {"about_x": 2, "about_y": 2, "about_z": 2, "mean": 3}
_TEXTS = ("parent", "part", "group", "along")
_STILL = (0, 0)


def read_capsules(config: CapsuleConfig, path: Path) -> CapsuleConfig:
    """The body of a config with what a file says of it in place of its own.

    Args:
        config: One of `BODIES`, whose bones are kept where the file does not name them.
        path: The file.

    Raises:
        FileNotFoundError: There is no such file.
        FileError: It is no TOML, or says what a body cannot be.
    """
    try:
        document = tomllib.loads(read_text(path, _MOST_BYTES))
    except tomllib.TOMLDecodeError as error:
        raise FileError(f"{path} is no TOML: {error}") from None
    except RecursionError:
        raise FileError(f"{path} is no such TOML: tables lie too deep in each other") from None
    _known(document, ("scale", "bones", "ranges"), str(path))
    scale = _positive(document.get("scale", 1.0), f"{path}: scale")
    bones = {bone.name: _scaled(bone, scale) for bone in config.bones}
    for name, given in _tables(document, "bones", path):
        bones[name] = _bone(name, given, bones, f"{path}: bone {clip(name)!r}")
    ranges = {one.role: one for one in RANGES_OF_BODIES[config.name]}
    for name, given in _tables(document, "ranges", path):
        where = f"{path}: range of {clip(name)!r}"
        if name not in bones:
            raise FileError(f"{where}: there is no such bone; there are {', '.join(bones)}")
        ranges |= {one.role: one for one in _range(name, given, ranges, where)}
    return replace(config, bones=tuple(bones.values()), ranges=tuple(ranges.values()))


def _bone(
    name: str, given: Mapping[str, Any], bones: Mapping[str, CapsuleBone], where: str
) -> CapsuleBone:
    _known(given, {f.name for f in fields(CapsuleBone)} - {"name"}, where)
    values = _values(given, _POINTS, where)
    if "width" in given:
        values["width"] = _positive(given["width"], f"{where}: width")
    both = name.replace("left_", "{s}_").replace("right_", "{s}_")
    if both != name and both in bones:
        raise FileError(
            f"{where} is one side; say {both!r}, which is the left and its mirror image"
        )
    if name in bones:
        bone = replace(bones[name], **values)
    else:
        missing = [key for key in ("parent", "head", "tail", "radii") if key not in values]
        parent = bones.get(values.get("parent", ""))
        if missing or parent is None:
            raise FileError(
                f"{where} is a new one, which needs {', '.join(missing or ['a known parent'])}; "
                f"there are {', '.join(bones)}"
            )
        inherited: dict[str, Any] = {"part": parent.part, "group": parent.group}
        bone = CapsuleBone(name, **(inherited | values))
    if min(bone.radii) <= 0 or math.dist(bone.start or bone.head, bone.tail) <= 0:
        raise FileError(f"{where} has no size; its tail must lie apart and its radii be above 0")
    return bone


def _range(
    name: str, given: Mapping[str, Any], ranges: Mapping[str, JointRange], where: str
) -> tuple[JointRange, ...]:
    _known(given, {f.name for f in fields(JointRange)} - {"role", "always"}, where)
    values = _values(given, _SPANS, where)
    if values.get("along", "x") not in ("x", "y", "z"):
        raise FileError(f"{where}: along is {values['along']!r}; it must be x, y or z")
    if spans := [x for key in _SPANS if key != "mean" for x in values.get(key, ()) if x < 0]:
        raise FileError(f"{where}: {spans[0]:g} degrees; both ways are given from 0 on")
    old = ranges.get(name.replace("{s}", "left"), JointRange(name, _STILL, _STILL, _STILL))
    return both_sides((replace(old, role=name, **values),))


def _values(given: Mapping[str, Any], counts: Mapping[str, int], where: str) -> dict[str, Any]:
    """What of a table is numbers, in the right count, and what is text."""
    found: dict[str, Any] = {}
    for key, count in counts.items():
        if key in given:
            found[key] = _numbers(given[key], count, f"{where}: {key}")
    for key in _TEXTS:
        if key in given:
            if not isinstance(given[key], str) or not given[key]:
                raise FileError(f"{where}: {key} must be a name, not {clip(str(given[key]))}")
            found[key] = given[key]
    return found


def _numbers(value: Any, count: int, where: str) -> tuple[float, ...]:
    if not isinstance(value, list) or len(value) != count or not all(map(_is_number, value)):
        raise FileError(
            f"{where} must be {count} numbers of at most {_MOST:g}, not {clip(str(value))}"
        )
    return tuple(float(x) for x in value)


def _positive(value: Any, where: str) -> float:
    if not _is_number(value) or value <= 0:
        raise FileError(
            f"{where} must be a number above 0, at most {_MOST:g}, not {clip(str(value))}"
        )
    return float(value)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= _MOST


def _tables(document: Mapping[str, Any], key: str, path: Path) -> list[tuple[str, dict[str, Any]]]:
    tables = document.get(key, {})
    if not isinstance(tables, dict) or not all(isinstance(t, dict) for t in tables.values()):
        raise FileError(f'{path}: {key} must be tables such as [{key}."{{s}}_hip"]')
    return list(tables.items())


def _known(given: Mapping[str, Any], names: Collection[str], where: str) -> None:
    if unknown := sorted(set(given) - set(names)):
        allowed = ", ".join(sorted(names))
        raise FileError(f"{where}: {clip(unknown[0])!r} is not known; known are {allowed}")


def _scaled(bone: CapsuleBone, scale: float) -> CapsuleBone:
    metres = {key: getattr(bone, key) for key in _POINTS}
    return replace(
        bone, **{key: tuple(scale * x for x in value) for key, value in metres.items() if value}
    )

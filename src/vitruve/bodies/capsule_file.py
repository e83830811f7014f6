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
from collections.abc import Mapping
from dataclasses import fields, replace
from pathlib import Path
from typing import Any, TypeVar

from vitruve.bodies.capsule import CapsuleBone, CapsuleConfig
from vitruve.bodies.ranges import RANGES_OF_BODIES, JointRange, both_sides
from vitruve.io.dataclass_json import config_from_dict
from vitruve.io.errors import FileError
from vitruve.io.limits import clip, read_text

T = TypeVar("T", CapsuleBone, JointRange)
_MOST_BYTES = 2**20
_MOST = 1000.0
"""Largest number of metres, times or degrees."""
_METRES = ("head", "tail", "start", "radii")
"""What of a bone grows with the body."""
_KEYS = ("scale", "bones", "ranges")
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
    scale, given_bones, given_ranges = _parsed(path)
    bones = {bone.name: _scaled(bone, scale) for bone in config.bones}
    for name, given in given_bones.items():
        bones[name] = _bone(name, given, bones, f"{path}: bone {clip(name)!r}")
    ranges = {one.role: one for one in RANGES_OF_BODIES[config.name]}
    for name, given in given_ranges.items():
        where = f"{path}: range of {clip(name)!r}"
        if name not in bones:
            raise FileError(f"{where}: there is no such bone; there are {', '.join(bones)}")
        ranges |= {one.role: one for one in _range(name, given, ranges, where)}
    return replace(config, bones=tuple(bones.values()), ranges=tuple(ranges.values()))


def _parsed(path: Path) -> tuple[float, dict[str, Any], dict[str, Any]]:
    """Scale, tables of bones and tables of ranges."""
    try:
        document = tomllib.loads(read_text(path, _MOST_BYTES))
    except tomllib.TOMLDecodeError as error:
        raise FileError(f"{path} is no TOML: {error}") from None
    except RecursionError:
        raise FileError(f"{path} is no such TOML: tables lie too deep in each other") from None
    if unknown := sorted(set(document) - set(_KEYS)):
        raise FileError(f"{path}: {clip(unknown[0])!r} is not known; known are {', '.join(_KEYS)}")
    scale, *tables = (
        document.get(key, none) for key, none in zip(_KEYS, (1.0, {}, {}), strict=True)
    )
    if type(scale) not in (int, float) or not 0 < scale <= _MOST:
        raise FileError(f"{path}: scale must be a number above 0, at most {_MOST:g}, not {scale!r}")
    for key, table in zip(_KEYS[1:], tables, strict=True):
        if not isinstance(table, dict):
            raise FileError(f'{path}: {key} must be tables such as [{key}."{{s}}_hip"]')
    return float(scale), tables[0], tables[1]


def _bone(name: str, given: Any, bones: Mapping[str, CapsuleBone], where: str) -> CapsuleBone:
    both = name.replace("left_", "{s}_").replace("right_", "{s}_")
    if both != name and both in bones:
        raise FileError(
            f"{where} is one side; say {both!r}, which is the left and its mirror image"
        )
    old: dict[str, Any] = {}
    if name in bones:
        old = _fields(bones[name])
    elif isinstance(given, dict) and "parent" in given:
        parent = bones.get(str(given["parent"]))
        if parent is None:
            raise FileError(
                f"{where} is a new one, which needs a known parent; there are {', '.join(bones)}"
            )
        old = {"part": parent.part, "group": parent.group}
    bone = _built(CapsuleBone, "name", name, old, given, where)
    if min(*bone.radii, bone.width) <= 0 or math.dist(bone.start or bone.head, bone.tail) <= 0:
        raise FileError(
            f"{where} has no size; its tail must lie apart, its radii and width be above 0"
        )
    return bone


def _range(
    name: str, given: Any, ranges: Mapping[str, JointRange], where: str
) -> tuple[JointRange, ...]:
    old = ranges.get(name.replace("{s}", "left"), JointRange(name, _STILL, _STILL, _STILL))
    found = _built(JointRange, "role", name, _fields(old), given, where)
    if (least := min(*found.about_x, *found.about_y, *found.about_z)) < 0:
        raise FileError(f"{where}: {least:g} degrees; both ways are given from 0 on")
    return both_sides((found,))


def _built(kind: type[T], key: str, name: str, old: dict[str, Any], given: Any, where: str) -> T:
    """What a table says, and for the rest what was so; ``key`` is the name that it stands under."""
    if not isinstance(given, dict) or key in given:
        raise FileError(f"{where} must be a table, without {key}: the table is called so")
    try:
        found = config_from_dict(kind, {**old, **given, key: name})
    except ValueError as error:
        raise FileError(f"{where}: {clip(str(error))}") from None
    for field, value in _fields(found).items():
        for number in value if isinstance(value, tuple) else (value,):
            if isinstance(number, float) and not abs(number) <= _MOST:
                raise FileError(f"{where}: {field} holds {number:g}; at most {_MOST:g} is allowed")
    return found


def _fields(one: CapsuleBone | JointRange) -> dict[str, Any]:
    return {f.name: getattr(one, f.name) for f in fields(one)}


def _scaled(bone: CapsuleBone, scale: float) -> CapsuleBone:
    metres = {key: getattr(bone, key) for key in _METRES}
    return replace(
        bone, **{key: tuple(scale * x for x in value) for key, value in metres.items() if value}
    )

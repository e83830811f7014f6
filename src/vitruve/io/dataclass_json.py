"""Frozen config dataclasses to JSON and back, strictly.

``asdict`` writes them. Reading checks every key and every type against the annotations, so a file
can neither smuggle in a setting nor leave one out. A class whose field types depend on other
fields (the config of a named net) says so in a class method ``choices(data)``.
"""

import types
from collections.abc import Mapping
from dataclasses import MISSING, fields, is_dataclass
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

T = TypeVar("T")


def config_from_dict(config_class: type[T], data: Any) -> T:
    """Build ``config_class`` from what ``asdict`` and JSON made of it.

    Raises:
        ValueError: A key is unknown or missing, or a value has another type; the message names
            the class, the field and what is allowed.
        KeyError: A table has no entry of the given name.
    """
    name = config_class.__name__
    if not isinstance(data, Mapping):
        raise ValueError(f"{name} must be a mapping of its fields, got {data!r}")
    known = {f.name: f for f in fields(config_class) if f.init}  # pyright: ignore[reportArgumentType]
    if unknown := sorted(set(data) - set(known)):
        raise ValueError(f"{name} has no field {unknown[0]!r}; its fields are {sorted(known)}")
    required = {
        k for k, f in known.items() if f.default is MISSING and f.default_factory is MISSING
    }
    if missing := sorted(required - set(data)):
        raise ValueError(f"{name} needs the field {missing[0]!r}")
    hints = get_type_hints(config_class)
    if choices := getattr(config_class, "choices", None):
        hints |= choices(data)
    return config_class(**{k: _convert(hints[k], v, f"{name}.{k}") for k, v in data.items()})


def _convert(kind: Any, value: Any, where: str) -> Any:
    origin = get_origin(kind)
    if is_dataclass(kind) and isinstance(kind, type):
        return config_from_dict(kind, value)
    if origin is Literal:
        return _checked(value in get_args(kind), value, where, f"one of {get_args(kind)}")
    if origin in (Union, types.UnionType):
        return _convert_union(get_args(kind), value, where)
    if origin is tuple:
        return _convert_tuple(get_args(kind), value, where)
    if origin is dict:
        _checked(isinstance(value, Mapping), value, where, "a mapping")
        item = get_args(kind)[1]
        return {str(k): _convert(item, v, f"{where}[{k!r}]") for k, v in value.items()}
    if kind is float:
        number = isinstance(value, int | float) and not isinstance(value, bool)
        return float(_checked(number, value, where, "a number"))
    if kind in (int, str, bool, type(None)):
        return _checked(type(value) is kind, value, where, f"of type {kind.__name__}")
    raise ValueError(f"{where} has the type {kind}, which a config file cannot hold")


def _convert_union(kinds: tuple[Any, ...], value: Any, where: str) -> Any:
    for kind in kinds:
        try:
            return _convert(kind, value, where)
        except ValueError:
            continue
    names = " or ".join(getattr(kind, "__name__", str(kind)) for kind in kinds)
    raise ValueError(f"{where} must be {names}, got {value!r}")


def _convert_tuple(kinds: tuple[Any, ...], value: Any, where: str) -> tuple[Any, ...]:
    _checked(isinstance(value, list | tuple), value, where, "a list")
    if len(kinds) == 2 and kinds[1] is Ellipsis:
        kinds = (kinds[0],) * len(value)
    _checked(len(kinds) == len(value), value, where, f"a list of {len(kinds)}")
    return tuple(_convert(k, v, where) for k, v in zip(kinds, value, strict=True))


def _checked(ok: bool, value: Any, where: str, allowed: str) -> Any:
    if not ok:
        raise ValueError(f"{where} must be {allowed}, got {value!r}")
    return value

"""Config dataclasses to JSON and back: nothing is smuggled in, nothing left out."""

import json
from dataclasses import asdict, dataclass
from typing import Any, Literal

import pytest

from vitruve.io.dataclass_json import config_from_dict


@dataclass(frozen=True)
class Inner:
    size: int = 1


@dataclass(frozen=True)
class Outer:
    kind: Literal["a", "b"]
    inner: Inner
    table: dict[str, Inner]
    ratio: float | None = None
    sizes: tuple[int, ...] = ()
    pair: tuple[str, float] = ("x", 1.0)
    anything: Any = None


def test_configs_round_trip_through_json():
    outer = Outer("b", Inner(2), {"x": Inner(3)}, 0.5, (1, 2), ("y", 2.0))
    data = json.loads(json.dumps(asdict(outer)))
    del data["anything"]
    assert config_from_dict(Outer, data) == outer


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"kind": "c"}, r"Outer.kind must be one of \('a', 'b'\), got 'c'"),
        ({"inner": {"size": True}}, "Inner.size must be of type int, got True"),
        ({"inner": {"length": 1}}, r"Inner has no field 'length'; its fields are \['size'\]"),
        ({"table": [1]}, "Outer.table must be a mapping"),
        ({"table": {"x": 1}}, "Inner must be a mapping"),
        ({"ratio": "much"}, "Outer.ratio must be float or NoneType, got 'much'"),
        ({"sizes": [1, 2.5]}, "Outer.sizes must be of type int, got 2.5"),
        ({"pair": ["x"]}, "Outer.pair must be a list of 2"),
        ({"anything": 1}, "Outer.anything has the type"),
    ],
)
def test_configs_are_read_strictly(change, message):
    data = {"kind": "a", "inner": {"size": 1}, "table": {}}
    with pytest.raises(ValueError, match=message):
        config_from_dict(Outer, data | change)


@dataclass(frozen=True)
class Named:
    name: str
    config: Any

    @classmethod
    def choices(cls, data):
        kinds = {"inner": Inner, "outer": Outer}
        if data.get("name") not in kinds:
            raise KeyError(f"unknown {data.get('name')!r}")
        return {"config": kinds[data["name"]]}


def test_a_field_may_choose_the_type_of_another():
    named = Named("inner", Inner(4))
    assert config_from_dict(Named, json.loads(json.dumps(asdict(named)))) == named
    with pytest.raises(ValueError, match="Outer has no field 'size'"):
        config_from_dict(Named, {"name": "outer", "config": {"size": 4}})
    with pytest.raises(KeyError, match="unknown 'none'"):
        config_from_dict(Named, {"name": "none", "config": {}})


def test_no_file_is_no_config():
    with pytest.raises(ValueError, match="Inner must be a mapping of its fields, got None"):
        config_from_dict(Inner, None)
    with pytest.raises(ValueError, match="Outer needs the field 'inner'"):
        config_from_dict(Outer, {"kind": "a", "table": {}})

"""Result rows replace their earlier selves and refuse what is no number."""

import json

import pytest

from vitruve.benchmarks import Row, read_rows, record
from vitruve.benchmarks.provenance import commit, machine


def row(seed=0, value=1.0, data="cmu gt"):
    return Row("lifters.cmu.x.cpu", seed, "cpu", data, {"mpjpe_mm": value}, "vitruve ...", 2.0)


def test_a_row_replaces_its_earlier_self_only(tmp_path):
    folder = tmp_path / "new" / "results"
    record(row(), "t", folder)
    record(row(seed=1), "t", folder)
    record(row(data="cmu noisy"), "t", folder)
    path = record(row(value=3.0), "t", folder)
    rows = read_rows(path)
    assert [(r["seed"], r["data"], r["metrics"]["mpjpe_mm"]) for r in rows] == [
        (0, "cmu gt", 3.0),
        (0, "cmu noisy", 1.0),
        (1, "cmu gt", 1.0),
    ]
    assert {"run", "preset", "machine", "commit", "command", "seconds"} <= set(rows[0])
    assert [p.name for p in folder.iterdir()] == ["t.json"]


def test_bad_rows_and_files_are_refused(tmp_path):
    with pytest.raises(ValueError, match=r"mpjpe_mm of .* is nan"):
        record(row(value=float("nan")), "t", tmp_path)
    (tmp_path / "t.json").write_text(json.dumps({"rows": 1}))
    with pytest.raises(ValueError, match="no list of result rows"):
        record(row(), "t", tmp_path)


def test_provenance_is_stated():
    assert "torch" in machine()
    assert "core" in machine()
    assert commit()

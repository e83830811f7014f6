"""The rates of rendering: rows are measured once, and say what was drawn."""

import importlib.util
import sys
from pathlib import Path

import pytest

from vitruve.benchmarks import read_rows

FILE = Path(__file__).parents[2] / "benchmarks" / "rendering.py"


@pytest.fixture
def rendering(monkeypatch):
    spec = importlib.util.spec_from_file_location("rendering", FILE)
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "rendering", module)
    spec.loader.exec_module(module)
    # The allocator stays as the other tests know it.
    monkeypatch.setattr(module, "keep_freed_memory", lambda: False)
    return module


def test_rows_are_measured_once(rendering, tmp_path, monkeypatch, capsys):
    def here(case, seconds):
        return {"pictures_per_second": rendering.rate(case, seconds)[0]}

    monkeypatch.setattr(rendering, "measure", here)
    asked = ["--what", "render", "--sizes", "16", "--seconds", "0.01", "--workers", "1"]
    rendering.main([*asked, "--results", str(tmp_path)])
    rows = read_rows(tmp_path / "rendering.json")
    assert [row["run"] for row in rows] == ["render.coarse.16.warp.w1"]
    assert rows[0]["metrics"]["pictures_per_second"] > 0
    assert "render.coarse.16" in capsys.readouterr().out
    rendering.main([*asked, "--results", str(tmp_path)])
    assert capsys.readouterr().out == ""


def test_people_fill_part_of_the_picture(rendering):
    case = rendering.Case("coarse", None, 32, "torch", 1)
    _, _, covered = rendering.rate(case, 0.01)
    assert 0.03 < covered < 0.3

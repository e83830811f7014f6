"""Tables in the docs come from the results, and a stale one is noticed."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TOOL = ROOT / "tools" / "make_tables.py"


@pytest.fixture
def make_tables(monkeypatch):
    monkeypatch.syspath_prepend(str(TOOL.parent))
    import make_tables

    return make_tables


def rows(*values, data="cmu gt", run="a.b.c.d"):
    return [
        {"run": run, "seed": n, "preset": "cpu", "data": data, "metrics": {"mpjpe_mm": v, "lse": 0}}
        for n, v in enumerate(values)
    ]


def write(root, text, content):
    (root / "docs").mkdir()
    (root / "benchmarks" / "results").mkdir(parents=True)
    (root / "docs" / "page.md").write_text(text)
    (root / "benchmarks" / "results" / "t.json").write_text(json.dumps(content))


def test_a_case_is_the_last_part_of_the_name(make_tables):
    both = rows(1.0, run="speed.net.forward") + rows(2.0, run="speed.net.training")
    text = make_tables.table(both, {"case": "forward", "columns": "mpjpe_mm"})
    assert "speed.net.forward" in text
    assert "training" not in text


def test_small_numbers_are_not_zero(make_tables):
    rows = [{"run": "a", "seed": 0, "preset": "cpu", "data": "d", "metrics": {"x": 3.2e-6}}]
    assert "| 3e-06 |" in make_tables.table(rows, {})


def test_round_trip(make_tables, tmp_path, capsys):
    text = "before\n<!-- table:t columns=mpjpe_mm data=cmu_gt -->\nold\n<!-- /table -->\nafter\n"
    write(tmp_path, text, rows(41.0, 43.0) + rows(90.0, data="cmu noisy"))
    assert make_tables.main(["--check"], tmp_path) == 1
    assert make_tables.main([], tmp_path) == 0
    assert make_tables.main(["--check"], tmp_path) == 0
    page = (tmp_path / "docs" / "page.md").read_text()
    assert page.startswith("before\n<!-- table:t columns=mpjpe_mm data=cmu_gt -->\n| run |")
    assert page.endswith("<!-- /table -->\nafter\n")
    assert "| `a.b.c.d` | cmu gt | 2 | 42.0 ± 1.4 |" in page
    assert "noisy" not in page
    assert "page.md" in capsys.readouterr().out


def test_unknown_options_and_missing_results_are_named(make_tables, tmp_path, capsys):
    with pytest.raises(ValueError, match="no option 'colour'"):
        make_tables.rewritten("<!-- table:t colour=red -->\n<!-- /table -->", tmp_path)
    write(tmp_path, "<!-- table:other -->\nold\n<!-- /table -->\n", [])
    assert make_tables.main([], tmp_path) == 1
    assert "no benchmarks/results/other.json" in capsys.readouterr().out
    assert "old" in (tmp_path / "docs" / "page.md").read_text()


def test_the_tables_of_this_repository_are_fresh():
    command = [sys.executable, str(TOOL), "--check"]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr

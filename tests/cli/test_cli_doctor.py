import json

import pytest

from vitruve.cli import doctor
from vitruve.cli.progress import Clock
from vitruve.estimators import saved


def test_everything_is_looked_at(vitruve, weights, tmp_path, monkeypatch):
    (tmp_path / "default.safetensors").write_bytes(weights.read_bytes())
    monkeypatch.setattr(saved, "PACKAGED", tmp_path)
    monkeypatch.setenv("VITRUVE_HOME", str(tmp_path / "home"))
    code, said, err = vitruve("doctor", "--json")
    report = json.loads(said)
    checks = {check["name"]: check for check in report["checks"]}
    assert err == ""
    for name in ("torch", "video codecs", "cache folder", "weights"):
        assert checks[name]["ok"], checks[name]
    assert not checks["detector models"]["ok"]
    assert "vitruve doctor --fetch" in checks["detector models"]["todo"]
    assert (code, report["main_job_can_run"]) == (1, False)
    assert {f"extra {name}" for name in doctor._EXTRAS} < set(checks)
    for check in report["checks"]:
        assert bool(check["todo"]) != check["ok"], check


def fine():
    return True, "found"


def broken():
    raise OSError("no such\nlibrary")


@pytest.mark.parametrize(
    ("look", "needed", "code", "state"),
    [(fine, True, 0, "ok"), (broken, True, 1, "MISSING"), (broken, False, 0, "-")],
)
def test_only_what_is_needed_fails(vitruve, monkeypatch, look, needed, code, state):
    monkeypatch.setattr(doctor, "_CHECKS", (("thing", look, "get one", needed),))
    monkeypatch.setattr(doctor, "_EXTRAS", {"view": ("no_such_module",)})
    found, said, _ = vitruve("doctor")
    first, extra, last = said.splitlines()
    assert found == code
    assert first.split()[:2] == [state, "thing"]
    assert ("OSError: no such library -> get one" in first) == (look is broken)
    assert "pip install 'vitruve[view]'" in extra
    assert ("cannot run" in last) == bool(code)


def test_the_clock_counts_only_its_own_work():
    clock = Clock()
    assert clock.rate("lift") == 0
    for done in (100, 150, 300):
        clock("lift", done, 300)
    clock("lift", 0, 50)
    clock("lift", 50, 50)
    assert clock.counts["lift"] == 250
    assert clock.rate("lift") > 0

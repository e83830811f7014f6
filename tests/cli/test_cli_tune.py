"""``vitruve tune``: several processes, help, and what cannot be searched."""

import csv
import json
import os
import time
from pathlib import Path

import pytest

from vitruve.cli import VERBS
from vitruve.cli.workers import run_workers
from vitruve.recipes import search

TOY = "toy.synthetic.simple_baseline.position"


def told(folder, text):
    (Path(folder) / str(os.getpid())).write_text(text)


def fail_while_another_works(folder):
    """Whoever is first waits until it is stopped; the other fails."""
    try:
        (Path(folder) / "first").mkdir()
    except FileExistsError:
        raise ValueError("this one fails") from None
    try:
        while True:
            time.sleep(0.01)
    except KeyboardInterrupt:
        import torch

        told(folder, f"stopped, {torch.get_num_threads()} thread")
        raise


def test_two_processes_share_a_search(tmp_path, vitruve):
    out = tmp_path / "search"
    length = ["--trials", 4, "--steps", 12, "--evaluate-every", 4]
    asked = [TOY, *length, "--workers", 2, "--out", out]
    code, said, _ = vitruve("tune", *asked)
    assert code == 0
    assert said.splitlines()[-1] == str(out / "best.json")
    with (out / "trials.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [row["trial"] for row in rows] == list("0123")
    assert {row["state"] for row in rows} <= {"complete", "pruned"}
    assert len({row["train.learning_rate"] for row in rows}) == 4
    figures = [float(row["mpjpe_mm"]) for row in rows if row["state"] == "complete"]
    assert json.loads((out / "best.json").read_text())["figure"] == min(figures)
    assert not list(out.rglob("at_work.json"))
    assert vitruve("tune", *asked) == (0, said, "")
    results = tmp_path / "results"
    assert vitruve("tune", *asked, "--table", "found", "--results", results)[0] == 0
    kept = json.loads((results / "found.json").read_text())
    assert [row["metrics"]["mpjpe_mm"] for row in kept] == figures
    assert kept[0]["metrics"]["of_baseline"] == 1
    assert kept[0]["metrics"]["train_learning_rate"] == float(rows[0]["train.learning_rate"])


def test_one_that_fails_stops_the_others(tmp_path, capfd):
    assert run_workers(2, fail_while_another_works, str(tmp_path)) == 2
    assert [p.read_text() for p in tmp_path.iterdir() if p.is_file()] == ["stopped, 1 thread"]
    assert capfd.readouterr().err == "vitruve: this one fails\n"


def test_help(vitruve):
    code, said, _ = vitruve("tune", "--help")
    assert code == 0
    for word in ("RUN [RUN ...]", "--vary", "--pruning.startup", "PATH=LOW..HIGH"):
        assert word in said
    assert "tune" in VERBS


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nope"], "unknown recipe 'nope'; there are "),
        ([TOY, "--space", "wide"], "unknown space 'wide'; there are energy, none, pull, rates"),
        ([TOY, "--space", "none"], "nothing to search: give --vary"),
        ([TOY, "--space", "energy"], "no setting 'terms.energy.weight'; the nearest are "),
        ([TOY, "--vary", "train.seed=1,2"], "train.seed must be the same for all trials"),
        ([TOY, "--vary", "train.weight_decay=1e-3..1e-4"], "a range rises from LOW above 0"),
        ([TOY, "--workers", "0"], "--workers must be 1 or more, got 0"),
        (["default.cmu.video_pose_3d.t27"], "is steered by the test split of its data"),
        (["lifters.cmu.sem_gcn.cpu"], "mocap.cs.cmu.edu"),
    ],
)
def test_mistakes_are_one_line(arguments, message, vitruve, tmp_path, monkeypatch):
    monkeypatch.delenv("VITRUVE_MOTION", raising=False)
    monkeypatch.chdir(tmp_path)
    code, said, err = vitruve("tune", *arguments)
    assert (code, said) == (2, "")
    assert message in err
    assert len(err.splitlines()) == 1


def test_a_missing_extra_is_named(vitruve, monkeypatch):
    monkeypatch.setattr(search, "find_spec", lambda name: None)
    code, _, err = vitruve("tune", TOY)
    assert code == 2
    assert err == "vitruve: a search needs optuna: pip install 'vitruve[tune]'\n"

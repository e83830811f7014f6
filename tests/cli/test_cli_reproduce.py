"""``vitruve reproduce``: reads, trains what is missing, stops and goes on."""

import json
import os
import signal
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from vitruve import cli, recipes
from vitruve.benchmarks import cmu_lift
from vitruve.benchmarks.cmu_clips import Clip
from vitruve.nets import SimpleBaselineConfig
from vitruve.recipes import RECIPES
from vitruve.recipes.scotl_tables import SCOTL_TABLES
from vitruve.recipes.sources import cmu_lift as training
from vitruve.skeletons import skeleton

FRAMES, STEPS = 12, 3
CLIPS = (Clip("walk", "subject", "walk", "S9", "someone", FRAMES, None, "made up", "made up"),)
RUN = "scotl.cmu.simple_baseline"
TABLE = ["reproduce", "scotl-table1", "--rows", "simple_baseline.baseline", "simple_baseline.graph"]


@pytest.fixture
def house(tmp_path, monkeypatch):
    """An empty folder, a made-up archive named by VITRUVE_MOTION, and runs of three steps."""
    rng = np.random.default_rng(0)
    rest = rng.uniform((-0.4, -0.3, 0.1), (0.4, 0.3, 1.7), (17, 3))
    sway = 0.1 * np.sin(np.arange(FRAMES) / 3)[:, None, None] * rest[None, :, 2:]
    joints = skeleton("h36m_17")
    about = {"subject": "someone", "action": "", "split": "test", "fps": 60, "name": "walk"}
    meta = {"clips": [{**about, "joints": joints.names, "parents": joints.parents}]}
    walk = (rest + sway * (1.0, 0.5, 0.0)).astype(np.float32)
    np.savez(tmp_path / "motion.npz", meta=np.array(json.dumps(meta)), **{"h17/walk": walk})
    monkeypatch.setenv("VITRUVE_MOTION", str(tmp_path / "motion.npz"))
    for module in (cmu_lift, training):
        monkeypatch.setattr(module, "clips", lambda *sets: CLIPS)
    small = {}
    for name in (f"{RUN}.baseline", f"{RUN}.graph"):
        run = RECIPES[name]
        net = SimpleBaselineConfig(17, 17, width=8, num_blocks=1)
        train = replace(run.train, steps=STEPS, batch_size=4, accelerator="cpu", evaluate_every=0)
        config = replace(run.estimator_config, net_config=net)
        small[name] = replace(run, estimator_config=config, train=train)
    monkeypatch.setattr(recipes, "RECIPES", {**RECIPES, **small})
    monkeypatch.chdir(tmp_path)
    return tmp_path


def rows(house):
    path = house / "benchmarks/results/scotl_cmu.json"
    return json.loads(path.read_text()) if path.is_file() else []


def test_reading_says_what_is_missing_and_how_to_measure_it(house, capsys):
    assert cli.main([*TABLE, "--data", "cmu", "--seeds", "0", "1"]) == 0
    told = capsys.readouterr().out
    assert "| SimpleBaseline | 43.8 | - | 34.7 | - | 0 |" in told
    assert "4 runs are missing" in told
    folder = f"runs/{RUN}.graph.seed1"
    motion = house / "motion.npz"
    train = f"train {RUN}.graph --data {motion} --train.seed 1 --train.out {folder}\n"
    assert f"vitruve {train}" in told
    assert f"vitruve benchmark cmu_lift {folder}/estimator.safetensors --data {motion} " in told
    assert not (house / "runs").exists()
    (house / folder).mkdir(parents=True)
    (house / folder / "estimator.safetensors").touch()
    assert cli.main([*TABLE, "--data", "cmu", "--seeds", "0", "1"]) == 0
    assert train not in capsys.readouterr().out


def test_what_is_missing_is_trained_and_measured_once(house, capsys):
    asked = [*TABLE, "--data", "cmu", "--run", "--seeds", "0", "1", "--out", "table.md"]
    assert cli.main(asked) == 0
    told = capsys.readouterr().out
    assert f"4 of 4: {RUN}.graph, seed 1" in told
    assert "missing" not in told
    found = {(row["run"], row["seed"]) for row in rows(house)}
    assert found == {(f"{RUN}.{v}", seed) for v in ("baseline", "graph") for seed in (0, 1)}
    assert {row["data"] for row in rows(house)} == {"cmu gt"}
    assert rows(house)[0]["command"] == f"vitruve {' '.join(asked)}"
    assert {"mpjpe_mm", "lse", "true_lse"} <= rows(house)[0]["metrics"].keys()
    assert (house / f"runs/{RUN}.graph.seed1/estimator.safetensors").is_file()
    assert "± " in Path("table.md").read_text()
    before = rows(house)
    assert cli.main(asked) == 0
    assert " of 4: " not in capsys.readouterr().out
    assert rows(house) == before


def test_ctrl_c_stops_and_the_same_command_goes_on(house, capsys, monkeypatch):
    make = training.CmuLiftSource.batch_at

    def interrupted(self, step, *place):
        if step == 1:
            os.kill(os.getpid(), signal.SIGINT)
        return make(self, step, *place)

    asked = [*TABLE, "--data", "cmu", "--run"]
    monkeypatch.setattr(training.CmuLiftSource, "batch_at", interrupted)
    assert cli.main(asked) == 130
    assert "the same command goes on from there" in capsys.readouterr().out
    assert rows(house) == []
    monkeypatch.setattr(training.CmuLiftSource, "batch_at", make)
    assert cli.main(asked) == 0
    assert "resumed" in capsys.readouterr().err
    assert len(rows(house)) == 2


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nope"], "unknown table 'nope'; there are scotl-table1"),
        (["scotl-table1", "--out", "x.pdf"], "a table is written as .md, .csv, .tex"),
        (["scotl-table1", "--run"], "give --data h36m=PATH; docs/benchmarks.md"),
        (["scotl-table1", "--data", "/nowhere", "--run"], "/nowhere"),
        (["scotl-table1", "--data", "cmu=/nowhere.npz", "--run"], "/nowhere.npz"),
        (["scotl-table4", "--data", "/x"], "say whose files are at '/x', as in --data h36m=/x"),
        (["scotl-table1", "--rows", "x"], "no row 'x'"),
    ],
)
def test_mistakes_are_one_line(arguments, message, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert cli.main(["reproduce", *arguments]) == 2
    told = capsys.readouterr().err
    assert message in told
    assert told.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", SCOTL_TABLES)
def test_help_names_the_paper(name, capsys):
    assert cli.main(["reproduce", name, "--help"]) == 0
    assert f"table {name[-1]}" in capsys.readouterr().out
    assert cli.main(["reproduce"]) == 2

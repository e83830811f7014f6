"""``vitruve study`` from weights to files."""

import json

import pytest
from cmu_samples import CLIPS, H36M, write_archive

from vitruve.benchmarks.studies import STUDIES, motion
from vitruve.cli import main
from vitruve.estimators import Lifter, LifterConfig, save_estimator
from vitruve.nets import MlpEnergy, MlpEnergyConfig, SimpleBaselineConfig, write_energy


@pytest.fixture
def weights(tmp_path, monkeypatch):
    """Two runs' folders, in a folder with the motion."""
    monkeypatch.setattr(motion, "clips", lambda *sets: CLIPS)
    monkeypatch.setenv("VITRUVE_MOTION", str(write_archive(tmp_path / "motion.npz")))
    monkeypatch.chdir(tmp_path)
    files = []
    for name in ("first", "second"):
        (tmp_path / name).mkdir()
        files.append(f"{name}/estimator.safetensors")
        net = SimpleBaselineConfig(17, 17, width=8)
        save_estimator(Lifter(LifterConfig(H36M, H36M, "simple_baseline", net)), files[-1])
    return files


def test_a_study_compares_writes_and_records(weights, tmp_path, capsys):
    asked = ["study", "noise", *weights, "--sigmas-px", "0", "5", "--out", "o"]
    assert main([*asked, "--run", "a.b", "a.b", "--seed", "3", "4"]) == 0
    assert "`a.b, seed 4`" in capsys.readouterr().out
    document = json.loads((tmp_path / "o" / "noise.json").read_text())
    assert document["command"].startswith("vitruve study noise first/estimator.safetensors")
    assert document["settings"]["noise_seed"] == 1
    assert (document["weights"], document["seeds"]) == (weights, [3, 4])
    assert (tmp_path / "o" / "noise.png").read_bytes().startswith(b"\x89PNG")
    rows = json.loads((tmp_path / "benchmarks" / "results" / "lifters_studies.json").read_text())
    assert [(r["run"], r["seed"], r["data"]) for r in rows] == [
        ("a.b", 3, "noise subject"),
        ("a.b", 4, "noise subject"),
    ]
    assert rows[0]["metrics"] == document["findings"][0]["metrics"]


def test_folders_name_models_and_nets_name_themselves(weights, tmp_path):
    assert main(["study", "pckh", *weights, "--set", "action"]) == 0
    lines = (tmp_path / "out" / "studies" / "pckh.csv").read_text().splitlines()
    assert {line.split(",")[0] for line in lines[1:]} == {"first", "second"}
    asked = ["study", "cost", "--nets", "simple_baseline", "--repeats", "1", "--frames", "1"]
    assert main([*asked, "--run", "published"]) == 0
    rows = json.loads((tmp_path / "benchmarks" / "results" / "lifters_studies.json").read_text())
    assert [(r["run"], r["data"]) for r in rows] == [("published.simple_baseline", "cost")]


def test_one_model_with_two_loss_nets(weights, tmp_path, capsys):
    for name in ("first", "second"):
        write_energy(MlpEnergy(MlpEnergyConfig(H36M, width=4)), f"{name}/energy.safetensors")
    energies = ["--energy", "first/energy.safetensors", "second/energy.safetensors"]
    asked = ["study", "energy", weights[0], weights[0], *energies, "--poses", "2"]
    assert main([*asked, "--run", "a.b", "a.b", "--seed", "3", "4"]) == 0
    assert main(asked) == 0
    document = json.loads((tmp_path / "out" / "studies" / "energy.json").read_text())
    assert document["settings"]["energy"] == energies[1:]
    assert [f["model"] for f in document["findings"]] == ["first, first", "first, second"]
    rows = json.loads((tmp_path / "benchmarks" / "results" / "scotl_energies.json").read_text())
    assert [(r["run"], r["seed"], r["data"]) for r in rows] == [
        ("a.b", 3, "energy gt subject"),
        ("a.b", 4, "energy gt subject"),
    ]
    capsys.readouterr()
    assert main(["study", "refine", *weights]) == 2
    assert "give --energy FILE: the loss-net of each of WEIGHTS" in capsys.readouterr().err
    assert main(["study", "refine", *weights, "--energy", "absent"]) == 2
    assert "absent: no such file" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nope"], "unknown study 'nope'; there are axes, bridge, cost, elbow, energy, features"),
        (["axes"], "give WEIGHTS: one or more .safetensors files or packaged names"),
        (["axes", "nowhere"], "no weights 'nowhere'"),
        (["axes", "default"], "give --data PATH or set VITRUVE_MOTION"),
        (["axes", "default", "--data", "/nowhere.npz"], "/nowhere.npz is missing"),
        (["axes", "default", "--run", "a", "b"], "2 values of --run for 1 WEIGHTS"),
        (["axes", "default", "--seed", "1", "2"], "2 values of --seed for 1 WEIGHTS"),
        (["leaderboard", "--run", "a"], "leave out --run"),
        (["leaderboard", "--results", "/nowhere"], "has no run on 'cmu gt' with a name like any"),
        (["noise", "default", "--sigmas-px", "1", "2"], "must begin with 0"),
        (["energy", "default", "--poses", "-1"], "poses is -1; it must be 0 (every frame)"),
        (["structure", "default", "--edges-mm", "3"], "give two or more that rise"),
        (["refine", "default", "--steps", "0"], "steps is 0; it must be 1 or more"),
    ],
)
def test_study_errors_are_one_line(arguments, message, capsys, monkeypatch, tmp_path):
    monkeypatch.delenv("VITRUVE_MOTION", raising=False)
    monkeypatch.chdir(tmp_path)
    assert main(["study", *arguments]) == 2
    told = capsys.readouterr().err
    assert message in told
    assert told.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", STUDIES)
def test_every_study_says_what_it_takes(name, capsys):
    assert main(["study", name, "--help"]) == 0
    assert "--out" in capsys.readouterr().out
    assert main(["study"]) == 2

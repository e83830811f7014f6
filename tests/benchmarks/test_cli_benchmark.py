"""``vitruve benchmark`` from weights to numbers."""

import json

import pytest
import torch
from cmu_samples import CLIPS, H36M, write_archive

from vitruve.benchmarks import cmu_lift
from vitruve.cli import main
from vitruve.estimators import Lifter, LifterConfig, save_estimator
from vitruve.nets import MlpEnergy, MlpEnergyConfig, SimpleBaselineConfig, write_energy


@pytest.fixture
def archive(tmp_path, monkeypatch):
    monkeypatch.setattr(cmu_lift, "clips", lambda *sets: CLIPS)
    return str(write_archive(tmp_path / "motion.npz"))


def test_benchmark_predicts_scores_and_records(archive, tmp_path, capsys, monkeypatch):
    weights = str(tmp_path / "tiny.safetensors")
    net = SimpleBaselineConfig(17, 17, width=8)
    save_estimator(Lifter(LifterConfig(H36M, H36M, "simple_baseline", net)), weights)
    monkeypatch.setenv("VITRUVE_MOTION", archive)
    monkeypatch.chdir(tmp_path)
    asked = ["benchmark", "cmu_lift", weights, "--keypoints", "gt", "noisy", "--out", "p.npz"]
    assert main([*asked, "--run", "a.b.c.d", "--seed", "3", "--json", "s.json"]) == 0
    assert "mean of actions" in capsys.readouterr().out
    rows = json.loads((tmp_path / "benchmarks" / "results" / "lifters_cmu.json").read_text())
    assert [(r["data"], r["seed"]) for r in rows] == [
        ("cmu gt", 3),
        ("cmu gt action", 3),
        ("cmu noisy", 3),
        ("cmu noisy action", 3),
    ]
    assert main(["benchmark", "cmu_lift", "--score", "p_gt.npz", "--json", "again.json"]) == 0
    first, again = (json.loads((tmp_path / f).read_text()) for f in ("s.json", "again.json"))
    assert again == first[:1]
    assert main(["benchmark", "cmu_lift", "--export", "in.npz", "--keypoints", "gt"]) == 0
    assert (tmp_path / "in_gt.npz").is_file()


def test_a_refined_model_is_scored_as_such(archive, tmp_path, capsys, monkeypatch):
    torch.manual_seed(0)
    weights, energy = (str(tmp_path / f"tiny.{k}safetensors") for k in ("", "energy."))
    net = SimpleBaselineConfig(17, 17, width=8)
    save_estimator(Lifter(LifterConfig(H36M, H36M, "simple_baseline", net)), weights)
    write_energy(MlpEnergy(MlpEnergyConfig(H36M, width=8)), energy)
    monkeypatch.chdir(tmp_path)
    asked = ["benchmark", "cmu_lift", weights, "--data", archive, "--keypoints", "gt", "--json"]
    assert main([*asked, "plain.json"]) == 0
    assert main([*asked, "own.json", "--refine", "default", "--refine-mm", "2"]) == 0
    assert main([*asked, "same.json", "--refine", energy, "--refine-mm", "2"]) == 0
    plain, own, same = (
        json.loads((tmp_path / f"{name}.json").read_text())[0] for name in ("plain", "own", "same")
    )
    assert (plain["model"], own["model"]) == ("tiny", "tiny, refined")
    first, second = (s["sets"]["subject"]["metrics"]["mpjpe_mm"] for s in (plain, own))
    assert first != second == pytest.approx(first, abs=10 * 2 * 2)
    assert own == same
    assert main([*asked, "no.json", "--refine", "absent"]) == 2
    assert "no loss-net file 'absent'" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nope"], "unknown benchmark 'nope'; there are cmu_lift"),
        (["cmu_lift"], "give one of: WEIGHTS"),
        (["cmu_lift", "x", "--score", "y"], "give one of: WEIGHTS"),
        (["cmu_lift", "x"], "give --data PATH or set VITRUVE_MOTION"),
        (["cmu_lift", "x", "--data", "/nowhere.npz"], "/nowhere.npz is missing"),
    ],
)
def test_benchmark_errors_are_one_line(arguments, message, capsys, monkeypatch):
    monkeypatch.delenv("VITRUVE_MOTION", raising=False)
    assert main(["benchmark", *arguments]) == 2
    told = capsys.readouterr().err
    assert message in told
    assert told.count("\n") == 1
    assert main(["benchmark", "--help"]) == 0

"""Per-action tables as papers print them, from scores and from the command line."""

import csv
import json

import pytest

import official_samples as samples
from vitruve.benchmarks import action_table
from vitruve.benchmarks.action_table import HEADINGS
from vitruve.cli import main
from vitruve.estimators import Lifter, LifterConfig, save_estimator
from vitruve.nets import SimpleBaselineConfig
from vitruve.skeletons import skeleton


def score(model, actions, average, benchmark="human36m"):
    part = {
        "metrics": {"mpjpe_mm": average, "pck": average},
        "actions": {a: {"mpjpe_mm": v, "pck": v} for a, v in actions.items()},
    }
    return {"benchmark": benchmark, "model": model, "keypoints": "gt", "sets": {"test": part}}


PAIR = [
    score("a_net", {"Walking": 30.04, "Directions": 40, "SittingDown": 60.0}, 43.3),
    score("b|net", {"Walking": 31.0, "Direction": 39, "SittingDown": float("nan")}, 44.0),
]


def test_markdown_in_the_papers_order_with_the_best_in_bold():
    assert action_table(PAIR, "md").splitlines() == [
        "| mpjpe_mm | Dire. | SitD. | Walk | Avg |",
        "|---|---|---|---|---|",
        "| a_net (gt) | 40.0 | 60.0 | **30.0** | **43.3** |",
        "| b/net (gt) | **39.0** | - | 31.0 | 44.0 |",
    ]
    assert "| a_net (gt) | 40.0 | **60.0** | 30.0 | 43.3 |" not in action_table(PAIR, "md", "pck")
    assert action_table(PAIR, "md", "pck").splitlines()[2].startswith("| a_net (gt) | **40.0** |")


def test_csv_keeps_every_digit():
    header, first, second = csv.reader(action_table(PAIR, "csv").splitlines())
    assert header == ["system", "Directions", "SittingDown", "Walking", "Avg"]
    assert first == ["a_net (gt)", "40", "60.0", "30.04", "43.3"]
    assert second[2] == "nan"


def test_latex_is_escaped():
    text = action_table(PAIR, "tex")
    assert text.startswith("\\begin{tabular}{lcccc}\n\\toprule\nmpjpe\\_mm & Dire. &")
    assert "a\\_net (gt) & 40.0 & 60.0 & \\textbf{30.0} & \\textbf{43.3} \\\\" in text
    assert text.endswith("\\bottomrule\n\\end{tabular}\n")


def test_the_fifteen_actions_have_their_names():
    assert len(HEADINGS) == 15
    table = action_table([score("a", dict.fromkeys(reversed(HEADINGS), 1.0), 1.0)], "md")
    heads = "Dire. Disc. Eat Greet Phone Photo Pose Purch. Sit SitD. Smoke Wait WalkD. Walk WalkT."
    assert table.splitlines()[0] == f"| mpjpe_mm | {heads.replace(' ', ' | ')} | Avg |"


def test_several_test_sets_are_rows_of_their_own():
    several = score("a", {"walk": 1.0}, 1.0, "cmu_lift")
    several["sets"] = {name: several["sets"]["test"] for name in ("subject", "action")}
    lines = action_table([several], "md").splitlines()
    assert [line.split(" | ")[0] for line in lines[2:]] == ["| a (gt), subject", "| a (gt), action"]


def test_what_does_not_fit_is_refused():
    with pytest.raises(ValueError, match="at least one system"):
        action_table([], "md")
    with pytest.raises(ValueError, match="scores of h3wb and human36m do not belong"):
        action_table([PAIR[0], score("c", {}, 1.0, "h3wb")], "md")
    with pytest.raises(KeyError, match="no metric 'lse'; there are mpjpe_mm, pck"):
        action_table(PAIR, "md", "lse")


@pytest.fixture
def human36m(tmp_path, monkeypatch):
    """A folder of Human3.6M and a model, in the current folder."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "h36m").mkdir()
    samples.write_human36m(tmp_path / "h36m")
    joints = skeleton("h36m_17")
    net = SimpleBaselineConfig(17, 17, width=8)
    lifter = Lifter(LifterConfig(joints, joints, "simple_baseline", net))
    save_estimator(lifter, tmp_path / "tiny.safetensors")
    return ["benchmark", "human36m"]


def test_the_command_writes_tables_of_old_and_new_scores(human36m, tmp_path, capsys):
    asked = [*human36m, "tiny.safetensors", "--data", "h36m", "--keypoints", "gt"]
    assert main([*asked, "--json", "a.json", "--table-out", "a.md"]) == 0
    assert "mean of actions" in capsys.readouterr().out
    assert "| tiny (gt) |" in (tmp_path / "a.md").read_text()
    both = [*asked, "--rows-from", "a.json", "--metric", "p_mpjpe_mm"]
    for suffix, lines in (("csv", 3), ("tex", 8), ("md", 4)):
        assert main([*both, "--table-out", f"b.{suffix}"]) == 0
        assert len((tmp_path / f"b.{suffix}").read_text().splitlines()) == lines
    capsys.readouterr()
    assert main([*human36m, "--rows-from", "a.json", "a.json"]) == 0
    assert capsys.readouterr().out.count("| tiny (gt) |") == 2
    assert main([*asked, "--run", "x.h36m.tiny.a"]) == 0
    (row,) = json.loads((tmp_path / "benchmarks/results/lifters_h36m.json").read_text())
    assert row["data"] == "h36m gt"
    assert "Walking_mpjpe_mm" in row["metrics"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["tiny.safetensors"], "Human3.6M needs its data: give --data PATH; docs/benchmarks.md"),
        (["tiny.safetensors", "--data", "nowhere"], "vision.imar.ro"),
        (["tiny.safetensors", "--data", "h36m", "--keypoints", "sh"], "has no keypoints 'sh' here"),
        (["--rows-from", "text.json"], "text.json holds no scores of human36m"),
        (["--rows-from", "missing.json"], "missing.json"),
        (["--rows-from", "other.json"], "other.json holds no scores of human36m"),
        (["--rows-from", "good.json", "--table-out", "t.docx"], "written as .md, .csv, .tex"),
        (["--rows-from", "good.json", "--metric", "lse"], "no metric 'lse'"),
    ],
)
def test_wrong_commands_are_one_line(human36m, tmp_path, arguments, message, capsys):
    (tmp_path / "text.json").write_text('{"a": 1}')
    (tmp_path / "other.json").write_text(json.dumps([score("c", {}, 1.0, "h3wb")]))
    (tmp_path / "good.json").write_text(json.dumps(PAIR[:1]))
    assert main([*human36m, *arguments]) == 2
    told = capsys.readouterr().err
    assert message in told
    assert told.count("\n") == 1

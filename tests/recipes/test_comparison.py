"""Papers' tables beside our runs: every row has its run, numbers are those of the results."""

import csv
import io
import re
from dataclasses import replace

import pytest

from vitruve.benchmarks import BENCHMARKS, Row, record
from vitruve.recipes import RECIPES
from vitruve.recipes.comparison import Comparison
from vitruve.recipes.comparison_text import comparison_text
from vitruve.recipes.paper_table import PaperRow
from vitruve.recipes.scotl_tables import SCOTL_TABLES

TABLE_1, TABLE_4 = SCOTL_TABLES["scotl-table1"], SCOTL_TABLES["scotl-table4"]
SIMPLE = "scotl.h36m.simple_baseline"
METRICS = {"mpjpe_mm": 50.0, "p_mpjpe_mm": 40.0}


def put(results, run, seed=0, *, data="h36m gt", preset="cpu", **metrics):
    row = Row(run, seed, preset, data, metrics or METRICS, "made up", 1.0, "none", "none")
    record(row, f"scotl_{run.split('.')[1]}", results)


def cells(text, label, nth=0):
    """The cells of the nth Markdown row of that label."""
    rows = [line for line in text.splitlines() if line.startswith(f"| {label} |")]
    return [cell.strip() for cell in rows[nth].strip("|").split("|")][1:]


@pytest.mark.parametrize("preset", ["cpu", "gpu"])
@pytest.mark.parametrize("on", [(), ("cmu",)])
@pytest.mark.parametrize("name", SCOTL_TABLES)
def test_every_row_has_a_run_and_a_benchmark_of_the_same_joints(name, on, preset, tmp_path):
    comparison = Comparison(SCOTL_TABLES[name], RECIPES, preset, on, results=tmp_path)
    lines = [line for line in comparison.lines() if line.run]
    assert {line.row.variant for line in lines} >= {"baseline", "graph", "structure"}
    for line in lines:
        joints = RECIPES[line.run].estimator_config.skeleton
        assert BENCHMARKS[line.benchmark].skeleton.names == joints.names
        assert RECIPES[line.run].source == ("cmu_lift" if on else "recorded")
    runs = dict.fromkeys(line.run for line in lines)
    assert [line.run for line, _ in comparison.missing((0, 1))][::2] == list(runs)


def test_single_frames_and_clips_of_3dhp_have_their_own_protocols():
    lines = Comparison(SCOTL_TABLES["scotl-table2"], RECIPES).lines()
    found = {line.row.net: line.measured_on for line in lines}
    assert found["sem_gcn"] == "3dhp_single_frame gt"
    assert found["p_stmo"] == "3dhp gt"
    assert found["d3dp"] == "3dhp_annot3 gt"
    annotations = {RECIPES[x.run].source_config.annotation for x in lines if x.row.net == "d3dp"}
    assert annotations == {BENCHMARKS["mpi_inf_3dhp_annot3"].annotation}


def test_ours_are_the_mean_and_deviation_of_the_seeds_that_are_there(tmp_path):
    for seed, mpjpe in enumerate((50.0, 52.0, 57.0)):
        put(tmp_path, f"{SIMPLE}.graph", seed, mpjpe_mm=mpjpe, p_mpjpe_mm=40.0)
    put(tmp_path, f"{SIMPLE}.mlp")
    # Not of this table: another size, other 2D, another dataset.
    put(tmp_path, f"{SIMPLE}.baseline_gpu", preset="gpu")
    put(tmp_path, f"{SIMPLE}.baseline", data="h36m cpn_ft_h36m_dbb")
    put(tmp_path, "scotl.cmu.simple_baseline.baseline", data="cmu gt")
    comparison = Comparison(TABLE_1, RECIPES, results=tmp_path)
    text = comparison_text(comparison, "md")
    assert cells(text, "SimpleBaseline") == ["43.8", "-", "34.7", "-", "0"]
    graph = ["40.7", "53.0 ± 3.6", "32.3", "40.0 ± 0.0", "3"]
    assert cells(text, "+ SCoTL-pose (Graph)") == graph
    assert cells(text, "+ SCoTL-pose (MLP)") == ["42.5", "50.0", "33.9", "40.0", "1"]
    assert cells(text, "+ structure (ours)") == ["-", "-", "-", "-", "0"]
    missing = [(line.run, seed) for line, seed in comparison.missing((0, 2))]
    assert (f"{SIMPLE}.mlp", 0) not in missing
    assert (f"{SIMPLE}.mlp", 2) in missing
    assert not [run for run, _ in missing if run == f"{SIMPLE}.graph"]


def test_a_stand_in_is_named_and_windows_that_differ_are(tmp_path):
    put(tmp_path, "scotl.cmu.pose_former_v2.graph", data="cmu gt")
    text = comparison_text(Comparison(TABLE_1, RECIPES, "cpu", ("cmu",), results=tmp_path), "md")
    assert "paper: on Human3.6M, as printed. ours: on CMU-Lift, preset cpu" in text
    assert "The columns do not compare" in text
    assert "27 in place of 243 for MixSTE (T=243)" in text
    # One net stands beside both blocks of PoseFormerV2.
    assert cells(text, "+ SCoTL-pose (Graph)", 4)[:2] == ["41.2", "50.0"]
    assert cells(text, "+ SCoTL-pose (Graph)", 5)[:2] == ["40.5", "50.0"]
    own = comparison_text(Comparison(TABLE_1, RECIPES, "gpu", results=tmp_path), "md")
    assert "The columns do not compare" not in own
    assert "81 in place of 27" in own
    assert "MixSTE (T=243)," not in own


def test_the_truth_is_as_uneven_as_it_was_measured(tmp_path):
    lengths = {"lse": 6.0, "lle": 5.0, "bsle": 4.0, "true_lse": 1.5}
    put(tmp_path, "scotl.h36m.simple_baseline.graph", **lengths)
    text = comparison_text(Comparison(TABLE_4, RECIPES, results=tmp_path), "md")
    assert cells(text, "H36M: Ground Truth") == ["0.00", "1.50", "0.00", "0.00", "0.00", "0.00", ""]
    assert cells(text, "3DHP: Ground Truth") == ["1.21", "-", "0.00", "-", "0.00", "-", ""]
    some = Comparison(TABLE_4, RECIPES, "cpu", ("h36m",), results=tmp_path)
    assert {line.data for line in some.lines()} == {"h36m"}


def test_other_styles_hold_the_same_numbers(tmp_path):
    for seed in (0, 1):
        put(tmp_path, f"{SIMPLE}.graph", seed, mpjpe_mm=50.0 + seed, p_mpjpe_mm=40.125)
    comparison = Comparison(TABLE_1, RECIPES, only=("simple_baseline",), results=tmp_path)
    rows = list(csv.DictReader(io.StringIO(comparison_text(comparison, "csv"))))
    assert len(rows) == 5
    assert rows[2]["run"] == f"{SIMPLE}.graph"
    assert rows[2]["mpjpe_mm_paper"] == "40.7"
    assert float(rows[2]["mpjpe_mm_mean"]) == 50.5
    assert float(rows[2]["mpjpe_mm_std"]) == pytest.approx(0.5**0.5)
    assert rows[2]["p_mpjpe_mm_mean"] == "40.125"
    assert rows[0]["mpjpe_mm_mean"] == ""
    tex = comparison_text(comparison, "tex")
    assert "+ SCoTL-pose (Graph) & 40.7 & 50.5 $\\pm$ 0.7 & 32.3" in tex
    table = [line for line in tex.splitlines() if not line.startswith("%")]
    assert table[0] == "\\begin{tabular}{lccccc}"
    assert not re.search("[↓↑±]", "".join(table))


def test_wrong_names_are_told_the_right_ones():
    with pytest.raises(ValueError, match=r"no row 'mixst'; name a net.*scotl\.h36m\.mixste\.mlp"):
        Comparison(TABLE_1, RECIPES, only=("mixst",))
    with pytest.raises(ValueError, match="is of h36m, not of '3dhp'; choose among these, or cmu"):
        Comparison(TABLE_1, RECIPES, on=("3dhp",))
    with pytest.raises(ValueError, match="not of 'cmu'"):
        Comparison(TABLE_1, RECIPES, on=("h36m", "cmu"))
    short = PaperRow("short", (1.0,), "h36m")
    with pytest.raises(ValueError, match="row 'short' has 1 figures for 2 columns"):
        replace(TABLE_1, rows=(short,))

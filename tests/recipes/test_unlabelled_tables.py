"""Every line of the tables of Mask as Supervision and X as Supervision is a named run."""

import pytest

from vitruve.recipes import RECIPES

MASK, X = "mask.studio.detector", "x.studio.detector"
LINES = {
    "Mask, table 3, baseline": f"{MASK}.cascade",
    "Mask, table 3, multi-view": f"{MASK}.multi_view_ft",
    "Mask, table 3, mixed-view": f"{MASK}.mixed_view_ft",
    "Mask, table 4, without psi, G, Delta": f"{MASK}.structure",
    "Mask, table 4, without psi, G": f"{MASK}.structure_triangulation",
    "Mask, table 4, without G": f"{MASK}.physique_triangulation",
    "Mask, table 4, full": f"{MASK}.triangulation",
    "Mask, table 5, without structure, psi": f"{MASK}.base",
    "Mask, table 5, without structure": f"{MASK}.base_physique",
    "X, table 1, SynSH": f"{X}.sh_graph",
    "X, table 1, SynMH": f"{X}.mh_graph",
    "X, table 1, SurSH": f"{X}.sh_graph_motion",
    "X, table 1, SurMH": f"{X}.mh_graph_motion",
    "X, table 3, 1": f"{X}.sh_none",
    "X, table 3, 2": f"{X}.sh_mlp",
    "X, table 3, 3": f"{X}.sh_none_2d",
    "X, table 4, Seg": f"{X}.mh_graph_parts",
}


@pytest.mark.parametrize("line", LINES)
def test_it_is_there(line):
    run = RECIPES[LINES[line]]
    assert run.source == "studio"
    assert run.train.out == f"runs/{LINES[line]}"


def test_what_tells_them_apart():
    def source(name):
        return RECIPES[name].source_config

    assert source(f"{X}.sh_none_2d").labels == "keypoints"
    assert "adversarial" not in RECIPES[f"{X}.sh_none_2d"].terms
    assert source(f"{X}.sh_none").labels == "none"
    multi, mixed = source(f"{MASK}.multi_view_ft"), source(f"{MASK}.mixed_view_ft")
    assert multi.cameras == mixed.cameras == 4
    assert (multi.single_view_share, mixed.single_view_share) == (0.0, 0.5)
    assert source(f"{MASK}.cascade").cameras == 1
    tuned = RECIPES[f"{MASK}.multi_view_ft_upright"].terms
    assert (tuned["bound"].start_step, tuned["mask"].start_step) == (0, 300)
    assert "bound" not in RECIPES[f"{MASK}.multi_view_ft"].terms
    lines, outline, full = (
        RECIPES[f"{MASK}.{name}triangulation"].terms["mask"].config.mask
        for name in ("structure_", "physique_", "")
    )
    assert (lines.physique, lines.geodesic) == (0.0, None)
    assert (outline.physique > 0, outline.geodesic) == (True, None)
    assert full.geodesic is not None
    masks = {n: RECIPES[f"{MASK}.{n}"].terms["mask"].config for n in ("base", "base_physique")}
    assert {m.form for m in masks.values()} == {"dots"}
    assert (masks["base"].physique, masks["base_physique"].physique > 0) == (0.0, True)

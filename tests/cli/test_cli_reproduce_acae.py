"""``vitruve reproduce acae``: the whole way, small."""

import json

from format_samples import people
from vitruve.cli.reproduce_acae import PUBLISHED
from vitruve.data.corpora.parallel import write_corpus
from vitruve.recipes import RECIPES
from vitruve.recipes.acae import ACAE_RUNS


def test_every_variant_is_trained_and_measured(tmp_path, vitruve):
    write_corpus(people(), tmp_path / "train.npz")
    write_corpus(people(n=6, seed=1), tmp_path / "test.npz")
    asked = [
        "acae",
        "--data",
        tmp_path / "train.npz",
        "--test",
        tmp_path / "test.npz",
        "--formats",
        3,
        "--steps",
        2,
    ]
    where = ["--out", tmp_path / "runs", "--results", tmp_path]
    code, said, _ = vitruve("reproduce", *asked, *where)
    assert code == 0
    rows = json.loads((tmp_path / "skeletons_studio.json").read_text())
    assert [row["run"] for row in rows] == sorted(f"acae.motion_3.lifter.{v}" for v in PUBLISHED)
    assert len(said.splitlines()) == 1 + len(PUBLISHED)
    assert set(ACAE_RUNS) <= set(RECIPES)
    # What is there is not made again.
    made = {p: p.stat().st_mtime_ns for p in (tmp_path / "runs").rglob("*") if p.is_file()}
    assert vitruve("reproduce", *asked, *where)[0] == 0
    assert made == {p: p.stat().st_mtime_ns for p in (tmp_path / "runs").rglob("*") if p.is_file()}


def test_unknown_variants_are_refused(vitruve):
    code, _, error = vitruve(
        "reproduce", "acae", "--data", "a", "--test", "b", "--variants", "none"
    )
    assert code
    assert "unknown variant 'none'; there are separate, merged" in error

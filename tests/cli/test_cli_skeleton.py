"""``vitruve skeleton`` from a corpus to converted motion."""

import re

import numpy as np
import pytest
import torch
from cli_samples import walk

from vitruve.data.corpora.parallel import ParallelCorpus, write_corpus
from vitruve.io import read, write
from vitruve.nets.bridge_file import read_bridge
from vitruve.poses import PoseSequence
from vitruve.skeletons import conversion, skeleton

FORMATS = tuple(map(skeleton, ("h36m_17", "lsp_14", "mpii_16")))


@pytest.fixture
def data(tmp_path):
    """Random people of Human3.6M, and what rules make of them."""
    draw = torch.Generator().manual_seed(0)
    joints = 0.4 * torch.randn(200, 17, 3, generator=draw)
    seen = torch.ones(200, 17, dtype=torch.bool)
    parts = [conversion(FORMATS[0], one).apply(joints, seen) for one in FORMATS]
    every, valid = (torch.cat(x, 1) for x in zip(*parts, strict=True))
    write_corpus(
        ParallelCorpus(FORMATS, every, valid, torch.arange(200) // 10), tmp_path / "people.npz"
    )
    return tmp_path / "people.npz"


def fit(vitruve, data, out, *more):
    few = ("--latents", 16, "--steps", 300, "--out", out)
    return vitruve("skeleton", "fit", data, *few, *more)


def test_fit_show_and_convert(vitruve, data, tmp_path):
    out = tmp_path / "b.safetensors"
    code, said, _ = fit(vitruve, data, out, "--formats", "h36m_17", "lsp_14")
    assert code == 0
    assert said.splitlines()[0].endswith("mm off after the latents, held out")
    assert said.splitlines()[1] == str(out)
    bridge = read_bridge(out)
    assert [one.name for one in bridge.formats] == ["h36m_17", "lsp_14"]
    assert bridge.about["fit"]["latents"] == 16
    _, said, _ = vitruve("skeleton", "show", out)
    assert said == "2 formats, 31 joints, 16 latent points\n  h36m_17\n  lsp_14\n"
    asked = ("--source", "h36m_17", "--target", "lsp_14")
    _, said, _ = vitruve("skeleton", "show", out, *asked)
    assert said.startswith("h36m_17 -> lsp_14: ")
    assert re.search(r"head_top: learned, \d+ mm off on held-out poses, the rule 0 mm \(", said)
    joints = 4.0 * torch.randn(6, 17, 3, generator=torch.Generator().manual_seed(1))
    valid = torch.ones(6, 17, dtype=torch.bool)
    given = PoseSequence(FORMATS[0], joints, valid, walk(6).frames, 30.0)
    write(given, tmp_path / "in.npz")
    asked = ("convert", tmp_path / "in.npz", tmp_path / "out.npz", "--skeleton", "lsp_14")
    code, said, error = vitruve(*asked, "--bridge", out, "--report")
    assert (code, error) == (0, "")
    assert said.startswith("h36m_17 -> lsp_14: ")
    assert "h36m_17 of this motion is not that of the people the bridge learned from" in said
    made = read(tmp_path / "out.npz")
    assert made.spread is not None
    assert made.skeleton.name == "lsp_14"
    assert read(tmp_path / "in.npz").spread is None


def test_the_same_seed_gives_the_same_file(vitruve, data, tmp_path):
    for name in ("a", "b"):
        assert fit(vitruve, data, tmp_path / f"{name}.safetensors")[0] == 0
    first, second = (read_bridge(tmp_path / f"{name}.safetensors") for name in ("a", "b"))
    assert torch.equal(first.decoder, second.decoder)
    assert torch.equal(first.residual_m, second.residual_m)


def test_a_format_is_added(vitruve, data, tmp_path):
    old, new = tmp_path / "old.safetensors", tmp_path / "new.safetensors"
    fit(vitruve, data, old, "--formats", "h36m_17", "lsp_14", "--held-out", data)
    asked = ("skeleton", "add", old, data, "--format", "mpii_16", "--out", new)
    assert vitruve(*asked) == (0, f"{new}\n", "")
    assert [one.name for one in read_bridge(new).formats] == ["h36m_17", "lsp_14", "mpii_16"]
    assert vitruve("skeleton", "show", new, "--source", "mpii_16", "--target", "h36m_17")[0] == 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ("skeleton", "bend"),
            "no verb 'bend' of vitruve skeleton; there are fit, add, show, corpus",
        ),
        (("skeleton", "fit", "absent.npz"), "absent.npz"),
        (("skeleton", "fit", "{data}", "--latents", 60), "num_latents is 60; allowed: from 3 to"),
        (("skeleton", "fit", "{data}", "--steps", 0), "steps is 0; it must be above 0"),
        (("skeleton", "fit", "{data}", "--part", 2), "held-out part is 2.0; it must be between"),
        (("skeleton", "fit", "{data}", "--formats", "coco_17"), "no format 'coco_17' here"),
        (("skeleton", "fit", "{data}", "--loss", "projection"), "joints in the camera frame"),
        (("skeleton", "show", "absent"), "absent: no such file"),
        (("skeleton", "show", "absent", "--source", "a"), "give both --source and --target"),
        (("skeleton", "add", "{data}", "{data}", "--format", "x"), "not a safetensors file"),
    ],
)
def test_bad_input_is_one_line(vitruve, data, tmp_path, arguments, message):
    given = [str(a).replace("{data}", str(data)) for a in arguments]
    code, _, error = vitruve(*given)
    assert code == 2
    assert message in error
    assert error.count("\n") == 1


def test_bridges_are_for_motion_in_another_skeleton(vitruve, keypoints, tmp_path):
    asked = ("convert", keypoints, tmp_path / "o.json", "--bridge", "default")
    assert "--bridge default needs --skeleton" in vitruve(*asked)[2]
    assert "--bridge default needs 3D motion" in vitruve(*asked, "--skeleton", "lsp_14")[2]


def test_an_interrupted_fit_leaves_nothing(vitruve, data, tmp_path, monkeypatch):
    def stop(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(torch.optim.Adam, "step", stop)
    before = sorted(tmp_path.iterdir())
    code, _, error = fit(vitruve, data, tmp_path / "b.safetensors")
    assert code == 130
    assert "interrupted" in error
    assert sorted(tmp_path.iterdir()) == before
    assert np.load(data)["lsp_14"].shape == (200, 14, 3)

"""Studies of bridges: what they gain over rules, and how many latent points they need."""

import csv

import pytest
import torch
from study_samples import check_pictures, material, measure

from vitruve.data.corpora.parallel import ParallelCorpus, write_corpus
from vitruve.estimators.bridge import BridgeConfig, fit_bridge
from vitruve.nets.bridge_file import write_bridge
from vitruve.skeletons import conversion, skeleton

H36M, LSP, MPII = map(skeleton, ("h36m_17", "lsp_14", "mpii_16"))
LEAN_M = 0.1


def people(n=200, seed=0):
    """Human3.6M, LSP by rules, and MPII whose pelvis lies 10 cm from where rules put it."""
    draw = torch.Generator().manual_seed(seed)
    joints = 0.4 * torch.randn(n, 17, 3, generator=draw)
    joints[:, H36M.index("spine")] = joints[:, H36M.index("pelvis")]
    joints[:, H36M.index("spine"), 2] += 1.0
    seen = torch.ones(n, 17, dtype=torch.bool)
    lsp, mpii = (conversion(H36M, one).apply(joints, seen)[0] for one in (LSP, MPII))
    mpii[:, MPII.index("pelvis"), 2] += LEAN_M
    every = torch.cat([joints, lsp, mpii], 1)
    valid = torch.ones(every.shape[:2], dtype=torch.bool)
    return ParallelCorpus((H36M, LSP, MPII), every, valid, torch.arange(n) // 10)


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("bridge")
    write_corpus(people(), folder / "train.npz")
    write_corpus(people(seed=1), folder / "test.npz")
    config = BridgeConfig(latents=20, steps=600)
    write_bridge(fit_bridge(people(), people(seed=1), config), folder / "b.safetensors")
    return {name: str(folder / name) for name in ("train.npz", "test.npz", "b.safetensors")}


def test_every_pair_has_a_row_and_means_follow(files, tmp_path):
    settings = {"corpus": files["test.npz"], "bridge": files["b.safetensors"]}
    settings["learn"] = files["train.npz"]
    study, findings = measure("bridge", material(None), **settings)
    assert study.data == "test"
    names = [finding.model for finding in findings]
    assert len(names) == 6 + 3 + 1
    assert names[-1] == "every.every"
    by_name = {f.model: f.metrics for f in findings}
    there = by_name["h36m_17.mpii_16"]
    wrong = 1000 * LEAN_M
    inexact = conversion(H36M, MPII).quality.count("approximate")
    assert there["rules_inexact_mm"] == pytest.approx(wrong / inexact, rel=1e-3)
    assert there["rules_mm"] == pytest.approx(wrong / 16, rel=1e-3)
    assert there["learned_inexact_mm"] < 0.5 * there["rules_inexact_mm"]
    assert there["direct_inexact_mm"] < 0.1 * there["rules_inexact_mm"]
    assert (there["joints"], there["rules_joints"]) == (16, 16)
    pairs = [m for name, m in by_name.items() if "every" not in name]
    mean = sum(m["rules_mm"] for m in pairs) / 6
    assert by_name["every.every"]["rules_mm"] == pytest.approx(mean)
    assert by_name["every.every"]["cpu_seconds"] > 0
    written = check_pictures(study, findings, tmp_path)
    with written[1].open() as file:
        assert len(list(csv.DictReader(file))) == 10


def test_one_format_alone_is_no_pair(files):
    settings = {"corpus": files["test.npz"], "bridge": files["b.safetensors"]}
    with pytest.raises(ValueError, match=r"share 1 of the formats wanted; two or more are needed"):
        measure("bridge", material(None), formats=("lsp_14",), **settings)


def test_more_latent_points_err_less(files, tmp_path):
    settings = {"corpus": files["train.npz"], "numbers": (6, 12, 20), "steps": 400}
    study, findings = measure("elbow", material(None), **settings)
    assert [f.metrics["latents"] for f in findings] == [6, 12, 20]
    for name in ("reconstruction_mm", "conversion_rms_mm"):
        errors = [f.metrics[name] for f in findings]
        assert errors == sorted(errors, reverse=True)
    check_pictures(study, findings, tmp_path)
    _, other = measure(
        "elbow", material(None), held_out=files["test.npz"], **{**settings, "numbers": (6,)}
    )
    assert other[0].metrics["reconstruction_mm"] > 0
    with pytest.raises(ValueError, match="numbers is empty"):
        measure("elbow", material(None), **{**settings, "numbers": ()})

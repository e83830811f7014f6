"""Studies of loss-nets and of bodies' structure find what was put in, and draw it."""

import math
from types import SimpleNamespace

import pytest
import torch
from cmu_samples import CLIPS, FRAMES, H36M, write_archive
from study_samples import Oracle, Shaky, check_pictures, material, measure
from torch import nn

from vitruve.benchmarks import CmuLift, cmu_lift
from vitruve.benchmarks.cmu_clips import Clip
from vitruve.benchmarks.studies import CmuMotion, loss_nets, motion
from vitruve.benchmarks.studies.energy import WRONG
from vitruve.benchmarks.studies.refine import choose
from vitruve.estimators import Lifter, LifterConfig, RefineConfig, RefinedEstimator
from vitruve.metrics import bsle, lse, p_mpjpe_mm, root_centred
from vitruve.nets import (
    GeometryEnergy,
    GeometryEnergyConfig,
    GraphEnergy,
    GraphEnergyConfig,
    MlpEnergy,
    MlpEnergyConfig,
    SimpleBaselineConfig,
    write_energy,
)
from vitruve.nets.pose_evidence import PoseEvidence, off_ray
from vitruve.skeletons import skeleton

VALIDATION = Clip("d_box", "validation", "box", "S9", "other", FRAMES, None, "made up", "made up")
EVERY = (*CLIPS, VALIDATION)


class OffRay(nn.Module):
    """An energy that is nothing for poses on their rays, in whole hundredths of a millimetre."""

    config = SimpleNamespace(skeleton=H36M)

    def forward(self, joints, evidence):
        missed = off_ray(joints, evidence).norm(dim=-1).sum(-1)
        # Rounded so that rounding errors are no judge; the gradient is that of the sum.
        return missed + ((1e5 * missed).round() / 1e5 - missed).detach()


@pytest.fixture
def archive(tmp_path, monkeypatch):
    def clips(*sets):
        return tuple(clip for clip in EVERY if clip.set in sets)

    for module in (cmu_lift, motion):
        monkeypatch.setattr(module, "clips", clips)
    return write_archive(tmp_path / "motion.npz", [clip.name for clip in EVERY])


@pytest.fixture
def seen(archive):
    return CmuMotion(archive)


@pytest.fixture
def lifter():
    torch.manual_seed(0)
    net = SimpleBaselineConfig(17, 17, width=8)
    return Lifter(LifterConfig(H36M, H36M, "simple_baseline", net)).eval()


@pytest.fixture
def rays(monkeypatch):
    """A loss-net that looks at rays alone, whatever file is named."""
    monkeypatch.setattr(loss_nets, "read_energy", lambda file: OffRay())
    return ("rays.safetensors",)


@pytest.fixture
def graph(tmp_path):
    torch.manual_seed(1)
    config = GraphEnergyConfig(H36M, channels=8, depth=1, num_heads=2, structure=True)
    net, path = GraphEnergy(config).eval(), tmp_path / "energy.safetensors"
    write_energy(net, path)
    return net, (str(path),)


def test_an_energy_sees_what_it_looks_at_and_nothing_else(seen, rays, tmp_path):
    given = material(seen, Oracle(), Oracle((0.0, 0.1, 0.0)))
    study, (exact, shifted) = measure("energy", given, energy=rays, poses=5)
    assert exact.metrics["poses"] == 2 * 4 * 5
    for wrong in WRONG:
        expected = 0.5 if wrong.name in ("prediction", "body_10percent") else 1.0
        found = [exact.metrics[f"{wrong.name}_{k}"] for k in ("auroc", "paired")]
        assert found == pytest.approx([expected] * 2, abs=0.06), wrong.name
    # Resizing a body about its root moves along the rays once it is placed anew: no way to tell.
    assert exact.metrics["body_10percent_paired"] == exact.metrics["body_10percent_auroc"] == 0.5
    assert shifted.metrics["prediction_paired"] == shifted.metrics["prediction_auroc"] == 1.0
    rows = {row["wrong"]: row for row in shifted.rows}
    assert rows["prediction"]["mpjpe_mm"] == pytest.approx(100 * 16 / 17, rel=1e-3)
    assert rows["noise_40mm"]["mean_gap"] > rows["noise_20mm"]["mean_gap"] > 0
    assert rows["noise_40mm"]["mean_true_energy"] == pytest.approx(0, abs=1e-4)
    check_pictures(study, [exact, shifted], tmp_path)


def test_spoilt_poses_are_as_wrong_as_said(seen, rays):
    _, (finding,) = measure("energy", material(seen, Oracle()), energy=rays, poses=0)
    assert finding.metrics["poses"] == 2 * 4 * FRAMES
    error = {row["wrong"]: row["mpjpe_mm"] for row in finding.rows}
    for std in (10, 20, 40):
        # Joint and root both move: the mean of a Maxwell variable of sqrt(2) times the deviation.
        expected = math.sqrt(2) * std * 2 * math.sqrt(2 / math.pi) * 16 / 17
        assert error[f"noise_{std}mm"] == pytest.approx(expected, rel=0.15)
    assert error["bone_20percent"] == pytest.approx(2 * error["bone_10percent"], rel=0.5)
    turns = [error[f"turn_{degrees}deg"] for degrees in (5, 10, 20, 30)]
    assert turns == sorted(turns)
    radius = torch.cat([v.batch.joints_cam[0] for v in seen.views("subject", "gt")])
    radius = (radius - radius[:, :1]).norm(dim=-1).mean()
    assert error["body_10percent"] == pytest.approx(100 * radius.item(), rel=1e-4)


def test_the_same_frames_and_draws_for_every_model(seen, graph):
    _, files = graph
    given = material(seen, Oracle(), Shaky(0.05))
    _, (one, other) = measure("energy", given, energy=files, poses=3)
    assert one.rows[0] != other.rows[0]
    assert one.rows[1:] == other.rows[1:]
    _, (reseeded, _) = measure("energy", given, energy=files, poses=3, sample_seed=1)
    assert reseeded.rows[1:] != one.rows[1:]


def test_an_energy_that_never_differs_is_chance(seen, tmp_path):
    net = MlpEnergy(MlpEnergyConfig(H36M, width=4))
    nn.init.zeros_(net.head.weight)
    write_energy(net, tmp_path / "flat.safetensors")
    files = (str(tmp_path / "flat.safetensors"),)
    _, (finding,) = measure("energy", material(seen, Shaky(0.1)), energy=files)
    assert (
        {row["paired"] for row in finding.rows} == {row["auroc"] for row in finding.rows} == {0.5}
    )


def test_models_and_loss_nets_come_in_pairs(seen, graph, tmp_path, monkeypatch):
    _, (file,) = graph
    one, two = material(seen, Oracle(), Oracle()).models
    named = loss_nets.with_energies((one, two), (file, file))
    assert [m.name for m in named] == ["m0", "m1"]
    twice = loss_nets.with_energies((one, one), (file, file))
    assert [m.name for m in twice] == [f"m0, {tmp_path.name}"] * 2
    assert all(not p.requires_grad for m in twice for p in m.energy.parameters())
    with pytest.raises(ValueError, match="give --energy FILE: the loss-net of each of WEIGHTS"):
        loss_nets.with_energies((one,), ())
    with pytest.raises(ValueError, match="2 values of --energy for 1 WEIGHTS"):
        loss_nets.with_energies((one,), (file, file))
    with pytest.raises(FileNotFoundError, match="nowhere: no such file"):
        loss_nets.with_energies((one,), ("nowhere",))
    net = MlpEnergy(MlpEnergyConfig(skeleton("coco_17"), width=4))
    write_energy(net, tmp_path / "coco.safetensors")
    with pytest.raises(ValueError, match="knows poses of 'coco_17', but m0 says 'h36m_17'"):
        measure("energy", material(seen, Oracle()), energy=(str(tmp_path / "coco.safetensors"),))
    with pytest.raises(ValueError, match="poses is -1; it must be 0"):
        measure("energy", material(seen, Oracle()), poses=-1)


def test_a_model_of_other_joints_is_refined_in_its_own(seen, tmp_path):
    torch.manual_seed(0)
    joints = skeleton("vitruve_19")
    net = SimpleBaselineConfig(17, 19, width=8)
    lifter = Lifter(LifterConfig(joints, H36M, "simple_baseline", net))
    write_energy(MlpEnergy(MlpEnergyConfig(joints, width=8)), tmp_path / "energy.safetensors")
    files, given = (str(tmp_path / "energy.safetensors"),), material(seen, lifter)
    _, (finding,) = measure("refine", given, energy=files, steps=2, poses=2)
    assert finding.metrics["loss_net_mpjpe_mm"] != finding.metrics["mpjpe_mm"] > 0
    with pytest.raises(ValueError, match="m0 says 'vitruve_19', but the truth that its loss-net"):
        measure("energy", given, energy=files)


def by_hand(seen, estimator):
    """Metrics of every frame by itself."""
    found = []
    for view in seen.views("subject", "gt"):
        truth = root_centred(view.batch.joints_cam[0], 0)
        poses = root_centred(estimator(view.batch).joints_cam[0, 0], 0)
        for pose, true in zip(poses, truth, strict=True):
            bones = bsle(pose, true, H36M.parents).item()
            found.append((p_mpjpe_mm(pose, true).item(), lse(pose, H36M.limbs).item(), bones))
    return torch.tensor(found, dtype=torch.float64)


def test_bins_hold_the_frames_of_equal_error(seen, tmp_path):
    small, large = Shaky(0.03), Shaky(0.09)
    given = material(seen, small, large)
    study, findings = measure("structure", given, bins=4, flip=False)
    counts = [[row["frames"] for row in f.rows] for f in findings]
    assert [a + b for a, b in zip(*counts, strict=True)] == [2 * 2 * 4 * FRAMES // 4] * 4
    for finding, estimator in zip(findings, (small, large), strict=True):
        frames = by_hand(seen, estimator)
        for i, row in enumerate(finding.rows):
            p_mpjpe, limbs, bones = frames.unbind(-1)
            # Edges are errors of frames, which rounding must not put elsewhere.
            low, high = row["from_mm"] - 1e-9, row["to_mm"] + (1e-9 if i == 3 else -1e-9)
            inside = (p_mpjpe >= low) & (p_mpjpe < high)
            assert row["frames"] == int(inside.sum())
            for name, values in (("p_mpjpe_mm", p_mpjpe), ("lse", limbs), ("bsle", bones)):
                assert row[name] == pytest.approx(values[inside].mean().item(), nan_ok=True)
    shared = [i for i in range(4) if counts[0][i] and counts[1][i]]
    assert 0 < len(shared) < 4
    for finding in findings:
        mean = sum(finding.rows[i]["lse"] for i in shared) / len(shared)
        assert finding.metrics["lse_at_equal_p_mpjpe"] == pytest.approx(mean)
    assert findings[0].metrics["lse"] < findings[1].metrics["lse"]
    check_pictures(study, findings, tmp_path)


def test_structure_of_all_frames_is_the_benchmarks(archive, seen, lifter, tmp_path):
    benchmark = CmuLift(archive)
    score = benchmark.score(benchmark.predict(lifter, tmp_path / "p.npz", "gt"))
    expected = score["sets"]["subject"]["metrics"]
    _, (finding,) = measure("structure", material(seen, lifter), bins=2)
    for name in ("p_mpjpe_mm", "lse", "lle", "bsle"):
        assert finding.metrics[name] == pytest.approx(expected[name], rel=1e-5)


def test_bins_may_be_told(seen):
    edges = (10.0, 30.0, 40.0)
    given = material(seen, Shaky(0.03))
    _, (finding,) = measure("structure", given, edges_mm=edges, flip=False)
    assert [(r["from_mm"], r["to_mm"]) for r in finding.rows] == [(10.0, 30.0), (30.0, 40.0)]
    p_mpjpe = by_hand(seen, Shaky(0.03))[:, 0]
    assert finding.rows[0]["frames"] == int(((p_mpjpe >= 10) & (p_mpjpe < 30)).sum()) > 0
    with pytest.raises(ValueError, match="give two or more that rise"):
        measure("structure", given, edges_mm=(3.0, 3.0))
    with pytest.raises(ValueError, match="bins is 0; it must be 1 or more"):
        measure("structure", given, bins=0)


def test_a_descent_is_that_of_the_refined_model(archive, seen, lifter, graph, tmp_path):
    """The study says what the benchmark says: before it of the model, after it of the refined."""
    energy, files = graph
    settings = {"energy": files, "poses": 0, "flip": False, "steps": 4, "step_mm": 3.0}
    study, (finding,) = measure("refine", material(seen, lifter), **settings)
    refined = RefinedEstimator(lifter, energy, RefineConfig(4, 3.0))
    benchmark = CmuLift(archive)
    for name, estimator, prefix in (("a", lifter, ""), ("b", refined, "loss_net_")):
        file = benchmark.predict(estimator, tmp_path / f"{name}.npz", "gt", flip=False)
        score = benchmark.score(file)["sets"]["subject"]["metrics"]
        for metric in ("mpjpe_mm", "p_mpjpe_mm", "lse", "lle", "bsle"):
            assert finding.metrics[prefix + metric] == pytest.approx(score[metric], rel=1e-4)
    assert finding.metrics["loss_net_mpjpe_mm"] != finding.metrics["mpjpe_mm"]
    rows = {
        by: [r for r in finding.rows if r["by"] == by]
        for by in ("loss_net", "symmetry", "geometry")
    }
    for curve in rows.values():
        assert [r["step"] for r in curve] == [0, 1, 2, 3, 4]
        assert [r["taken"] for r in curve] == [False] * 4 + [True]
        assert curve[0]["mpjpe_mm"] == finding.metrics["mpjpe_mm"]
    falling = [r["energy"] for r in rows["loss_net"]]
    assert falling == sorted(falling, reverse=True)
    check_pictures(study, [finding], tmp_path)


def test_rays_take_a_prediction_nearer_and_symmetry_makes_it_symmetric(seen, rays):
    given = material(seen, Shaky(0.05))
    _, (finding,) = measure("refine", given, energy=rays, poses=0, flip=False, steps=10)
    found = finding.metrics
    assert found["loss_net_mpjpe_mm"] < found["mpjpe_mm"] - 1
    assert found["symmetry_lse"] < found["lse"] - 1
    assert found["geometry_lse"] < found["lse"] - 1


def test_a_chosen_descent_is_the_best_on_the_validation_subject(seen, rays, tmp_path):
    settings = {"energy": rays, "steps": 6, "choose": True, "steps_mm": (0.5, 2.0), "flip": False}
    study, (finding,) = measure("refine", material(seen, Shaky(0.05)), **settings)
    for by in ("loss_net", "symmetry"):
        tried = [r for r in finding.rows if (r["use"], r["by"]) == ("choose", by)]
        assert len(tried) == 2 * 7
        start = tried[0]["p_mpjpe_mm"]
        allowed = [r for r in tried if r["p_mpjpe_mm"] <= start]
        best = min(allowed, key=lambda r: r["bsle"])
        taken = finding.metrics[f"{by}_step_mm"], finding.metrics[f"{by}_steps"]
        assert taken == (best["step_mm"], best["step"])
        (row,) = (r for r in finding.rows if r["taken"] and r["by"] == by)
        assert (row["use"], row["step"]) == ("measure", taken[1])
        assert finding.metrics[f"{by}_bsle"] == row["bsle"]
    assert finding.metrics["loss_net_steps"] > 0
    check_pictures(study, [finding], tmp_path)


def curve(*pairs):
    return [{"step": i, "p_mpjpe_mm": p, "bsle": b} for i, (p, b) in enumerate(pairs)]


def test_the_choice_does_not_pay_with_error():
    gentle = curve((50.0, 9.0), (49.0, 8.0), (50.0, 7.0), (50.1, 1.0))
    rough = curve((50.0, 9.0), (48.0, 7.5), (60.0, 2.0), (70.0, 1.0))
    assert choose({0.5: gentle, 1.0: rough}) == (0.5, 2)
    assert choose({1.0: rough, 0.5: gentle}) == (0.5, 2)
    assert choose({1.0: rough}) == (1.0, 1)
    assert choose({1.0: curve((50.0, 9.0), (51.0, 8.0))}) == (1.0, 0)
    assert choose({1.0: curve((50.0, 9.0), (49.0, 9.0))}) == (1.0, 0)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"steps": 0}, "steps is 0; it must be 1 or more"),
        ({"step_mm": 0.0}, "all must be above 0"),
        ({"steps_mm": (0.5, -1.0)}, "all must be above 0"),
        ({"steps_mm": ()}, "all must be above 0"),
    ],
)
def test_a_descent_leads_somewhere(settings, message):
    with pytest.raises(ValueError, match=message):
        measure("refine", material(None), **settings)


def test_symmetry_is_the_difference_of_the_sides():
    joints = torch.randn(3, 17, 3, dtype=torch.float64)
    nothing = PoseEvidence(torch.zeros(3, 17, 2), torch.zeros(3, 17, 2), torch.zeros(3, 17))
    symmetry = GeometryEnergy(GeometryEnergyConfig(H36M, rays=0.0, symmetry=1.0))
    energy = symmetry(joints, nothing)
    expected = torch.zeros(3, dtype=torch.float64)
    for (a, b), (c, d) in H36M.limbs:
        sides = [(joints[:, i] - joints[:, j]).norm(dim=-1) for i, j in ((a, b), (c, d))]
        expected += (sides[0] - sides[1]) ** 2
    assert torch.allclose(energy, expected)
    mirrored = joints.clone()
    for left, right in zip(H36M.left, H36M.right, strict=True):
        mirrored[:, right] = mirrored[:, left] * torch.tensor([-1.0, 1.0, 1.0])
    assert symmetry(mirrored, nothing).max() < 1e-12 < energy.min()


def test_frames_of_the_validation_subject_can_be_studied(seen):
    _, (finding,) = measure("axes", material(seen, Oracle()), set="validation")
    assert {row["action"] for row in finding.rows} == {"mean of actions", "box"}
    assert math.isclose(finding.metrics["mpjpe_mm"], 0, abs_tol=1e-3)

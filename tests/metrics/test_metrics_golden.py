"""Errors that published evaluation code gave on the same joints; sources in the JSON."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from vitruve.benchmarks.mpi_inf_3dhp import GROUPS
from vitruve.metrics import (
    acceleration_mm,
    auc,
    joint_best,
    joint_error_mm,
    mpjpe_mm,
    mpjve_mm,
    n_mpjpe_mm,
    p_mpjpe_mm,
    pck,
    sample_best,
)

GOLDEN = json.loads((Path(__file__).parent / "golden_metrics.json").read_text())
PREDICTED, TARGET = torch.tensor(GOLDEN["predicted"]), torch.tensor(GOLDEN["target"])


@pytest.mark.parametrize(("metric", "name"), [(mpjpe_mm, "mpjpe"), (p_mpjpe_mm, "p_mpjpe")])
def test_position_errors(metric, name):
    found = [float(metric(p, t)) for p, t in zip(PREDICTED, TARGET, strict=True)]
    assert found == pytest.approx([1000 * value for value in GOLDEN[name]], rel=1e-6)


def test_acceleration():
    found = float(acceleration_mm(PREDICTED[1:], TARGET[1:]))
    assert found == pytest.approx(1000 * GOLDEN["acceleration_of_1_to_3"], rel=1e-6)


# The rest are results of evaluation code of published lifters, on inputs made by rule.
LIFTING = json.loads((Path(__file__).parent / "golden_lifting.json").read_text())


def draw(seed, shape):
    return torch.from_numpy(np.random.default_rng(seed).standard_normal(shape))


@pytest.fixture
def pair():
    """Four clips of twelve poses; the first is mirrored, so that reflections are tried."""
    target = 0.3 * draw(31, (4, 12, 17, 3))
    predicted = target + 0.05 * draw(32, (4, 12, 17, 3))
    predicted[0, ..., 2] *= -1
    return predicted.float(), target.float()


def close(found, name):
    assert np.ravel(found) == pytest.approx(1000 * np.ravel(LIFTING[name]), rel=5e-6)


def test_errors_of_lifters(pair):
    predicted, target = pair
    close(mpjpe_mm(predicted, target), "vp3d_mpjpe")
    close(joint_error_mm(predicted[2], target[2]).mean(-1), "mb_mpjpe_per_frame_of_clip_2")
    close(joint_error_mm(predicted[1, 3], target[1, 3]), "mag_jpe_clip1_of_frame_3")
    close(p_mpjpe_mm(predicted, target), "vp3d_p_mpjpe")
    close(p_mpjpe_mm(predicted[0], target[0]), "vp3d_p_mpjpe_clip0")
    mirrored = [p_mpjpe_mm(p, t) for p, t in zip(predicted[0], target[0], strict=True)]
    close(mirrored, "mb_p_mpjpe_per_frame_of_clip_0")
    plain = [p_mpjpe_mm(p, t) for p, t in zip(predicted[1], target[1], strict=True)]
    close(plain, "pstmo_p_mpjpe_of_poses_12_to_24")
    for name in ("vp3d_n_mpjpe", "mb_n_mpjpe"):
        close(n_mpjpe_mm(predicted, target), name)


def test_weighted_errors_of_lifters(pair):
    predicted, target = pair
    weights = draw(33, (4, 12, 17)).abs()
    close((joint_error_mm(predicted, target) * weights).mean(), "vp3d_weighted_mpjpe")
    confidence = draw(34, (4, 12, 17, 1)).abs()
    flat = predicted.new_tensor([1.0, 1.0, 0.0])
    error = joint_error_mm((predicted * flat).double() * confidence, target * flat * confidence)
    close(error.mean(), "mb_loss_2d_weighted")


def test_velocity_errors_of_lifters(pair):
    predicted, target = pair
    close(mpjve_mm(predicted[1], target[1]), "vp3d_mean_velocity_error_clip1")
    for name in ("mixste_mpjve_train", "mb_loss_velocity"):
        close(mpjve_mm(predicted, target), name)
    # Published evaluations also difference across the borders of clips.
    flat = mpjve_mm(predicted.flatten(0, 1), target.flatten(0, 1))
    close(flat, "vp3d_mean_velocity_error_axis0_flat")
    threes = [acceleration_mm(predicted[1, i : i + 3], target[1, i : i + 3]) for i in range(10)]
    close(threes, "mag_acc_error_clip1")


def test_choices_among_hypotheses():
    target = 0.3 * draw(31, (4, 12, 17, 3))
    target[..., 0, :] = 0
    every = target[:, None, None] + 0.05 * draw(35, (4, 2, 5, 12, 17, 3))
    every[..., 0, :] = 0
    steps = every.float().unbind(1)
    target = target.float()
    # One hypothesis for the whole batch is what one long clip would choose.
    long = [h.transpose(0, 1).flatten(1, 2) for h in steps]
    whole = target.flatten(0, 1)
    found = {
        "d3dp_J_Best": [mpjpe_mm(joint_best(h, target), target) for h in steps],
        "d3dp_P_Best_per_clip": [mpjpe_mm(sample_best(h, target), target) for h in steps],
        "d3dp_P_Best": [mpjpe_mm(sample_best(h, whole), whole) for h in long],
        "d3dp_P_Agg": [mpjpe_mm(h.mean(1), target) for h in steps],
        "d3dp_P_Agg_p2": [p_mpjpe_mm(h.mean(1), target) for h in steps],
    }
    for name, values in found.items():
        close(values, name)


def test_pck_and_auc_of_mpi_inf_3dhp():
    predicted = torch.zeros(300, 17, 3, dtype=torch.float64)
    predicted[..., 0] = 80 * draw(37, (17, 300)).abs().T / 1000
    target = torch.zeros_like(predicted)
    for name, metric in (("pck", pck), ("auc", auc)):
        total = metric(predicted[:, :14], target[:, :14])
        assert float(total) == pytest.approx(LIFTING[f"hp_total_{name}"], abs=1e-9)
        groups = [metric(predicted[:, list(g)], target[:, list(g)]) for g in GROUPS.values()]
        assert groups == pytest.approx(LIFTING[f"hp_group_{name}"], abs=1e-9)
    perfect = float(auc(target, target))
    assert perfect == pytest.approx(LIFTING["hp_auc_of_zero_error"], abs=1e-9)

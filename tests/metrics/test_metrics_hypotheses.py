import numpy as np
import torch

from vitruve.metrics import first, joint_best, mpjpe_mm, sample_best


def make():
    rng = np.random.default_rng(0)
    target = torch.from_numpy(rng.standard_normal((3, 4, 5, 3)))
    predicted = target[:, None] + 0.1 * torch.from_numpy(rng.standard_normal((3, 6, 4, 5, 3)))
    return predicted, target


def test_choices_agree_with_loops():
    predicted, target = make()
    assert torch.equal(first(predicted), predicted[:, 0])
    sample, joint = sample_best(predicted, target), joint_best(predicted, target)
    for b in range(3):
        best = min(range(6), key=lambda h: float(mpjpe_mm(predicted[b, h], target[b])))
        assert torch.equal(sample[b], predicted[b, best])
        for t in range(4):
            for j in range(5):
                error = (predicted[b, :, t, j] - target[b, t, j]).norm(dim=-1)
                assert torch.equal(joint[b, t, j], predicted[b, error.argmin(), t, j])


def test_more_freedom_is_never_worse():
    predicted, target = make()
    errors = [mpjpe_mm(p, target) for p in (first(predicted), sample_best(predicted, target))]
    assert mpjpe_mm(joint_best(predicted, target), target) < errors[1] < errors[0]


def test_one_hypothesis_is_itself():
    predicted, target = make()
    one = predicted[:, :1]
    for chosen in (first(one), sample_best(one, target), joint_best(one, target)):
        assert torch.equal(chosen, predicted[:, 0])


def test_sample_best_looks_at_valid_joints_only():
    predicted, target = make()
    valid = torch.ones(3, 4, 5, dtype=torch.bool)
    valid[:, :, 0] = False
    spoilt = predicted.clone()
    spoilt[:, :, :, 0] += torch.linspace(0, 9, 6, dtype=torch.float64)[:, None, None]
    chosen = sample_best(spoilt, target, valid)
    assert torch.equal(chosen[..., 1:, :], sample_best(predicted, target, valid)[..., 1:, :])

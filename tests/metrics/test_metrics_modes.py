"""Modes of evaluation, and metrics of 2D joints of those who learn without labels."""

import pytest
import torch

from vitruve.metrics import ambiguity_ratio, choose_hypothesis, exchange_sides, keypoint_error

MIRROR = (0, 2, 1, 4, 3)


def test_modes_know_more_and_more():
    torch.manual_seed(0)
    target = torch.randn(6, 1, 5, 3)
    predicted = target.unsqueeze(1) + torch.randn(6, 4, 1, 5, 3)
    confidence = torch.rand(6, 4, 1, 5)

    def error(mode):
        chosen = choose_hypothesis(predicted, target, mode, confidence=confidence)
        return (chosen - target).norm(dim=-1).mean().item()

    errors = [error(mode) for mode in ("first", "confidence", "sample-best", "joint-best")]
    assert errors[2] < min(errors[:2])
    assert errors[3] < errors[2]


def test_confidence_is_that_of_the_whole_pose():
    predicted = torch.arange(2.0).view(1, 2, 1, 1, 1).expand(1, 2, 1, 2, 3)
    confidence = torch.tensor([[[[0.9, 0.1]], [[0.6, 0.6]]]])
    chosen = choose_hypothesis(predicted, predicted[:, 0], "confidence", confidence=confidence)
    assert (chosen == 1).all()
    with pytest.raises(ValueError, match=r"needs an estimator that says Prediction\.confidence"):
        choose_hypothesis(predicted, predicted[:, 0], "confidence")


def test_sides_are_exchanged_as_far_as_allowed():
    target = torch.randn(2, 1, 5, 3)
    predicted = target.clone()
    predicted[0] = predicted[0][:, list(MIRROR)]
    predicted[1][:, [1, 2]] = predicted[1][:, [2, 1]]

    def error(mode):
        return (exchange_sides(predicted, target, MIRROR, mode) - target).abs().sum((1, 2, 3))

    assert torch.equal(exchange_sides(predicted, target, MIRROR, "none"), predicted)
    assert error("sample")[0] == 0
    assert error("sample")[1] > 0
    assert (error("joint") == 0).all()


def test_a_pair_is_exchanged_as_one():
    target = torch.tensor([[[0.0], [1.0], [-1.0]]]).expand(1, 1, 3, 1)
    predicted = torch.tensor([[[[0.0], [-1.0], [-1.0]]]])
    # Both joints say the same place: exchanging gains nothing.
    assert torch.equal(exchange_sides(predicted, target, (0, 2, 1), "joint"), predicted)


def test_ambiguity_counts_views_against_the_others():
    target = torch.randn(2, 4, 5, 2) + torch.tensor([0.0, 9.0, -9.0, 9.0, -9.0])[:, None]

    def swapped(views):
        predicted = target.clone()
        predicted[:, :views] = predicted[:, :views, list(MIRROR)]
        return ambiguity_ratio(predicted, target, MIRROR).item()

    assert [swapped(views) for views in range(5)] == [0.0, 25.0, 50.0, 25.0, 0.0]


def test_keypoint_error_is_a_share_of_the_crop():
    target = torch.zeros(2, 3, 2)
    predicted = torch.tensor([3.0, 4.0]).expand(2, 3, 2)
    side = torch.tensor([50.0, 100.0])
    assert keypoint_error(predicted, target, side).item() == pytest.approx(7.5)
    valid = torch.tensor([[True] * 3, [False] * 3])
    assert keypoint_error(predicted, target, side, valid).item() == pytest.approx(10.0)

"""Ranks count what pairs count."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from vitruve.metrics import auroc, paired_accuracy

NUMBERS = st.lists(st.integers(-3, 3), min_size=1, max_size=12)


def share_of(pairs):
    return sum((b > a) + (b == a) / 2 for a, b in pairs) / len(pairs)


@settings(deadline=None, max_examples=60)
@given(NUMBERS, NUMBERS)
def test_auroc_is_the_share_of_all_pairs(low, high):
    found = auroc(torch.tensor(low, dtype=torch.float32), torch.tensor(high, dtype=torch.float32))
    assert found.item() == pytest.approx(share_of([(a, b) for a in low for b in high]))


@settings(deadline=None, max_examples=60)
@given(st.lists(st.tuples(st.integers(-3, 3), st.integers(-3, 3)), min_size=1, max_size=12))
def test_paired_accuracy_is_the_share_of_the_pairs(pairs):
    low, high = torch.tensor(pairs, dtype=torch.float32).unbind(-1)
    assert paired_accuracy(low, high).item() == pytest.approx(share_of(pairs))


def test_order_does_not_count_and_sides_do():
    low, high = torch.tensor([0.0, 1.0, 2.0]), torch.tensor([1.5, 3.0])
    assert auroc(low, high).item() == pytest.approx(5 / 6)
    assert auroc(low.flip(0), high.flip(0)).item() == pytest.approx(5 / 6)
    assert auroc(high, low).item() == pytest.approx(1 / 6)
    assert paired_accuracy(low[:2], high).item() == 1


def test_many_equal_values_do_not_lose_half_a_rank():
    ones = torch.ones(100_000)
    assert auroc(ones, ones).item() == 0.5
    assert auroc(ones[:1], ones * 2).item() == 1


def test_what_cannot_be_ranked_has_no_answer():
    one, none = torch.ones(1), torch.ones(0)
    for pair in ((none, one), (one, none), (one, one * torch.nan)):
        assert math.isnan(auroc(*pair))
    assert math.isnan(paired_accuracy(one, one * torch.nan))
    assert math.isnan(paired_accuracy(none, none))

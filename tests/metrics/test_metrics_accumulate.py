import math

import pytest
import torch

from vitruve.metrics import GroupedMean, masked_mean


def test_weighted_means_by_group():
    found = GroupedMean()
    found.add(10.0, weight=3, group="walk")
    found.add(20.0, weight=1, group="walk")
    found.add(40.0, weight=4, group="sit")
    assert found.by_group() == {"walk": 12.5, "sit": 40.0}
    assert found.mean() == pytest.approx(26.25)
    assert found.mean_of_groups() == pytest.approx(26.25)
    found.add(40.0, weight=8, group="sit")
    assert found.mean() == pytest.approx((50 + 12 * 40) / 16)
    assert found.mean_of_groups() == pytest.approx(26.25)


def test_nan_carries_no_weight():
    found = GroupedMean()
    found.add(math.nan, weight=100, group="walk")
    assert math.isnan(found.by_group()["walk"])
    found.add(5.0, group="sit")
    assert found.mean() == found.mean_of_groups() == 5.0


def test_nothing_is_nan():
    assert math.isnan(GroupedMean().mean())
    assert math.isnan(GroupedMean().mean_of_groups())


def test_masked_mean_over_chosen_axes():
    values = torch.tensor([[1.0, 2.0], [math.nan, 4.0]])
    valid = torch.tensor([[True, True], [False, False]])
    assert float(masked_mean(values, valid)) == 1.5
    rows = masked_mean(values, valid, (-1,))
    assert float(rows[0]) == 1.5
    assert rows[1].isnan()
    assert masked_mean(values).isnan()

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from vitruve.viewer.quantise import quantise, restore


@settings(deadline=None, max_examples=60)
@given(
    values=hnp.arrays(np.float64, (7, 3, 2), elements=st.floats(-1e4, 1e4, allow_subnormal=False)),
    valid=hnp.arrays(np.bool_, (7, 3)),
)
def test_every_value_comes_back_within_half_a_step(values, valid):
    coded = quantise(values, valid)
    back = restore(coded)
    assert np.isnan(back[~valid]).all()
    error = np.abs(back[valid] - values[valid])
    assert (error <= coded["step"] / 2 * (1 + 1e-6) + 1e-9).all()


def test_ten_metres_are_kept_to_a_tenth_of_a_millimetre():
    values = np.random.default_rng(0).uniform(0, 10, (500, 17, 3))
    error = np.abs(restore(quantise(values, np.ones((500, 17), bool))) - values)
    assert error.max() < 1e-4


def test_what_is_missing_has_no_influence_on_what_is_there():
    values = np.zeros((2, 2, 3))
    values[0, 0] = [1, 2, 3]
    values[1, 1] = 1e30
    valid = np.array([[True, False], [False, False]])
    back = restore(quantise(values, valid))
    np.testing.assert_allclose(back[0, 0], [1, 2, 3])
    assert np.isnan(back).sum() == 9


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_values_that_are_not_finite_are_missing(bad):
    values = np.full((1, 2, 1), bad)
    values[0, 1] = 4.0
    np.testing.assert_array_equal(
        restore(quantise(values, np.ones((1, 2), bool))), [[[np.nan], [4]]]
    )


def test_nothing_valid_is_all_missing():
    assert np.isnan(restore(quantise(np.ones((3, 2, 3)), np.zeros((3, 2), bool)))).all()

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from vitruve.data.decoding.run_lengths import decode_runs, encode_runs
from vitruve.io.errors import FileError


def test_runs_go_down_the_columns():
    # Two pixels of background, three of the mask, four of background.
    wanted = np.array([[0, 1, 0], [0, 1, 0], [1, 0, 0]], bool)
    assert (decode_runs("234", (3, 3), "here") == wanted).all()
    assert encode_runs(wanted) == "234"


def test_long_and_shorter_runs():
    # 20 needs two letters, for bit 5 is the sign; the fourth run is told by its difference, -2.
    mask = np.zeros((1, 30), bool)
    mask[0, 20:23], mask[0, 26:27] = True, True
    assert encode_runs(mask) == "d033N0"
    assert (decode_runs("d033N0", (30, 1), "here") == mask).all()


@given(arrays(bool, st.tuples(st.integers(1, 12), st.integers(1, 40))))
def test_masks_come_back(mask):
    height, width = mask.shape
    assert (decode_runs(encode_runs(mask), (width, height), "here") == mask).all()


@pytest.mark.parametrize(
    ("runs", "message"),
    [
        ("235", "here: a mask's runs have 10 pixels, its picture 9"),
        ("2 4", "here: '2 4' is no text of run lengths"),
        ("23d", "here: the text of run lengths ends in the middle of one"),
        ("o" * 20, "is no text of run lengths"),
        ("2N9", "a mask's runs have"),
    ],
)
def test_wrong_runs_are_one_line(runs, message):
    with pytest.raises(FileError, match=message):
        decode_runs(runs, (3, 3), "here")

"""Nets of a fixed window over clips of any length."""

import pytest
import torch

from vitruve.estimators import windows
from vitruve.estimators.windows import predict_windows


class Window:
    """Answers the frames of its window that have a full view, marked by the window's start."""

    def __init__(self, window, padding=(0, 0)):
        self.window, self.padding = window, padding
        self.starts = []

    def __call__(self, x):
        assert x.shape[1] == self.window
        self.starts += x[:, 0, 0, 0].tolist()
        before, after = self.padding
        return x[:, before : self.window - after].clone()


def clip_of(t, b=2):
    frames = torch.arange(t, dtype=torch.float32)[None, :, None, None]
    return frames.expand(b, t, 4, 3) + 100 * torch.arange(b)[:, None, None, None]


@pytest.mark.parametrize("t", [1, 4, 5, 6, 9, 10, 11, 23])
@pytest.mark.parametrize("at_once", [1, 10, 4096])
def test_every_frame_is_answered_once_by_side_by_side_windows(t, at_once, monkeypatch):
    monkeypatch.setattr(windows, "MAX_FRAMES", at_once)
    clip = clip_of(t)
    assert torch.equal(predict_windows(Window(5), clip), clip)


@pytest.mark.parametrize("t", [1, 3, 8])
def test_every_frame_gets_a_window_of_its_own(t):
    padded = clip_of(t + 4)
    net = Window(5, (2, 2))
    assert torch.equal(predict_windows(net, padded), padded[:, 2:-2])
    assert sorted(net.starts) == sorted([*range(t), *range(100, 100 + t)])


def test_the_last_window_ends_with_the_clip():
    net = Window(5)
    predict_windows(net, clip_of(12, b=1))
    assert net.starts == [0, 5, 7]


def test_a_short_clip_is_filled_up_with_its_last_frame():
    class Whole(Window):
        def __call__(self, x):
            assert torch.equal(x[0, 2:], x[0, 2:3].expand(3, -1, -1))
            return super().__call__(x)

    assert predict_windows(Whole(5), clip_of(3)).shape[1] == 3

"""Nets of a fixed window over clips of any length."""

import pytest
import torch
from torch import nn

from vitruve.data.sequences.windows import centred_windows, tiled_windows
from vitruve.estimators import windows
from vitruve.estimators.windows import predict_windows
from vitruve.nets import LIFTERS


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


@pytest.mark.parametrize("t", [9, 18, 23, 27, 28])
def test_windows_start_where_the_published_ones_do(t):
    """``tests/data/test_data_lifting.py`` has the published frames that both are."""
    clip = clip_of(t, b=1)
    side_by_side, around = Window(9), Window(9, (4, 4))
    predict_windows(side_by_side, clip)
    assert side_by_side.starts == tiled_windows(t, 9)[:, 0].tolist()
    predict_windows(around, torch.cat([clip[:, :1]] * 4 + [clip] + [clip[:, -1:]] * 4, dim=1))
    assert around.starts == centred_windows(t, 9)[:, 0].tolist()


def test_a_short_clip_is_filled_up_with_its_last_frame():
    class Whole(Window):
        def __call__(self, x):
            assert torch.equal(x[0, 2:], x[0, 2:3].expand(3, -1, -1))
            return super().__call__(x)

    assert predict_windows(Whole(5), clip_of(3)).shape[1] == 3


@pytest.mark.parametrize(
    ("name", "settings"),
    [
        ("p_stmo", {"strides": (1, 3, 3), "channels": 16, "hidden": 32}),
        ("p_stmo", {"strides": (1, 3, 3), "channels": 16, "hidden": 32, "time_step": 2}),
        ("pose_former_v2", {"num_frames": 9, "kept_frames": 3, "kept_coefficients": 3}),
    ],
)
def test_overlapping_windows_share_what_each_frame_costs(name, settings, monkeypatch):
    torch.manual_seed(0)
    build, config = LIFTERS[name]
    net = build(config(6, 6, **settings)).eval()
    assert {"embed_frames", "answer"} <= set(dir(net))
    clip = torch.randn(2, net.window + 6, 6, 2)
    seen = []
    embed = net.embed_frames
    monkeypatch.setattr(net, "embed_frames", lambda x: seen.append(x.shape[1]) or embed(x))
    shared = predict_windows(net, clip)
    assert seen == [clip.shape[1]]
    alone = torch.cat([net(clip[:, s : s + net.window]) for s in range(7)], dim=1)
    torch.testing.assert_close(shared, alone, atol=1e-5, rtol=1e-5)


def test_a_net_without_the_hook_is_run_on_windows():
    net = nn.Identity()
    net.window, net.padding = 3, (1, 1)
    net.forward = lambda x: x[:, 1:2]
    clip = clip_of(6)
    assert torch.equal(predict_windows(net, clip), clip[:, 1:-1])

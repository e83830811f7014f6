import math

import pytest
import torch

from vitruve.geometry.filters import amplitude_removed, one_euro, zero_lag

FPS = 50.0
SECONDS = torch.arange(400) / FPS


def sine(hz: float) -> torch.Tensor:
    return torch.sin(2 * math.pi * hz * SECONDS)


@pytest.mark.parametrize("smooth", [one_euro, lambda x, fps: zero_lag(x, fps, 6.0)])
def test_constants_and_shapes_are_kept(smooth):
    still = torch.randn(17, 3).expand(40, 17, 3)
    torch.testing.assert_close(smooth(still, FPS), still)
    assert smooth(still[:1], FPS).shape == (1, 17, 3)
    assert smooth(torch.ones(5), FPS).shape == (5,)


@pytest.mark.parametrize("frames", [1, 2, 3, 7, 400])
def test_a_ramp_passes_zero_lag(frames):
    ramp = torch.linspace(-1, 5, frames)[:, None] * torch.tensor([1.0, -2.0])
    torch.testing.assert_close(zero_lag(ramp, FPS, 5.0), ramp, rtol=0, atol=1e-5)


def test_zero_lag_has_the_gain_it_says():
    inside = slice(100, 300)
    slow = zero_lag(sine(1.5), FPS, 6.0)
    assert (slow - sine(1.5))[inside].abs().max() < 0.01
    assert zero_lag(sine(20.0), FPS, 6.0)[inside].abs().max() < 0.01
    half_power = zero_lag(sine(6.0), FPS, 6.0)[inside].abs().max()
    assert half_power == pytest.approx(math.sqrt(0.5), abs=0.01)


def test_zero_lag_bridges_gaps_without_reading_them():
    clean = torch.stack([sine(0.5), 2 * sine(0.7)], dim=-1)
    valid = torch.ones(400, 2, dtype=torch.bool)
    valid[100:105, 0] = False
    valid[:20, 1] = False
    valid[390:, 1] = False
    broken = torch.where(valid, clean, 1e6)
    smooth = zero_lag(broken, FPS, 6.0, valid)
    assert (smooth - clean)[valid].abs().max() < 0.05
    assert (smooth[100:105, 0] - clean[100:105, 0]).abs().max() < 0.05
    assert (smooth[:20, 1] == smooth[20, 1]).all()
    none = torch.zeros(400, 2, dtype=torch.bool)
    assert zero_lag(broken, FPS, 6.0, none).isfinite().all()


def test_one_euro_is_causal_and_calms():
    noise = 0.01 * torch.randn(400)
    still = one_euro(noise, FPS, 1.0, 0.5)
    assert still.std() < 0.4 * noise.std()
    noisy = sine(1.0) + noise
    smooth = one_euro(noisy, FPS, 1.0, 2.0)
    # The faster the motion, the higher the cutoff, the less it lags.
    lag = (smooth - sine(1.0)).abs().mean()
    assert lag < 0.5 * (one_euro(noisy, FPS, 1.0, 0.0) - sine(1.0)).abs().mean()
    torch.testing.assert_close(one_euro(noisy[:200], FPS, 1.0, 2.0), smooth[:200])


def test_one_euro_follows_its_formula():
    values = torch.tensor([0.0, 1.0, 1.0]).double()
    blend = (2 * math.pi / FPS) / (2 * math.pi / FPS + 1)
    slope = blend * FPS
    cutoff = 2 * math.pi * (1 + 0.5 * slope) / FPS
    first = cutoff / (cutoff + 1)
    assert one_euro(values, FPS)[1].item() == pytest.approx(first)


def test_one_euro_holds_over_gaps():
    values = torch.ones(60, 2, 3)
    valid = torch.ones(60, 2, dtype=torch.bool)
    valid[20:40, 0] = False
    valid[:5, 1] = False
    values[~valid] = torch.nan
    smooth = one_euro(values, FPS, valid=valid)
    assert (smooth[:, 0] == 1).all()
    assert (smooth[5:, 1] == 1).all()
    assert smooth.isfinite().all()


def test_amplitude_removed_tells_a_lost_swing():
    swing = torch.zeros(400, 2, 3)
    swing[:, 0, 0] = sine(1.0)
    swing[:, 1, 1] = sine(1.0)
    after = swing.clone()
    after[:, 0] *= 0.6
    removed = amplitude_removed(swing, after, FPS)
    torch.testing.assert_close(removed, torch.tensor([0.4, 0.0]), rtol=0, atol=1e-4)
    walking = torch.tensor([0.01, 0, 0]) * torch.arange(400)[:, None, None]
    assert amplitude_removed(swing + walking, after + walking, FPS)[0] > 0.3
    valid = torch.ones(400, 2, dtype=torch.bool)
    valid[:, 1] = False
    assert amplitude_removed(swing, after, FPS, valid)[1].isnan()


@pytest.mark.parametrize("cutoff", [0.0, 25.0, -1.0])
def test_impossible_cutoffs_are_refused(cutoff):
    with pytest.raises(ValueError, match=r"at 50\.0 frames per second give 0 to 25\.0"):
        zero_lag(torch.ones(9), FPS, cutoff)
    with pytest.raises(ValueError, match="must be positive"):
        one_euro(torch.ones(9), 0.0)

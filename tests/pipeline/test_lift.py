from dataclasses import replace

import pytest
import torch
from people import FPS, camera, motion, seen, small_lifter

from vitruve.pipeline.lift import (
    LiftConfig,
    LiftedTrack,
    bridged,
    chunk_starts,
    lift_chunk,
    near_evidence,
    prepare,
)
from vitruve.pipeline.lifted_file import join, load_track, save_track
from vitruve.skeletons import skeleton

VIEW = camera()


def lifted(keypoints, estimator=None, **config):
    estimator = estimator or small_lifter()
    settings = LiftConfig(**config)
    ready = prepare(keypoints, VIEW, estimator)
    starts = chunk_starts(len(ready.frames), settings)
    return join([lift_chunk(ready, VIEW, estimator, settings, s) for s in starts])


@pytest.mark.parametrize("fps", [FPS, 2 * FPS])
def test_chunk_borders_do_not_show(fps):
    keypoints = replace(seen(motion(50), VIEW), fps=fps)
    whole = lifted(keypoints, num_noise=0)
    parts = lifted(keypoints, num_noise=0, chunk_frames=14)
    torch.testing.assert_close(parts.joints_rel, whole.joints_rel, atol=1e-5, rtol=0)
    assert torch.equal(parts.frames, torch.arange(50))


def test_same_seed_same_bits_and_noise_gives_spread():
    keypoints = seen(motion(20), VIEW)
    once, again = lifted(keypoints), lifted(keypoints)
    assert torch.equal(once.joints_rel, again.joints_rel)
    assert bool((once.spread >= 0).all())
    assert float(once.spread.mean()) > 0
    assert not torch.equal(once.joints_rel, lifted(keypoints, seed=1).joints_rel)


def test_long_gaps_are_not_invented():
    keypoints = seen(motion(60), VIEW)
    keep = torch.cat([torch.arange(20), torch.arange(45, 60)])
    rows = {
        n: getattr(keypoints, n)[keep] for n in ("keypoints_px", "valid", "confidence", "frames")
    }
    track = lifted(replace(keypoints, **rows))
    assert torch.equal(track.frames, torch.arange(60))
    assert not track.seen[28:37].any()
    assert bool(track.seen[:20].all())
    assert bool(track.seen[45:].all())


def test_evidence_reaches_a_quarter_of_a_second():
    has_any = torch.zeros(60, dtype=torch.bool)
    has_any[30] = True
    assert near_evidence(has_any, 30.0).nonzero()[[0, -1], 0].tolist() == [22, 38]


def test_unseen_keypoints_do_not_matter():
    keypoints = seen(motion(20), VIEW)
    keypoints.valid[:, 4] = False
    moved = keypoints.keypoints_px.clone()
    moved[:, 4] = 1e4
    one = lifted(keypoints, num_noise=0)
    two = lifted(replace(keypoints, keypoints_px=moved), num_noise=0)
    assert torch.equal(one.joints_rel, two.joints_rel)


def test_keypoints_of_no_human_are_refused():
    keypoints = seen(motion(5), VIEW)
    fly = skeleton("fly_32")
    points = torch.zeros(5, 32, 2)
    strange = replace(
        keypoints, skeleton=fly, keypoints_px=points, valid=points[..., 0] == 0,
        confidence=points[..., 0] + 1,
    )  # fmt: skip
    with pytest.raises(ValueError, match="share no joint"):
        prepare(strange, VIEW, small_lifter())


def test_lifted_files_come_back_whole_or_with_one_clear_line(tmp_path):
    track = lifted(seen(motion(10), VIEW))
    save_track(track, tmp_path / "a.npz")
    again = load_track(LiftedTrack, tmp_path / "a.npz")
    assert torch.equal(again.joints_rel, track.joints_rel)
    assert torch.equal(again.seen, track.seen)
    (tmp_path / "b.npz").write_bytes((tmp_path / "a.npz").read_bytes()[:300])
    with pytest.raises(ValueError, match=r"b\.npz"):
        load_track(LiftedTrack, tmp_path / "b.npz")


def test_short_gaps_are_bridged_for_the_net_and_stay_no_evidence():
    keypoints = seen(motion(60), VIEW)
    hidden = torch.zeros(60, dtype=torch.bool)
    hidden[[0, 1, 59, *range(10, 16), *range(25, 50)]] = True
    gappy = replace(keypoints, valid=keypoints.valid & ~hidden[:, None])
    filled = bridged(gappy)
    assert bool(filled.valid[10:16].all())
    assert not filled.valid[[0, 1, 59, *range(25, 50)]].any()
    away = (filled.keypoints_px - keypoints.keypoints_px)[10:16].norm(dim=-1)
    assert float(away.max()) < 3.0
    assert float(filled.confidence[10:16].max()) <= 0.5
    track, whole = lifted(gappy, num_noise=0), lifted(keypoints, num_noise=0)
    assert float(track.weights[10:16].max()) == 0.0
    error = (track.joints_rel - whole.joints_rel).norm(dim=-1)
    assert float(error[10:16].mean()) < float(error[25:50].mean())
    assert torch.equal(bridged(keypoints).keypoints_px, keypoints.keypoints_px)

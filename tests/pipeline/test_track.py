import numpy as np
import pytest

from vitruve.pipeline.detection import Detection
from vitruve.pipeline.track import TrackConfig, link, track_to_sequence
from vitruve.skeletons import skeleton

SKELETON = skeleton("coco_17")
FPS = 30.0


def _body(seed):
    return np.random.default_rng(seed).uniform((-40, -100), (40, 100), (17, 2))


def _at(x, y=200.0, seed=0, scale=1.0):
    points = (_body(seed) * scale + (x, y)).astype(np.float32)
    return Detection(points, np.full(17, 0.9, np.float32))


def _link(frames, **config):
    return link(frames, SKELETON.mirror_index, FPS, TrackConfig(**config))


def _mean_x(track):
    return np.array([d.keypoints_px[:, 0].mean() for d in track.detections])


def test_two_people_cross_in_any_order_of_detections():
    rng = np.random.default_rng(0)
    frames = []
    for t in range(60):
        people = [_at(100 + 8 * t, seed=1), _at(580 - 8 * t, 215, seed=2)]
        frames.append([people[i] for i in rng.permutation(2)])
    tracks = _link(frames)
    assert [len(t.frames) for t in tracks] == [60, 60]
    slopes = sorted(np.diff(_mean_x(t)).mean() for t in tracks)
    assert slopes == [pytest.approx(-8, abs=0.1), pytest.approx(8, abs=0.1)]


def test_a_hidden_person_keeps_the_identity():
    frames = [[_at(100, seed=1), _at(400 + 2 * t, seed=2)] for t in range(80)]
    for t in range(30, 55):
        frames[t] = frames[t][:1]
    tracks = _link(frames)
    assert sorted(len(t.frames) for t in tracks) == [55, 80]


def test_lost_for_too_long_is_someone_new():
    frames = [[_at(100)] if t < 30 or t > 70 else [] for t in range(100)]
    assert len(_link(frames, keep_lost_s=0.5)) == 2
    assert len(_link(frames, keep_lost_s=3.0)) == 1


def test_swapped_sides_do_not_change_the_person():
    mirror = list(SKELETON.mirror_index)
    frames = []
    for t in range(40):
        person = _at(100 + t)
        if 10 <= t < 20:
            person = Detection(person.keypoints_px[mirror], person.confidence[mirror])
        frames.append([person, _at(330 - t, seed=3)])
    assert [len(t.frames) for t in _link(frames)] == [40, 40]


def test_short_tracks_are_dropped_but_not_in_short_clips():
    frames = [[_at(100)] + ([_at(500, seed=1)] if 20 <= t < 25 else []) for t in range(60)]
    assert len(_link(frames)) == 1
    assert len(_link(frames, min_track_s=0.1)) == 2
    assert len(_link([[_at(100)]])) == 1
    assert _link([[], []]) == []


def test_one_person_found_twice_is_one_track():
    frames = [[_at(100)] + ([_at(104, 203)] if t > 20 else []) for t in range(60)]
    tracks = _link(frames)
    assert len(tracks) == 1
    assert len(tracks[0].frames) == 60


def test_most_prominent_first_and_no_more_than_asked():
    frames = [[_at(100, scale=0.5), _at(500, seed=1)] for _ in range(40)]
    tracks = _link(frames)
    assert _mean_x(tracks[0])[0] == pytest.approx(500, abs=30)
    assert len(_link(frames, max_persons=1)) == 1


def test_sequence_has_a_row_per_sight():
    frames = [[_at(100 + t)] if t not in (5, 6) else [] for t in range(12)]
    sequence = track_to_sequence(_link(frames)[0], SKELETON, FPS, (640, 480), "test")
    assert sequence.frames.tolist() == [0, 1, 2, 3, 4, 7, 8, 9, 10, 11]
    assert sequence.keypoints_px.shape == (10, 17, 2)
    assert bool(sequence.valid.all())

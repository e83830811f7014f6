import numpy as np
import pytest
from PIL import Image, ImageDraw

from vitruve.pipeline import blazepose
from vitruve.pipeline.blazepose import BlazePose, BlazePoseConfig
from vitruve.pipeline.blazepose_decode import Person
from vitruve.pipeline.blazepose_nets import Landmarks
from vitruve.pipeline.models import cached_models

IMAGE = np.zeros((40, 30, 3), np.uint8)


class Scene:
    """People walking right; stands in for both nets."""

    def __init__(self, starts, hidden=()):
        self.starts, self.hidden = starts, set(hidden)
        self.frame = 0
        self.searches = 0

    def hips(self, person):
        return np.array([self.starts[person] + 3.0 * self.frame, 500.0])

    def visible(self):
        return [i for i in range(len(self.starts)) if (self.frame, i) not in self.hidden]

    def find(self, image):
        self.searches += 1
        offsets = np.array([(-9, -9), (9, 9), (0, 0), (0, -100), (0, -80), (0, -90)])
        return [Person(self.hips(i) + offsets, 0.9) for i in self.visible()]

    def look(self, image, square):
        for i in self.visible():
            if np.hypot(*(self.hips(i) - (square.x, square.y))) < 40:
                points = np.tile(self.hips(i), (39, 1))
                points[[11, 12]] -= (0, 80)
                points[34] -= (0, 100)
                sure = np.full(33, 0.9)
                return Landmarks(points, np.zeros((33, 3)), sure, sure, 1.0)
        return None


@pytest.fixture
def follow(monkeypatch):
    def make(scene, **config):
        monkeypatch.setattr(blazepose, "ensure_models", lambda: (None, None))

        class PersonNet:
            def __init__(self, *_):
                pass

            __call__ = staticmethod(scene.find)
            in_tiles = staticmethod(scene.find)

        monkeypatch.setattr(blazepose, "PersonNet", PersonNet)
        monkeypatch.setattr(blazepose, "LandmarkNet", lambda *_: scene.look)
        return BlazePose(BlazePoseConfig(**config))

    return make


def _run(detector, scene, num):
    found = []
    for _ in range(num):
        found.append(detector.detect(IMAGE))
        scene.frame += 1
    return found


def test_one_person_is_searched_once(follow):
    scene = Scene([100.0])
    found = _run(follow(scene, max_persons=1), scene, 50)
    assert [len(people) for people in found] == [1] * 50
    assert scene.searches == 1


def test_everyone_is_found_without_being_asked(follow):
    scene = Scene([100.0, 700.0, 1300.0])
    assert {len(people) for people in _run(follow(scene), scene, 40)} == {3}


def test_no_more_than_asked(follow):
    scene = Scene([100.0, 700.0, 1300.0])
    found = _run(follow(scene, max_persons=2), scene, 40)
    assert {len(people) for people in found} == {2}


def test_a_newcomer_is_found_at_the_next_search(follow):
    scene = Scene([100.0, 700.0], hidden=[(t, 1) for t in range(35)])
    found = _run(follow(scene, every_frames=30), scene, 70)
    assert [len(people) for people in found] == [1] * 60 + [2] * 10


def test_a_lost_person_comes_back(follow):
    scene = Scene([100.0], hidden=[(t, 0) for t in range(10, 15)])
    found = _run(follow(scene, max_persons=1), scene, 30)
    assert [len(people) for people in found] == [1] * 10 + [0] * 5 + [1] * 15


def test_static_searches_every_frame(follow):
    scene = Scene([100.0])
    _run(follow(scene, max_persons=1, static=True), scene, 5)
    assert scene.searches == 5


def test_state_carries_everything(follow):
    hidden = [(t, 1) for t in range(11, 16)]
    scene = Scene([100.0, 700.0], hidden)
    straight = follow(scene)
    _run(straight, scene, 13)
    state = straight.state()
    assert all(value.dtype != object for value in state.values())
    rest = _run(straight, scene, 20)
    again = Scene([100.0, 700.0], hidden)
    again.frame = 13
    other = follow(again)
    other.restore(state)
    for one, two in zip(rest, _run(other, again, 20), strict=True):
        assert [d.keypoints_px.tolist() for d in one] == [d.keypoints_px.tolist() for d in two]
    for name, value in straight.state().items():
        np.testing.assert_array_equal(value, other.state()[name])


@pytest.mark.skipif(cached_models() is None, reason="the detector's models are not in the cache")
def test_real_models_find_nobody_in_an_empty_room():
    pytest.importorskip("ai_edge_litert")
    room = Image.new("RGB", (320, 240), (120, 120, 120))
    ImageDraw.Draw(room).rectangle((100, 120, 200, 180), fill=(90, 60, 30))
    for persons in (1, 0):
        detector = BlazePose(BlazePoseConfig(max_persons=persons))
        assert detector.detect(np.asarray(room)) == []

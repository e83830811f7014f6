import os
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from vitruve.io.keypoints import read_keypoints
from vitruve.pipeline import detect as stage
from vitruve.pipeline.detect import DetectConfig, detect
from vitruve.pipeline.detection import Detection, Detector


class Wandering:
    """One person on a walk whose next step depends on all steps before."""

    skeleton = "coco_17"
    model = "wandering"
    ran = 0

    def __init__(self, shift=0.0):
        self.place = np.array([100.0 + shift, 100.0])
        self.body = np.random.default_rng(0).uniform(-40, 40, (17, 2))

    def detect(self, image):
        type(self).ran += 1
        self.place = self.place + np.sin(self.place) + image.mean() / 1e3
        points = (self.body + self.place).astype(np.float32)
        return [Detection(points, np.full(17, 0.8, np.float32))]

    def state(self):
        return {"place": self.place}

    def restore(self, state):
        self.place = state["place"]


class Nobody(Wandering):
    def detect(self, image):
        return []


@pytest.fixture
def clip(tmp_path, monkeypatch):
    """Eleven small pictures; chunks of four."""
    monkeypatch.setattr(stage, "CHUNK_FRAMES", 4)
    monkeypatch.setitem(stage.DETECTORS, "blazepose", lambda config: Wandering())
    monkeypatch.setattr(Wandering, "ran", 0)
    folder = tmp_path / "clip"
    folder.mkdir()
    rng = np.random.default_rng(0)
    for i in range(11):
        pixels = rng.integers(0, 256, (24, 16, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(folder / f"{i:03d}.png")
    return folder


class Killed(BaseException):
    pass


def _kill_at(num):
    def progress(done, total):
        assert total == 11
        if done == num:
            raise Killed

    return progress


def test_fake_detector_is_a_detector():
    assert isinstance(Wandering(), Detector)


@pytest.mark.parametrize("killed_at", [1, 4, 5, 8, 11])
def test_a_killed_run_ends_like_the_straight_one(clip, tmp_path, killed_at):
    straight = detect(clip, tmp_path / "straight.npz", DetectConfig())[0]
    out = tmp_path / "out.npz"
    with pytest.raises(Killed):
        detect(clip, out, DetectConfig(), _kill_at(killed_at))
    assert not out.exists()
    Wandering.ran = 0
    resumed = detect(clip, out, DetectConfig())[0]
    assert Wandering.ran == 11 - (killed_at - 1) // 4 * 4
    assert torch.equal(resumed.keypoints_px, straight.keypoints_px)
    assert torch.equal(read_keypoints(out)[0].keypoints_px, straight.keypoints_px)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["clip", "out.npz", "straight.npz"]


@pytest.mark.parametrize("change", ["source", "config", "damage"])
def test_parts_of_another_run_are_not_used(clip, tmp_path, change):
    out = tmp_path / "out.npz"
    with pytest.raises(Killed):
        detect(clip, out, DetectConfig(), _kill_at(9))
    config = DetectConfig()
    if change == "source":
        os.utime(clip / "000.png", ns=(1, 1))
    elif change == "config":
        config = DetectConfig(threads=2)
    else:
        Path(f"{out}.parts", "part_000000.npz").write_bytes(b"damage")
    Wandering.ran = 0
    detect(clip, out, config)
    assert Wandering.ran == 11


def test_sequences_say_where_they_come_from(clip, tmp_path):
    sequence = detect(clip, tmp_path / "ünïcode.npz", DetectConfig())[0]
    assert sequence.skeleton.name == "coco_17"
    assert sequence.model == "wandering"
    assert sequence.image_size_px == (16, 24)
    assert (sequence.person, sequence.fps) == (0, 25.0)
    assert sequence.frames.tolist() == list(range(11))


def test_one_frame_works(clip, tmp_path):
    sequences = detect(clip / "003.png", tmp_path / "out.npz", DetectConfig())
    assert len(sequences) == 1
    assert len(sequences[0].frames) == 1


def test_nobody_there_is_said(clip, tmp_path, monkeypatch):
    monkeypatch.setitem(stage.DETECTORS, "blazepose", lambda config: Nobody())
    with pytest.raises(ValueError, match="no person found in the 11 frames of"):
        detect(clip, tmp_path / "out.npz", DetectConfig())


def test_a_missing_source_is_said(tmp_path):
    with pytest.raises(FileNotFoundError, match="no such video"):
        detect(tmp_path / "absent.mp4", tmp_path / "out.npz", DetectConfig())

"""Recorded clips on bodies: made once, cut into pieces, held out by people."""

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from vitruve.bodies import joints_of, make_body
from vitruve.data import MotionSequence, write_store
from vitruve.data.studio.body_motions import (
    finish_motions,
    is_person,
    make_motion_shards,
    rest_height,
)
from vitruve.data.studio.clip_splits import ClipFacts, split_clips
from vitruve.data.studio.config import StudioConfig, generator_of
from vitruve.data.studio.motions import ClipMotions, open_motions
from vitruve.data.studio.pictures import StudioCamera
from vitruve.data.studio.scene import set_scene
from vitruve.data.studio.shards import begin
from vitruve.io.errors import FileError
from vitruve.skeletons import skeleton

H36M = skeleton("h36m_17")


def clip(name: str, subject: str, frames: int = 12) -> MotionSequence:
    """Somebody who stands and lifts an arm."""
    body = make_body("capsule-human")
    pose = body.rest_pose(frames).clone()
    angle = torch.linspace(0.2, 1.2, frames)
    for i, a in enumerate(angle):
        arm = torch.tensor([[a.cos(), 0, a.sin()], [0, 1, 0], [-a.sin(), 0, a.cos()]])
        pose[i, body.bone("left_shoulder")] = arm
    joints, valid = joints_of(body, body(pose), H36M)
    seen = valid.expand(frames, -1).numpy()
    return MotionSequence(name, subject, "", "", H36M, 30.0, joints.numpy(), seen)


@pytest.fixture(scope="module")
def motions(tmp_path_factory):
    out = tmp_path_factory.mktemp("motions")
    sequences = [clip(f"clip{i}", f"person{i}", 12 + i) for i in range(3)]
    store = write_store(sequences, out / "store")
    (out / "made").mkdir()
    make_motion_shards(store, out / "made", "capsule-human", 15.0, range(3))
    finish_motions(out / "made", "capsule-human", 15.0, range(3))
    return out / "made"


CONFIG = StudioConfig(
    scenes=12, size_px=32, frames=3, body="capsule-human", held_out=(0.3, 0.3), people=30
)


def test_pieces_are_of_their_clips_and_splits_share_nobody(motions) -> None:
    config = replace(CONFIG, motions=str(motions))
    source, body = open_motions(config), make_body("capsule-human")
    assert isinstance(source, ClipMotions)
    drawn, shape = generator_of(0), body.default_shape
    seen = []
    for split in range(3):
        pieces = [source.draw(body, shape, split, drawn) for _ in range(12)]
        seen.append({piece.clip for piece in pieces})
        for piece in pieces:
            assert piece.frames.diff().min() > 0
            assert piece.root is not None
            assert abs(float(piece.root[0, 2]) - rest_height(body, shape)) < 0.1
    assert sorted(c for clips in seen for c in clips) == ["clip0", "clip1", "clip2"]


def test_tall_people_stride_farther_and_stand_on_the_floor(motions) -> None:
    config = replace(CONFIG, motions=str(motions))
    body = make_body("capsule-human")
    source = open_motions(config)
    scenes = [set_scene(config, body, source, number) for number in range(12)]
    for scene in scenes:
        assert scene.motion.clip
        assert -1e-3 < scene.vertices_world[..., 2].min() < 0.08
        again = set_scene(config, body, source, scene.number)
        assert torch.equal(again.vertices_world, scene.vertices_world)
    columns = StudioCamera(config, body, source).columns(scenes[0])
    assert set(np.asarray(columns["clip"])) == {scenes[0].motion.clip}


def test_motions_of_another_body_are_refused(motions, tmp_path) -> None:
    with pytest.raises(FileError, match="holds no motions of body 'anny'"):
        open_motions(replace(CONFIG, motions=str(motions), body="anny"))
    with pytest.raises(FileNotFoundError, match="no shards at"):
        open_motions(replace(CONFIG, motions=str(tmp_path)))
    with pytest.raises(ValueError, match="is no person"):
        is_person("capsule-dog")


def test_a_run_does_not_go_on_with_other_clips(motions, tmp_path) -> None:
    shutil.copytree(motions, tmp_path / "motions")
    config = replace(CONFIG, motions=str(tmp_path / "motions"))
    begin(tmp_path / "out", config)
    begin(tmp_path / "out", config)
    finish_motions(tmp_path / "motions", "capsule-human", 16.0, range(3))
    with pytest.raises(ValueError, match="was begun with motions_sha256"):
        begin(tmp_path / "out", config)
    with pytest.raises(ValueError, match="was begun with motions_sha256"):
        begin(tmp_path / "out", replace(config, motions=""))


def test_a_folder_that_moved_goes_on_and_one_with_other_pictures_does_not(
    motions, tmp_path
) -> None:
    def go_on(run: Path) -> None:
        where = {"motions": str(run / "motions"), "backgrounds": str(run / "scenes")}
        begin(run / "out", replace(CONFIG, **where))

    here, there = tmp_path / "here", tmp_path / "there"
    shutil.copytree(motions, here / "motions")
    (here / "scenes").mkdir()
    Image.new("RGB", (40, 30)).save(here / "scenes/a.png")
    go_on(here)
    here.rename(there)
    go_on(there)
    Image.new("RGB", (50, 30)).save(there / "scenes/b.png")
    with pytest.raises(ValueError, match="was begun with backgrounds_sha256"):
        go_on(there)


def test_stated_tests_are_tested_and_people_stay_together() -> None:
    clips = [ClipFacts(f"c{i}", f"p{i % 8}", "test" if i > 30 else "train", 100) for i in range(40)]
    places = split_clips(replace(CONFIG, held_out=(0.2, 0.2)), clips)
    assert [p == 2 for p in places] == [i > 30 for i in range(40)]
    of_person = [
        {p for c, p in zip(clips, places, strict=True) if c.subject == f"p{i}" and p != 2}
        for i in range(8)
    ]
    assert all(len(places) == 1 for places in of_person)
    held = sum(places == {1} for places in of_person)
    assert 1 <= held <= 2
    unstated = [replace(c, split="") for c in clips]
    assert set(split_clips(CONFIG, unstated)) == {0, 1, 2}
    with pytest.raises(ValueError, match="leave none for train"):
        split_clips(CONFIG, unstated[:1])

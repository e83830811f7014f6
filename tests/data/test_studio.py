"""Studio: labels agree with each other and the pictures, whoever makes the shards and when."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch

from smpl_samples import model_arrays
from vitruve.data.shards.contact_sheet import contact_sheet
from vitruve.data.shards.file import write_shard
from vitruve.data.shards.folder import ShardReader, shard_name, write_index
from vitruve.data.shards.unfinished import missing_shards
from vitruve.data.studio.config import CAMERAS, SPLITS, StudioConfig, split_of
from vitruve.data.studio.reader import Studio
from vitruve.data.studio.shards import begin, finish, make_shards
from vitruve.geometry.projection import project
from vitruve.io.errors import FileError
from vitruve.poses import TensorRecord
from vitruve.skeletons import skeleton

TINY = StudioConfig(
    scenes=20, size_px=32, frames=2, body="capsule-human", held_out=(0.3, 0.3), parts=True
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    out = tmp_path_factory.mktemp("studio") / "made"
    begin(out, TINY)
    make_shards(out, TINY, missing_shards(out, range(TINY.shards)))
    finish(out, TINY)
    return out


def test_joints_project_onto_the_body_they_belong_to(folder) -> None:
    studio = Studio(folder)
    assert len(studio) == TINY.pictures == 160
    on_body = []
    for number in range(0, len(studio), 3):
        picture = studio[number]
        assert isinstance(picture, TensorRecord)
        assert picture.skeleton == skeleton("h36m_18")
        assert picture.joints_cam[:, 2].min() > 1
        projected = project(picture.joints_cam[None], picture.intrinsics[None])[0]
        torch.testing.assert_close(projected, picture.keypoints_px, atol=1e-2, rtol=0)
        x, y = picture.keypoints_px[picture.valid].long().clamp(0, 31).unbind(-1)
        on_body.append(picture.mask[y, x].float().mean())
        assert picture.parts is not None
        assert torch.equal(picture.parts > 0, picture.mask)
        assert picture.parts.max() <= len(studio.body.anatomy.part_names)
    assert torch.stack(on_body).mean() > 0.9


def test_other_formats_follow_from_the_stored_pose(folder) -> None:
    studio = Studio(folder)
    for number in (0, 57, 159):
        same, valid = studio.joints(number, skeleton("h36m_18"))
        torch.testing.assert_close(same, studio[number].joints_cam, atol=1e-5, rtol=0)
        assert torch.equal(valid, studio[number].valid)
        coco, _ = studio.joints(number, skeleton("coco_17"))
        knees = [coco[skeleton("coco_17").names.index(f"{s}_knee")] for s in ("left", "right")]
        ours = [same[skeleton("h36m_18").names.index(f"{s}_knee")] for s in ("left", "right")]
        assert (torch.stack(knees) - torch.stack(ours)).norm(dim=-1).max() < 0.06


def test_the_cameras_of_a_moment_see_the_same_person(folder) -> None:
    studio = Studio(folder)
    views = studio.views(13)
    assert 13 in views
    assert len(views) == CAMERAS
    world = []
    for number in views:
        picture = studio[number]
        T = picture.T_world_cam
        world.append(picture.joints_cam @ T[:3, :3].T + T[:3, 3])
    for joints in world[1:]:
        torch.testing.assert_close(joints, world[0], atol=1e-4, rtol=0)
    assert len({tuple(studio[n].T_world_cam[:3, 3].tolist()) for n in views}) == CAMERAS


def test_people_stand_on_the_floor_of_the_rig(folder) -> None:
    studio = Studio(folder)
    for number in (0, 80):
        vertices = studio.posed(number).vertices
        assert abs(vertices[:, 2].min().item()) < 1e-3
        assert vertices[:, :2].mean(0).norm() < 2


def test_nobody_is_in_two_splits(folder) -> None:
    reader = ShardReader(folder)
    people, splits, scenes = (reader.column(n) for n in ("person", "split", "scene"))
    assert set(splits) == {0, 1, 2}
    for person in set(people):
        assert len(set(splits[people == person])) == 1
        assert split_of(TINY, "person", int(person)) == splits[people == person][0]
    for scene in set(scenes):
        assert len(set(splits[scenes == scene])) == 1
    counted = {s: len(Studio(folder, s)) for s in SPLITS}
    assert sum(counted.values()) == len(reader)
    assert min(counted.values()) > 0
    number = Studio(folder, "test").example(0)
    assert number["split"] == 2


def test_a_shard_is_the_same_whoever_makes_it_and_when(folder, tmp_path) -> None:
    begin(tmp_path / "b", TINY)
    make_shards(tmp_path / "b", TINY, [1])
    make_shards(tmp_path / "b", TINY, [0])
    for number in range(TINY.shards):
        name = shard_name(number)
        assert (tmp_path / "b" / name).read_bytes() == (folder / name).read_bytes()
    other = replace(TINY, seed=1)
    begin(tmp_path / "c", other)
    make_shards(tmp_path / "c", other, [1])
    assert (tmp_path / "c" / shard_name(1)).read_bytes() != (folder / shard_name(1)).read_bytes()


def test_a_killed_run_leaves_whole_shards_and_goes_on(folder, tmp_path, monkeypatch) -> None:
    from vitruve.data.studio import pictures

    out, set_scene = tmp_path / "killed", pictures.set_scene

    def die(config, body, motions, number):
        if number == 18:
            raise KeyboardInterrupt
        return set_scene(config, body, motions, number)

    begin(out, TINY)
    with monkeypatch.context() as patch:
        patch.setattr(pictures, "set_scene", die)
        with pytest.raises(KeyboardInterrupt):
            make_shards(out, TINY, missing_shards(out, range(TINY.shards)))
    assert sorted(p.name for p in out.iterdir()) == ["settings.json", shard_name(0)]
    with pytest.raises(FileNotFoundError, match="the same command goes on"):
        Studio(out)
    begin(out, TINY)
    assert missing_shards(out, range(TINY.shards)) == [1]
    make_shards(out, TINY, missing_shards(out, range(TINY.shards)))
    finish(out, TINY)
    assert (out / shard_name(1)).read_bytes() == (folder / shard_name(1)).read_bytes()
    assert (out / "index.json").read_bytes() == (folder / "index.json").read_bytes()


def test_other_settings_and_other_folders_are_refused(folder, tmp_path) -> None:
    with pytest.raises(ValueError, match="was begun with size_px 32, now it is 64"):
        begin(folder, replace(TINY, size_px=64))
    (tmp_path / "letter.txt").write_text("dear")
    with pytest.raises(FileExistsError, match="holds something else"):
        begin(tmp_path, TINY)
    for name, value in (("scenes", 0), ("size_px", 8), ("frames", 0), ("quality", 101)):
        with pytest.raises(ValueError, match=f"{name} {value}: must be"):
            replace(TINY, **{name: value})
    with pytest.raises(ValueError, match="held_out"):
        replace(TINY, held_out=(0.6, 0.6))
    with pytest.raises(KeyError, match="no split 'dev'"):
        Studio(folder, "dev")


def test_damaged_pictures_and_foreign_shards_are_named(tmp_path) -> None:
    key = np.array(["a"])
    write_shard(tmp_path / shard_name(0), {"key": key, "image": [b"no picture"]})
    write_index(tmp_path, {"kind": "other"}, [0])
    with pytest.raises(FileError, match="holds no Studio pictures"):
        Studio(tmp_path)
    about = {"kind": "studio", "schema": 1, "skeleton": "h36m_18"}
    write_index(tmp_path, about, [0])
    with pytest.raises(FileError, match="example a: the picture cannot be decoded"):
        Studio(tmp_path)[0]
    with pytest.raises(FileError, match="example a: the picture cannot be decoded"):
        contact_sheet(ShardReader(tmp_path), [0])


def test_a_sheet_shows_every_example(folder) -> None:
    reader = ShardReader(folder)
    sheet = np.asarray(contact_sheet(reader, [0, 40, 80], columns=2))
    # Two rows of two, each of three panels; the last place is empty.
    height, width, _ = sheet.shape
    assert width > 2 * 3 * 160
    panels = [sheet[h : h + 160, 4 + i * 164 :][:, :160] for h in (4, 168) for i in range(3)]
    assert min(p.std() for p in panels) > 10
    assert sheet[height // 2 + 10 :, width // 2 + 10 :].std() < 5
    mask = panels[1]
    assert set(np.unique(mask[8:-8:16, 8:-8:16].mean(-1))) >= {0, 255}


def test_a_body_of_the_users_own_file_is_rendered(tmp_path) -> None:
    file, other = tmp_path / "smal.npz", tmp_path / "other.npz"
    np.savez(file, **model_arrays("smal_35", "z up"))
    np.savez(other, **model_arrays("smal_35", "z up", seed=1))
    config = replace(TINY, scenes=2, body=f"smal:{file}")
    begin(tmp_path / "dogs", config)
    make_shards(tmp_path / "dogs", config, range(config.shards))
    finish(tmp_path / "dogs", config)
    studio = Studio(tmp_path / "dogs")
    assert studio.skeleton.name == "stanfordextra_24"
    assert studio[0].mask.any()
    joints, valid = studio.joints(0, studio.skeleton)
    torch.testing.assert_close(joints, studio[0].joints_cam.float(), atol=1e-3, rtol=0)
    # Landmarks are vertices of the authors' mesh, which this is not.
    assert valid.sum() == 16
    begin(tmp_path / "dogs", replace(config, body=f"smal:{file.rename(tmp_path / 'moved.npz')}"))
    with pytest.raises(ValueError, match="was begun with body_sha256"):
        begin(tmp_path / "dogs", replace(config, body=f"smal:{other}"))
    with pytest.raises(ValueError, match=r"name it, smal:FILE"):
        begin(tmp_path / "none", replace(config, body="smal"))
    with pytest.raises(FileNotFoundError, match="nowhere"):
        begin(tmp_path / "none", replace(config, body="smal:nowhere.npz"))


def test_settings_are_in_the_index(folder) -> None:
    about = ShardReader(folder).about
    assert about["settings"]["size_px"] == 32
    assert about["part_names"][0] == "pelvis"
    assert json.loads((folder / "settings.json").read_text())["body"] == "capsule-human"

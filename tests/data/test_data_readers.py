import json

import numpy as np
import pytest
import torch

from vitruve.data import READERS, Mixture, MixtureConfig, write_store
from vitruve.io.keypoint_file import write_keypoints
from vitruve.poses import KeypointSequence
from vitruve.skeletons import skeleton

BVH = """HIERARCHY
ROOT Hips
{
  OFFSET 0 0 0
  CHANNELS 6 Xposition Yposition Zposition Zrotation Xrotation Yrotation
  JOINT Chest
  {
    OFFSET 0 50 0
    CHANNELS 3 Zrotation Xrotation Yrotation
    End Site
    {
      OFFSET 0 40 0
    }
  }
}
MOTION
Frames: 2
Frame Time: 0.02
0 90 0 0 0 0 0 0 0
0 95 0 0 0 0 0 0 0
"""

ASF = """:version 1.10
:name figure
:units
  mass 1.0
  length 0.45
  angle deg
:root
  order TX TY TZ RX RY RZ
  axis XYZ
  position 0 0 0
  orientation 0 0 0
:bonedata
  begin
     id 1
     name thorax
     direction 0 1 0
     length 4.5
     axis 0 0 0 XYZ
     dof rx ry rz
     limits (-180 180)
            (-180 180)
            (-180 180)
  end
:hierarchy
  begin
    root thorax
  end
"""

AMC = """:FULLY-SPECIFIED
:DEGREES
1
root 0 9 0 0 0 0
thorax 0 0 0
2
root 0 9 0 0 0 0
thorax 90 0 0
"""


def test_bvh_folders(tmp_path):
    (tmp_path / "anna").mkdir()
    (tmp_path / "anna/jump.bvh").write_text(BVH)
    (tmp_path / "walk.BVH").write_text(BVH)
    clips = {c.name: c for c in READERS["bvh"](tmp_path, unit_m=0.01)}
    assert sorted(clips) == ["anna/jump", "walk"]
    jump = clips["anna/jump"]
    assert (jump.subject, jump.action, jump.fps) == ("anna", "jump", 50.0)
    assert jump.skeleton.names == ("Hips", "Chest")
    np.testing.assert_allclose(jump.joints_world[:, 0, 2], [0.9, 0.95], atol=1e-6)
    assert len(write_store(READERS["bvh"](tmp_path), tmp_path / "store")) == 2


def test_cmu_folders(tmp_path):
    folder = tmp_path / "subjects/02"
    folder.mkdir(parents=True)
    (folder / "02.asf").write_text(ASF)
    (folder / "02_01.amc").write_text(AMC)
    (clip,) = READERS["cmu"](tmp_path)
    assert (clip.name, clip.subject, clip.fps) == ("02_01", "02", 120.0)
    bone = clip.joints_world[:, 1] - clip.joints_world[:, 0]
    np.testing.assert_allclose(np.linalg.norm(bone, axis=-1), 0.254, atol=1e-5)
    np.testing.assert_allclose(clip.joints_world[:, 0, 2], 0.508, atol=1e-5)


def test_keypoint_files(tmp_path):
    keypoints = KeypointSequence(
        skeleton=skeleton("coco_17"),
        keypoints_px=torch.rand(3, 17, 2, generator=torch.Generator().manual_seed(0)) * 100 + 50,
        valid=torch.ones(3, 17, dtype=torch.bool),
        confidence=torch.full((3, 17), 0.5),
        frames=torch.arange(3),
        fps=25.0,
        image_size_px=(320, 240),
    )
    write_keypoints([keypoints], tmp_path / "clip.json")
    for root in (tmp_path, tmp_path / "clip.json"):
        (clip,) = READERS["keypoints"](root)
        assert clip.name == "clip:0"
        assert clip.joints_world is None
        assert clip.skeleton.name == "coco_17"
        torch.testing.assert_close(clip.keypoints[0].keypoints_px, keypoints.keypoints_px)


def write_archive(path, **changes):
    clips = [
        {
            "name": name,
            "subject": None if name == "b" else "CMU001",
            "action": "walk",
            "split": split,
            "fps": 60,
            "joints": ["hip", "knee"],
            "parents": [-1, 0],
        }
        for name, split in (("a", "train"), ("b", "test"))
    ]
    arrays = {"meta": np.array(json.dumps({"clips": clips}))}
    for clip in clips:
        arrays[f"h17/{clip['name']}"] = np.ones((4, 17, 3), dtype=np.float32)
        arrays[f"native/{clip['name']}"] = np.ones((4, 2, 3), dtype=np.float32)
    arrays["h17/b"][1, 2] = np.nan
    np.savez(path, **arrays | changes)


def test_cmu_archive(tmp_path):
    write_archive(tmp_path / "cmu_motion.npz")
    read = READERS["cmu_archive"]
    train, test = read(tmp_path)
    assert (train.name, train.subject, train.split, train.fps) == ("a", "CMU001", "train", 60.0)
    assert train.skeleton is skeleton("h36m_17")
    assert test.subject == ""
    assert not test.valid[1, 2]
    assert np.isfinite(test.joints_world).all()
    assert [c.name for c in read(tmp_path / "cmu_motion.npz", "test")] == ["b"]
    assert next(read(tmp_path, joints="native")).skeleton.names == ("hip", "knee")


def test_damaged_cmu_archives(tmp_path):
    path = tmp_path / "cmu_motion.npz"
    write_archive(path, meta=np.array("{"))
    with pytest.raises(ValueError, match="no readable `meta`"):
        list(READERS["cmu_archive"](tmp_path))
    write_archive(path, meta=np.array("{}"))
    with pytest.raises(ValueError, match="lists no clips"):
        list(READERS["cmu_archive"](tmp_path))
    write_archive(path, meta=np.array([{}], dtype=object))
    with pytest.raises(ValueError, match="pickled object array"):
        list(READERS["cmu_archive"](tmp_path))


@pytest.mark.parametrize("name", READERS)
def test_missing_data_says_what_is_expected(name, tmp_path):
    with pytest.raises(FileNotFoundError, match=r"expected|vitruve detect"):
        READERS[name](tmp_path)


@pytest.mark.parametrize("name", ["bvh", "cmu", "keypoints"])
def test_readers_without_splits_say_so(name, tmp_path):
    with pytest.raises(ValueError, match="split='train' selects nothing"):
        READERS[name](tmp_path, "train")


def test_mixture_has_fixed_quotas_and_even_use():
    mixture = Mixture({"cmu": 5, "own": 40}, MixtureConfig({"cmu": 2, "own": 4}, seed=1))
    steps = [mixture.examples_at(step) for step in range(10)]
    assert all(len(s["cmu"]) == 2 and len(s["own"]) == 4 for s in steps)
    drawn = torch.cat([s["cmu"] for s in steps])
    assert torch.bincount(drawn).tolist() == [4] * 5
    assert sorted(torch.cat([s["own"] for s in steps]).tolist()) == list(range(40))


def test_mixture_is_a_function_of_the_step_and_divides_among_ranks():
    config = MixtureConfig({"cmu": 2, "own": 4}, seed=1)
    mixture, again = (Mixture({"cmu": 5, "own": 40}, config) for _ in range(2))
    whole = mixture.examples_at(7)["own"]
    assert torch.equal(again.examples_at(7)["own"], whole)
    parts = [again.examples_at(7, rank, 2)["own"] for rank in (0, 1)]
    assert torch.equal(torch.cat(parts), whole)
    with pytest.raises(ValueError, match="quota 2 of 'cmu' does not divide among 4 ranks"):
        mixture.examples_at(0, 0, 4)


def test_mixture_refuses_impossible_quotas():
    with pytest.raises(KeyError, match="quota for 'h3wb', but the datasets are cmu"):
        Mixture({"cmu": 5}, MixtureConfig({"h3wb": 1}))
    with pytest.raises(ValueError, match="both must be at least 1"):
        Mixture({"cmu": 0}, MixtureConfig({"cmu": 1}))
    with pytest.raises(ValueError, match="needs a quota"):
        Mixture({"cmu": 5}, MixtureConfig())

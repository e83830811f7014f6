import pytest
from cli_samples import body, walk

from vitruve.io import read, read_keypoints, write, write_keypoints
from vitruve.poses import PoseSequence
from vitruve.skeletons import skeleton


@pytest.fixture
def motion(tmp_path):
    """A standing person, z up."""
    joints = body("h36m_17")[:, [0, 2, 1]] * -1
    joints = joints.expand(6, -1, -1).contiguous()
    frames = walk(6).frames
    valid = joints[..., 0] < 9
    write(PoseSequence(skeleton("h36m_17"), joints, valid, frames, 30.0), tmp_path / "in.npz")
    return tmp_path / "in.npz"


@pytest.mark.parametrize("suffix", ["bvh", "c3d", "csv", "glb", "json", "npz", "trc"])
def test_motion_to_every_format(vitruve, motion, tmp_path, suffix):
    out = tmp_path / f"out.{suffix}"
    assert vitruve("convert", motion, out) == (0, f"{out}\n", "")
    if suffix != "glb":
        again, given = read(out), read(motion)
        assert again.fps == pytest.approx(given.fps)
        head = [s.joints_world[:, s.skeleton.index("head_top")] for s in (again, given)]
        assert (head[0] - head[1]).abs().max() < 1e-3


def test_another_skeleton_with_its_report(vitruve, motion, tmp_path):
    out = tmp_path / "out.npz"
    code, said, _ = vitruve("convert", motion, out, "--skeleton", "coco_17")
    assert code == 0
    lines = said.splitlines()
    assert len(lines) == 2
    assert lines[0].startswith("h36m_17 -> coco_17: ")
    person = read(out)
    assert person.skeleton.name == "coco_17"
    assert not person.valid[:, person.skeleton.index("left_ear")].any()
    _, full, _ = vitruve("convert", motion, out, "--skeleton", "coco_17", "--report")
    assert "absent: " in full
    assert full.splitlines()[0] == lines[0]


def test_keypoints_in_another_skeleton(vitruve, keypoints, tmp_path):
    out = tmp_path / "out.json"
    code, said, _ = vitruve("convert", keypoints, out, "--skeleton", "h36m_17")
    assert code == 0
    assert "coco_17 -> h36m_17" in said
    person, given = read_keypoints(out)[0], read_keypoints(keypoints)[0]
    assert person.skeleton.name == "h36m_17"
    wrists = [s.keypoints_px[:, s.skeleton.index("left_wrist")] for s in (person, given)]
    assert (wrists[0] - wrists[1]).abs().max() < 1e-3


def test_a_file_may_replace_itself(vitruve, tmp_path):
    write_keypoints([walk()], tmp_path / "k.npz")
    assert (
        vitruve("convert", tmp_path / "k.npz", tmp_path / "k.npz", "--skeleton", "lsp_14")[0] == 0
    )
    assert read_keypoints(tmp_path / "k.npz")[0].skeleton.name == "lsp_14"

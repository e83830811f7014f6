import numpy as np
import pytest
import torch
from motion_samples import sample

import vitruve
from vitruve.io import FileError

TWO_BONES = """HIERARCHY
ROOT Hips
{
\tOFFSET 0.0 0.0 0.0
\tCHANNELS 6 Xposition Yposition Zposition Yrotation Xrotation Zrotation
\tJOINT Left Leg
\t{
\t\tOFFSET 10.0 -80.0 0.0
\t\tCHANNELS 3 Xrotation Zrotation Yrotation
\t\tEnd Site
\t\t{
\t\t\tOFFSET 0.0 -85.0 0.0
\t\t}
\t}
}
MOTION
Frames: 2
Frame Time: 0.0333333
0 100 0 0 0 0 0 0 0
1 100 0 90 0 0 90 0 0
"""


@pytest.fixture
def path(tmp_path):
    (tmp_path / "a.bvh").write_text(TWO_BONES)
    return tmp_path / "a.bvh"


def test_joints_by_hand_in_any_channel_order(path):
    clip = vitruve.read(path, end_sites=True)
    assert clip.skeleton.names == ("Hips", "Left_Leg", "Left_Leg_end")
    assert clip.fps == pytest.approx(30, abs=1e-3)
    # y-up centimetres (10, 20, 0) become z-up metres (.1, 0, .2).
    expected = [[0, 0, 1], [0.1, 0, 0.2], [0.1, 0, -0.65]]
    np.testing.assert_allclose(clip.joints_world[0], expected, atol=1e-6)
    # Root turned 90 degrees about y: x to -z. Leg turned 90 degrees about x: -y to -z, then to -x.
    y_up = np.array([[1, 100, 0], [1, 20, -10], [1 - 85, 20, -10]]) / 100
    expected = np.stack([y_up[:, 0], -y_up[:, 2], y_up[:, 1]], -1)
    np.testing.assert_allclose(clip.joints_world[1], expected, atol=1e-6)
    assert vitruve.read(path).skeleton.names == ("Hips", "Left_Leg")


@pytest.mark.parametrize(("scale", "unit"), [(1, "cm"), (10, "mm"), (0.01, "m"), (0.394, "in")])
def test_the_unit_is_guessed_by_size_and_said(path, scale, unit):
    lines = TWO_BONES.splitlines()
    for i, line in enumerate(lines):
        if "OFFSET" in line:
            x, y, z = (float(v) * scale for v in line.split()[1:])
            lines[i] = f"OFFSET {x} {y} {z}"
    path.write_text("\n".join(lines))
    assert f"unit {unit} (guessed: the rest figure spans" in vitruve.read(path).model
    assert "given" in vitruve.read(path, unit_m=0.01, up="y").model


def test_several_figures_are_refused(path):
    head, motion = TWO_BONES.split("MOTION")
    path.write_text(head + head.removeprefix("HIERARCHY\n") + "MOTION" + motion)
    with pytest.raises(FileError, match="holds several figures"):
        vitruve.read(path)


@pytest.mark.parametrize(
    ("old", "new", "line"),
    [
        ("1 100 0 90 0 0 90 0 0\n", "", "states 2 frames and holds 1; is it cut short"),
        ("1 100 0 90 0 0 90 0 0", "1 100 0", "frame 1: 3 values, expected 9"),
        ("0.0333333", "0", "frame time of 0 s"),
        ("Yrotation Xrotation", "Wrotation Xrotation", "channel 'Wrotation'; allowed are X, Y, Z"),
        ("OFFSET 10.0", "OFFSET nan", "line 8: offset is 'nan', no number"),
    ],
)
def test_damage_is_named(path, old, new, line):
    path.write_text(TWO_BONES.replace(old, new))
    with pytest.raises(FileError, match=line):
        vitruve.read(path)


def test_a_sidecar_of_another_motion_is_refused(path, tmp_path):
    vitruve.write(sample(4), tmp_path / "b.bvh")
    (tmp_path / "b.bvh.json").rename(tmp_path / "a.bvh.json")
    with pytest.raises(FileError, match="belongs to another motion"):
        vitruve.read(path)


def test_gaps_are_bridged_and_flagged(tmp_path):
    clip = sample()
    read = vitruve.read(vitruve.write(clip, tmp_path / "a.bvh"))
    assert not read.valid[3:6, 16].any()
    # Straight from row 2 to row 6, as far as the arm's length allows.
    share = torch.arange(5)[:, None] / 4
    bridge = torch.lerp(clip.joints_world[2, 16], clip.joints_world[6, 16], share)
    assert (read.joints_world[2:7, 16] - bridge).norm(dim=-1).max() < 0.1


def test_a_joint_never_seen_stays_invalid(tmp_path):
    clip = sample(gaps=False)
    valid = clip.valid.clone()
    valid[:, 16] = False
    hidden = vitruve.PoseSequence(clip.skeleton, clip.joints_world, valid, clip.frames, clip.fps)
    read = vitruve.read(vitruve.write(hidden, tmp_path / "a.bvh"))
    assert torch.equal(read.valid, valid)
    valid[:, 0] = False
    with pytest.raises(ValueError, match="'pelvis' is valid in no frame"):
        vitruve.write(hidden, tmp_path / "b.bvh")


def test_what_hangs_on_a_joint_never_seen_keeps_its_place(tmp_path):
    clip = sample(gaps=False)
    knee, ankle = map(clip.skeleton.names.index, ("left_knee", "left_ankle"))
    valid = clip.valid.clone()
    valid[:, knee] = False
    hidden = vitruve.PoseSequence(clip.skeleton, clip.joints_world, valid, clip.frames, clip.fps)
    read = vitruve.read(vitruve.write(hidden, tmp_path / "a.bvh"))
    # On the line from the hip, at the median of its distances: what a rigid bone can keep.
    assert (read.joints_world - clip.joints_world)[:, ankle].norm(dim=-1).mean() < 0.1

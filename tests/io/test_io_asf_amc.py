import numpy as np
import pytest

import vitruve
from vitruve.io import FileError

ASF = """# a figure of two legs
:version 1.10
:name test
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
     name thigh
     direction 0 -1 0
     length 8
     axis 0 0 30  XYZ
    dof rx ry rz
    limits (-160.0 20.0)
           (-70.0 70.0)
           (-60.0 70.0)
  end
  begin
     id 2
     name shank
     direction 0 -1 0
     length 7
     axis 0 0 0 XYZ
    dof rx
  end
:hierarchy
  begin
    root thigh
    thigh shank
  end
"""
AMC = """#!OML:ASF
:FULLY-SPECIFIED
:DEGREES
1
root 0 17 0 0 0 0
thigh 0 0 0
shank 0
2
root 1 17 2 0 90 0
thigh 90 0 0
shank 0
"""
UNIT_M = 0.0254 / 0.45


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "02.asf").write_text(ASF)
    (tmp_path / "02_01.amc").write_text(AMC)
    return tmp_path


def test_joints_by_hand(folder):
    clip = vitruve.read(folder / "02_01.amc")
    assert clip.skeleton.names == ("root", "thigh", "shank")
    assert clip.skeleton.parents == (-1, 0, 1)
    assert clip.fps == 120
    assert "120 frames/s assumed" in clip.model
    assert clip.frames.tolist() == [0, 1]
    # Frame 1 hangs straight down: y-up (0, 17, 0), (0, 9, 0), (0, 2, 0).
    expected = np.array([[0, 0, 17], [0, 0, 9], [0, 0, 2]]) * UNIT_M
    np.testing.assert_allclose(clip.joints_world[0], expected, atol=1e-6)
    # Frame 2: the thigh turns 90 degrees about its own x, which C has turned 30 degrees about z
    # (to (cos 30, sin 30, 0)); then the root turns 90 degrees about y, (x, y, z) to (z, y, -x).
    c, s = np.cos(np.pi / 6), np.sin(np.pi / 6)
    axis, down = np.array([c, s, 0]), np.array([0, -1.0, 0])
    bone = axis * (axis @ down) + np.cross(axis, down)
    bone = np.array([bone[2], bone[1], -bone[0]])
    joints = [np.array([1, 17, 2]) + bone * length for length in (0, 8, 15)]
    expected = np.array([[x, -z, y] for x, y, z in joints]) * UNIT_M
    np.testing.assert_allclose(clip.joints_world[1], expected, atol=1e-6)


def test_the_figure_may_be_named(folder):
    (folder / "02.asf").rename(folder / "other.asf")
    (folder / "third.asf").write_text(ASF)
    with pytest.raises(FileError, match=r"2 \.asf files lie beside it; name one by asf="):
        vitruve.read(folder / "02_01.amc")
    assert vitruve.read(folder / "02_01.amc", asf=folder / "other.asf", fps=60.0).fps == 60


def test_a_figure_is_no_motion(folder):
    with pytest.raises(FileError, match=r"figure without motion: read an \.amc"):
        vitruve.read(folder / "02.asf")


@pytest.mark.parametrize(
    ("old", "new", "line"),
    [
        ("shank 0\n2", "2", "'shank 0' fits no bone"),
        ("thigh 90 0 0", "thigh 90 0", "2 values, expected 3"),
        ("thigh 90 0 0", "arm 90 0 0", "fits no bone"),
    ],
)
def test_motion_that_does_not_fit_the_figure(folder, old, new, line):
    path = folder / "02_01.amc"
    path.write_text(AMC.replace(old, new))
    with pytest.raises(FileError, match=line):
        vitruve.read(path)


def test_radians(folder):
    path = folder / "02_01.amc"
    degrees = vitruve.read(path).joints_world
    radians = AMC.replace(":DEGREES", ":RADIANS").replace(" 90", f" {np.pi / 2}")
    path.write_text(radians)
    np.testing.assert_allclose(vitruve.read(path).joints_world, degrees, atol=1e-6)

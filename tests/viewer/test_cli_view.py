from dataclasses import replace

import pytest
from stick_walk import example, film

from vitruve import cli
from vitruve.cli.view import main
from vitruve.io import write
from vitruve.io.keypoints import write_keypoints


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("view")
    pose, truth, keypoints = example(12)
    write(pose, folder / "pose.npz")
    write(truth, folder / "truth.json")
    write_keypoints([keypoints], folder / "points.json")
    film(folder / "clip.mp4", 12)
    return folder


def test_motion_keypoints_and_video_become_one_page(folder, capsys):
    files = [str(folder / name) for name in ("pose.npz", "points.json")]
    extra = ["--video", str(folder / "clip.mp4"), "--truth", str(folder / "truth.json")]
    assert main([*files, *extra, "--out", str(folder / "all.html")]) == 0
    assert capsys.readouterr().out.strip() == str(folder / "all.html")
    text = (folder / "all.html").read_text()
    assert "<title>clip.mp4</title>" in text
    assert '"videoType":"video/mp4"' in text
    assert '"example detector' in text


def test_the_page_lies_beside_the_first_file_and_people_are_numbered(folder):
    assert main([str(folder / "pose.npz"), str(folder / "truth.json")]) == 0
    text = (folder / "pose.html").read_text()
    assert '"person":1' in text
    assert '"person":2' in text


@pytest.mark.parametrize(
    ("name", "data", "message"),
    [
        ("a.json", b"{}", "neither 3D motion nor 2D keypoints"),
        ("a.bvh", b"HIERARCHY", "a.bvh"),
        ("a.xyz", b"", "has the suffix '.xyz'"),
    ],
)
def test_what_cannot_be_shown_is_one_line(tmp_path, capsys, name, data, message):
    (tmp_path / name).write_bytes(data)
    assert cli.main(["view", str(tmp_path / name)]) != 0
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1
    assert not list(tmp_path.glob("*.html"))


def test_a_file_that_is_not_there_is_one_line(tmp_path, capsys):
    assert cli.main(["view", str(tmp_path / "none.npz")]) != 0
    assert "no such file" in capsys.readouterr().err


def test_files_of_different_rates_are_refused(folder, tmp_path, capsys):
    write(replace(example(12)[0], fps=25.0), tmp_path / "slow.npz")
    assert cli.main(["view", str(folder / "pose.npz"), str(tmp_path / "slow.npz")]) != 0
    assert "frame rates differ" in capsys.readouterr().err

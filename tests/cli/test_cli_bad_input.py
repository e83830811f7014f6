"""Whatever is fed in: one clear line, exit code not 0, and what was there stays."""

import errno
import io
import json
import os
import pickle
import struct
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch
from cli_samples import NUM_FRAMES, walk

from vitruve.io import write_keypoints
from vitruve.io.video_writer import write_video
from vitruve.pipeline import people as people_stage
from vitruve.pipeline import run as run_stage


@pytest.fixture
def fails(vitruve, tmp_path):
    """Run a command line that must fail in one line saying ``words``, and harm nothing."""

    def run(args, *words):
        before = _snapshot(tmp_path)
        code, _, err = vitruve(*args)
        assert code == 2, err
        assert err.count("\n") == 1, err
        assert err.startswith("vitruve: ")
        for word in words:
            assert str(word) in err, err
        after = _snapshot(tmp_path)
        assert {name: after.get(name) for name in before} == before
        assert not [name for name in after if "writing-" in name]

    return run


def _snapshot(folder):
    """Content of every file; the size alone of large ones."""
    return {
        str(p.relative_to(folder)): p.read_bytes()
        if p.stat().st_size < 1 << 24
        else p.stat().st_size
        for p in folder.rglob("*")
        if p.is_file()
    }


def _array_file(path, points):
    np.savez(path, keypoints=points, scores=np.ones(points.shape[:-1], np.float32))


def _points():
    return walk().keypoints_px.numpy()


class _Code:
    """Unpickling it makes a file."""

    def __init__(self, mark):
        self.mark = mark

    def __reduce__(self):
        return Path.touch, (Path(self.mark),)


def _empty_video(folder):
    (folder / "x.mp4").touch()


def _text_as_video(folder):
    (folder / "x.mp4").write_text("not a video " * 100)


def _sparse_video(folder):
    (folder / "x.mp4").touch()
    os.truncate(folder / "x.mp4", 10 * 2**30)


def _sparse_npz(folder):
    (folder / "x.npz").touch()
    os.truncate(folder / "x.npz", 10 * 2**30)


def _sparse_json(folder):
    (folder / "x.json").touch()
    os.truncate(folder / "x.json", 10 * 2**30)


def _folder_without_images(folder):
    (folder / "x").mkdir()
    (folder / "x" / "notes.txt").write_text("nothing here")


def _nan(folder):
    _array_file(folder / "x.npz", np.full((NUM_FRAMES, 17, 2), np.nan, np.float32))


def _infinite(folder):
    _array_file(folder / "x.npz", np.full((NUM_FRAMES, 17, 2), np.inf, np.float32))


def _far_away(folder):
    _array_file(folder / "x.npz", _points() + np.float32(1e9))


def _seven_joints(folder):
    _array_file(folder / "x.npz", _points()[:, :7])


def _no_frames(folder):
    _array_file(folder / "x.npz", np.zeros((0, 17, 2), np.float32))


def _empty_list(folder):
    (folder / "x.json").write_text("[]")


def _bomb(folder):
    """Two arrays that state three gigabytes each inside an archive of a few hundred bytes."""
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        archive.writestr("keypoints.npy", b"0" * 64)
        archive.writestr("scores.npy", b"0" * 64)
    content = bytearray(data.getvalue())
    at = -1
    while (at := content.find(b"PK\x01\x02", at + 1)) >= 0:
        content[at + 24 : at + 28] = struct.pack("<I", 3 * 2**30)
    (folder / "x.npz").write_bytes(content)


def _huge_array(folder):
    head = io.BytesIO()
    shape = (10**9, 17, 2)
    stated = {"descr": "<f4", "fortran_order": False, "shape": shape}
    np.lib.format.write_array_header_1_0(head, stated)
    with zipfile.ZipFile(folder / "x.npz", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("keypoints.npy", head.getvalue() + bytes(10**6))


def _pickle_in_npz(folder):
    np.savez(folder / "x.npz", keypoints=np.array([_Code(folder / "ran")], dtype=object))


def _pickle_alone(folder):
    (folder / "x.npz").write_bytes(pickle.dumps(_Code(folder / "ran")))


SOURCES = {
    "empty video": (_empty_video, "x.mp4", ("x.mp4 is empty",)),
    "text as video": (_text_as_video, "x.mp4", ("x.mp4",)),
    "10 GB video": (_sparse_video, "x.mp4", ("x.mp4",)),
    "10 GB npz": (_sparse_npz, "x.npz", ("x.npz has 10,737,418,240 bytes",)),
    "10 GB json": (_sparse_json, "x.json", ("x.json has 10,737,418,240 bytes",)),
    "folder without images": (_folder_without_images, "x", ("x", "image")),
    "NaN keypoints": (_nan, "x.npz", ("x.npz shows no person",)),
    "infinite keypoints": (_infinite, "x.npz", ("x.npz shows no person",)),
    "out of range": (_far_away, "x.npz", ("x.npz shows no person",)),
    "wrong joint count": (_seven_joints, "x.npz", ("x.npz has 7 keypoints", "17 (coco_17)")),
    "no frames": (_no_frames, "x.npz", ("x.npz",)),
    "empty list": (_empty_list, "x.json", ("x.json",)),
    "zip bomb": (_bomb, "x.npz", ("x.npz unpacks to 6,442,450,944 bytes",)),
    "huge array": (_huge_array, "x.npz", ("x.npz declares an array of (1000000000, 17, 2)",)),
    "pickle in npz": (_pickle_in_npz, "x.npz", ("x.npz", "pickled Python objects")),
    "pickle": (_pickle_alone, "x.npz", ("x.npz",)),
    "missing": (lambda folder: None, "x.mp4", ("no such", "x.mp4")),
}


@pytest.fixture
def earlier(tmp_path):
    """Results of an earlier run, which must survive."""
    out = tmp_path / "out"
    out.mkdir()
    (out / "person0.npz").write_bytes(b"earlier")
    (out / "page.html").write_bytes(b"earlier")
    return out


@pytest.mark.parametrize("case", SOURCES)
def test_bad_sources(fails, weights, tmp_path, earlier, case):
    make, name, words = SOURCES[case]
    make(tmp_path)
    fails(("estimate", tmp_path / name, "--model", weights, "--out", earlier), *words)
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("case", [c for c, s in SOURCES.items() if s[1] != "x"])
def test_bad_sources_of_other_verbs(fails, weights, tmp_path, case):
    make, name, _ = SOURCES[case]
    make(tmp_path)
    if name.endswith(".mp4"):
        fails(("detect", tmp_path / name, "--out", tmp_path / "k.npz"), name)
    else:
        fails(("convert", tmp_path / name, tmp_path / "k.npz"), name)
    fails(("lift", tmp_path / name, "--model", weights, "--out", tmp_path / "o"), name)
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (("--skeleton", "smpl_42"), ("'smpl_42'", "'smpl_24'")),
        (("--keypoint-skeleton", "coco_71"), ("'coco_71'", "'coco_17'")),
        (("--keypoint-skeleton", "halpe_26"), ("17 keypoints", "halpe_26 has 26")),
        (("--skeleton", "fly_32"), ("fly_32",)),
        (("--format", "npz,fbx"), ("'fbx'", "bvh")),
        (("--model", "nope"), ("'nope'",)),
        (("--fov", "400"), ("400",)),
        (("--fov", "60", "--camera", "camera.json"), ("not both",)),
        (("--camera", "nowhere.json"), ("nowhere.json",)),
        (("--height", "180"), ("180", "centimetres")),
        (("--height", "nan"), ("nan",)),
        (("--smooth-hz", "-1"), ("--smooth-hz -1",)),
        (("--fps", "0"), ("--fps 0",)),
        (("--size", "big"), ("'big'", "1920x1080")),
        (("--max-persons", "-1"), ("--max-persons -1",)),
    ],
)
def test_bad_settings(fails, keypoints, weights, earlier, args, words):
    _array_file(keypoints, _points())
    fails(("lift", keypoints, "--model", weights, "--out", earlier, *args), *words)


def test_arguments_that_do_not_exist(vitruve, keypoints):
    code, _, err = vitruve("lift", keypoints, "--heigth", "1.8")
    assert code == 2
    assert "--height" in err


def test_weights_that_run_code(fails, keypoints, tmp_path):
    mark = tmp_path / "ran"
    torch.save({"state": _Code(mark)}, tmp_path / "evil.pt")
    (tmp_path / "evil.safetensors").write_bytes(pickle.dumps(_Code(mark)))
    for name in ("evil.pt", "evil.safetensors"):
        fails(("lift", keypoints, "--model", tmp_path / name, "--out", tmp_path / "out"), name)
    assert not mark.exists()


@pytest.mark.usefixtures("nobody")
def test_nobody_in_the_clip(fails, clip, weights, tmp_path):
    found = "no person found in the 12 frames"
    fails(("estimate", clip, "--model", weights, "--out", tmp_path / "out"), found, clip)
    fails(("detect", clip, "--out", tmp_path / "k.npz"), found, clip)


def test_a_truncated_clip_gives_what_it_has(vitruve, weights, tmp_path):
    images = np.random.default_rng(0).integers(0, 256, (40, 48, 64, 3), dtype=np.uint8)
    clip, out = tmp_path / "cut.mp4", tmp_path / "out"
    write_video(clip, images, 25.0)
    os.truncate(clip, clip.stat().st_size // 2)
    # The second run finds everything done, and still says that the clip is damaged.
    for _ in range(2):
        code, said, err = vitruve("estimate", clip, "--model", weights, "--out", out)
        assert code == 2
        assert err.count("\n") == 1
        assert "cut.mp4 is damaged or cut short" in err
        assert "of 40 stated" in err
        assert str(out / "page.html") in said
        assert (out / "person0.npz").exists()
    code, _, err = vitruve("detect", clip, "--out", tmp_path / "k.npz")
    assert code == 2
    assert err.count("\n") == 1
    assert (tmp_path / "k.npz").exists()


def test_one_frame_and_gaps_are_no_error(vitruve, weights, tmp_path):
    points = _points()
    _array_file(tmp_path / "one.npz", points[:1])
    points[3:5] = np.nan
    points[7, 2] = 1e9
    _array_file(tmp_path / "gaps.npz", points)
    for name in ("one.npz", "gaps.npz"):
        code, said, err = vitruve(
            "lift", tmp_path / name, "--model", weights, "--out", tmp_path / name[:-4]
        )
        assert (code, err) == (0, ""), err
        assert "with a pose" in said


def test_one_picture_is_no_error(vitruve, weights, tmp_path):
    from PIL import Image

    Image.new("RGB", (64, 48)).save(tmp_path / "one.png")
    code, _, err = vitruve("estimate", tmp_path / "one.png", "--model", weights, "--out", tmp_path)
    assert (code, err) == (0, ""), err


def test_any_name_is_a_name(vitruve, weights, tmp_path):
    source, out = tmp_path / "Läufer 走る '&<b>.npz", tmp_path / "résultat данные"
    write_keypoints([walk()], source)
    code, said, _ = vitruve("lift", source, "--model", weights, "--out", out, "--format", "bvh,glb")
    assert code == 0
    assert "Läufer 走る" in said
    assert "<b>.npz</" not in (out / "page.html").read_text("utf-8")
    assert vitruve("convert", out / "person0.bvh", out / "走る.trc")[0] == 0


def test_a_file_where_a_folder_should_be(fails, keypoints, clip, weights, tmp_path):
    file = tmp_path / "taken"
    file.write_text("mine")
    fails(("lift", keypoints, "--model", weights, "--out", file), "taken is a file")
    fails(("lift", keypoints, "--model", weights, "--out", file / "below"), "taken")
    fails(("detect", clip, "--out", file / "k.npz"), "taken")
    fails(("convert", keypoints, file / "k.npz"), "taken")
    fails(("data", "build", "keypoints", keypoints, file), "taken")


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="needs a folder nobody may write")
def test_a_folder_that_cannot_be_written(fails, keypoints, clip, weights):
    fails(("lift", keypoints, "--model", weights, "--out", "/proc/vitruve"), "/proc/vitruve")
    fails(("detect", clip, "--out", "/proc/k.npz"), "/proc/k.npz")
    fails(("convert", keypoints, "/proc/k.npz"), "/proc/k.npz")


@pytest.mark.parametrize("moment", ["motion", "lifting", "keypoints"])
def test_a_full_disk(fails, vitruve, keypoints, weights, tmp_path, monkeypatch, moment):
    """Everything up to the moment stays, and the next run ends the job."""
    out, target = tmp_path / "out", tmp_path / "k.json"
    write_keypoints([walk(), walk(person=1)], keypoints)
    args = ("lift", keypoints, "--model", weights, "--out", out, "--format", "npz,trc")

    def full(*_, **__):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        if moment == "motion":
            patch.setattr("pathlib.Path.replace", full)
        elif moment == "lifting":
            patch.setattr("vitruve.pipeline.lifted_file.np.savez", full)
        else:
            target.write_text("mine")
            patch.setattr("pathlib.Path.write_text", full)
            args = ("convert", keypoints, target)
        fails(args, "No space left on device", tmp_path)
    assert vitruve(*args)[0] == 0


def test_what_was_lifted_before_the_disk_was_full_is_kept(
    fails, vitruve, keypoints, weights, tmp_path, monkeypatch
):
    real = people_stage.write

    def full(person, path):
        if path.suffix == ".trc":
            raise OSError(errno.ENOSPC, "No space left on device; cannot write", str(path))
        return real(person, path)

    args = ("lift", keypoints, "--model", weights, "--out", tmp_path / "out")
    args += ("--format", "npz,trc", "--no-page")
    with monkeypatch.context() as patch:
        patch.setattr(people_stage, "write", full)
        fails(args, "No space left on device", "person0.trc")
    assert (tmp_path / "out" / "person0.npz").exists()
    code, said, _ = vitruve(*args)
    assert code == 0
    assert "every stage was finished by an earlier run" in said


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (("convert", "walk.npz", "walk.bvh"), ("2D keypoints", "vitruve lift")),
        (("convert", "walk.npz", "k.npz", "--skeleton", "nope"), ("'nope'",)),
        (("convert", "broken.bvh", "k.npz"), ("broken.bvh",)),
        (("convert", "broken.json", "k.npz"), ("broken.json", "neither")),
        (("convert", "walk.npz", "k.npz", "--unit-m", "1"), ("--unit-m", ".bvh")),
        (("convert", "clip.mp4", "k.npz"), ("clip.mp4", "pictures")),
        (("lift", "clip.mp4"), ("clip.mp4", "vitruve estimate")),
        (("detect", "walk.npz"), ("walk.npz",)),
        (("detect", "clip.mp4", "--out", "k.csv"), ("'.csv'", "k.csv")),
        (("detect", "clip.mp4", "--threads", "0"), ("--threads 0",)),
        (("data", "check", "nowhere"), ("nowhere", "index.json")),
        (("data", "build", "nope", ".", "store"), ("'nope'", "human36m")),
        (("data", "build", "cmu", ".", "store"), (".amc",)),
        (("data", "build", "cmu", "nowhere", "store"), ("nowhere",)),
        (("data", "build", "bvh", ".", "store"), ("broken.bvh",)),
        (("data", "nope"), ("'nope'", "build")),
        (("nope",), ("'nope'", "estimate")),
    ],
)
def test_other_mistakes(fails, keypoints, clip, tmp_path, monkeypatch, args, words):
    assert keypoints.parent == clip.parent == tmp_path
    monkeypatch.chdir(tmp_path)
    (tmp_path / "broken.bvh").write_text("HIERARCHY\nROOT")
    (tmp_path / "broken.json").write_text(json.dumps({"a": [1, 2]}))
    fails(args, *words)
    assert not (tmp_path / "store").exists()


def test_ctrl_c(vitruve, keypoints, weights, tmp_path, monkeypatch):
    def stop(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(run_stage, "lift_chunk", stop)
    code, _, err = vitruve("lift", keypoints, "--model", weights, "--out", tmp_path / "out")
    assert code == 130
    assert "run the same command again" in err


def test_a_process_says_it_in_one_line():
    command = [sys.executable, "-m", "vitruve.cli", "estimat", "x.mp4"]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ran.returncode == 2
    assert ran.stderr.startswith("vitruve: no verb 'estimat'; there are demo, ")
    assert ran.stderr.count("\n") == 1
    assert ran.stdout == ""

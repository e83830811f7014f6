import hashlib
import io
import json
import os
import signal
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
import releases
import torch
from PIL import Image

from vitruve.data.building.dataset import build_dataset, in_processes
from vitruve.data.building.plan import BuildConfig, Shard, group_shards
from vitruve.data.datasets.examples import PictureExample
from vitruve.data.processing import CropConfig, SelectConfig
from vitruve.data.readers import DATASETS
from vitruve.data.shards.folder import ShardReader
from vitruve.geometry.projection import project
from vitruve.io.errors import FileError
from vitruve.io.video_writer import write_video

SEQUENCE = "170407_haggling_a1"


@pytest.fixture
def release(tmp_path):
    """CMU-Panoptic with pictures of spots where the joints are."""
    root = tmp_path / "panoptic"
    releases.panoptic(root)
    draw(root)
    return root


def draw(root, camera="00_03"):
    folder = root / SEQUENCE / "hdImgs" / camera
    folder.mkdir(parents=True)
    parts, read = DATASETS["panoptic"]
    (part,) = [p for p in parts(root, None) if p.name.endswith(camera)]
    for example in read(part):
        image = np.zeros((1080, 1920, 3), np.uint8)
        points = example.camera.project(torch.from_numpy(example.joints_cam).float()).numpy()
        for x, y in points[example.valid].round().astype(int):
            image[y - 6 : y + 6, x - 6 : x + 6] = 255
        Image.fromarray(image).save(folder / f"{camera}_{example.frame:08d}.jpg", quality=95)


def config(root, **more):
    return replace(BuildConfig("panoptic", str(root), shard_examples=1), **more)


def build(settings, out, workers=1):
    return build_dataset(settings, out, in_processes(workers))


def digest(folder):
    return {
        p.name: hashlib.sha256(p.read_bytes()).hexdigest() for p in sorted(folder.glob("*.npz"))
    }


@pytest.mark.parametrize("perspective", [False, True])
def test_crops_show_joints_where_their_labels_say(release, tmp_path, perspective):
    crop = CropConfig(side_px=256, perspective=perspective)
    reader = build(config(release, crop=crop), tmp_path / "out")
    assert len(reader) == 3
    assert reader.verify() == []
    assert reader.about["skeleton"] == "panoptic_19"
    assert reader.about["counts"] == {"read": 3, "kept": 3, "written": 3, "without a picture": 0}
    assert reader.about["licence"].startswith("Free for non-commercial")
    for example in reader:
        image = np.array(Image.open(io.BytesIO(example["image"])))
        assert image.shape == (256, 256, 3)
        K, lens = (torch.from_numpy(example[k])[None] for k in ("intrinsics", "distortion"))
        joints = torch.from_numpy(example["joints_cam"])[None]
        points = project(joints, K, lens)[0].numpy()
        valid = example["valid"]
        assert valid.sum() == 18
        np.testing.assert_allclose(points[valid], example["keypoints_px"][valid], atol=1e-2)
        x, y = points[valid].astype(int).T
        assert (image[y, x] > 128).all()
        assert not perspective or not lens.any()
        left, top, right, bottom = example["box_px"]
        assert max(right - left, bottom - top) == pytest.approx(256 / 1.5, rel=0.05)
        assert np.linalg.norm(example["up_cam"]) == pytest.approx(1, abs=1e-5)


def test_masks_are_cut_like_their_pictures(tmp_path):
    releases.surreal(tmp_path / "in")
    frames = np.zeros((3, 240, 320, 3), np.uint8)
    frames[:, :, 150:230] = 255
    from scipy.io import savemat

    for video in (tmp_path / "in").rglob("*.mp4"):
        write_video(video, frames, 25.0)
    for masks in (tmp_path / "in").rglob("*_segm.mat"):
        savemat(masks, {f"segm_{i + 1}": frames[i, ..., 0] // 255 * 3 for i in range(3)})
    settings = BuildConfig("surreal", str(tmp_path / "in"), split="train")
    reader = build(settings, tmp_path / "out")
    assert len(reader) == 3
    for example in reader:
        image = np.array(Image.open(io.BytesIO(example["image"])))[..., 0] > 128
        mask = np.array(Image.open(io.BytesIO(example["mask"])))
        assert mask.dtype == bool
        assert mask.shape == image.shape
        assert (mask == image).mean() > 0.97
        assert 0.1 < mask.mean() < 0.9
        assert np.isnan(example["up_cam"]).all()


def test_processes_make_the_same_shards_as_one(release, tmp_path):
    build(config(release), tmp_path / "one")
    build(config(release), tmp_path / "two", workers=2)
    assert digest(tmp_path / "one") == digest(tmp_path / "two")
    assert len(digest(tmp_path / "one")) == 3
    with pytest.raises(ValueError, match="0 workers"):
        in_processes(0)


def test_a_build_goes_on_where_it_stopped(release, tmp_path, monkeypatch):
    out = tmp_path / "out"
    build(config(release), tmp_path / "whole")
    from vitruve.data.building import one_shard

    write, written = one_shard.write_shard, []

    def stop_after_one(path, columns):
        if len(written) == 1:
            raise KeyboardInterrupt
        written.append(path)
        write(path, columns)

    monkeypatch.setattr(one_shard, "write_shard", stop_after_one)
    with pytest.raises(KeyboardInterrupt):
        build(config(release), out)
    assert not (out / "index.json").exists()
    with pytest.raises(FileNotFoundError, match=r"index\.json is missing"):
        ShardReader(out)
    monkeypatch.setattr(one_shard, "write_shard", write)
    first = written[0].stat().st_mtime_ns
    with pytest.raises(ValueError, match=r"begun with crop\.side_px 384, now it is 128"):
        build(config(release, crop=CropConfig(128)), out)
    build(config(release), out)
    assert written[0].stat().st_mtime_ns == first
    assert digest(out) == digest(tmp_path / "whole")
    assert sorted(p.name for p in out.iterdir()) == [
        "index.json",
        *(f"shard-00000{i}.npz" for i in range(3)),
    ]
    with pytest.raises(FileExistsError, match="is finished"):
        build(config(release), out)


KILLED = """
import os, signal, sys
from pathlib import Path
from vitruve.data.building import one_shard
from vitruve.data.building.dataset import build_dataset, in_processes
from vitruve.data.building.plan import BuildConfig

def dying(path, columns):
    # As a power cut would: half a file under its temporary name, and no more.
    (path.parent / ".writing-half.npz").write_bytes(b"half")
    os.kill(os.getpid(), signal.SIGKILL)

one_shard.write_shard = dying
config = BuildConfig("panoptic", sys.argv[1], shard_examples=1)
build_dataset(config, Path(sys.argv[2]), in_processes(1))
"""


def test_after_kill_9_nothing_is_half_written(release, tmp_path):
    out = tmp_path / "out"
    command = [sys.executable, "-c", KILLED, str(release), str(out)]
    assert subprocess.run(command, check=False).returncode == -signal.SIGKILL
    assert not list(out.glob("shard-*"))
    build(config(release), out)
    build(config(release), tmp_path / "whole")
    assert digest(out) == digest(tmp_path / "whole") | {
        n: d for n, d in digest(out).items() if n.startswith(".")
    }
    assert len(ShardReader(out)) == 3


def die(out, item):
    os.kill(os.getpid(), signal.SIGKILL)


def test_a_killed_worker_is_said(tmp_path):
    with pytest.raises(OSError, match=r"a worker was killed .* run the same command again"):
        list(in_processes(2)(die, tmp_path, [1, 2, 3]))


def test_a_missing_picture_stops_the_build_or_is_counted(release, tmp_path):
    picture = sorted((release / SEQUENCE / "hdImgs/00_03").iterdir())[1]
    picture.unlink()
    with pytest.raises(FileNotFoundError, match=r"no such image: .*00000001\.jpg"):
        build(config(release), tmp_path / "out")
    assert not (tmp_path / "out/index.json").exists()
    reader = build(config(release, skip_broken=True), tmp_path / "other")
    assert reader.about["counts"]["without a picture"] == 1
    assert [int(e["frame"]) for e in reader] == [0, 2]
    # The picture turned up: the first build goes on.
    Image.new("RGB", (1920, 1080)).save(picture)
    assert len(build(config(release), tmp_path / "out")) == 3


def test_a_picture_of_another_size_stops_the_build(release, tmp_path):
    picture = sorted((release / SEQUENCE / "hdImgs/00_03").iterdir())[0]
    Image.new("RGB", (1280, 720)).save(picture)
    with pytest.raises(FileError, match="1280 x 720 pixels, its camera 1920 x 1080"):
        build(config(release), tmp_path / "out")


def test_a_short_video_is_counted(tmp_path):
    root = tmp_path / "in"
    releases.surreal(root)
    for video in root.rglob("*.mp4"):
        write_video(video, np.zeros((2, 240, 320, 3), np.uint8), 25.0)
    for masks in root.rglob("*_segm.mat"):
        masks.unlink()
    reader = build(BuildConfig("surreal", str(root)), tmp_path / "out")
    assert reader.about["counts"]["without a picture"] == 1
    assert len(reader) == 2


def test_joints_of_changed_names_or_number_are_refused(release, tmp_path):
    path = next((release / SEQUENCE).glob("hdPose3d*/*.json"))
    scene = json.loads(path.read_text())
    scene["bodies"][0]["joints21"] = scene["bodies"][0].pop("joints19")
    path.write_text(json.dumps(scene))
    with pytest.raises(FileError, match="has no 'joints19'; there are id, joints21"):
        build(config(release), tmp_path / "out")
    scene["bodies"][0]["joints19"] = [0.0] * 84
    path.write_text(json.dumps(scene))
    with pytest.raises(FileError, match=r"joints19 has shape \(84,\), expected \(76,\)"):
        build(config(release), tmp_path / "out")
    assert not list(tmp_path.glob("out/shard-*"))


def test_a_damaged_shard_is_named(release, tmp_path):
    reader = build(config(release), tmp_path / "out")
    path = tmp_path / "out" / reader.entries[1].file
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 255
    path.write_bytes(data)
    assert ShardReader(tmp_path / "out").verify() == [f"shard {path} is damaged (checksum differs)"]
    path.write_bytes(data[: len(data) // 2])
    with pytest.raises(FileError, match=r"shard .* has .* bytes, the index says"):
        ShardReader(tmp_path / "out")[1]


def test_unknown_datasets_formats_and_splits_are_one_line(release, tmp_path):
    for settings, kind, message in (
        (config(release, dataset="h36m"), KeyError, "no dataset 'h36m'"),
        (config(release, skeleton="coco_17"), ValueError, "has no joints in 'coco_17'"),
        (config(release, split="train"), FileNotFoundError, "has no part of split 'train'"),
    ):
        with pytest.raises(kind, match=message):
            build(settings, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_nothing_kept_is_said(release, tmp_path):
    settings = config(release, select=SelectConfig(min_side_px=5000.0))
    with pytest.raises(ValueError, match="nothing to write; of 3 examples 0 were kept"):
        build(settings, tmp_path / "out")


def test_weakly_labelled_crops_have_2d_only(tmp_path, monkeypatch):
    from vitruve.data.datasets.examples import Part
    from vitruve.skeletons import SKELETONS

    Image.new("RGB", (400, 300), (9, 99, 9)).save(tmp_path / "a.png")
    points = np.random.default_rng(0).uniform(50, 250, (17, 2))

    def read(part):
        yield PictureExample(
            picture=tmp_path / "a.png",
            video_frame=None,
            skeleton=SKELETONS["coco_17"],
            valid=np.ones(17, bool),
            joints_cam=None,
            keypoints_px=points,
            camera=None,
            sequence="a",
            frame=0,
        )

    monkeypatch.setitem(DATASETS, "coco", (lambda root, split: [Part(root, "a")], read))
    reader = build(BuildConfig("coco", str(tmp_path)), tmp_path / "out")
    example = reader[0]
    assert "joints_cam" not in example
    left, top, right, bottom = example["box_px"]
    inside = example["keypoints_px"]
    assert (inside > [left, top]).all()
    assert (inside < [right, bottom]).all()
    scale = np.ptp(inside, axis=0) / np.ptp(points, axis=0)
    assert scale[0] == pytest.approx(scale[1], rel=1e-4)
    image = Image.open(io.BytesIO(example["image"]))
    assert image.width == pytest.approx(1.5 * max(right - left, bottom - top), abs=1)


def test_shards_hold_whole_parts_and_split_pictures_only():
    shards = group_shards([3, 0, 2, 10, 1], [False, False, True, True, False], 4)
    assert shards == [
        Shard(0, ((0, 0, 3), (2, 0, 1))),
        Shard(1, ((2, 1, 2), (3, 0, 3))),
        Shard(2, ((3, 3, 7),)),
        Shard(3, ((3, 7, 10), (4, 0, 1))),
    ]
    assert group_shards([9], [False], 4) == [Shard(0, ((0, 0, 9),))]
    assert group_shards([0, 0], [True, True], 4) == []

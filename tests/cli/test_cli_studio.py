import numpy as np
import pytest
from cli_samples import body
from PIL import Image

from vitruve.data import MotionSequence, ShardReader, write_store
from vitruve.data.own.clips import find_clips, named_frames
from vitruve.data.own.mask_file import load_mask
from vitruve.skeletons import skeleton

SMALL = ["--scenes", "20", "--size", "16", "--frames", "1", "--body", "capsule-human"]


@pytest.fixture
def studio(vitruve, tmp_path):
    code, said, err = vitruve("data", "studio", tmp_path / "two", *SMALL, "--workers", "2")
    assert (code, err) == (0, "")
    assert said.splitlines()[0] == "80 pictures of 20 scenes in 2 shards"
    return tmp_path / "two"


def test_studio_is_made_checked_shown_and_gone_on_with(vitruve, studio, tmp_path):
    code, said, _ = vitruve("data", "check", studio)
    assert code == 0
    assert said.startswith("80 examples in 2 shards")
    code, said, _ = vitruve("data", "sheet", studio, "--out", tmp_path / "a.png", "--examples", "3")
    assert code == 0
    with Image.open(tmp_path / "a.png") as sheet:
        assert sheet.width > sheet.height
    code, _, err = vitruve("data", "sheet", studio, "--model", "default")
    assert (code, "reads 2D keypoints" in err) == (2, True)

    first, second = sorted(studio.glob("shard-*.npz"))
    whole, age = second.read_bytes(), first.stat().st_mtime_ns
    second.unlink()
    code, _, err = vitruve("data", "check", studio)
    assert code == 2
    assert "shard-000001.npz is missing" in err
    assert vitruve("data", "studio", studio, *SMALL)[0] == 0
    # One process gives what two gave, and what was there is left alone.
    assert second.read_bytes() == whole
    assert first.stat().st_mtime_ns == age


def test_shards_are_unpacked_into_pictures_that_training_reads(vitruve, studio, tmp_path):
    out = tmp_path / "pictures"
    code, said, _ = vitruve("data", "unpack", studio, out, "--every", "2")
    assert code == 0
    assert said.splitlines() == ["40 pictures, 40 masks", str(out)]
    reader = ShardReader(studio)
    name = str(reader[2]["key"])
    assert (out / f"{name}.jpg").read_bytes() == reader[2]["image"]
    (clip,) = find_clips(out)
    found = {name: load_mask(clip.masks, name) for name, _ in named_frames(clip.source)}
    assert len(found) == 40
    assert all(mask.any() for mask in found.values())
    (out / f"{name}.jpg").unlink()
    assert vitruve("data", "unpack", studio, out, "--every", "2")[0] == 0
    assert (out / f"{name}.jpg").read_bytes() == reader[2]["image"]
    code, _, err = vitruve("data", "unpack", studio, out)
    assert code == 2
    assert "was begun with every 2, now it is 1" in err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["unpack", "nowhere", "out"], "no shards at nowhere"),
        (["studio", "out", "--size", "4"], "size_px 4: must be 16 to 1024"),
        (["studio", "out", "--workers", "0"], "--workers 0: must be 1 or more"),
        (["studio", "out", "--body", "ghost"], "no body 'ghost'"),
        (["studio", "out", "--backgrounds", "nowhere"], "nowhere"),
        (["sheet", "nowhere"], "no shards at nowhere"),
        (["sheet", "nowhere", "--model", "default"], "nowhere"),
        (["sheet", "nowhere", "--out", "a.txt"], "must end in .png or .jpg"),
    ],
)
def test_bad_input_is_one_line(vitruve, tmp_path, monkeypatch, arguments, message):
    monkeypatch.chdir(tmp_path)
    code, _, err = vitruve("data", *arguments)
    assert code == 2
    assert message in err
    assert err.count("\n") == 1


def test_clips_are_put_on_a_body_once(vitruve, tmp_path):
    still = body("h36m_17").numpy()[None].repeat(4, 0).astype(np.float32)
    seen = np.ones(still.shape[:2], bool)
    clip = MotionSequence("a", "b", "", "", skeleton("h36m_17"), 30.0, still, seen)
    write_store([clip], tmp_path / "clips")
    asked = ["data", "motions", tmp_path / "clips", tmp_path / "out", "--body", "capsule-human"]
    code, said, err = vitruve(*asked)
    assert (code, err) == (0, "")
    assert said.startswith("1 clips on body capsule-human")
    reader = ShardReader(tmp_path / "out")
    assert len(reader) == 4
    assert reader.about["kind"] == "body motions"
    age = (tmp_path / "out" / "shard-000000.npz").stat().st_mtime_ns
    assert vitruve(*asked)[0] == 0
    assert (tmp_path / "out" / "shard-000000.npz").stat().st_mtime_ns == age
    code, _, err = vitruve(*asked, "--fps", "15")
    assert code == 2
    assert "was begun with fps 30.0, now it is 15.0" in err

import pytest
import releases
import test_build

from vitruve.cli import main


@pytest.fixture
def run(capsys):
    def call(*args):
        code = main([str(a) for a in args])
        said = capsys.readouterr()
        return code, said.out, said.err

    return call


def test_a_dataset_is_checked_built_and_its_shards_checked(run, tmp_path):
    root, out, sheet = tmp_path / "in", tmp_path / "out", tmp_path / "sheet.jpg"
    releases.panoptic(root)
    test_build.draw(root)
    code, said, err = run("data", "check", "panoptic", root, "--sheet", sheet)
    assert (code, err) == (0, "")
    assert "pictures: 3 opened, 0 missing" in said
    assert "joints inside: 54 of 54 (100.0%)" in said
    assert "labels and pictures fit each other" in said
    assert sheet.stat().st_size > 10_000
    code, said, err = run("data", "build", "panoptic", root, "--out", out, "--side-px", 128)
    assert (code, err) == (0, "")
    assert said.startswith("3 crops in 1 shards, ")
    assert said.splitlines()[-1] == str(out)
    code, said, _ = run("data", "check", out)
    assert code == 0
    assert "3 examples in 1 shards" in said
    code, said, err = run("data", "sheet", out, "--out", tmp_path / "crops.png")
    assert (code, err) == (0, "")
    assert (tmp_path / "crops.png").stat().st_size > 5_000
    (shard,) = out.glob("shard-*.npz")
    shard.write_bytes(shard.read_bytes()[:-1] + b"x")
    code, _, err = run("data", "check", out)
    assert code == 2
    assert "1 files are missing or damaged" in err
    assert err.count("\n") == 1


def test_a_release_that_does_not_fit_says_so_and_still_shows_its_sheet(run, tmp_path):
    releases.panoptic(tmp_path)
    test_build.draw(tmp_path)
    sorted((tmp_path / test_build.SEQUENCE / "hdImgs/00_03").iterdir())[0].unlink()
    code, said, err = run("data", "check", "panoptic", tmp_path, "--sheet", tmp_path / "a.png")
    assert code == 2
    assert "1 missing" in said
    assert "1 things do not fit CMU-Panoptic, the first: no such image" in err
    assert (tmp_path / "a.png").exists()


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["panoptic", ".", "store", "--out", "o"], "give STORE (store) for motion or --out"),
        (["panoptic", "."], "name STORE, the folder to write motion to, or --out for pictures"),
        (["panoptic", "nowhere", "--out", "o"], "no such folder: nowhere"),
        (["panoptic", ".", "--out", "o", "--workers", "0"], "--workers 0: must be 1 or more"),
        (["panoptic", ".", "--out", "o", "--expand", "0.5"], "--expand 0.5: must be 1 or more"),
        (["h36m", ".", "--out", "o"], "no dataset 'h36m'"),
        (["panoptic", ".", "--out", "o"], "is missing: get CMU-Panoptic from"),
    ],
)
def test_wrong_arguments_are_one_line(run, tmp_path, monkeypatch, args, message):
    monkeypatch.chdir(tmp_path)
    code, _, err = run("data", "build", *args)
    assert code == 2
    assert message in err
    assert err.count("\n") == 1
    assert not (tmp_path / "o").exists()

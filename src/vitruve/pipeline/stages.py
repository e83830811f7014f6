"""Which stages of a run are done: an output counts only if it was made from the same input."""

import hashlib
import json
import shutil
from pathlib import Path
from typing import Any

from torch import nn

from vitruve.io.atomic import atomic_path


class Stages:
    """A run's folder: each finished stage with the fingerprint of what it was made of."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except FileExistsError:
            raise FileExistsError(f"{folder} is a file: name a folder for the results") from None
        self._file = folder / "run.json"
        self._done = _read(self._file)

    def done(self, name: str, made_of: Any, *outputs: Path) -> bool:
        """Whether the stage finished on the same input and its outputs are still there."""
        same = self._done.get(name) == digest(made_of)
        return same and all(output.exists() for output in outputs)

    def finish(self, name: str, made_of: Any, remark: str = "") -> None:
        """Write down that the stage is done, and what there is to say about it."""
        self._done |= {name: digest(made_of), f"{name}.remark": remark}
        with atomic_path(self._file) as temporary:
            temporary.write_text(json.dumps(self._done, indent=1, sort_keys=True))

    def remark(self, name: str) -> str:
        """What was said when the stage was finished."""
        return self._done.get(f"{name}.remark", "")

    def workspace(self, name: str, made_of: Any) -> Path:
        """A folder for unfinished work; work on another input is thrown away."""
        folder = self.folder / f"{name}.{digest(made_of)[:12]}.parts"
        for other in self.folder.glob(f"{name}.*.parts"):
            if other != folder:
                shutil.rmtree(other)
        folder.mkdir(exist_ok=True)
        return folder


def digest(value: Any) -> str:
    """Fingerprint of anything JSON can hold."""
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()


def file_digest(path: Path) -> str:
    """Fingerprint of a file's bytes, or of the names and sizes of a folder's files."""
    if path.is_dir():
        return digest(sorted((p.name, p.stat().st_size) for p in path.iterdir()))
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def weights_digest(module: nn.Module) -> str:
    """Fingerprint of a model's weights."""
    found = hashlib.sha256()
    for name, tensor in sorted(module.state_dict().items()):
        found.update(name.encode())
        found.update(tensor.detach().cpu().contiguous().numpy().tobytes())
    return found.hexdigest()


def _read(path: Path) -> dict[str, str]:
    """An unreadable record means that nothing is done."""
    if not path.is_file():
        return {}
    try:
        content = json.loads(path.read_text())
    except ValueError:
        return {}
    return content if isinstance(content, dict) else {}

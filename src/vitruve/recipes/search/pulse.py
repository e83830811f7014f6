"""A file that says that someone is at work on a trial, on any machine that sees the folder."""

import json
import os
import platform
import tempfile
import threading
from contextlib import suppress
from pathlib import Path
from types import TracebackType

from vitruve.io.atomic import atomic_path

BEAT_S = 10.0
"""Seconds between two touches of the file."""
GONE_S = 180.0
"""A file not touched for so long was left behind; shared disks may show a touch a minute late."""


class Pulse:
    """Keeps the file fresh from ``start`` until the end of the ``with`` block."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._beat, name="pulse", daemon=True)

    def start(self) -> None:
        """Write the file and begin to touch it.

        Raises:
            OSError: The folder cannot be written.
        """
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with atomic_path(self.path) as temporary:
            temporary.write_text(_mine())
        self._thread.start()

    def __enter__(self) -> "Pulse":
        """Keep it fresh."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Remove it, unless another process has taken the trial up meanwhile."""
        self._stop.set()
        self._thread.join()
        with suppress(FileNotFoundError):
            if self.path.read_text() == _mine():
                self.path.unlink()

    def _beat(self) -> None:
        while not self._stop.wait(BEAT_S):
            try:
                os.utime(self.path)
            except OSError:
                # A shared disk that is away for a moment; the next touch may succeed.
                continue


def beats(path: Path) -> bool | None:
    """Whether the one who wrote the file is still at work; None where there is no file.

    A process of this machine is asked for; of another, the file must be fresh. Ages are told by
    the clock of the disk, since machines disagree.
    """
    try:
        said = json.loads(path.read_text())
        touched = path.stat().st_mtime
        machine, process = said["machine"], int(said["process"])
    except FileNotFoundError:
        return None
    except OSError:
        # A disk that is away for a moment; rather wait than do the work twice.
        return True
    except (ValueError, KeyError, TypeError):
        return False
    if machine == platform.node() and not _runs(process):
        return False
    with tempfile.TemporaryFile(dir=path.parent) as now:
        return os.fstat(now.fileno()).st_mtime - touched < GONE_S


def _mine() -> str:
    return json.dumps({"machine": platform.node(), "process": os.getpid()})


def _runs(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True

"""Where a run writes its figures: JSON lines always, TensorBoard, and a progress line."""

import json
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from vitruve.io.atomic import atomic_path


class RunLog:
    """Figures of one run, by step; made by the first process only."""

    def __init__(self, out: Path, total_steps: int, first_step: int, console: Console) -> None:
        """Open the logs of a folder and forget what was written past ``first_step``."""
        from tensorboardX import SummaryWriter

        self.path = out / "log.jsonl"
        _drop_after(self.path, first_step)
        self._file = self.path.open("a", encoding="utf-8")
        self._board = SummaryWriter(str(out / "tensorboard"), purge_step=first_step + 1)
        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
            TextColumn("{task.fields[figures]}"),
            console=console,
        )
        self._task = self._bar.add_task(
            "training", total=total_steps, completed=first_step, figures=""
        )
        self._started = (time.monotonic(), first_step)

    def __enter__(self) -> "RunLog":
        """Start the progress line."""
        self._bar.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close every log."""
        self._bar.stop()
        self._file.close()
        self._board.close()

    def advance(self, step: int) -> None:
        """Show that ``step`` updates are made."""
        self._bar.update(self._task, completed=step)

    def write(self, step: int, figures: Mapping[str, float]) -> None:
        """Log the figures after ``step`` updates."""
        start, first = self._started
        rate = (step - first) / max(time.monotonic() - start, 1e-9)
        row = {"step": step, **figures, "steps_per_second": round(rate, 3)}
        self._file.write(json.dumps(row) + "\n")
        self._file.flush()
        for name, value in figures.items():
            self._board.add_scalar(name, value, step)
        shown = " ".join(f"{k} {v:.4g}" for k, v in figures.items() if k != "gradient_norm")
        self._bar.update(self._task, completed=step, figures=f"{rate:.1f} steps/s  {shown}")


def read_log(path: str | Path) -> list[dict[str, float | int]]:
    """Rows of a JSONL log; a last line cut short by a crash is left out."""
    rows = []
    for line in Path(path).read_text(encoding="utf-8").splitlines(keepends=True):
        if line.endswith("\n"):
            rows.append(json.loads(line))
    return rows


def _drop_after(path: Path, step: int) -> None:
    if not path.exists():
        return
    rows = [row for row in read_log(path) if row["step"] <= step]
    with atomic_path(path) as temporary:
        temporary.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")

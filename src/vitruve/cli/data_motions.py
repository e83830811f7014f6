"""``vitruve data motions``: recorded clips put on a body, for Studio."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro


@dataclass(frozen=True)
class MotionsArguments:
    """Put the clips of a sequence store on a body, as shards of frames.

    A killed run goes on with the same command.
    """

    store: Annotated[str, tyro.conf.Positional, tyro.conf.arg(metavar="STORE")]
    """Sequence store that vitruve data build wrote."""
    out: Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="OUT")]
    """Folder of the shards."""
    body: str = "anny"
    """Body: anny, capsule-human, capsule-dog, or smpl:FILE, smplx:FILE, smal:FILE of your own."""
    fps: float = 30.0
    """Frames per second that are kept."""
    workers: int = 1
    """Processes."""


def motions(argv: list[str]) -> int:
    """Fit every clip.

    Raises:
        ValueError: The folder was begun with other settings, or a clip cannot be used.
        OSError: The store is missing, or the folder holds something else or cannot be written.
    """
    arguments = tyro.cli(MotionsArguments, prog="vitruve data motions", args=argv)
    from vitruve.cli.progress import show_progress
    from vitruve.cli.shard_workers import make_in_parallel
    from vitruve.data import SequenceStore
    from vitruve.data.shards.unfinished import begin_folder, is_finished, missing_shards
    from vitruve.data.studio.body_motions import finish_motions, is_person

    is_person(arguments.body)
    if not 1 <= arguments.fps <= 240:
        raise ValueError(f"--fps {arguments.fps}: must be 1 to 240")
    clips = SequenceStore.open(arguments.store).names()
    settings = {"body": arguments.body, "fps": arguments.fps, "clips": list(clips)}
    begin_folder(arguments.out, settings)
    wanted = missing_shards(arguments.out, range(len(clips)))
    with show_progress("frames") as told:
        code = make_in_parallel(
            arguments.workers,
            wanted,
            _work,
            arguments.store,
            arguments.out,
            arguments.body,
            arguments.fps,
            told=told,
        )
    if code:
        return code
    if wanted or not is_finished(arguments.out):
        finish_motions(arguments.out, arguments.body, arguments.fps, range(len(clips)))
    print(f"{len(clips)} clips on body {arguments.body}")
    print(arguments.out)
    return 0


def _work(
    store: str,
    out: Path,
    body: str,
    fps: float,
    numbers: Iterable[int],
    tell: Callable[[int], None],
) -> None:
    from vitruve.data import SequenceStore
    from vitruve.data.studio.body_motions import make_motion_shards

    make_motion_shards(SequenceStore.open(store), out, body, fps, numbers, tell=tell)

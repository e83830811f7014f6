"""``vitruve data studio``: synthetic pictures of people or animals before four cameras."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import tyro

if TYPE_CHECKING:
    from collections.abc import Sequence

    from vitruve.cli.progress import Progress
    from vitruve.data.studio.config import StudioConfig


@dataclass(frozen=True)
class StudioArguments:
    """Render people before four calibrated cameras, with masks, 2D, 3D and cameras, as shards.

    A killed run goes on with the same command; the result does not depend on the workers.
    """

    out: Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="OUT")]
    """Folder of the shards."""
    scenes: int = 32
    """Scenes; each is one person, seen in --frames frames by 4 cameras."""
    size: int = 128
    """Side of the pictures, pixels; 64 to 128 are enough to try things."""
    frames: int = 8
    """Frames of each scene."""
    workers: int = 1
    """Processes."""
    cluster: str = ""
    """Address of a Ray cluster, or auto for this machine's; needs the extra cluster. What is read
    and written must be in the same place on all its machines."""
    seed: int = 0
    """Another seed, other pictures."""
    body: str = "anny"
    """Body: anny, capsule-human, capsule-dog; of your own files smpl:FILE, smplx:FILE, smal:FILE;
    capsule-dog:FILE.toml is another animal (docs/bodies.md)."""
    people: int = 1000
    """Different people."""
    motions: str = ""
    """Clips that vitruve data motions put on the body; drawn poses without."""
    backgrounds: str = ""
    """Folder of pictures for the backgrounds; made up without."""
    flat_parts: float = 0.0
    """Share of scenes whose person is painted in one colour for each part, 0 to 1."""
    occluded: float = 0.0
    """Share of pictures with shapes before the person, 0 to 1."""
    margin: tuple[float, float] = (0.05, 0.3)
    """Least and most that a picture adds around the person, as a share of the person's size."""
    parts: bool = False
    """Also write part maps."""


def studio(argv: list[str]) -> int:
    """Make Studio's pictures, or go on making them.

    Raises:
        ValueError: Settings are out of range, or differ from those the folder was begun with.
        OSError: The folder holds something else, or cannot be written.
    """
    arguments = tyro.cli(StudioArguments, prog="vitruve data studio", args=argv)
    from vitruve.cli.progress import show_progress
    from vitruve.cli.shard_workers import make_in_parallel
    from vitruve.data.shards.unfinished import is_finished, missing_shards
    from vitruve.data.studio.shards import begin, finish, make_shards

    config = _config(arguments)
    begin(arguments.out, config)
    wanted = missing_shards(arguments.out, range(config.shards))
    total = sum(config.pictures_of(shard) for shard in wanted)
    with show_progress("pictures") as tell:

        def told(stage: str, done: int, _: int | None) -> None:
            tell(stage, done, total)

        if arguments.cluster:
            _on_cluster(arguments, config, wanted, told)
        elif code := make_in_parallel(
            arguments.workers, wanted, make_shards, arguments.out, config, told=told
        ):
            return code
    if wanted or not is_finished(arguments.out):
        finish(arguments.out, config)
    print(f"{config.pictures} pictures of {config.scenes} scenes in {config.shards} shards")
    print(arguments.out)
    return 0


def _on_cluster(
    arguments: StudioArguments, config: "StudioConfig", wanted: "Sequence[int]", told: "Progress"
) -> None:
    from vitruve.bodies import split_body
    from vitruve.data.building.cluster import on_cluster
    from vitruve.data.studio.shards import ShardMaker

    # Workers stand in folders of their own.
    name, file = split_body(config.body)
    config = replace(
        config,
        body=f"{name}:{file.resolve()}" if file else name,
        motions=_absolute(config.motions),
        backgrounds=_absolute(config.backgrounds),
    )
    run_all, made = on_cluster(arguments.cluster), 0
    for done in run_all(ShardMaker(config), arguments.out.resolve(), list(wanted)):
        made += config.pictures_of(wanted[done])
        told("made", made, None)


def _absolute(path: str) -> str:
    return str(Path(path).resolve()) if path else ""


def _config(arguments: StudioArguments) -> "StudioConfig":
    from vitruve.bodies.photo import PhotoConfig
    from vitruve.data.studio.config import StudioConfig

    return StudioConfig(
        scenes=arguments.scenes,
        size_px=arguments.size,
        frames=arguments.frames,
        seed=arguments.seed,
        body=arguments.body,
        people=arguments.people,
        motions=arguments.motions,
        backgrounds=arguments.backgrounds,
        flat_parts=arguments.flat_parts,
        parts=arguments.parts,
        margin=arguments.margin,
        photo=PhotoConfig(occluded=arguments.occluded),
    )

"""``vitruve data build``: motion as a sequence store, or pictures as shards of person crops."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import tyro

if TYPE_CHECKING:
    from vitruve.data.building.dataset import RunAll
    from vitruve.data.shards.folder import ShardReader


@dataclass(frozen=True)
class BuildArguments:
    """Read a dataset and write what training reads.

    build READER ROOT STORE writes motion as one sequence store: whole or not at all.
    build NAME DIR --out OUT writes a dataset of pictures as shards of person crops; a build that
    was killed goes on when the same command is run again.
    """

    reader: Annotated[str, tyro.conf.Positional, tyro.conf.arg(metavar="READER|NAME")]
    """What the dataset is; vitruve data list names them."""
    root: Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="ROOT")]
    """Folder or file of the dataset."""
    store: Annotated[Path | None, tyro.conf.Positional, tyro.conf.arg(metavar="[STORE]")] = None
    """Motion: folder of the store; must not be there yet."""
    split: str = ""
    """Take only this split of a dataset that states splits."""
    chunk_frames: int = 4096
    """Motion: frames in each file of the store, what one read fetches at least."""
    out: Path | None = None
    """Pictures: folder of the shards."""
    workers: int = 1
    """Pictures: processes."""
    cluster: str = ""
    """Pictures: address of a Ray cluster, or auto for this machine's; needs the extra cluster."""
    skeleton: str = ""
    """Pictures: format of the joints, where the dataset has several."""
    side_px: int = 384
    """Pictures: side of a crop at most, pixels."""
    expand: float = 1.5
    """Pictures: side of the crop over the longer side of the person's box."""
    perspective: bool = False
    """Pictures: crops of a camera that looks at the person, instead of parts of the picture."""
    threshold_m: float = 0.1
    """Pictures: a frame is dropped when no joint moved this far, metres; 0 keeps all."""
    shard_examples: int = 1000
    """Pictures: examples of a shard, about."""
    skip_broken: bool = False
    """Pictures: leave out what is missing or damaged, instead of stopping."""


def build_pictures(arguments: BuildArguments, out: Path) -> int:
    """Make the shards of a dataset of pictures.

    Raises:
        KeyError: There is no such dataset.
        OSError: Something is missing, is there already, or cannot be written.
        ValueError: The dataset is damaged, or a setting is out of range.
    """
    from vitruve.cli.progress import show_progress
    from vitruve.data.building.dataset import build_dataset
    from vitruve.data.building.plan import BuildConfig
    from vitruve.data.processing import CropConfig, SelectConfig

    _check(arguments)
    config = BuildConfig(
        dataset=arguments.reader,
        root=str(arguments.root.resolve()),
        split=arguments.split,
        skeleton=arguments.skeleton,
        select=SelectConfig(threshold_m=arguments.threshold_m),
        crop=CropConfig(arguments.side_px, arguments.expand, arguments.perspective),
        shard_examples=arguments.shard_examples,
        skip_broken=arguments.skip_broken,
    )
    with show_progress("parts") as tell:
        reader = build_dataset(config, out.resolve(), _run_all(arguments), tell)
    _print_counts(reader)
    print(out)
    return 0


def _check(arguments: BuildArguments) -> None:
    if arguments.store is not None:
        raise ValueError(f"give STORE ({arguments.store}) for motion or --out for pictures")
    if not arguments.root.is_dir():
        raise FileNotFoundError(f"no such folder: {arguments.root}")
    for name in ("workers", "side_px", "shard_examples"):
        if getattr(arguments, name) < 1:
            option = name.replace("_", "-")
            raise ValueError(f"--{option} {getattr(arguments, name)}: must be 1 or more")
    if arguments.expand < 1:
        raise ValueError(f"--expand {arguments.expand}: must be 1 or more")


def _run_all(arguments: BuildArguments) -> "RunAll":
    if arguments.cluster:
        from vitruve.data.building.cluster import on_cluster

        return on_cluster(arguments.cluster)
    from vitruve.data.building.dataset import in_processes

    return in_processes(arguments.workers)


def _print_counts(reader: "ShardReader") -> None:
    counts = reader.about["counts"]
    size = sum(entry.size for entry in reader.entries)
    print(f"{len(reader)} crops in {len(reader.entries)} shards, {size / 2**20:.1f} MiB")
    for what, count in counts.items():
        if what not in ("kept", "written") and count:
            print(f"  {what}: {count}")

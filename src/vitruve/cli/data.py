"""``vitruve data list | show | build | check | studio | motions | sheet | unpack | masks``."""

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

import tyro

from vitruve.cli.data_build import BuildArguments, build_pictures
from vitruve.cli.data_cards import list_datasets, show_dataset
from vitruve.cli.data_check import CheckArguments, check_release
from vitruve.cli.sub_verbs import SubVerbs, run_sub_verb

if TYPE_CHECKING:
    from vitruve.cli.progress import Progress
    from vitruve.data import MotionSequence, SequenceStore


def main(argv: list[str]) -> int:
    """Do one of the verbs.

    Returns:
        0 when done, 2 without a verb.

    Raises:
        KeyError: No such reader.
        ValueError: The dataset or the store is damaged.
        OSError: Something is missing, is there already, or cannot be written.
    """
    return run_sub_verb("data", _VERBS, argv)


def _build(argv: list[str]) -> int:
    arguments = tyro.cli(BuildArguments, prog="vitruve data build", args=argv)
    if arguments.out is not None:
        return build_pictures(arguments, arguments.out)
    if arguments.store is None:
        raise ValueError("name STORE, the folder to write motion to, or --out for pictures")
    from vitruve.cli.progress import show_progress
    from vitruve.data import READERS, write_store

    if arguments.reader not in READERS:
        raise KeyError(f"no reader {arguments.reader!r}; there are {', '.join(READERS)}")
    if arguments.chunk_frames < 1:
        raise ValueError(f"--chunk-frames {arguments.chunk_frames}: must be 1 or more")
    if not arguments.root.exists():
        raise FileNotFoundError(f"no such dataset: {arguments.root}")
    found = READERS[arguments.reader](arguments.root, arguments.split or None)
    with show_progress("clips") as tell:
        clips = _counted(found, tell)
        store = write_store(clips, arguments.store, chunk_frames=arguments.chunk_frames)
    _print_counts(store)
    print(arguments.store)
    return 0


def _check(argv: list[str]) -> int:
    arguments = tyro.cli(CheckArguments, prog="vitruve data check", args=argv)
    if arguments.root is not None:
        return check_release(arguments, arguments.root)
    from vitruve.data import SequenceStore
    from vitruve.data.shards.folder import ShardReader, holds_shards

    if holds_shards(arguments.what):
        store = ShardReader(arguments.what)
        print(f"{len(store)} examples in {len(store.entries)} shards")
    else:
        store = SequenceStore.open(arguments.what)
        _print_counts(store)
    broken = store.verify()
    if broken:
        print("\n".join(broken))
        raise ValueError(
            f"{arguments.what}: {len(broken)} files are missing or damaged, the first: "
            f"{broken[0]}; copy the store again or build it anew"
        )
    print("every file has the checksum that the index states")
    return 0


def _studio(argv: list[str]) -> int:
    from vitruve.cli.data_studio import studio

    return studio(argv)


def _motions(argv: list[str]) -> int:
    from vitruve.cli.data_motions import motions

    return motions(argv)


def _sheet(argv: list[str]) -> int:
    from vitruve.cli.data_sheet import sheet

    return sheet(argv)


def _masks(argv: list[str]) -> int:
    from vitruve.cli.data_masks import masks

    return masks(argv)


def _unpack(argv: list[str]) -> int:
    from vitruve.cli.data_unpack import unpack

    return unpack(argv)


_VERBS: SubVerbs = {
    "list": (list_datasets, "datasets of pictures with their terms, and readers of motion"),
    "show": (show_dataset, "NAME: a dataset's card: page, licence, layout, joints, quirks"),
    "build": (_build, "READER ROOT STORE: write motion; NAME DIR --out OUT: write person crops"),
    "check": (_check, "STORE: compare store or shards with checksums; NAME DIR: try a dataset"),
    "studio": (_studio, "OUT: render people before four cameras, with all labels, as shards"),
    "motions": (_motions, "STORE OUT: put the clips of a store on a body, for studio"),
    "sheet": (_sheet, "DIR: put examples of shards in one picture"),
    "unpack": (_unpack, "DIR OUT: pictures and masks of shards as plain files"),
    "masks": (_masks, "VIDEO|DIR OUT: masks of people without labels, and a sheet of them"),
}


def _counted(clips: "Iterable[MotionSequence]", tell: "Progress") -> "Iterator[MotionSequence]":
    for number, clip in enumerate(clips, 1):
        yield clip
        tell("build", number, None)


def _print_counts(store: "SequenceStore") -> None:
    entries = store.entries.values()
    frames = sum(e["frames"] for e in entries)
    minutes = sum(e["frames"] / e["fps"] for e in entries) / 60
    print(f"{len(store)} sequences, {frames} frames, {minutes:.1f} minutes")
    for field in ("split", "subject", "action"):
        counts = Counter(e[field] for e in entries if e[field])
        named = ", ".join(f"{name} {n}" for name, n in counts.most_common(8))
        if counts:
            print(f"  {field}: {named}{' ...' if len(counts) > 8 else ''}")

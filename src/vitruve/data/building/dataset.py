"""A dataset's release as shards of person crops, on all cores of one machine.

Two rounds over the parts: labels alone decide what is kept, then pictures are cut. Whatever was
finished stays: a build that was killed goes on when the same command is run again.
"""

import shutil
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import asdict
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from vitruve.data.building.one_shard import make_shard
from vitruve.data.building.plan import (
    PLAN,
    SELECTED,
    BuildConfig,
    Plan,
    Shard,
    group_shards,
    make_plan,
    read_selected,
    select_part,
)
from vitruve.data.datasets.cards import dataset_card
from vitruve.data.shards.folder import INDEX, ShardReader, shard_name, write_index
from vitruve.skeletons import SKELETONS

Tell = Callable[[str, int, int | None], None]
"""Told the stage's name, what is done and how much there is."""


Work = Callable[[Path, Any], Any]
"""Is given a folder and one of some things."""
RunAll = Callable[[Work, Path, list[Any]], Iterator[Any]]
"""Does work for each of some things, anywhere, in any order; results as they come."""


def build_dataset(
    config: BuildConfig, out: Path, run_all: RunAll, tell: Tell | None = None
) -> ShardReader:
    """Make the shards of a dataset, or those that are still missing.

    Args:
        config: What is built, and how.
        out: Folder of the shards; on a cluster, one that every machine sees.
        run_all: How the work is spread: `in_processes`, or a cluster's.
        tell: Told of progress.

    Raises:
        FileExistsError: The folder holds a finished build.
        KeyError: There is no such dataset.
        OSError: A file is missing or cannot be written.
        ValueError: Labels or pictures are damaged, or the folder was begun with other settings.
    """
    if (out / INDEX).is_file() and not (out / PLAN).is_file():
        raise FileExistsError(f"{out} is finished; build into another folder or remove it")
    plan = make_plan(out, config)
    numbers = list(range(len(plan.parts)))
    for done, _ in enumerate(run_all(select_part, out, numbers), 1):
        _say(tell, "select", done, len(numbers))
    kept, counts, shards = _shards(out, plan)
    for done, _ in enumerate(run_all(make_shard, out, list(shards)), 1):
        _say(tell, "crop", done, len(shards))
    made = [shard.number for shard in shards if (out / shard_name(shard.number)).is_file()]
    if not made:
        raise ValueError(
            f"{config.root}: nothing to write; of {counts['read']} examples {sum(kept)} were kept, "
            f"none has a picture ({dict(counts)})"
        )
    write_index(out, {}, made)
    counts["written"] = len(ShardReader(out))
    counts["without a picture"] = sum(kept) - counts["written"]
    write_index(out, _about(plan, counts), made)
    (out / PLAN).unlink()
    shutil.rmtree(out / SELECTED)
    return ShardReader(out)


def in_processes(workers: int) -> RunAll:
    """Spread over processes of this machine; one runs here.

    Raises:
        ValueError: The number of workers is not positive.
    """
    if workers < 1:
        raise ValueError(f"{workers} workers; there must be 1 or more")
    return _here if workers == 1 else _Processes(workers)


def _here(work: Work, out: Path, items: list[Any]) -> Iterator[Any]:
    return (work(out, item) for item in items)


class _Processes:
    def __init__(self, workers: int) -> None:
        self.workers = workers

    def __call__(self, work: Work, out: Path, items: list[Any]) -> Iterator[Any]:
        pool = ProcessPoolExecutor(self.workers, get_context("spawn"), _one_thread)
        try:
            waiting = [pool.submit(work, out, item) for item in items]
            for future in as_completed(waiting):
                yield future.result()
        except BrokenProcessPool as error:
            raise OSError(
                f"a worker was killed (out of memory?) while making {out}; what is finished is "
                "kept: run the same command again, perhaps with fewer workers"
            ) from error
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


def _one_thread() -> None:
    import torch

    torch.set_num_threads(1)


def _shards(out: Path, plan: Plan) -> tuple[list[int], Counter[str], list[Shard]]:
    kept, still = [], []
    counts: Counter[str] = Counter()
    for number in range(len(plan.parts)):
        numbers, is_still, its_counts = read_selected(out, number)
        kept.append(len(numbers))
        still.append(is_still)
        counts += its_counts
    return kept, counts, group_shards(kept, still, plan.config.shard_examples)


def _about(plan: Plan, counts: Counter[str]) -> dict[str, Any]:
    card = dataset_card(plan.config.dataset)
    return {
        "kind": "person crops",
        "dataset": card.name,
        "title": card.title,
        "page": card.page,
        "licence": card.licence,
        "commercial": card.commercial,
        "skeleton": plan.skeleton,
        "joints": list(SKELETONS[plan.skeleton].names),
        "units": "metres, pixels with centres at .5",
        "axes": "camera frame: x right, y down, z forward",
        "config": asdict(plan.config),
        "counts": dict(counts),
    }


def _say(tell: Tell | None, stage: str, done: int, total: int) -> None:
    if tell is not None:
        tell(stage, done, total)

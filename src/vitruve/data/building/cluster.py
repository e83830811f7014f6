"""A dataset's shards made by a Ray cluster: the same work as on one machine, spread by Ray Data.

Every machine must see the release and the folder of shards under the same paths. A task whose
worker dies is run again; since shards appear whole, under names that follow from the plan, nothing
is lost and nothing is there twice.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from vitruve.data.building.dataset import RunAll, Work

RETRIES = 10
"""Times that a task is run again when its worker died."""


def on_cluster(address: str | None = None, *, cpus: int | None = None) -> RunAll:
    """Spread over a cluster.

    Args:
        address: Of the cluster; ``auto`` for the one this machine belongs to, None to start one
            of this machine alone.
        cpus: Cores of the one that is started.

    Raises:
        ImportError: Ray is not installed.
        ConnectionError: No cluster answers.
    """
    try:
        import ray  # pyright: ignore[reportMissingImports] - an extra
    except ImportError as error:
        raise ImportError(
            "building on a cluster needs Ray: pip install 'vitruve[cluster]'"
        ) from error
    if not ray.is_initialized():
        ray.init(address, num_cpus=cpus, log_to_driver=False, include_dashboard=False)
    ray.data.DataContext.get_current().enable_progress_bars = False
    return _run


def _run(work: Work, out: Path, items: list[Any]) -> Iterator[Any]:
    import ray  # pyright: ignore[reportMissingImports] - an extra

    # A task for each item: what a dead worker had begun is little.
    numbers = ray.data.from_items([{"number": n} for n in range(len(items))])
    rows = numbers.repartition(max(1, len(items)))
    given = {"work": work, "out": out, "things": ray.put(items)}
    # Ray's types know nothing of fn_kwargs' names.
    done = rows.map(_call, fn_kwargs=given, num_cpus=1, max_retries=RETRIES)  # pyright: ignore[reportArgumentType]
    for row in done.iter_rows():
        yield row["number"]


def _call(row: dict[str, Any], work: Work, out: Path, things: Any) -> dict[str, Any]:
    import ray  # pyright: ignore[reportMissingImports] - an extra
    import torch

    torch.set_num_threads(1)
    number = int(row["number"])
    work(out, ray.get(things)[number])
    return {"number": number}

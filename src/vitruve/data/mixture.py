"""Several datasets in one run: a fixed number of examples of each in every step."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from jaxtyping import Int64
from torch import Tensor, randperm, stack

from vitruve.data.lifting.batches import step_generator


@dataclass(frozen=True)
class MixtureConfig:
    """How much of each dataset a batch holds."""

    quotas: Mapping[str, int] = field(default_factory=dict)
    """Examples of each dataset in every batch, over all ranks, by name."""
    seed: int = 0


class Mixture:
    """Which examples of which dataset make up each step: a function of the step alone.

    Each dataset runs through shuffled passes of its own, so its examples are used equally often.
    """

    def __init__(self, sizes: Mapping[str, int], config: MixtureConfig) -> None:
        """Match quotas with datasets.

        Raises:
            KeyError: A quota names no dataset.
            ValueError: There are no quotas, one is not positive, or a dataset is empty.
        """
        self.sizes, self.config = dict(sizes), config
        for name, quota in config.quotas.items():
            if name not in sizes:
                raise KeyError(f"quota for {name!r}, but the datasets are {', '.join(sizes)}")
            if quota < 1 or sizes[name] < 1:
                raise ValueError(
                    f"dataset {name!r} has quota {quota} and {sizes[name]} examples; both must be "
                    "at least 1"
                )
        if not config.quotas:
            raise ValueError("a mixture needs a quota for at least one dataset")

    def examples_at(
        self, step: int, rank: int = 0, world_size: int = 1
    ) -> dict[str, Int64[Tensor, "n"]]:
        """Indices into each dataset for one step on one rank.

        Raises:
            ValueError: A quota does not divide among the ranks.
        """
        return {
            name: self._of_dataset(number, name, step, rank, world_size)
            for number, name in enumerate(self.config.quotas)
        }

    def _of_dataset(
        self, number: int, name: str, step: int, rank: int, world_size: int
    ) -> Int64[Tensor, "n"]:
        quota, size = self.config.quotas[name], self.sizes[name]
        if quota % world_size:
            raise ValueError(f"quota {quota} of {name!r} does not divide among {world_size} ranks")
        share = quota // world_size
        first = step * quota + rank * share
        orders = {}
        drawn = []
        for at in range(first, first + share):
            turn, place = divmod(at, size)
            if turn not in orders:
                generator = step_generator(self.config.seed, number, turn)
                orders[turn] = randperm(size, generator=generator)
            drawn.append(orders[turn][place])
        return stack(drawn)

"""Is one format and a bridge as good as a model that says every format?

    python benchmarks/bridged_answers.py TEST.npz WEIGHTS

WEIGHTS is a lifter of many formats (`vitruve reproduce acae`), TEST the parallel corpus that it is
measured on by the benchmark ``skeletons``. Twice: as it answers, and with every format but one made
of its answer in that one by the packaged bridge, as `vitruve estimate` does it. Both count those
joints alone that the bridge knows; ``known`` is their share. Rows go to
results/skeletons_studio.json.
"""

import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache, partial
from pathlib import Path
from typing import Annotated

import torch
import tyro
from jaxtyping import Float
from torch import Tensor

from rows import tell
from vitruve.benchmarks.skeletons import Skeletons
from vitruve.benchmarks.view import View
from vitruve.estimators import Estimator, load
from vitruve.nets.bridge_file import read_bridge
from vitruve.skeletons import Conversion, skeleton

RESULTS = "skeletons_studio"
DATA = "skeletons coco_17"


@dataclass(frozen=True)
class Arguments:
    """Measure both ways."""

    test: Annotated[Path, tyro.conf.Positional]
    """Parallel corpus of people that nobody learnt from."""
    weights: Annotated[Path, tyro.conf.Positional]
    """Lifter of many formats."""
    source: str = "h36m_17"
    """The one format."""


class KnownJoints(Skeletons):
    """The benchmark on joints that the bridge makes of one format; perhaps made so."""

    def __init__(self, data: Path, source: str, bridged: bool) -> None:
        super().__init__(data)
        self.source, self.bridged = source, bridged
        self._way = cache(partial(read_bridge("default").conversion, skeleton(source)))

    def views(self, keypoints: str) -> Iterator[View]:
        """Every moment, without labels of what the bridge does not know."""
        known = self.known()
        for view in super().views(keypoints):
            assert view.batch.valid is not None
            yield replace(view, batch=replace(view.batch, valid=view.batch.valid & known))

    def lift(self, estimator: Estimator, view: View, *, flip: bool) -> Float[Tensor, "t j 3"]:
        """The answer in every format, or in one and through the bridge."""
        joints = super().lift(estimator, view, flip=flip)
        if not self.bridged:
            return joints
        own = joints[:, self._corpus.part(self.source)]
        seen = torch.ones(own.shape[:-1], dtype=torch.bool)
        return torch.cat([way.apply(own, seen)[0].to(joints) for way in self._ways()], dim=1)

    def known(self) -> Tensor:
        """Which joints of all formats the bridge knows."""
        return torch.tensor([q != "absent" for way in self._ways() for q in way.quality])

    def _ways(self) -> list[Conversion]:
        return [self._way(one) for one in self._corpus.formats]


def main() -> int:
    """Measure, print, record."""
    arguments = tyro.cli(Arguments)
    estimator = load(str(arguments.weights), "float32")
    for way in ("every_format", "bridged"):
        benchmark = KnownJoints(arguments.test, arguments.source, way == "bridged")
        benchmark.check(estimator)
        with tempfile.TemporaryDirectory() as folder:
            file = benchmark.predict(estimator, Path(folder) / "p.npz", model=way)
            metrics = benchmark.score(file)["sets"]["test"]["metrics"]
        known = {"known": benchmark.known().float().mean().item()}
        tell(RESULTS, f"bridged.{arguments.source}.{way}", metrics | known, DATA)
    return 0


if __name__ == "__main__":
    sys.exit(main())

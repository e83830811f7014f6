"""The lifters that SCoTL-pose adds its loss to, each as a baseline on each dataset.

On CMU-Lift the baselines are known runs; on recorded data they are those of ``recorded_lifters``.
"""

from collections.abc import Callable

from vitruve.recipes.baseline import CMU_ROWS, Baseline, baseline_of, on_cmu
from vitruve.recipes.prml import PRML_RUNS
from vitruve.recipes.recorded_lifters import on_3dhp, on_h3wb, on_h36m


def backbones(data: str) -> dict[str, Baseline]:
    """Baselines by net on a dataset: cmu, h36m, 3dhp or h3wb.

    Raises:
        KeyError: No such dataset.
    """
    if data not in _ROWS:
        raise KeyError(f"unknown data {data!r}; there are {sorted(_ROWS)}")
    return _ROWS[data]()


def _cmu() -> dict[str, Baseline]:
    # PrML without the term of mutual information.
    prml = {p: PRML_RUNS[f"prml.cmu.prml.branches_decoder_{p}"] for p in ("cpu", "gpu")}
    return {net: baseline_of(on_cmu(net)) for net in CMU_ROWS} | {"prml": baseline_of(prml)}


_ROWS: dict[str, Callable[[], dict[str, Baseline]]] = {
    "cmu": _cmu,
    "h36m": on_h36m,
    "3dhp": on_3dhp,
    "h3wb": on_h3wb,
}

"""Where a run's batches come from."""

from typing import Any

from vitruve.recipes.toy import ToySource, ToySourceConfig

SOURCES: dict[str, tuple[Any, Any]] = {"toy": (ToySource, ToySourceConfig)}
"""Name -> (source, config); a source is built from (config, train config, data path)."""

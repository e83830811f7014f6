"""Where a run's batches come from."""

from typing import Any

from vitruve.recipes.sources.adults import AdultSource, AdultSourceConfig
from vitruve.recipes.sources.cmu_lift import CmuLiftSource, CmuLiftSourceConfig
from vitruve.recipes.sources.formats import FormatsSource, FormatsSourceConfig
from vitruve.recipes.sources.motion import MotionSource, MotionSourceConfig
from vitruve.recipes.sources.own import OwnSource, OwnSourceConfig
from vitruve.recipes.sources.pictures import PicturesSource, PicturesSourceConfig
from vitruve.recipes.sources.recorded import RecordedSource, RecordedSourceConfig
from vitruve.recipes.sources.studio import StudioSource, StudioSourceConfig
from vitruve.recipes.sources.toy import ToySource, ToySourceConfig

SOURCES: dict[str, tuple[Any, Any]] = {
    "adults": (AdultSource, AdultSourceConfig),
    "cmu_lift": (CmuLiftSource, CmuLiftSourceConfig),
    "formats": (FormatsSource, FormatsSourceConfig),
    "motion": (MotionSource, MotionSourceConfig),
    "own": (OwnSource, OwnSourceConfig),
    "pictures": (PicturesSource, PicturesSourceConfig),
    "recorded": (RecordedSource, RecordedSourceConfig),
    "studio": (StudioSource, StudioSourceConfig),
    "toy": (ToySource, ToySourceConfig),
}
"""Name -> (source, config); a source is built from (config, train config, data path)."""

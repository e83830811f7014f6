"""Where a run's batches come from."""

from typing import Any

from vitruve.recipes.adults import AdultSource, AdultSourceConfig
from vitruve.recipes.cmu_lift import CmuLiftSource, CmuLiftSourceConfig
from vitruve.recipes.formats import FormatsSource, FormatsSourceConfig
from vitruve.recipes.motion import MotionSource, MotionSourceConfig
from vitruve.recipes.own import OwnSource, OwnSourceConfig
from vitruve.recipes.pictures import PicturesSource, PicturesSourceConfig
from vitruve.recipes.recorded import RecordedSource, RecordedSourceConfig
from vitruve.recipes.studio import StudioSource, StudioSourceConfig
from vitruve.recipes.toy import ToySource, ToySourceConfig

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

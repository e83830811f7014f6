"""Benchmarks: fixed protocols, each a class that predicts to a file and scores files."""

from vitruve.benchmarks.cmu_lift import CmuLift
from vitruve.benchmarks.predictions import Predictions, read_predictions, write_predictions
from vitruve.benchmarks.results import Row, read_rows, record

BENCHMARKS: dict[str, type[CmuLift]] = {"cmu_lift": CmuLift}
"""Every benchmark by name; built from the path of its data."""

__all__ = [
    "BENCHMARKS",
    "CmuLift",
    "Predictions",
    "Row",
    "read_predictions",
    "read_rows",
    "record",
    "write_predictions",
]

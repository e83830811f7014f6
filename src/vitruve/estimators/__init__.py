"""Estimators: a net with its normalisation and decoding, records in and records out."""

from vitruve.estimators.base import Estimator
from vitruve.estimators.ensemble import predict_with_spread
from vitruve.estimators.flip import predict_flipped
from vitruve.estimators.lifter import Lifter, LifterConfig
from vitruve.estimators.saved import (
    ESTIMATORS,
    load,
    load_estimator,
    make_estimator,
    save_estimator,
)

__all__ = [
    "ESTIMATORS",
    "Estimator",
    "Lifter",
    "LifterConfig",
    "load",
    "load_estimator",
    "make_estimator",
    "predict_flipped",
    "predict_with_spread",
    "save_estimator",
]

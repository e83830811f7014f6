"""Fitting the learned bridge between skeletons on a parallel corpus."""

from vitruve.estimators.bridge.add import add_format
from vitruve.estimators.bridge.autoencoder import BridgeConfig, fit_autoencoder, reconstruction_mm
from vitruve.estimators.bridge.direct import direct_conversion
from vitruve.estimators.bridge.fit import fit_bridge
from vitruve.estimators.bridge.residuals import rms_distance

__all__ = [
    "BridgeConfig",
    "add_format",
    "direct_conversion",
    "fit_autoencoder",
    "fit_bridge",
    "reconstruction_mm",
    "rms_distance",
]

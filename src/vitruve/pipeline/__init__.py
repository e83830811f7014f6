"""The pipeline: stages from pictures to metric motion, each file in, file out."""

from vitruve.pipeline.config import EstimateConfig
from vitruve.pipeline.convert import convert
from vitruve.pipeline.run import Estimate, estimate, run_estimate

__all__ = ["Estimate", "EstimateConfig", "convert", "estimate", "run_estimate"]

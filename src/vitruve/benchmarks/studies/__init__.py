"""Studies of lifters: one question each, answered as numbers and a picture; docs/studies.md."""

from typing import Any

from vitruve.benchmarks.studies.axes import AxesConfig, AxesStudy
from vitruve.benchmarks.studies.bridge import BridgeStudy, BridgeStudyConfig
from vitruve.benchmarks.studies.cost import CostConfig, CostStudy
from vitruve.benchmarks.studies.elbow import ElbowConfig, ElbowStudy
from vitruve.benchmarks.studies.energy import EnergyStudy, EnergyStudyConfig
from vitruve.benchmarks.studies.features import FeaturesConfig, FeaturesStudy
from vitruve.benchmarks.studies.figure import check_plots
from vitruve.benchmarks.studies.leaderboard import (
    LeaderboardConfig,
    LeaderboardStudy,
)
from vitruve.benchmarks.studies.motion import CmuMotion
from vitruve.benchmarks.studies.noise import NoiseConfig, NoiseStudy
from vitruve.benchmarks.studies.paired import PairedConfig, PairedStudy
from vitruve.benchmarks.studies.pckh import PckhConfig, PckhStudy
from vitruve.benchmarks.studies.refine import RefineStudy, RefineStudyConfig
from vitruve.benchmarks.studies.report import as_table, write_report
from vitruve.benchmarks.studies.structure import StructureConfig, StructureStudy
from vitruve.benchmarks.studies.study import Finding, Material, Model, Study

STUDIES: dict[str, tuple[Any, Any]] = {
    "axes": (AxesStudy, AxesConfig),
    "bridge": (BridgeStudy, BridgeStudyConfig),
    "cost": (CostStudy, CostConfig),
    "elbow": (ElbowStudy, ElbowConfig),
    "energy": (EnergyStudy, EnergyStudyConfig),
    "features": (FeaturesStudy, FeaturesConfig),
    "leaderboard": (LeaderboardStudy, LeaderboardConfig),
    "noise": (NoiseStudy, NoiseConfig),
    "paired": (PairedStudy, PairedConfig),
    "pckh": (PckhStudy, PckhConfig),
    "refine": (RefineStudy, RefineStudyConfig),
    "structure": (StructureStudy, StructureConfig),
}
"""Name -> (study, config)."""

__all__ = [
    "STUDIES",
    "CmuMotion",
    "Finding",
    "Material",
    "Model",
    "Study",
    "as_table",
    "check_plots",
    "write_report",
]

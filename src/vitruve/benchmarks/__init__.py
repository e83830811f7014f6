"""Benchmarks: fixed protocols, each a class that predicts to a file and scores files."""

from vitruve.benchmarks.action_table import action_table
from vitruve.benchmarks.base import Benchmark
from vitruve.benchmarks.cmu_lift import CmuLift
from vitruve.benchmarks.h3wb import H3wb
from vitruve.benchmarks.human36m import Human36m
from vitruve.benchmarks.human36m_motionbert import Human36mMotionBert, Human36mMotionBert81
from vitruve.benchmarks.mpi_inf_3dhp import MpiInf3dhp, MpiInf3dhpAnnot3, MpiInf3dhpSingleFrame
from vitruve.benchmarks.predictions import Predictions, read_predictions, write_predictions
from vitruve.benchmarks.results import Row, read_rows, record
from vitruve.benchmarks.skeletons import Skeletons
from vitruve.benchmarks.studio import StudioDogs, StudioPictures, StudioUnseen
from vitruve.benchmarks.studio_post_processed import StudioRidge, StudioTwoLayer
from vitruve.benchmarks.studio_skeletons import StudioSkeletons
from vitruve.benchmarks.threedpw import ThreeDpw, ThreeDpw14

BENCHMARKS: dict[str, type[Benchmark]] = {
    "cmu_lift": CmuLift,
    "h3wb": H3wb,
    "human36m": Human36m,
    "human36m_motionbert": Human36mMotionBert,
    "human36m_motionbert_81": Human36mMotionBert81,
    "mpi_inf_3dhp": MpiInf3dhp,
    "mpi_inf_3dhp_annot3": MpiInf3dhpAnnot3,
    "mpi_inf_3dhp_single_frame": MpiInf3dhpSingleFrame,
    "skeletons": Skeletons,
    "studio": StudioPictures,
    "studio_dogs": StudioDogs,
    "studio_ridge": StudioRidge,
    "studio_skeletons": StudioSkeletons,
    "studio_two_layer": StudioTwoLayer,
    "studio_unseen": StudioUnseen,
    "threedpw": ThreeDpw,
    "threedpw_14": ThreeDpw14,
}
"""Every benchmark by name; built from the path of its data."""

__all__ = [
    "BENCHMARKS",
    "Benchmark",
    "CmuLift",
    "Predictions",
    "Row",
    "action_table",
    "read_predictions",
    "read_rows",
    "record",
    "write_predictions",
]

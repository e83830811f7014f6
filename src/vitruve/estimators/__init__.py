"""Estimators: a net with its normalisation and decoding, records in and records out."""

from vitruve.estimators.base import Estimator
from vitruve.estimators.constant_pose import ConstantPose, ConstantPoseConfig
from vitruve.estimators.context_lifter import ContextLifter, ContextLifterConfig
from vitruve.estimators.diffusion_lifter import DiffusionLifter, DiffusionLifterConfig
from vitruve.estimators.ensemble import predict_with_spread
from vitruve.estimators.flip import predict_flipped
from vitruve.estimators.heatmap_detector import HeatmapDetector, HeatmapDetectorConfig
from vitruve.estimators.hypotheses import (
    average_hypotheses,
    nearest_to_keypoints,
    select_by_reprojection,
)
from vitruve.estimators.latent_lifter import LatentLifter, LatentLifterConfig
from vitruve.estimators.latent_metric_scale import LatentMetricScale, LatentMetricScaleConfig
from vitruve.estimators.lifter import Lifter, LifterConfig
from vitruve.estimators.masked_keypoints import MaskedKeypoints, MaskedKeypointsConfig
from vitruve.estimators.metric_scale import MetricScale, MetricScaleConfig
from vitruve.estimators.onnx_export import ExportReport, export_onnx
from vitruve.estimators.precision import Precision
from vitruve.estimators.ray_blend_lifter import RayBlendLifter, RayBlendLifterConfig
from vitruve.estimators.refine import RefineConfig, RefinedEstimator
from vitruve.estimators.saved import (
    ESTIMATORS,
    copy_matching,
    load,
    load_estimator,
    make_estimator,
    read_statement,
    save_estimator,
)
from vitruve.estimators.stream import Stream, open_stream

__all__ = [
    "ESTIMATORS",
    "ConstantPose",
    "ConstantPoseConfig",
    "ContextLifter",
    "ContextLifterConfig",
    "DiffusionLifter",
    "DiffusionLifterConfig",
    "Estimator",
    "ExportReport",
    "HeatmapDetector",
    "HeatmapDetectorConfig",
    "LatentLifter",
    "LatentLifterConfig",
    "LatentMetricScale",
    "LatentMetricScaleConfig",
    "Lifter",
    "LifterConfig",
    "MaskedKeypoints",
    "MaskedKeypointsConfig",
    "MetricScale",
    "MetricScaleConfig",
    "Precision",
    "RayBlendLifter",
    "RayBlendLifterConfig",
    "RefineConfig",
    "RefinedEstimator",
    "Stream",
    "average_hypotheses",
    "copy_matching",
    "export_onnx",
    "load",
    "load_estimator",
    "make_estimator",
    "nearest_to_keypoints",
    "open_stream",
    "predict_flipped",
    "predict_with_spread",
    "read_statement",
    "save_estimator",
    "select_by_reprojection",
]

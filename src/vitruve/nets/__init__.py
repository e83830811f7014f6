"""Lifting nets: tensors (b, t, k, c) in, tensors (b, t', j, 3) out; no units, no files of ours.

Every net is built from its frozen config and offers ``receptive_field``, ``padding``, ``window``,
``from_official`` and ``config_from_official``. ``window`` is the number of frames a net takes, no
more and no fewer (DSTFormer: no more), or None when it takes any number from ``receptive_field``
on; ``padding`` is what a clip needs before and after so that every frame gets an output. A net
that keeps more than the joints for training offers ``detailed`` (``nets.detail``).
"""

from typing import Any

from vitruve.nets.checkpoint_file import read_checkpoint
from vitruve.nets.d3dp import D3DP, D3DPConfig
from vitruve.nets.detail import Detail
from vitruve.nets.dstformer import DSTFormer, DSTFormerConfig
from vitruve.nets.energy_file import ENERGIES, read_energy, write_energy
from vitruve.nets.energy_geometry import GeometryEnergy, GeometryEnergyConfig
from vitruve.nets.energy_graph import GraphEnergy, GraphEnergyConfig
from vitruve.nets.energy_mlp import MlpEnergy, MlpEnergyConfig
from vitruve.nets.ktpformer import KTPFormer, KTPFormerConfig
from vitruve.nets.masked_pose_model import MaskedPoseModel, MaskedPoseModelConfig
from vitruve.nets.mixste import MixSTE, MixSTEConfig
from vitruve.nets.motion_agformer import MotionAGFormer, MotionAGFormerConfig
from vitruve.nets.official import load_official, recognise
from vitruve.nets.p_stmo import PSTMO, PSTMOConfig
from vitruve.nets.pose_former_v2 import PoseFormerV2, PoseFormerV2Config
from vitruve.nets.prml import PrML, PrMLConfig
from vitruve.nets.ray_blend import RayBlend, RayBlendConfig
from vitruve.nets.sem_gcn import SemGCN, SemGCNConfig
from vitruve.nets.simple_baseline import SimpleBaseline, SimpleBaselineConfig
from vitruve.nets.video_pose_3d import VideoPose3D, VideoPose3DConfig

LIFTERS: dict[str, tuple[Any, Any]] = {
    "d3dp": (D3DP, D3DPConfig),
    "dstformer": (DSTFormer, DSTFormerConfig),
    "ktpformer": (KTPFormer, KTPFormerConfig),
    "mixste": (MixSTE, MixSTEConfig),
    "motion_agformer": (MotionAGFormer, MotionAGFormerConfig),
    "p_stmo": (PSTMO, PSTMOConfig),
    "pose_former_v2": (PoseFormerV2, PoseFormerV2Config),
    "prml": (PrML, PrMLConfig),
    "sem_gcn": (SemGCN, SemGCNConfig),
    "simple_baseline": (SimpleBaseline, SimpleBaselineConfig),
    "video_pose_3d": (VideoPose3D, VideoPose3DConfig),
}
"""Name -> (net, config)."""

COMPANIONS: dict[str, tuple[Any, Any]] = {
    "masked_pose_model": (MaskedPoseModel, MaskedPoseModelConfig),
    "ray_blend": (RayBlend, RayBlendConfig),
}
"""Nets with published weights that lift nothing by themselves: name -> (net, config)."""

__all__ = [
    "COMPANIONS",
    "D3DP",
    "ENERGIES",
    "LIFTERS",
    "PSTMO",
    "D3DPConfig",
    "DSTFormer",
    "DSTFormerConfig",
    "Detail",
    "GeometryEnergy",
    "GeometryEnergyConfig",
    "GraphEnergy",
    "GraphEnergyConfig",
    "KTPFormer",
    "KTPFormerConfig",
    "MaskedPoseModel",
    "MaskedPoseModelConfig",
    "MixSTE",
    "MixSTEConfig",
    "MlpEnergy",
    "MlpEnergyConfig",
    "MotionAGFormer",
    "MotionAGFormerConfig",
    "PSTMOConfig",
    "PoseFormerV2",
    "PoseFormerV2Config",
    "PrML",
    "PrMLConfig",
    "RayBlend",
    "RayBlendConfig",
    "SemGCN",
    "SemGCNConfig",
    "SimpleBaseline",
    "SimpleBaselineConfig",
    "VideoPose3D",
    "VideoPose3DConfig",
    "load_official",
    "read_checkpoint",
    "read_energy",
    "recognise",
    "write_energy",
]

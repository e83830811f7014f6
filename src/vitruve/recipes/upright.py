"""What the first stage of Mask as Supervision is told of bodies: as published, or a whole template.

Appendix A.3 of Yang et al., 2023, https://arxiv.org/abs/2312.07051, has a point for pelvis and
thorax and bones of the trunk; the template is ours.
"""

from vitruve.objectives.anchors import AnchorsConfig
from vitruve.objectives.bone_constants import BoneConstantsConfig

Start = tuple[AnchorsConfig, BoneConstantsConfig]
"""Where joints are drawn to at first, and how long bones are while arms are not drawn."""
PUBLISHED: Start = AnchorsConfig(), BoneConstantsConfig()
_STANDING = AnchorsConfig(
    (
        ("head_top", 0.0, -0.79),
        ("neck_base_or_nose", 0.0, -0.64),
        ("thorax", 0.0, -0.49),
        ("mid_shoulder", 0.0, -0.44),
        ("left_shoulder", 0.15, -0.44),
        ("right_shoulder", -0.15, -0.44),
        ("spine", 0.0, -0.22),
        ("left_elbow", 0.22, -0.19),
        ("right_elbow", -0.22, -0.19),
        ("pelvis", 0.0, 0.02),
        ("left_wrist", 0.27, 0.04),
        ("right_wrist", -0.27, 0.04),
        ("left_hip", 0.09, 0.02),
        ("right_hip", -0.09, 0.02),
        ("left_knee", 0.09, 0.41),
        ("right_knee", -0.09, 0.41),
        ("left_ankle", 0.09, 0.84),
        ("right_ankle", -0.09, 0.84),
    )
)
"""Somebody who stands before the camera with arms that hang beside the trunk: heights of our body
in its rest pose, 1.71 m in a crop of 2.01 m, and widths as they are between front and side."""
_TRUNK = (
    ("pelvis", "spine", 0.24),
    ("spine", "mid_shoulder", 0.22),
    ("mid_shoulder", "thorax", 0.055),
    ("thorax", "neck_base_or_nose", 0.155),
    ("neck_base_or_nose", "head_top", 0.15),
)
_LIMBS = tuple(
    (start.replace("SIDE", side), end.replace("SIDE", side), length)
    for side in ("left", "right")
    for start, end, length in (
        ("pelvis", "SIDE_hip", 0.11),
        ("SIDE_hip", "SIDE_knee", 0.39),
        ("SIDE_knee", "SIDE_ankle", 0.43),
        ("mid_shoulder", "SIDE_shoulder", 0.18),
        ("SIDE_shoulder", "SIDE_elbow", 0.26),
        ("SIDE_elbow", "SIDE_wrist", 0.24),
    )
)
UPRIGHT: Start = _STANDING, BoneConstantsConfig(_TRUNK + _LIMBS)
"""Somebody who stands, with the bones of an adult."""

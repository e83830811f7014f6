"""What HUMBI and BEHAVE share: 25 joints of OpenPose in 3D.

Their formats have 24 joints of SMPL first; these need its body model and stay invalid.
"""

import numpy as np
from jaxtyping import Bool, Float

OPENPOSE_25 = (*range(8), *range(9, 25), 8)
"""Order of OpenPose's joints in both formats: the middle of the hips goes last."""
NUM_SMPL = 24


def with_unknown_smpl(
    openpose: Float[np.ndarray, "25 3"], valid: Bool[np.ndarray, "25"]
) -> tuple[Float[np.ndarray, "49 3"], Bool[np.ndarray, "49"]]:
    """Joints in ``humbi_49`` or ``behave_49``."""
    joints = np.zeros((NUM_SMPL + len(OPENPOSE_25), 3))
    known = np.zeros(len(joints), dtype=bool)
    joints[NUM_SMPL:] = openpose[list(OPENPOSE_25)]
    known[NUM_SMPL:] = valid[list(OPENPOSE_25)]
    joints[~known] = 0.0
    return joints, known

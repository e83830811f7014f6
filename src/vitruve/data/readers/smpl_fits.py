"""Joints of people whom a release gives as parameters of SMPL or SMPL-X.

The models are not ours to give away. They are read from ``body_models`` in the release's folder,
under the names of their authors.

Axes: t frames, k bones, s shape parameters, j joints.
"""

from functools import lru_cache
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from jaxtyping import Bool, Float
from scipy.spatial.transform import Rotation

from vitruve.bodies import SmplBody, SmplConfig, joint_map
from vitruve.skeletons import Skeleton

NUM_BETAS = 10
_FRAMES_AT_ONCE = 64


@lru_cache(maxsize=3)
def load_model(model: Literal["smpl", "smplx"], path: Path) -> SmplBody:
    """A model of the user's, kept for the next part.

    Raises:
        FileNotFoundError: There is no such file.
        ValueError: It is damaged, hostile, or another model.
    """
    return SmplBody(SmplConfig(model, path, NUM_BETAS))


def fitted_joints(
    body: SmplBody,
    skeleton: Skeleton,
    rotvecs: Float[np.ndarray, "t k 3"],
    betas: Float[np.ndarray, "t s"],
    shift: Float[np.ndarray, "t 3"],
) -> tuple[Float[np.ndarray, "t j 3"], Bool[np.ndarray, "j"]]:
    """Joints of one person over frames, in the axes in which the parameters are.

    Args:
        body: The model that the parameters are of.
        skeleton: Format of the joints.
        rotvecs: Rotation of each bone in the model's own axes.
        betas: Shape.
        shift: What the model's authors call ``transl``, metres.

    Returns:
        Joints in metres, and which of them are bones or named vertices of the model. Others are
        not valid: rules may know where they are about, which labels must not be.
    """
    found = joint_map(body, skeleton)
    own = {*body.anatomy.bone_names, *body.anatomy.landmarks}
    turn = body.turn_house_file
    turned = Rotation.from_rotvec(rotvecs.reshape(-1, 3)).as_matrix()
    pose = turn @ torch.from_numpy(turned).to(turn).unflatten(0, rotvecs.shape[:2]) @ turn.T
    shape, moved = torch.from_numpy(betas).to(turn), torch.from_numpy(shift).to(turn) @ turn.T
    joints = []
    for frames in torch.arange(len(pose)).split(_FRAMES_AT_ONCE):
        figure = body.figure(shape[frames])
        root = figure.heads[:, 0] + moved[frames]
        posed = body.place(figure, pose[frames], root, found.vertices)
        joints.append(found.joints(posed.bone_heads, posed.vertices) @ turn)
    return torch.cat(joints).double().numpy(), np.array([name in own for name in skeleton.names])

"""Tiny model files with the official keys, and SMPL written out plainly to compare with."""

import numpy as np

from vitruve.skeletons import skeleton

TO_HOUSE = {
    # x left, y up, facing z; and for SMAL facing x, y left, z up.
    "y up": np.array([[1.0, 0, 0], [0, 0, -1], [0, 1, 0]]),
    "z up": np.array([[0.0, 1, 0], [-1, 0, 0], [0, 0, 1]]),
}


def model_arrays(skeleton_name, axes="y up", seed=0, betas=6):
    """Four vertices around each joint of a body whose left, right, up and down are right."""
    rng = np.random.default_rng(seed)
    names, parents = skeleton(skeleton_name).names, skeleton(skeleton_name).parents
    k = len(names)
    joints = rng.normal(size=(k, 3)) * 0.1
    for j, name in enumerate(names):
        joints[j, 0] += 0.3 * (name.startswith("left") - 1.0 * name.startswith("right"))
        joints[j, 2] += 1.0 - 0.9 * ("ankle" in name or "foot" in name)
    around = np.array([[1, 1, 1], [1, -1, -1], [-1, 1, -1], [-1, -1, 1]]) * 0.05
    vertices = (joints[:, None] + around).reshape(-1, 3) @ TO_HOUSE[axes]
    regressor = np.kron(np.eye(k), np.full((1, 4), 0.25))
    weights = np.kron(np.eye(k), np.full((4, 1), 0.7))
    for j, parent in enumerate(parents):
        weights[4 * j : 4 * j + 4, max(parent, 0)] += 0.3
    v = len(vertices)
    faces = np.concatenate(
        [np.array([[0, 1, 2], [0, 2, 3], [0, 3, 1], [1, 3, 2]]) + 4 * j for j in range(k)]
    )
    return {
        "v_template": vertices,
        "shapedirs": 0.02 * rng.normal(size=(v, 3, betas)),
        "posedirs": 0.01 * rng.normal(size=(v, 3, 9 * (k - 1))),
        "J_regressor": regressor,
        "weights": weights,
        "f": faces.astype(np.uint32),
        "kintree_table": np.stack([np.array([2**32 - 1, *parents[1:]]), np.arange(k)]).astype(
            np.uint32
        ),
    }


def plain_smpl(arrays, rotations, betas):
    """SMPL's equations in the file's axes, one body, root at its rest place."""
    rest = arrays["v_template"] + arrays["shapedirs"][..., : len(betas)] @ betas
    joints = arrays["J_regressor"] @ rest
    rest = rest + arrays["posedirs"] @ (rotations[1:] - np.eye(3)).reshape(-1)
    parents = arrays["kintree_table"][0].astype(np.int64)
    chain = []
    for j, rotation in enumerate(rotations):
        own = np.eye(4)
        own[:3, :3] = rotation
        own[:3, 3] = joints[j] if j == 0 else joints[j] - joints[parents[j]]
        chain.append(own if j == 0 else chain[parents[j]] @ own)
    moved = np.zeros_like(rest)
    for j, transform in enumerate(chain):
        local = rest - joints[j]
        moved += arrays["weights"][:, [j]] * (local @ transform[:3, :3].T + transform[:3, 3])
    return moved, np.stack([t[:3, 3] for t in chain])

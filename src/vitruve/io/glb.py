"""GLB (glTF 2.0): a skinned stick figure that moves, for Blender, three.js and game engines.

Metres, y up, facing +z, as glTF demands. One node per joint, an octahedron per bone.
Joints stand exactly where the clip has them: bones whose length varies also move. Our statement is
``extras.vitruve`` of the asset; it names the accessors that hold ``valid``, source ``frames`` and
``spread``. Gaps are bridged by straight lines.
Source: Khronos Group, glTF 2.0 specification.
"""

import json
import struct
from pathlib import Path
from typing import Any

import numpy as np
import roma
import torch

from vitruve.geometry.kinematics import children_of
from vitruve.io.atomic import atomic_path
from vitruve.io.contents import Y_UP, arrays, describe, to_y_up
from vitruve.io.rest_pose import RiggedClip, rig
from vitruve.poses import PoseSequence

_FLOAT, _U8, _U16, _U32 = 5126, 5121, 5123, 5125
_TYPES = {(): "SCALAR", (3,): "VEC3", (4,): "VEC4", (4, 4): "MAT4"}
_THICKNESS = 0.1
"""Half width of a bone's octahedron as a share of its length."""
_MAX_HALF_WIDTH_M = 0.03
_BEAM = 0.2
"""Where along the bone the octahedron is widest."""
_STILL_M = 1e-6
_GREY = [0.35, 0.55, 0.85, 1.0]
_FACES = np.array(
    [(0, 2, 1), (0, 3, 2), (0, 4, 3), (0, 1, 4), (5, 1, 2), (5, 2, 3), (5, 3, 4), (5, 4, 1)]
)


class _Binary:
    """The binary chunk and its accessors."""

    def __init__(self) -> None:
        self.data = bytearray()
        self.views: list[dict[str, int]] = []
        self.accessors: list[dict[str, Any]] = []

    def add(self, values: np.ndarray, component: int, *, bounds: bool = False) -> int:
        """Store an array, aligned to four bytes; give its accessor's index."""
        self.views.append({"buffer": 0, "byteOffset": len(self.data), "byteLength": values.nbytes})
        self.data += values.tobytes() + b"\0" * (-values.nbytes % 4)
        accessor: dict[str, Any] = {
            "bufferView": len(self.views) - 1,
            "componentType": component,
            "count": len(values),
            "type": _TYPES[values.shape[1:]],
        }
        if bounds:
            flat = values.reshape(len(values), -1)
            accessor |= {"min": flat.min(0).tolist(), "max": flat.max(0).tolist()}
        self.accessors.append(accessor)
        return len(self.accessors) - 1


def write_glb(sequence: PoseSequence, path: Path) -> None:
    """Write the figure.

    Raises:
        ValueError: The skeleton is no single tree, or its root is never valid.
        OSError: The folder cannot be written.
    """
    _, valid, frames, spread = arrays(sequence)
    clip = rig(sequence, "glb")
    offsets = to_y_up(clip.offsets.numpy())
    binary = _Binary()
    mesh = _mesh(binary, sequence.skeleton.parents, offsets)
    inverse_bind = np.tile(np.eye(4, dtype=np.float32), (len(offsets), 1, 1))
    inverse_bind[:, 3, :3] = -_rest(sequence.skeleton.parents, offsets)
    extras = describe(sequence, "m", Y_UP) | {
        "valid_accessor": binary.add(valid.astype(np.uint8).reshape(-1), _U8),
        "frames_accessor": binary.add(frames.astype(np.uint32), _U32),
        "spread_accessor": None
        if spread is None
        else binary.add(spread.astype(np.float32).reshape(-1), _FLOAT),
    }
    count = len(offsets)
    document = {
        "asset": {
            "version": "2.0",
            "generator": f"vitruve {extras['version']}",
            "extras": {"vitruve": extras},
        },
        "scene": 0,
        "scenes": [{"nodes": [sequence.skeleton.parents.index(-1), count]}],
        "nodes": [*_nodes(sequence, clip, offsets), {"name": "figure", "mesh": 0, "skin": 0}],
        "meshes": [mesh],
        "materials": [{"pbrMetallicRoughness": {"baseColorFactor": _GREY, "metallicFactor": 0.0}}],
        "skins": [
            {"joints": list(range(count)), "inverseBindMatrices": binary.add(inverse_bind, _FLOAT)}
        ],
        "animations": [_animation(binary, sequence, clip)],
    }
    _save(path, document, binary)


def _save(path: Path, document: dict[str, Any], binary: _Binary) -> None:
    document |= {
        "buffers": [{"byteLength": len(binary.data)}],
        "bufferViews": binary.views,
        "accessors": binary.accessors,
    }
    text = json.dumps(document, allow_nan=False, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 4)
    total = 12 + 8 + len(text) + 8 + len(binary.data)
    with atomic_path(path) as tmp, tmp.open("wb") as file:
        file.write(struct.pack("<4sII", b"glTF", 2, total))
        file.write(struct.pack("<I4s", len(text), b"JSON") + text)
        file.write(struct.pack("<I4s", len(binary.data), b"BIN\0"))
        file.write(binary.data)


def _nodes(sequence: PoseSequence, clip: RiggedClip, offsets: np.ndarray) -> list[dict[str, Any]]:
    parents = sequence.skeleton.parents
    start = to_y_up(clip.joints[0].numpy())
    nodes = []
    for joint, children in enumerate(children_of(parents)):
        place = start[joint] if parents[joint] < 0 else offsets[joint]
        node: dict[str, Any] = {
            "name": sequence.skeleton.names[joint],
            "translation": place.tolist(),
        }
        if children:
            node["children"] = list(children)
        nodes.append(node)
    return nodes


def _rest(parents: tuple[int, ...], offsets: np.ndarray) -> np.ndarray:
    rest = np.zeros_like(offsets)
    order = [parents.index(-1)]
    for joint in order:
        for child in children_of(parents)[joint]:
            rest[child] = rest[joint] + offsets[child]
            order.append(child)
    return rest


def _mesh(binary: _Binary, parents: tuple[int, ...], offsets: np.ndarray) -> dict[str, Any]:
    rest = _rest(parents, offsets)
    points, normals, owners = [], [], []
    for joint, parent in enumerate(parents):
        if parent < 0 or np.linalg.norm(offsets[joint]) < _STILL_M:
            continue
        corners, owner = _octahedron(rest[parent], offsets[joint]), [parent] * 5 + [joint]
        # Corners are repeated per face, so that faces look flat.
        triangles = corners[_FACES]
        across = np.cross(triangles[:, 1] - triangles[:, 0], triangles[:, 2] - triangles[:, 0])
        across /= np.maximum(np.linalg.norm(across, axis=-1, keepdims=True), 1e-12)
        points.append(triangles.reshape(-1, 3))
        normals.append(np.repeat(across, 3, axis=0))
        owners.append(np.array(owner)[_FACES].reshape(-1))
    if not points:
        points, normals, owners = [np.zeros((3, 3))], [np.eye(3)], [np.zeros(3, int)]
    joints = np.zeros((sum(map(len, owners)), 4), np.uint16)
    joints[:, 0] = np.concatenate(owners)
    weights = np.zeros(joints.shape, np.float32)
    weights[:, 0] = 1.0
    attributes = {
        "POSITION": binary.add(np.concatenate(points).astype(np.float32), _FLOAT, bounds=True),
        "NORMAL": binary.add(np.concatenate(normals).astype(np.float32), _FLOAT),
        "JOINTS_0": binary.add(joints, _U16),
        "WEIGHTS_0": binary.add(weights, _FLOAT),
    }
    return {"name": "bones", "primitives": [{"attributes": attributes, "material": 0}]}


def _octahedron(start: np.ndarray, bone: np.ndarray) -> np.ndarray:
    length = np.linalg.norm(bone)
    along = bone / length
    across = np.cross(along, np.eye(3)[np.abs(along).argmin()])
    across /= np.linalg.norm(across)
    other = np.cross(along, across)
    half = min(length * _THICKNESS, _MAX_HALF_WIDTH_M)
    beam = start + bone * _BEAM
    ring = [beam + half * side for side in (across, other, -across, -other)]
    return np.stack([start, *ring, start + bone])


def _animation(binary: _Binary, sequence: PoseSequence, clip: RiggedClip) -> dict[str, Any]:
    frames = sequence.frames.cpu().numpy()
    times = binary.add(
        ((frames - frames[0]) / sequence.fps).astype(np.float32), _FLOAT, bounds=True
    )
    parents = sequence.skeleton.parents
    basis = to_y_up(np.eye(3)).T
    turns = basis @ clip.rotations.numpy() @ basis.T
    places = to_y_up(_local_places(clip, parents))
    samplers: list[dict[str, Any]] = []
    channels: list[dict[str, Any]] = []

    def animate(joint: int, kind: str, values: np.ndarray) -> None:
        samplers.append(
            {
                "input": times,
                "output": binary.add(values.astype(np.float32), _FLOAT),
                "interpolation": "LINEAR",
            }
        )
        channels.append({"sampler": len(samplers) - 1, "target": {"node": joint, "path": kind}})

    children = children_of(parents)
    for joint, parent in enumerate(parents):
        if children[joint]:
            animate(joint, "rotation", _quaternions(turns[:, joint]))
        if (
            parent < 0
            or np.abs(places[:, joint] - to_y_up(clip.offsets.numpy())[joint]).max() > _STILL_M
        ):
            animate(joint, "translation", places[:, joint])
    return {"name": "clip", "samplers": samplers, "channels": channels}


def _local_places(clip: RiggedClip, parents: tuple[int, ...]) -> np.ndarray:
    """Each joint in its parent's turning frame, where the clip has it, (t, j, 3)."""
    turns: dict[int, torch.Tensor] = {}
    places = clip.joints.clone()
    order = [parents.index(-1)]
    for joint in order:
        parent = parents[joint]
        own = clip.rotations[:, joint]
        turns[joint] = own if parent < 0 else turns[parent] @ own
        if parent >= 0:
            bone = clip.joints[:, joint] - clip.joints[:, parent]
            places[:, joint] = (bone[:, None] @ turns[parent])[:, 0]
        order.extend(children_of(parents)[joint])
    return places.numpy()


def _quaternions(rotations: np.ndarray) -> np.ndarray:
    """As x y z w, each near the one before, so that blending takes the short way."""
    q = roma.rotmat_to_unitquat(torch.from_numpy(rotations)).numpy()
    same = (q[1:] * q[:-1]).sum(-1) >= 0
    sign = np.cumprod(np.where(same, 1.0, -1.0))
    q[1:] *= sign[:, None]
    return q

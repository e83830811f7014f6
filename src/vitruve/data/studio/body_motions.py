"""Recorded clips put on a body, as shards of frames: what Studio's people do.

One shard for each clip. Of each frame: ``pose`` (rotation vectors of the bones that ``about``
names), ``root`` (metres, in the world), ``height`` (of the root of that body at rest), and the
clip it belongs to.
"""

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import numpy as np
import roma
import torch
from jaxtyping import Float
from torch import Tensor

from vitruve.bodies import Body, make_body
from vitruve.bodies.retarget import retarget
from vitruve.data.sequences.clip import MotionSequence
from vitruve.data.sequences.store import SequenceStore
from vitruve.data.sequences.windows import resample
from vitruve.data.shards.file import write_shard
from vitruve.data.shards.folder import shard_name, write_index
from vitruve.data.studio.scene import moved_bones

KIND = "body motions"
PIECE = 600
"""Frames that are fitted together; longer clips are cut."""


def make_motion_shards(
    store: SequenceStore,
    folder: str | Path,
    body_name: str,
    fps: float,
    numbers: Iterable[int],
    *,
    tell: Callable[[int], None] | None = None,
) -> None:
    """Put clips of a store on a body, one shard for each: whole or not at all.

    Args:
        store: The clips, with 3D joints.
        folder: Where the shards go.
        body_name: A body of `vitruve.bodies`; of those that are read from a file, NAME:FILE.
        fps: Frames per second that are kept, of clips that have as many.
        numbers: Which clips, counted through the store.
        tell: Told of the frames of each clip that is done.

    Raises:
        ValueError: A clip lacks 3D joints that retargeting needs.
    """
    body, names = make_body(body_name), store.names()
    for number in numbers:
        columns = _columns(store[names[number]], number, body, fps)
        write_shard(Path(folder) / shard_name(number), columns)
        if tell:
            tell(len(columns["key"]))


def is_person(body_name: str) -> Body:
    """The body, if recorded motions of people can be put on it.

    Raises:
        KeyError: No body has this name.
        ValueError: It needs a file, or it is no person.
    """
    body = make_body(body_name)
    if "left_shoulder" not in body.anatomy.roles:
        raise ValueError(f"body {body_name!r} is no person; motions of people do not fit it")
    return body


def finish_motions(folder: str | Path, body_name: str, fps: float, numbers: Sequence[int]) -> None:
    """Check all shards and write the index.

    Raises:
        FileNotFoundError: A shard is missing.
        FileError: A shard is damaged.
    """
    bones = moved_bones(make_body(body_name))
    about = {"kind": KIND, "body": body_name, "fps": fps, "bones": bones}
    write_index(folder, about, numbers)


def rest_height(body: Body, shape: Float[Tensor, "s"]) -> float:
    """How high the root of the standing body is, metres."""
    with torch.no_grad():
        return float(body.rest(shape).bone_heads[0, 2])


def _columns(
    sequence: MotionSequence, number: int, body: Body, fps: float
) -> dict[str, np.ndarray]:
    if sequence.joints_world is None or sequence.valid is None:
        raise ValueError(f"clip {sequence.name!r} has no 3D joints; leave it out of the store")
    joints, valid = torch.tensor(sequence.joints_world), torch.tensor(sequence.valid)
    fps = min(fps, sequence.fps)
    joints, valid = resample(joints, valid, sequence.fps, fps)
    bones, pose, root, height = moved_bones(body), [], [], []
    for some, seen in zip(joints.split(PIECE), valid.split(PIECE), strict=True):
        fitted = retarget(body, some, sequence.skeleton, fps, valid=seen)
        pose.append(roma.rotmat_to_rotvec(fitted.pose[:, bones]))
        root.append(fitted.root)
        height.append(torch.full((len(some),), rest_height(body, fitted.shape)))
    n = len(joints)
    return {
        "key": np.array([f"{number:06d}-{frame:06d}" for frame in range(n)]),
        "clip": np.full(n, sequence.name, f"<U{max(1, len(sequence.name))}"),
        "subject": np.full(n, sequence.subject, f"<U{max(1, len(sequence.subject))}"),
        "split": np.full(n, sequence.split, "<U10"),
        "pose": _numbers(pose),
        "root": _numbers(root),
        "height": _numbers(height),
    }


def _numbers(parts: list[Tensor]) -> np.ndarray:
    return torch.cat(parts).float().numpy()

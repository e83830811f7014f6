"""A parallel corpus: the same people at the same moments in several skeleton formats.

One ``.npz`` file:

- ``FORMAT`` (n, joints, 3), float, metres: for each format, under its name in the registry
  (``coco_17``), the joints at the same n moments, in one frame for all formats;
- ``FORMAT.valid`` (n, joints), bool, optional: False where a joint is missing;
- ``group`` (n,), int, optional: moments of one number (a clip, a body) are never parted when some
  are held out; without it, neighbours in blocks of a hundredth of the file;
- ``frame``, text, optional: ``camera`` (x right, y down, z forward) or ``world``, the default.

Axes: n moments, j joints of all formats behind each other.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Bool, Float, Int64
from torch import Tensor

from vitruve.io.archive import load_npz
from vitruve.io.atomic import atomic_path
from vitruve.skeletons import SKELETONS, Skeleton, merge, part_of, skeleton

_VALID = ".valid"
_OTHER = {"group", "frame"}
_BLOCKS = 100


@dataclass(frozen=True, eq=False)
class ParallelCorpus:
    """Joints of several formats at the same moments."""

    formats: tuple[Skeleton, ...]
    joints: Float[Tensor, "n j 3"]
    """Metres; arbitrary but finite where ``valid`` is False."""
    valid: Bool[Tensor, "n j"]
    group: Int64[Tensor, "n"]
    """Moments of one number are never parted."""
    frame: str = "world"
    """``camera`` or ``world``."""

    @cached_property
    def skeleton(self) -> Skeleton:
        """All formats as one."""
        return merge(self.formats)

    def part(self, name: str) -> slice:
        """Where a format's joints lie.

        Raises:
            KeyError: The corpus does not have it.
        """
        return part_of(self.formats, name)

    def rows(self, chosen: Bool[Tensor, "n"]) -> "ParallelCorpus":
        """Some moments."""
        kept = {k: getattr(self, k)[chosen] for k in ("joints", "valid", "group")}
        return replace(self, **kept)

    def only(self, names: tuple[str, ...]) -> "ParallelCorpus":
        """Some formats.

        Raises:
            KeyError: The corpus does not have one of them.
        """
        parts = [self.part(name) for name in names]
        joints, valid = (
            torch.cat([x[:, part] for part in parts], 1) for x in (self.joints, self.valid)
        )
        return replace(self, formats=tuple(map(skeleton, names)), joints=joints, valid=valid)

    def hold_out(self, part: float, seed: int = 0) -> tuple["ParallelCorpus", "ParallelCorpus"]:
        """Most groups to learn from, and a part of them to measure on.

        Raises:
            ValueError: ``part`` is not between 0 and 1, or there is one group only.
        """
        if not 0 < part < 1:
            raise ValueError(f"the held-out part is {part}; it must be between 0 and 1")
        groups = self.group.unique()
        if len(groups) < 2:
            raise ValueError("all moments are of one group: nothing can be held out")
        draw = torch.Generator().manual_seed(seed)
        count = min(len(groups) - 1, max(1, round(part * len(groups))))
        held = groups[torch.randperm(len(groups), generator=draw)[:count]]
        out = torch.isin(self.group, held)
        return self.rows(~out), self.rows(out)


def read_corpus(path: str | Path) -> ParallelCorpus:
    """Read a parallel corpus.

    Raises:
        FileError: It is no sound ``.npz`` file.
        ValueError: An array is of no known format, has another shape, or holds no numbers.
        OSError: It does not exist or may not be read.
    """
    path = Path(path)
    arrays = load_npz(path)
    names = [key for key in arrays if key not in _OTHER and not key.endswith(_VALID)]
    known = [name for name in names if name in SKELETONS]
    stray = [k for k in arrays if k.removesuffix(_VALID) not in {*known, *_OTHER}]
    if stray:
        raise ValueError(
            f"{path}: array {stray[0]!r} is of no skeleton format; name each array as the registry "
            "does (docs/skeletons.md), with .valid behind it for masks"
        )
    if not known:
        raise ValueError(f"{path} holds no skeleton format: no array is named like coco_17")
    formats = tuple(SKELETONS[name] for name in known)
    count = len(arrays[known[0]]) if arrays[known[0]].ndim else 0
    parts = [_format(path, arrays, one, count) for one in formats]
    joints, valid = (torch.cat(x, 1) for x in zip(*parts, strict=True))
    frame = str(arrays["frame"]) if "frame" in arrays else "world"
    if frame not in ("camera", "world"):
        raise ValueError(f"{path}: frame is {frame!r}; allowed: camera, world")
    return ParallelCorpus(formats, joints, valid, _group(path, arrays, count), frame)


def _format(
    path: Path, arrays: Mapping[str, Any], one: Skeleton, count: int
) -> tuple[Float[Tensor, "n j 3"], Bool[Tensor, "n j"]]:
    joints = arrays[one.name]
    if joints.shape != (count, one.num_joints, 3) or not count or joints.dtype.kind != "f":
        raise ValueError(
            f"{path}: {one.name} is {joints.dtype} {joints.shape}; expected floats of shape "
            f"({count or 'n'}, {one.num_joints}, 3)"
        )
    valid = arrays.get(one.name + _VALID, np.ones(joints.shape[:2], dtype=bool))
    if valid.shape != joints.shape[:2] or valid.dtype.kind != "b":
        raise ValueError(
            f"{path}: {one.name}{_VALID} is {valid.dtype} {valid.shape}; expected bool of shape "
            f"{joints.shape[:2]}"
        )
    joints = np.where(valid[..., None], joints, 0.0).astype(np.float32)
    if not np.isfinite(joints).all():
        raise ValueError(
            f"{path}: {one.name} holds NaN or infinity; mark missing joints in {one.name}{_VALID}"
        )
    return torch.from_numpy(joints), torch.from_numpy(valid)


def _group(path: Path, arrays: Mapping[str, Any], count: int) -> Int64[Tensor, "n"]:
    group = arrays.get("group", np.arange(count) * _BLOCKS // count)
    if group.shape != (count,) or group.dtype.kind not in "iu":
        raise ValueError(
            f"{path}: group is {group.dtype} {group.shape}; expected whole numbers of shape "
            f"({count},)"
        )
    return torch.from_numpy(group.astype(np.int64))


def write_corpus(corpus: ParallelCorpus, path: str | Path) -> None:
    """Write a parallel corpus, whole or not at all.

    Raises:
        OSError: The folder cannot be written.
    """
    content: dict[str, Any] = {"group": corpus.group.numpy(), "frame": np.array(corpus.frame)}
    for one in corpus.formats:
        part = corpus.part(one.name)
        content[one.name] = corpus.joints[:, part].numpy().astype(np.float32)
        if not corpus.valid[:, part].all():
            content[one.name + _VALID] = corpus.valid[:, part].numpy()
    with atomic_path(path) as temporary, temporary.open("wb") as file:
        np.savez_compressed(file, **content)

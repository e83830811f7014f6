"""A fitted bridge between skeletons as one safetensors file, read and written."""

import importlib.metadata
from collections.abc import Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from vitruve.io.dataclass_json import config_from_dict
from vitruve.io.tensor_file import read_tensors, write_tensors
from vitruve.nets.skeleton_bridge import SkeletonBridge
from vitruve.skeletons import Skeleton

KIND = "skeleton bridge"
DEFAULT = Path(__file__).parents[1] / "skeletons" / "bridge.safetensors"
"""The bridge that comes with the package."""
_MATRICES = ("encoder", "decoder", "residual_m", "rules_m")
_MAY_BE_UNKNOWN = ("residual_m", "rules_m")


def write_bridge(bridge: SkeletonBridge, path: str | Path) -> None:
    """Write a bridge and everything needed to use it.

    Raises:
        OSError: The folder cannot be written.
    """
    # What only documents a format may be long, and the registry keeps it.
    formats = [asdict(replace(one, source="", note="")) for one in bridge.formats]
    document = {
        "kind": KIND,
        "formats": formats,
        "latents_per_side": bridge.latents_per_side,
        "unit": "metre",
        "axes": "any frame: weights sum to 1",
        "version": importlib.metadata.version("vitruve"),
        "about": dict(bridge.about),
    }
    tensors = {name: getattr(bridge, name) for name in _MATRICES}
    tensors |= {f"moments.{i}": m for i, m in enumerate(bridge.moments)}
    write_tensors(path, {k: v.float() for k, v in tensors.items()}, document)


def read_bridge(path: str | Path) -> SkeletonBridge:
    """Read a bridge: a file, or ``default`` for the one that comes with the package.

    Raises:
        FileNotFoundError: There is no such file.
        ValueError: The file is damaged, or no bridge.
    """
    path = DEFAULT if str(path) == "default" else Path(path)
    tensors, document = read_tensors(path, KIND)
    entries, about = document.get("formats"), document.get("about", {})
    if not isinstance(entries, list) or not entries or not isinstance(about, Mapping):
        raise ValueError(f"{path} is damaged: it names no formats; fit it again")
    formats = tuple(config_from_dict(Skeleton, entry) for entry in entries)
    names = {*_MATRICES, *(f"moments.{i}" for i in range(len(formats)))}
    if set(tensors) != names:
        raise ValueError(f"{path} is damaged: it holds {sorted(tensors)}, not {sorted(names)}")
    _check(path, tensors, formats, document.get("latents_per_side"))
    moments = tuple(tensors[f"moments.{i}"] for i in range(len(formats)))
    matrices = {name: tensors[name] for name in _MATRICES}
    side = document["latents_per_side"]
    return SkeletonBridge(formats, latents_per_side=side, moments=moments, about=about, **matrices)


def _check(
    path: Path, tensors: Mapping[str, Tensor], formats: tuple[Skeleton, ...], side: Any
) -> None:
    """Compare the tensors with the formats and with each other.

    Raises:
        ValueError: A shape, a type or a sum is not what it must be.
    """
    joints = sum(one.num_joints for one in formats)
    shape = tensors["encoder"].shape
    latents, known = shape if len(shape) == 2 else (0, 0)
    wanted: dict[str, tuple[int, int]] = {
        "decoder": (joints, latents),
        "residual_m": (len(formats), joints),
        "rules_m": (len(formats), joints),
    }
    for i, one in enumerate(formats):
        wanted[f"moments.{i}"] = (one.num_joints + latents, one.num_joints + latents)
    wrong = [name for name, size in wanted.items() if tuple(tensors[name].shape) != size]
    if wrong or not 0 < known <= joints:
        name = wrong[0] if wrong else "encoder"
        raise ValueError(f"{path} is damaged: {name} has shape {tuple(tensors[name].shape)}")
    if type(side) is not int or not 0 <= 2 * side <= latents:
        raise ValueError(f"{path} is damaged: latents_per_side is {side!r} of {latents} latents")
    for name, tensor in tensors.items():
        if tensor.dtype != torch.float32 or (
            name not in _MAY_BE_UNKNOWN and not tensor.isfinite().all()
        ):
            raise ValueError(f"{path} is damaged: {name} does not hold finite float32 numbers")
    for name in ("encoder", "decoder"):
        if (tensors[name].double().sum(-1) - 1).abs().max() > 1e-3:
            raise ValueError(f"{path} is damaged: rows of {name} do not sum to 1")

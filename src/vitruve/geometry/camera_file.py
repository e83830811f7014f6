"""Cameras in files: ours (JSON), OpenCV's (YAML or JSON), Pose2Sim's (TOML) and Qualisys' (XML).

They are told by content. OpenCV and Pose2Sim put pixel centres at whole numbers, so half a pixel is
added to their principal point.
"""

import json
import math
import os
import re
import tempfile
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import roma
import torch
from jaxtyping import Float
from torch import Tensor

from vitruve.geometry.camera import Camera
from vitruve.geometry.qualisys_file import qualisys_cameras

FORMAT = "vitruve-camera"
MAX_BYTES = 1_000_000
MATRIX_KEYS = ("camera_matrix", "cameraMatrix", "K", "mtx")
DISTORTION_KEYS = ("dist_coeffs", "distortion_coefficients", "distCoeffs", "dist")
OPENCV_YAML = re.compile(
    r"^\s*(\w+):\s*(?:!!opencv-matrix\s+rows:\s*\d+\s+cols:\s*\d+\s+dt:\s*\w+\s+data:\s*)?"
    r"(\[[^\]]*\]|[-+\d.eE]+\s*$)",
    re.MULTILINE,
)


def save_camera(camera: Camera, path: str | Path) -> None:
    """Write a camera as JSON, whole or not at all."""
    path = Path(path)
    text = json.dumps(camera_to_dict(camera), indent=1)
    with tempfile.NamedTemporaryFile("w", dir=path.parent, delete=False, suffix=".tmp") as file:
        file.write(text + "\n")
    os.replace(file.name, path)


def load_camera(path: str | Path, name: str | None = None) -> Camera:
    """Read one camera; ``name`` picks it where the file holds several.

    Raises:
        FileNotFoundError: There is no such file.
        ValueError: The file is no camera file, or a number in it cannot be a camera's.
        KeyError: The file holds several cameras and ``name`` is none of them.
    """
    cameras = load_cameras(path)
    if name is None and len(cameras) == 1:
        return next(iter(cameras.values()))
    if name is None or name not in cameras:
        asked = "a name is needed" if name is None else f"none is called {name!r}"
        raise KeyError(f"{path} holds {len(cameras)} cameras and {asked}: {', '.join(cameras)}")
    return cameras[name]


def load_cameras(path: str | Path) -> dict[str, Camera]:
    """Every camera of a file by name; files of one camera name it after the file.

    Raises:
        FileNotFoundError: There is no such file.
        ValueError: The file is no camera file, or a number in it cannot be a camera's.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"no camera file {path}")
    if path.stat().st_size > MAX_BYTES:
        raise ValueError(f"{path} has {path.stat().st_size} bytes; a camera file has under 1 MB")
    try:
        text = path.read_text(encoding="utf-8")
        if text.lstrip().startswith("<"):
            return {k: camera_from_dict(v) for k, v in qualisys_cameras(text).items()}
        content = _parsed(text)
        if content.get("format") == FORMAT:
            return {path.stem: camera_from_dict(content)}
        if any(key in content for key in MATRIX_KEYS):
            return {path.stem: _from_opencv(content)}
        sections = {k: v for k, v in content.items() if isinstance(v, dict) and "matrix" in v}
        if sections:
            return {str(v.get("name", k)): _from_pose2sim(v) for k, v in sections.items()}
    except (ValueError, KeyError, TypeError, RecursionError, OverflowError) as error:
        reason = error.args[0] if error.args else type(error).__name__
        raise ValueError(f"{path} cannot be read as a camera: {reason}") from error
    raise ValueError(
        f"{path} is no camera file; give Vitruve's JSON, OpenCV's YAML or JSON with camera_matrix "
        "and dist_coeffs, Pose2Sim's TOML or Qualisys' XML"
    )


def camera_to_dict(camera: Camera) -> dict[str, Any]:
    """Plain values of a camera, ready for JSON."""
    optional = {"distortion": camera.distortion, "T_world_cam": camera.T_world_cam}
    return {
        "format": FORMAT,
        "units": "metres; pixels with centres at .5; camera x right, y down, z forward; world z up",
        "image_size_px": list(camera.image_size_px),
        "intrinsics": camera.intrinsics.tolist(),
        **{key: None if value is None else value.tolist() for key, value in optional.items()},
    }


def camera_from_dict(content: Mapping[str, Any]) -> Camera:
    """Inverse of ``camera_to_dict``.

    Raises:
        ValueError: A number cannot be a camera's.
        KeyError: A field is missing.
    """
    for key in ("intrinsics", "image_size_px"):
        if key not in content:
            raise KeyError(f"the camera has no {key}")
    T_world_cam = content.get("T_world_cam")
    if T_world_cam is not None:
        T_world_cam = _numbers("T_world_cam", T_world_cam, (16,)).reshape(4, 4)
        rotation, last = T_world_cam[:3, :3], torch.tensor([0.0, 0.0, 0.0, 1.0])
        off = (rotation @ rotation.T - torch.eye(3)).abs().max()
        if off > 1e-3 or rotation.det() < 0 or not torch.equal(T_world_cam[3], last):
            raise ValueError("T_world_cam is no rigid motion; its rotation must be orthonormal")
    distortion = content.get("distortion")
    if distortion is not None:
        distortion = _numbers("distortion", distortion, (5, 8, 12))
    return Camera(
        _intrinsics(content["intrinsics"]), _size(content["image_size_px"]), distortion, T_world_cam
    )


def _parsed(text: str) -> dict[str, Any]:
    """The file as a dictionary, whichever of the three languages it is in."""
    if text.lstrip().startswith("{"):
        content = json.loads(text)
    elif any(key + ":" in text for key in MATRIX_KEYS):
        found = OPENCV_YAML.findall(text)
        content = {key: [float(x) for x in value.strip("[]").split(",")] for key, value in found}
    else:
        content = tomllib.loads(text)
    return content


def _from_opencv(content: Mapping[str, Any]) -> Camera:
    matrix = next(content[key] for key in MATRIX_KEYS if key in content)
    terms = next((content[key] for key in DISTORTION_KEYS if key in content), None)
    size = content.get("image_size", content.get("img_size"))
    if size is None:
        if not {"image_width", "image_height"} <= set(content):
            raise ValueError("it does not say image_width and image_height; add the two lines")
        size = [content["image_width"], content["image_height"]]
    matrix, terms = (v.get("data") if isinstance(v, dict) else v for v in (matrix, terms))
    return Camera(_centred_at_half(matrix), _size(size), _opencv_terms(terms))


def _from_pose2sim(content: Mapping[str, Any]) -> Camera:
    """One section of a calibration: ``x_cam = R x_world + t``, R as a rotation vector."""
    if content.get("fisheye"):
        raise ValueError("it is a fisheye camera; give one of OpenCV's pinhole model")
    rotation = roma.rotvec_to_rotmat(_numbers("rotation", content.get("rotation"), (3,)))
    translation = _numbers("translation", content.get("translation"), (3,))
    T_world_cam = torch.eye(4)
    T_world_cam[:3, :3], T_world_cam[:3, 3] = rotation.T, -rotation.T @ translation
    terms = _opencv_terms(content.get("distortions"))
    return Camera(
        _centred_at_half(content["matrix"]), _size(content.get("size")), terms, T_world_cam
    )


def _centred_at_half(matrix: Any) -> Float[Tensor, "3 3"]:
    intrinsics = _intrinsics(matrix)
    intrinsics[:2, 2] += 0.5
    return intrinsics


def _opencv_terms(terms: Any) -> Float[Tensor, "terms"] | None:
    """OpenCV also writes 4 terms (no k3), and 14 for tilted sensors, which must be zero here."""
    if terms is None:
        return None
    values = _numbers("distortion", terms, (4, 5, 8, 12, 14))
    if len(values) == 14 and values[12:].any():
        raise ValueError(
            "its sensor is tilted (distortion terms 13 and 14); at most 12 are allowed"
        )
    values = values[:12]
    return torch.nn.functional.pad(values, (0, 1)) if len(values) == 4 else values


def _intrinsics(value: Any) -> Float[Tensor, "3 3"]:
    K = _numbers("camera matrix", value, (9,)).reshape(3, 3)
    if min(K[0, 0], K[1, 1]) <= 0 or K[1, 0] != 0 or K[2].tolist() != [0, 0, 1]:
        raise ValueError(
            "its camera matrix is not [[fx, s, cx], [0, fy, cy], [0, 0, 1]], fx, fy > 0"
        )
    return K


def _size(value: Any) -> tuple[int, int]:
    size = _numbers("image size", value, (2,))
    if min(size) < 1 or max(size) > 100_000:
        raise ValueError(
            f"its image size is {size.tolist()}; width and height in pixels are needed"
        )
    return int(size[0]), int(size[1])


def _numbers(what: str, value: Any, lengths: tuple[int, ...]) -> Float[Tensor, "n"]:
    """A flat tensor of finite numbers of an allowed length."""
    rows = value if isinstance(value, list) else [value]
    flat = [x for row in rows for x in (row if isinstance(row, list) else [row])]
    allowed = " or ".join(map(str, lengths))
    if len(flat) not in lengths:
        raise ValueError(f"its {what} has {len(flat)} numbers; {allowed} are needed")
    if not all(type(x) in {int, float} and math.isfinite(x) and abs(x) < 1e30 for x in flat):
        raise ValueError(f"its {what} holds something that is no finite number")
    return torch.tensor(flat, dtype=torch.float32)

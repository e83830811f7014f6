"""Calibrations that Qualisys Track Manager exports (``.qca.txt``, XML).

Lengths are millimetres, the picture is measured in 64ths of a pixel, and a camera looks along its
own -z with y up. Layout: Qualisys Track Manager manual, "Camera calibration" export; rotation and
lens as Pose2Sim reads them (https://github.com/perfanalytics/pose2sim, BSD-3-Clause).
"""

from collections.abc import Iterable
from typing import Any
from xml.etree import ElementTree

STEPS_PER_PIXEL = 64.0
_MM_PER_M = 1000.0
_PICTURES = ("fov_video", "fov_marker")
"""Elements that say which part of the sensor is in the picture, the better one first."""


def qualisys_cameras(text: str) -> dict[str, dict[str, Any]]:
    """Every camera by its serial, in the plain values that ``camera_from_dict`` reads.

    Raises:
        ValueError: It is no such file, or a camera lacks something.
    """
    if "<!DOCTYPE" in text or "<!ENTITY" in text:
        raise ValueError("the XML declares entities, which no calibration needs")
    try:
        root = ElementTree.fromstring(text)
    except ElementTree.ParseError as error:
        raise ValueError(f"the XML is damaged: {error}") from None
    cameras = dict(map(_camera, root.iter("camera")))
    if not cameras:
        raise ValueError("the XML has no <camera>; a Qualisys calibration has one for each")
    return cameras


def _camera(element: ElementTree.Element) -> tuple[str, dict[str, Any]]:
    name = element.attrib.get("serial", "camera")
    picture = next((p for tag in _PICTURES if (p := element.find(tag)) is not None), None)
    lens, pose = element.find("intrinsic"), element.find("transform")
    if picture is None or lens is None or pose is None:
        raise ValueError(f"camera {name} lacks one of fov_video, intrinsic and transform")
    left, top, right, bottom = _numbers(name, picture, ("left", "top", "right", "bottom"))
    wanted = ("focalLengthU", "focalLengthV", "centerPointU", "centerPointV")
    fx, fy, cx, cy = (value / STEPS_PER_PIXEL for value in _numbers(name, lens, wanted))
    k1, k2, k3 = _numbers(name, lens, (f"radialDistortion{i}" for i in (1, 2, 3)))
    p1, p2 = _numbers(name, lens, (f"tangentalDistortion{i}" for i in (1, 2)))
    place = [value / _MM_PER_M for value in _numbers(name, pose, "xyz")]
    x, y, z = (_numbers(name, pose, (f"r{row}{i}" for i in "123")) for row in "123")
    # Rows are the camera's axes in the world; ours looks along z with y down.
    axes = zip(x, (-value for value in y), (-value for value in z), place, strict=True)
    return name, {
        "intrinsics": [[fx, 0, cx - left], [0, fy, cy - top], [0, 0, 1]],
        "image_size_px": [right - left + 1, bottom - top + 1],
        "distortion": [k1, k2, p1, p2, k3],
        "T_world_cam": [*map(list, axes), [0, 0, 0, 1]],
    }


def _numbers(name: str, element: ElementTree.Element, wanted: Iterable[str]) -> list[float]:
    try:
        return [float(element.attrib[key]) for key in wanted]
    except KeyError as error:
        raise ValueError(f"camera {name} does not say {error.args[0]}") from None

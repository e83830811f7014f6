"""Clothes for the demo clip's body: colours and a little thickness, vertex by vertex.

Axes: v vertices. The rest body stands on the floor and faces -y, z up, metres.
"""

from dataclasses import replace

import numpy as np

from demo_body import Body
from demo_render import vertex_normals

SKIN, HAIR = (0.80, 0.60, 0.49), (0.20, 0.13, 0.09)
EYES, LIPS, BROWS = (0.16, 0.12, 0.11), (0.66, 0.38, 0.35), (0.28, 0.19, 0.14)
SHIRT, SLEEVES = (0.16, 0.42, 0.56), (0.13, 0.35, 0.47)
TROUSERS, SHOES, SOLES = (0.21, 0.22, 0.27), (0.78, 0.30, 0.20), (0.92, 0.91, 0.88)
SLEEVE = 0.62
"""Share of the upper arm that it covers."""


def dress(body: Body) -> Body:
    """The same body with clothes on."""
    colours = np.tile(np.array(SKIN), (len(body.vertices), 1))
    thickness = np.zeros(len(body.vertices))
    worn = _regions(body)
    z = body.vertices[:, 2]
    _put(colours, thickness, worn["trousers"], TROUSERS, 0.008)
    thickness += worn["trousers"] * 0.012 * np.clip(1 - z / 0.6, 0, 1)
    _put(colours, thickness, worn["shirt"], SHIRT, 0.010)
    colours[worn["sleeves"]] = SLEEVES
    _put(colours, thickness, worn["shoes"], SHOES, 0.008)
    colours[worn["shoes"] & (z < 0.022)] = SOLES
    _put(colours, thickness, worn["hair"], HAIR, 0.012)
    for region, colour in (("eyes", EYES), ("lips", LIPS), ("brows", BROWS)):
        colours[worn[region]] = colour
    shift = thickness[:, None] * vertex_normals(body.vertices, body.faces)
    # Soles stay on the floor.
    shift[:, 2] = np.maximum(shift[:, 2], -body.vertices[:, 2])
    return replace(body, vertices=body.vertices + shift, colours=colours)


def _regions(body: Body) -> dict[str, np.ndarray]:
    """Which vertices (v,) wear what."""
    x, y, z = body.vertices.T
    part = np.array([s.split(".")[0] for s in body.segments])[body.weights.argmax(1)]
    heads, nose = body.heads, body.nose
    waist, ankle = heads["spine05"][2] + 0.05, heads["foot.L"][2] + 0.02
    leg = np.isin(part, ("thigh", "shank", "foot", "toes"))
    torso = np.isin(part, ("pelvis", *(s for s in body.segments if s.startswith("spine"))))
    sleeves = (part == "upperarm") & (_along_arm(body) < SLEEVE)
    collar = heads["neck01"][2] - 0.012 + 0.35 * (y - heads["neck01"][1])
    shirt = (torso & (z > waist)) | (part == "clavicle") | (part == "neck") | sleeves
    above = nose + np.array([0, 0, 0.088])
    scalp = (z > above[2] - 0.10 * np.clip((y - nose[1] - 0.055) / 0.05, 0, 1.6)) & (
        z > nose[2] - 0.05
    )
    eyes = np.minimum(*(np.linalg.norm(body.vertices - _pupil(body, s), axis=1) for s in "LR"))
    brow = np.abs(z - heads["eye.L"][2] - 0.024) < 0.005
    front = y < nose[1] + 0.045
    return {
        "trousers": ((leg & (z > ankle)) | (torso & (z <= waist))),
        "shirt": shirt & (z < collar),
        "sleeves": sleeves,
        "shoes": leg & (z <= ankle),
        "hair": (part == "head") & scalp & ((np.abs(x) < 0.09) | (y > nose[1] + 0.14)),
        "eyes": eyes < 0.0085,
        "brows": brow & front & (np.abs(np.abs(x) - 0.031) < 0.018) & (part == "head"),
        "lips": (np.hypot(x / 0.022, (z - nose[2] + 0.045) / 0.009) < 1) & front & (part == "head"),
    }


def _along_arm(body: Body) -> np.ndarray:
    """Place along the upper arm, 0 at the shoulder, 1 at the elbow."""
    shoulder, elbow = body.heads["upperarm01.L"], body.heads["lowerarm01.L"]
    bone = elbow - shoulder
    mirrored = np.abs(body.vertices[:, 0])[:, None] * [1, 0, 0] + body.vertices * [0, 1, 1]
    return (mirrored - shoulder) @ bone / (bone @ bone)


def _pupil(body: Body, letter: str) -> np.ndarray:
    return body.heads[f"eye.{letter}"] + np.array([0, -0.012, 0])


def _put(
    colours: np.ndarray, thickness: np.ndarray, where: np.ndarray, colour: tuple, by: float
) -> None:
    colours[where] = colour
    thickness[where] = by

"""Draw the picture of docs/bodies.md: bodies at rest, and curated poses.

    python tools/draw_bodies.py [docs/images/bodies.png]

Above, each body in its rest pose, one colour for each part of its surface, with joints of
Human3.6M or StanfordExtra on it. Below, the first plausible bodies that a seed gives.
"""

import sys
from pathlib import Path

import matplotlib as mpl

mpl.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.collections import PolyCollection

from vitruve.bodies import Body, PosedBody, joints_of, make_body, sample_bodies
from vitruve.skeletons import skeleton

OUT = Path("docs/images/bodies.png")
LIGHT = np.array([0.45, -0.75, 0.5])
FORMATS = {"anny": "h36m_17", "capsule-human": "h36m_17", "capsule-dog": "stanfordextra_24"}
SHOWN = (("anny", 5), ("capsule-human", 1), ("capsule-dog", 2))
"""Bodies below, and how many of each."""
SHAPES = (
    {"gender": 0.0, "height": 0.42, "muscle": 0.7},
    {"gender": 1.0, "height": 0.35},
    {"age": 0.35, "height": 0.4},
)
"""Of the Anny bodies above."""
VIEW = 35.0
"""Degrees the camera stands to the left of the front."""


def turned(points: np.ndarray) -> np.ndarray:
    """Right, away, up as the camera sees them."""
    a = np.deg2rad(VIEW)
    # The body faces -y and so does not need to be turned to look at the camera.
    rotation = np.array([[np.cos(a), np.sin(a), 0], [-np.sin(a), np.cos(a), 0], [0, 0, 1]])
    return points @ rotation.T


def draw(axes: Axes, body: Body, posed: PosedBody, x: float, joints: bool) -> None:
    """One body with its feet at ``x``, far triangles first."""
    vertices = turned(posed.vertices.numpy() - posed.bone_heads[0].numpy() * [1, 1, 0])
    corners = vertices[body.faces.numpy()]
    normal = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    normal /= np.linalg.norm(normal, axis=1, keepdims=True) + 1e-9
    shade = 0.55 + 0.45 * np.clip(normal @ (LIGHT / np.linalg.norm(LIGHT)), 0, 1)
    parts = body.part_of_vertex.numpy()[body.faces.numpy()[:, 0]]
    colours = plt.get_cmap("tab20")(parts % 20)[:, :3] * 0.6 + 0.4
    colours = np.clip(colours * shade[:, None], 0, 1)
    order = np.argsort(-corners[..., 1].mean(1))
    flat = corners[order][..., [0, 2]] + [x, 0]
    axes.add_collection(
        PolyCollection(list(flat), facecolors=colours[order], edgecolors=colours[order], lw=0.3)
    )
    if joints:
        target = skeleton(FORMATS[body.anatomy.name])
        found, _ = joints_of(body, posed, target)
        seen = turned(found.numpy() - posed.bone_heads[0].numpy() * [1, 1, 0])[:, [0, 2]] + [x, 0]
        for a, b in target.edges:
            axes.plot(*seen[[a, b]].T, color="black", lw=1.0, alpha=0.7)
        axes.plot(*seen.T, "o", color="white", mec="black", ms=3.5, mew=0.8)


def rest_row(axes: Axes) -> float:
    """Bodies at rest; how wide the row is."""
    x = 0.95
    anny = make_body("anny")
    names = [p.name for p in anny.anatomy.shape_parameters]
    for values in SHAPES:
        shape = anny.default_shape.clone()
        for name, value in values.items():
            shape[names.index(name)] = value
        draw(axes, anny, anny.rest(shape), x, joints=True)
        x += 1.75
    for name, step in (("capsule-human", 1.5), ("capsule-dog", 0.8)):
        body = make_body(name)
        draw(axes, body, body.rest(), x, joints=True)
        x += step
    return x


def drawn_row(axes: Axes, width: float) -> None:
    """Curated poses side by side."""
    count = sum(n for _, n in SHOWN)
    places = iter(np.linspace(0.7, width - 0.8, count))
    for name, n in SHOWN:
        body = make_body(name)
        sample = sample_bodies(body, n, torch.Generator().manual_seed(4))
        posed = body(sample.pose, sample.shape, sample.root)
        for i in range(n):
            draw(axes, body, posed.map(lambda t, i=i: t[i]), next(places), joints=False)


def main() -> None:
    """Write the picture."""
    out = Path(sys.argv[1]) if len(sys.argv) > 1 else OUT
    figure, (above, below) = plt.subplots(2, 1, figsize=(12, 7.0))
    with torch.no_grad():
        width = rest_row(above)
        drawn_row(below, width)
    for axes in (above, below):
        axes.set_xlim(0, width)
        axes.set_ylim(-0.05, 2.1)
        axes.set_aspect("equal")
        axes.axhline(0, color="0.8", lw=1, zorder=0)
        axes.axis("off")
    figure.tight_layout(pad=0.2)
    figure.savefig(out, dpi=100, facecolor="white", pil_kwargs={"optimize": True})


if __name__ == "__main__":
    main()

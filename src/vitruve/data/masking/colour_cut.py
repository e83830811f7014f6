"""What GrabCut is made of: mixtures of colours, and the shortest cut along edges.

Rother, Kolmogorov and Blake, "GrabCut: interactive foreground extraction using iterated graph
cuts", SIGGRAPH 2004. We deviate: the minimal cut is that of the convex relaxation (Chan, Esedoglu
and Nikolova, SIAM J. Appl. Math. 2006: its thresholds are minimal cuts too) by the primal-dual
steps of Chambolle and Pock (J. Math. Imaging Vis. 2011), which takes NumPy alone; pixels have four
neighbours, not eight.

Axes: y x pixels, n pixels, k Gaussians.
"""

import numpy as np
from jaxtyping import Float, Float32


class ColourMixture:
    """A mixture of Gaussians over RGB, each pixel in one of them, as the paper has it."""

    def __init__(self, pixels: Float[np.ndarray, "n 3"], count: int) -> None:
        pixels = pixels[:: max(1, len(pixels) // 4000)]
        centred = pixels - pixels.mean(0)
        axis = np.linalg.eigh(centred.T @ centred)[1][:, -1]
        order = (centred @ axis).argsort().argsort()
        member, centres = order * count // len(pixels), np.zeros((0, 3))
        for _ in range(5):
            groups = [g for g in (pixels[member == k] for k in range(count)) if len(g) > 3]
            centres = np.stack([g.mean(0) for g in groups])
            member = ((pixels[:, None] - centres) ** 2).sum(-1).argmin(1)
        self._mean = centres
        self._inverse, self._base = [], []
        for k in range(len(centres)):
            group = pixels[member == k]
            spread = np.cov(group.T) if len(group) > 3 else np.zeros((3, 3))
            spread = spread + 10.0 * np.eye(3)
            self._inverse.append(np.linalg.inv(spread))
            weight = max(len(group), 1) / len(pixels)
            self._base.append(0.5 * np.linalg.slogdet(spread)[1] - np.log(weight))

    def cost(self, pixels: Float[np.ndarray, "n 3"]) -> Float[np.ndarray, "n"]:
        """Negative log likelihood under the likeliest Gaussian, up to a constant."""
        costs = []
        for mean, inverse, base in zip(self._mean, self._inverse, self._base, strict=True):
            away = pixels - mean
            costs.append(base + 0.5 * ((away @ inverse) * away).sum(-1))
        return np.min(costs, axis=0)


def cut(
    prefers: Float[np.ndarray, "y x"],
    colours: Float[np.ndarray, "y x 3"],
    start: Float[np.ndarray, "y x"],
    smoothness: float,
    steps: int,
) -> Float32[np.ndarray, "y x"]:
    """How much of each pixel is the person: above a half on one side of the shortest cut.

    Args:
        prefers: Cost of a pixel that is the person less its cost as one of the scene.
        colours: 0 to 255; a cut costs little along their edges.
        start: Where to begin, 0 to 1.
        smoothness: Cost of a cut between two pixels of one colour: the paper's gamma.
        steps: Towards the minimum of <prefers, u> plus the cost of the differences of u, over u
            from 0 to 1.
    """
    scale = smoothness or 1.0
    step = np.float32(1 / np.sqrt(8.0))
    force = (step * np.clip(prefers / scale, -8.0, 8.0)).astype(np.float32)
    limits = _limits(colours, smoothness / scale)
    flows = tuple(np.zeros_like(limit) for limit in limits)
    u = start.astype(np.float32)
    ahead = u.copy()
    for _ in range(steps):
        for axis, (flow, limit) in enumerate(zip(flows, limits, strict=True)):
            np.add(flow, step * np.diff(ahead, axis=axis), out=flow)
            np.minimum(flow, limit, out=flow)
            np.maximum(flow, -limit, out=flow)
        down, right = (step * flow for flow in flows)
        moved = u - force
        moved[:-1] += down
        moved[1:] -= down
        moved[:, :-1] += right
        moved[:, 1:] -= right
        np.clip(moved, 0, 1, out=moved)
        ahead, u = 2 * moved - u, moved
    return u


def _limits(
    colours: Float[np.ndarray, "y x 3"], most: float
) -> tuple[Float32[np.ndarray, "y1 x"], Float32[np.ndarray, "y x1"]]:
    """What a cut costs between each pixel and the one below it, and the one to its right."""
    down, right = ((np.diff(colours, axis=axis) ** 2).sum(-1) for axis in (0, 1))
    twice = max(2 * float(np.concatenate([down.ravel(), right.ravel()]).mean()), 1e-9)
    down, right = ((most * np.exp(-d / twice)).astype(np.float32) for d in (down, right))
    return down, right

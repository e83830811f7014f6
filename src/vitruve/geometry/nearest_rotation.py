"""The rotation nearest to a matrix without a singular value decomposition, for many at once.

Markley, "Attitude Determination Using Vector Observations: A Fast Optimal Matrix Algorithm",
Journal of the Astronautical Sciences 41(2), 1993: the sum of the signed singular values is the
largest root of a quartic, and the rotation is a polynomial in the matrix and that root.

Axes: *b any leading axes.
"""

import torch
from jaxtyping import Float
from torch import Tensor

STEPS = 12
"""Newton steps; from above they only come nearer, and the last of them carries the gradient."""


def nearest_rotation(matrix: Float[Tensor, "*b 3 3"]) -> Float[Tensor, "*b 3 3"]:
    """The rotation R that maximises the trace of R^T M.

    Several times as fast as `roma.special_procrustes` on a processor. It is as exact as the second
    and third singular value are away from cancelling each other: where they do, R is not unique.
    """
    scale = matrix.square().sum((-1, -2), keepdim=True).sqrt()
    m = matrix / scale.clamp(min=torch.finfo(matrix.dtype).tiny)
    adjugate = _cofactors(m)
    det = (m[..., 0, :] * adjugate[..., 0, :]).sum(-1)
    pairs = adjugate.square().sum((-1, -2))
    with torch.no_grad():
        root = torch.full_like(det, 3**0.5)
        for _ in range(STEPS):
            root = _newton(root, det, pairs)
    root = _newton(root, det, pairs)
    kappa = (root.square() - 1) / 2
    zeta = kappa * root - det
    top = (kappa + 1)[..., None, None] * m + root[..., None, None] * adjugate - m @ m.mT @ m
    return top / zeta[..., None, None]


def _newton(
    root: Float[Tensor, "*b"], det: Float[Tensor, "*b"], pairs: Float[Tensor, "*b"]
) -> Float[Tensor, "*b"]:
    """One step towards the largest root of (x^2 - 1)^2 - 8 det x - 4 pairs, of norm 1."""
    square = root.square() - 1
    value = square.square() - 8 * det * root - 4 * pairs
    slope = 4 * root * square - 8 * det
    return root - value / slope.clamp(min=torch.finfo(root.dtype).eps)


def _cofactors(m: Float[Tensor, "*b 3 3"]) -> Float[Tensor, "*b 3 3"]:
    a, b, c = m.unbind(-2)
    cross = torch.linalg.cross
    return torch.stack([cross(b, c), cross(c, a), cross(a, b)], dim=-2)

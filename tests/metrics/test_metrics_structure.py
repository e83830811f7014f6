import math

import numpy as np
import pytest
import torch
from scipy.spatial.transform import Rotation

from vitruve.metrics import bone_length_variation, bsle, lle, lse

PARENTS = (-1, 0, 1, 0, 3)
LIMBS = (((0, 1), (0, 3)), ((1, 2), (3, 4)))


def make_pair(seed=0, shape=(2, 6)):
    rng = np.random.default_rng(seed)
    predicted, target = rng.standard_normal((2, *shape, 5, 3))
    return torch.from_numpy(predicted), torch.from_numpy(target), rng.random((*shape, 5)) > 0.2


def plain(predicted, target, valid):
    """LSE and BSLE by loops over poses, after SCoTL-pose section 4.2."""
    lse_terms, bsle_terms = [], []
    flat = (x.reshape(-1, *x.shape[2:]) for x in (predicted.numpy(), target.numpy(), valid))
    for p, t, v in zip(*flat, strict=True):
        for (a, b), (c, d) in LIMBS:
            if v[[a, b, c, d]].all():
                left, right = math.dist(p[a], p[b]), math.dist(p[c], p[d])
                lse_terms.append(100 * abs((left - right) / ((left + right) / 2)))
        for child, parent in enumerate(PARENTS):
            if parent >= 0 and v[[child, parent]].all():
                ratio = math.dist(p[child], p[parent]) / math.dist(t[child], t[parent])
                bsle_terms.append(100 * abs(1 - ratio))
    return np.mean(lse_terms), np.mean(bsle_terms)


def test_agrees_with_plain_loops():
    predicted, target, valid = make_pair()
    mask = torch.from_numpy(valid)
    expected = plain(predicted, target, valid)
    assert float(lse(predicted, LIMBS, mask)) == pytest.approx(expected[0])
    assert float(bsle(predicted, target, PARENTS, mask)) == pytest.approx(expected[1])
    # Here the limbs are all the bones there are.
    assert float(lle(predicted, target, LIMBS, mask)) == pytest.approx(expected[1])


def test_known_values():
    pose = torch.tensor([[[0.0, 0, 0], [1, 0, 0], [1, 1, 0], [-2, 0, 0], [-2, 1, 0]]])
    assert float(lse(pose, LIMBS[:1])) == pytest.approx(100 * 1 / 1.5)
    assert float(lse(pose, LIMBS)) == pytest.approx(100 / 1.5 / 2)
    assert float(bsle(1.1 * pose, pose, PARENTS)) == pytest.approx(10, rel=1e-5)
    assert float(lle(0.9 * pose, pose, LIMBS)) == pytest.approx(10, rel=1e-5)


def test_rigid_motion_does_not_count():
    predicted, target, _ = make_pair()
    rotation = torch.from_numpy(Rotation.random(random_state=1).as_matrix())
    moved = predicted @ rotation.mT + 3
    torch.testing.assert_close(lse(moved, LIMBS), lse(predicted, LIMBS))
    torch.testing.assert_close(bsle(moved, target, PARENTS), bsle(predicted, target, PARENTS))
    torch.testing.assert_close(lse(7 * predicted, LIMBS), lse(predicted, LIMBS))


def test_nothing_to_measure_is_nan():
    predicted, target, valid = make_pair()
    nothing = torch.zeros(valid.shape, dtype=torch.bool)
    assert lse(predicted, LIMBS, nothing).isnan()
    assert lse(predicted, ()).isnan()
    assert lle(predicted, target, LIMBS, nothing).isnan()
    assert bsle(predicted, target, PARENTS, nothing).isnan()
    assert bone_length_variation(predicted, PARENTS, nothing).isnan()
    assert bsle(predicted, torch.zeros_like(target), PARENTS).isnan()
    assert lse(torch.zeros_like(predicted), LIMBS).isnan()


def test_bone_length_variation():
    predicted, _, valid = make_pair()
    terms = []
    for clip, seen in zip(predicted.numpy(), valid, strict=True):
        for child, parent in enumerate(PARENTS):
            if parent >= 0:
                both = seen[:, child] & seen[:, parent]
                lengths = np.linalg.norm(clip[both, child] - clip[both, parent], axis=-1)
                if len(lengths) >= 2:
                    terms.append(100 * lengths.std() / lengths.mean())
    found = bone_length_variation(predicted, PARENTS, torch.from_numpy(valid))
    assert float(found) == pytest.approx(np.mean(terms))
    rigid = predicted[:, :1].expand(-1, 4, -1, -1)
    assert float(bone_length_variation(rigid, PARENTS)) < 1e-6
    assert bone_length_variation(predicted[:, :1], PARENTS).isnan()

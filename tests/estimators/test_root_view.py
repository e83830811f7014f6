import math
from dataclasses import replace

import pytest
import roma
import torch

from vitruve.estimators.normalise import NORMALISERS
from vitruve.geometry.camera import intrinsics_from_fov
from vitruve.geometry.projection import project
from vitruve.poses import PoseBatch
from vitruve.skeletons import skeleton

VIEW = NORMALISERS["root_view"]
KEYPOINTS = skeleton("vitruve_15")


def person():
    generator = torch.Generator().manual_seed(1)
    return 0.5 * torch.randn(2, 4, 15, 3, generator=generator) + torch.tensor([0.0, 0.0, 4.0])


def batch(points_cam, fov_deg=60.0, size=(1280, 720)):
    intrinsics = intrinsics_from_fov(fov_deg, size).expand(2, 3, 3)
    seen = torch.ones(2, 4, 15, dtype=torch.bool)
    pixels = project(points_cam, intrinsics[:, None])
    sizes = torch.tensor([size, size], dtype=torch.float32)
    return PoseBatch(KEYPOINTS, pixels, seen, seen.float(), sizes, intrinsics)


@pytest.mark.parametrize("turn", [(0.0, 0.3, 0.0), (-0.2, -0.25, 0.0)])
def test_the_input_does_not_depend_on_where_the_person_stands(turn):
    points = person()
    rotation = roma.rotvec_to_rotmat(torch.tensor(turn))
    first, second = VIEW.encode(batch(points)), VIEW.encode(batch(points @ rotation.T))
    # A minimal turn leaves the roll open, so distances are compared; the aim is a mean of slopes,
    # which a turn changes a little.
    distance = [torch.cdist(x, x) for x in (first, second)]
    torch.testing.assert_close(*distance, atol=0.1, rtol=0)


@pytest.mark.parametrize("fov_deg", [30.0, 90.0])
def test_the_input_does_not_depend_on_lens_and_picture(fov_deg):
    points = person()
    other = batch(points, fov_deg, (1080, 1920))
    torch.testing.assert_close(VIEW.encode(batch(points)), VIEW.encode(other), atol=1e-4, rtol=0)


def test_decoding_turns_joints_back():
    points = person() + torch.tensor([1.0, 0.5, 0.0])
    given = batch(points)
    joints = torch.randn(2, 4, 19, 3)
    decoded = VIEW.decode(joints, given)
    torch.testing.assert_close(decoded.norm(dim=-1), joints.norm(dim=-1))
    ahead = VIEW.decode(torch.tensor([0.0, 0.0, 1.0]).expand(2, 4, 1, 3), given)[..., 0, :]
    aim = points[..., [0, 3, 6, 9], :].mean(-2)
    angle = torch.acos(torch.nn.functional.cosine_similarity(ahead, aim).clamp(-1, 1))
    assert math.degrees(float(angle.max())) < 8


def test_central_frames_are_decoded_with_their_own_turn():
    given = batch(person())
    joints = torch.randn(2, 4, 19, 3)
    whole = VIEW.decode(joints, given)
    torch.testing.assert_close(VIEW.decode(joints[:, 1:3], given), whole[:, 1:3])


def test_nobody_seen_stays_finite():
    given = batch(person())
    given.keypoints_valid[:] = False
    assert bool(VIEW.encode(given).isfinite().all())
    assert bool(VIEW.decode(torch.ones(2, 4, 19, 3), given).isfinite().all())


def test_joints_are_encoded_as_decoding_undoes():
    joints = person()
    given = replace(batch(joints), scale_m_per_px=torch.full(joints.shape[:-2], 0.004))
    for normaliser in NORMALISERS.values():
        again = normaliser.decode(normaliser.encode_joints(joints, given), given)
        torch.testing.assert_close(again, joints, atol=1e-5, rtol=1e-5)

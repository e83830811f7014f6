import pytest
import roma
import torch
from body_samples import NAMES, random_pose, random_shape

from vitruve.bodies import make_body


@pytest.fixture(scope="module", params=NAMES)
def body(request):
    return make_body(request.param)


def test_a_body_is_sound(body):
    anatomy, v = body.anatomy, len(body.weights)
    assert anatomy.parents[0] == -1
    assert all(0 <= p < k for k, p in enumerate(anatomy.parents) if k)
    assert set(anatomy.roles.values()) <= set(anatomy.bone_names)
    torch.testing.assert_close(body.weights.sum(1), torch.ones(v))
    torch.testing.assert_close(body.landmark_weights.sum(1), torch.ones(len(anatomy.landmarks)))
    assert body.faces.min() == 0
    assert body.faces.max() == v - 1
    assert set(body.part_of_vertex.tolist()) == set(range(len(anatomy.part_names)))


def test_the_rest_body_stands_on_the_floor_facing_minus_y(body):
    posed = body.rest(random_shape(body, 5))
    assert posed.vertices[..., 2].amin(-1).abs().max() < 0.01
    assert body.rest().vertices[:, 2].min().abs() < 1e-5
    torch.testing.assert_close(posed.bone_heads[:, 0, :2], torch.zeros(5, 2))
    rest = body.rest()
    points = dict(zip(body.anatomy.landmarks, body.landmarks(rest), strict=True))
    nose = points["nose"]
    assert nose[1] < rest.bone_heads[body.bone("neck"), 1] - 0.05
    for name, point in points.items():
        if name.startswith("left"):
            assert point[0] > 0, name
            twin = points[name.replace("left", "right")] * torch.tensor([-1.0, 1, 1])
            assert (point - twin).norm() < 2e-3, name


def test_triangles_face_outwards(body):
    corners = body.rest().vertices[body.faces]
    volume = torch.linalg.det(corners).sum() / 6
    assert 0.01 < volume < 0.12


def test_the_roots_rotation_moves_the_body_as_one(body):
    pose, root = random_pose(body), torch.tensor([1.0, 2.0, 3.0])
    turned = pose.clone()
    turn = roma.rotvec_to_rotmat(torch.tensor([0.3, -0.5, 0.9]))
    turned[0] = turn @ pose[0]
    before, after = body(pose, root=root), body(turned, root=root)
    expected = (before.vertices - root) @ turn.T + root
    torch.testing.assert_close(after.vertices, expected, atol=1e-5, rtol=0)
    torch.testing.assert_close(after.bone_heads[0], root)


def test_rotations_mean_the_same_on_every_body(body):
    """About +x the body leans forward, about +y to its left, about +z it turns left."""
    head, neck = body.bone("head"), body.bone("neck")
    rest = body.rest()
    up = rest.bone_heads[head] - rest.bone_heads[neck]
    for axis, i, sign in ((0, 1, -1), (1, 0, 1)):
        pose = body.rest_pose().clone()
        pose[neck] = roma.rotvec_to_rotmat(0.3 * torch.eye(3)[axis])
        moved = body(pose).bone_heads[head] - rest.bone_heads[head]
        assert sign * moved[i] > 0.2 * up[2]
    pose = body.rest_pose().clone()
    pose[0] = roma.rotvec_to_rotmat(torch.tensor([0, 0, 0.3]))
    nose = body.landmark_weights[body.anatomy.landmarks.index("nose")]
    assert (nose @ body(pose).vertices)[0] > 0.01


def test_a_bone_moves_what_hangs_on_it_and_nothing_else(body):
    k = body.bone("head")
    below = [k]
    for child, parent in enumerate(body.anatomy.parents):
        if parent in below:
            below.append(child)
    pose = body.rest_pose().clone()
    pose[k] = roma.rotvec_to_rotmat(torch.tensor([0.4, 0.1, 0.2]))
    moved = (body(pose).vertices - body.rest().vertices).norm(dim=-1)
    free = body.weights[:, below].sum(1) == 0
    assert moved[free].max() < 1e-5
    assert moved[body.weights[:, below].sum(1) > 0.99].mean() > 0.01


def test_one_shape_serves_many_poses(body):
    pose, shape = random_pose(body, 2, 3), random_shape(body, 2, 1)
    root = torch.randn(2, 3, 3, generator=torch.Generator().manual_seed(1))
    many = body(pose, shape, root)
    single = body(pose[1, 2], shape[1, 0], root[1, 2])
    torch.testing.assert_close(many.vertices[1, 2], single.vertices, atol=1e-5, rtol=0)
    torch.testing.assert_close(many.T_world_bone[1, 2], single.T_world_bone, atol=1e-5, rtol=0)


def test_gradients_agree_with_differences(body):
    exact = make_body(body.anatomy.name).double()
    pose, shape = random_pose(exact), random_shape(exact)
    root = torch.zeros(3, dtype=torch.float64)
    drawn = torch.Generator().manual_seed(3)
    into = [torch.randn(x.shape, generator=drawn, dtype=torch.float64) for x in (pose, shape, root)]

    def height(step):
        moved = (roma.rotvec_to_rotmat(step * into[0][..., 0]) @ pose, shape + step * into[1])
        posed = exact(*moved, root + step * into[2])
        return (posed.vertices.square().sum() + posed.bone_heads.sum()) / 100

    at = torch.zeros((), dtype=torch.float64, requires_grad=True)
    (slope,) = torch.autograd.grad(height(at), at)
    with torch.no_grad():
        difference = (height(at + 1e-5) - height(at - 1e-5)) / 2e-5
    torch.testing.assert_close(slope, difference, rtol=1e-4, atol=1e-7)


def test_a_body_moves_to_another_type(body):
    posed = make_body(body.anatomy.name).double().rest()
    assert posed.vertices.dtype == torch.float64


def test_unknown_names_are_told():
    with pytest.raises(KeyError, match="no body 'cat'; known are anny"):
        make_body("cat")
    with pytest.raises(KeyError, match="capsule-dog has no bone 'left_wing'"):
        make_body("capsule-dog").bone("left_wing")

import pytest
import torch

from vitruve.bodies import CapsuleBody, CapsuleBone, CapsuleConfig, make_body

WORM = CapsuleConfig(
    "worm",
    (
        CapsuleBone("back", "", (0, 0, 0.1), (0, -0.2, 0.1), (0.03, 0.03), "back"),
        CapsuleBone(
            "front", "back", (0, -0.2, 0.1), (0, -0.4, 0.1), (0.03, 0.03), "front", "front"
        ),
        CapsuleBone("{s}_fin", "back", (0.03, 0, 0.1), (0.1, 0, 0.1), (0.02, 0.01), "{s}_fin"),
    ),
    {"tip": ("front", (0, -1, 0)), "{s}_edge": ("{s}_fin", (1, 0, 0))},
)


def test_an_animal_is_a_config():
    body = CapsuleBody(WORM)
    assert body.anatomy.bone_names == ("back", "front", "left_fin", "right_fin")
    assert [p.name for p in body.anatomy.shape_parameters] == ["size", "girth", "trunk", "front"]
    points = body.landmarks(body.rest())
    expected = torch.tensor([[0, -0.43, 0.03], [0.11, 0, 0.03], [-0.11, 0, 0.03]])
    torch.testing.assert_close(points, expected, atol=1e-6, rtol=0)


def test_surfaces_are_closed():
    for name in ("capsule-human", "capsule-dog"):
        body = make_body(name)
        edges = body.faces[:, [0, 1, 1, 2, 2, 0]].reshape(-1, 2).tolist()
        assert len({tuple(e) for e in edges}) == len(edges)
        assert {tuple(e) for e in edges} == {(b, a) for a, b in edges}


def test_shapes_stretch_and_thicken():
    body = CapsuleBody(WORM)
    rest = body.rest()
    longer = body.rest(torch.tensor([1.0, 1.0, 1.0, 1.5]))
    tip, back = body.landmark_weights[0], torch.tensor([0.0, -0.1, 0.0])
    torch.testing.assert_close((tip @ longer.vertices) - (tip @ rest.vertices), back)
    thick = body.rest(torch.tensor([1.0, 2.0, 1.0, 1.0])).vertices
    assert thick[:, 2].max() == pytest.approx(0.12)
    twice = body.rest(torch.tensor([2.0, 1.0, 1.0, 1.0])).vertices
    torch.testing.assert_close(twice, 2 * rest.vertices)


def test_joints_bend_smoothly():
    """At the joint a vertex follows both bones by half, a radius away only its own."""
    weights = CapsuleBody(WORM).weights
    front, height = weights[:, 1], CapsuleBody(WORM).rest().vertices[:, 1]
    at_joint = (height + 0.2).abs() < 1e-6
    assert (front[at_joint] == 0.5).all()
    assert (front[height < -0.24] == 1).all()


def test_unsound_configs_are_told():
    orphan = CapsuleConfig("worm", (WORM.bones[0], WORM.bones[1], WORM.bones[0]))
    with pytest.raises(ValueError, match="parent '' of bone 'back' does not come before it"):
        CapsuleBody(orphan)
    with pytest.raises(ValueError, match="worm: a landmark lies on bone 'tail', which it lacks"):
        CapsuleBody(CapsuleConfig("worm", WORM.bones, {"end": ("tail", (0, 1, 0))}))

"""Renderer: silhouettes, depth and pinholes against geometry, both z-buffers against each other."""

import math

import pytest
import torch
from meshes import PARTS, ball, cube, pinhole

from vitruve.bodies import raster
from vitruve.bodies.background import PictureBackgrounds, draw_backgrounds
from vitruve.bodies.clothes import dress
from vitruve.bodies.light import Light, draw_lights, irradiance
from vitruve.bodies.mesh import HAS_WARP, Mesh, find_fragments
from vitruve.bodies.photo import PhotoConfig, blur, take_photo
from vitruve.bodies.render import NO_PART, Rendering, render
from vitruve.bodies.shapes import ShapesConfig
from vitruve.bodies.texture import flat_part_colours
from vitruve.io.errors import FileError

SIZE = (64, 48)
AHEAD = torch.tensor([0.0, 0.0, 4.0])


def shoot(
    mesh: Mesh, vertices_cam: torch.Tensor, intrinsics: torch.Tensor, seed: int = 0, **settings
) -> Rendering:
    drawn, b = torch.Generator().manual_seed(seed), len(vertices_cam)
    background = draw_backgrounds(b, SIZE, drawn)
    look = {"textures": dress(PARTS, b, drawn), "light": draw_lights(b, drawn)}
    return render(mesh, vertices_cam, intrinsics, background, **(look | settings))


def test_a_ball_has_the_outline_and_depth_of_a_sphere() -> None:
    mesh = ball(rings=96)
    picture = shoot(mesh, (mesh.vertices_rest + AHEAD)[None], pinhole(50.0, 30.0, 25.0))
    x, y = torch.arange(SIZE[0]) + 0.5, (torch.arange(SIZE[1]) + 0.5)[:, None]
    ray = torch.stack(torch.broadcast_tensors((x - 30) / 50, (y - 25) / 50, torch.ones(1)), -1)
    unit = torch.nn.functional.normalize(ray, dim=-1)
    along = unit @ AHEAD
    missed = 16 - along**2
    # The mesh lies a little within the sphere: skip the pixels that its rim crosses.
    clear = (missed - 1).abs() > 0.02
    assert torch.equal(picture.mask[0][clear], (missed < 1)[clear])
    surface = (along - (1 - missed).clamp(min=0).sqrt()) * unit[..., 2]
    inner = missed < 0.8
    torch.testing.assert_close(picture.depth[0][inner], surface[inner], atol=2e-3, rtol=0)
    outward = (surface[..., None] * ray - AHEAD).movedim(-1, 0)
    torch.testing.assert_close(picture.normals[0][:, inner], outward[:, inner], atol=0.02, rtol=0)
    far = (missed - 1).abs() > 0.3
    assert torch.equal(picture.coverage[0][far], picture.mask[0][far].float())


def test_depth_of_a_slanted_plane_is_exact() -> None:
    # Depth grows along x; perspective-correct interpolation hits it at every pixel.
    left, right = [-20.0, 2.5], [20.0, 12.5]
    corners = torch.tensor([[x, y, z] for y in (-9.0, 9.0) for x, z in (left, right)])
    mesh = Mesh(torch.tensor([[0, 1, 3], [0, 3, 2]]), corners, torch.zeros(4, dtype=torch.int64))
    picture = shoot(mesh, corners[None], pinhole(40.0, 32.0, 24.0))
    slope = (torch.arange(SIZE[0]) + 0.5 - 32) / 40
    expected = 7.5 / (1 - slope / 4)
    assert picture.mask.all()
    torch.testing.assert_close(picture.depth[0], expected.expand(48, -1), atol=0, rtol=2e-6)


def test_a_cube_covers_the_pixels_that_its_front_face_spans() -> None:
    mesh = cube()
    # The front face stands at depth 3.5: 70 px / 3.5 is 20 px for its side of 1.
    picture = shoot(mesh, (mesh.vertices_rest + AHEAD)[None], pinhole(70.0, 32.25, 24.0))
    expected = torch.zeros(48, 64, dtype=torch.bool)
    expected[14:34, 22:42] = True
    assert torch.equal(picture.mask[0], expected)
    # Edges at 22.25 and 42.25: a quarter of a pixel is half a column of 2 x 2 samples.
    assert picture.coverage[0, 20, 42] == 0.5
    assert picture.coverage[0, 20, 23:42].eq(1).all()
    torch.testing.assert_close(picture.depth[0][expected], torch.full((400,), 3.5))
    towards = picture.normals[0, :, 24, 32]
    assert towards[2] < -0.5


def test_intrinsics_move_and_scale_the_picture() -> None:
    mesh = ball()
    vertices = (mesh.vertices_rest + AHEAD).expand(3, -1, -1)
    K = torch.cat([pinhole(40, 32, 24), pinhole(40, 42, 19), pinhole(80, 32, 24)])
    mask = shoot(mesh, vertices, K).mask
    assert torch.equal(mask[0, 5:, :54], mask[1, :-5, 10:])
    assert 3.8 < mask[2].sum() / mask[0].sum() < 4.2


def test_the_nearer_surface_hides_the_farther() -> None:
    mesh = cube()
    both = torch.cat([mesh.vertices_rest + AHEAD, 4 * mesh.vertices_rest + 4 * AHEAD])
    faces = torch.cat([mesh.faces, mesh.faces + 8])
    part = torch.arange(16) // 8
    for order in (faces, faces.flip(0)):
        picture = shoot(Mesh(order, both, part), both[None], pinhole(60, 32, 24))
        assert picture.parts[0, 24, 32] == 0
        assert picture.parts[0, 24, 45] == NO_PART
    only_far = shoot(Mesh(faces[12:], both, part), both[None], pinhole(60, 32, 24))
    assert only_far.parts[0, 24, 32] == 1


@pytest.mark.skipif(not HAS_WARP, reason="the extra body is not installed")
def test_both_z_buffers_show_the_same_faces() -> None:
    from vitruve.bodies import raster_warp

    mesh, drawn = ball(rings=40), torch.Generator().manual_seed(1)
    vertices = mesh.vertices_rest * torch.rand(3, 1, 3, generator=drawn) + AHEAD
    vertices = vertices + torch.randn(vertices.shape, generator=drawn) * 0.02
    # One that the picture cuts, one with a vertex behind the camera.
    vertices[1] += torch.tensor([2.0, 1.0, 0.0])
    vertices[2, 100, 2] = -1
    points = raster.project_vertices(vertices, pinhole(70, 32, 24).expand(3, -1, -1))
    slow = raster.zbuffer(points, mesh.faces, (64, 48))
    assert torch.equal(slow, raster_warp.zbuffer(points, mesh.faces, (64, 48)))
    assert (slow != raster.EMPTY).any(1).all()


def test_no_crack_between_faces() -> None:
    # Edges that meet pixel centres exactly, and a fan of slivers.
    angle = torch.linspace(0, 2 * math.pi, 300)[:-1]
    rim = torch.stack([3 * angle.cos(), 3 * angle.sin(), torch.zeros(299)], -1)
    vertices = torch.cat([torch.zeros(1, 3), rim]) + AHEAD
    here = torch.arange(299)
    faces = torch.stack([torch.zeros_like(here), 1 + here, 1 + (here + 1) % 299], -1)
    fragments = find_fragments(vertices[None], faces, pinhole(64, 32.5, 24.5), SIZE)
    x, y = fragments.pixel % 64, fragments.pixel // 64
    inner = (x - 32) ** 2 + (y - 24) ** 2 < 23**2
    assert inner.sum() == sum(
        (i - 32) ** 2 + (j - 24) ** 2 < 23**2 for i in range(64) for j in range(48)
    )
    torch.testing.assert_close(fragments.weights.sum(-1), torch.ones(len(fragments.pixel)))


@pytest.mark.parametrize("centre", [[0.0, 0.0, -4.0], [50.0, 0.0, 4.0], [0.0, 0.0, 300.0]])
def test_a_body_out_of_view_leaves_the_background(centre: list[float]) -> None:
    mesh = ball()
    picture = shoot(mesh, (mesh.vertices_rest + torch.tensor(centre))[None], pinhole(40, 32, 24))
    background = draw_backgrounds(1, SIZE, torch.Generator().manual_seed(0))
    assert not picture.mask.any()
    assert torch.equal(picture.image, background)
    assert (picture.parts == NO_PART).all()


def test_faces_that_reach_behind_the_camera_are_left_out() -> None:
    mesh = ball()
    vertices = (mesh.vertices_rest + torch.tensor([0.0, 0.0, 0.5]))[None]
    picture = shoot(mesh, vertices, pinhole(20, 32, 24))
    assert picture.mask.any()
    assert picture.image.isfinite().all()
    assert picture.depth[picture.mask].min() >= raster.NEAREST_M


def test_equal_seeds_give_equal_bits_and_no_picture_sees_another() -> None:
    mesh, drawn = ball(), torch.Generator().manual_seed(3)
    vertices = mesh.vertices_rest + AHEAD + torch.randn(3, 1, 3, generator=drawn)
    K = pinhole(40, 32, 24).expand(3, -1, -1)
    first, again = shoot(mesh, vertices, K), shoot(mesh, vertices, K)
    assert torch.equal(first.image, again.image)
    assert not torch.equal(first.image, shoot(mesh, vertices, K, seed=1).image)
    drawn = torch.Generator().manual_seed(0)
    look, light = dress(PARTS, 3, drawn), draw_lights(3, drawn)
    grey = torch.full((3, 3, 48, 64), 0.5)
    all_three = render(mesh, vertices, K, grey, textures=look, light=light)
    one = render(
        mesh, vertices[1:2], K[:1], grey[:1],
        textures=look.map(lambda x: x[1:2]), light=light.map(lambda x: x[1:2]),
    )  # fmt: skip
    torch.testing.assert_close(one.image[0], all_three.image[1], atol=1e-6, rtol=0)


def test_flat_parts_are_flat() -> None:
    mesh, drawn = ball(), torch.Generator().manual_seed(0)
    flat = flat_part_colours(2, len(PARTS), drawn)
    white = Light(torch.eye(9)[:1].expand(2, 3, -1) / 0.886227, torch.eye(3).expand(2, 3, 3))
    # Upright: z of the rest pose is up, y of the camera down.
    upright = mesh.vertices_rest[:, [0, 2, 1]] * torch.tensor([1.0, -1.0, 1.0])
    K = pinhole(40, 32, 24).expand(2, -1, -1)
    picture = shoot(
        mesh, (upright + AHEAD).expand(2, -1, -1), K, textures=flat, light=white, samples=1
    )
    for i in range(2):
        for part in range(len(PARTS)):
            seen = picture.image[i][:, picture.parts[i] == part]
            assert seen.shape[1] > 10
            colour = flat.colours[i, part, 0][:, None].expand_as(seen)
            torch.testing.assert_close(seen, colour, atol=1e-5, rtol=0)
    assert not torch.equal(flat.colours[0], flat.colours[1])


def test_patterns_follow_the_body_and_vary() -> None:
    drawn = torch.Generator().manual_seed(0)
    look = dress(PARTS, 16, drawn)
    points = torch.rand(500, 3, generator=drawn)
    part = torch.randint(len(PARTS), (500,), generator=drawn)
    picture = torch.randint(16, (500,), generator=drawn)
    colour = look.paint(picture, part, points)
    assert torch.equal(colour, look.paint(picture, part, points))
    assert 0 <= colour.min() < 0.2
    assert colour.max() <= 1
    assert colour.std(0).min() > 0.1


def test_light_comes_from_above_and_turns_with_its_axes() -> None:
    light = draw_lights(500, torch.Generator().manual_seed(0))
    up, down = torch.tensor([0.0, -1.0, 0.0]), torch.tensor([0.0, 1.0, 0.0])
    normals = torch.stack([up, down]).expand(500, -1, -1)
    lit = irradiance(normals, light).mean((0, 2))
    assert lit[0] > 1.5 * lit[1]
    half_turn = torch.diag(torch.tensor([1.0, -1.0, -1.0])).expand(500, 3, 3)
    turned = irradiance(normals, Light(light.coefficients, half_turn)).mean((0, 2))
    torch.testing.assert_close(turned, lit.flip(0))


def test_meshes_of_either_winding_are_lit_from_outside() -> None:
    mesh = ball()
    inside_out = Mesh(mesh.faces.flip(1), mesh.vertices_rest, mesh.part_of_vertex)
    vertices = mesh.vertices_rest[None]
    torch.testing.assert_close(mesh.normals(vertices), inside_out.normals(vertices))
    assert (mesh.normals(vertices)[0] * mesh.vertices_rest).sum(-1).median() > 0.99


def test_photos_hide_blur_and_keep_their_labels_true() -> None:
    mesh = ball()
    picture = shoot(mesh, (mesh.vertices_rest + AHEAD)[None], pinhole(60, 32, 24))
    untouched = take_photo(
        picture, torch.Generator().manual_seed(0), PhotoConfig(blurred=0.0, noise=0.0)
    )
    assert torch.equal(untouched.image, picture.image)
    config = PhotoConfig(occluded=1.0, occluders=ShapesConfig(most=9, size=(0.2, 0.3)), blurred=1.0)
    photo = take_photo(picture, torch.Generator().manual_seed(5), config)
    assert 0 < photo.mask.sum() < picture.mask.sum()
    assert torch.equal(photo.mask, photo.parts != NO_PART)
    assert torch.equal(photo.mask, photo.depth > 0)
    line = torch.zeros(1, 9, 9)
    line[:, :, 4] = 1
    spread = blur(line, 1.0)[0, 4]
    torch.testing.assert_close(spread.sum(), torch.tensor(1.0))
    assert spread[4] == pytest.approx(1 / math.sqrt(2 * math.pi), abs=0.01)


def test_own_pictures_as_backgrounds(tmp_path) -> None:
    from PIL import Image

    Image.new("RGB", (40, 90), (255, 0, 0)).save(tmp_path / "a.png")
    Image.new("RGB", (300, 100), (0, 0, 255)).save(tmp_path / "b.png")
    drawn = PictureBackgrounds(tmp_path).draw(12, SIZE, torch.Generator().manual_seed(0))
    assert drawn.shape == (12, 3, 48, 64)
    assert {tuple(c) for c in drawn.mean((2, 3)).round().int().tolist()} == {(1, 0, 0), (0, 0, 1)}
    (tmp_path / "empty").mkdir()
    with pytest.raises(FileError, match="holds no images"):
        PictureBackgrounds(tmp_path / "empty")


def test_bad_meshes_are_refused() -> None:
    part = torch.zeros(3, dtype=torch.int64)
    with pytest.raises(ValueError, match="faces name vertices 0 to 3; there are 3"):
        Mesh(torch.tensor([[0, 1, 3]]), torch.zeros(3, 3), part)
    with pytest.raises(ValueError, match="part label -1"):
        Mesh(torch.tensor([[0, 1, 2]]), torch.zeros(3, 3), part - 1)
    mesh = ball()
    with pytest.raises(ValueError, match="samples 0"):
        shoot(mesh, (mesh.vertices_rest + AHEAD)[None], pinhole(60, 32, 24), samples=0)

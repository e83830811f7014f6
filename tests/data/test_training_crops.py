"""Training crops: whatever is varied, labels stay those of the camera that shows the crop."""

import math
from dataclasses import replace
from functools import partial

import numpy as np
import pytest
import torch

from vitruve.bodies.shapes import ShapesConfig
from vitruve.data.corpora.one_format_each import OneFormatEachConfig
from vitruve.data.datasets.crops import CropExample
from vitruve.data.processing.view import Aim, AimConfig, view_of
from vitruve.data.studio.crops import StudioCrops, StudioDatasets, joints_in_formats
from vitruve.data.studio.reader import Studio
from vitruve.data.training_crops import (
    Ahead,
    AugmentConfig,
    Augmenter,
    ColourConfig,
    FeedConfig,
    StudioFeed,
    crops_batch,
)
from vitruve.data.training_crops.colour import NO_CHANGE, draw_colours
from vitruve.geometry.camera import Camera
from vitruve.geometry.projection import project
from vitruve.skeletons import merge, merge_alike, skeleton

COCO = skeleton("coco_17")
LENS = torch.tensor([-0.2, 0.1, 0.001, -0.002, 0.0])
K = torch.tensor([[500.0, 0, 320], [0, 480, 300], [0, 0, 1]])
FORMATS = (skeleton("h36m_17"), COCO)
BIG = AimConfig(40.0, 0.4, 0.2, 0.5)


def person(lens=None, size=(640, 640), seed=0):
    """Someone beside the middle of a picture that is white where their joints are."""
    drawn = torch.Generator().manual_seed(seed)
    joints = 0.35 * torch.randn(17, 3, generator=drawn) + torch.tensor([0.7, 0.3, 3.0])
    camera = Camera(K, size, lens)
    points = camera.project(joints)
    image = np.zeros((size[1], size[0], 3), np.uint8)
    y, x = np.mgrid[: size[1], : size[0]] + 0.5
    for px, py in points.tolist():
        image[(x - px) ** 2 + (y - py) ** 2 < 5**2] = 255
    mask = torch.from_numpy(image[..., 0] > 0)
    low, high = points.amin(0) - 20, points.amax(0) + 20
    return CropExample(
        dataset="made up",
        skeleton=COCO,
        image=torch.from_numpy(image).permute(2, 0, 1),
        mask=mask,
        valid=torch.ones(17, dtype=torch.bool),
        keypoints_px=points,
        box_px=torch.cat([low, high]),
        joints_cam=joints,
        camera=camera,
        up_cam=None,
        sequence="a",
        subject="b",
        frame=0,
        person=0,
    )


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def still(**changes):
    return replace(AugmentConfig(side_px=96).plain(), **changes)


@pytest.mark.parametrize("lens", [None, LENS])
@pytest.mark.parametrize("seed", range(6))
def test_3d_projects_to_where_the_picture_shows_it(lens, seed):
    example = person(lens, seed=seed)
    crop = Augmenter(still(aim=BIG, expand=1.5))(example, generator(seed))
    projected = project(crop.joints_cam, crop.intrinsics)
    torch.testing.assert_close(projected, crop.keypoints_px, atol=1e-3, rtol=0)
    # The picture itself, and not only the numbers: spots are where joints are said to be.
    x, y = crop.keypoints_px[crop.seen].long().clamp(0, 95).unbind(-1)
    assert crop.seen.sum() > 5
    assert (crop.image[0, y, x] > 0.4).float().mean() > 0.9
    assert (crop.image > 0.4).float().mean() < 0.35


@pytest.mark.parametrize("lens", [None, LENS])
def test_warped_keypoints_are_those_of_the_3d(lens):
    example = person(lens)
    aim = Aim(30.0, 1.2, (0.1, -0.05), mirrored=True)
    view = view_of(example.camera, example.box_px, 96, aim=aim)
    placed = view.place(example.keypoints_px, example.camera)
    projected = project(view.turn(example.joints_cam), view.camera.intrinsics)
    torch.testing.assert_close(placed, projected, atol=1e-3, rtol=0)


def test_a_mirror_swaps_sides_and_keeps_lengths():
    example = person()
    plain = Augmenter(still())(example, generator())
    mirrored = Augmenter(still(aim=AimConfig(0.0, 0.0, 0.0, 1.0)))(example, generator())
    swap = list(COCO.mirror_index)
    flipped = plain.joints_cam[swap] * torch.tensor([-1.0, 1.0, 1.0])
    torch.testing.assert_close(mirrored.joints_cam, flipped)
    torch.testing.assert_close(mirrored.image, plain.image.flip(-1), atol=0.02, rtol=0)
    mean = plain.keypoints_px[swap]
    torch.testing.assert_close(mirrored.keypoints_px[:, 0], 96 - mean[:, 0], atol=1e-3, rtol=0)


def test_a_view_shows_the_person_in_the_middle_as_large_as_asked():
    example = person()
    view = view_of(example.camera, example.box_px, 96, expand=1.5)
    middle = (example.box_px[:2] + example.box_px[2:]) / 2
    at = view.place(middle[None], example.camera)
    torch.testing.assert_close(at, torch.full((1, 2), 48.0), atol=1e-3, rtol=0)
    zoomed = view_of(example.camera, example.box_px, 96, expand=1.5, aim=Aim(zoom=1.25))
    ratio = zoomed.camera.intrinsics[0, 0] / view.camera.intrinsics[0, 0]
    assert math.isclose(ratio, 1.25, rel_tol=0.05)
    assert torch.linalg.det(view_of(example.camera, example.box_px, 9).R_view_picture) > 0


def test_fine_stripes_do_not_flicker():
    example = person()
    striped = torch.zeros(3, 640, 640, dtype=torch.uint8)
    striped[:, :, ::2] = 255
    view = view_of(example.camera, torch.tensor([150.0, 70, 490, 410]), 32, aim=Aim(10.0))
    shown = view.show(striped.permute(1, 2, 0).numpy(), example.camera)
    assert abs(shown[4:-4, 4:-4].astype(float) - 127.5).max() < 25


def test_equal_generators_give_equal_bits_and_others_do_not():
    augment, example = Augmenter(AugmentConfig(side_px=48, occluded=1.0, replaced=1.0)), person()
    first, again = augment(example, generator(3)), augment(example, generator(3))
    assert torch.equal(first.image, again.image)
    assert torch.equal(first.joints_cam, again.joints_cam)
    assert not torch.equal(first.image, augment(example, generator(4)).image)


def test_a_new_background_leaves_the_person():
    example = person()
    plain = Augmenter(still())(example, generator())
    replaced = Augmenter(still(replaced=1.0))(example, generator())
    inside = plain.image[0] > 0.99
    torch.testing.assert_close(replaced.image[:, inside], plain.image[:, inside], atol=0.02, rtol=0)
    assert replaced.image[:, plain.image[0] == 0].mean() > 0.1
    unmasked = Augmenter(still(replaced=1.0))(replace(example, mask=None), generator())
    assert torch.equal(unmasked.image, plain.image)
    assert unmasked.mask is None


def test_what_an_occluder_hides_leaves_the_mask():
    config = still(occluded=1.0, occluders=ShapesConfig(most=8, size=(0.4, 0.5)))
    plain = Augmenter(still())(person(), generator())
    hidden = [Augmenter(config)(person(), generator(s)).mask.sum() for s in range(4)]
    assert min(hidden) < 0.8 * plain.mask.sum()


def test_colours_stay_in_range_and_can_stay_as_they_are():
    image = torch.rand(3, 8, 8, generator=generator())
    torch.testing.assert_close(draw_colours(NO_CHANGE, generator())(image), image)
    changed = draw_colours(ColourConfig(), generator(1))(image)
    assert changed.min() >= 0
    assert changed.max() <= 1
    assert (changed - image).abs().mean() > 0.02
    grey = torch.full((3, 2, 2), 0.5)
    turned = draw_colours(ColourConfig(0.0, 0.0, 0.5, 60.0, 0.0), generator(2))(grey)
    torch.testing.assert_close(turned, grey)


def test_2d_labels_alone_are_moved_and_say_no_depth():
    example = replace(person(), camera=None, joints_cam=None)
    crop = Augmenter(still(aim=BIG, expand=1.5))(example, generator(1))
    assert crop.joints_cam is None
    assert not crop.valid.any()
    x, y = crop.keypoints_px[crop.seen].long().clamp(0, 95).unbind(-1)
    assert (crop.image[0, y, x] > 0.4).float().mean() > 0.9


def test_labels_lie_where_their_format_is():
    coco, h36m = person(), replace(person(seed=1), skeleton=FORMATS[0])
    augment = Augmenter(still())
    crops = [augment(example, generator()) for example in (coco, h36m)]
    whole = merge(FORMATS)
    batch = crops_batch(crops, whole)
    assert batch.valid[0, 0].tolist() == [False] * 17 + [True] * 17
    assert batch.valid[1, 0].tolist() == [True] * 17 + [False] * 17
    torch.testing.assert_close(batch.joints_cam[0, 0, 17:], crops[0].joints_cam)
    alike = crops_batch(crops, merge_alike(FORMATS))
    assert alike.valid.sum() == 34
    with pytest.raises(ValueError, match="has no joint 'pelvis' of 'h36m_17'; merge h36m_17 into"):
        crops_batch(crops, COCO)


@pytest.fixture(scope="module")
def studio(studio_folder):
    return Studio(studio_folder / "people", "train")


def test_studio_is_labelled_in_every_format(studio):
    found = joints_in_formats(studio, FORMATS)
    crops = StudioCrops(studio, found)
    for number in (0, len(crops) - 1):
        joints, valid = studio.joints(number, COCO)
        torch.testing.assert_close(crops[number].joints_cam[17:], joints, atol=1e-4, rtol=0)
        assert torch.equal(found.valid[17:], valid)
        projected = project(crops[number].joints_cam, crops[number].camera.intrinsics)
        torch.testing.assert_close(projected, crops[number].keypoints_px)
        assert math.isclose(crops[number].up_cam.norm(), 1, rel_tol=1e-4)


def test_datasets_are_of_one_format_and_other_people(studio):
    crops = StudioCrops(studio, joints_in_formats(studio, FORMATS))
    datasets = StudioDatasets(crops, OneFormatEachConfig(bias=0.05, noise_m=0.0))
    people = [{datasets[int(n)].subject for n in datasets.pictures(d)} for d in range(2)]
    assert not people[0] & people[1]
    number = int(datasets.pictures(1)[0])
    example = datasets[number]
    assert example.skeleton == COCO
    off = (example.joints_cam - crops[number].joints_cam[17:]).norm(dim=-1)
    assert 0 < off.max() < 0.15
    assert torch.equal(example.joints_cam, datasets[number].joints_cam)


def feed_of(folder, each=None, batch_size=4):
    studio = Studio(folder, "train")
    config = FeedConfig(merge(FORMATS), AugmentConfig(side_px=32), batch_size, seed=7)
    return partial(StudioFeed, folder, joints_in_formats(studio, FORMATS), config, each)


def test_batches_do_not_depend_on_who_makes_them(studio_folder):
    make = feed_of(studio_folder / "people", OneFormatEachConfig())
    alone = make()
    assert torch.equal(alone.batch_at(2).images, alone.batch_at(2).images)
    halves = [alone.batch_at(2, rank, 2).images for rank in range(2)]
    assert torch.equal(torch.cat(halves), alone.batch_at(2).images)
    ahead = Ahead(make, workers=1, steps=3)
    try:
        for step in (0, 2):
            ours, theirs = alone.batch_at(step), ahead.batch_at(step)
            assert torch.equal(ours.images, theirs.images)
            assert torch.equal(ours.joints_cam, theirs.joints_cam)
            assert ours.skeleton == theirs.skeleton
    finally:
        ahead.close()


def test_a_batch_holds_as_many_of_each_format(studio_folder):
    folder = studio_folder / "people"
    batch = feed_of(folder, OneFormatEachConfig())().batch_at(0)
    own = batch.valid[:, 0].unflatten(-1, (2, 17)).any(-1)
    assert own.sum(0).tolist() == [2, 2]
    with pytest.raises(ValueError, match="batch_size 3 does not hold as many examples of each"):
        feed_of(folder, OneFormatEachConfig(), 3)()


def test_settings_that_mean_nothing_are_refused():
    with pytest.raises(ValueError, match=r"occluded 1\.5: a share, 0 to 1"):
        AugmentConfig(occluded=1.5)
    with pytest.raises(ValueError, match="must be positive"):
        AugmentConfig(side_px=0)
    with pytest.raises(ValueError, match="workers must be 0 or more"):
        Ahead(object, -1, 3)

"""Masks without labels: they are right where truth is known, and say where they may not be."""

from functools import partial

import numpy as np
import pytest
from PIL import Image
from scipy import ndimage

from own_samples import (
    CLOTHES,
    SIZE_PX,
    iou,
    person_mask,
    photo,
    walk,
    wall,
    write_frames,
    write_walk,
)
from vitruve.data.masking import (
    BackgroundConfig,
    ChromaConfig,
    GrabCutConfig,
    Masker,
    MaskingConfig,
    boxes_of_clip,
    clean_mask,
    learn_background,
    make_masks,
    mask_along,
    mask_box,
    mask_in_box,
    mask_sheet,
    not_keyed,
    read_boxes,
    refine_mask,
)
from vitruve.data.masking.boxes import write_boxes
from vitruve.data.masking.scene_growth import grow_scene
from vitruve.data.own.mask_file import kind_of_mask, load_mask, write_mask
from vitruve.io.errors import FileError

PERSON = person_mask((40, 38))
BOX = mask_box(PERSON)


def test_the_largest_piece_counts_and_small_holes_are_closed():
    raw = PERSON.copy()
    raw[2:5, 80:84] = True
    raw[34, 39:41] = False
    found, kind = clean_mask(raw)
    assert kind == "good"
    assert (found == PERSON).all()


def test_gaps_between_limbs_stay_open():
    ring = PERSON.copy()
    ring[28:38, 36:44] = False
    assert not clean_mask(ring)[0][30:36, 38:42].any()


@pytest.mark.parametrize(
    ("raw", "kind"),
    [
        (np.zeros((72, 96), bool), "empty"),
        (np.ones((72, 96), bool), "full"),
        (person_mask((20, 38)) | person_mask((76, 38), 34.0), "several"),
        (PERSON, "good"),
    ],
)
def test_what_looks_wrong_is_said(raw, kind):
    assert clean_mask(raw)[1] == kind


def test_outside_a_box_is_nobody():
    both = person_mask((20, 38)) | PERSON
    found, kind = clean_mask(person_mask((76, 38)) | PERSON, BOX)
    assert kind == "good"
    assert (found == PERSON).all()
    assert clean_mask(both, BOX + 1000)[1] == "empty"


def test_every_frame_has_a_mask_and_shadows_are_none():
    behind = wall()
    masks, images = walk(20), []
    for i, mask in enumerate(masks):
        lit = behind.copy()
        left = 6 + 3 * i
        lit[66:71, left : left + 20] = (0.75 * lit[66:71, left : left + 20]).astype(np.uint8)
        images.append(photo(mask, lit, i))
    scene = learn_background(images, BackgroundConfig())
    for image, mask in zip(images, masks, strict=True):
        found, kind = clean_mask(scene.differs(image))
        assert kind == "good"
        assert iou(found, mask) > 0.9
        assert not found[68:71].any()


def test_somebody_who_stands_still_for_long_is_no_background():
    masks = [PERSON] * 8 + walk(18)
    images = [photo(m, wall(), i) for i, m in enumerate(masks)]
    scene = learn_background(images, BackgroundConfig())
    assert iou(clean_mask(scene.differs(images[0]))[0], PERSON) > 0.9
    assert np.abs(scene.mean - wall()).max() < 12


def sway(frames=40):
    """Masks of somebody who goes back and forth on a place that they never leave."""
    middles = 48 + 10 * (2 * np.abs(np.linspace(0, 3.3, frames) % 2 - 1) - 1)
    return [person_mask((middle, 38.0), 44.0) for middle in middles]


def test_the_scene_behind_somebody_who_stays_is_found():
    masks = sway()
    images = [photo(m, wall(), i) for i, m in enumerate(masks)]
    # Where they mostly are a median shows them.
    middle = np.median(np.stack(images), axis=0)
    hidden = np.mean(masks, 0) > 0.55
    assert hidden.sum() > 0.4 * masks[0].sum()
    assert np.abs(middle - wall())[hidden].max(-1).mean() > 40
    scene = learn_background(images, BackgroundConfig())
    assert np.abs(scene.mean - wall())[hidden].max(-1).mean() < 5
    for image, mask in zip(images, masks, strict=True):
        found, kind = clean_mask(scene.differs(image))
        assert kind == "good"
        assert iou(found, mask) > 0.9


def test_who_never_moves_is_a_part_of_the_scene():
    images = [photo(PERSON, wall(), i) for i in range(12)]
    scene = learn_background(images, BackgroundConfig())
    assert clean_mask(scene.differs(images[5]))[1] == "empty"
    grown = grow_scene(np.stack(images), 2.0)
    # What has one colour all the time needs no neighbours.
    assert not grown.grown[PERSON].any()
    assert grown.seen[:, 0, 0].all()


def test_a_camera_that_exposes_by_itself_changes_no_mask():
    masks = walk(12)
    images = [photo(m, wall(), i) for i, m in enumerate(masks)]
    scene = learn_background(images, BackgroundConfig())
    brighter = (images[3] * 1.2).clip(0, 255).astype(np.uint8)
    assert iou(clean_mask(scene.differs(brighter))[0], masks[3]) > 0.85


def test_two_pictures_tell_no_background():
    with pytest.raises(FileError, match="behind 2 pictures cannot be told"):
        learn_background([wall(), wall()], BackgroundConfig())


@pytest.mark.parametrize("key", ["green", "blue", "#b0a020"])
def test_a_screen_is_keyed_with_its_folds(key):
    screens = {"green": (0, 177, 64), "blue": (0, 71, 187), "#b0a020": (0xB0, 0xA0, 0x20)}
    shade = np.linspace(0.5, 1.2, SIZE_PX[0])[None, :, None]
    screen = (np.array(screens[key]) * shade * np.ones((SIZE_PX[1], 1, 1))).clip(0, 255)
    image = photo(PERSON, screen.astype(np.uint8), 3)
    found, kind = clean_mask(not_keyed(image, ChromaConfig((key,))))
    assert kind == "good"
    assert iou(found, PERSON) > 0.93


def test_a_chair_of_a_second_colour_goes_too():
    screen = np.full((72, 96, 3), (0, 177, 64), np.uint8)
    screen[40:70, 48:70] = (30, 60, 190)
    image = photo(PERSON, screen, 3)
    assert iou(clean_mask(not_keyed(image, ChromaConfig(("green", "blue"))))[0], PERSON) > 0.93
    assert iou(clean_mask(not_keyed(image, ChromaConfig(("green",))))[0], PERSON) < 0.7


@pytest.mark.parametrize("key", ["greenish", "#12", "#12345z", ""])
def test_what_is_no_colour_is_refused(key):
    with pytest.raises(ValueError, match="is no colour: give green, blue or #rrggbb"):
        ChromaConfig((key,))


def test_grabcut_finds_the_person_of_a_box():
    image = photo(PERSON, wall(), 5)
    box = BOX + np.array([-3, -3, 3, 3])
    assert iou(mask_in_box(image, box, GrabCutConfig()), PERSON) > 0.9
    assert not mask_in_box(image, BOX + 1000, GrabCutConfig()).any()


def test_grabcut_finds_the_person_along_its_bones():
    image = photo(PERSON, wall(), 5)
    shoulders, hips, feet = ((34, 27), (46, 27)), ((36, 40), (44, 40)), ((36, 57), (44, 57))
    legs, sides = zip(hips, feet, strict=True), zip(shoulders, hips, strict=True)
    bones = np.array([((40, 20), (40, 27)), shoulders, hips, *legs, *sides], float)
    assert iou(mask_along(image, bones, GrabCutConfig(limbs=(0.02, 0.15))), PERSON) > 0.9
    assert not mask_along(image, bones + 1000, GrabCutConfig()).any()


def test_grabcut_moves_edges_to_those_of_the_picture():
    image = photo(PERSON, wall(), 5)
    rough = np.roll(PERSON, (2, 2), (0, 1))
    before, after = iou(rough, PERSON), iou(refine_mask(image, rough, GrabCutConfig()), PERSON)
    assert before < 0.8
    assert after > 0.93
    assert not refine_mask(image, np.zeros_like(rough), GrabCutConfig()).any()


def test_boxes_come_from_tables_and_from_masks(tmp_path):
    table = tmp_path / "clip.csv"
    table.write_text(write_boxes({"7": BOX, "a": BOX + 1}))
    found = read_boxes(table)
    assert set(found) == {"7", "000007", "a"}
    np.testing.assert_allclose(found["000007"], BOX)
    assert set(boxes_of_clip(tmp_path, "clip")) == set(found)
    masks = tmp_path / "masks"
    write_frames(masks, [np.stack([m * np.uint8(255)] * 3, -1) for m in (PERSON, PERSON & False)])
    assert list(read_boxes(masks)) == ["0000"]
    np.testing.assert_allclose(read_boxes(masks)["0000"], BOX)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a,b\n", "begins with 'a,b', expected picture,left,top,right,bottom"),
        ("picture,left,top,right,bottom\nx,1,2,1,4\n", "line 2: 'x,1,2,1,4' is no name and box"),
        ("picture,left,top,right,bottom\nx,1,2,3\n", "is no name and box"),
        ("picture,left,top,right,bottom\nx,1,2,nan,4\n", "is no name and box"),
    ],
)
def test_wrong_tables_are_one_line(tmp_path, text, message):
    (tmp_path / "a.csv").write_text(text)
    with pytest.raises(FileError, match=message):
        read_boxes(tmp_path / "a.csv")


def test_masks_of_a_clip_are_files_and_counted(tmp_path):
    truth = write_walk(tmp_path / "clip")
    # Nobody, and two people.
    Image.fromarray(photo(PERSON & False, wall(), 90)).save(tmp_path / "clip/0024.png")
    pair = person_mask((20, 38)) | person_mask((76, 38))
    Image.fromarray(photo(pair, wall(), 91)).save(tmp_path / "clip/0025.png")
    masker = Masker(MaskingConfig(), tmp_path / "clip")
    told = []
    report = make_masks("clip", tmp_path / "clip", tmp_path / "out", masker, told.append)
    assert told == list(range(1, 27))
    assert report.counts == {"good": 24, "empty": 1, "several": 1}
    assert report.warnings() == [
        "clip: 1 of 26 masks are empty; first 0024",
        "clip: 1 of 26 masks have pieces of like size, as of two people, of which the largest was "
        "kept; first 0025",
    ]
    for i, mask in enumerate(truth):
        assert iou(load_mask(tmp_path / "out", f"{i:04d}"), mask) > 0.9
    # Made and given again, they are thought of as before; by another program, as they look.
    given = Masker(MaskingConfig(by="given"), tmp_path / "clip", given=tmp_path / "out")
    again = make_masks("clip", tmp_path / "clip", tmp_path / "again", given)
    assert again.counts == report.counts
    assert kind_of_mask(tmp_path / "again", "0025") == "several"
    Image.open(tmp_path / "out/0025.png").convert("L").save(tmp_path / "out/0025.png")
    assert kind_of_mask(tmp_path / "out", "0025") is None
    box = {"0025": np.array([0.0, 0.0, 48.0, 96.0])}
    near = Masker(MaskingConfig(by="given"), tmp_path / "clip", given=tmp_path / "again", boxes=box)
    assert [m("0025", photo(pair, wall(), 91))[1] for m in (given, near)] == ["good", "good"]
    few = make_masks("clip", tmp_path / "clip", tmp_path / "few", masker, every=10)
    assert [t.name for t in few.thumbnails] == ["0000", "0010", "0020"]
    sheet = np.asarray(mask_sheet([report], examples=12)).reshape(-1, 3)
    assert (sheet == (230, 60, 60)).all(-1).sum() > 2 * 4 * 4 * 150


def test_given_masks_are_cleaned_and_compared_with_their_pictures(tmp_path):
    write_frames(tmp_path / "clip", [photo(PERSON, wall(), 1)] * 2)
    spots = PERSON.copy()
    spots[1:4, 1:4] = True
    write_frames(tmp_path / "given", [np.stack([spots * np.uint8(255)] * 3, -1)])
    make = partial(Masker, MaskingConfig("given"), tmp_path / "clip")
    masker = make(given=tmp_path / "given")
    found, kind = masker("0000", photo(PERSON, wall()))
    assert kind == "good"
    assert (found == PERSON).all()
    assert masker("0001", photo(PERSON, wall()))[1] == "empty"
    with pytest.raises(FileError, match=r"0000\.png has 96x72 pixels, its picture 50x50"):
        masker("0000", np.zeros((50, 50, 3), np.uint8))
    with pytest.raises(ValueError, match=r"name it \(--given DIR\)"):
        make()


def test_boxes_tell_which_of_two_people(tmp_path):
    pair = PERSON | person_mask((76, 38))
    write_frames(tmp_path / "clip", [photo(PERSON, wall(), 1)])
    screen = np.full((72, 96, 3), (0, 177, 64), np.uint8)
    masker = Masker(MaskingConfig("chroma"), tmp_path / "clip", boxes={"0000": BOX})
    found, kind = masker("0000", photo(pair, screen, 2))
    assert kind == "good"
    assert iou(found, PERSON) > 0.9
    assert masker("0001", photo(pair, screen, 2))[1] == "empty"
    cut = Masker(MaskingConfig("grabcut"), tmp_path / "clip", boxes={"0000": BOX})
    assert iou(cut("0000", photo(pair, screen, 2))[0], PERSON) > 0.8
    with pytest.raises(ValueError, match="grabcut starts from a box"):
        Masker(MaskingConfig("grabcut"), tmp_path / "clip")


def test_refined_masks_are_cleaned_again(tmp_path):
    truth = write_walk(tmp_path / "clip")
    rough = ndimage.binary_dilation(truth[3], iterations=2)
    rough[2:4, 2:4] = True
    write_mask(tmp_path / "0003.png", rough, "good")
    masker = Masker(MaskingConfig("given", refine=True), tmp_path / "clip", given=tmp_path)
    image = np.asarray(Image.open(tmp_path / "clip/0003.png"))
    found, kind = masker("0003", image)
    assert kind == "good"
    assert iou(found, truth[3]) > 0.9 > iou(rough, truth[3])
    assert tuple(photo(truth[3], wall())[truth[3]][0]) == CLOTHES

"""Who is before a scene that is known: also where both have nearly one colour."""

import numpy as np
import pytest

from own_samples import CLOTHES, iou, photo, walk, wall
from vitruve.data.masking import (
    BackgroundConfig,
    SceneCut,
    SceneCutConfig,
    clean_mask,
    learn_background,
)
from vitruve.io.errors import FileError


def learnt(images, **settings):
    return SceneCut(images, BackgroundConfig(**settings), SceneCutConfig())


def machine():
    """A wall before whose right half something has nearly the colour of clothes."""
    behind = wall().copy()
    behind[34:42, 52:] = np.array(CLOTHES) - 8
    return behind


def test_what_has_nearly_the_colour_of_the_scene_is_found_by_what_it_looks_like():
    masks = walk(20)
    images = [photo(m, machine(), i) for i, m in enumerate(masks)]
    scene, found = learn_background(images, BackgroundConfig()), learnt(images)
    # Before the machine colours alone leave pieces.
    assert [clean_mask(scene.differs(image))[1] for image in images[14:18]] == ["several"] * 4
    cut = [clean_mask(found(image)) for image in images]
    assert all(kind == "good" for _, kind in cut)
    overlaps = [iou(whole, mask) for (whole, _), mask in zip(cut, masks, strict=True)]
    assert min(overlaps) > 0.7
    assert np.mean(overlaps) > 0.9


def test_nobody_is_found_in_an_empty_scene():
    found = learnt([photo(m, wall(), i) for i, m in enumerate(walk(20))])
    empty = photo(np.zeros((72, 96), bool), wall(), 99)
    assert clean_mask(found(empty))[1] == "empty"


def test_where_nobody_moves_no_colours_are_learnt():
    still = [photo(np.zeros((72, 96), bool), wall(), i) for i in range(6)]
    assert not learnt(still)(still[0]).any()


def test_large_pictures_are_compared_small():
    masks = walk(12)
    images = [photo(m, wall(), i) for i, m in enumerate(masks)]
    scene = learn_background(images, BackgroundConfig(side_px=48))
    assert scene.mean.shape == (36, 48, 3)
    found = learnt(images, side_px=48)
    mask = found(images[0])
    assert mask.shape == (72, 96)
    assert iou(mask, masks[0]) > 0.7
    with pytest.raises(FileError, match="72x48 pixels among those of a camera that stands still"):
        found(np.zeros((48, 72, 3), np.uint8))

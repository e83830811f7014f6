"""Pictures of what is behind a user's people, and nobody in them."""

import numpy as np
from PIL import Image
from scipy import ndimage

from own_samples import person_mask, photo, walk, wall, write_frames
from vitruve.data.masking import write_scenes
from vitruve.data.own.clips import OwnClip


def clip(folder, masks, pictures, ordered=True):
    write_frames(folder / "pictures", pictures)
    write_frames(folder / "masks", [np.stack([m * np.uint8(255)] * 3, -1) for m in masks])
    return OwnClip("clip", folder / "pictures", ordered, masks=folder / "masks")


def read(folder):
    return {p.stem: np.asarray(Image.open(p)).astype(int) for p in sorted(folder.iterdir())}


def test_a_clip_shows_what_others_of_its_pictures_show(tmp_path):
    masks, behind = walk(24), wall(3)
    # Each picture is one grey lighter than the last.
    pictures = [photo(m, np.minimum(behind + i // 12, 255), 0) for i, m in enumerate(masks)]
    assert write_scenes([clip(tmp_path, masks, pictures)], tmp_path / "out") == 24
    scenes = read(tmp_path / "out")
    assert list(scenes)[:2] == ["clip-0000", "clip-0001"]
    for i, (mask, scene) in enumerate(zip(masks, scenes.values(), strict=True)):
        assert np.abs(scene - behind)[mask].max() <= 4
        away = ~ndimage.binary_dilation(mask)
        assert np.array_equal(scene[away], pictures[i][away])


def test_what_is_always_hidden_goes_on_with_what_is_beside_it(tmp_path):
    mask = person_mask((48, 36))
    grey = np.full_like(wall(), 90)
    single = clip(tmp_path, [mask], [photo(mask, grey)], ordered=False)
    assert write_scenes([single], tmp_path / "out") == 1
    assert (read(tmp_path / "out")["clip-0000"] == 90).all()


def test_pictures_without_a_mask_of_somebody_give_no_scene(tmp_path):
    mask = person_mask((48, 36))
    pictures = [photo(mask, wall(i)) for i in range(3)]
    masks = [mask, np.zeros_like(mask), np.ones_like(mask)]
    made = clip(tmp_path, masks, pictures)
    assert write_scenes([made], tmp_path / "out") == 1
    (tmp_path / "masks/0000.png").unlink()
    assert write_scenes([made], tmp_path / "none") == 0
    assert not (tmp_path / "none").exists()


def test_of_a_long_clip_some_that_have_masks(tmp_path):
    masks, behind = walk(96), wall(3)
    made = clip(tmp_path, masks, [photo(m, behind) for m in masks])
    for path in (tmp_path / "masks").iterdir():
        if int(path.stem) % 4:
            path.unlink()
    assert write_scenes([made], tmp_path / "out", every=4) == 24

"""A user's folders as clips, and as the shards that training reads."""

import numpy as np
import pytest
import torch
from PIL import Image

from own_samples import SIZE_PX, person_mask, photo, rig, wall, write_frames, write_rig, write_walk
from vitruve.data.masking import Masker, MaskingConfig, make_masks
from vitruve.data.own.clips import OwnClip, count_frames, find_clips, named_frames
from vitruve.data.own.mask_file import load_mask
from vitruve.data.own.rig import rig_fit
from vitruve.data.own.shards import OwnConfig, digest_of, is_rig, write_own_shards
from vitruve.data.studio.batches import over_time, studio_batch
from vitruve.data.studio.reader import Studio
from vitruve.geometry.projection import normalise_points
from vitruve.io.errors import FileError
from vitruve.io.video_writer import write_video


def masked(clips, folder):
    """The clips with masks by their backgrounds, and what is to be thought of those."""
    with_masks, kinds = [], {}
    for clip in clips:
        report = make_masks(
            clip.name, clip.source, folder / clip.name, Masker(MaskingConfig(), clip.source)
        )
        kinds[clip.name] = {t.name: t.kind for t in report.thumbnails}
        with_masks.append(
            OwnClip(clip.name, clip.source, clip.ordered, clip.camera, folder / clip.name)
        )
    return with_masks, kinds


@pytest.fixture(scope="module")
def views(tmp_path_factory):
    """Shards of three views of somebody who walks."""
    root = tmp_path_factory.mktemp("views")
    write_rig(root / "own")
    clips, kinds = masked(find_clips(root / "own"), root / "masks")
    (root / "people").mkdir()
    counts = write_own_shards(clips, kinds, root / "people", OwnConfig())
    assert counts == {"written": 24}
    return root


def test_a_folder_of_pictures_is_one_clip_without_order(tmp_path):
    write_frames(tmp_path / "own", [wall()] * 3)
    write_frames(tmp_path / "own/masks", [wall()] * 3)
    (clip,) = find_clips(tmp_path / "own")
    assert (clip.name, clip.ordered, clip.camera) == ("own", False, None)
    assert clip.masks == tmp_path / "own/masks"
    assert [name for name, _ in named_frames(clip.source)] == ["0000", "0001", "0002"]


def test_a_folder_of_videos_is_a_clip_each(tmp_path):
    for name in ("b10", "b9"):
        write_video(tmp_path / f"{name}.mp4", [wall()] * 4, 25.0)
    write_frames(tmp_path / "masks/b9", [wall()])
    clips = find_clips(tmp_path)
    assert [(c.name, c.ordered) for c in clips] == [("b9", True), ("b10", True)]
    assert [c.masks.name for c in clips] == ["b9", "masks"]
    assert [name for name, _ in named_frames(clips[0].source)][-1] == "000003"
    assert count_frames(clips[0].source) == 4
    (one,) = find_clips(tmp_path / "b9.mp4")
    assert (one.name, one.ordered) == ("b9", True)


def test_folders_of_frames_bring_their_masks(tmp_path):
    for name in ("00001", "00002"):
        write_frames(tmp_path / name / "images", [wall()])
        write_frames(tmp_path / name / "masks", [wall()])
        write_frames(tmp_path / name / "densepose", [wall()])
    clips = find_clips(tmp_path)
    assert [c.name for c in clips] == ["00001", "00002"]
    assert [c.masks for c in clips] == [tmp_path / c.name / "masks" for c in clips]


def test_a_calibration_is_found_and_belongs_to_clips_by_name(tmp_path):
    cameras = write_rig(tmp_path)
    clips = find_clips(tmp_path)
    assert is_rig(clips)
    for clip in clips:
        torch.testing.assert_close(clip.camera.intrinsics, cameras[clip.name].intrinsics)
        place = cameras[clip.name].T_world_cam
        torch.testing.assert_close(clip.camera.T_world_cam, place, atol=1e-5, rtol=0)
    (tmp_path / "left").rename(tmp_path / "links")
    with pytest.raises(FileError, match="has no camera 'links'; it has left, middle, right: call"):
        find_clips(tmp_path)


def test_a_calibration_of_other_pictures_is_refused(tmp_path):
    write_rig(tmp_path)
    for path in (tmp_path / "left").iterdir():
        Image.fromarray(wall(size=(72, 96))).save(path)
    with pytest.raises(FileError, match="camera 'left': it takes pictures of"):
        find_clips(tmp_path)


@pytest.mark.parametrize(
    ("what", "error", "message"),
    [
        ("nowhere", FileNotFoundError, "no such folder, video or picture: "),
        ("empty", FileError, "holds no videos"),
    ],
)
def test_what_is_no_folder_of_pictures_is_one_line(tmp_path, what, error, message):
    (tmp_path / "empty").mkdir()
    with pytest.raises(error, match=message):
        find_clips(tmp_path / what)


def test_views_of_a_moment_are_together_and_calibrated(views):
    studio = Studio(views / "people")
    assert studio.skeleton.name == "h36m_18"
    assert [len(studio.moment(m)) for m in range(studio.num_moments)] == [3] * 8
    assert studio.moment_of(4) == 1
    assert list(studio.views(4)) == [3, 4, 5]
    batch = studio_batch(studio, range(6))
    assert batch.scene.tolist() == [0, 0, 0, 1, 1, 1]
    assert not batch.valid.any()
    assert not batch.keypoints_valid.any()
    # Where the person stands, every view has them in the middle of the crop.
    place = torch.tensor([[0.0, 0.6, 0.9]])
    for number, camera in enumerate(rig().values()):
        picture = studio[number]
        in_camera = camera.joints_to_cam(place)
        shown = in_camera @ picture.intrinsics.T
        middle = (shown[0, :2] / shown[0, 2]).tolist()
        assert np.abs(np.array(middle) - 32).max() < 4
        assert 0.1 < picture.mask.float().mean() < 0.5


def test_the_lens_is_taken_out(views):
    """Straight rays of the crop are those of the calibrated pixels."""
    studio, camera = Studio(views / "people"), rig()["left"]
    mask = load_mask(views / "masks/left", "0002")
    number = next(n for n in range(len(studio)) if int(studio.example(n)["frame"]) == 2)
    picture = studio[number]

    def middle(of):
        return torch.tensor(np.argwhere(of)[:, ::-1].mean(0) + 0.5).float()[None]

    seen = normalise_points(middle(mask), camera.intrinsics, camera.distortion)
    cut = normalise_points(middle(picture.mask.numpy()), picture.intrinsics)
    torch.testing.assert_close(seen, cut, atol=0.01, rtol=0)


def test_a_calibration_that_fits_is_told_from_one_that_does_not(views, tmp_path):
    fit = rig_fit(Studio(views / "people"))
    assert fit.residual < 0.05
    assert fit.better == ()
    write_rig(tmp_path / "own", swapped=True)
    clips, kinds = masked(find_clips(tmp_path / "own"), tmp_path / "masks")
    (tmp_path / "people").mkdir()
    write_own_shards(clips, kinds, tmp_path / "people", OwnConfig())
    wrong = rig_fit(Studio(tmp_path / "people"))
    assert wrong.residual > 2 * fit.residual
    assert wrong.better == (("left", "middle"), ("middle", "left"))


def test_the_last_moments_validate(views):
    train, held = (Studio(views / "people", split) for split in ("train", "validation"))
    assert (train.num_moments, held.num_moments) == (7, 1)
    assert int(held.column("frame").min()) > int(train.column("frame").max())


def test_two_frames_are_told_in_pixels_of_the_first(views):
    studio = Studio(views / "people")
    first, later = studio_batch(studio, [0, 1]), studio_batch(studio, [3, 4])
    both = over_time([first, later])
    assert both.images.shape == (2, 2, 3, 64, 64)
    torch.testing.assert_close(both.crops_px[:, 0], first.crops_px[:, 0])
    # The same ray, through either crop's pinhole.
    corner = normalise_points(later.crops_px[:, :, :2], later.intrinsics)
    again = normalise_points(both.crops_px[:, 1:, :2], first.intrinsics)
    torch.testing.assert_close(again, corner, atol=1e-5, rtol=0)
    assert over_time([first]) is first


def test_single_pictures_stand_alone_and_cameras_are_assumed(tmp_path):
    own, masks = tmp_path / "own", tmp_path / "own/masks"
    truth = [person_mask((30 + i, 38)) for i in range(6)]
    write_frames(own, [photo(m, wall(i), i) for i, m in enumerate(truth)])
    write_frames(masks, [np.stack([m * np.uint8(255)] * 3, -1) for m in truth])
    clips = find_clips(own)
    (tmp_path / "people").mkdir()
    kinds = {"own": dict.fromkeys([f"{i:04d}" for i in range(6)], "good")}
    write_own_shards(clips, kinds, tmp_path / "people", OwnConfig(fov_deg=90.0))
    studio = Studio(tmp_path / "people")
    assert studio.num_moments == 6
    assert rig_fit(studio) is None
    assert torch.equal(studio[0].T_world_cam, torch.eye(4))
    box = 40 * 1.175
    assert float(studio[0].intrinsics[0, 0]) == pytest.approx(SIZE_PX[0] / 2 * 64 / box, rel=0.05)
    assert not studio.reader.about["ordered"]


def test_bad_masks_are_left_out_and_counted(tmp_path):
    write_walk(tmp_path / "clip")
    clip = OwnClip("clip", tmp_path / "clip", True)
    (clip,), kinds = masked([clip], tmp_path / "masks")
    kinds["clip"] |= {"0003": "empty", "0004": "full", "0005": "several"}
    (tmp_path / "people").mkdir()
    counts = write_own_shards([clip], kinds, tmp_path / "people", OwnConfig())
    # Of one camera somebody of two is as good as another.
    assert counts == {"empty": 1, "full": 1, "written": 22}


def test_several_people_are_left_out_where_views_might_show_different_ones(views, tmp_path):
    clips, kinds = masked(find_clips(views / "own"), tmp_path / "masks")
    kinds["middle"]["0001"] = "several"
    (tmp_path / "people").mkdir()
    counts = write_own_shards(clips, kinds, tmp_path / "people", OwnConfig())
    assert counts == {"several": 1, "written": 23}
    assert [len(Studio(tmp_path / "people").moment(m)) for m in (0, 1)] == [3, 2]


def test_nobody_in_any_picture_is_one_line(tmp_path):
    write_walk(tmp_path / "clip")
    (clip,), kinds = masked([OwnClip("clip", tmp_path / "clip", True)], tmp_path / "masks")
    kinds["clip"] = dict.fromkeys(kinds["clip"], "empty")
    with pytest.raises(FileError, match=r"0 pictures have a mask of somebody.*\(24 empty\)"):
        write_own_shards([clip], kinds, tmp_path, OwnConfig())
    with pytest.raises(ValueError, match="size_px 8 must be 16 to 1024, every 1"):
        OwnConfig(size_px=8)


def test_other_pictures_have_another_digest(tmp_path):
    write_walk(tmp_path / "clip")
    clip = OwnClip("clip", tmp_path / "clip", True)
    before = digest_of([clip])
    assert digest_of([clip]) == before
    Image.fromarray(wall()).save(tmp_path / "clip/0099.png")
    assert digest_of([clip]) != before

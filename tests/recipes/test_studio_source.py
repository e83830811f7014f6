"""Source ``studio``: what is told and what is hidden, views, copies, pairs and priors."""

from dataclasses import replace

import pytest
import torch

from studio_samples import PARTS, write_studio
from vitruve.data.studio.batches import studio_batch, told
from vitruve.data.studio.reader import Studio
from vitruve.data.studio.several import SeveralStudios
from vitruve.data.studio.warps import draw_warps, warp_batch
from vitruve.data.training_crops import VariedConfig
from vitruve.estimators import ConstantPose, ConstantPoseConfig
from vitruve.geometry.projection import project
from vitruve.objectives.equivariance import EquivarianceConfig, EquivarianceObjective
from vitruve.objectives.multiview import MultiviewConfig, MultiviewObjective
from vitruve.objectives.pictured import crop_reach, from_crop, to_crop
from vitruve.poses import Prediction
from vitruve.recipes.sources.studio import StudioSource, StudioSourceConfig
from vitruve.training import TrainConfig


def make_source(folder, batch_size=8, **settings):
    train = TrainConfig(batch_size=batch_size)
    return StudioSource(StudioSourceConfig(**settings), train, folder)


def true_prediction(batch, keypoints_px=None):
    joints = batch.joints_cam - batch.joints_cam[:, :, :1]
    points = batch.keypoints_px if keypoints_px is None else keypoints_px
    return Prediction(batch.skeleton, joints.unsqueeze(1), keypoints_px=points.unsqueeze(1))


def test_nothing_that_is_hidden_can_be_read(studio_folder):
    batch = make_source(studio_folder).batch_at(3)
    assert not batch.valid.any()
    assert not batch.keypoints_valid.any()
    for name in ("joints_cam", "keypoints_px", "confidence"):
        assert (getattr(batch, name) == 0).all()
    assert batch.scale_m_per_px is None
    assert batch.prior_cam is None
    assert 0.01 < batch.masks.mean() < 0.9


def test_labels_are_told_as_far_as_asked(studio_folder):
    two = make_source(studio_folder, labels="keypoints").batch_at(3)
    assert two.keypoints_valid.any()
    assert not two.valid.any()
    three = make_source(studio_folder, labels="joints").batch_at(3)
    assert three.valid.any()
    projected = project(three.joints_cam, three.intrinsics[:, None])
    torch.testing.assert_close(projected, three.keypoints_px, atol=1e-2, rtol=0)
    torch.testing.assert_close(two.keypoints_px, three.keypoints_px)


def test_cameras_of_a_moment_come_together_and_agree(studio_folder):
    batch = make_source(studio_folder, labels="joints", cameras=4).batch_at(0)
    assert batch.scene.unique(return_counts=True)[1].remainder(4).eq(0).all()
    objective = MultiviewObjective(MultiviewConfig(mask=None, reprojection=1.0, depth=1.0))
    assert objective.loss(true_prediction(batch), batch).item() < 1e-3
    two = make_source(studio_folder, cameras=2).batch_at(0)
    assert len(two.picture.unique()) >= len(two.scene.unique())


def test_more_people_come_one_view_each(studio_folder):
    settings = {"single_view": ("people_drawn",), "single_view_share": 0.5}
    source = make_source(studio_folder, 6, cameras=3, **settings)
    views = Studio(studio_folder / "people", "train")
    for step in range(4):
        batch = source.batch_at(step)
        alone = batch.picture >= len(views)
        assert alone.tolist() == [False] * 3 + [True] * 3
        assert len(batch.scene[:3].unique()) == 1
        assert len(batch.scene[3:].unique()) == 3
    with pytest.raises(ValueError, match="name their folders in single_view"):
        StudioSourceConfig(single_view_share=0.5)
    with pytest.raises(ValueError, match=r"single_view_share must be in \[0, 1\), got 1"):
        StudioSourceConfig(single_view=("people_drawn",), single_view_share=1.0)


def test_copies_go_where_their_warp_says(studio_folder):
    source = make_source(studio_folder, labels="joints", warped=True)
    batch = source.batch_at(1)
    assert torch.equal(batch.picture[:4], batch.picture[4:])
    assert not batch.keypoints_valid[4:].any()
    assert not batch.valid[4:].any()
    reach = crop_reach(batch)
    plain = to_crop(batch.keypoints_px[:4], batch.crops_px[:4], reach)
    moved = torch.einsum("bac,btjc->btja", batch.warp[4:, :, :2], plain)
    moved = moved + batch.warp[4:, None, None, :, 2]
    points_px = batch.keypoints_px.clone()
    points_px[4:] = from_crop(moved, batch.crops_px[4:], reach)
    objective = EquivarianceObjective(EquivarianceConfig())
    assert objective.loss(true_prediction(batch, points_px), batch).item() < 1e-8
    assert objective.loss(true_prediction(batch), batch).item() > 1e-4


@pytest.mark.parametrize("shape", [(16, 16), (16, 24)])
def test_warped_pictures_show_points_where_the_warp_puts_them(studio_folder, shape):
    batch = studio_batch(Studio(studio_folder / "people"), [0, 1])
    height, width = shape
    images = torch.zeros(2, 1, 3, height, width)
    images[..., 5:7, 9:11] = 1.0
    warps = draw_warps(2, torch.Generator().manual_seed(0), spread=0.1)
    warped = warp_batch(replace(batch, images=images, masks=images[:, :, 0]), warps)
    rows, columns = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
    pixels = torch.stack([columns, rows], -1) + 0.5
    reach = torch.tensor([width, height]) / max(width, height)

    def centre(pictures):
        weights = pictures[:, 0, 0] if pictures.ndim == 5 else pictures[:, 0]
        middle = (weights[..., None] * pixels).sum((1, 2)) / weights.sum((1, 2))[:, None]
        return (2 * middle / torch.tensor([width, height]) - 1) * reach

    wanted = torch.einsum("bac,bc->ba", warps[:, :, :2], centre(images)) + warps[:, :, 2]
    torch.testing.assert_close(centre(warped.images), wanted, atol=0.02, rtol=0)
    torch.testing.assert_close(centre(warped.masks), wanted, atol=0.02, rtol=0)
    with pytest.raises(ValueError, match="some of these were warped before"):
        warp_batch(warped, warps)


def test_people_of_several_folders_come_together(studio_folder):
    names = ("people", "people_drawn", "people_hidden")
    batch = make_source(studio_folder, batch_size=64, cameras=2, people=names).batch_at(0)
    each = [Studio(studio_folder / name, "train") for name in names]
    images = [torch.stack([s[n].image for n in range(len(s))]) for s in each]
    told_apart = [(batch.images[:, 0, None] == all_of).flatten(2).all(-1) for all_of in images]
    of = torch.cat([same.any(1, keepdim=True) for same in told_apart], 1)
    assert of.sum(1).eq(1).all()
    assert of.any(0).all()
    # Moments of different folders stay apart; cameras of one moment do not.
    scenes = {(int(s), int(f)) for s, f in zip(batch.scene, of.int().argmax(1), strict=True)}
    assert len(scenes) == len(batch.scene.unique())
    assert batch.scene.unique(return_counts=True)[1].remainder(2).eq(0).all()
    pictures = torch.cat(told_apart, 1).int().argmax(1)
    assert torch.equal(batch.picture, pictures)


def test_folders_that_do_not_go_together_are_refused(studio_folder, dogs_folder, tmp_path):
    people = Studio(studio_folder / "people", "train")
    with pytest.raises(ValueError, match=r"has joints 'h36m_18', .*'stanfordextra_24'"):
        SeveralStudios([people, Studio(dogs_folder / "people", "train")])
    with pytest.raises(ValueError, match="name one at least"):
        SeveralStudios([])
    with pytest.raises(ValueError, match="people must name a folder"):
        StudioSourceConfig(people=())
    write_studio(tmp_path, {"large": replace(PARTS["unseen"], size_px=40)})
    with pytest.raises(ValueError, match="differ in size"):
        SeveralStudios([people, Studio(tmp_path / "large", "train")])
    two = SeveralStudios([people, Studio(studio_folder / "people_drawn", "train")])
    with pytest.raises(IndexError, match=f"there are {len(two)}"):
        two[len(two)]


def test_pairs_are_told_and_stay_apart(studio_folder):
    source = make_source(studio_folder, pairs="pairs_parts", pairs_share=0.5, cameras=2)
    batch = source.batch_at(2)
    known = batch.valid.any((1, 2))
    assert known.tolist() == [False] * 4 + [True] * 4
    assert not set(batch.scene[:4].tolist()) & set(batch.scene[4:].tolist())
    assert len(batch.picture[4:].unique()) == 4


def test_at_first_pairs_are_nearly_the_whole_batch(studio_folder):
    source = make_source(studio_folder, pairs="pairs_parts", pairs_share=0.5, pairs_first=3)
    shown = [int(source.batch_at(step).valid.any((1, 2)).sum()) for step in (2, 3)]
    assert shown == [7, 4]


def test_the_prior_has_poses_of_the_pairs_relative_to_the_root(studio_folder):
    source = make_source(studio_folder, pairs="pairs_texture", prior=True)
    prior = source.batch_at(0).prior_cam
    assert prior.shape == (8, 2, 18, 3)
    assert (prior[:, :, 0] == 0).all()
    pairs = Studio(studio_folder / "pairs_texture", "train")
    poses = torch.cat([pairs[n].joints_cam[None] for n in range(len(pairs))])
    poses = poses - poses[:, :1]
    nearest = (prior.flatten(0, 1)[:, None] - poses).norm(dim=-1).mean(-1).amin(1)
    assert nearest.max() < 1e-6


def test_the_prior_is_turned_as_pictures_are(studio_folder):
    asked = {"pairs": "pairs_texture", "prior": True}
    still = make_source(studio_folder, **asked).batch_at(0).prior_cam
    varied = VariedConfig(roll_deg=30.0)
    turned = make_source(studio_folder, **asked, varied=varied).batch_at(0).prior_cam
    torch.testing.assert_close(turned[..., 2], still[..., 2])
    torch.testing.assert_close(turned.norm(dim=-1), still.norm(dim=-1))
    across, before = (torch.view_as_complex(x[..., 1:, :2].contiguous()) for x in (turned, still))
    roll = (across / before).angle().rad2deg()
    torch.testing.assert_close(roll, roll[..., :1].expand_as(roll), atol=0.1, rtol=0)
    assert 15 < roll[..., 0].std() < 50


def test_equal_steps_give_equal_batches_and_processes_share(studio_folder):
    source = make_source(studio_folder, warped=True)
    first, again = source.batch_at(5), source.batch_at(5)
    assert torch.equal(first.images, again.images)
    assert not torch.equal(first.images, source.batch_at(6).images)
    assert len(source.batch_at(5, 1, 2).images) == 4


def test_no_one_of_validation_is_trained_on(studio_folder):
    folder = studio_folder / "people"
    train, held = (Studio(folder, split) for split in ("train", "validation"))
    people = [{int(s.example(n)["person"]) for n in range(len(s))} for s in (train, held)]
    assert not people[0] & people[1]


def test_evaluation_hides_labels_from_the_estimator(studio_folder):
    source = make_source(studio_folder)

    class Curious(ConstantPose):
        def forward(self, batch):
            assert not batch.valid.any()
            assert not batch.keypoints_valid.any()
            return super().forward(batch)

    figures = source.evaluate(
        Curious(ConstantPoseConfig(Studio(studio_folder / "people").skeleton))
    )
    assert figures["mpjpe_mm"] > 100
    errors = {"mpjpe_mm", "n_mpjpe_mm", "p_mpjpe_mm"}
    assert set(figures) == errors | {"bone_length_ratio", "depth_spread_ratio"}


def test_what_does_not_go_together_is_refused(studio_folder, tmp_path):
    with pytest.raises(ValueError, match="cameras must be 1 to 4, got 5"):
        StudioSourceConfig(cameras=5)
    with pytest.raises(ValueError, match="are of pairs: name their folder"):
        StudioSourceConfig(prior=True)
    with pytest.raises(FileNotFoundError, match="give --data DIR, a folder with people"):
        make_source(None)
    with pytest.raises(FileNotFoundError, match="no shards at"):
        make_source(tmp_path)
    assert len(make_source(studio_folder / "people").batch_at(0).images) == 8


def test_told_keeps_or_hides(studio_folder):
    batch = studio_batch(Studio(studio_folder / "people"), range(3))
    assert told(batch, "joints") is batch
    assert told(batch, "none").images is batch.images

"""The heatmap detector: what it says, in which units, and what it refuses."""

from dataclasses import replace

import pytest
import torch

from picture_samples import H36M_18, detector_batch
from vitruve.estimators import (
    ConstantPose,
    ConstantPoseConfig,
    HeatmapDetector,
    HeatmapDetectorConfig,
    load_estimator,
    save_estimator,
)
from vitruve.nets.heatmap_head import HeatmapHeadConfig
from vitruve.nets.hourglass import HourglassConfig
from vitruve.nets.res_net import ResNetConfig
from vitruve.objectives import Term
from vitruve.objectives.keypoints import KeypointsConfig, KeypointsObjective
from vitruve.objectives.position import PositionConfig, PositionObjective
from vitruve.training import Players, train_step

HEAD = HeatmapHeadConfig(deconvolutions=1, width=8, depth_cells=8)
BACKBONES = {
    "res_net": ResNetConfig(depths=(1, 1), channels=(8, 16)),
    "hourglass": HourglassConfig(num_stacks=1, depth=2, width=16),
}


def make_detector(backbone="res_net", **settings):
    settings = {"backbone_config": BACKBONES[backbone], "head": HEAD, **settings}
    return HeatmapDetector(HeatmapDetectorConfig(H36M_18, backbone, **settings))


def with_heat(detector, cells, size=(8, 8, 8)):
    """Make its heat a single cell of each joint: (d, y, x) of that cell."""

    def heat(images):
        logits = torch.full((len(images), 18, *size), -50.0)
        for j, (d, y, x) in enumerate(cells):
            logits[:, j, d, y, x] = 50.0
        return logits

    detector.heat = heat
    return detector


@pytest.mark.parametrize("backbone", BACKBONES)
@pytest.mark.parametrize("hypotheses", [1, 3])
def test_it_says_joints_keypoints_and_peaks(backbone, hypotheses):
    batch = detector_batch(b=2)
    said = make_detector(backbone, num_hypotheses=hypotheses)(batch)
    assert said.joints_cam.shape == (2, hypotheses, 1, 18, 3)
    assert (said.joints_cam[..., 0, :] == 0).all()
    assert said.keypoints_px.shape == (2, 1, 1, 18, 2)
    first, last = batch.crops_px[:, None].split(2, dim=-1)
    assert ((said.keypoints_px >= first) & (said.keypoints_px <= last)).all()
    if hypotheses == 1:
        assert said.confidence is None
    else:
        assert said.confidence.shape == (2, 3, 1, 18)
        assert (said.joints_cam[..., :2] == said.joints_cam[:, :1, ..., :2]).all()


def test_units_of_the_box_and_of_the_batch():
    batch = detector_batch(b=2)
    cells = [(0, 0, 0)] * 17 + [(7, 7, 7)]
    said = with_heat(make_detector(box_m=2.0, depth_m=1.5), cells)(batch)
    # Middles of the first and the last of 8 cells are 1.75 of 2 apart.
    wanted = torch.tensor([1.75, 1.75, 1.75 * 1.5])
    torch.testing.assert_close(said.joints_cam[0, 0, 0, 17], wanted)
    corner = batch.crops_px[0, 0, :2] + 400 / 16
    torch.testing.assert_close(said.keypoints_px[0, 0, 0, 3], corner)
    told = replace(batch, scale_m_per_px=torch.full((2, 1), 0.01))
    said = with_heat(make_detector(scale="batch", depth_m=1.5), cells)(told)
    wanted = torch.tensor([3.5, 3.5, 1.75 * 1.5])
    torch.testing.assert_close(said.joints_cam[0, 0, 0, 17], wanted)
    with pytest.raises(ValueError, match=r"needs PoseBatch\.scale_m_per_px"):
        make_detector(scale="batch")(batch)


def test_what_a_crop_spans_is_learnt():
    batch = detector_batch(b=2)
    dark_and_bright = torch.stack([0.1 * batch.images[0], 1 - 0.1 * batch.images[0]])
    batch = replace(batch, images=dark_and_bright)
    torch.manual_seed(0)
    box = make_detector()
    learned = make_detector(scale="learned")
    learned.load_state_dict(box.state_dict(), strict=False)
    before, said = box(batch), learned(batch)
    torch.testing.assert_close(said.joints_cam, before.joints_cam)
    optimizer = torch.optim.Adam(learned.span.parameters(), lr=0.02)
    wanted = (
        before.joints_cam[..., :2].detach() * torch.tensor([0.7, 1.3])[:, None, None, None, None]
    )
    for _ in range(300):
        optimizer.zero_grad()
        said = learned(batch)
        (said.joints_cam[..., :2] - wanted).abs().mean().backward()
        optimizer.step()
    factor = said.joints_cam[..., 5, :2] / before.joints_cam[..., 5, :2]
    torch.testing.assert_close(factor[0], torch.full_like(factor[0], 0.7), atol=0.05, rtol=0)
    torch.testing.assert_close(factor[1], torch.full_like(factor[1], 1.3), atol=0.05, rtol=0)
    torch.testing.assert_close(said.joints_cam[..., 2], before.joints_cam[..., 2])
    torch.testing.assert_close(said.keypoints_px, before.keypoints_px)


def test_the_root_has_one_depth():
    detector = make_detector(num_hypotheses=2, window=1)

    def heat(images):
        logits = torch.full((len(images), 18, 8, 4, 4), -50.0)
        logits[:, :, 2], logits[:, :, 5] = 50.0, 49.0
        logits[:, 1, 2], logits[:, 1, 5] = 49.0, 50.0
        return logits

    detector.heat = heat
    said = detector(detector_batch(b=1)).joints_cam[0, :, 0]
    at = [2.0 * ((2 * cell + 1) / 8 - 1) for cell in (2, 5)]
    assert said[:, 1, 2].tolist() == pytest.approx([at[1] - at[0], 0.0])
    assert said[:, 2, 2].tolist() == pytest.approx([0.0, at[1] - at[0]])


@pytest.mark.parametrize("backbone", BACKBONES)
def test_saved_and_loaded_it_says_the_same(backbone, tmp_path):
    detector, batch = make_detector(backbone, num_hypotheses=2).eval(), detector_batch(b=2)
    save_estimator(detector, tmp_path / "d.safetensors")
    again = load_estimator(tmp_path / "d.safetensors")
    assert again.config == detector.config
    torch.testing.assert_close(again(batch).joints_cam, detector(batch).joints_cam)


def test_leading_axes_do_not_matter():
    detector, batch = make_detector().eval(), detector_batch(b=4)
    flat = detector(batch).joints_cam
    shaped = detector(batch.map(lambda x: x.unflatten(0, (2, 2)))).joints_cam
    torch.testing.assert_close(shaped.flatten(0, 1), flat)


def test_it_learns_a_batch_by_heart():
    torch.manual_seed(0)
    batch, detector = detector_batch(b=4), make_detector()
    batch = replace(batch, keypoints_px=batch.keypoints_px.clamp(330.0, 570.0))
    terms = {
        "position": Term(PositionObjective(PositionConfig())),
        "keypoints": Term(KeypointsObjective(KeypointsConfig())),
    }
    players = Players(detector, torch.optim.Adam(detector.parameters(), lr=1e-2), terms)
    losses = [train_step(players, batch, step) for step in range(120)]
    assert losses[-1]["position"] < 0.3 * losses[0]["position"]
    assert losses[-1]["keypoints"] < 0.7 * losses[0]["keypoints"]


def test_every_frame_needs_its_picture():
    detector, batch = make_detector(), detector_batch(b=2)
    with pytest.raises(ValueError, match="1 frames and 1 pictures of frames"):
        detector(replace(batch, image_frames=torch.ones(2, 1, dtype=torch.int64)))
    with pytest.raises(ValueError, match=r"HeatmapDetector needs PoseBatch\.images"):
        detector(replace(batch, images=None))
    names = ("keypoints_px", "keypoints_valid", "confidence", "joints_cam", "valid")
    frames = {name: torch.cat(2 * [getattr(batch, name)], 1) for name in names}
    twice = replace(batch, **frames)
    with pytest.raises(ValueError, match="2 frames and 1 pictures"):
        detector(twice)


def test_unknown_backbones_are_refused():
    with pytest.raises(KeyError, match="unknown backbone 'vgg'"):
        HeatmapDetector(HeatmapDetectorConfig(H36M_18, "vgg"))


def test_timm_makes_a_backbone():
    pytest.importorskip("timm")
    from vitruve.estimators.image_features import TimmConfig

    config = TimmConfig("resnet10t", levels=(4,), weights="random")
    detector = HeatmapDetector(HeatmapDetectorConfig(H36M_18, "timm", config, HEAD))
    assert detector(detector_batch(b=1)).joints_cam.shape == (1, 1, 1, 18, 3)


def test_a_constant_pose_learns_the_mean():
    batch = detector_batch(b=4)
    estimator = ConstantPose(ConstantPoseConfig(H36M_18))
    terms = {"position": Term(PositionObjective(PositionConfig("mse")))}
    players = Players(estimator, torch.optim.Adam(estimator.parameters(), lr=3e-2), terms)
    for step in range(300):
        train_step(players, batch, step)
    mean = (batch.joints_cam - batch.joints_cam[:, :, :1]).mean((0, 1))
    torch.testing.assert_close(estimator(batch).joints_cam[0, 0, 0], mean, atol=1e-2, rtol=0)


def test_training_says_how_probable_depths_are():
    detector = make_detector(num_hypotheses=3, depth_m=1.2)
    batch = detector_batch(b=2)
    cells = detector.training_forward(batch).depth_cells
    depth_m, log_probability = cells.unbind(-1)
    assert depth_m[0, 0, 0].tolist() == pytest.approx(torch.linspace(-1.05, 1.05, 8).tolist())
    torch.testing.assert_close(log_probability.exp().sum(-1), torch.ones(cells.shape[:-2]))
    assert detector(batch).depth_cells is None


def test_ripples_are_no_answers_but_are_trained_on():
    detector = make_detector(num_hypotheses=2, window=1, least_peak=0.1)

    def heat(images):
        logits = torch.full((len(images), 18, 8, 4, 4), -50.0)
        logits[:, :, 2], logits[:, :, 5] = 5.0, 1.0
        return logits

    detector.heat = heat
    batch = detector_batch(b=1)
    answer, trained = detector(batch).confidence, detector.training_forward(batch).confidence
    assert (answer[0, 1] == 0).all()
    torch.testing.assert_close(trained[0, 1], answer[0, 0] * torch.e**-4)

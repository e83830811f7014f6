"""Context lifters on swinging legs whose pictures tell which leg is in front."""

from dataclasses import dataclass, replace
from importlib.util import find_spec

import pytest
import torch

from vitruve.data.lifting.augment import flip
from vitruve.data.processing.person_crops import person_boxes_px
from vitruve.estimators import (
    ContextLifter,
    ContextLifterConfig,
    load_estimator,
    make_estimator,
    predict_flipped,
    save_estimator,
)
from vitruve.estimators.context_lifter import FeatureSource
from vitruve.estimators.image_features import IMAGE_FEATURES, TimmConfig
from vitruve.estimators.image_source import ImageFeatures
from vitruve.nets.context_pose_former import ContextPoseFormerConfig
from vitruve.objectives import Term
from vitruve.objectives.position import PositionConfig, PositionObjective
from vitruve.poses import PoseBatch, mirror_batch, mirror_prediction
from vitruve.recipes.sources.toy import TOY, ToySource, ToySourceConfig
from vitruve.training import TrainConfig, train

SIZE = 32


@dataclass(frozen=True)
class MeansConfig:
    weights: str = "random"


class Means(ImageFeatures):
    """Stands for a backbone: colours averaged over cells, through a batch norm."""

    def __init__(self, config):
        super().__init__()
        self.config = config
        self.channels = (3, 3)
        self.norm = torch.nn.BatchNorm2d(3)

    def forward(self, images):
        return [torch.nn.functional.avg_pool2d(self.norm(images), n) for n in (2, 4)]

    def from_hub(self):
        raise ConnectionError("no network")


@pytest.fixture(autouse=True)
def means(monkeypatch):
    monkeypatch.setitem(IMAGE_FEATURES, "means", (Means, MeansConfig))


def make_config(sources=1, frames=1, **settings):
    net = ContextPoseFormerConfig(
        5,
        5,
        level_channels=(3, 3) * sources,
        num_frames=frames,
        channels=16,
        num_heads=4,
        fuse_depth=1,
        depth=2,
        drop_path=0.0,
        **settings,
    )
    return ContextLifterConfig(TOY, TOY, net, (FeatureSource("means", MeansConfig()),) * sources)


def paint(batch, every=1):
    """Pictures of the person: a blob at each joint, red in front of the pelvis, green behind."""
    frames = torch.arange(0, batch.keypoints_px.shape[1], every)
    points, joints = batch.keypoints_px[:, frames], batch.joints_cam[:, frames]
    crops = person_boxes_px(points, batch.keypoints_valid[:, frames], aspect=1.0)
    at = (points - crops[..., None, :2]) / (crops[..., 2:] - crops[..., :2])[..., None, :] * SIZE
    middle = torch.arange(SIZE) + 0.5
    near = [(-((middle - at[..., axis, None]) ** 2) / 8).exp() for axis in (0, 1)]
    blobs = near[1][..., :, None] * near[0][..., None, :]
    depth = joints[..., 2] - joints[..., :1, 2]
    colours = torch.stack([(-depth).clamp(0, 1), depth.clamp(0, 1), torch.ones_like(depth)], -1)
    images = torch.einsum("bijyx,bijc->bicyx", blobs, colours).clamp(0, 1)
    return replace(
        batch, images=images, crops_px=crops, image_frames=frames.expand(len(points), -1).clone()
    )


class PaintedToy(ToySource):
    def _batch(self, generator, size):
        return paint(super()._batch(generator, size))


def make_batch(window=4, size=3, every=1):
    source = ToySource(ToySourceConfig(window), TrainConfig(batch_size=size), None)
    return paint(source.batch_at(0), every)


def trained_error(tmp_path, config):
    settings = TrainConfig(
        steps=60,
        batch_size=16,
        learning_rate=3e-3,
        warmup_steps=10,
        accelerator="cpu",
        checkpoint_every=60,
        out=str(tmp_path / f"{config.net_config.context}_{len(config.sources)}"),
    )
    source = PaintedToy(ToySourceConfig(window=1), settings, None)
    terms = {"position": Term(PositionObjective(PositionConfig()))}
    result = train(lambda: (make_estimator("context_lifter", config), terms), source, settings)
    estimator = load_estimator(result.weights)
    return source.evaluate(estimator)["mpjpe_mm"]


def test_pictures_resolve_what_keypoints_leave_open(tmp_path):
    without = trained_error(tmp_path, make_config(sources=0))
    assert trained_error(tmp_path, make_config()) < 0.5 * without
    attention = make_config(context="attention", context_heads=2)
    assert trained_error(tmp_path, attention) < 0.5 * without


@pytest.mark.parametrize("frames", [1, 4])
@pytest.mark.parametrize("window", [1, 4, 10])
def test_every_frame_is_predicted_with_any_leading_axes(frames, window):
    lifter, batch = ContextLifter(make_config(frames=frames)).eval(), make_batch(window)
    prediction = lifter(batch)
    assert prediction.joints_cam.shape == (3, 1, window, 5, 3)
    assert (prediction.joints_cam[..., TOY.root, :] == 0).all()
    clip = lifter(batch.map(lambda x: x[0])).joints_cam
    torch.testing.assert_close(clip, prediction.joints_cam[0], rtol=1e-4, atol=1e-5)


def test_some_frames_have_pictures():
    lifter = ContextLifter(make_config(frames=4)).eval()
    some, all_of_them = make_batch(8, every=3), make_batch(8)
    assert some.image_frames[0].tolist() == [0, 3, 6]
    assert not torch.equal(lifter(some).joints_cam, lifter(all_of_them).joints_cam)


def test_the_mirror_shows_the_same_picture_at_the_same_joint():
    batch = make_batch()
    mirrored, swap = mirror_batch(batch), list(TOY.mirror_index)
    repainted = paint(mirrored)
    torch.testing.assert_close(mirrored.crops_px, repainted.crops_px)
    torch.testing.assert_close(mirrored.images, repainted.images)
    lifter = ContextLifter(make_config()).eval()
    levels, turned = lifter._pictures(batch), lifter._pictures(mirrored)
    torch.testing.assert_close(turned.points[..., swap, :] * torch.tensor([-1, 1]), levels.points)
    again = mirror_batch(mirrored)
    torch.testing.assert_close(again.images, batch.images)
    torch.testing.assert_close(again.crops_px, batch.crops_px)
    which = torch.tensor([True, False, True])
    assert torch.equal(flip(batch, which).images[0], mirrored.images[0])
    assert torch.equal(flip(batch, which).crops_px[1], batch.crops_px[1])


def test_flips_are_averaged():
    lifter, batch = ContextLifter(make_config()).eval(), make_batch()
    flipped = mirror_prediction(lifter(mirror_batch(batch)))
    expected = (lifter(batch).joints_cam + flipped.joints_cam) / 2
    torch.testing.assert_close(predict_flipped(lifter, batch).joints_cam, expected)


def test_the_source_stays_as_it_is():
    lifter, batch = ContextLifter(make_config()), make_batch()
    lifter.train()
    assert lifter.net.training
    assert not any(module.training for module in lifter.sources.modules())
    lifter(batch).joints_cam.square().sum().backward()
    assert all(p.grad is None for p in lifter.sources.parameters())
    assert int(lifter.sources[0].norm.num_batches_tracked) == 0


def test_saved_weights_hold_the_sources_too(tmp_path):
    lifter, batch = ContextLifter(make_config(sources=2, frames=4)), make_batch()
    lifter.sources[1].norm.running_mean.fill_(0.3)
    lifter.eval()
    save_estimator(lifter, tmp_path / "a.safetensors")
    again = load_estimator(tmp_path / "a.safetensors")
    assert again.config == lifter.config
    assert torch.equal(again(batch).joints_cam, lifter(batch).joints_cam)


def test_a_backbone_of_timm(tmp_path):
    if find_spec("timm") is None:
        pytest.skip("timm is not installed; pip install 'vitruve[image]'")
    source = FeatureSource("timm", TimmConfig("resnet10t", levels=(1, 2), weights="random"))
    net = replace(make_config().net_config, level_channels=(64, 128))
    lifter = make_estimator(
        "context_lifter", replace(make_config(), net_config=net, sources=(source,))
    )
    batch = make_batch()
    lifter.training_forward(batch).joints_cam.square().sum().backward()
    assert all(p.grad is None for p in lifter.sources.parameters())
    save_estimator(lifter, tmp_path / "a.safetensors")
    again = load_estimator(tmp_path / "a.safetensors")
    assert torch.equal(again(batch).joints_cam, lifter.eval()(batch).joints_cam)


def test_loading_needs_no_hub_but_a_new_one_does(tmp_path):
    config = replace(make_config(), sources=(FeatureSource("means", MeansConfig(weights="hub")),))
    save_estimator(ContextLifter(config), tmp_path / "a.safetensors")
    load_estimator(tmp_path / "a.safetensors")
    message = r"weights='hub'\) cannot be fetched from the Hugging Face hub.*PATH\.safetensors"
    with pytest.raises(OSError, match=message):
        make_estimator("context_lifter", config)


def test_unseen_joints_do_not_matter_in_the_picture():
    lifter, batch = ContextLifter(make_config()).eval(), make_batch()
    valid = batch.keypoints_valid.clone()
    valid[..., 2] = False
    hidden = replace(batch, keypoints_valid=valid)
    moved = hidden.keypoints_px.clone()
    moved[..., 2, :] += 77.0
    said = lifter(hidden).joints_cam
    assert torch.equal(said, lifter(replace(hidden, keypoints_px=moved)).joints_cam)
    assert not torch.equal(said, lifter(batch).joints_cam)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"images": None}, r"ContextLifter needs PoseBatch\.images; this batch has none"),
        ({"crops_px": None}, r"needs PoseBatch\.crops_px"),
        ({"image_frames": None}, r"needs PoseBatch\.image_frames"),
        ({"image_frames": torch.full((3, 4), 4)}, r"frames of the clip, 0 to 3; got 4 to 4"),
        ({"crops_px": torch.ones(3, 4, 4)}, r"a crop has no width or height"),
    ],
)
def test_batches_it_cannot_read(change, message):
    with pytest.raises(ValueError, match=message):
        ContextLifter(make_config())(replace(make_batch(), **change))


def test_configs_that_do_not_fit():
    config = make_config()
    net = replace(config.net_config, level_channels=(3, 4))
    with pytest.raises(ValueError, match=r"maps of \(3, 3\) channels, but.* \(3, 4\)"):
        ContextLifter(replace(config, net_config=net))
    with pytest.raises(KeyError, match="unknown source of features 'photo'"):
        ContextLifter(replace(config, sources=(FeatureSource("photo", None),)))
    with pytest.raises(ValueError, match=r"in_channels is 2, but the lifter's .* need 3"):
        ContextLifter(replace(config, confidence=True))


def test_a_batch_without_pictures_mirrors_as_before():
    source = ToySource(ToySourceConfig(4), TrainConfig(batch_size=2), None)
    batch: PoseBatch = source.batch_at(0)
    assert mirror_batch(batch).images is None

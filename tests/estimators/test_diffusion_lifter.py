"""Diffusion lifters: hypotheses, seeds, clips of any length, training, weight files."""

from dataclasses import replace

import pytest
import torch

from vitruve.estimators import (
    DiffusionLifter,
    DiffusionLifterConfig,
    average_hypotheses,
    ddim,
    load_estimator,
    save_estimator,
    windows,
)
from vitruve.metrics import joint_best, mpjpe_mm, root_centred
from vitruve.nets import D3DPConfig, SimpleBaselineConfig
from vitruve.nets.diffusion_schedule import alphas_cumprod
from vitruve.objectives import Term
from vitruve.objectives.position import PositionConfig, PositionObjective
from vitruve.poses import mirror_batch
from vitruve.recipes.sources.toy import TOY, ToySource, ToySourceConfig
from vitruve.training import TrainConfig
from vitruve.training.step import Players, train_step

NET = D3DPConfig(5, 5, num_frames=9, channels=16, depth=1, num_heads=2, drop_path=0.0)
POSITION = PositionObjective(PositionConfig())
CONFIG = DiffusionLifterConfig(TOY, TOY, "d3dp", NET, num_hypotheses=3, num_steps=2)


def make_lifter(**settings):
    torch.manual_seed(0)
    return DiffusionLifter(replace(CONFIG, **settings)).eval()


def make_batch(window=9, size=3):
    return ToySource(ToySourceConfig(window), TrainConfig(batch_size=size), None).batch_at(0)


def with_camera(batch):
    camera = torch.tensor([[600.0, 0.0, 320.0], [0.0, 600.0, 240.0], [0.0, 0.0, 1.0]])
    return replace(batch, intrinsics=camera.expand(len(batch.keypoints_px), 3, 3))


@pytest.mark.parametrize("window", [1, 9, 14])
@pytest.mark.parametrize("normaliser", ["screen", "root_view"])
def test_every_frame_gets_every_hypothesis(normaliser, window):
    lifter, batch = make_lifter(normaliser=normaliser), with_camera(make_batch(window))
    joints = lifter(batch).joints_cam
    assert joints.shape == (3, 3, window, 5, 3)
    assert (joints[..., TOY.root, :] == 0).all()
    assert (joints.std(dim=1)[..., 1:, :] > 0).all()


def test_a_clip_gets_the_same_whoever_stands_beside_it(monkeypatch):
    lifter, batch = make_lifter(), make_batch(14)
    joints = lifter(batch).joints_cam
    torch.testing.assert_close(lifter(batch.map(lambda x: x[1:2])).joints_cam, joints[1:2])
    torch.testing.assert_close(lifter(batch.map(lambda x: x[1])).joints_cam, joints[1])
    monkeypatch.setattr(windows, "MAX_FRAMES", 1)
    torch.testing.assert_close(lifter(batch).joints_cam, joints)


def test_the_seed_decides():
    lifter, batch = make_lifter(), make_batch()
    first = lifter(batch).joints_cam
    assert torch.equal(lifter(batch).joints_cam, first)
    assert torch.equal(lifter.draw(batch, torch.Generator().manual_seed(0)).joints_cam, first)
    assert not torch.equal(make_lifter(seed=1)(batch).joints_cam, first)


def test_with_flips_mirrored_noise_gives_mirrored_hypotheses():
    lifter = make_lifter()
    x, noise = torch.randn(2, 9, 5, 2), torch.randn(2, 2, 3, 9, 5, 3)
    swap = list(TOY.mirror_index)

    def flip(x):
        return torch.cat([-x[..., swap, :1], x[..., swap, 1:]], dim=-1)

    torch.testing.assert_close(
        lifter.sample(flip(x), flip(noise)), flip(lifter.sample(x, noise)), atol=1e-5, rtol=1e-5
    )
    one_sided = make_lifter(flip=False)
    assert not torch.allclose(
        one_sided.sample(flip(x), flip(noise)), flip(one_sided.sample(x, noise)), atol=1e-3
    )


def test_both_normalisers_see_a_mirrored_clip_as_the_flip_inside_does():
    batch = with_camera(make_batch())
    for normaliser in ("screen", "root_view"):
        lifter = make_lifter(normaliser=normaliser)
        x, mirrored = lifter.normaliser.encode(batch), lifter.normaliser.encode(mirror_batch(batch))
        sign = torch.tensor([-1.0, 1.0])
        torch.testing.assert_close(mirrored, x[..., list(TOY.mirror_index), :] * sign)


def test_labels_are_noised_as_the_schedule_says():
    clean, noise = torch.rand(2, 1, 3, 4, 3) - 0.5, torch.randn(2, 1, 3, 4, 3)
    left = alphas_cumprod()[250].sqrt().float()
    at = ddim.add_noise(clean, noise, torch.tensor([250, 999]), 0.5)
    expected = (0.5 * left * clean[0] + (1 - left**2).sqrt() * noise[0]).clamp(-0.55, 0.55) / 0.5
    torch.testing.assert_close(at[0], expected)
    torch.testing.assert_close(at[1], noise[1].clamp(-0.55, 0.55) / 0.5, atol=1e-3, rtol=0)


def test_a_perfect_denoiser_is_believed():
    clean, noise = torch.rand(1, 2, 3, 4, 3) - 0.5, torch.randn(4, 1, 2, 3, 4, 3)
    seen = []
    guesses = ddim.sample(lambda x, step: seen.append((x, step)) or clean, noise)
    assert torch.equal(guesses, clean.unsqueeze(1).expand(1, 4, 2, 3, 4, 3))
    assert [step for _, step in seen] == [999, 749, 499, 249]
    # What is left of the noise at step 249 is what training would have added there.
    away = seen[-1][0] - alphas_cumprod()[249].sqrt() * clean
    assert away.std().item() == pytest.approx((1 - alphas_cumprod()[249].item()) ** 0.5, rel=0.4)


@pytest.fixture(scope="module")
def trained():
    """Trained on two clips without their mirror images, so drawn without them too."""
    lifter = make_lifter(scale=2.0, flip=False, num_steps=5, num_hypotheses=5)
    batch = make_batch(size=2)
    optimizer = torch.optim.AdamW(lifter.parameters(), 2e-2)
    players = Players(lifter.train(), optimizer, {"position": Term(POSITION)})
    several = batch.map(lambda x: x.repeat_interleave(4, dim=0))
    torch.manual_seed(0)
    for step in range(250):
        optimizer.param_groups[0]["lr"] = 2e-2 * (1 - step / 250)
        train_step(players, several, step, clip_norm=1.0)
    return lifter.eval(), batch


def test_it_learns(trained):
    lifter, batch = trained
    target = root_centred(batch.joints_cam, TOY.root)
    still = mpjpe_mm(target.mean((0, 1)).expand_as(target), target)
    with torch.no_grad():
        prediction = lifter(batch)
    assert mpjpe_mm(average_hypotheses(prediction).joints_cam[:, 0], target) < 0.8 * still
    assert mpjpe_mm(joint_best(prediction.joints_cam, target), target) < 0.6 * still


def test_weight_files_keep_everything(trained, tmp_path):
    lifter, batch = trained
    save_estimator(lifter, tmp_path / "a.safetensors")
    again = load_estimator(tmp_path / "a.safetensors")
    assert type(again) is DiffusionLifter
    assert again.config == lifter.config
    assert torch.equal(again(batch).joints_cam, lifter(batch).joints_cam)


def test_the_scale_of_noisy_joints_is_not_that_of_the_answer():
    clean = torch.rand(1, 9, 5, 3) - 0.5
    for scale in (0.5, 1.0, 2.0):
        lifter = make_lifter(scale=scale, flip=False)
        lifter.net.denoise = lambda keypoints, noisy, time: clean[:, None].expand_as(noisy)
        joints = lifter(make_batch(size=1)).joints_cam
        torch.testing.assert_close(joints[..., 1:, :], clean[None].expand_as(joints)[..., 1:, :])


def test_training_gives_finite_gradients_and_follows_the_seed():
    lifter, batch = make_lifter(normaliser="root_view").train(), with_camera(make_batch())
    torch.manual_seed(1)
    first = lifter.training_forward(batch)
    assert first.joints_cam.shape == (3, 1, 9, 5, 3)
    torch.manual_seed(1)
    assert torch.equal(lifter.training_forward(batch).joints_cam, first.joints_cam)
    assert not torch.equal(lifter.training_forward(batch).joints_cam, first.joints_cam)
    POSITION.loss(first, batch).backward()
    for key, parameter in lifter.named_parameters():
        assert parameter.grad.isfinite().all(), key
        assert parameter.grad.abs().sum() > 0, key


def test_an_unlabelled_joint_has_no_say_in_training():
    lifter, batch = make_lifter(), make_batch()
    valid = batch.valid.clone()
    valid[:, 3, 2] = False
    hidden, moved = replace(batch, valid=valid), batch.joints_cam.clone()
    moved[:, 3, 2] = 1e6

    def train(batch):
        torch.manual_seed(2)
        return lifter.training_forward(batch).joints_cam

    assert torch.equal(train(hidden), train(replace(hidden, joints_cam=moved)))
    assert not torch.equal(train(hidden), train(batch))


def test_a_large_seed_survives_the_weight_file(tmp_path):
    lifter = make_lifter(seed=2**40)
    save_estimator(lifter, tmp_path / "a.safetensors")
    assert load_estimator(tmp_path / "a.safetensors").config.seed == 2**40


def test_what_cannot_be_drawn_or_trained_is_refused():
    baseline = SimpleBaselineConfig(5, 5)
    with pytest.raises(ValueError, match="'simple_baseline' cannot denoise joints"):
        make_lifter(net="simple_baseline", net_config=baseline)
    for bad in ({"num_hypotheses": 0}, {"num_steps": 0}, {"num_steps": 1001}, {"scale": 0.0}):
        with pytest.raises(ValueError, match=r"num_steps .* 1 to 1000 and scale"):
            make_lifter(**bad)
    lifter, batch = make_lifter(), make_batch()
    with pytest.raises(ValueError, match=r"clips of exactly 9 frames, got 12.*num_frames"):
        lifter.training_forward(make_batch(12))
    with pytest.raises(ValueError, match=r"trains on PoseBatch\.joints_cam"):
        lifter.training_forward(replace(batch, joints_cam=None))
    other = replace(TOY, name="other", names=("a", "left_b", "left_c", "right_b", "right_c"))
    with pytest.raises(ValueError, match="labels are of skeleton 'other' but the estimator says"):
        lifter.training_forward(replace(batch, skeleton=other))

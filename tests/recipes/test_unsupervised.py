"""``vitruve train unsupervised``: what it finds to learn from, and that it trains on it."""

import json
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image, ImageChops, ImageStat

from energy_samples import H36M, make_energy
from own_samples import person_mask, photo, wall, write_frames, write_rig, write_walk
from vitruve.benchmarks.answer_sheet import answer_sheet
from vitruve.cli import main
from vitruve.data.studio.reader import Studio
from vitruve.data.training_crops import VariedConfig
from vitruve.estimators import load_estimator
from vitruve.io.keypoint_file import write_keypoints
from vitruve.nets import write_energy
from vitruve.poses import KeypointSequence
from vitruve.recipes.sources.own import OwnSource, OwnSourceConfig
from vitruve.recipes.unsupervised import PRESETS, Signals, unsupervised
from vitruve.skeletons import skeleton
from vitruve.training import TrainConfig


def train(images, out, *more, body="capsule-human"):
    return main(
        [
            "train",
            "unsupervised",
            "--images",
            str(images),
            "--body",
            body,
            "--size",
            "tiny",
            "--out",
            str(out),
            "--train.steps",
            "2",
            "--train.batch-size",
            "8",
            "--train.accelerator",
            "cpu",
            *map(str, more),
        ]
    )


def somebody(frames=6):
    """2D keypoints of somebody else."""
    points = 100 * torch.rand(frames, 17, 2, generator=torch.Generator().manual_seed(0))
    seen = torch.ones(frames, 17, dtype=torch.bool)
    coco = skeleton("coco_17")
    return KeypointSequence(
        coco, points, seen, seen.float(), torch.arange(frames), 30.0, (100, 100)
    )


@pytest.fixture(scope="module")
def views(tmp_path_factory):
    """A run on three calibrated views."""
    root = tmp_path_factory.mktemp("views")
    write_rig(root / "own")
    assert train(root / "own", root / "run") == 0
    return root


def test_calibrated_views_are_trained_on_together(views, capsys):
    detector = load_estimator(views / "run/estimator.safetensors")
    assert detector.config.side_px == 32
    assert detector.skeleton.name == "h36m_18"
    batch = OwnSource(
        OwnSourceConfig(views=3, frames=2), TrainConfig(batch_size=24), views / "run/data"
    ).batch_at(0)
    # Half of 12 examples are rendered; of the others half are warped copies.
    assert batch.images.shape == (12, 2, 3, 32, 32)
    assert batch.scene[:3].unique().numel() == 1
    assert batch.valid.flatten(1).any(1).tolist() == [False] * 6 + [True] * 6
    assert batch.prior_cam.shape == (12, 2, 18, 3)
    assert torch.equal(batch.images[6:, 0], batch.images[6:, 1])
    assert not torch.equal(batch.images[:3, 0], batch.images[:3, 1])


def test_answers_to_pictures_that_did_not_train_are_there_to_be_looked_at(views):
    held_out = Studio(views / "run/data/people", "validation")
    model = load_estimator(views / "run/estimator.safetensors")
    expected = answer_sheet(held_out, model, list(range(len(held_out))), 2)
    with Image.open(views / "run/answers.jpg") as written:
        assert written.size == expected.size
        difference = ImageChops.difference(written.convert("RGB"), expected.convert("RGB"))
    assert ImageStat.Stat(difference).mean == pytest.approx([0, 0, 0], abs=6)


def test_copies_are_silhouettes_where_some_rendered_bodies_are(views):
    varied = VariedConfig(silhouettes=1.0)
    config = OwnSourceConfig(views=3, pairs_share=0.5, varied=varied)
    batch = OwnSource(config, TrainConfig(batch_size=24), views / "run/data").batch_at(0)
    masks = batch.masks.unsqueeze(2).expand_as(batch.images)
    same = [torch.equal(a, b) for a, b in zip(batch.images, masks, strict=True)]
    assert same == [False] * 6 + [True] * 6 + same[12:]
    # Rendered ones were turned since, picture and mask alike.
    assert (batch.images[12:] - masks[12:]).abs().max() < 1e-5


def rays_to_masks(batch):
    """Unit vectors, in the world, from the camera to the middle of each mask of the first frame."""
    masks = batch.masks[:, 0]
    at = torch.arange(masks.shape[-1]) + 0.5
    total = masks.sum((1, 2))
    x, y = (masks.sum(1) @ at) / total, (masks.sum(2) @ at) / total
    rays = (
        torch.linalg.inv(batch.intrinsics) @ torch.stack([x, y, torch.ones_like(x)], -1)[..., None]
    )
    return torch.nn.functional.normalize((batch.T_world_cam[:, :3, :3] @ rays)[..., 0], dim=-1)


def test_own_pictures_are_varied_and_stay_views_of_their_moment(views):
    config = OwnSourceConfig(views=3, frames=2, pairs_share=0.0)
    varied = replace(config, own_varied=VariedConfig(roll_deg=15.0, mirrored=0.0))
    batches = [
        OwnSource(c, TrainConfig(batch_size=24), views / "run/data").batch_at(0)
        for c in (config, varied)
    ]
    plain, turned = (b.map(lambda x: x[:6]) for b in batches)
    assert torch.equal(plain.scene, turned.scene)
    config = replace(config, frames=1, own_varied=VariedConfig(mirrored=0.5))
    many = OwnSource(config, TrainConfig(batch_size=400), views / "run/data").batch_at(0)
    # All three views of a moment are mirrored or none.
    counts = many.scene[:200].unique(return_counts=True)[1]
    assert (many.scene[:200] < 0).float().mean().sub(0.5).abs() < 0.2
    assert counts.remainder(3).count_nonzero() <= 1
    assert many.picture.unique(return_counts=True)[1].tolist() == [2] * 200
    assert (plain.images - turned.images).abs().flatten(2).mean(-1).min() > 0.01
    torch.testing.assert_close(plain.T_world_cam[:, :3, 3], turned.T_world_cam[:, :3, 3])
    assert (plain.T_world_cam - turned.T_world_cam).abs().flatten(1).amax(1).min() > 0.01
    same = (rays_to_masks(plain) * rays_to_masks(turned)).sum(-1)
    assert same.clamp(max=1).acos().rad2deg().max() < 0.5


def test_while_rendered_bodies_alone_teach_every_picture_is_another(views):
    config = OwnSourceConfig(views=3, frames=2, pairs_first=1)
    source = OwnSource(config, TrainConfig(batch_size=24), views / "run/data")
    first, second = source.batch_at(0), source.batch_at(1)
    assert first.images.shape == (24, 1, 3, 32, 32)
    assert first.valid.flatten(1).any(1).sum() == 21
    assert second.images.shape == (12, 2, 3, 32, 32)


def test_the_same_command_goes_on(views, capsys):
    assert train(views / "own", views / "run") == 0
    said = capsys.readouterr().out
    assert "3 calibrated cameras: joints that they agree on, and depth" in said
    assert "neighbouring frames: poses alike" in said
    assert "masks:" not in said
    assert train(views / "own", views / "run", "--every", 2) == 2
    assert "was begun with every 1, now it is 2" in capsys.readouterr().err


def test_scenes_are_the_backgrounds_of_rendered_bodies(views):
    scenes = sorted((views / "run/data/backgrounds").iterdir())
    assert {p.stem.rpartition("-")[0] for p in scenes} == {"left", "middle", "right"}
    middle = next(p for p in scenes if p.stem.startswith("middle"))
    found = np.asarray(Image.open(middle)).astype(int)
    assert np.abs(found - wall(1)).mean() < 6
    pairs = Studio(views / "run/data/pairs")
    assert pairs.reader.about["settings"]["backgrounds"].endswith("backgrounds")


def test_a_calibration_that_does_not_fit_is_left_out(tmp_path, capsys):
    write_rig(tmp_path / "own", swapped=True)
    assert train(tmp_path / "own", tmp_path / "run") == 0
    said = capsys.readouterr()
    assert (
        "taken by other cameras (left by middle, middle by left); nothing is triangulated"
        in said.err
    )
    assert "calibrated cameras" not in said.out


def test_one_camera_of_an_unknown_lens_is_said_to_be_so(tmp_path, capsys):
    write_walk(tmp_path / "own/clip")
    assert train(tmp_path / "own", tmp_path / "run", "--fov", 70) == 0
    said = capsys.readouterr().out
    assert "a field of view of 70 degrees is assumed" in said
    assert "pictures: 24\n" in said
    assert (tmp_path / "run/data/masks.jpg").is_file()


def test_a_dog_is_learnt_from_given_masks(tmp_path, capsys):
    truth = [person_mask((30 + i, 38)) for i in range(8)]
    truth[2] = truth[2] & False
    truth[3] = truth[3] | True
    write_frames(tmp_path / "own", [photo(m, wall(i), i) for i, m in enumerate(truth)])
    masks = [np.stack([m * np.uint8(255)] * 3, -1) for m in truth]
    write_frames(tmp_path / "own/masks", masks)
    assert train(tmp_path / "own", tmp_path / "run", body="capsule-dog") == 0
    said = capsys.readouterr()
    assert "1 of 8 masks are empty; first 0002" in said.err
    assert "1 of 8 masks cover nearly everything" in said.err
    assert "pictures: 6, 1 left out (empty mask), 1 left out (full mask)" in said.out
    detector = load_estimator(tmp_path / "run/estimator.safetensors")
    assert detector.skeleton.name == "stanfordextra_24"
    assert detector.config.box_m == 1.2


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ((), "holds single pictures, of which nobody knows the background: put masks into"),
        (("--by", "chroma", "--key", "greenish"), "key 'greenish' is no colour"),
        (("--by", "given"), r"name it \(--given DIR\)"),
        (("--by", "chroma", "--body", "ghost"), "no body 'ghost'"),
    ],
)
def test_what_cannot_be_is_one_line(tmp_path, capsys, more, message):
    write_frames(tmp_path / "own", [wall()] * 5)
    assert train(tmp_path / "own", tmp_path / "run", *more) == 2
    err = capsys.readouterr().err
    assert err.count("\n") == 1
    assert re.search(message, err)


def test_terms_follow_the_signals():
    def terms(signals, joints="h36m_18"):
        return unsupervised(signals, skeleton(joints), "tiny", PRESETS["tiny"].train).terms

    plain = terms(Signals())
    assert plain.keys() == {
        "pairs", "pairs_2d", "pairs_depth", "equivariance", "adversarial", "mask", "symmetry"
    }  # fmt: skip
    assert terms(Signals(views=4)).keys() - plain.keys() == {"views"}
    assert "mask" in terms(Signals(views=4))
    assert terms(Signals(ordered=True)).keys() - plain.keys() == {"smoothness"}
    told = Signals(poses_2d=Path("poses.npz"))
    assert terms(told).keys() - plain.keys() == {"adversarial_2d"}
    assert "2D poses of other people" in " ".join(told.lines())
    assert "symmetry" not in terms(Signals(), "stanfordextra_24")
    assert {t.start_step for t in plain.values()} == {0, 100}


def test_pairs_have_the_batch_until_other_terms_begin():
    train = replace(PRESETS["tiny"].train, steps=90)
    source = unsupervised(Signals(), skeleton("h36m_18"), "tiny", train).source_config
    assert (source.pairs_first, source.pairs_share) == (45, 0.5)


def test_masks_alone_teach_in_three_stages():
    def terms(**signals):
        train = replace(PRESETS["tiny"].train, steps=90)
        told = Signals(rendered=False, **signals)
        run = unsupervised(told, skeleton("h36m_18"), "tiny", train)
        assert run.source_config.pairs_share == run.source_config.pairs_first == 0
        assert run.estimator_config.num_hypotheses == 1
        return run.terms

    stages = [terms()[name] for name in ("tight", "medium", "loose")]
    assert [t.start_step for t in stages] == [4, 30, 40]
    assert {t.objective for t in stages} == {"mask"}
    assert {terms(views=4)[name].objective for name in ("tight", "loose")} == {"multiview"}
    assert terms(ordered=True).keys() - terms().keys() == {"smoothness"}


def test_masks_alone_train_people_and_no_dogs(tmp_path, capsys):
    write_rig(tmp_path / "own")
    write_keypoints([somebody()], tmp_path / "poses.npz")
    poses = ("--poses-2d", str(tmp_path / "poses.npz"))
    assert train(tmp_path / "own", tmp_path / "run", "--no-rendered", *poses) == 0
    said = capsys.readouterr().out
    assert "a standing person's template" in said
    assert "unpaired 2D poses: 6" in said
    assert not (tmp_path / "run" / "data" / "pairs").exists()
    nobody = ("--poses-2d", str(tmp_path / "nowhere"))
    assert train(tmp_path / "own", tmp_path / "none", *nobody) == 2
    assert "nowhere" in capsys.readouterr().err
    assert not (tmp_path / "none" / "data" / "people").exists()
    dogs = train(tmp_path / "own", tmp_path / "dog", "--no-rendered", body="capsule-dog")
    assert dogs == 2
    assert "there is no template for joints 'stanfordextra_24'" in capsys.readouterr().err
    assert not (tmp_path / "dog").exists()


def test_a_loss_net_of_other_joints_is_refused(tmp_path):
    for joints in (H36M, skeleton("h36m_18")):
        write_energy(make_energy("mlp", joints), tmp_path / f"{joints.name}.safetensors")
    own = skeleton("h36m_18")
    train_config = PRESETS["tiny"].train
    run = unsupervised(Signals(energy=tmp_path / "h36m_18.safetensors"), own, "tiny", train_config)
    assert run.terms["energy"].config.net == "mlp"
    assert json.dumps(run.summary)
    with pytest.raises(ValueError, match="knows poses of 'h36m_17', this run learns 'h36m_18'"):
        unsupervised(Signals(energy=tmp_path / "h36m_17.safetensors"), own, "tiny", train_config)


def test_what_does_not_go_together_is_refused():
    with pytest.raises(ValueError, match="views 9 must be 1 to 8, frames 1 1 or 2"):
        OwnSourceConfig(views=9)
    with pytest.raises(ValueError, match=r"pairs_share must be in \[0, 1\), got 1.0"):
        OwnSourceConfig(pairs_share=1.0)
    with pytest.raises(FileNotFoundError, match="give --images DIR"):
        OwnSource(OwnSourceConfig(), TrainConfig(), None)


def test_pictures_are_asked_for(capsys):
    assert main(["train", "unsupervised"]) == 2
    assert "give --images DIR, a folder of your pictures or videos" in capsys.readouterr().err

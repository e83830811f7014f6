"""The energy objective against its equations, one pose at a time."""

from dataclasses import replace

import pytest
import torch
from torch import nn

import vitruve
from energy_samples import (
    H36M,
    SIZE_PX,
    energy_config,
    make_energy,
    near_truth,
    pose_batch,
    relative_joints,
)
from vitruve.data.lifting.wrong_poses import WrongPosesConfig
from vitruve.nets import ENERGIES, write_energy
from vitruve.nets.pose_evidence import PoseEvidence, evidence_of
from vitruve.objectives import Term, energy
from vitruve.objectives.energy import EnergyConfig, EnergyObjective
from vitruve.objectives.energy_windows import PairConfig, window_difference
from vitruve.poses import Prediction


def make(net="mlp", skeleton=H36M, **settings):
    """An objective without a regulariser, unless it is asked for."""
    given = {"regulariser": 0.0, **settings}
    objective = EnergyObjective(EnergyConfig(net, energy_config(net, skeleton), **given))
    # Energies of a fresh net hardly differ; the margin would never be reached.
    last = objective.net.head if net == "mlp" else objective.net.head[-1]
    with torch.no_grad():
        last.weight.mul_(20.0)
    return objective


def energy_of(objective, pose, batch, i, frame):
    """Energy of one pose (j, 3), from the net alone; it reads no rays."""
    screen = 2 * batch.keypoints_px[i, frame] / SIZE_PX[0] - torch.tensor([1.0, 0.8])
    nil = torch.zeros_like(screen)
    evidence = PoseEvidence(screen, nil, nil[..., 0]).map(lambda x: x[None])
    return objective.net(pose[None], evidence).squeeze(0)


def unlabelled(batch, where):
    """The batch with labels missing where told, and wild numbers in their place."""
    valid = batch.valid & ~where
    wild = batch.joints_cam.where(valid[..., None], 3.0)
    return replace(batch, valid=valid, joints_cam=wild)


def pairs(objective, prediction, batch):
    """E(x, y), E(x, y~) and the mean joint error of every labelled hypothesis, frame and clip."""
    truth = relative_joints(batch)
    cut = (truth.shape[1] - prediction.joints_cam.shape[2]) // 2
    for i, of_clip in enumerate(prediction.joints_cam):
        for joints in of_clip:
            for frame, pose in enumerate(joints, start=cut):
                if batch.valid[i, frame].all():
                    true = energy_of(objective, truth[i, frame], batch, i, frame)
                    error = (pose - truth[i, frame]).norm(dim=-1).mean()
                    yield true, energy_of(objective, pose, batch, i, frame), error


def some_labelled(hypotheses=1, t=3, frames=None):
    """A batch with a frame, a joint and a clip without labels; an answer of its central frames."""
    batch = pose_batch(b=4, t=t)
    missing = torch.zeros_like(batch.valid)
    missing[0, t // 2] = missing[2, 0, 5] = missing[3] = True
    prediction = near_truth(batch, hypotheses=hypotheses)
    cut = 0 if frames is None else (t - frames) // 2
    joints = prediction.joints_cam[:, :, cut : t - cut]
    return replace(prediction, joints_cam=joints), unlabelled(batch, missing)


SHAPES = {
    "frames": {},
    "hypotheses": {"hypotheses": 3},
    "many_to_one": {"t": 5, "frames": 1},
    "central": {"hypotheses": 2, "t": 5, "frames": 3},
}


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("net", ENERGIES)
def test_the_estimators_loss_is_the_mean_energy_of_all_frames_labelled_or_not(net, shape):
    objective, (prediction, batch) = make(net), some_labelled(**SHAPES[shape])
    cut = (batch.valid.shape[1] - prediction.joints_cam.shape[2]) // 2
    energies = [
        energy_of(objective, pose, batch, i, frame)
        for i, of_clip in enumerate(prediction.joints_cam)
        for joints in of_clip
        for frame, pose in enumerate(joints, start=cut)
    ]
    found = objective.loss(prediction, batch)
    torch.testing.assert_close(found, torch.stack(energies).mean())
    bare = replace(batch, joints_cam=None, valid=None, skeleton=None)
    assert torch.equal(objective.loss(prediction, bare), found)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("net", ENERGIES)
def test_equation_4(net, shape):
    objective, (prediction, batch) = make(net, margin=2.0), some_labelled(**SHAPES[shape])
    found = [
        (2.0 * error - wrong + true) for true, wrong, error in pairs(objective, prediction, batch)
    ]
    hinge = torch.stack(found)
    assert (hinge > 0).any()
    torch.testing.assert_close(objective.own_loss(prediction, batch), hinge.relu().mean())


def test_some_samples_are_beyond_their_margin():
    """So that the test of equation 4 also sees the flat part of the hinge."""
    objective, (prediction, batch) = make(), some_labelled(hypotheses=3)
    gaps = [wrong - true - error for true, wrong, error in pairs(objective, prediction, batch)]
    beyond = torch.stack(gaps) > 0
    assert beyond.any()
    assert not beyond.all()


@pytest.mark.parametrize("shape", SHAPES)
def test_the_margin_of_the_whole_batch(shape):
    objective = make(margin_over="batch")
    prediction, batch = some_labelled(**SHAPES[shape])
    true, wrong, error = map(torch.stack, zip(*pairs(objective, prediction, batch), strict=True))
    wanted = (error.mean() - wrong + true).relu().mean()
    torch.testing.assert_close(objective.own_loss(prediction, batch), wanted)
    # A batch whose clips are missed by unequal amounts tells both margins apart.
    uneven = replace(prediction, joints_cam=prediction.joints_cam.clone())
    uneven.joints_cam[0] *= 3.0
    losses = [o.own_loss(uneven, batch) for o in (objective, make(margin_over="sample"))]
    assert not torch.equal(*losses)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("temperature", [1.0, 0.3])
def test_equation_5(shape, temperature):
    objective = make("graph", ranking="nce", temperature=temperature)
    prediction, batch = some_labelled(**SHAPES[shape])
    wanted = []
    for true, wrong, _ in pairs(objective, prediction, batch):
        right, other = ((-energy.double() / temperature).exp() for energy in (true, wrong))
        wanted.append(-(right / (right + other)).log())
    found = objective.own_loss(prediction, batch)
    torch.testing.assert_close(found, torch.stack(wanted).mean().float())


def test_nce_of_wide_gaps_is_finite():
    objective, (prediction, batch) = make(ranking="nce", temperature=1e-4), some_labelled()
    loss = objective.own_loss(prediction, batch)
    loss.backward()
    assert loss.isfinite()
    assert all(p.grad.isfinite().all() for p in objective.parameters())


def test_the_regulariser_is_the_mean_squared_energy_of_labelled_frames():
    objective, (prediction, batch) = make(regulariser=0.0), some_labelled()
    plain = objective.own_loss(prediction, batch)
    objective.config = replace(objective.config, regulariser=0.5)
    energies = [
        (true.square() + wrong.square()) / 2
        for true, wrong, _ in pairs(objective, prediction, batch)
    ]
    wanted = plain + 0.5 * torch.stack(energies).mean()
    torch.testing.assert_close(objective.own_loss(prediction, batch), wanted)


@pytest.mark.parametrize("ranking", ["margin", "nce"])
def test_unlabelled_frames_do_not_train_the_loss_net(ranking):
    objective = make(ranking=ranking, regulariser=1e-2, wrong_poses=WrongPosesConfig())
    prediction, batch = some_labelled()
    moved = replace(prediction, joints_cam=prediction.joints_cam.clone())
    moved.joints_cam[3] += 1.0
    losses = []
    for given in (prediction, moved):
        torch.manual_seed(0)
        losses.append(objective.own_loss(given, batch))
    assert torch.equal(*losses)
    assert not torch.equal(objective.loss(prediction, batch), objective.loss(moved, batch))


@pytest.mark.parametrize("pair", [None, PairConfig(frames=1)])
def test_a_batch_without_any_label_teaches_the_loss_net_nothing(pair):
    objective = make(regulariser=1.0, pair=pair, wrong_poses=WrongPosesConfig())
    batch = pose_batch()
    batch = unlabelled(batch, torch.ones_like(batch.valid))
    prediction = near_truth(pose_batch())
    loss = objective.own_loss(prediction, batch)
    loss.backward()
    assert loss == 0
    assert all((p.grad == 0).all() for p in objective.parameters())
    assert objective.loss(prediction, batch) != 0
    bare = replace(batch, joints_cam=None, valid=None, skeleton=None)
    with pytest.raises(
        ValueError, match=r"needs PoseBatch\.joints_cam; the batch has no 3D labels"
    ):
        objective.own_loss(prediction, bare)


def test_wrong_poses_are_ranked_behind_the_truth_too():
    """A loss-net that learns from wrong poses tells new ones from true ones."""
    plain = WrongPosesConfig((100.0, 100.0), (30.0, 30.0), (0.3, 0.3), (0.3, 0.3))
    objective = make(wrong_poses=plain, margin=5.0)
    batch = pose_batch(b=16)
    perfect = Prediction(H36M, relative_joints(batch).unsqueeze(1))
    # The prediction is the truth, so only the wrong poses can be told from it.
    first = objective.own_loss(perfect, batch).item()
    assert first > 0
    optimizer = torch.optim.Adam(objective.parameters(), lr=3e-3)
    for _ in range(150):
        optimizer.zero_grad()
        objective.own_loss(perfect, batch).backward()
        optimizer.step()
    assert objective.own_loss(perfect, batch).item() < 0.5 * first
    alone = make()
    assert alone.own_loss(perfect, batch).item() == pytest.approx(0, abs=1e-6)


def test_what_the_2d_says_is_read_once_for_both_players(monkeypatch):
    read = []
    monkeypatch.setattr(energy, "evidence_of", lambda *x: read.append(x) or evidence_of(*x))
    objective, batch, other = make(), pose_batch(seed=0), pose_batch(seed=1)
    prediction = near_truth(batch)
    objective.own_loss(prediction, batch)
    first = objective.loss(prediction, batch).item()
    assert len(read) == 1
    assert objective.loss(prediction, other).item() != first
    assert objective.loss(prediction, batch).item() == first
    assert len(read) == 3


def test_frames_of_a_clip_are_scored_one_by_one():
    objective, batch = make("graph"), pose_batch(b=2, t=4)
    prediction = near_truth(batch)
    frames = []
    for frame in range(4):
        part = batch.map(lambda x, f=frame: x[:, f : f + 1] if x.shape[1:2] == (4,) else x)
        joints = prediction.joints_cam[:, :, frame : frame + 1]
        frames.append(objective.loss(Prediction(H36M, joints), part))
    torch.testing.assert_close(objective.loss(prediction, batch), torch.stack(frames).mean())


def segment_loss(energies, joints, config, first, second):
    """One pair of segments, by the authors' formula."""
    k = config.frames
    apart = [joints[:, s : s + k].mean(1) for s in (first, second)]
    mpjpe = (apart[0] - apart[1]).norm(dim=-1).mean(-1)
    difference = (
        energies[:, first : first + k].mean(-1) - energies[:, second : second + k].mean(-1)
    ).abs()
    return config.weight * (difference - config.kappa * mpjpe).clamp(min=0).mean()


@pytest.mark.parametrize("kappa", [0.0, 0.5])
def test_the_pair_loss_is_that_of_some_two_segments(kappa):
    config = PairConfig(frames=2, weight=0.1, kappa=kappa)
    batch = pose_batch(b=3, t=5)
    energies, truth = torch.randn(3, 5), relative_joints(batch)
    possible = {
        (a, b): segment_loss(energies, truth, config, a, b).item()
        for a in range(4)
        for b in range(4)
        if a != b
    }
    given = (truth.unsqueeze(1), batch.valid.unsqueeze(1)) if kappa else None
    seen = set()
    for _ in range(60):
        found = window_difference(energies.unsqueeze(1), given, config).item()
        matches = {p for p, loss in possible.items() if found == pytest.approx(loss, abs=1e-7)}
        assert matches
        seen |= matches
    assert seen == set(possible)


def test_clips_too_short_for_two_segments_have_no_pair_loss():
    energies = torch.randn(2, 1, 3, requires_grad=True)
    loss = window_difference(energies, None, PairConfig(frames=3, kappa=0.0))
    loss.backward()
    assert loss == 0
    assert (energies.grad == 0).all()
    with pytest.raises(ValueError, match="1 frame or more, got frames=0"):
        PairConfig(frames=0)


@pytest.mark.parametrize("on", ["loss_net", "estimator"])
def test_the_pair_loss_trains_whom_it_is_put_on(on):
    prediction, batch = some_labelled(hypotheses=2, t=5)
    pair = PairConfig(frames=1, weight=10.0, kappa=1e-3, on=on)
    plain, with_pair = make(), make(pair=pair)
    with_pair.load_state_dict(plain.state_dict())
    for part in ("loss", "own_loss"):
        same = torch.equal(*(getattr(o, part)(prediction, batch) for o in (plain, with_pair)))
        assert same == ((part == "loss") != (on == "estimator"))


def test_the_pair_loss_leaves_segments_without_labels_out():
    config = PairConfig(frames=1, weight=1.0, kappa=1e-9)
    batch = pose_batch(b=2, t=2)
    missing = torch.zeros_like(batch.valid)
    missing[1, 0, 3] = True
    batch = unlabelled(batch, missing)
    energies = torch.tensor([[[1.0, 2.0]], [[10.0, 100.0]]])
    truth = (relative_joints(batch).unsqueeze(1), batch.valid.unsqueeze(1))
    assert window_difference(energies, truth, config).item() == pytest.approx(1.0)
    free = replace(config, kappa=0.0)
    assert window_difference(energies, None, free).item() == pytest.approx((1 + 90) / 2)


def test_a_pair_loss_without_kappa_needs_no_labels():
    pair = PairConfig(frames=1, weight=10.0, kappa=0.0, on="estimator")
    batch = pose_batch(t=4)
    bare = replace(batch, joints_cam=None, valid=None, skeleton=None)
    prediction, objective, free = near_truth(batch), make(pair=pair), make()
    free.load_state_dict(objective.state_dict())
    assert objective.loss(prediction, bare) > free.loss(prediction, bare)
    held = make(pair=replace(pair, kappa=1.0))
    with pytest.raises(ValueError, match="has no 3D labels"):
        held.loss(prediction, bare)


def test_a_static_loss_net_never_changes(tmp_path):
    net = make_energy("graph")
    write_energy(net, tmp_path / "energy.safetensors")
    config = EnergyConfig("graph", net.config, weights=str(tmp_path / "energy.safetensors"))
    objective = EnergyObjective(config)
    for key, value in net.state_dict().items():
        assert torch.equal(objective.net.state_dict()[key], value), key
    assert not any(p.requires_grad for p in objective.parameters())
    assert Term(objective).make_optimizer() is None
    assert objective.kept is objective.net
    with pytest.raises(ValueError, match="holds another loss-net than the config's"):
        EnergyObjective(replace(config, net_config=replace(net.config, structure=True)))
    with pytest.raises(FileNotFoundError, match="no such file"):
        EnergyObjective(replace(config, weights=str(tmp_path / "absent.safetensors")))


def test_what_it_keeps_is_in_the_state_once():
    objective = make()
    assert objective.kept is objective.net
    assert all(key.startswith("net.") for key in objective.state_dict())


def test_mistakes_are_named():
    batch = pose_batch(vitruve.skeleton("smpl_24"))
    for part in ("loss", "own_loss"):
        with pytest.raises(ValueError, match=r"knows poses of 'h36m_17', .* says 'smpl_24'"):
            getattr(make(), part)(near_truth(batch), batch)
    with pytest.raises(KeyError, match=r"unknown loss-net 'gnn'; there are \['graph', 'mlp'\]"):
        EnergyObjective(EnergyConfig("gnn", energy_config("mlp")))
    with pytest.raises(ValueError, match="temperature must be above 0, got 0"):
        EnergyConfig("mlp", energy_config("mlp"), temperature=0.0)
    with pytest.raises(KeyError, match="unknown loss-net 'gnn'"):
        EnergyConfig.choices({"net": "gnn"})


def test_a_gradient_goes_through_the_energy_to_every_predicted_joint():
    objective, batch = make("graph"), pose_batch()
    joints = near_truth(batch, hypotheses=2).joints_cam.requires_grad_()
    objective.loss(Prediction(H36M, joints), batch).backward()
    assert joints.grad.isfinite().all()
    assert (joints.grad.abs().sum(-1) > 0).all()
    assert isinstance(objective.kept, nn.Module)

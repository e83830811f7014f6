"""The energy as a player: any estimator, any skeleton, Algorithm 1's order, and whole runs."""

import copy
from dataclasses import replace

import pytest
import torch
from rich.console import Console
from safetensors.torch import load_file
from torch import nn

import vitruve
from energy_samples import H36M, energy_config, near_truth, pose_batch, relative_joints
from picture_samples import detector_batch
from vitruve.data.lifting.wrong_poses import WrongPosesConfig
from vitruve.estimators import (
    Estimator,
    HeatmapDetector,
    HeatmapDetectorConfig,
    Lifter,
    LifterConfig,
)
from vitruve.nets import SimpleBaselineConfig, VideoPose3DConfig, read_energy, write_energy
from vitruve.nets.heatmap_head import HeatmapHeadConfig
from vitruve.nets.res_net import ResNetConfig
from vitruve.objectives import Term, frozen
from vitruve.objectives.energy import EnergyConfig, EnergyObjective
from vitruve.objectives.energy_windows import PairConfig
from vitruve.objectives.position import PositionConfig, PositionObjective
from vitruve.poses import Prediction
from vitruve.recipes import RECIPES
from vitruve.recipes.run import TermConfig
from vitruve.recipes.sources.toy import TOY, ToySource
from vitruve.training import Players, train_step
from vitruve.training.log import read_log

SKELETONS = ("h36m_17", "smpl_24", "h3wb_133")
POSITION = PositionObjective(PositionConfig())


class Clay(Estimator):
    """No lifter: the joints of one batch are its parameters."""

    def __init__(self, start):
        super().__init__()
        self.skeleton = self.keypoint_skeleton = start.skeleton
        self.joints = nn.Parameter(start.joints_cam.clone())

    def forward(self, batch):
        root = self.joints[..., self.skeleton.root, None, :]
        return Prediction(self.skeleton, self.joints - root)


def make_lifter(skeleton=H36M, net="simple_baseline"):
    j = skeleton.num_joints
    configs = {
        "simple_baseline": SimpleBaselineConfig(j, j, width=64, num_blocks=1, dropout=0.0),
        "video_pose_3d": VideoPose3DConfig(j, j, widths=(3,), channels=32, dropout=0.0),
    }
    return Lifter(LifterConfig(skeleton, skeleton, net, configs[net]))


def make_detector(skeleton):
    """An image estimator: it sees nothing but a picture."""
    backbone = ResNetConfig(depths=(1, 1), channels=(8, 16))
    head = HeatmapHeadConfig(deconvolutions=1, width=8, depth_cells=8)
    return HeatmapDetector(HeatmapDetectorConfig(skeleton, backbone_config=backbone, head=head))


def make_energy_term(net, skeleton=H36M, *, weight=1.0, pull=None, own_steps=1, **settings):
    config = EnergyConfig(net, energy_config(net, skeleton), **settings)
    return Term(EnergyObjective(config), weight, 3e-3, own_steps, pull)


def make_players(estimator, rate=3e-3, optimizer=torch.optim.Adam, **terms):
    return Players(estimator, optimizer(estimator.parameters(), lr=rate), terms)


def standing(players, batch):
    """How much more energy predictions have than the truth, and their mean joint error, metres."""
    with torch.no_grad():
        prediction = players.estimator.training_forward(batch)
        truth = Prediction(prediction.skeleton, relative_joints(batch).unsqueeze(1))
        objective = players.terms["energy"].objective
        gap = objective.loss(prediction, batch) - objective.loss(truth, batch)
        return gap.item(), POSITION.loss(prediction, batch).item()


def gradients(module):
    return {k: p.grad.clone() for k, p in module.named_parameters() if p.grad is not None}


def changed(module, before):
    return [k for k, v in module.state_dict().items() if not torch.equal(v, before[k])]


@pytest.mark.parametrize("of", ["lifter", "clay", "detector"])
@pytest.mark.parametrize("net", ["graph", "mlp"])
@pytest.mark.parametrize("name", SKELETONS)
def test_one_objective_trains_any_estimator_of_any_skeleton(name, net, of):
    skeleton = vitruve.skeleton(name)
    batch = detector_batch(skeleton)
    makers = {"lifter": make_lifter, "detector": make_detector}
    estimator = makers[of](skeleton) if of in makers else Clay(near_truth(batch, 0.15))
    energy = make_energy_term(net, skeleton, weight=lambda step: float(step >= 30), pull=0.3)
    position = Term(POSITION, lambda step: float(step >= 30))
    players = make_players(estimator, energy=energy, position=position)
    begun = standing(players, batch)
    first = train_step(players, batch, 0)["energy/own"].item()
    for step in range(1, 30):
        logs = train_step(players, batch, step)
    # The loss-net has learnt to tell predictions from the truth, and nothing else has changed.
    gap, error = standing(players, batch)
    assert logs["energy/own"].item() < 0.5 * first
    assert gap > max(0.5 * error, 2 * begun[0])
    assert error == begun[1]
    for step in range(30, 60):
        logs = train_step(players, batch, step)
    assert logs["energy/pull"].item() == pytest.approx(0.3, rel=1e-3)
    assert standing(players, batch)[1] < 0.7 * begun[1]


@pytest.mark.parametrize(
    ("name", "net"), [("h36m_17", "graph"), *((name, "mlp") for name in SKELETONS)]
)
def test_the_energy_alone_draws_poses_nearer_to_the_truth(name, net):
    skeleton = vitruve.skeleton(name)
    batch = pose_batch(skeleton, b=8, t=1)
    energy = make_energy_term(net, skeleton, weight=lambda step: float(step >= 30))
    players = make_players(Clay(near_truth(batch, 0.15)), 2e-3, energy=energy)
    begun = standing(players, batch)[1]
    for step in range(80):
        train_step(players, batch, step)
    assert standing(players, batch)[1] < 0.92 * begun


def reference_step(players, batch, step):
    """Algorithm 1 of the paper, written out: gradients of the estimator and the new loss-net."""
    twin = copy.deepcopy(players)
    estimator, objective = twin.estimator, twin.terms["energy"].objective
    prediction = estimator.training_forward(batch)
    # Line 6: the loss-net learns from predictions of the estimator as it was.
    optimizer = twin.own_optimizers["energy"]
    optimizer.zero_grad()
    objective.own_loss(prediction.detach(), batch).backward()
    optimizer.step()
    own = gradients(objective)
    # Line 8: the estimator learns from the loss-net as it has become.
    alpha = twin.terms["energy"].weight_at(step)
    with frozen([objective]):
        total = POSITION.loss(prediction, batch) + alpha * objective.loss(prediction, batch)
        total.backward()
    return gradients(estimator), own, objective.state_dict()


@pytest.mark.parametrize("of", ["lifter", "video_pose_3d", "clay"])
@pytest.mark.parametrize("net", ["graph", "mlp"])
def test_the_order_of_algorithm_1_and_no_gradient_leaks(net, of):
    batch = pose_batch(b=3, t=5)
    estimators = {
        "lifter": make_lifter,
        "video_pose_3d": lambda: make_lifter(net="video_pose_3d"),
        "clay": lambda: Clay(near_truth(batch)),
    }
    pair = PairConfig(frames=1, kappa=0.01)
    energy = make_energy_term(net, weight=0.3, pair=pair, wrong_poses=WrongPosesConfig())
    players = make_players(estimators[of](), energy=energy, position=Term(POSITION))
    objective = energy.objective
    before = {k: v.clone() for k, v in objective.state_dict().items()}
    torch.manual_seed(1)
    wanted, own, after = reference_step(players, batch, 0)
    torch.manual_seed(1)
    train_step(players, batch, 0)
    found = gradients(players.estimator)
    assert set(found) == set(wanted) == {k for k, _ in players.estimator.named_parameters()}
    for name, gradient in found.items():
        torch.testing.assert_close(gradient, wanted[name], rtol=1e-4, atol=1e-6)
    # What lies on the loss-net is its own loss's gradient alone, on every parameter.
    left = gradients(objective)
    assert set(left) == set(own) == {k for k, _ in objective.named_parameters()}
    for name, gradient in left.items():
        assert torch.equal(gradient, own[name]), name
        assert gradient.isfinite().all(), name
    for name, value in objective.state_dict().items():
        assert torch.equal(value, after[name]), name
    assert changed(objective, before)
    assert all(p.requires_grad for p in objective.parameters())


def test_the_estimator_does_not_feel_the_loss_nets_learning():
    """Of weight 0, the energy leaves the same gradient on the estimator as no energy at all."""
    batch = pose_batch(b=3, t=1)
    clay = Clay(near_truth(batch))
    players = make_players(
        clay, energy=make_energy_term("mlp", weight=0.0), position=Term(POSITION)
    )
    plain = make_players(Clay(near_truth(batch)), position=Term(POSITION))
    for one in (players, plain):
        train_step(one, batch, 0)
    assert torch.equal(clay.joints.grad, plain.estimator.joints.grad)


@pytest.mark.parametrize("own_steps", [1, 3])
def test_the_loss_net_learns_as_often_as_asked(own_steps):
    batch = pose_batch(b=3, t=1)
    energy = make_energy_term("mlp", own_steps=own_steps)
    players = make_players(Clay(near_truth(batch)), energy=energy, position=Term(POSITION))
    twin = copy.deepcopy(energy.objective)
    optimizer = replace(energy, objective=twin).make_optimizer()
    for _ in range(own_steps):
        optimizer.zero_grad()
        last = twin.own_loss(near_truth(batch), batch)
        last.backward()
        optimizer.step()
    logs = train_step(players, batch, 0)
    torch.testing.assert_close(logs["energy/own"], last.detach())
    for name, value in energy.objective.state_dict().items():
        torch.testing.assert_close(value, twin.state_dict()[name])


def test_a_static_loss_net_trains_others_and_never_changes(tmp_path):
    batch = pose_batch(b=3, t=1)
    learning = make_energy_term("mlp")
    players = make_players(Clay(near_truth(batch)), energy=learning, position=Term(POSITION))
    for step in range(20):
        train_step(players, batch, step)
    path = tmp_path / "energy.safetensors"
    write_energy(learning.objective.kept, path)
    static = make_energy_term("mlp", weights=str(path))
    players = make_players(Clay(near_truth(batch)), energy=static)
    assert not players.own_optimizers
    saved = {k: v.clone() for k, v in static.objective.state_dict().items()}
    first = train_step(players, batch, 0)
    assert "energy/own" not in first
    for step in range(1, 30):
        last = train_step(players, batch, step)
    assert last["energy"] < first["energy"]
    assert not changed(static.objective, saved)
    assert not any(p.requires_grad for p in static.objective.parameters())
    assert not gradients(static.objective)


def test_unlabelled_batches_train_the_estimator_alone():
    batch = pose_batch(b=3, t=1)
    batch = replace(batch, valid=torch.zeros_like(batch.valid))
    energy = make_energy_term("mlp", regulariser=1.0)
    players = make_players(Clay(near_truth(batch)), energy=energy)
    logs = train_step(players, batch, 0)
    assert logs["energy/own"] == 0
    assert all((g == 0).all() for g in gradients(energy.objective).values())
    assert players.estimator.joints.grad.abs().sum() > 0


RUN = RECIPES["toy.synthetic.simple_baseline.position"]


def toy_run(out, net="mlp", **settings):
    config = EnergyConfig(net, energy_config(net, TOY), wrong_poses=WrongPosesConfig())
    energy = TermConfig("energy", config, start_step=3, learning_rate=1e-3, own_steps=2, pull=0.3)
    terms = RUN.terms | {"energy": energy}
    small = {"steps": 12, "batch_size": 4, "log_every": 1, "checkpoint_every": 5}
    return replace(RUN, terms=terms, train=replace(RUN.train, out=str(out), **(small | settings)))


def quiet():
    return Console(quiet=True)


@pytest.mark.parametrize("net", ["graph", "mlp"])
def test_after_a_run_the_loss_net_lies_beside_the_estimator(net, tmp_path):
    result = toy_run(tmp_path, net).start(console=quiet())
    assert result.finished
    saved = read_energy(tmp_path / "energy.safetensors")
    assert saved.config == energy_config(net, TOY)
    checkpoint = load_file(tmp_path / "last.safetensors")
    for name, tensor in saved.state_dict().items():
        assert torch.equal(tensor, checkpoint[f"objective.energy:net.{name}"]), name
    # The loss-net is in the checkpoint once.
    held = [key for key in checkpoint if key.startswith("objective.energy:")]
    assert len(held) == len(saved.state_dict())
    assert not (tmp_path / "position.safetensors").exists()
    rows = read_log(tmp_path / "log.jsonl")
    assert all(row["energy/own"] > 0 for row in rows)
    assert "energy/pull" not in rows[2]
    assert all(row["energy/pull"] == pytest.approx(0.3, rel=1e-3) for row in rows[3:])


def test_an_interrupted_run_keeps_the_loss_net_and_its_optimizer_to_the_bit(tmp_path):
    make = ToySource.batch_at

    def batch_at(self, step, rank=0, world_size=1):
        if step == 8:
            raise KeyboardInterrupt
        return make(self, step, rank, world_size)

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    toy_run(tmp_path / "straight").start(console=quiet())
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ToySource, "batch_at", batch_at)
        with pytest.raises(KeyboardInterrupt):
            toy_run(tmp_path / "broken").start(console=quiet())
    assert not (tmp_path / "broken/energy.safetensors").exists()
    assert toy_run(tmp_path / "broken").start(console=quiet()).step == 12
    torch.set_num_threads(threads)
    for name in ("last", "estimator", "energy"):
        one, other = (
            load_file(tmp_path / d / f"{name}.safetensors") for d in ("straight", "broken")
        )
        assert set(one) == set(other)
        assert all(torch.equal(tensor, other[key]) for key, tensor in one.items()), name
    last = load_file(tmp_path / "broken/last.safetensors")
    moments = [k for k in last if k.startswith("optimizer.objective.energy:") and "exp_avg" in k]
    assert moments
    assert any(last[key].abs().sum() > 0 for key in moments)

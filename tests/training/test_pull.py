"""The backward pass of all terms: the plain sum's gradient, and pulls that hold what they say."""

from contextlib import contextmanager
from dataclasses import replace

import pytest
import torch
from torch import nn

from energy_samples import energy_config, intrinsics, near_truth, pose_batch
from vitruve.estimators import Estimator, Lifter, LifterConfig
from vitruve.nets import SimpleBaselineConfig
from vitruve.nets.precision import exactly
from vitruve.objectives import Objective, Term, frozen
from vitruve.objectives.energy import EnergyConfig, EnergyObjective
from vitruve.objectives.position import PositionConfig, PositionObjective
from vitruve.objectives.smoothness import SmoothnessConfig, SmoothnessObjective
from vitruve.poses import Prediction
from vitruve.recipes.sources.toy import TOY, ToySource, ToySourceConfig
from vitruve.training import Players, TrainConfig, train_step
from vitruve.training.pull import pull

WEIGHTS = {"position": 1.0, "smoothness": 0.5, "energy": 0.01}


class Ground(Objective):
    """Reads the features alone."""

    def loss(self, prediction, batch):
        return prediction.features.square().mean()


class Constant(Objective):
    """Depends on nothing."""

    def loss(self, prediction, batch):
        return torch.tensor(2.0)


class Watcher(Objective):
    """Notes whether its losses are computed under autocast."""

    def __init__(self):
        super().__init__()
        self.scale, self.seen = nn.Parameter(torch.ones(())), []

    def loss(self, prediction, batch):
        self.seen.append(torch.is_autocast_enabled("cpu"))
        return self.scale * prediction.joints_cam.square().mean()


class Many(Estimator):
    """Says joints, a coarse answer and features, all of one net."""

    def __init__(self, window):
        super().__init__()
        self.skeleton = self.keypoint_skeleton = TOY
        self.embed = nn.Linear(2, 16)
        self.joints, self.coarse = nn.Linear(16, 3), nn.Linear(16, 3)
        self.receptive_field = window

    def forward(self, batch):
        x = (batch.keypoints_px / batch.image_size_px[:, None, None, :1]).float()
        features = self.embed(x).tanh()
        joints, coarse = (exactly(n, features).unsqueeze(1) for n in (self.joints, self.coarse))
        return Prediction(TOY, joints, coarse_cam=coarse, features=features.unsqueeze(1))


class Rounding:
    """As much of Fabric as a step needs, in bfloat16 and one process."""

    world_size = 1

    def autocast(self):
        return torch.autocast("cpu", torch.bfloat16)


def toy_batch(size=8, window=5):
    batch = ToySource(ToySourceConfig(window), TrainConfig(batch_size=size), None).batch_at(0)
    return replace(batch, intrinsics=intrinsics(size))


def toy_lifter():
    net = SimpleBaselineConfig(5, 5, width=32, num_blocks=1, dropout=0.0)
    return Lifter(LifterConfig(TOY, TOY, "simple_baseline", net))


def energy(net="mlp", skeleton=TOY, **settings):
    return EnergyObjective(EnergyConfig(net, energy_config(net, skeleton), **settings))


def three_terms(**of_energy):
    return {
        "position": Term(PositionObjective(PositionConfig())),
        "smoothness": Term(SmoothnessObjective(SmoothnessConfig())),
        "energy": Term(energy(), **of_energy),
    }


def gradients(module):
    return {k: p.grad.clone() for k, p in module.named_parameters() if p.grad is not None}


def assert_close(found, wanted):
    """As vectors: what is subtracted again by a norm has no gradient but rounding errors."""
    for name, gradient in found.items():
        assert gradient.shape == wanted[name].shape, name
    one, other = (torch.cat([g[k].flatten() for k in wanted]) for g in (found, wanted))
    assert (one - other).norm() < 1e-5 * other.norm()


def plain_sum(estimator, batch, terms, weights):
    """Gradients and losses as autograd alone gives them."""
    estimator.zero_grad(set_to_none=True)
    with frozen(t.objective for t in terms.values()):
        prediction = estimator.training_forward(batch)
        losses = {n: weights[n] * t.objective.loss(prediction, batch) for n, t in terms.items()}
        torch.stack(list(losses.values())).sum().backward()
    found = gradients(estimator)
    estimator.zero_grad(set_to_none=True)
    return found, losses


def pulled(estimator, batch, terms, weights, **settings):
    with frozen(t.objective for t in terms.values()):
        logs = pull(estimator.training_forward(batch), batch, terms, weights, **settings)
    return gradients(estimator), logs


def at_the_joints(prediction, batch, objective):
    """Gradient of one objective at the predicted joints."""
    joints = prediction.joints_cam.detach().requires_grad_()
    with frozen([objective]):
        loss = objective.loss(replace(prediction, joints_cam=joints), batch)
    return torch.autograd.grad(loss, joints)[0]


def test_the_gradient_is_that_of_the_plain_sum():
    estimator, batch, terms = toy_lifter(), toy_batch(), three_terms()
    wanted, losses = plain_sum(estimator, batch, terms, WEIGHTS)
    found, logs = pulled(estimator, batch, terms, WEIGHTS)
    assert set(found) == set(wanted) == set(dict(estimator.named_parameters()))
    assert_close(found, wanted)
    for name, loss in losses.items():
        assert torch.equal(logs[name], loss), name
    torch.testing.assert_close(logs["total"], sum(losses.values()))
    assert all(p.grad is None for t in terms.values() for p in t.objective.parameters())


def test_terms_may_meet_at_several_fields():
    estimator, batch = Many(5), toy_batch()
    terms = {
        "position": Term(PositionObjective(PositionConfig())),
        "coarse": Term(PositionObjective(PositionConfig(of="coarse"))),
        "ground": Term(Ground()),
        "energy": Term(energy()),
    }
    weights = {"position": 1.0, "coarse": 0.3, "ground": 2.0, "energy": 0.1}
    wanted, _ = plain_sum(estimator, batch, terms, weights)
    found, logs = pulled(estimator, batch, terms, weights)
    assert set(found) == set(wanted) == set(dict(estimator.named_parameters()))
    assert_close(found, wanted)
    # The pull is measured at the joints, which these two do not look at.
    assert logs["coarse/pull"] == logs["ground/pull"] == 0
    assert logs["position/pull"] > 0


def test_the_log_says_how_hard_each_term_pulls():
    estimator, batch, terms = toy_lifter(), toy_batch(), three_terms()
    _, logs = pulled(estimator, batch, terms, WEIGHTS)
    prediction = estimator.training_forward(batch)
    own = {n: w * at_the_joints(prediction, batch, terms[n].objective) for n, w in WEIGHTS.items()}
    for name in terms:
        others = sum(g for other, g in own.items() if other != name)
        assert logs[f"{name}/pull"].item() == pytest.approx(
            (own[name].norm() / others.norm()).item(), rel=1e-4
        )


@pytest.mark.parametrize("weight", [1e-6, 1.0, 50.0])
@pytest.mark.parametrize("net", ["graph", "mlp"])
def test_a_pull_is_held_whatever_the_weight_and_the_net(net, weight):
    estimator, batch = toy_lifter(), toy_batch()
    terms = three_terms() | {"energy": Term(energy(net), pull=0.3)}
    found, logs = pulled(estimator, batch, terms, WEIGHTS | {"energy": weight})
    assert logs["energy/pull"].item() == pytest.approx(0.3, rel=1e-4)
    prediction = estimator.training_forward(batch)
    reference = sum(
        WEIGHTS[n] * at_the_joints(prediction, batch, terms[n].objective)
        for n in ("position", "smoothness")
    )
    own = at_the_joints(prediction, batch, terms["energy"].objective)
    own = 0.3 * reference.norm() / own.norm() * own
    estimator.zero_grad(set_to_none=True)
    prediction.joints_cam.backward(reference + own)
    assert_close(found, gradients(estimator))


def test_a_pull_on_nothing_is_nothing():
    batch = toy_batch()
    prediction = near_truth(batch)
    exact = Prediction(TOY, prediction.joints_cam.detach().requires_grad_())
    terms = {"energy": Term(energy(), pull=0.3)}
    with frozen(t.objective for t in terms.values()):
        logs = pull(exact, batch, terms, {"energy": 1.0})
    assert logs["energy"] == 0
    assert (exact.joints_cam.grad == 0).all()
    # One whose own gradient is zero cannot be scaled to any share.
    flat = energy()
    nn.init.zeros_(flat.net.head.weight)
    terms = {"position": Term(PositionObjective(PositionConfig())), "energy": Term(flat, pull=0.3)}
    estimator = toy_lifter()
    found, logs = pulled(estimator, batch, terms, {"position": 1.0, "energy": 1.0})
    assert logs["energy/pull"] == 0
    assert all(gradient.isfinite().all() for gradient in found.values())


def test_pulls_that_cannot_be_held_are_refused():
    batch = toy_batch()
    weights = {"position": 1.0, "ground": 1.0}
    terms = {
        "position": Term(PositionObjective(PositionConfig())),
        "ground": Term(Ground(), pull=0.3),
    }
    with pytest.raises(ValueError, match=r"'ground' has pull=0.3, but its loss does not look at"):
        pulled(Many(5), batch, terms, weights)
    estimator = toy_lifter()
    optimizer = torch.optim.SGD(estimator.parameters(), lr=0.1)
    with pytest.raises(ValueError, match=r"every term has a pull \(energy\).* leave it out"):
        Players(estimator, optimizer, {"energy": Term(energy(), pull=0.3)})


def test_a_term_without_a_gradient_is_added_all_the_same():
    estimator, batch = toy_lifter(), toy_batch()
    both = {"position": Term(PositionObjective(PositionConfig())), "constant": Term(Constant())}
    found, logs = pulled(estimator, batch, both, {"position": 1.0, "constant": 3.0})
    estimator.zero_grad(set_to_none=True)
    alone = {"position": both["position"]}
    wanted, single = pulled(estimator, batch, alone, {"position": 1.0})
    assert all(torch.equal(gradient, wanted[name]) for name, gradient in found.items())
    assert logs["total"].item() == pytest.approx(single["position"].item() + 6.0)
    assert set(single) == {"position", "total"}
    with pytest.raises(ValueError, match=r"none of the terms \['constant'\] depends on"):
        pulled(estimator, batch, {"constant": Term(Constant())}, {"constant": 1.0})


def test_autocast_rounds_no_gradient_of_an_exact_layer():
    estimator, batch = Many(5), toy_batch()
    terms = {"position": Term(PositionObjective(PositionConfig()))}
    optimizer = torch.optim.SGD(estimator.parameters(), lr=1.0)
    with Rounding().autocast():
        prediction = estimator.training_forward(batch)
        loss = terms["position"].objective.loss(prediction, batch)
    loss.backward()
    wanted = gradients(estimator)
    estimator.zero_grad(set_to_none=True)
    train_step(Players(estimator, optimizer, terms), batch, 0, fabric=Rounding())
    for name in ("joints.weight", "joints.bias"):
        torch.testing.assert_close(gradients(estimator)[name], wanted[name], rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize("net", ["graph", "mlp"])
@pytest.mark.parametrize("structure", [False, True])
def test_both_players_learn_in_bfloat16(net, structure):
    batch, estimator = toy_batch(), toy_lifter()
    config = EnergyConfig(net, energy_config(net, TOY, structure=structure))
    terms = three_terms() | {"energy": Term(EnergyObjective(config), pull=0.5)}
    players = Players(estimator, torch.optim.Adam(estimator.parameters(), lr=1e-3), terms)
    rough = train_step(players, batch, 0, fabric=Rounding())
    assert rough["energy/pull"].item() == pytest.approx(0.5, rel=1e-3)
    for module in (estimator, terms["energy"].objective):
        for name, parameter in module.named_parameters():
            assert parameter.dtype == torch.float32, name
            assert parameter.grad.isfinite().all(), name
            assert parameter.grad.abs().sum() > 0, name


@pytest.mark.parametrize("rounds", [True, False])
def test_losses_of_both_players_are_computed_under_autocast_where_they_round(rounds):
    estimator, watcher = toy_lifter(), Watcher()
    watcher.rounds = rounds
    optimizer = torch.optim.SGD(estimator.parameters(), lr=0.1)
    players = Players(estimator, optimizer, {"watcher": Term(watcher)})
    train_step(players, toy_batch(), 0, fabric=Rounding())
    train_step(players, toy_batch(), 1)
    assert watcher.seen == [rounds, rounds, False, False]


@contextmanager
def counted(calls):
    calls.append(torch.is_grad_enabled())
    yield


def test_the_precision_is_entered_for_losses_with_nets_alone():
    estimator, batch, calls = toy_lifter(), toy_batch(), []
    pulled(estimator, batch, three_terms(), WEIGHTS, precision=lambda: counted(calls))
    assert calls == [True]


def test_a_prediction_without_a_net_behind_it_gets_the_gradient_too():
    batch = pose_batch(b=2)
    prediction = near_truth(batch)
    said = Prediction(prediction.skeleton, prediction.joints_cam.requires_grad_())
    terms = {
        "position": Term(PositionObjective(PositionConfig())),
        "energy": Term(energy("graph", batch.skeleton), pull=2.0),
    }
    with frozen(t.objective for t in terms.values()):
        logs = pull(said, batch, terms, {"position": 1.0, "energy": 1.0})
    assert logs["energy/pull"].item() == pytest.approx(2.0, rel=1e-4)
    assert said.joints_cam.grad.isfinite().all()

"""Runs and their terms: weights over time, and configs of configs to JSON and back."""

import json
from dataclasses import asdict, replace

import pytest

from energy_samples import energy_config
from vitruve.data.lifting.wrong_poses import WrongPosesConfig
from vitruve.io.dataclass_json import config_from_dict
from vitruve.nets import ENERGIES
from vitruve.objectives.energy import EnergyConfig
from vitruve.objectives.energy_windows import PairConfig
from vitruve.objectives.position import PositionConfig
from vitruve.recipes import RECIPES, Run
from vitruve.recipes.run import TermConfig
from vitruve.recipes.sources.toy import TOY

RUN = RECIPES["toy.synthetic.simple_baseline.position"]


def weights(**settings):
    term = TermConfig("position", PositionConfig(), weight=2.0, **settings).make()
    return [term.weight_at(step) for step in range(8)]


def test_weights_start_and_rise_when_asked():
    assert weights() == [2.0] * 8
    assert weights(start_step=3) == [0.0] * 3 + [2.0] * 5
    assert weights(ramp_steps=4) == [0.5, 1.0, 1.5] + [2.0] * 5
    assert weights(start_step=2, ramp_steps=2) == [0.0, 0.0, 1.0] + [2.0] * 5
    assert weights(ramp_steps=1) == [2.0] * 8
    assert weights(until_step=3) == [2.0] * 3 + [0.0] * 5
    assert weights(start_step=2, until_step=4) == [0.0] * 2 + [2.0] * 2 + [0.0] * 4


def test_a_term_gets_all_its_settings():
    term = TermConfig("position", PositionConfig(), 2.0, 1, 1, 3e-4, 5, 0.2).make()
    assert (term.learning_rate, term.own_steps, term.pull) == (3e-4, 5, 0.2)


@pytest.mark.parametrize("rich", [False, True])
@pytest.mark.parametrize("net", ENERGIES)
def test_a_run_with_an_energy_round_trips_through_json(net, rich):
    config = EnergyConfig(net, energy_config(net, TOY, structure=rich))
    if rich:
        config = replace(config, wrong_poses=WrongPosesConfig(), pair=PairConfig(kappa=0.0))
    run = replace(RUN, terms=RUN.terms | {"energy": TermConfig("energy", config, pull=0.3)})
    again = config_from_dict(Run, json.loads(json.dumps(asdict(run))))
    assert again == run
    objective = again.build()[1]["energy"].objective
    assert type(objective.kept) is ENERGIES[net][0]
    assert objective.config == config

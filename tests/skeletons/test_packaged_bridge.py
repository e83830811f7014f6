"""The bridge that comes with the package: known by its card, honest about what it converts."""

import json
from pathlib import Path

import pytest
import torch

import vitruve
from vitruve.data.corpora.posed_bodies import BRIDGED
from vitruve.nets.bridge_file import DEFAULT, read_bridge
from vitruve.nets.weight_cards import read_cards
from vitruve.poses import PoseSequence

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def bridge():
    return read_bridge("default")


def test_the_card_fits_the_file_and_its_numbers_are_there():
    card = read_cards(DEFAULT.with_suffix(".toml"))["bridge"]
    assert card.path == DEFAULT
    card.check(DEFAULT)
    for name in card.results:
        rows = json.loads((ROOT / f"benchmarks/results/{name}.json").read_text("utf-8"))
        assert any(r["run"].startswith(card.run) and r["seed"] == card.seed for r in rows)


def test_it_knows_many_formats(bridge):
    assert tuple(one.name for one in bridge.formats) == BRIDGED
    assert bridge.num_latents == 48
    for one in bridge.formats:
        assert one.names == vitruve.skeleton(one.name).names


def test_every_conversion_is_affine_fair_to_both_sides_and_measured(bridge):
    for source in bridge.formats[::4]:
        for target in bridge.formats[1::4]:
            there = bridge.conversion(source, target)
            present = torch.tensor([quality != "absent" for quality in there.quality])
            sums = there.weights.sum(-1)[present]
            torch.testing.assert_close(sums, torch.ones_like(sums), atol=1e-4, rtol=0)
            rows, columns = list(target.mirror_index), list(source.mirror_index)
            both = present & present[rows]
            mirrored = there.weights[rows][:, columns]
            torch.testing.assert_close(mirrored[both], there.weights[both], atol=1e-3, rtol=0)
            assert there.residual_m.isfinite().all()
            assert there.residual_m.max() <= 0.05 + 1e-6 or "exact" in there.quality


def test_a_standing_person_stays_one(bridge):
    t_pose = torch.zeros(1, 17, 3)
    places = {
        "pelvis": (0, 0.92), "right_hip": (-0.13, 0.92), "right_knee": (-0.13, 0.48),
        "right_ankle": (-0.13, 0.06), "spine": (0, 1.15), "thorax": (0, 1.41),
        "neck_base_or_nose": (0, 1.53), "head_top": (0, 1.70), "right_shoulder": (-0.16, 1.38),
        "right_elbow": (-0.44, 1.38), "right_wrist": (-0.69, 1.38),
    }  # fmt: skip
    h36m = vitruve.skeleton("h36m_17")
    for name, (x, z) in places.items():
        for sign, side in ((1.0, "right"), (-1.0, "left")):
            place = torch.tensor([sign * x, -0.02 if name == "neck_base_or_nose" else 0.0, z])
            t_pose[0, h36m.index(name.replace("right", side))] = place
    seen = torch.ones(1, 17, dtype=torch.bool)
    given = PoseSequence(h36m, t_pose, seen, torch.arange(1), 30.0)
    by_rules = vitruve.convert(given, "smpl_24")
    learned = vitruve.convert(given, "smpl_24", bridge="default")
    both = by_rules.valid & learned.valid
    assert both.sum() >= 18
    apart = (by_rules.joints_world - learned.joints_world).norm(dim=-1)[both]
    assert apart.max() < 0.12
    assert learned.spread[learned.valid].max() <= 0.051

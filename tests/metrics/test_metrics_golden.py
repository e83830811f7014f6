"""Errors that published evaluation code gave on the same joints; sources in the JSON."""

import json
from pathlib import Path

import pytest
import torch

from vitruve.metrics import acceleration_mm, mpjpe_mm, p_mpjpe_mm

GOLDEN = json.loads((Path(__file__).parent / "golden_metrics.json").read_text())
PREDICTED, TARGET = torch.tensor(GOLDEN["predicted"]), torch.tensor(GOLDEN["target"])


@pytest.mark.parametrize(("metric", "name"), [(mpjpe_mm, "mpjpe"), (p_mpjpe_mm, "p_mpjpe")])
def test_position_errors(metric, name):
    found = [float(metric(p, t)) for p, t in zip(PREDICTED, TARGET, strict=True)]
    assert found == pytest.approx([1000 * value for value in GOLDEN[name]], rel=1e-6)


def test_acceleration():
    found = float(acceleration_mm(PREDICTED[1:], TARGET[1:]))
    assert found == pytest.approx(1000 * GOLDEN["acceleration_of_1_to_3"], rel=1e-6)

"""The template of a standing person has the proportions of our body in its rest pose."""

import pytest

from vitruve import skeleton
from vitruve.bodies import joints_of, make_body
from vitruve.objectives.proportions import ProportionsConfig
from vitruve.recipes.upright import UPRIGHT

MARGIN = 1.175
"""Side of a crop over a person's height: the middle of what Studio adds."""
TRUNK = ("pelvis", "spine", "mid_shoulder", "thorax", "neck_base_or_nose", "head_top")


@pytest.fixture(scope="module")
def heights():
    """Of each joint, downwards, in crop coordinates."""
    body = make_body("anny")
    rest = body.rest()
    joints, _ = joints_of(body, rest, skeleton("h36m_18"))
    up = rest.vertices[..., 2]
    side = MARGIN * (up.max() - up.min())
    found = (-2 * joints[..., 2] / side).flatten().tolist()
    return dict(zip(skeleton("h36m_18").names, found, strict=True))


def test_heights_are_those_of_the_body(heights):
    anchors, _ = UPRIGHT
    told = {name: y for name, _, y in anchors.joints}
    for name in (
        *TRUNK,
        *(f"{s}_{p}" for s in ("left", "right") for p in ("hip", "knee", "ankle")),
    ):
        body = heights[name] - heights["pelvis"]
        assert told[name] - told["pelvis"] == pytest.approx(body, abs=0.015), name


def test_bones_and_shares_of_the_trunk_are_those_of_the_body(heights):
    _, bones = UPRIGHT
    for start, end, length in bones.bones:
        if start in TRUNK and end in TRUNK:
            assert length == pytest.approx(heights[start] - heights[end], abs=0.01)
    for joint, start, end, share in ProportionsConfig().joints:
        way = (heights[joint] - heights[start]) / (heights[end] - heights[start])
        assert share == pytest.approx(way, abs=0.02), joint

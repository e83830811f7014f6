"""Formats that are asked for: own ones as they are, others by the bridge, else by rules."""

import pytest
import torch

from vitruve.pipeline.formats import conversions, packaged_bridge
from vitruve.skeletons import conversion, formats_in, merge, merge_alike, skeleton

H36M, COCO, SMPL = map(skeleton, ("h36m_17", "coco_17", "smpl_24"))


def test_the_models_own_is_not_touched():
    (way,) = conversions(H36M, None)
    assert torch.equal(way.weights, torch.eye(17, dtype=torch.float64))
    both = merge((H36M, COCO))
    (way,) = conversions(both, None)
    assert way.target == H36M
    joints = torch.randn(2, 34, 3)
    said, valid = way.apply(joints, torch.ones(2, 34, dtype=torch.bool))
    assert torch.equal(said, joints[:, :17])
    assert valid.all()


def test_a_list_is_answered_in_its_order_and_own_formats_are_taken_as_they_are():
    both = merge((H36M, COCO))
    ways = conversions(both, "smpl_24, coco_17")
    assert [way.target.name for way in ways] == ["smpl_24", "coco_17"]
    joints = torch.randn(3, 34, 3)
    seen = torch.ones(3, 34, dtype=torch.bool)
    assert torch.equal(ways[1].apply(joints, seen)[0], joints[:, 17:])
    smpl, valid = ways[0].apply(joints, seen)
    moved = ways[0].apply(joints + 1.0, seen)[0]
    torch.testing.assert_close(moved[valid], smpl[valid] + 1.0)
    assert valid.float().mean() > 0.8


def test_the_bridge_says_how_far_off_it_is_where_rules_do_not():
    (way,) = conversions(H36M, "coco_17")
    ruled = conversion(H36M, COCO)
    learned = packaged_bridge().conversion(H36M, COCO)
    assert torch.equal(way.weights, learned.weights)
    assert ruled.residual_m is None
    assert way.residual_m[[q == "approximate" for q in way.quality]].min() > 0


def test_a_format_that_the_bridge_does_not_know_comes_by_rules():
    (way,) = conversions(H36M, "vnect_14")
    assert way.residual_m is None
    assert way.weights.equal(conversion(H36M, skeleton("vnect_14")).weights)


def test_all_are_those_of_the_model_and_of_the_bridge():
    names = [way.target.name for way in conversions(H36M, "all")]
    assert names[0] == "h36m_17"
    assert {one.name for one in packaged_bridge().formats} <= set(names)
    assert len(names) == len(set(names))


def test_what_cannot_be_said_is_refused():
    with pytest.raises(ValueError, match="the model knows no joint of 'ap10k_17'"):
        conversions(H36M, "ap10k_17")
    with pytest.raises(ValueError, match="name one or more formats, each once"):
        conversions(H36M, "coco_17,coco_17")
    with pytest.raises(KeyError, match="no skeleton 'coco_71'"):
        conversions(H36M, "coco_71")


def test_formats_of_a_merged_skeleton_are_found_again():
    assert formats_in(H36M) == (H36M,)
    assert formats_in(merge((H36M, COCO), "both")) == (H36M, COCO)
    alike = merge_alike((H36M, COCO))
    assert formats_in(alike) == (alike,)

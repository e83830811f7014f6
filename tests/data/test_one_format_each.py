"""Datasets of one format each, and merged joint sets."""

import pytest
import torch

from bridge_samples import ENDS, MIDDLES
from vitruve.data.corpora.one_format_each import (
    Moments,
    OneFormatEach,
    OneFormatEachConfig,
    stretch_bones,
)
from vitruve.data.corpora.parallel import ParallelCorpus
from vitruve.skeletons import merge, merge_alike, places_in, skeleton

COCO, H36M = skeleton("coco_17"), skeleton("h36m_17")


def people(n=80, frame="world"):
    """Random joints of coco_17 and h36m_17 around people that stand on a floor."""
    draw = torch.Generator().manual_seed(0)
    joints = 0.3 * torch.randn(n, 34, 3, generator=draw) + torch.tensor([0.0, 0.0, 1.0])
    valid = torch.ones(n, 34, dtype=torch.bool)
    return ParallelCorpus((COCO, H36M), joints, valid, torch.arange(n) // 10, frame)


def make(config=None, batch_size=8):
    return OneFormatEach(people(), config or OneFormatEachConfig(), batch_size, seed=3)


def test_every_example_is_labelled_in_its_own_format():
    batch = make().batch_at(0)
    in_coco, in_h36m = batch.valid[:, 0, :17].all(-1), batch.valid[:, 0, 17:].all(-1)
    assert torch.equal(in_coco, ~in_h36m)
    assert in_coco.sum() == in_h36m.sum() == 4
    assert torch.equal(batch.valid.sum(-1), torch.full((8, 1), 17))
    assert batch.keypoint_skeleton == COCO


def test_datasets_share_no_people():
    source, shape = make(OneFormatEachConfig(bias=0.0, noise_m=0.0)), lambda x: torch.cdist(x, x)
    moments = shape(people().joints)
    seen = [set(), set()]
    for step in range(10):
        batch = source.batch_at(step)
        for example in range(8):
            apart = (moments - shape(batch.joints_cam[example])).abs().amax((1, 2))
            dataset = int(batch.valid[example, 0, 17])
            seen[dataset].add(int(apart.argmin()) // 10)
    assert not seen[0] & seen[1]
    assert len(seen[0]) == len(seen[1]) == 4


def test_labels_err_as_they_are_told_to():
    exact = make(OneFormatEachConfig(bias=0.0, noise_m=0.0)).batch_at(5)
    noisy = make(OneFormatEachConfig(bias=0.0, noise_m=0.02)).batch_at(5)
    shift = (noisy.joints_cam - exact.joints_cam)[exact.valid]
    assert shift.std().item() == pytest.approx(0.02, rel=0.15)
    biased = [make(OneFormatEachConfig(bias=0.1, noise_m=0.0)).batch_at(s) for s in (5, 5)]
    assert torch.equal(biased[0].joints_cam, biased[1].joints_cam)
    assert not torch.equal(biased[0].joints_cam, exact.joints_cam)


def test_steps_differ_and_repeat():
    source = make()
    assert torch.equal(source.batch_at(1).joints_cam, make().batch_at(1).joints_cam)
    assert not torch.equal(source.batch_at(1).joints_cam, source.batch_at(2).joints_cam)


def test_bones_are_stretched_along_themselves():
    joints = torch.tensor([[0.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 1.0, 2.0]])
    moved = stretch_bones(joints, torch.tensor([0.5, 0.1, 0.25]), (-1, 0, 1))
    assert moved.tolist() == [[0.0, 0.0, 0.0], [0.0, pytest.approx(1.1), 0.0], [0.0, 1.0, 2.5]]


def test_what_cannot_be_dealt_out_is_refused():
    with pytest.raises(ValueError, match="a multiple of that; there are 8 groups and 7 examples"):
        make(batch_size=7)
    with pytest.raises(ValueError, match="world frame"):
        Moments(people(frame="camera"), "coco_17")
    with pytest.raises(KeyError, match="no format 'lsp_14' here"):
        Moments(people(), "lsp_14")


def test_joints_of_one_name_are_one():
    whole, alike = merge((COCO, H36M)), merge_alike((COCO, H36M))
    assert alike.num_joints == len({*COCO.names, *H36M.names})
    places = places_in(whole, alike)
    knees = [places[whole.index(f"{f}/left_knee")] for f in ("coco_17", "h36m_17")]
    assert knees[0] == knees[1] == alike.index("alike/left_knee")
    assert alike.names[alike.mirror_index[knees[0]]] == "alike/right_knee"
    assert places_in(whole, whole) == tuple(range(34))
    with pytest.raises(ValueError, match="says nothing of 'middles/left_thigh'"):
        places_in(merge((ENDS, MIDDLES)), alike)

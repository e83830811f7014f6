import pytest
import torch

from vitruve.nets.graph_mixer import (
    FixedGraph,
    GraphMixer,
    SimilarityGraph,
    TemporalConvolution,
    chain_edges,
    skeleton_edges,
)
from vitruve.skeletons import skeleton


def test_published_graph_lacks_three_entries():
    full = skeleton_edges(17, skeleton("h36m_17").parents)
    assert torch.equal(full, full.T)
    assert full.sum() == 32
    missing = (full - skeleton_edges(17, None)).nonzero().tolist()
    assert missing == [[0, 4], [8, 11], [8, 14]]


def test_parents_that_are_no_tree_of_the_joints_are_refused():
    with pytest.raises(ValueError, match="the published graph has 17 parents for 6 joints; set"):
        skeleton_edges(6, None)
    with pytest.raises(ValueError, match="got 2 parents for 3 joints"):
        skeleton_edges(3, (-1, 0))
    with pytest.raises(ValueError, match="joint 1 has parent 3; allowed: -1 to 2"):
        skeleton_edges(3, (-1, 3, 0))


def test_chain_hears_itself_and_the_frames_ahead():
    assert chain_edges(4, 1).tolist() == [[1, 1, 0, 0], [0, 1, 1, 0], [0, 0, 1, 1], [0, 0, 0, 1]]


def test_ties_admit_more_neighbours():
    x = torch.tensor([[3.0, 0.0], [2.0, 0.0], [2.0, 0.0], [0.0, 1.0]])[None]
    edges = SimilarityGraph(2)(x)
    assert edges[0, 0].tolist() == [1, 1, 1, 0]
    assert edges[0, 3].tolist() == [1, 1, 1, 1]


def test_autocast_does_not_tie_frames_that_differ():
    angles = torch.linspace(1, 1.2, 20).square()
    x = torch.stack([angles.cos(), angles.sin()], dim=-1)[None]
    edges = SimilarityGraph(2)(x)
    assert edges.sum() == 40
    with torch.autocast("cpu", torch.bfloat16):
        assert torch.equal(SimilarityGraph(2)(x), edges)


def test_a_joint_without_neighbours_keeps_to_itself():
    torch.manual_seed(0)
    mixer = GraphMixer(4, 3, FixedGraph(skeleton_edges(3, (-1, 0, -1)))).eval()
    x = torch.randn(2, 3, 4)
    changed = x.clone()
    changed[:, :2] += 1
    assert mixer(x).isfinite().all()
    assert torch.equal(mixer(x)[:, 2], mixer(changed)[:, 2])


def test_edges_are_not_saved_with_the_weights():
    assert not any(
        "edges" in key for key in GraphMixer(4, 3, FixedGraph(torch.eye(3))).state_dict()
    )


def test_temporal_convolutions_need_four_branches():
    with pytest.raises(ValueError, match="18 channels do not divide among 4 branches"):
        TemporalConvolution(18)

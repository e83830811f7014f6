"""What every loss-net of ENERGIES promises, and their files."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import load_file, save_file
from torch import nn

import vitruve
from energy_samples import H36M, SMALL, make_energy, pose_batch, relative_joints
from vitruve.estimators import Lifter, LifterConfig, save_estimator
from vitruve.io.tensor_file import read_tensors
from vitruve.nets import (
    ENERGIES,
    GraphEnergy,
    GraphEnergyConfig,
    MlpEnergy,
    MlpEnergyConfig,
    SimpleBaselineConfig,
    read_energy,
    write_energy,
)
from vitruve.nets.pose_evidence import evidence_of
from vitruve.skeletons.skeleton import Skeleton

VARIANTS = {
    "graph": ("graph", {}),
    "graph_structure": ("graph", {"structure": True}),
    "graph_table": ("graph", {"path": "table", "per_head": True, "degree": True}),
    "graph_plain": ("graph", {"path": "none", "apart": False}),
    "mlp": ("mlp", {}),
    "mlp_structure": ("mlp", {"structure": True}),
}
SKELETONS = (
    "h36m_17",
    "smpl_24",
    "coco_17",
    "vitruve_15",
    "h3wb_133",
    "openpose_135",  # three trees
    "bml_movi_87",  # a tree and 65 joints without a bone
    "wflw_face_98",  # no bone at all
)


def poses(skeleton=H36M, n=4, seed=0):
    """Joints (n, j, 3) that miss the truth a little, and their evidence; some joints are unseen."""
    batch = pose_batch(skeleton, n, 1, seed=seed)
    drawn = torch.Generator().manual_seed(seed)
    seen = torch.rand(batch.keypoints_valid.shape, generator=drawn) < 0.8
    joints = relative_joints(batch) + 0.1 * torch.randn(batch.joints_cam.shape, generator=drawn)
    evidence = evidence_of(replace(batch, keypoints_valid=seen), skeleton)
    return joints.squeeze(1), evidence.flat()


def make_variant(variant, skeleton=H36M):
    name, given = VARIANTS[variant]
    return make_energy(name, skeleton, **given)


def num_parameters(net):
    return sum(p.numel() for p in net.parameters())


def test_the_published_sizes():
    with torch.device("meta"):
        graph = num_parameters(GraphEnergy(GraphEnergyConfig(H36M)))
        mlp = num_parameters(MlpEnergy(MlpEnergyConfig(H36M)))
    c, w = 256, 2048
    attention, perceptron, norms = 4 * (c * c + c), 2 * (c * c + c), 2 * 2 * c
    embed, head = (2 + 3 + 32) * c + c, c * c + c + c + 1
    inputs = 17 * 32 + embed + c
    biases = 1 + 1 + 3
    assert graph == inputs + biases + 6 * (attention + perceptron + norms) + 2 * c + head
    assert round(graph / 1e6, 2) == 2.45
    assert mlp == (5 * 17 * w + w) + 4 * (w * w + w) + w + 1
    assert round(mlp / 1e6, 2) == 16.96


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("name", SKELETONS)
def test_a_finite_gradient_reaches_every_parameter_and_every_joint(variant, name):
    skeleton = vitruve.skeleton(name)
    net = make_variant(variant, skeleton)
    joints, evidence = poses(skeleton)
    energy = net(joints.requires_grad_(), evidence)
    assert energy.shape == (4,)
    assert energy.isfinite().all()
    assert energy.unique().numel() == 4
    energy.square().sum().backward()
    for key, parameter in net.named_parameters():
        assert parameter.grad is not None, key
        assert parameter.grad.isfinite().all(), key
        # Without a bone all degrees are 0.
        if not (name == "wflw_face_98" and key == "bias.by_degree"):
            assert parameter.grad.abs().sum() > 0, key
    assert joints.grad.isfinite().all()
    assert (joints.grad.abs().sum(-1) > 0).all()


@pytest.mark.parametrize("variant", VARIANTS)
def test_one_pose_does_not_see_another(variant):
    net = make_variant(variant)
    joints, evidence = poses()
    one = net(joints[1:2], evidence.map(lambda x: x[1:2]))
    torch.testing.assert_close(net(joints, evidence)[1:2], one, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("variant", VARIANTS)
def test_the_energy_knows_the_pose_and_where_it_is_seen(variant):
    net = make_variant(variant)
    joints, evidence = poses()
    others = poses(seed=5)
    assert (net(joints, others[1]) != net(joints, evidence)).all()
    assert (net(others[0], evidence) != net(joints, evidence)).all()


def brute_force_paths(skeleton):
    """Lengths of all shortest paths along bones and drawn lines, by Floyd and Warshall."""
    n = skeleton.num_joints
    length = np.full((n, n), np.inf)
    np.fill_diagonal(length, 0)
    bones = [(p, j) for j, p in enumerate(skeleton.parents) if p >= 0]
    for a, b in [*bones, *skeleton.edges]:
        length[a, b] = length[b, a] = 1
    for via in range(n):
        length = np.minimum(length, length[:, via, None] + length[via])
    return length


@pytest.mark.parametrize("name", SKELETONS)
@pytest.mark.parametrize("path", ["slope", "table", "none"])
def test_the_bias_is_that_of_a_brute_force_search(name, path):
    skeleton = vitruve.skeleton(name)
    net = make_energy("graph", skeleton, path=path, degree=True, per_head=True)
    for parameter in net.bias.parameters():
        nn.init.normal_(parameter)
    length = brute_force_paths(skeleton)
    joined = length == 1
    degrees = joined.sum(1) / max(1, joined.sum(1).max())
    farthest = length[np.isfinite(length)].max()
    length = torch.from_numpy(np.where(np.isfinite(length), length, farthest + 1)).long()
    given = {name: p.detach() for name, p in net.bias.named_parameters()}
    bias = net.bias()
    assert bias.shape == (1, 2, skeleton.num_joints + 1, skeleton.num_joints + 1)
    for head in range(2):
        wanted = given["by_apart"][head] * torch.from_numpy(~joined)
        pairs = torch.from_numpy(degrees[:, None] + degrees).float()
        wanted = wanted + given["by_degree"][head] * pairs
        if path == "slope":
            wanted = wanted - given["by_path"][head] * length
        elif path == "table":
            wanted = wanted + given["by_path"][head][length]
        torch.testing.assert_close(bias[0, head, 1:, 1:], wanted)
        for_joints, for_it, for_itself = given["of_summary"][:, head]
        assert (bias[0, head, 0, 1:] == for_joints).all()
        assert (bias[0, head, 1:, 0] == for_it).all()
        assert bias[0, head, 0, 0] == for_itself


def test_the_published_start_of_the_bias():
    bias = make_energy("graph").bias()[0, 0].detach()
    neighbour, itself, two_apart = bias[1 + 0, 1 + 1], bias[1, 1], bias[1 + 0, 1 + 2]
    assert neighbour == pytest.approx(-0.8)
    assert itself == pytest.approx(-2.0)
    assert two_apart == pytest.approx(-2 * 0.8 - 2.0)
    assert (bias[0] == 0).all()
    assert (bias[:, 0] == 0).all()


def shuffled(skeleton, order):
    """The same skeleton with its joints in another order: the i-th was ``order[i]``."""
    place = {old: new for new, old in enumerate(order)}
    return Skeleton(
        "shuffled",
        tuple(skeleton.names[old] for old in order),
        tuple(place.get(skeleton.parents[old], -1) for old in order),
        edges=tuple((place[a], place[b]) for a, b in skeleton.edges),
    )


@pytest.mark.parametrize("name", ["h36m_17", "coco_17", "openpose_135"])
@pytest.mark.parametrize("variant", ["graph_structure", "graph_table"])
def test_the_order_of_joints_means_nothing_to_the_graph(variant, name):
    skeleton = vitruve.skeleton(name)
    order = torch.randperm(skeleton.num_joints).tolist()
    net, twin = (make_variant(variant, s) for s in (skeleton, shuffled(skeleton, order)))
    state = net.state_dict()
    twin.load_state_dict(state | {"identity": state["identity"][order]})
    joints, evidence = poses(skeleton)
    moved = evidence.map(lambda x: x[:, order])
    torch.testing.assert_close(twin(joints[:, order], moved), net(joints, evidence))
    with torch.no_grad():
        twin.identity.copy_(state["identity"])
    assert (twin(joints[:, order], moved) - net(joints, evidence)).abs().min() > 1e-4


@pytest.mark.parametrize("name", ENERGIES)
def test_autocast_does_not_round_energies(name):
    """They lie far from zero and differ by little; bfloat16 goes in steps of 0.5 there."""
    net = make_energy(name, structure=True)
    last = net.head[-1] if name == "graph" else net.head
    nn.init.constant_(last.bias, 100.0)
    joints, evidence = poses(n=16)
    exact = net(joints, evidence)
    with torch.autocast("cpu", torch.bfloat16):
        rough = net(joints, evidence)
    assert rough.dtype == torch.float32
    assert (rough - exact).abs().max() < 0.03


def test_every_loss_net_is_tested():
    assert {name for name, _ in VARIANTS.values()} == set(SMALL) == set(ENERGIES)


@pytest.fixture(params=VARIANTS)
def file(request, tmp_path):
    path = tmp_path / "energy.safetensors"
    write_energy(make_variant(request.param), path, card="A test.")
    return path


@pytest.mark.parametrize("skeleton", ["h36m_17", "h3wb_133"])
@pytest.mark.parametrize("variant", VARIANTS)
def test_files_round_trip(variant, skeleton, tmp_path):
    skeleton = vitruve.skeleton(skeleton)
    net = make_variant(variant, skeleton)
    write_energy(net, tmp_path / "a.safetensors")
    again = read_energy(tmp_path / "a.safetensors")
    assert type(again) is type(net)
    assert again.config == net.config
    assert not again.training
    joints, evidence = poses(skeleton)
    assert torch.equal(again(joints, evidence), net(joints, evidence))
    assert [p.name for p in tmp_path.iterdir()] == ["a.safetensors"]


def test_the_file_says_what_it_is(file):
    document = read_tensors(file, "energy")[1]
    assert document["net"] in ENERGIES
    assert document["skeleton"] == "h36m_17"
    assert document["unit"] == "metre"
    assert document["card"] == "A test."
    assert document["version"] == vitruve.__version__
    assert document["config"]["skeleton"]["names"] == list(H36M.names)


def test_only_loss_nets_of_the_table_are_written(tmp_path):
    with pytest.raises(KeyError, match="Linear is not in ENERGIES"):
        write_energy(nn.Linear(1, 1), tmp_path / "a.safetensors")
    assert not list(tmp_path.iterdir())
    with pytest.raises(OSError, match="cannot write"):
        write_energy(make_energy("mlp"), tmp_path / "nowhere" / "a.safetensors")


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        (lambda d: d.update(net="nope"), KeyError, r"'nope'; this version has \['graph', 'mlp'\]"),
        (lambda d: d.pop("net"), KeyError, "holds loss-net 'None'"),
        (lambda d: d.update(config=None), ValueError, "must be a mapping"),
        (lambda d: d["config"].update(extra=1), ValueError, "no field 'extra'"),
        (lambda d: d["config"].update(structure="yes"), ValueError, "of type bool"),
        (lambda d: d["config"].update(structure=True), ValueError, "its config asks for"),
        (lambda d: d["config"].update(width=10**9), ValueError, "its config asks for 10"),
        (lambda d: d["config"].update(width=-3), ValueError, "no net can be built"),
        (lambda d: d["config"]["skeleton"].pop("names"), ValueError, "needs the field 'names'"),
        (lambda d: d["config"]["skeleton"]["parents"].pop(), ValueError, "17 names but 16 parents"),
    ],
)
def test_a_file_that_lies_is_refused(tmp_path, change, error, message):
    path = tmp_path / "energy.safetensors"
    write_energy(make_energy("mlp"), path)
    tensors, document = read_tensors(path, "energy")
    change(document)
    save_file(tensors, path, {"vitruve": json.dumps(document)})
    with pytest.raises(error, match=message) as refused:
        read_energy(path)
    assert "\n" not in str(refused.value.args[0])


def test_other_files_are_refused(tmp_path):
    path = tmp_path / "other.safetensors"
    with pytest.raises(FileNotFoundError, match="no such file"):
        read_energy(path)
    config = LifterConfig(H36M, H36M, "simple_baseline", SimpleBaselineConfig(17, 17, width=8))
    save_estimator(Lifter(config), path)
    with pytest.raises(ValueError, match="not of kind 'energy'"):
        read_energy(path)
    save_file({"a": torch.zeros(2)}, path)
    with pytest.raises(ValueError, match="Vitruve did not write it"):
        read_energy(path)
    write_energy(make_energy("mlp"), path)
    tensors, document = read_tensors(path, "energy")
    text = {"vitruve": json.dumps(document)}
    save_file({k.replace("head", "tail"): v for k, v in tensors.items()}, path, text)
    with pytest.raises(ValueError, match=r"lacks tensor 'head.bias'"):
        read_energy(path)
    save_file(tensors | {"head.weight": tensors["head.weight"].T.contiguous()}, path, text)
    with pytest.raises(ValueError, match=r"'head.weight' has shape \(32, 1\)"):
        read_energy(path)


@settings(deadline=None, max_examples=25)
@given(st.data())
def test_a_mutated_file_is_read_or_refused_in_one_line(tmp_path_factory, data):
    path = tmp_path_factory.mktemp("mutated") / "energy.safetensors"
    write_energy(make_energy("graph"), path)
    content = bytearray(path.read_bytes())
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, 4000))] = data.draw(st.integers(0, 255))
    path.write_bytes(bytes(content[: data.draw(st.integers(0, len(content)))]))
    try:
        read_energy(path)
        message = ""
    except (ValueError, KeyError) as error:
        message = str(error.args[0])
    assert "\n" not in message


def test_only_parameters_are_in_the_file(file):
    keys = set(load_file(file))
    assert not any("features" in key for key in keys)
    assert not any(key.endswith((".distance", ".apart", ".degree")) for key in keys)

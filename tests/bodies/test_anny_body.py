import json
from pathlib import Path

import pytest
import roma
import torch
from body_samples import random_pose, random_shape

from vitruve.bodies import AnnyBody, PosedBody, make_body
from vitruve.bodies.anny_body import COARSE, PHENOTYPES
from vitruve.io.tensor_file import read_tensors, write_tensors

GOLDEN = json.loads(Path(__file__).with_name("golden_anny.json").read_text())
HALF_PRECISION = 0.001
"""Largest distance from anny that storing half the bits explains, metres."""


@pytest.fixture(scope="module")
def body():
    return make_body("anny").double()


def pose_as(body: AnnyBody, orientations, shape, root) -> PosedBody:
    """Pose the body so that its bones have anny's orientations in the world."""
    turned = orientations @ body.model_axes.mT
    parents = body.anatomy.parents
    local = [t if p < 0 else turned[p].mT @ t for t, p in zip(turned, parents, strict=True)]
    return body(torch.stack(local), shape, root)


@pytest.mark.parametrize("case", GOLDEN["cases"])
def test_it_is_anny(body, case):
    orientations = roma.unitquat_to_rotmat(torch.tensor(case["orientations_xyzw"]).double())
    heads, shape = (torch.tensor(case[name]).double() for name in ("heads", "shape"))
    posed = pose_as(body, orientations, shape, heads[0])
    vertices = torch.tensor(case["vertices"]).double()
    assert (posed.bone_heads - heads).norm(dim=-1).max() < HALF_PRECISION
    assert (posed.vertices[GOLDEN["vertices"]] - vertices).norm(dim=-1).max() < HALF_PRECISION


@pytest.mark.filterwarnings("ignore")
def test_it_is_anny_wherever_anny_is_installed(body):
    anny = pytest.importorskip("anny", reason="compares with the package anny")
    model = anny.Anny(topology="notoes_collapse10pc")
    for seed in range(3):
        shape = random_shape(body, seed=seed)
        pose = torch.eye(4).double().repeat(1, model.bone_count, 1, 1)
        pose[0, :, :3, :3] = random_pose(body, seed=seed)
        with torch.inference_mode():
            shown = model(pose, dict(zip(PHENOTYPES, shape.tolist(), strict=True)))
        placed = shown["bone_poses"][0]
        posed = pose_as(body, placed[:, :3, :3], shape, placed[0, :3, 3])
        assert (posed.vertices - shown["vertices"][0]).norm(dim=-1).max() < HALF_PRECISION


def test_it_rests_in_a_t(body):
    at = {role: body.rest().bone_heads[body.bone(role)] for role in body.anatomy.roles}
    for side, sign in (("left", 1), ("right", -1)):
        shoulder, elbow, wrist = (at[f"{side}_{j}"] for j in ("shoulder", "elbow", "wrist"))
        for limb in (elbow - shoulder, wrist - elbow):
            direction = limb / limb.norm()
            assert (direction - torch.tensor([sign, 0.0, 0.0])).norm() < 1e-3
        hip, ankle = at[f"{side}_hip"], at[f"{side}_ankle"]
        assert (hip - ankle)[:2].norm() < 2e-3


def test_phenotypes_do_what_they_say(body):
    def rest(**changed):
        shape = body.default_shape.clone()
        for name, value in changed.items():
            shape[list(PHENOTYPES).index(name)] = value
        return body.rest(shape)

    def tall(posed):
        return float(posed.vertices[:, 2].max())

    assert tall(rest()) == pytest.approx(1.71, abs=0.01)
    assert tall(rest(age=0.0)) < 0.9 < tall(rest(age=0.4)) < tall(rest())
    assert tall(rest(height=0.2)) < tall(rest()) < tall(rest(height=0.5))
    waist = [
        float(posed.vertices[body.weights[:, body.bone("spine02")] > 0.5, 1].std())
        for posed in (rest(weight=0.0), rest(weight=1.0))
    ]
    assert waist[0] < waist[1]


def test_gradients_point_uphill_at_the_default_shape(body):
    """It lies on values where Anny has a shape of its own, so slopes differ on either side."""
    shape = body.default_shape.clone().requires_grad_()
    body.rest(shape).vertices.square().sum().backward()
    for i in range(len(PHENOTYPES)):
        more = body.default_shape.clone()
        more[i] += 1e-6
        with torch.no_grad():
            ends = [body.rest(s).vertices.square().sum() for s in (body.default_shape, more)]
        assert shape.grad[i] == pytest.approx(float(ends[1] - ends[0]) / 1e-6, rel=1e-3, abs=1e-3)


def test_broken_files_get_one_line(tmp_path):
    tensors, document = read_tensors(COARSE, "anny body")
    path = tmp_path / "body.safetensors"

    def refused(changed, match, kept=document):
        write_tensors(path, changed, kept)
        with pytest.raises(ValueError, match=match):
            make_body("anny", path)

    without = {name: t for name, t in tensors.items() if name != "to_basis"}
    refused(without, "lacks tensor 'to_basis'")
    refused({**tensors, "moments": tensors["moments"][:3]}, "'moments' is missing or not of shape")
    refused({**tensors, "faces": tensors["faces"] + 5}, "'faces' points outside the body")
    refused(tensors, "not of kind 'anny body'", {**document, "kind": "estimator"})
    refused(tensors, "lacks 'parents'", {k: v for k, v in document.items() if k != "parents"})
    renamed = ["hips", *document["bone_names"][1:]]
    refused(tensors, r"lacks bones of Anny: \['root'\]", {**document, "bone_names": renamed})
    with pytest.raises(FileNotFoundError, match="no such file"):
        make_body("anny", tmp_path / "none.safetensors")

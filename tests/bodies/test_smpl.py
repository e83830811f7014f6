import pickle
import sys
from dataclasses import replace
from types import ModuleType

import numpy as np
import pytest
import torch
from body_samples import random_pose
from scipy import sparse

from smpl_samples import TO_HOUSE, model_arrays, plain_smpl
from vitruve.bodies import joints_of, make_body
from vitruve.bodies.smpl import KINDS
from vitruve.skeletons import skeleton

MODELS = {"smpl": ("smpl_24", "y up"), "smplx": ("smplx_55", "y up"), "smal": ("smal_35", "z up")}


def write(path, arrays):
    if path.suffix == ".npz":
        np.savez(path, **arrays)
    else:
        path.write_bytes(pickle.dumps(arrays, protocol=2))
    return path


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("suffix", [".npz", ".pkl"])
def test_it_is_smpl_in_the_axes_of_the_house(tmp_path, model, suffix):
    name, axes = MODELS[model]
    arrays = model_arrays(name, axes)
    body = make_body(model, write(tmp_path / f"model{suffix}", arrays)).double()
    turn = TO_HOUSE[axes]
    pose = random_pose(body)
    betas = np.linspace(-1, 1, arrays["shapedirs"].shape[-1])
    theirs = np.einsum("ai,kab,bj->kij", turn, pose.numpy(), turn)
    vertices, joints = plain_smpl(arrays, theirs, betas)
    root = torch.tensor([1.0, 2.0, 3.0]).double()
    posed = body(pose, torch.tensor(betas), root)
    shift = root.numpy() - turn @ joints[0]
    np.testing.assert_allclose(posed.bone_heads, joints @ turn.T + shift, atol=1e-5)
    np.testing.assert_allclose(posed.vertices, vertices @ turn.T + shift, atol=1e-5)
    found, valid = joints_of(body, posed, skeleton(name))
    assert valid.all()
    torch.testing.assert_close(found, posed.bone_heads)


def test_smal_tells_every_joint_of_stanfordextra(tmp_path, monkeypatch):
    names = skeleton("smal_35").names
    arrays = model_arrays("smal_35", "z up")
    # The first vertex around each bone stands for a landmark; ears are listed for the wrong sides.
    bones = {
        "nose": "mouth",
        "chin": "mouth",
        "left_ear_tip": "right_ear",
        "right_ear_tip": "left_ear",
        "left_eye": "left_leg2",
        "right_eye": "right_leg2",
        "withers": "spine2",
        "throat": "neck",
    }
    landmarks = {name: 4 * names.index(bone) for name, bone in bones.items()}
    small = replace(KINDS["smal"], vertices=4 * len(names), landmarks=landmarks)
    monkeypatch.setitem(KINDS, "smal", small)
    body = make_body(f"smal:{write(tmp_path / 'smal.npz', arrays)}")
    posed, dog = body.rest(), skeleton("stanfordextra_24")
    joints, valid = joints_of(body, posed, dog)
    assert valid.all()
    said = dict(zip(dog.names, joints, strict=True))
    heads = dict(zip(names, posed.bone_heads, strict=True))
    bones = {
        "left_front_leg_paw": "left_foot",
        "right_front_leg_middle_joint": "right_leg3",
        "left_rear_leg_top": "left_leg_back2",
        "tail_start": "tail1",
        "tail_end": "tail7",
        "right_ear_base": "right_ear",
    }
    for joint, bone in bones.items():
        torch.testing.assert_close(said[joint], heads[bone])
    for joint, bone in {"left_ear_tip": "left_ear", "left_eye": "left_leg2"}.items():
        torch.testing.assert_close(said[joint], posed.vertices[4 * names.index(bone)])


def test_foreign_classes_are_read_without_their_code(tmp_path, monkeypatch):
    """Official pickles hold chumpy arrays and a sparse regressor."""

    class Ch:
        def __init__(self, x):
            self.x = x

    module = ModuleType("chumpy.ch")
    module.Ch, Ch.__module__, Ch.__qualname__ = Ch, "chumpy.ch", "Ch"
    arrays = model_arrays("smpl_24")
    with monkeypatch.context() as there:
        there.setitem(sys.modules, "chumpy.ch", module)
        there.setitem(sys.modules, "chumpy", ModuleType("chumpy"))
        chumpy = arrays | {
            "shapedirs": Ch(arrays["shapedirs"]),
            "J_regressor": sparse.csc_matrix(arrays["J_regressor"]),
        }
        path = write(tmp_path / "SMPL.pkl", chumpy)
    body, plain = make_body("smpl", path), make_body("smpl", write(tmp_path / "a.npz", arrays))
    torch.testing.assert_close(body.rest().vertices, plain.rest().vertices)


class Shell:
    def __reduce__(self):
        return print, ("run",)


def damage(key, value):
    return lambda arrays: {**arrays, key: value(arrays[key])}


@pytest.mark.parametrize(
    ("change", "match"),
    [
        (lambda a: {k: v for k, v in a.items() if k != "posedirs"}, "lacks posedirs; a model"),
        (damage("f", lambda f: f + 1000), "'f' points outside the 96 vertices"),
        (damage("weights", lambda w: w[:, 1:]), r"'weights' has shape \(96, 23\); expected"),
        (damage("v_template", lambda v: v * np.nan), "'v_template' holds a value that is not fin"),
        (damage("kintree_table", lambda t: t * 0 + 23), "'kintree_table' is no tree"),
        (damage("shapedirs", lambda s: s.astype(str)), "'shapedirs' is no array of numbers"),
        (damage("J_regressor", lambda s: Shell()), "Do not trust this file|pickled object array"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("suffix", [".npz", ".pkl"])
def test_unsound_files_get_one_line(tmp_path, change, match, suffix, capsys):
    path = write(tmp_path / f"model{suffix}", change(model_arrays("smpl_24")))
    with pytest.raises(ValueError, match=match) as caught:
        make_body("smpl", path)
    assert "\n" not in str(caught.value)
    assert not capsys.readouterr().out


@pytest.mark.parametrize("suffix", [".npz", ".pkl"])
def test_truncated_files_are_damaged(tmp_path, suffix):
    path = write(tmp_path / f"model{suffix}", model_arrays("smpl_24"))
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])
    with pytest.raises(ValueError, match=r"damaged|not an \.npz archive"):
        make_body("smpl", path)


def test_the_wrong_file_is_told(tmp_path):
    with pytest.raises(ValueError, match=r"'smpl' needs its model file: get it from https://smpl"):
        make_body("smpl")
    with pytest.raises(FileNotFoundError, match="no such file"):
        make_body("smpl", tmp_path / "none.npz")
    path = write(tmp_path / "a.npz", model_arrays("smpl_24"))
    with pytest.raises(ValueError, match="has 24 joints; smplx has 55"):
        make_body("smplx", path)
    with pytest.raises(ValueError, match=r"suffix '\.txt'; model files are \.npz or \.pkl"):
        make_body("smpl", path.rename(tmp_path / "a.txt"))
    huge = {"data": np.zeros(1), "indices": np.zeros(1, int), "indptr": np.zeros(2, int)}
    state = sparse.csc_matrix((1, 1))
    state.__dict__.update(huge | {"_shape": (2**40, 2**40)})
    arrays = model_arrays("smpl_24") | {"J_regressor": state}
    with pytest.raises(ValueError, match="sparse matrix of shape"):
        make_body("smpl", write(tmp_path / "b.pkl", arrays))

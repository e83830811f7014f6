"""Corpora out of bodies: the same person in every format, people and hands that differ."""

import json

import numpy as np
import pytest
import torch

from vitruve.bodies import make_body
from vitruve.cli import main
from vitruve.data.corpora.parallel import read_corpus
from vitruve.data.corpora.posed_bodies import BRIDGED, CorpusConfig, loosened, make_corpus
from vitruve.skeletons import SKELETONS, skeleton

FORMATS = tuple(map(skeleton, ("coco_17", "smplx_55", "mpi_inf_3dhp_28")))


@pytest.fixture(scope="module")
def drawn():
    return make_corpus(FORMATS, CorpusConfig(drawn=12))


def of(corpus, name, joint):
    return corpus.joints[:, corpus.part(name).start + skeleton(name).index(joint)]


def test_every_format_is_of_the_same_person(drawn):
    assert drawn.joints.shape == (12, 17 + 55 + 28, 3)
    knees = [of(drawn, one.name, "left_knee") for one in FORMATS]
    assert torch.equal(knees[0], knees[1])
    assert torch.equal(knees[0], knees[2])
    thigh = (knees[0] - of(drawn, "coco_17", "left_hip")).norm(dim=-1)
    assert thigh.min() > 0.1
    assert thigh.max() < 0.7
    assert thigh.std() > 0.005
    assert drawn.frame == "world"
    assert torch.equal(drawn.group, torch.arange(12))


def test_what_a_body_cannot_tell_is_missing(drawn):
    valid = drawn.valid[:, drawn.part("mpi_inf_3dhp_28")]
    assert torch.equal(valid, valid[:1].expand_as(valid))
    assert 20 < valid[0].sum() < 28
    assert drawn.valid[:, drawn.part("coco_17")].all()


def test_seeds_decide_everything(drawn):
    again, other = (make_corpus(FORMATS, CorpusConfig(drawn=12, seed=seed)) for seed in (0, 1))
    assert torch.equal(again.joints, drawn.joints)
    assert not torch.equal(other.joints, drawn.joints)


def test_hands_and_feet_do_not_stay_stretched():
    body = make_body("anny")
    still = body.rest_pose(40)
    moved = loosened(body, still, torch.Generator().manual_seed(0))
    turns = (moved - still).flatten(2).norm(dim=-1).mean(0)
    names = body.anatomy.bone_names
    stirred = {name for name, turn in zip(names, turns.tolist(), strict=True) if turn > 0.01}
    assert {"finger2-1.L", "wrist.R", "toe1-1.L", "neck01"} <= stirred
    assert not {body.anatomy.roles[f"left_{joint}"] for joint in ("hip", "knee", "elbow")} & stirred
    tips = [names.index(f"finger3-3.{side}") for side in "LR"]
    posed, rest = body(moved).bone_heads[:, tips, 2], body.rest().bone_heads[tips, 2]
    # Palms are down: a closing hand takes its fingertips below the stretched ones.
    assert ((posed - rest).mean(0) < -0.01).all()


@pytest.fixture
def archive(tmp_path):
    """Two clips of a standing figure that sways, one of each split."""
    h36m = skeleton("h36m_17")
    half = {"hip": (0.13, 0.92), "knee": (0.13, 0.48), "ankle": (0.13, 0.06)}
    half |= {"shoulder": (0.16, 1.38), "elbow": (0.44, 1.38), "wrist": (0.69, 1.38)}
    middle = {"pelvis": 0.92, "spine": 1.15, "thorax": 1.41, "neck_base_or_nose": 1.53}
    places = np.zeros((6, 17, 3), np.float32)
    for j, name in enumerate(h36m.names):
        side, _, joint = name.partition("_")
        sign = {"left": 1.0, "right": -1.0}.get(side, 0.0)
        x, z = half[joint] if sign else (0.0, middle.get(name, 1.7))
        places[:, j] = (sign * x, 0.0, z)
    places[:, :, 0] += 0.05 * np.arange(6)[:, None] * places[:, :, 2]
    known = {"subject": "", "action": "", "fps": 30, "joints": h36m.names, "parents": h36m.parents}
    clips = [{"name": split, "split": split, **known} for split in ("train", "test")]
    arrays = {f"h17/{clip['name']}": places for clip in clips}
    np.savez(tmp_path / "m.npz", meta=np.array(json.dumps({"clips": clips})), **arrays)
    return tmp_path / "m.npz"


def test_recorded_poses_come_first_and_keep_together(archive):
    told = []
    config = CorpusConfig(archive, "test", moments=3, drawn=2)
    both = make_corpus(FORMATS, config, lambda *said: told.append(said))
    assert told == [("retarget", 3, None)]
    assert both.group.tolist() == [0, 0, 0, 1, 2]
    wrists = of(both, "coco_17", "left_wrist") - of(both, "coco_17", "right_wrist")
    spans = wrists[:3].norm(dim=-1)
    assert spans.min() > 0.8
    assert (wrists[:3, 0] > 0.9 * spans).all()
    with pytest.raises(ValueError, match="has no clip of the split 'val'"):
        make_corpus(FORMATS, CorpusConfig(archive, "val"))


def test_the_command_writes_a_corpus(archive, tmp_path, capsys):
    out = tmp_path / "c.npz"
    asked = ["skeleton", "corpus", str(out), "--drawn", "4", "--formats", "coco_17", "lsp_14"]
    assert main(asked) == 0
    assert capsys.readouterr().out == f"4 moments, 2 formats, 31 joints\n{out}\n"
    assert [one.name for one in read_corpus(out).formats] == ["coco_17", "lsp_14"]


def test_nothing_wanted_is_refused():
    with pytest.raises(ValueError, match="no moments are wanted: ask for drawn poses"):
        make_corpus(FORMATS, CorpusConfig(drawn=0))


def test_the_formats_of_the_packaged_bridge_are_known_and_differ():
    assert len(set(BRIDGED)) == len(BRIDGED) >= 15
    assert set(BRIDGED) <= set(SKELETONS)

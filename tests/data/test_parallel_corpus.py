"""Parallel corpora: files round trip, groups stay together, damage is named."""

import numpy as np
import pytest
import torch

from vitruve.data.corpora.parallel import ParallelCorpus, read_corpus, write_corpus
from vitruve.io import FileError
from vitruve.skeletons import skeleton

COCO, LSP = skeleton("coco_17"), skeleton("lsp_14")


def people(n=40, frame="world"):
    draw = torch.Generator().manual_seed(0)
    joints = torch.randn(n, 31, 3, generator=draw)
    valid = torch.ones(n, 31, dtype=torch.bool)
    valid[3, 4] = False
    joints[3, 4] = 0.0
    return ParallelCorpus((COCO, LSP), joints, valid, torch.arange(n) // 5, frame)


def arrays(**changes):
    content = {"coco_17": np.zeros((6, 17, 3), np.float32), "lsp_14": np.zeros((6, 14, 3))}
    return {k: v for k, v in (content | changes).items() if v is not None}


def test_a_corpus_survives_its_file(tmp_path):
    given = people(frame="camera")
    write_corpus(given, tmp_path / "c.npz")
    again = read_corpus(tmp_path / "c.npz")
    assert again.formats == given.formats
    assert again.frame == "camera"
    for name in ("joints", "valid", "group"):
        assert torch.equal(getattr(again, name), getattr(given, name))
    assert "lsp_14.valid" not in np.load(tmp_path / "c.npz")


def test_files_may_say_only_what_they_must(tmp_path):
    np.savez(tmp_path / "c.npz", **arrays())
    corpus = read_corpus(tmp_path / "c.npz")
    assert corpus.joints.shape == (6, 31, 3)
    assert corpus.valid.all()
    assert corpus.frame == "world"
    assert corpus.skeleton.names[17] == "lsp_14/right_ankle"
    assert corpus.part("lsp_14") == slice(17, 31)


def test_groups_are_never_parted():
    learn, held_out = people().hold_out(0.25, seed=3)
    assert len(learn.joints) + len(held_out.joints) == 40
    assert not set(learn.group.tolist()) & set(held_out.group.tolist())
    assert len(held_out.group.unique()) == 2
    again = people().hold_out(0.25, seed=3)[1]
    assert torch.equal(again.joints, held_out.joints)
    with pytest.raises(ValueError, match=r"held-out part is 1\.0; it must be between 0 and 1"):
        people().hold_out(1.0)
    with pytest.raises(ValueError, match="all moments are of one group"):
        people(5).hold_out(0.5)


def test_some_formats_of_a_corpus():
    lsp = people().only(("lsp_14",))
    assert lsp.formats == (LSP,)
    assert torch.equal(lsp.joints, people().joints[:, 17:])
    with pytest.raises(KeyError, match="no format 'smpl_24' here; there are coco_17, lsp_14"):
        people().only(("smpl_24",))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"coco": np.zeros((6, 17, 3))}, "array 'coco' is of no skeleton format"),
        ({"smpl_24.valid": np.ones((6, 24), bool)}, r"array 'smpl_24\.valid' is of no skeleton"),
        ({"coco_17": None, "lsp_14": None, "frame": np.array("world")}, "holds no skeleton format"),
        ({"lsp_14": np.zeros((5, 14, 3))}, r"lsp_14 is float64 \(5, 14, 3\); expected floats of"),
        ({"coco_17": np.zeros((0, 17, 3))}, r"shape \(n, 17, 3\)"),
        ({"coco_17": np.zeros((6, 17, 3), int)}, r"coco_17 is int64"),
        ({"coco_17": np.float64(1)}, r"coco_17 is float64 \(\)"),
        ({"coco_17.valid": np.ones((6, 17))}, r"coco_17\.valid is float64"),
        (
            {"coco_17": np.full((6, 17, 3), np.nan)},
            r"holds NaN or infinity; mark missing joints in",
        ),
        ({"group": np.zeros(5, int)}, r"group is int64 \(5,\); expected whole numbers"),
        ({"frame": np.array("body")}, "frame is 'body'; allowed: camera, world"),
    ],
)
def test_damage_is_named(tmp_path, changes, message):
    np.savez(tmp_path / "c.npz", **arrays(**changes))
    with pytest.raises(ValueError, match=message):
        read_corpus(tmp_path / "c.npz")


def test_pickles_are_not_opened(tmp_path):
    np.savez(tmp_path / "c.npz", coco_17=np.array([{}], dtype=object))
    with pytest.raises(FileError, match="pickled"):
        read_corpus(tmp_path / "c.npz")

"""Bridge files: what is written is read, what is damaged is refused."""

import pytest
import torch

from bridge_samples import ENDS, MIDDLES, untrained
from vitruve.io.tensor_file import read_tensors, write_tensors
from vitruve.nets.bridge_file import KIND, read_bridge, write_bridge
from vitruve.skeletons import skeleton


def test_a_bridge_survives_its_file(tmp_path):
    bridge = untrained((ENDS, MIDDLES))
    write_bridge(bridge, tmp_path / "b.safetensors")
    again = read_bridge(tmp_path / "b.safetensors")
    assert again.formats == bridge.formats
    assert again.latents_per_side == bridge.latents_per_side
    for name in ("encoder", "decoder", "residual_m"):
        assert torch.equal(getattr(again, name), getattr(bridge, name))
    assert again.rules_m.isnan().all()
    for source, target in ((ENDS, MIDDLES), (MIDDLES, ENDS)):
        torch.testing.assert_close(
            again.conversion(source, target).weights,
            bridge.conversion(source, target).weights,
            atol=1e-4,
            rtol=1e-3,
        )


@pytest.fixture
def content(tmp_path):
    write_bridge(untrained((ENDS, MIDDLES)), tmp_path / "b.safetensors")
    return read_tensors(tmp_path / "b.safetensors", KIND)


def drop(tensors, document):
    del tensors["moments.1"]


def reshape(tensors, document):
    tensors["decoder"] = tensors["decoder"][:-1].clone()


def unbalance(tensors, document):
    tensors["encoder"] *= 1.1


def poison(tensors, document):
    tensors["moments.0"][0, 0] = torch.nan


def flatten(tensors, document):
    tensors["encoder"] = tensors["encoder"].flatten()


def widen(tensors, document):
    document["latents_per_side"] = 7


def forget(tensors, document):
    document["formats"] = []


def tie(tensors, document):
    document["formats"][0]["parents"][0] = 6


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (drop, r"is damaged: it holds .*, not .*moments\.1"),
        (reshape, r"is damaged: decoder has shape \(11, 3\)"),
        (unbalance, "is damaged: rows of encoder do not sum to 1"),
        (poison, r"is damaged: moments\.0 does not hold finite float32 numbers"),
        (flatten, r"is damaged: .* has shape"),
        (widen, "is damaged: latents_per_side is 7 of 3 latents"),
        (forget, "is damaged: it names no formats"),
        (tie, "form a cycle"),
    ],
)
def test_damaged_files_are_refused(content, tmp_path, spoil, message):
    tensors, document = content
    spoil(tensors, document)
    write_tensors(tmp_path / "bad.safetensors", tensors, document)
    with pytest.raises(ValueError, match=message):
        read_bridge(tmp_path / "bad.safetensors")


def test_other_files_are_refused(tmp_path):
    with pytest.raises(FileNotFoundError, match="no such file"):
        read_bridge(tmp_path / "absent")
    write_tensors(tmp_path / "x.safetensors", {}, {"kind": "estimator"})
    with pytest.raises(ValueError, match="not of kind 'skeleton bridge'"):
        read_bridge(tmp_path / "x.safetensors")


def test_unknown_formats_are_told_what_there_is():
    bridge = untrained((ENDS, MIDDLES))
    for pair in ((ENDS, skeleton("coco_17")), (skeleton("coco_17"), ENDS)):
        with pytest.raises(
            ValueError, match=r"does not know the format 'coco_17'; it has ends, mi"
        ):
            bridge.conversion(*pair)

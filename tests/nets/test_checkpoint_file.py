import contextlib
import os
import pickle
import zipfile

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from vitruve.nets import read_checkpoint

STATE = {
    "module.weight": torch.arange(12.0).view(3, 4),
    "module.transposed": torch.arange(6.0).view(2, 3).t(),
    "module.half": torch.ones(3, dtype=torch.float16),
    "module.count": torch.tensor(5),
    "module.flags": torch.tensor([True, False]),
    "module.empty": torch.zeros(0, 4),
}
CHECKPOINT = {
    "epoch": 80,
    "lr": np.float64(1e-3),
    "random_state": np.random.RandomState(3),
    "optimizer": {"state": {0: {"step": 1, "exp_avg": torch.ones(2)}}, "param_groups": [{}]},
    "model_pos": STATE,
    "model_traj": {"bias": torch.nn.Parameter(torch.ones(2))},
}


def save(path, content, legacy=False):
    torch.save(content, path, _use_new_zipfile_serialization=not legacy)
    return path


@pytest.mark.parametrize("legacy", [False, True])
def test_reads_what_torch_wrote(tmp_path, legacy):
    path = save(tmp_path / "weights.bin", CHECKPOINT, legacy)
    state = read_checkpoint(path)
    assert list(state) == [key.removeprefix("module.") for key in STATE]
    for key, value in STATE.items():
        read = state[key.removeprefix("module.")]
        assert read.dtype == value.dtype
        assert torch.equal(read, value)
    assert torch.equal(read_checkpoint(path, "model_traj")["bias"], torch.ones(2))


@pytest.mark.parametrize("legacy", [False, True])
def test_reads_a_module_state_dict_and_shared_storage(tmp_path, legacy):
    net = torch.nn.Linear(3, 2)
    whole = torch.arange(10.0)
    path = save(tmp_path / "a.pth", {**net.state_dict(), "a": whole[:4], "b": whole[4:]}, legacy)
    state = read_checkpoint(path)
    assert torch.equal(state["weight"], net.weight)
    assert torch.equal(state["b"], whole[4:])
    assert read_checkpoint(save(path, net.state_dict(), legacy)).keys() == {"weight", "bias"}


class Malicious:
    def __init__(self, marker):
        self.marker = marker

    def __reduce__(self):
        return os.mkdir, (str(self.marker),)


@pytest.mark.parametrize("legacy", [False, True])
def test_code_inside_is_never_run(tmp_path, legacy):
    marker = tmp_path / "owned"
    content = {"optimizer": Malicious(marker), "model_pos": STATE}
    path = save(tmp_path / "evil.bin", content, legacy)
    assert torch.equal(read_checkpoint(path)["weight"], STATE["module.weight"])
    assert not marker.exists()
    path.write_bytes(pickle.dumps(Malicious(marker)))
    with pytest.raises(ValueError, match="not a readable PyTorch checkpoint"):
        read_checkpoint(path)
    assert not marker.exists()


def test_a_tensor_larger_than_its_storage_is_refused(tmp_path):
    path = save(tmp_path / "a.bin", {"a": torch.zeros(1).expand(1 << 40)})
    with pytest.raises(ValueError, match="more elements than are stored"):
        read_checkpoint(path)


def test_a_compressed_archive_is_refused(tmp_path):
    with zipfile.ZipFile(tmp_path / "bomb.bin", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a/data.pkl", b"0" * 1_000_000)
    with pytest.raises(ValueError, match=r"not the archive that torch\.save writes"):
        read_checkpoint(tmp_path / "bomb.bin")


@pytest.mark.parametrize("content", [b"", b"hello", b"\x80\x02.", b"PK\x03\x04rest"])
def test_other_files_are_refused(tmp_path, content):
    path = tmp_path / "a.bin"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r"a\.bin is not a readable PyTorch checkpoint"):
        read_checkpoint(path)


def test_no_weights(tmp_path):
    with pytest.raises(FileNotFoundError):
        read_checkpoint(tmp_path / "none.bin")
    with pytest.raises(ValueError, match="holds a list"):
        read_checkpoint(save(tmp_path / "a.bin", [1, 2]))
    with pytest.raises(ValueError, match="no state dict"):
        read_checkpoint(save(tmp_path / "a.bin", {"epoch": 1}))
    with pytest.raises(KeyError, match="no weights under 'model_traj'; it has epoch"):
        read_checkpoint(save(tmp_path / "a.bin", {"epoch": 1}), "model_traj")


@settings(deadline=None, max_examples=150)
@given(
    legacy=st.booleans(),
    edits=st.lists(st.tuples(st.integers(0, 5000), st.integers(0, 255)), max_size=6),
    cut=st.integers(0, 6000),
)
def test_damaged_files_give_one_clear_error(tmp_path_factory, legacy, edits, cut):
    path = save(tmp_path_factory.getbasetemp() / "damaged.bin", CHECKPOINT, legacy)
    content = bytearray(path.read_bytes())
    for position, value in edits:
        content[position % len(content)] = value
    path.write_bytes(content[: cut if cut < 3000 else None])
    with contextlib.suppress(ValueError, KeyError):
        read_checkpoint(path)

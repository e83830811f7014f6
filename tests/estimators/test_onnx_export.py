"""ONNX files: they say what torch says, on any batch and length, or are not written."""

import json

import numpy as np
import pytest
import torch

from vitruve.cli import main
from vitruve.estimators import (
    ContextLifter,
    ContextLifterConfig,
    DiffusionLifter,
    DiffusionLifterConfig,
    Lifter,
    LifterConfig,
    export_onnx,
    onnx_export,
    save_estimator,
)
from vitruve.estimators.normalise import NORMALISERS
from vitruve.estimators.onnx_metadata import HOW
from vitruve.nets import (
    D3DPConfig,
    MixSTEConfig,
    SemGCNConfig,
    SimpleBaselineConfig,
    VideoPose3DConfig,
)
from vitruve.nets.context_pose_former import ContextPoseFormerConfig
from vitruve.recipes.sources.toy import TOY

onnx = pytest.importorskip("onnx", reason="needs the extra `onnx`")
onnxruntime = pytest.importorskip("onnxruntime", reason="needs the extra `onnx`")
pytest.importorskip("onnxscript", reason="needs the extra `onnx`")

TINY = {
    "mixste": MixSTEConfig(5, 5, num_frames=9, channels=16, depth=1, num_heads=2),
    "sem_gcn": SemGCNConfig(5, 5, channels=8, num_blocks=1, parents=TOY.parents),
    "video_pose_3d": VideoPose3DConfig(5, 5, widths=(3, 3), channels=32, strided=True),
}


def lifter(name="simple_baseline", net=None):
    torch.manual_seed(0)
    return Lifter(LifterConfig(TOY, TOY, name, net or SimpleBaselineConfig(5, 5, width=16)))


def answer(path, **inputs):
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    return session.run(None, {name: value.numpy() for name, value in inputs.items()})[0]


def facts(path):
    return {entry.key: entry.value for entry in onnx.load(path).metadata_props}


@pytest.mark.parametrize("name", TINY)
def test_the_file_says_what_torch_says(tmp_path, name):
    estimator = lifter(name, TINY[name]).train()
    report = export_onnx(estimator, tmp_path / "net.onnx")
    assert estimator.training
    assert report.difference < 2e-6
    assert report.size_bytes == (tmp_path / "net.onnx").stat().st_size
    assert report.int8_mean is None
    net = estimator.eval().net
    lengths = (9,) if name == "mixste" else (9, 10, 40)
    for b in (1, 5):
        for t in lengths:
            x = torch.randn(b, t, 5, 2)
            # A strided net takes one window; the file takes any length, as the lifter does.
            wanted = estimator._slide(x) if name == "video_pose_3d" else net(x)
            said = answer(report.path, keypoints=x)
            np.testing.assert_allclose(said, wanted.detach().numpy(), atol=2e-6)


def test_a_diffusion_lifter_gives_its_denoiser(tmp_path):
    net = D3DPConfig(5, 5, num_frames=9, channels=16, depth=1, num_heads=2)
    torch.manual_seed(0)
    estimator = DiffusionLifter(DiffusionLifterConfig(TOY, TOY, "d3dp", net)).eval()
    report = export_onnx(estimator, tmp_path / "net.onnx")
    for b, h in ((1, 1), (4, 3)):
        inputs = {
            "keypoints": torch.randn(b, 9, 5, 2),
            "noisy_joints": torch.randn(b, h, 9, 5, 3),
            "time": torch.randint(1000, (b,)),
        }
        wanted = estimator.net.denoise(*inputs.values()).detach()
        # Sines of a time step up to 999 are less exact.
        np.testing.assert_allclose(answer(report.path, **inputs), wanted, atol=5e-5)
    assert facts(report.path)["net_inputs"] == "denoiser"
    assert facts(report.path)["scale"] == "1.0"


def test_the_file_says_what_it_is(tmp_path):
    report = export_onnx(lifter(), tmp_path / "net.onnx", card="A toy.", commit="abc")
    said = facts(report.path)
    assert json.loads(said["joints"]) == list(TOY.names)
    assert said["keypoint_skeleton"] == "toy_5"
    assert said["normaliser"] == "screen"
    assert "x / width * 2 - 1" in said["encode"]
    assert said["window"] == "null"
    assert said["unit"].startswith("metre")
    assert said["axes"].startswith("camera frame: x right")
    assert (said["card"], said["commit"], said["net"]) == ("A toy.", "abc", "simple_baseline")


def test_every_normaliser_is_explained():
    assert HOW.keys() == NORMALISERS.keys()


def test_int8_is_smaller_and_says_what_it_costs(tmp_path):
    estimator = lifter(net=SimpleBaselineConfig(5, 5, width=128))
    report = export_onnx(estimator, tmp_path / "net.onnx", precision="int8")
    assert report.size_bytes < 0.5 * report.float32_size_bytes
    assert 0 < report.int8_mean < 2 * report.int8_largest
    x = torch.randn(4, 3, 5, 2)
    wanted = estimator.eval().net(x).detach().numpy()
    said = answer(report.path, keypoints=x)
    assert not np.array_equal(said, wanted)
    assert np.linalg.norm(said - wanted) < 0.05 * np.linalg.norm(wanted)
    kinds = [node.op_type for node in onnx.load(report.path).graph.node]
    # First and last layer stay in float32.
    assert sum(kind in ("MatMul", "Gemm") for kind in kinds) == 2


def test_a_file_that_differs_is_not_written(tmp_path, monkeypatch):
    monkeypatch.setattr(onnx_export, "TOLERANCE", -1.0)
    with pytest.raises(
        ValueError, match=r"differs from torch by .* so .*net\.onnx was not written"
    ):
        export_onnx(lifter(), tmp_path / "net.onnx")
    assert not list(tmp_path.iterdir())


def test_what_cannot_be_exported(tmp_path, monkeypatch):
    net = ContextPoseFormerConfig(5, 5, level_channels=())
    pictures = ContextLifterConfig(TOY, TOY, net, ())
    with pytest.raises(ValueError, match="ContextLifter cannot be exported: only lifters"):
        export_onnx(ContextLifter(pictures), tmp_path / "net.onnx")
    with pytest.raises(ValueError, match=r"net\.pb must end in \.onnx"):
        export_onnx(lifter(), tmp_path / "net.pb")
    with pytest.raises(ValueError, match="precision 'int4' must be float32 or int8"):
        onnx_export._checked(lifter(), tmp_path / "net.onnx", "int4")
    with pytest.raises(FileNotFoundError, match="cannot write"):
        export_onnx(lifter(), tmp_path / "none" / "net.onnx")
    monkeypatch.setattr(onnx_export, "NEEDED", ("no_such_module",))
    with pytest.raises(ImportError, match=r"no_such_module: pip install 'vitruve\[onnx\]'"):
        export_onnx(lifter(), tmp_path / "net.onnx")
    assert not list(tmp_path.iterdir())


def test_command_line(tmp_path, capsys):
    weights, out = tmp_path / "toy.safetensors", tmp_path / "toy.onnx"
    save_estimator(lifter(), weights, card="A toy.", commit="abc")
    assert main(["export", str(weights), str(out), "--precision", "int8"]) == 0
    said = capsys.readouterr()
    assert len(said.out.splitlines()) == 1
    assert "simple_baseline int8" in said.out
    assert not said.err
    assert facts(out)["card"] == "A toy."
    assert main(["export", "nope", str(out)]) == 2
    assert "no weights 'nope'" in capsys.readouterr().err

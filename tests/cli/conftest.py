"""A command line that runs in this process, and what to feed it."""

import numpy as np
import pytest
import torch
from cli_samples import NUM_FRAMES, Everyone, Nobody, body, walk

from vitruve.cli import main
from vitruve.estimators import Lifter, LifterConfig, save_estimator
from vitruve.io import write_keypoints
from vitruve.io.video_writer import write_video
from vitruve.nets import SimpleBaselineConfig
from vitruve.pipeline import detect as detect_stage
from vitruve.skeletons import skeleton


@pytest.fixture(scope="session")
def weights(tmp_path_factory):
    """A model file; its net has learnt nothing but to say that everyone stands."""
    joints = skeleton("h36m_17")
    net = SimpleBaselineConfig(17, 17, width=8)
    lifter = Lifter(LifterConfig(joints, joints, "simple_baseline", net))
    with torch.no_grad():
        lifter.net.head.weight.zero_()
        lifter.net.head.bias.copy_(body("h36m_17").flatten())
    path = tmp_path_factory.mktemp("weights") / "small.safetensors"
    save_estimator(lifter, path)
    return path


@pytest.fixture
def keypoints(tmp_path):
    """A keypoint file of one person."""
    write_keypoints([walk()], tmp_path / "walk.npz")
    return tmp_path / "walk.npz"


@pytest.fixture
def clip(tmp_path):
    """A video of noise."""
    images = np.random.default_rng(0).integers(0, 256, (NUM_FRAMES, 48, 64, 3), dtype=np.uint8)
    write_video(tmp_path / "clip.mp4", images, 25.0)
    return tmp_path / "clip.mp4"


@pytest.fixture(autouse=True)
def detector(monkeypatch):
    """Detection without models; give ``Nobody`` to find no one."""

    def use(kind):
        monkeypatch.setitem(detect_stage.DETECTORS, "blazepose", lambda config: kind())

    use(Everyone)
    return use


@pytest.fixture
def nobody(detector):
    detector(Nobody)


@pytest.fixture
def vitruve(capsys):
    """Run a command line in this process: exit code, stdout, stderr."""

    def run(*args):
        capsys.readouterr()
        code = main([str(a) for a in args])
        said = capsys.readouterr()
        assert "Traceback" not in said.err
        return code, said.out, said.err

    return run

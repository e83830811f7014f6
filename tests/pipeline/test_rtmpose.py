import sys
from types import ModuleType
from urllib.error import URLError

import numpy as np
import pytest

from vitruve.pipeline.rtmpose import RTMPose, RTMPoseConfig
from vitruve.skeletons import skeleton


@pytest.fixture
def rtmlib(monkeypatch):
    """A module of that name whose solution sees one person at the brightest blue."""
    module = ModuleType("rtmlib")

    class BodyWithFeet:
        def __init__(self, **settings):
            module.settings = settings
            if settings["pose"] is None:
                raise URLError("no route")

        def __call__(self, image):
            at = np.argwhere(image[..., 0] == 255)[0, ::-1]
            return np.tile(at, (1, 26, 1)).astype(float), np.full((1, 26), 1.2)

    module.BodyWithFeet = BodyWithFeet
    monkeypatch.setitem(sys.modules, "rtmlib", module)
    return module


def test_colours_scores_and_skeleton(rtmlib, monkeypatch):
    monkeypatch.setenv("VITRUVE_RTMPOSE_POSE", "pose.onnx")
    detector = RTMPose(RTMPoseConfig(person_model="person.onnx"))
    assert rtmlib.settings["det"] == "person.onnx"
    assert rtmlib.settings["pose"] == "pose.onnx"
    image = np.zeros((20, 30, 3), np.uint8)
    image[5, 7, 2] = 255
    (person,) = detector.detect(image)
    assert person.keypoints_px.tolist() == [[7.0, 5.0]] * skeleton(detector.skeleton).num_joints
    assert person.confidence.max() == 1.0
    assert detector.state() == {}


@pytest.mark.usefixtures("rtmlib")
def test_weights_that_cannot_be_had(monkeypatch):
    monkeypatch.delenv("VITRUVE_RTMPOSE_POSE", raising=False)
    with pytest.raises(OSError, match=r"weights cannot be had.*VITRUVE_RTMPOSE_POSE"):
        RTMPose(RTMPoseConfig())


def test_no_rtmlib(monkeypatch):
    monkeypatch.setitem(sys.modules, "rtmlib", None)
    with pytest.raises(ImportError, match="pip install rtmlib onnxruntime"):
        RTMPose(RTMPoseConfig())

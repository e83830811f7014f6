"""Placing a lifted pose by its keypoints."""

from dataclasses import replace

import pytest
import torch

from energy_samples import pose_batch, relative_joints
from vitruve.estimators import Lifter, LifterConfig, predict_flipped
from vitruve.estimators.placing import keypoint_joints, place_by_keypoints
from vitruve.nets import SimpleBaselineConfig, VideoPose3DConfig
from vitruve.skeletons import merge, merge_alike, skeleton

H36M, COCO = skeleton("h36m_17"), skeleton("coco_17")


def test_a_true_pose_is_placed_where_it_is():
    batch = pose_batch(distortion=(0.05, 0.0, 0.0, 0.0, 0.0))
    joints = relative_joints(batch).unsqueeze(1)
    root = place_by_keypoints(joints, tuple(range(17)), batch)
    assert torch.allclose(root[:, 0], batch.joints_cam[..., H36M.root, :], atol=1e-3)


def test_an_unseen_keypoint_places_nothing():
    batch = pose_batch()
    joints = relative_joints(batch).unsqueeze(1)
    seen = batch.keypoints_valid.clone()
    seen[..., 4] = False
    wild = batch.keypoints_px.where(seen[..., None], 5000.0)
    hidden = replace(batch, keypoints_valid=seen, keypoints_px=wild)
    root = place_by_keypoints(joints, tuple(range(17)), hidden)
    assert torch.allclose(root[:, 0], batch.joints_cam[..., H36M.root, :], atol=1e-3)


def test_keypoints_are_found_in_many_formats():
    both = (H36M, COCO)
    assert keypoint_joints(COCO, merge(both)) == tuple(range(17, 34))
    alike = merge_alike(both)
    assert [alike.names[j] for j in keypoint_joints(COCO, alike)] == [
        f"alike/{name}" for name in COCO.names
    ]
    assert keypoint_joints(H36M, H36M) == tuple(range(17))
    with pytest.raises(ValueError, match="has no joint 'nose' of 'coco_17'"):
        keypoint_joints(COCO, H36M)


@pytest.mark.parametrize(
    ("net", "config"),
    [
        ("simple_baseline", SimpleBaselineConfig(17, 17, width=16)),
        ("video_pose_3d", VideoPose3DConfig(17, 17, widths=(3,), channels=16)),
    ],
)
def test_a_lifter_says_where_the_root_is(net, config):
    lifter = Lifter(LifterConfig(H36M, H36M, net, config, places=True)).eval()
    batch = pose_batch(t=5)
    said = predict_flipped(lifter, batch)
    assert said.root_cam.shape == (4, 1, 5, 3)
    assert said.root_cam.isfinite().all()
    # In training only the frames that the answer covers are placed.
    central = lifter.training_forward(batch)
    frames = slice(1, 4) if net == "video_pose_3d" else slice(None)
    assert torch.allclose(central.root_cam, lifter(batch).root_cam[:, :, frames], atol=1e-4)
    with pytest.raises(ValueError, match=r"needs PoseBatch\.intrinsics"):
        lifter(replace(batch, intrinsics=None))

"""Tiny made-up datasets in the layouts of the official releases."""

import json
import pickle

import numpy as np

from vitruve.data.cameras.virtual import h36m_rigs, rig_centre
from vitruve.data.motion.h3wb import CAMERAS
from vitruve.data.motion.human36m import JOINTS_17

SYMMETRY_17 = [[4, 5, 6, 11, 12, 13], [1, 2, 3, 14, 15, 16]]
SYMMETRY_MPII = [[3, 4, 5, 13, 14, 15], [0, 1, 2, 10, 11, 12]]


def body(frames, joints, seed=0):
    """Someone of 1.7 m who sways, (t, j, 3) metres, z up, about the origin."""
    rng = np.random.default_rng(seed)
    rest = rng.uniform((-0.4, -0.3, 0.1), (0.4, 0.3, 1.7), (joints, 3))
    sway = 0.1 * np.sin(np.arange(frames) / 3)[:, None, None] * rest[None, :, 2:]
    return rest + sway * (1.0, 0.5, 0.0)


def in_rig(subject, frames, joints, seed=0):
    """The same where the subject's cameras look, and what each of the four sees, pixels."""
    import torch

    rig = h36m_rigs()[subject]
    place = np.array([*rig_centre(rig).tolist(), 0.0])
    joints_world = (body(frames, joints, seed) + place).astype(np.float32)
    seen = [c.project_world(torch.from_numpy(joints_world)).numpy() for c in rig]
    return joints_world, seen


def before_camera(frames, joints, seed=0):
    """The same 4 m before a camera, in its axes."""
    upright = body(frames, joints, seed)
    return np.stack([upright[..., 0], 0.9 - upright[..., 2], 4 + upright[..., 1]], -1)


def pinhole(joints_cam, focal, cx, cy):
    return joints_cam[..., :2] / joints_cam[..., 2:] * focal + (cx, cy)


def as_object(content):
    array = np.empty((), dtype=object)
    array[()] = content
    return array


H36M_ACTIONS = {
    "S1": {"Walking 1": 6},
    "S9": {"Walking": 7, "Walking 1": 4, "Sitting 2": 5},
    "S11": {"SittingDown": 6},
}


def write_human36m(root, *, detector="gt", actions=None, extra_frames=2):
    """VideoPose3D's pair of files; another detector's 2D is 3 pixels off."""
    motion, seen = {}, {}
    for subject, takes in (actions or H36M_ACTIONS).items():
        motion[subject], seen[subject] = {}, {}
        for seed, (take, frames) in enumerate(takes.items()):
            joints, views = in_rig(subject, frames + extra_frames, 17, seed)
            whole = np.zeros((frames, 32, 3), np.float32)
            whole[:, JOINTS_17] = joints[:frames]
            motion[subject][take] = whole
            seen[subject][take] = [v + 3 * (detector != "gt") for v in views]
    metadata = {"layout_name": "h36m", "num_joints": 17, "keypoints_symmetry": SYMMETRY_17}
    np.savez_compressed(root / "data_3d_h36m.npz", positions_3d=as_object(motion))
    np.savez_compressed(
        root / f"data_2d_h36m_{detector}.npz",
        positions_2d=as_object(seen),
        metadata=as_object(metadata),
    )


VIDEOS = {
    "s_09_act_02_subact_01_ca_01": ("Directions", "54138969", 12),
    "s_09_act_05_subact_02_ca_01": ("Greeting", "54138969", 12),
    "s_11_act_14_subact_02_ca_03": ("Walking", "58860488", 3),
    "s_11_act_15_subact_02_ca_04": ("Walking", "60457274", 10),
}
"""Two whole clips of 5 frames and 2 more; a blocked one; one shorter than a clip; two whole."""


def motionbert_rows(videos, *, confidence=True):
    rows = {"joint_2d": [], "joint3d_image": [], "2.5d_factor": [], "joints_2.5d_image": []}
    names = {"camera_name": [], "action": [], "source": []}
    for seed, (source, (action, camera, frames)) in enumerate(videos.items()):
        px = before_camera(frames, 17, seed) * 250 + (500, 500, -1000)
        px[..., 2] -= px[:, :1, 2]
        factor = 4.0 + 0.01 * np.arange(frames)
        rows["joint3d_image"].append(px)
        rows["joint_2d"].append(px[..., :2] + 2)
        rows["2.5d_factor"].append(factor)
        rows["joints_2.5d_image"].append(px * factor[:, None, None])
        for key, value in (("camera_name", camera), ("action", action), ("source", source)):
            names[key] += [value] * frames
    columns = {k: np.concatenate(v).astype(np.float32) for k, v in rows.items()}
    if confidence:
        columns["confidence"] = np.full((*columns["joint_2d"].shape[:2], 1), 0.5, np.float32)
    return columns | {"camera_name": np.array(names.pop("camera_name")), **names}


def write_motionbert(root, **changes):
    train = motionbert_rows({"s_01_act_02_subact_01_ca_02": ("Eating", "55011271", 4)})
    del train["2.5d_factor"], train["joints_2.5d_image"]
    content = {"train": train, "test": motionbert_rows(VIDEOS) | changes}
    path = root / "h36m_sh_conf_cam_source_final.pkl"
    path.write_bytes(pickle.dumps(content))
    return path


TEST_FRAMES = {"TS1": 6, "TS2": 5, "TS3": 4, "TS4": 4, "TS5": 5, "TS6": 7}


def sequence_3dhp(name):
    """Camera millimetres, pixels and flags of one test sequence; one frame is not valid."""
    frames = TEST_FRAMES[name]
    outdoor = name in ("TS5", "TS6")
    lens = (1683.98, 939.86, 560.14) if outdoor else (1500.17, 1017.39, 1043.03)
    joints = before_camera(frames, 17, int(name[2]))
    valid = np.ones(frames, np.uint8)
    valid[1] = 0
    return pinhole(joints, *lens), joints * 1000, valid


def write_3dhp_test(root, suffix="", **changes):
    content = {}
    for name in TEST_FRAMES:
        points, joints, valid = sequence_3dhp(name)
        content[name] = {"data_2d": points, "data_3d": joints, "valid": valid}
    content |= changes
    np.savez_compressed(root / f"data_test_3dhp{suffix}.npz", data=as_object(content))


def mat_arrays(name):
    """As MATLAB has them, axes reversed: frame, person, joint, coordinate."""
    points, joints, valid = sequence_3dhp(name)
    return {
        "annot2": points[:, None],
        "univ_annot3": joints[:, None],
        "annot3": joints[:, None] * 1.1,
        "valid_frame": valid[:, None].astype(float),
    }


def write_3dhp_train(root, suffix="", *, sequences=("S1 Seq1",), frames=8):
    """Sequences in two cameras; a frame of the first camera has a keypoint far off."""
    content = {}
    for number, name in enumerate(sequences):
        cameras = {}
        for camera in ("0", "4"):
            joints = before_camera(frames, 17, 10 * (number + 1) + int(camera))
            points = pinhole(joints, 1400.0, 1020.0, 1010.0)
            if camera == "0":
                points[3, 5] = 2e4
            cameras[camera] = {"data_2d": points, "data_3d": joints * 1000}
        content[name] = [cameras, 25]
    np.savez_compressed(root / f"data_train_3dhp{suffix}.npz", data=as_object(content))


def write_h3wb_json(root, split="test", samples=(0, 8, 1, 2)):
    """Samples out of order, with gaps in their numbers."""
    content = {}
    for seed, sample in enumerate(samples):
        joints = before_camera(1, 133, seed)[0] * 1000
        points = pinhole(joints, 1145.0, 500.0, 500.0)
        content[str(sample)] = {
            "image_path": f"S8/Images/Directions 1.54138969/frame_{sample:04d}.jpg",
            "keypoints_2d": {str(j): dict(zip("xy", p, strict=True)) for j, p in enumerate(points)},
            "keypoints_3d": {
                str(j): dict(zip("xyz", p, strict=True)) for j, p in enumerate(joints)
            },
        }
    name = {"test": "2Dto3D_test_3d.json", "train": "2Dto3D_train.json"}[split]
    (root / name).write_text(json.dumps(content))


def write_h3wb_npz(root, split="test", *, subjects=None):
    subject, file, member = {
        "train": ("S1", "h3wb_train.npz", "train_data"),
        "test": ("S8", "task1_test_3d.npz", "data"),
    }[split]
    takes = {}
    for seed, person in enumerate(subjects or (subject,)):
        joints, views = in_rig(person, 3, 133, seed)
        cameras = {
            camera: {"pose_2d": view[:, None], "camera_3d": joints[:, None], "sample_id": [0, 1, 2]}
            for camera, view in zip(CAMERAS, views, strict=True)
        }
        take = {"global_3d": joints * 1000, "frame_id": ["0075", "0080", "0130"], **cameras}
        takes[person] = {"Directions 1": take}
    content = {member: as_object(takes)}
    np.savez_compressed(root / file, metadata=as_object({"body": [0]}), **content)


def save_string(pickler, value):
    data = value.encode("latin1") if isinstance(value, str) else value
    pickler.write(pickle.BINSTRING + len(data).to_bytes(4, "little") + data)
    pickler.memoize(value)


class Python2Pickler(pickle._Pickler):
    """Writes strings and bytes as Python 2 did, which is how 3DPW was written."""

    dispatch = pickle._Pickler.dispatch | {bytes: save_string, str: save_string}


def write_3dpw(root, split="test", **changes):
    """A phone that moves, two people; the second has a frame whose camera is not aligned."""
    folder = root / "sequenceFiles" / split
    folder.mkdir(parents=True, exist_ok=True)
    frames = 6
    turn = np.array([[0.0, 0, 1], [0, 1, 0], [-1, 0, 0]])
    cam_poses = np.tile(np.eye(4), (frames, 1, 1))
    cam_poses[:, :3, :3] = turn
    cam_poses[:, 0, 3] = 0.02 * np.arange(frames)
    intrinsics = np.array([[1960.0, 0, 540], [0, 1960, 960], [0, 0, 1]])
    people, detections, valid = [], [], []
    for seed in range(2):
        joints_cam = before_camera(frames, 24, seed)
        people.append(((joints_cam - cam_poses[:, None, :3, 3]) @ turn).reshape(frames, 72))
        points = pinhole(joints_cam, 1960, 540, 960)[:, :18]
        detected = np.concatenate([points, np.full((frames, 18, 1), 0.8)], -1)
        detected[2] = 0  # too few joints found
        detections.append(detected.transpose(0, 2, 1))
        valid.append(np.arange(frames) != 4 if seed else np.ones(frames, bool))
    content = {
        "sequence": "downtown_walk_00",
        "genders": ["m", "f"],
        "jointPositions": people,
        "poses2d": detections,
        "cam_poses": cam_poses,
        "cam_intrinsics": intrinsics,
        "campose_valid": valid,
    } | changes
    with (folder / "downtown_walk_00.pkl").open("wb") as file:
        Python2Pickler(file, protocol=2).dump(content)

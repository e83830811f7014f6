"""Our files through readers that are not ours."""

import csv
import struct
import warnings

import numpy as np
import pytest
import torch
from motion_samples import rigid_joints, sample, y_up

import vitruve
from vitruve.poses import PoseSequence


def turn(axis: str, angle_deg: float) -> np.ndarray:
    c, s = np.cos(np.deg2rad(angle_deg)), np.sin(np.deg2rad(angle_deg))
    return {
        "X": np.array([[1, 0, 0], [0, c, -s], [0, s, c]]),
        "Y": np.array([[c, 0, s], [0, 1, 0], [-s, 0, c]]),
        "Z": np.array([[c, -s, 0], [s, c, 0], [0, 0, 1]]),
    }[axis]


def test_bvh_through_the_bvh_package(tmp_path):
    bvh = pytest.importorskip("bvh")
    clip = sample()
    text = vitruve.write(clip, tmp_path / "a.bvh").read_text()
    tree = bvh.Bvh(text)
    assert tree.nframes == 20
    assert tree.frame_time == pytest.approx(1 / 59.94)
    expected = y_up(clip.joints_world) * 100
    for t in (0, 9, 19):
        places, turns = {}, {}
        for name in tree.get_joints_names():
            parent = tree.joint_parent(name)
            channels = tree.joint_channels(name)
            values = tree.frame_joint_channels(t, name, channels)
            local = np.eye(3)
            for channel, value in zip(channels, values, strict=True):
                if channel.endswith("rotation"):
                    local = local @ turn(channel[0], value)
            if parent is None:
                places[name], turns[name] = np.array(values[:3]), local
            else:
                above = turns[parent.name]
                places[name] = places[parent.name] + above @ np.array(tree.joint_offset(name))
                turns[name] = above @ local
        for j, name in enumerate(clip.skeleton.names):
            if clip.valid[t, j]:
                np.testing.assert_allclose(places[name], expected[t, j], atol=1e-3)


def test_the_bvh_rest_pose_stands_with_arms_out(tmp_path):
    bvh = pytest.importorskip("bvh")
    tree = bvh.Bvh(vitruve.write(sample(), tmp_path / "a.bvh").read_text())
    for side, sign in (("left", 1), ("right", -1)):
        np.testing.assert_allclose(tree.joint_offset(f"{side}_knee"), (0, -45, 0), atol=1e-3)
        np.testing.assert_allclose(tree.joint_offset(f"{side}_wrist"), (sign * 25, 0, 0), atol=1e-3)
        assert sign * tree.joint_offset(f"{side}_hip")[0] > 12.9
    assert tree.joint_offset("spine")[1] > 20


def test_bvh_angles_never_jump(tmp_path):
    clip = sample(200, gaps=False)
    lines = vitruve.write(clip, tmp_path / "a.bvh").read_text().splitlines()
    rows = np.array([line.split() for line in lines[lines.index("MOTION") + 3 :]], dtype=float)
    assert np.abs(np.diff(rows[:, 3:], axis=0)).max() < 90


def test_c3d_through_the_c3d_package_and_ezc3d(tmp_path):
    c3d = pytest.importorskip("c3d")
    import ezc3d

    clip = sample()
    path = vitruve.write(clip, tmp_path / "a.c3d")
    expected = clip.joints_world.double().numpy() * 1000
    seen = clip.valid.numpy()
    with path.open("rb") as file, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        reader = c3d.Reader(file)
        assert reader.point_rate == pytest.approx(59.94)
        assert [label.strip() for label in reader.point_labels] == list(clip.skeleton.names)
        frames = np.stack([points for _, points, _ in reader.read_frames()])
    np.testing.assert_allclose(frames[..., :3][seen], expected[seen], atol=1e-3)
    assert (frames[..., 3][~seen] == -1).all()
    other = ezc3d.c3d(str(path))["data"]["points"][:3].transpose(2, 1, 0)
    np.testing.assert_allclose(other[seen], expected[seen], atol=1e-3)
    assert np.isnan(other[~seen]).all()


def test_a_foreign_c3d_with_y_up_and_metres(tmp_path):
    import ezc3d

    file = ezc3d.c3d()
    file["parameters"]["POINT"]["RATE"]["value"] = [100]
    file["parameters"]["POINT"]["UNITS"]["value"] = ["m"]
    file["parameters"]["POINT"]["LABELS"]["value"] = ["LASI", "RASI"]
    file.add_parameter("POINT", "X_SCREEN", "+X")
    file.add_parameter("POINT", "Y_SCREEN", "+Y")
    points = np.ones((4, 2, 3))
    points[0, 0], points[1, 0], points[2, 0] = 1, 2, 3
    file["data"]["points"] = points
    file.write(str(tmp_path / "a.c3d"))
    clip = vitruve.read(tmp_path / "a.c3d")
    assert clip.skeleton.names == ("LASI", "RASI")
    assert clip.joints_world[0, 0].tolist() == [1, -3, 2]
    assert clip.fps == 100


def test_trc_as_a_table(tmp_path):
    clip = sample()
    lines = vitruve.write(clip, tmp_path / "a.trc").read_text().split("\n")
    keys = dict(zip(lines[1].split("\t"), lines[2].split("\t"), strict=True))
    assert len(keys) == 8
    assert keys["Units"] == "m"
    assert keys["NumFrames"] == "20"
    assert keys["NumMarkers"] == "17"
    assert lines[3].split("\t")[2::3] == list(clip.skeleton.names)
    assert lines[4].split("\t")[2:5] == ["X1", "Y1", "Z1"]
    table = np.genfromtxt(lines[5:], delimiter="\t")
    np.testing.assert_array_equal(table[:, 0], clip.frames)
    points = table[:, 2:].reshape(20, 17, 3)
    seen = clip.valid.numpy()
    np.testing.assert_allclose(points[seen], y_up(clip.joints_world)[seen], atol=1e-6)
    assert np.isnan(points[~seen]).all()


def test_csv_and_parquet_as_tables(tmp_path):
    parquet = pytest.importorskip("pyarrow.parquet")
    clip = sample()
    lines = vitruve.write(clip, tmp_path / "a.csv").read_text().splitlines()
    rows = list(csv.DictReader(line for line in lines if not line.startswith("#")))
    table = parquet.read_table(vitruve.write(clip, tmp_path / "a.parquet")).to_pydict()
    for t in (0, 19):
        expected = clip.joints_world[t, 3, 2].item()
        assert float(rows[t]["right_ankle_z_m"]) == pytest.approx(expected, abs=1e-6)
        assert table["right_ankle_z_m"][t] == pytest.approx(expected, abs=1e-6)
        assert int(rows[t]["frame"]) == table["frame"][t] == clip.frames[t]
    last = clip.skeleton.names[-1]
    assert (rows[4][f"{last}_x_m"], rows[4][f"{last}_valid"]) == ("", "0")


def glb_array(glb, index):
    accessor = glb.accessors[index]
    view = glb.bufferViews[accessor.bufferView]
    assert view.byteOffset % 4 == 0
    kind = {5126: "<f4", 5121: "u1", 5123: "<u2", 5125: "<u4"}[accessor.componentType]
    width = {"SCALAR": 1, "VEC3": 3, "VEC4": 4, "MAT4": 16}[accessor.type]
    data = glb.binary_blob()[view.byteOffset : view.byteOffset + view.byteLength]
    values = np.frombuffer(data, kind).reshape(accessor.count, width)
    if accessor.min:
        np.testing.assert_array_equal(values.min(0), accessor.min)
        np.testing.assert_array_equal(values.max(0), accessor.max)
    return values


def glb_joints(glb, t):
    values = {}
    for channel in glb.animations[0].channels:
        sampler = glb.animations[0].samplers[channel.sampler]
        values[channel.target.node, channel.target.path] = glb_array(glb, sampler.output)[t]
    world = {}
    waiting = [(glb.scenes[0].nodes[0], np.eye(4))]
    for node, above in waiting:
        x, y, z, w = values.get((node, "rotation"), (0, 0, 0, 1))
        local = np.eye(4)
        local[:3, :3] = [
            [1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)],
            [2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)],
            [2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)],
        ]
        local[:3, 3] = values.get((node, "translation"), glb.nodes[node].translation)
        world[node] = above @ local
        waiting += [(child, world[node]) for child in glb.nodes[node].children]
    return world


@pytest.mark.parametrize("rigid", [True, False])
def test_glb_through_pygltflib(tmp_path, rigid):
    pygltflib = pytest.importorskip("pygltflib")
    clip = sample(gaps=False)
    if not rigid:
        noise = torch.randn(clip.joints_world.shape) * 0.02
        clip = PoseSequence(
            clip.skeleton, clip.joints_world + noise, clip.valid, clip.frames, clip.fps
        )
    path = vitruve.write(clip, tmp_path / "a.glb")
    glb = pygltflib.GLTF2().load(str(path))
    data = path.read_bytes()
    assert struct.unpack("<4sII", data[:12]) == (b"glTF", 2, len(data))
    expected = y_up(clip.joints_world)
    for t in (0, 10, 19):
        world = glb_joints(glb, t)
        found = np.stack([world[j][:3, 3] for j in range(17)])
        np.testing.assert_allclose(found, expected[t], atol=2e-6)
    times = glb_array(glb, glb.animations[0].samplers[0].input)[:, 0]
    np.testing.assert_allclose(times[-1], 19 / 59.94, atol=1e-6)
    # The skin: a corner moved by its joint's matrix times the inverse bind lies near the skeleton.
    attributes = glb.meshes[0].primitives[0].attributes
    corners = glb_array(glb, attributes.POSITION)
    owners = glb_array(glb, attributes.JOINTS_0)[:, 0]
    assert np.allclose(np.linalg.norm(glb_array(glb, attributes.NORMAL), axis=1), 1, atol=1e-5)
    bind = glb_array(glb, glb.skins[0].inverseBindMatrices).reshape(-1, 4, 4).transpose(0, 2, 1)
    skinned = np.stack(
        [(world[o] @ bind[o] @ [*p, 1])[:3] for o, p in zip(owners, corners, strict=True)]
    )
    distance = np.linalg.norm(skinned[:, None] - expected[19][None], axis=-1).min(1)
    assert distance.max() < 0.15
    assert glb.asset.extras["vitruve"]["skeleton"]["name"] == "h36m_17"


def test_bvh_says_what_constant_bones_cost(tmp_path):
    import json

    joints = rigid_joints(vitruve.skeleton("h36m_17"), 30).float()
    joints = joints + 0.01 * torch.randn(joints.shape)
    clip = PoseSequence(
        vitruve.skeleton("h36m_17"),
        joints,
        torch.ones(30, 17, dtype=torch.bool),
        torch.arange(30),
        30.0,
    )
    read = vitruve.read(vitruve.write(clip, tmp_path / "a.bvh"))
    said = json.loads((tmp_path / "a.bvh.json").read_text())["fit_error_m"]
    error = (read.joints_world - joints).norm(dim=-1)
    assert said["max"] == pytest.approx(error.max().item(), abs=1e-4)
    assert 0.001 < said["mean"] < 0.05

"""Made-up releases in the official layouts: tiny, and with joints that are known beforehand.

Each writer takes a folder and returns what its reader must yield: joints in the camera's frame.
The people stand about 4 m before cameras that stand anywhere.
"""

import io
import json
import pickle
from dataclasses import dataclass, replace

import numpy as np
import torch
from PIL import Image
from scipy.io import savemat
from scipy.spatial.transform import Rotation

from smpl_samples import model_arrays, plain_smpl
from tf_record_samples import write_records
from vitruve.data.decoding.run_lengths import encode_runs
from vitruve.io.c3d_file import write_c3d
from vitruve.io.video_writer import write_video
from vitruve.poses import PoseSequence
from vitruve.skeletons import SKELETONS, Skeleton

T = 3
R = Rotation.from_euler("xyz", [0.3, -0.5, 0.2]).as_matrix()
t = np.array([0.3, -0.2, 0.5])
"""From the release's world to the camera, metres."""
LENS = [-0.1, 0.02, 0.001, -0.002, 0.003]


@dataclass(frozen=True)
class Expected:
    joints_cam: np.ndarray
    """(n, j, 3) metres, in the order of the examples; NaN where a joint is missing."""
    K: np.ndarray
    up: tuple[float, float, float] | None
    """The release's up in the camera's frame; None where the release does not tell."""
    lens: list[float] | None = None


def people(skeleton, n=T, seed=0):
    """(n, j, 3) joints about 4 m before the camera."""
    rng = np.random.default_rng(seed)
    body = rng.uniform((-0.3, -0.8, -0.2), (0.3, 0.8, 0.2), (SKELETONS[skeleton].num_joints, 3))
    return body + np.array([0.1, 0.05, 4.0]) + 0.15 * np.arange(n)[:, None, None]


def to_world(joints_cam):
    return (joints_cam - t) @ R


def pinhole(f, size):
    return np.array([[f, 0, size[0] / 2 + 3.0], [0, f, size[1] / 2 - 2.0], [0, 0, 1]])


def touch(*paths):
    for path in paths:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()


def write(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text if isinstance(text, str) else json.dumps(text))


def dump(path, content):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(pickle.dumps(content, protocol=2))


def human36m(root):
    import cdflib

    from vitruve.data.cameras.virtual import h36m_rigs

    skeleton = SKELETONS["h36m_32"]
    rng = np.random.default_rng(1)
    world = rng.uniform((-0.5, -0.5, 0), (0.5, 0.5, 1.8), (T, skeleton.num_joints, 3))
    shown = {}
    for subject, action in (("S1", "Walking 1"), ("S9", "Greeting")):
        folder = root / subject / "MyPoseFeatures/D3_Positions"
        folder.mkdir(parents=True)
        file = cdflib.cdfwrite.CDF(folder / f"{action}.cdf", cdf_spec={"Compressed": 0})
        spec = {"Variable": "Pose", "Data_Type": 44, "Num_Elements": 1, "Rec_Vary": True}
        values = (world * 1000).reshape(1, T, -1)
        spec["Dim_Sizes"] = list(values.shape[1:])
        file.write_var(spec, var_data=values)
        file.close()
        for camera in ("54138969", "55011271", "58860488", "60457274"):
            touch(root / subject / "Videos" / f"{action}.{camera}.mp4")
        shown[subject] = world - ([0.2, 0, 0] if subject == "S9" else 0)
    # By name; a hand's thumb and fingers end where the 32 joints have their end sites.
    ends = {"thumb": "thumb_site", "fingers": "wrist_end"}
    in_32 = [
        "_".join(ends.get(word, word) for word in name.split("_"))
        for name in SKELETONS["h36m_25"].names
    ]
    names = [skeleton.names.index(name) for name in in_32]
    joints = [
        camera.joints_to_cam(torch.from_numpy(shown[subject][:, names]).float()).numpy()
        for subject in ("S1", "S9")
        for camera in h36m_rigs()[subject]
    ]
    camera = h36m_rigs()["S1"][0]
    up = tuple(camera.T_world_cam[2, :3].tolist())
    return Expected(
        np.concatenate(joints), camera.intrinsics.numpy(), up, camera.distortion.tolist()
    )


def mpi_inf_3dhp(root):
    joints = people("mpi_inf_3dhp_28")
    folder = root / "S2/Seq1"
    touch(folder / "imageSequence/video_0.avi", folder / "imageSequence/video_1.avi")
    touch(folder / "FGmasks/video_0.avi")
    cells = np.empty((2, 1), dtype=object)
    for i in range(2):
        cells[i, 0] = (joints + i).reshape(T, -1) * 1000
    savemat(folder / "annot.mat", {"annot3": cells, "univ_annot3": cells})
    K = pinhole(1500.0, (2048, 2048))
    intrinsic, extrinsic = np.eye(4), np.eye(4)
    intrinsic[:3, :3] = K
    extrinsic[:3, :3], extrinsic[:3, 3] = R, t * 1000
    text = "Skeletool Camera Calibration File V1.0\n"
    for name in range(2):
        numbers = [" ".join(f"{v:.8f}" for v in m.ravel()) for m in (intrinsic, extrinsic)]
        text += (
            f"name          {name}\n  sensor      10 10\n  size        2048 2048\n  animated    0\n"
            f"  intrinsic   {numbers[0]} \n  extrinsic   {numbers[1]} \n  radial      0\n"
        )
    write(folder / "camera.calibration", text)
    return Expected(np.concatenate([joints, joints + 1]), K, tuple(R @ (0, 1, 0)))


MUCO = (
    *("head_top", "neck", "right_shoulder", "right_elbow", "right_wrist", "left_shoulder"),
    *("left_elbow", "left_wrist", "right_hip", "right_knee", "right_ankle", "left_hip"),
    *("left_knee", "left_ankle", "pelvis", "spine", "head", "right_hand", "left_hand"),
    *("right_toe", "left_toe"),
)


def muco_3dhp(root):
    joints = people("mpi_inf_3dhp_28", 2)
    names = SKELETONS["mpi_inf_3dhp_28"].names
    given = joints[:, [names.index(n) for n in MUCO]]
    K = pinhole(1500.0, (2048, 2048))
    image = {"id": 7, "file_name": "unaugmented_set/a/1.jpg", "width": 2048, "height": 2048}
    image |= {"f": [K[0, 0], K[1, 1]], "c": [K[0, 2], K[1, 2]]}
    annotations = [
        {"id": i, "image_id": 7, "bbox": [9.0, 8, 100, 200], "keypoints_cam": g.tolist()}
        for i, g in enumerate(given * 1000)
    ]
    labels = {"images": [{**image, "id": 3}, image], "annotations": annotations}
    write(root / "MuCo-3DHP.json", labels)
    expected = joints.copy()
    expected[:, [i for i, n in enumerate(names) if n not in MUCO]] = np.nan
    return Expected(expected, K, None)


def threedpw(root):
    joints = people("smpl_24")
    poses = np.tile(np.eye(4), (T, 1, 1))
    poses[:, :3, :3], poses[:, :3, 3] = R, t
    seen = np.ones((T, 3, 18))
    seen[1] = 0
    content = {
        "sequence": "walk",
        "jointPositions": [to_world(joints).reshape(T, 72)],
        "poses2d": [seen],
        "campose_valid": [np.ones(T, dtype=bool)],
        "cam_poses": poses,
        "cam_intrinsics": pinhole(1900.0, (1920, 1080)),
    }
    dump(root / "sequenceFiles/train/walk.pkl", content)
    (root / "imageFiles/walk").mkdir(parents=True)
    return Expected(joints[[0, 2]], content["cam_intrinsics"], tuple(R @ (0, 1, 0)))


def panoptic(root):
    joints = people("panoptic_19")
    K = pinhole(1400.0, (1920, 1080))
    folder = root / "170407_haggling_a1"
    camera = {"name": "00_03", "type": "hd", "resolution": [1920, 1080], "K": K.tolist()}
    camera |= {"distCoef": LENS, "R": R.tolist(), "t": (100 * t[:, None]).tolist()}
    write(folder / "calibration_170407_haggling_a1.json", {"cameras": [{"name": "x"}, camera]})
    for frame, world in enumerate(to_world(joints) * 100):
        confidence = np.full((19, 1), 0.6)
        confidence[frame] = -1.0
        body = {"id": 4, "joints19": np.concatenate([world, confidence], 1).ravel().tolist()}
        scene = {"version": 0.7, "bodies": [body]}
        write(folder / f"hdPose3d_stage1_coco19/body3DScene_{frame:08d}.json", scene)
    touch(folder / "hdVideos/hd_00_03.mp4")
    expected = joints.copy()
    expected[range(T), range(T)] = np.nan
    return Expected(expected, K, tuple(R @ (0, -1, 0)), LENS)


def aist(root):
    joints = people("aist_19")
    names = SKELETONS["aist_19"].names
    for i, pair in ((17, "shoulder"), (18, "hip")):
        joints[:, i] = joints[:, [names.index(f"{s}_{pair}") for s in ("left", "right")]].mean(1)
    K = pinhole(1600.0, (1920, 1080))
    sequence = "gBR_sBM_cAll_d04_mBR0_ch01"
    dump(
        root / f"keypoints3d/{sequence}.pkl", {"keypoints3d_optim": 100 * to_world(joints)[:, :17]}
    )
    camera = {"name": "c02", "size": [1920, 1080], "matrix": K.tolist(), "distortions": LENS}
    camera |= {"rotation": Rotation.from_matrix(R).as_rotvec().tolist()}
    camera |= {"translation": (100 * t).tolist()}
    write(root / "cameras/setting1.json", [{**camera, "name": "c01"}, camera])
    write(root / "cameras/mapping.txt", f"{sequence} setting1\n")
    write(root / "ignore_list.txt", "gBR_sBM_cAll_d04_mBR0_ch02\n")
    write(root / "splits/pose_train.txt", f"{sequence}\n")
    write(root / "splits/pose_val.txt", "gXX_sBM_cAll_d04_mBR0_ch01\n")
    write(root / "splits/pose_test.txt", "gYY_sBM_cAll_d04_mBR0_ch01\n")
    for name in (sequence, "gBR_sBM_cAll_d04_mBR0_ch02"):
        touch(root / f"videos/{name.replace('cAll', 'c02')}.mp4")
    return Expected(joints, K, tuple(R @ (0, 1, 0)), LENS)


def aspset(root):
    joints = people("aspset_17")
    K = pinhole(3900.0, (3840, 2160))
    world = torch.from_numpy(to_world(joints)).float()
    valid = torch.ones(T, 17, dtype=torch.bool)
    valid[1, 4] = False
    skeleton = Skeleton("points", SKELETONS["aspset_17"].names, (-1,) * 17)
    folder = root / "trainval"
    (folder / "joints_3d/04ac").mkdir(parents=True)
    motion = PoseSequence(skeleton, world, valid, torch.arange(T), 50.0)
    write_c3d(motion, folder / "joints_3d/04ac/04ac-0026.c3d")
    extrinsic = np.eye(4)
    extrinsic[:3, :3], extrinsic[:3, 3] = R, 1000 * t
    intrinsic = np.pad(K, ((0, 0), (0, 1)))
    camera = {"intrinsic_matrix": intrinsic.ravel().tolist()}
    camera |= {"extrinsic_matrix": extrinsic.ravel().tolist()}
    write(folder / "cameras/04ac/04ac-right.json", camera)
    rows = "left,top,right,bottom\n" + "10,20,110,220\n" * T
    write(folder / "boxes/04ac/04ac-0026-right.csv", rows)
    write(root / "splits.csv", "04ac,0026,train,right\n")
    touch(folder / "videos/04ac/04ac-0026-right.mkv")
    expected = joints.copy()
    expected[1, 4] = np.nan
    return Expected(expected, K, tuple(R @ (0, -1, 0)))


def bml_movi(root):
    joints = people("bml_movi_87", 2)
    world = np.repeat(to_world(joints), 4, axis=0) * 1000
    world[0, 5] = 0
    (root / "F_Subjects_1_45").mkdir()
    move = {"markerLocation": world, "virtualMarkerLocation": world[:, 67:]}
    savemat(root / "F_Subjects_1_45/F_v3d_Subject_3.mat", {"Subject_3_F": {"move": move, "id": 3}})
    K = pinhole(900.0, (800, 600))
    one_based = K.copy()
    one_based[:2, 2] += 0.5
    (root / "Calib").mkdir()
    np.savez(
        root / "Calib/cameraParams_PG1.npz",
        IntrinsicMatrix=one_based.T,
        RadialDistortion=np.array(LENS[:2]),
    )
    np.savez(
        root / "Calib/Extrinsics_PG1.npz", rotationMatrix=R.T, translationVector=1000 * t[None]
    )
    touch(root / "F_PG1_Subject_3_L.avi")
    expected = joints.copy()
    expected[0, 5] = np.nan
    return Expected(expected, K, tuple(R @ (0, 0, 1)), [*LENS[:2], 0, 0, 0])


def surreal(root):
    skeleton = SKELETONS["smpl_24"]
    joints = people("smpl_24")
    place = np.array([7.0, -1.2, 0.4])
    # The picture shows a mirrored body: what the release calls left is on the right.
    named = joints[:, list(skeleton.mirror_index)]
    x, y, z = named[..., 0], named[..., 1], named[..., 2]
    world = np.stack([place[0] - z, place[1] + y, place[2] - x], axis=-1)
    pixels = 600 * named[..., :2] / named[..., 2:] + [160, 120]
    info = {"joints3D": world.transpose(2, 1, 0), "joints2D": pixels.transpose(2, 1, 0)}
    folder = root / "cmu/train/run0/01_01"
    folder.mkdir(parents=True)
    savemat(folder / "01_01_c0001_info.mat", {**info, "camLoc": place[:, None]})
    segments = {f"segm_{i + 1}": np.full((240, 320), i, np.uint8) for i in range(T)}
    savemat(folder / "01_01_c0001_segm.mat", segments)
    one = {"joints3D": world[0].T, "joints2D": pixels[0].T, "camLoc": place[:, None]}
    savemat(folder / "01_01_c0002_info.mat", one)
    touch(folder / "01_01_c0001.mp4", folder / "01_01_c0002.mp4")
    return Expected(joints, np.array([[600.0, 0, 160], [0, 600, 120], [0, 0, 1]]), None)


def agora(root):
    joints = people("smpl_24", 3)
    focal = 50 / 36 * 3840
    K = np.array([[focal, 0, 1920], [0, focal, 1080], [0, 0, 1]])
    padded = np.concatenate([joints, np.zeros((3, 21, 3))], axis=1)
    pixels = focal * padded[..., :2] / np.maximum(padded[..., 2:], 1) + [1920, 1080]
    columns = {
        "imgPath": np.array(["ag_trainset_hdri_5_10_00001.png"], dtype=object),
        "isValid": as_lists([[True, False, True]]),
        "occlusion": as_lists([[10.0, 0.0, 50.0]]),
        "gt_joints_2d": as_lists([list(pixels)]),
        "gt_joints_3d": as_lists([list(padded)]),
    }
    write_table(root / "SMPL/train_0_withjv.pkl", columns)
    touch(root / "train_0/ag_trainset_hdri_5_10_00001.png")
    return Expected(joints[[0, 2]], K, None)


def picture(path, size):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", size).save(path)


def threedoh(root):
    joints = people("lsp_14_posepile", 2)
    K = pinhole(900.0, (640, 480))
    annotations = {
        f"{i:05d}": {
            "lsp_joints_3d": (7 * joints[i]).tolist(),
            "intri": K.tolist(),
            "extri": np.eye(4).tolist(),
            "bbox": [[10, 20], [110, 220]],
        }
        for i in range(2)
    }
    write(root / "trainset/annots.json", annotations)
    for name in annotations:
        picture(root / f"trainset/images/{name}.jpg", (640, 480))
    return Expected(joints, K, None)


def gpa(root):
    joints = people("gpa_34", 3)
    K = pinhole(1000.0, (640, 480))
    names = ["0000010203", "0000010204", "0000020203"]
    for name in names:
        picture(root / f"Gaussian_img_jpg_new/{name[:6]}/{name[6:8]}/{name}.jpg", (640, 480))
    labels = {
        "images": [{"file_name": f"gpa/x_{name}.jpg"} for name in names],
        "annotations": [
            {"joint_cams": (1000 * j.T).tolist(), "f": [K[0, 0], K[1, 1]], "c": [K[0, 2], K[1, 2]]}
            | {"istrains": i != 1}
            for i, j in enumerate(joints)
        ],
    }
    write(root / "xyz_gpa12_mdp_cntind_crop_cam_c2g.json", labels)
    return Expected(joints[[0, 2, 1]], K, None)


def total_capture(root):
    joints = people("total_capture_21")
    K = pinhole(1100.0, (1920, 1080))
    lines = ["2 1"]
    for shift in (9.0, 0.0):
        rows = [*R, t + shift]
        lines += ["0 1079 0 1919", f"{K[0, 0]} {K[1, 1]} {K[0, 2]} {K[1, 2]}", str(LENS[0])]
        lines += [" ".join(map(repr, map(float, row))) for row in rows]
    write(root / "calibration.cal", "\n".join(lines) + "\n")
    rows = ["\t".join(f"j{i}" for i in range(21))]
    for pose in to_world(joints) / 0.0254:
        rows.append("\t".join(" ".join(map(repr, map(float, p))) for p in pose) + "\t")
    write(root / "vicon/S1/acting1/gt_skel_gbl_pos.txt", "\n".join(rows) + "\n")
    touch(root / "video/S1/acting1/TC_S1_acting1_cam2.mp4")
    return Expected(joints, K, tuple(R @ (0, 1, 0)), [LENS[0], 0, 0, 0, 0])


def imar(root, name):
    joints = people("imar_25")
    K = pinhole(1150.0, (900, 900))
    k1, k2, p1, p2, k3 = LENS
    camera = {
        "extrinsics": {"R": R.tolist(), "T": [(-R.T @ t).tolist()]},
        "intrinsics_w_distortion": {
            "f": [[K[0, 0], K[1, 1]]],
            "c": [[K[0, 2], K[1, 2]]],
            "k": [[k1, k2, k3]],
            "p": [[p1, p2]],
        },
    }
    write(root / f"{name}_info.json", {"train_subj_names": ["s03"], "subj_to_act": {"s03": ["a"]}})
    folder = root / "train/s03"
    write(folder / "camera_parameters/50591643/a.json", camera)
    write(folder / "joints3d_25/a.json", {"joints3d_25": to_world(joints).tolist()})
    touch(folder / "videos/50591643/a.mp4")
    return Expected(joints, K, tuple(R @ (0, 0, 1)), LENS)


def chi3d(root):
    one, other = people("imar_25"), people("imar_25", seed=1)
    expected = imar(root, "chi3d")
    both = np.stack([to_world(one), to_world(other)])
    write(root / "train/s03/joints3d_25/a.json", {"joints3d_25": both.tolist()})
    return replace(expected, joints_cam=np.stack([one, other], 1).reshape(-1, 25, 3))


def rich(root):
    """A man and a woman; the second picture shows only the man. The model has no skin points."""
    rng = np.random.default_rng(11)
    arrays = model_arrays("smplx_55", betas=12)
    mean = 0.1 * rng.normal(size=(2, 45))
    components = rng.normal(size=(2, 45, 45)) / 7
    hands = {"hands_meanl": mean[0], "hands_meanr": mean[1]}
    hands |= {"hands_componentsl": components[0], "hands_componentsr": components[1]}
    K = pinhole(3900.0, (64, 48))
    expected = {}
    for gender, subject, frames in (("MALE", 1, (7, 10)), ("FEMALE", 13, (7,))):
        arrays = arrays | {"v_template": arrays["v_template"] * (1.0 + 0.01 * subject)}
        (root / "body_models/smplx").mkdir(parents=True, exist_ok=True)
        np.savez(root / f"body_models/smplx/SMPLX_{gender}.npz", **arrays, **hands)
        for frame in frames:
            rotvecs = 0.4 * rng.normal(size=(25, 3))
            along = 0.3 * rng.normal(size=(2, 12))
            fingers = (mean + np.einsum("hc,hcv->hv", along, components[:, :12])).reshape(30, 3)
            betas = rng.normal(size=10)
            turns = Rotation.from_rotvec(np.concatenate([rotvecs, fingers])).as_matrix()
            joints = plain_smpl(arrays, turns, betas)[1]
            shift = to_world(np.array([0.1 * frame, 0.0, 4.0])) - joints[0]
            expected[frame, subject] = np.full((42, 3), np.nan)
            chosen = [*range(25), 28, 43]
            expected[frame, subject][: len(chosen)] = ((joints + shift) @ R.T + t)[chosen]
            fit = {"global_orient": rotvecs[:1], "body_pose": rotvecs[1:22].reshape(1, -1)}
            fit |= {"jaw_pose": rotvecs[22:23], "leye_pose": rotvecs[23:24]}
            fit |= {"reye_pose": rotvecs[24:], "left_hand_pose": along[:1]}
            fit |= {"right_hand_pose": along[1:], "betas": betas[None], "transl": shift[None]}
            path = root / f"bodies/train/BBQ_001_013_talk/{frame:05d}/{subject:03d}.pkl"
            dump(path, fit | {"expression": np.zeros((1, 10))})
            picture(root / f"images/train/BBQ_001_013_talk/cam_02/{frame:05d}_02.jpeg", (64, 48))
    picture(root / "images/train/BBQ_001_013_talk/cam_07/00007_07.jpeg", (64, 48))
    said = {"CameraMatrix": np.c_[R, t], "Intrinsics": K, "Distortion": np.array(LENS)}
    text = "".join(
        f'<{name} type_id="opencv-matrix"><rows>3</rows><dt>d</dt><data>\n'
        f"{' '.join(map(repr, map(float, value.ravel())))}</data></{name}>\n"
        for name, value in said.items()
    )
    path = root / "scan_calibration/BBQ/calibration/002.xml"
    write(path, f'<?xml version="1.0"?>\n<opencv_storage>\n{text}</opencv_storage>\n')
    joints = np.stack([expected[key] for key in ((7, 1), (7, 13), (10, 1))])
    return Expected(joints, K, None, LENS)


def threedpeople(root):
    """A take in each of the two published orders of rows."""
    names = SKELETONS["3dpeople_29"].names
    K = np.array([[700.0, 0, 320], [0, 700, 240], [0, 0, 1]])
    eyes, crown, rest = ["right_eye", "left_eye"], ["head_top"], [*names[:6]]
    arm = [n.removeprefix("left_") for n in names[9:14]]
    leg = [n.removeprefix("left_") for n in names[19:24]]
    left, right = ([f"{side}_{n}" for n in arm] for side in ("left", "right"))
    legs = [[f"{side}_{n}" for n in leg] for side in ("left", "right")]
    fingers = [""] * 19
    first = rest + eyes + crown + left + fingers + right[:4]
    first += [""] * 16 + right[4:] + [""] * 3 + legs[0] + legs[1]
    second = rest + crown + eyes + left + fingers + right + fingers + legs[1] + legs[0]
    joints = people("3dpeople_29", 4)
    at = {name: i for i, name in enumerate(names)}
    # Sides and eyes tell the orders apart, so they stand as they do on people.
    for name, x, y in (("clavicle", 0.1, -0.5), ("hip", 0.1, 0.0), ("eye", 0.03, -0.6)):
        for side, sign in (("left", 1), ("right", -1)):
            joints[:, at[f"{side}_{name}"]] = joints[:, 0] + (sign * x, y, 0.0)
    joints[:, at["head_top"]] = joints[:, 0] + (0.0, -0.8, 0.0)
    rng = np.random.default_rng(12)
    for i, pose in enumerate(joints):
        subject, order = (("woman34", first), ("man01", second))[i // 2]
        shown = np.stack([pose[at[n]] if n else pose[0] + rng.uniform(-1, 1, 3) for n in order])
        pixels = 700 * shown[:, :2] / shown[:, 2:] + [320, 240]
        rows = np.concatenate([pixels, np.zeros((67, 1)), to_world(shown) * 10], axis=1)
        text = "\n".join(" ".join(map(repr, map(float, row))) for row in rows)
        take = f"{subject}/02_04_jump/camera01"
        write(root / f"skeleton/{take}/{i:04d}.txt", text + "\n")
        touch(root / f"rgb/{take}/wpskin08_bottom70/{i:04d}.jpg")
        mask = np.where(mask_of((10, 5, 30, 35)), 40, 153).astype(np.uint8)
        path = root / f"segmentation_clothes/{take}/{i:04d}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(mask).convert("RGB").save(path)
    return Expected(joints[[2, 3, 0, 1]], K, None)


def spec(root):
    """Two people in a picture, one in another; the last stands nowhere. All are of size 1.1."""
    rng = np.random.default_rng(13)
    arrays = model_arrays("smpl_24", betas=10)
    dump(root / "body_models/smpl/SMPL_NEUTRAL.pkl", arrays)
    names = SKELETONS["smpl_24"].names
    K = pinhole(900.0, (64, 48))
    lsp, body_25 = (
        [names.index(f"{side}_{joint}") if joint else names.index(side) for side, joint in pairs]
        for pairs in (SPEC_S, SPEC_OPENPOSE)
    )
    rows = {"imgname": [f"images/{name}.png" for name in ("b", "b", "a", "a")]}
    rows |= {"cam_rotmat": [R] * 4, "cam_int": [K] * 4}
    rows |= {key: [] for key in ("pose", "shape", "S", "openpose_gt")}
    expected = []
    for i in range(4):
        rotvecs, betas = 0.3 * rng.normal(size=(24, 3)), rng.normal(size=10)
        turns = Rotation.from_rotvec(rotvecs).as_matrix()
        body = 1.1 * plain_smpl(arrays, turns, betas)[1]
        turn = Rotation.from_euler("xyz", [0.1 * i, 2.0, 3.0]).as_matrix()
        joints = (body - body.mean(0)) @ turn.T + (0.1 * i, -0.2, 4.0)
        pixels = joints[:, :2] / joints[:, 2:] * K[0, 0] + K[:2, 2]
        rows["pose"].append(rotvecs.ravel())
        rows["shape"].append(betas)
        rows["S"].append(np.pad(to_world(joints[lsp]), ((0, 12), (0, 1))))
        rows["openpose_gt"].append(np.pad(pixels[body_25], ((1, 10), (0, 1))))
        expected.append(joints)
    rows["openpose_gt"][3][:] = 7.0
    (root / "spec-syn/annotations").mkdir(parents=True)
    np.savez(root / "spec-syn/annotations/train.npz", **{k: np.array(v) for k, v in rows.items()})
    for name in "ab":
        picture(root / f"spec-syn/images/{name}.png", (64, 48))
    return Expected(np.stack(expected[:3]), K, tuple(R @ (0, -1, 0)))


def _limbs(sides, joints):
    return [(side, joint) for side in sides for joint in joints]


SPEC_S = (
    *_limbs(["right"], ["ankle", "knee", "hip"]),
    *_limbs(["left"], ["hip", "knee", "ankle"]),
    *_limbs(["right"], ["wrist", "elbow", "shoulder"]),
    *_limbs(["left"], ["shoulder", "elbow", "wrist"]),
)
SPEC_OPENPOSE = (
    ("neck", ""),
    *_limbs(["right", "left"], ["shoulder", "elbow", "wrist"]),
    ("pelvis", ""),
    *_limbs(["right", "left"], ["hip", "knee", "ankle"]),
)


def umpm(root):
    """Two people whose json ends in a comma, one whose json is broken; one point is missing."""
    joints = np.concatenate([people("umpm_15"), people("umpm_15", seed=1)], axis=1)
    K = pinhole(900.0, (64, 48))
    (root / "Groundtruth").mkdir(parents=True)
    for sequence, count in (("p1_grab_1", 30), ("p2_free_1", 15), ("p2_free_2", 15)):
        world = np.repeat(to_world(joints[:, :count]), 2, axis=0)
        valid = torch.ones(2 * T, count, dtype=torch.bool)
        valid[2, 4] = False
        skeleton = Skeleton("points", tuple(f"p{i}" for i in range(count)), (-1,) * count)
        world = torch.from_numpy(world).float()
        motion = PoseSequence(skeleton, world, valid, torch.arange(2 * T), 100.0)
        write_c3d(motion, root / f"Groundtruth/{sequence}_vm.c3d")
        (root / "Video").mkdir(exist_ok=True)
        write_video(root / f"Video/{sequence}_s.avi", np.zeros((2, 48, 64, 3), np.uint8), 50.0)
        write(root / f"{sequence}.json", "{")
    write(root / "p1_grab_1.json", '{\n "id":"p1_grab_1",\n "calib":"calib_l06",\n}\n')
    rows = [*K, LENS[:4], Rotation.from_matrix(R).as_rotvec(), 1000 * t]
    text = "\n".join(" ".join(map(repr, map(float, row))) + " " for row in rows)
    for calibration in ("calib_l06", "calib_n27"):
        write(root / f"Calib/{calibration}_s.ini", text + "\n")
    joints[1, 4] = np.nan
    both = joints.reshape(2 * T, 15, 3)
    return Expected(np.concatenate([both, joints[:, :15]]), K, tuple(R @ (0, 0, 1)), [*LENS[:4], 0])


def berkeley_mhad(root):
    """A raw mosaic of one colour, a picture made of one, and a Kinect's; one marker is missing."""
    joints = people("berkeley_mhad_43", 4)
    world = to_world(joints)
    moved = np.stack([-world[..., 0], world[..., 2], world[..., 1]], axis=-1)
    valid = torch.ones(4, 43, dtype=torch.bool)
    valid[3, 4] = False
    skeleton = Skeleton("points", SKELETONS["berkeley_mhad_43"].names, (-1,) * 43)
    (root / "Mocap/OpticalData").mkdir(parents=True)
    motion = PoseSequence(skeleton, torch.from_numpy(moved).float(), valid, torch.arange(4), 480.0)
    write_c3d(motion, root / "Mocap/OpticalData/moc_s01_a02_r03.c3d")
    K = pinhole(600.0, (64, 48))
    own = Rotation.from_euler("xyz", [0.2, 0.1, -0.3])
    shift = np.array([0.1, -0.2, 0.05])

    def numbers(values):
        return ", ".join(map(repr, map(float, np.ravel(values))))

    def matrix(name, values):
        return (
            f"   {name}: !!opencv-matrix\n      rows: 1\n      cols: 9\n      dt: d\n"
            f"      data: [ {numbers(values)} ]\n"
        )

    def settings(camera):
        pose = np.concatenate([1000 * shift, own.as_rotvec()])
        return f"Camera_{camera}:\n" + "".join(
            matrix(*one) for one in (("K", K), ("Dist", LENS[:4]), ("PosRel", pose))
        )

    for device, cameras in (("l01", (1, 2)), ("k01", (1,))):
        text = f'%YAML:1.0\n"Number of cameras": {len(cameras)}\n'
        write(root / f"Calibration/camcfg_{device}.yml", text + "".join(map(settings, cameras)))
        turn = own.as_matrix().T
        pose = [(turn @ R), turn @ (t - shift) * 1000]
        said = [" ".join(map(repr, map(float, np.ravel(values)))) for values in pose]
        write(root / f"Calibration/RwTw_{device}.txt", f"Rw={said[0]} \nTw={said[1]} \n")
    for path in (
        "Camera/Correspondences/corr_moc_img_s01_a02_r03.txt",
        "Kinect/Correspondences/corr_moc_kin01_s01_a02_r03.txt",
    ):
        write(root / path, "0 0.1 1\n1 0.2 3\n")
    folder = root / "Camera/Cluster01/Cam02/S01/A02/R03"
    picture(folder / "img_l01_c02_s01_a02_r03_00001.jpg", (64, 48))
    raw = np.full((48, 64), 100, np.uint8)
    raw[::2, 1::2], raw[1::2, ::2] = 200, 50
    Image.fromarray(raw).save(folder / "img_l01_c02_s01_a02_r03_00000.pgm")
    picture(root / "Kinect/Kin01/S01/A02/R03/kin_k01_s01_a02_r03_color_00000.ppm", (64, 48))
    (root / "Camera/Cluster01/Cam02/S04/A08/R05").mkdir(parents=True)
    joints[3, 4] = np.nan
    return Expected(joints[[1, 3, 1]], K, tuple(R @ (0, 1, 0)), [*LENS[:4], 0])


def human4d(root):
    """Motion 2 belongs to picture 10; one picture has none, one joint is missing."""
    joints = people("human4d_32", 2)
    joints[1, 4] = np.nan
    points = np.insert(joints, 15, joints[:, 9], axis=1)
    K = pinhole(920.0, (1280, 720))
    turn, shift = (
        Rotation.from_euler("xyz", [0.02, -0.01, 0.03]).as_matrix(),
        [0.015, 0.001, -0.002],
    )
    # The depth camera sees what the colour camera sees, turned and shifted.
    R_depth, t_depth = turn @ R, turn @ t + shift
    device = {"Device": "M72h", "Color Intrinsics": [{"1280x720": K.ravel().tolist()}]}
    device |= {"Color Depth Rotation": turn.ravel().tolist(), "Color Depth Translation": shift}
    write(root / "S2/device_repository.json", [{"Device": "M72e"}, device])
    rows = [*R_depth.T, 1000 * (-R_depth.T @ t_depth)]
    text = "\n".join(" ".join(map(repr, map(float, row))) for row in rows)
    write(root / "S2/pose/M72h.extrinsics", text + "\n")
    write(root / "S2/offsets.txt", "19-07-12-09-08-00\t1\t2\n19-07-12-09-09-06\t9\t7\n")
    dump_folder = root / "S2/19-07-12-09-09-06/Dump"
    for i, frame in enumerate((10, 11)):
        world = to_world(points[i])
        touch(dump_folder / f"color/{frame}_M72h_color_4661{i}.png")
        (dump_folder / "gposes3d").mkdir(exist_ok=True)
        np.save(dump_folder / f"gposes3d/{frame - 8}.npy", 1000 * world[None])
    touch(dump_folder / "color/3_M72h_color_46600.png", dump_folder / "color/10_M72e_color_9.png")
    return Expected(joints, K, None)


def hspace(root):
    """Two pictures in a file of records: of two people, and of one."""
    names = SKELETONS["ghum_63"].names
    chosen = [names.index(name) for name in SKELETONS["ghum_35"].names]
    joints = people("ghum_63", 3).astype(np.float32)
    K = pinhole(60.0, (64, 48))
    records = []
    for i, shown in enumerate((joints[:2], joints[2:])):
        content = io.BytesIO()
        Image.new("RGB", (64, 48), (50 * i, 100, 150)).save(content, "PNG")
        record = {"image/rgb": content.getvalue(), "number_of_rigged_characters": [len(shown)]}
        record |= {"camera_intrinsics": [K[0, 0], K[1, 1], K[0, 2], K[1, 2]]}
        record |= {f"RIGGED_{n}/joints_3d": one.ravel() for n, one in enumerate(shown)}
        records.append(record)
    write_records(root / "2021_01/train/scene_00.tfrecord", records)
    return Expected(joints[:, chosen], K, None)


def sail_vos(root):
    """Two people, a third who is hidden; bones and pixels are missing; a frame tells no camera."""
    from vitruve.data.readers.sail_vos import BONES

    rng = np.random.default_rng(14)
    K = np.array([[900.0, 0, 640], [0, 900, 400], [0, 0, 1]])
    folder = root / "ah_1_ext_t6"
    expected = []
    for person in range(3):
        bones = rng.uniform((-0.3, -0.8, -0.2), (0.3, 0.8, 0.2), (343, 3))
        bones += np.array([person - 1, 0.1, 5.0])
        pixels = 900 * bones[:, :2] / bones[:, 2:] + [640, 400]
        world = to_world(bones) + np.array([400.0, -900.0, 30.0])
        pixels[:20] = (-1280.0, -800.0)
        # One of three bones of a joint, and both of another.
        for row in (BONES[9][0], *BONES[8]):
            world[row], bones[row] = 0.0, np.nan
        own = folder / f"{person + 7}_Ped_player"
        for frame in ("000004", "000005"):
            write(own / f"{frame}_3d.txt", lines(world))
            write(
                own / f"{frame}_2d.txt", lines(pixels if frame == "000004" else 0 * pixels - 1280)
            )
        mask = np.zeros((800, 1280), bool)
        mask[100:300, 300 * person : 300 * person + 200] = True
        Image.fromarray(mask).save(own / "000004.png")
        joints = [np.nanmean(bones[list(rows)], axis=0) for rows in BONES if rows != BONES[8]]
        expected.append(np.insert(np.stack(joints), 8, np.nan, axis=0))
    visible = np.zeros((800, 1280), np.int32)
    visible[150:300, :200], visible[100:300, 300:500], visible[100:140, 600:800] = 7, 8, 9
    (folder / "visible").mkdir()
    np.save(folder / "visible/000004.npy", visible)
    touch(folder / "images/000004.bmp", folder / "images/000005.bmp")
    return Expected(np.stack(expected[:2]), K, None)


def lines(rows):
    return "\n".join(" ".join(map(repr, map(float, row))) for row in rows) + "\n"


def fit3d(root):
    return imar(root, "fit3d")


def humansc3d(root):
    return imar(root, "humansc3d")


def ikea_asm(root):
    joints = people("ikea_asm_17")
    joints[1, 3] = np.nan
    K = pinhole(1000.0, (1920, 1080))
    cameras = {"0007": {"dev1": {"K": K, "R": R}}}
    dump(root / "Calibration/camera_parameters.pkl", cameras)
    folder = root / "Lack_Side_Table/0001_black_floor_0007_01/dev1"
    for frame, pose in enumerate(100 * joints):
        numbers = np.pad(np.nan_to_num(pose), ((0, 0), (0, 1)), constant_values=0.9).ravel()
        write(folder / f"pose3d/{30 * frame:06d}.json", {"pose_keypoints_3d": numbers.tolist()})
    write(root / "Lack_Side_Table/special_test/dev1/pose3d/000000.json", {})
    touch(folder / "images/scan_video.avi")
    return Expected(joints, K, None)


def jta(root):
    joints = people("jta_22", 4).reshape(2, 2, 22, 3)
    pixels = 1158 * joints[..., :2] / joints[..., 2:] + [960, 540]
    rows = [
        [frame + 1, person + 3, j, *pixels[frame, person, j], *joints[frame, person, j], 0, 1]
        for j in range(22)
        for person in range(2)
        for frame in range(2)
        if (frame, person, j) != (1, 1, 5)
    ]
    write(root / "annotations/train/seq_0.json", rows)
    touch(root / "videos/train/seq_0.mp4")
    expected = joints.reshape(4, 22, 3).copy()
    expected[3, 5] = np.nan
    return Expected(expected, np.array([[1158.0, 0, 960], [0, 1158, 540], [0, 0, 1]]), None)


def openpose_in(skeleton):
    """OpenPose's 25 joints of a person, and the person with SMPL's unknown."""
    joints = people(skeleton, 2)
    joints[:, :24] = np.nan
    openpose = np.empty((2, 25, 3))
    openpose[:, [*range(8), *range(9, 25), 8]] = joints[:, 24:]
    return joints, openpose


def humbi(root):
    joints, openpose = openpose_in("humbi_49")
    K = pinhole(1700.0, (1920, 1080))
    body = root / "subject_1/body"
    centre = -R.T @ t

    def text(rows):
        return "\n".join(" ".join(map(repr, map(float, row))) for row in rows) + "\n"

    heading = "Camera\nNCameras: 2\nNFrames: 1\n"
    lens = "".join(f"camera {n}\n{text(K)}" for n in (0, 7))
    pose = "".join(f"camera {n}\n{text([centre + 7 - n, *R])}" for n in (0, 7))
    write(body / "intrinsic.txt", heading + lens)
    write(body / "extrinsic.txt", heading + pose)
    for frame in range(2):
        snapshot = body / f"{frame + 1:08d}"
        write(snapshot / "reconstruction/keypoints.txt", text(to_world(openpose[frame])))
        touch(snapshot / "image/image0000007.jpg", snapshot / "image/image0000009.jpg")
    return Expected(joints, K, tuple(R @ (0, -1, 0)))


def behave(root):
    joints, openpose = openpose_in("behave_49")
    K = pinhole(980.0, (2048, 1536))
    lens = [*LENS, 0.01, -0.02, 0.03]
    sequence = root / "sequences/Date01_Sub01_boxlong"
    info = {"gender": "male", "kinects": [1], "intrinsic": "../../calibs/intrinsics"}
    write(sequence / "info.json", info | {"config": "../../calibs/Date01/config"})
    write(root / "split.json", {"train": [sequence.name], "test": []})
    names = ("k1", "k2", "p1", "p2", "k3", "k4", "k5", "k6")
    color = {"fx": K[0, 0], "fy": K[1, 1], "cx": K[0, 2], "cy": K[1, 2]}
    color |= dict(zip(names, lens, strict=True))
    write(root / "calibs/intrinsics/1/calibration.json", {"color": color})
    config = {"rotation": R.T.ravel().tolist(), "translation": (-R.T @ t).tolist()}
    write(root / "calibs/Date01/config/1/config.json", config)
    for frame, world in enumerate(to_world(openpose)):
        scored = np.concatenate([world, np.ones((25, 1))], axis=1)
        snapshot = sequence / f"t000{frame + 1}.000"
        write(snapshot / "person/person_J3d.json", {"body_joints3d": scored.ravel().tolist()})
        touch(snapshot / "k1.color.jpg")
    return Expected(joints, K, tuple(R @ (0, -1, 0)), lens)


def mads(root):
    joints = people("mads_19", 4)
    world = to_world(joints) * 1000
    names = SKELETONS["mads_19"].names
    few = [i for i, n in enumerate(names) if n not in MADS_MORE]
    cells = np.empty((1, 4), dtype=object)
    for i in range(4):
        cells[0, i] = world[i, few] if i == 2 else world[i]
    cells[0, 1] = np.full((15, 3), np.nan)
    folder = root / "multi_view_data/Taichi"
    folder.mkdir(parents=True)
    savemat(folder / "Taichi_S1_GT.mat", {"GTpose2": cells})
    K = pinhole(800.0, (64, 48))
    turn = Rotation.from_matrix(R).as_rotvec()[:, None]
    calibration = {
        "KK": K,
        "kc": np.array(LENS)[:, None],
        "om_ext": turn,
        "T_ext": 1000 * t[:, None],
    }
    savemat(folder / "Calib_Cam1.mat", calibration)
    write_video(folder / "Taichi_S1_C1.avi", np.zeros((2, 48, 64, 3), np.uint8), 15.0)
    expected = joints[[0, 2, 3]]
    expected[1, [i for i in range(19) if i not in few]] = np.nan
    return Expected(expected, K, tuple(R @ (0, 1, 0)), LENS)


MADS_MORE = ("left_toe", "right_toe", "left_hand", "right_hand")


@dataclass(frozen=True)
class Expected2D:
    keypoints_px: np.ndarray
    """(n, j, 2) pixels; NaN where a joint is not labelled."""


def coco_people(skeleton):
    """Two people with a joint that is not labelled, and a third without any."""
    points = np.random.default_rng(5).uniform(20, 300, (2, SKELETONS[skeleton].num_joints, 2))
    points = points.round(1)
    flags = np.full((*points.shape[:2], 1), 2)
    flags[1, 4] = 0
    given = np.concatenate([np.where(flags > 0, points, 0), flags], axis=2)
    box = [10.0, 10, 300, 300]
    annotations = [
        {"image_id": 8, "bbox": box, "track_id": i, "keypoints": g.ravel().tolist()}
        for i, g in enumerate(given)
    ]
    expected = np.where(flags > 0, points, np.nan)
    return annotations, Expected2D(expected)


def coco(root):
    annotations, expected = coco_people("coco_17")
    crowd = {"image_id": 9, "iscrowd": 1, "bbox": [0, 0, 5, 5], "keypoints": [1] * 51}
    nobody = {"image_id": 9, "iscrowd": 0, "bbox": [0, 0, 5, 5], "keypoints": [0] * 51}
    images = [{"id": 9, "file_name": "9.jpg"}, {"id": 8, "file_name": "8.jpg"}]
    labels = {"images": images, "annotations": [crowd, nobody, *annotations]}
    write(root / "annotations/person_keypoints_train2017.json", labels)
    return expected


def mpii(root):
    points = np.random.default_rng(6).uniform(20, 300, (2, 16, 2))

    def person(xy, ids):
        listed = [{"x": float(xy[i][0]), "y": float(xy[i][1]), "id": i} for i in ids]
        return {"annopoints": {"point": listed}, "scale": 1.5}

    everyone = [person(points[0], range(16)), person(points[1], range(12))]
    pictures = [
        {"image": {"name": "test.jpg"}, "annorect": {"scale": 1.0}},
        {"image": {"name": "8.jpg"}, "annorect": everyone},
        {"image": {"name": "9.jpg"}, "annorect": {"scale": 2.0}},
    ]
    release = {"annolist": pictures, "img_train": np.array([0, 1, 1])}
    root.mkdir(exist_ok=True)
    savemat(root / "mpii_human_pose_v1_u12_1.mat", {"RELEASE": release})
    points[1, 12:] = np.nan
    return Expected2D(points)


def posetrack(root):
    annotations, expected = coco_people("posetrack18_17")
    without_box = {"image_id": 8, "track_id": 5, "keypoints": [1] * 51}
    images = [{"id": 8, "file_name": "images/train/000001_bonn/000000.jpg"}]
    labels = {"images": images, "annotations": [*annotations, without_box]}
    write(root / "posetrack_data/annotations/train/000001_bonn.json", labels)
    write(root / "posetrack_data/annotations/test/000002_bonn.json", {})
    return expected


def jrdb(root):
    annotations, expected = coco_people("jrdb_17")
    images = [{"id": 8, "file_name": "image_2/bytes-cafe-2019-02-07_0/000015.jpg"}]
    labels = {"images": images, "annotations": annotations}
    write(root / "train_dataset/labels/labels_2d_pose_coco/bytes-cafe.json", labels)
    return expected


def mask_of(box, size=(40, 60)):
    """A rectangle: left, top, right, bottom; of a picture of 60 x 40."""
    left, top, right, bottom = box
    mask = np.zeros(size, bool)
    mask[top:bottom, left:right] = True
    return mask


def tiktok(root):
    """Two sequences; one picture has no mask, and in one nobody is."""
    boxes = [(10, 5, 30, 35), (20, 5, 40, 35), (30, 5, 50, 35)]
    for sequence, shown in (("00001", boxes), ("00002", [(0, 0, 0, 0), boxes[0]])):
        for i, box in enumerate(shown, 1):
            picture(root / sequence / f"images/{i:04d}.png", (60, 40))
            path = root / sequence / f"masks/{i:04d}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(mask_of(box)).convert("RGB").save(path)
        (root / sequence / "densepose").mkdir()
    picture(root / "00001/images/0004.png", (60, 40))
    return [*boxes, boxes[0]]


def stanford_extra(root):
    """Three dogs, one without a mask and one without a joint, and the lists of their splits."""
    points = np.random.default_rng(8).uniform(5, 35, (3, 24, 2)).round(2)
    seen = np.ones((3, 24, 1))
    seen[:, 20:] = 0
    seen[1] = 0
    joints = np.concatenate([np.where(seen > 0, points, 0), seen], 2)
    runs = encode_runs(mask_of((10, 5, 30, 35)))
    dogs = [
        {
            "img_path": f"n02087394-Rhodesian_ridgeback/n02087394_{i}.jpg",
            "img_width": 60,
            "img_height": 40,
            "joints": joints[i].tolist(),
            "img_bbox": [10, 5, 20, 30],
            "is_multiple_dogs": False,
            "seg": "" if i == 2 else runs,
        }
        for i in range(3)
    ]
    write(root / "StanfordExtra_V12/StanfordExtra_v12.json", dogs)
    for split, numbers in (("train", [2, 0]), ("test", [1])):
        path = root / f"StanfordExtra_V12/{split}_stanford_StanfordExtra_v12.npy"
        np.save(path, np.array(numbers))
    return Expected2D(np.where(seen > 0, points, np.nan)[[2, 0]])


def as_lists(rows):
    column = np.empty(len(rows), dtype=object)
    column[:] = rows
    return column


def write_table(path, columns):
    """A table as pandas 1 pickles it: by hand, for its classes need not be here."""
    import pickletools
    import sys
    import types

    module = {}
    for name, members in (
        ("pandas.core.frame", ("DataFrame",)),
        ("pandas.core.internals.managers", ("BlockManager",)),
        ("pandas.core.indexes.base", ("Index",)),
        ("pandas.core.indexes.range", ("RangeIndex",)),
    ):
        module[name] = types.ModuleType(name)
        for member in members:
            setattr(module[name], member, type(member, (), {"__module__": name}))
    for parent in ("pandas", "pandas.core", "pandas.core.internals", "pandas.core.indexes"):
        module[parent] = types.ModuleType(parent)
        module[parent].__path__ = []
    base = module["pandas.core.indexes.base"]

    def _new_Index(cls, d):  # noqa: N802 - pandas calls it so
        raise AssertionError

    _new_Index.__module__, _new_Index.__qualname__ = base.__name__, "_new_Index"
    base._new_Index = _new_Index

    def index(module_name, cls, made_of):
        kind = getattr(module[module_name], cls)
        made = kind()
        kind.__reduce__ = lambda self: (_new_Index, (kind, self.made_of))
        made.made_of = made_of
        return made

    names = np.array(list(columns), dtype=object)
    rows = len(next(iter(columns.values())))
    axes = [
        index("pandas.core.indexes.base", "Index", {"data": names, "name": None}),
        index("pandas.core.indexes.range", "RangeIndex", {"start": 0, "stop": rows, "step": 1}),
    ]
    values = np.empty((len(columns), rows), dtype=object)
    for i, column in enumerate(columns.values()):
        values[i] = column
    blocks = [{"values": values, "mgr_locs": slice(0, len(columns), 1)}]
    manager_class = module["pandas.core.internals.managers"].BlockManager
    manager = manager_class()
    manager_class.__getstate__ = lambda self: self.stated
    manager_class.__setstate__ = lambda self, state: None
    manager.stated = (axes, [values], [names], {"0.14.1": {"axes": axes, "blocks": blocks}})
    table = module["pandas.core.frame"].DataFrame()
    table._mgr, table._typ = manager, "dataframe"
    before = {name: sys.modules.get(name) for name in module}
    sys.modules.update(module)
    try:
        dump(path, table)
    finally:
        for name, was in before.items():
            if was is None:
                del sys.modules[name]
            else:
                sys.modules[name] = was
    assert "pandas.core.frame" in "".join(str(o[1]) for o in pickletools.genops(path.read_bytes()))

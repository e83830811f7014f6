import json
import pickle
import zipfile
from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from vitruve.io.archive import load_npz
from vitruve.io.errors import FileError
from vitruve.io.keypoints import SKELETON_BY_COUNT, read_keypoints, write_keypoints
from vitruve.poses import KeypointSequence
from vitruve.skeletons import SKELETONS, Skeleton, skeleton

SIZE = (640, 480)


def person(frame, k=17, x0=100.0):
    """A person walking right by 2 px a frame; confidence 0.5 and up."""
    j = np.arange(k)
    xy = np.stack([x0 + 2 * frame + 3 * j, 50.0 + 10 * (j % 13) + j], -1)
    return np.column_stack([xy, 0.5 + 0.5 * j / k])


def flat(rows):
    return [float(v) for v in np.asarray(rows).reshape(-1)]


def save(tmp_path, content, name="keypoints.json"):
    path = tmp_path / name
    path.write_text(json.dumps(content), encoding="utf-8")
    return path


def check(sequence, rows, frames, name):
    assert sequence.skeleton is skeleton(name)
    assert sequence.frames.tolist() == list(frames)
    assert sequence.valid.all()
    assert torch.allclose(sequence.keypoints_px.double(), torch.tensor(rows[..., :2]), atol=1e-3)
    assert torch.allclose(sequence.confidence.double(), torch.tensor(rows[..., 2]), atol=1e-5)


def walk(num, k=17, x0=100.0):
    return np.stack([person(f, k, x0) for f in range(num)])


@pytest.mark.parametrize("k", [17, 133])
def test_coco_results(tmp_path, k):
    content = [
        {"image_id": f, "category_id": 1, "keypoints": flat(person(f, k)), "score": 0.9}
        for f in range(4)
    ]
    (found,) = read_keypoints(save(tmp_path, content), image_size_px=(2000, 1000), fps=25.0)
    check(found, walk(4, k), range(4), SKELETON_BY_COUNT[k])
    assert (found.fps, found.image_size_px, found.model) == (25.0, (2000, 1000), "COCO file")


def test_coco_dataset_states_its_size_and_hides_unlabelled(tmp_path):
    rows = person(0)
    rows[:, 2] = 2
    rows[3] = 0
    rows[4, 2] = 1
    content = {
        "images": [
            {"id": 70, "file_name": "f_10.jpg", "width": 640, "height": 480},
            {"id": 71, "file_name": "f_9.jpg", "width": 640, "height": 480},
        ],
        "annotations": [
            {"image_id": 70, "keypoints": flat(rows), "track_id": 5},
            {"image_id": 71, "keypoints": flat(rows), "track_id": 5},
        ],
        "categories": [],
    }
    (found,) = read_keypoints(save(tmp_path, content))
    assert found.image_size_px == SIZE
    assert found.person == 5
    assert found.frames.tolist() == [9, 10]
    assert found.valid[0].tolist() == [j != 3 for j in range(17)]
    assert found.confidence[0, 4] == 1
    assert found.model == "COCO file; 30 fps assumed"


@pytest.mark.parametrize("k", [17, 26, 136])
def test_alphapose(tmp_path, k):
    content = [
        {
            "image_id": f"{f}.jpg",
            "category_id": 1,
            "keypoints": flat(person(f, k, x0)),
            "score": 2.9,
            "box": [1, 2, 3, 4],
            "idx": idx,
        }
        for f in (10, 9, 12)
        for idx, x0 in ((3, 100.0), (1, 300.0))
    ]
    found = read_keypoints(save(tmp_path, content), image_size_px=(2000, 1000))
    assert [s.person for s in found] == [1, 3]
    check(found[1], walk(13, k)[[9, 10, 12]], [9, 10, 12], SKELETON_BY_COUNT[k])
    assert found[0].model.startswith("AlphaPose")


@pytest.mark.parametrize(
    ("people", "joints"), [("bodies", "joints"), ("people", "pose_keypoints_2d")]
)
def test_alphapose_cmu_and_open_variants(tmp_path, people, joints):
    content = {
        f"{f}.jpg": {"version": "AlphaPose v0.3", people: [{joints: flat(person(f, 18))}]}
        for f in range(3)
    }
    (found,) = read_keypoints(save(tmp_path, content), image_size_px=SIZE)
    check(found, walk(3, 18), range(3), "coco_openpose_18")


@pytest.mark.parametrize("k", [18, 25])
def test_openpose_folder_follows_two_people_through_a_gap(tmp_path, k):
    for f in range(12):
        people = [person(f, k, 100.0), person(f, k, 330.0)]
        if f in (5, 6):
            people = people[1:]
        if f % 2:
            people.reverse()
        content = {
            "version": 1.3,
            "people": [{"person_id": [-1], "pose_keypoints_2d": flat(p)} for p in people],
        }
        save(tmp_path, content, f"clip_{f:012d}_keypoints.json")
    left, right = read_keypoints(tmp_path, image_size_px=SIZE, fps=60.0)
    seen = [f for f in range(12) if f not in (5, 6)]
    check(left, walk(12, k)[seen], seen, SKELETON_BY_COUNT[k])
    check(right, walk(12, k, 330.0), range(12), SKELETON_BY_COUNT[k])


def test_openpose_single_file_missing_joints_and_high_scores(tmp_path):
    rows = person(0, 25)
    rows[2], rows[4, 2] = 0, 1.04
    content = {"version": 1.3, "people": [{"pose_keypoints_2d": flat(rows)}]}
    (found,) = read_keypoints(save(tmp_path, content), image_size_px=SIZE)
    assert found.valid[0].tolist() == [j != 2 for j in range(25)]
    assert found.confidence.max() == 1


def instances(f, k=17):
    rows = person(f, k)
    return [
        {
            "keypoints": rows[:, :2].tolist(),
            "keypoint_scores": rows[:, 2].tolist(),
            "bbox": [[0, 0, 9, 9]],
            "bbox_score": 0.9,
        }
    ]


def test_mmpose_video_demo_and_image(tmp_path):
    inferencer = [{"frame_id": f, "instances": instances(f)} for f in range(3)]
    (found,) = read_keypoints(save(tmp_path, inferencer), image_size_px=SIZE)
    check(found, walk(3), range(3), "coco_17")
    demo = {
        "meta_info": {"dataset_name": "halpe26"},
        "instance_info": [{"frame_id": f + 1, "instances": instances(f, 26)} for f in range(3)],
    }
    (found,) = read_keypoints(save(tmp_path, demo), image_size_px=SIZE)
    check(found, walk(3, 26), range(3), "halpe_26")
    (found,) = read_keypoints(save(tmp_path, instances(0)), image_size_px=SIZE)
    check(found, walk(1), [0], "coco_17")


def landmarks(f):
    rows = person(f, 33)
    return [
        {"x": x / SIZE[0], "y": y / SIZE[1], "z": 0.1, "visibility": c} for x, y, c in rows.tolist()
    ]


@pytest.mark.parametrize(
    "layout",
    [
        lambda frames: frames,
        lambda frames: [{"frame": i, "landmarks": f} for i, f in enumerate(frames)],
        lambda frames: [{"landmarks": [f] if f else []} for f in frames],
        lambda frames: {"frames": [{"pose_landmarks": f} for f in frames]},
    ],
)
def test_mediapipe_json(tmp_path, layout):
    path = save(tmp_path, layout([landmarks(0), None, landmarks(2)]))
    (found,) = read_keypoints(path, image_size_px=SIZE)
    check(found, walk(3, 33)[[0, 2]], [0, 2], "mediapipe_33")
    with pytest.raises(FileError, match="--size"):
        read_keypoints(path)


def test_mediapipe_arrays(tmp_path):
    rows = walk(5, 33)
    points = np.concatenate([rows[..., :2], np.zeros((5, 33, 1)), rows[..., 2:]], -1)
    points[3] = np.nan
    np.savez(
        tmp_path / "a.npz",
        landmarks_px=points.astype(np.float32),
        detected=np.array([True, True, False, True, True]),
        fps=60.0,
        width=640,
        height=480,
        model="mediapipe 0.10",
    )
    (found,) = read_keypoints(tmp_path / "a.npz")
    check(found, rows[[0, 1, 4]], [0, 1, 4], "mediapipe_33")
    assert (found.fps, found.image_size_px, found.model) == (60.0, SIZE, "mediapipe 0.10")


def test_plain_arrays_with_people_and_scores(tmp_path):
    rows = np.stack([walk(4), walk(4, x0=300.0)], 1)
    np.savez(tmp_path / "a.npz", keypoints=rows[..., :2], scores=rows[..., 2])
    left, right = read_keypoints(tmp_path / "a.npz", image_size_px=SIZE)
    check(left, walk(4), range(4), "coco_17")
    check(right, walk(4, x0=300.0), range(4), "coco_17")
    np.savez(tmp_path / "b.npz", keypoints=rows[:, 0])
    check(read_keypoints(tmp_path / "b.npz", image_size_px=SIZE)[0], walk(4), range(4), "coco_17")


def sequences():
    rows = torch.tensor(walk(6, 17), dtype=torch.float32)
    valid = torch.ones(6, 17, dtype=torch.bool)
    valid[2], valid[3, 4] = False, False
    own = Skeleton("ménagerie", ("root", "tip"), (-1, 0))
    return [
        KeypointSequence(
            skeleton("coco_17"), rows[..., :2], valid, rows[..., 2],
            torch.tensor([0, 1, 2, 5, 6, 9]), 29.97, SIZE, 4, "blazepose 1",
        ),
        KeypointSequence(
            own, rows[:2, :2, :2], valid[:2, :2], rows[:2, :2, 2], torch.arange(2), 50.0, SIZE, 7
        ),
    ]  # fmt: skip


@pytest.mark.parametrize("suffix", ["npz", "json"])
def test_our_own_file_keeps_every_bit(tmp_path, suffix):
    path = tmp_path / f"søk.{suffix}"
    write_keypoints(sequences(), path)
    for wrote, read in zip(sequences(), read_keypoints(path), strict=True):
        for field in fields(KeypointSequence):
            a, b = getattr(wrote, field.name), getattr(read, field.name)
            if field.name == "skeleton":
                assert (a.name, a.names, a.parents) == (b.name, b.names, b.parents)
            elif isinstance(a, torch.Tensor):
                assert a.dtype == b.dtype
                assert torch.equal(a, b)
            else:
                assert a == b
    assert [p.name for p in tmp_path.iterdir()] == [path.name]


def test_writing_needs_a_known_suffix(tmp_path):
    with pytest.raises(ValueError, match=r"npz or \.json"):
        write_keypoints(sequences(), tmp_path / "a.txt")


def test_assumptions_are_stated(tmp_path):
    content = [{"image_id": 0, "keypoints": flat(person(0))}]
    (found,) = read_keypoints(save(tmp_path, content))
    assert found.image_size_px == (148, 182)
    assert found.model == "COCO file; image size assumed 148x182; 30 fps assumed"


def test_wild_values_are_not_valid(tmp_path):
    rows = person(0)
    rows[0, 0], rows[1, 1], rows[2, 0], rows[3, 2], rows[4, 0] = np.nan, np.inf, 1e9, -1, -2000
    content = [{"image_id": 0, "keypoints": flat(rows)}]
    (found,) = read_keypoints(save(tmp_path, content), image_size_px=SIZE)
    assert found.valid[0].tolist() == [j > 4 for j in range(17)]
    assert found.keypoints_px.isfinite().all()


def test_skeleton_must_fit(tmp_path):
    path = save(tmp_path, [{"image_id": 0, "keypoints": flat(person(0, 19))}])
    with pytest.raises(FileError, match=r"19 keypoints per person; known: 16 \(mpii_16\)"):
        read_keypoints(path)
    with pytest.raises(FileError, match="coco_17 has 17"):
        read_keypoints(path, skeleton="coco_17")
    with pytest.raises(KeyError, match="did you mean"):
        read_keypoints(path, skeleton="coco_18")
    (found,) = read_keypoints(path, skeleton="coco_19", image_size_px=SIZE)
    assert found.skeleton is SKELETONS["coco_19"]
    (found,) = read_keypoints(path, skeleton=skeleton("panoptic_19"), image_size_px=SIZE)
    assert found.skeleton.name == "panoptic_19"


class Bomb:
    def __reduce__(self):
        return (print, ("executed",))


def test_bad_files_say_so_in_one_line(tmp_path, capsys):
    (tmp_path / "empty.json").write_bytes(b"")
    (tmp_path / "text.json").write_text("hello")
    (tmp_path / "deep.json").write_text("[" * 200_000)
    save(tmp_path, {"a": 1}, "other.json")
    save(tmp_path, [], "nobody.json")
    save(tmp_path, {"version": 1.3, "people": []}, "empty_room.json")
    save(tmp_path, [{"image_id": -1, "keypoints": flat(person(0))}], "negative.json")
    save(tmp_path, [{"image_id": 0, "keypoints": [1, 2]}], "pairs.json")
    crowd = {"people": [{"pose_keypoints_2d": flat(person(0, 25))}] * 201}
    save(tmp_path, crowd, "crowd.json")
    np.savez(tmp_path / "pickle.npz", keypoints=np.array([Bomb()], dtype=object))
    np.savez(tmp_path / "other.npz", something=np.zeros(3))
    (tmp_path / "bare.pkl").write_bytes(pickle.dumps(Bomb()))
    (tmp_path / "folder").mkdir()
    with zipfile.ZipFile(tmp_path / "huge.npz", "w") as archive:
        header = b"{'descr': '<f4', 'fortran_order': False, 'shape': (9999999999, 17, 3), }"
        header = header.ljust(117) + b"\n"
        archive.writestr("keypoints.npy", b"\x93NUMPY\x01\x00v\x00" + header)
    for name, why in {
        "empty.json": "is empty",
        "text.json": "is not JSON",
        "deep.json": "nested too deeply",
        "other.json": "no keypoint layout",
        "nobody.json": "no keypoint layout",
        "empty_room.json": "shows no person",
        "negative.json": "no frame index",
        "pairs.json": "cannot be read",
        "crowd.json": "201 people",
        "pickle.npz": "pickled Python objects",
        "other.npz": "arrays something",
        "bare.pkl": "is not JSON",
        "folder": "no JSON files",
        "huge.npz": "declares an array",
    }.items():
        with pytest.raises(FileError, match=why) as caught:
            read_keypoints(tmp_path / name)
        assert "\n" not in str(caught.value)
    assert capsys.readouterr().out == ""
    with pytest.raises(FileNotFoundError, match="no such keypoint file"):
        read_keypoints(tmp_path / "none.json")


def test_a_zip_bomb_is_refused_before_it_unpacks(tmp_path):
    with zipfile.ZipFile(tmp_path / "bomb.npz", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("keypoints.npy", bytes(5_000_000))
    with pytest.raises(FileError, match="unpacks to 5,000,000 bytes; at most 1,000,000"):
        load_npz(tmp_path / "bomb.npz", max_bytes=1_000_000)


SAMPLES = (
    [{"image_id": 0, "keypoints": flat(person(0)), "idx": 1}],
    [{"image_id": "0.jpg", "keypoints": flat(person(0))}],
    {"images": [{"id": 1, "width": 640}],
     "annotations": [{"image_id": 1, "keypoints": flat(person(0))}]},
    {"people": [{"person_id": [-1], "pose_keypoints_2d": flat(person(0, 25))}]},
    [{"people": [{"pose_keypoints_2d": flat(person(0, 18))}],
      "canvas_width": 9, "canvas_height": 9}],
    {"0.jpg": {"bodies": [{"joints": flat(person(0, 18))}]}},
    {"meta_info": {"dataset_name": "coco"},
     "instance_info": [{"frame_id": 1, "instances": instances(0)}]},
    {"fps": 30, "width": 640, "height": 480, "frames": [{"landmarks": landmarks(0)}]},
)  # fmt: skip
WILD = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=3),
    st.just([]), st.just({}), st.just([[]]), st.just(10**400), st.just([[1, 2], [3]]),
)  # fmt: skip


def mutate(data, content, depth=0):
    """Replace, drop or keep one place of a JSON tree, at random."""
    if isinstance(content, list | dict) and content and depth < 8 and data.draw(st.integers(0, 5)):
        keys = list(content) if isinstance(content, dict) else range(len(content))
        key = data.draw(st.sampled_from(keys))
        changed = content.copy()
        if data.draw(st.integers(0, 9)) == 0:
            del changed[key]
        else:
            changed[key] = mutate(data, content[key], depth + 1)
        return changed
    return data.draw(WILD)


def read_or_refuse(path):
    try:
        found = read_keypoints(path, image_size_px=SIZE)
    except FileError as error:
        event("refused")
        return str(error)
    for sequence in found:
        assert sequence.keypoints_px.isfinite().all()
        assert ((sequence.confidence >= 0) & (sequence.confidence <= 1)).all()
        assert (sequence.frames.diff() > 0).all()
    return ""


@settings(
    deadline=None, max_examples=250, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data())
def test_mutated_json_never_escapes(tmp_path, data):
    write_keypoints(sequences(), tmp_path / "own.json")
    own = json.loads((tmp_path / "own.json").read_text())
    content = data.draw(st.sampled_from([*SAMPLES, own]))
    for _ in range(data.draw(st.integers(1, 3))):
        content = mutate(data, content)
    assert "\n" not in read_or_refuse(save(tmp_path, content))


@settings(
    deadline=None, max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(seed=st.integers(0, 2**32 - 1), changes=st.integers(1, 30), keep=st.floats(0.3, 1.0))
def test_mutated_archives_never_escape(tmp_path, seed, changes, keep):
    path = tmp_path / "own.npz"
    if seed % 2:
        write_keypoints(sequences(), path)
    else:
        np.savez(path, landmarks_px=walk(3, 33), fps=30.0, width=640, height=480)
    generator = np.random.default_rng(seed)
    data = np.frombuffer(path.read_bytes(), np.uint8).copy()
    data[generator.integers(0, len(data), changes)] = generator.integers(0, 256, changes)
    path.write_bytes(data[: int(len(data) * (keep if seed % 3 else 1.0))].tobytes())
    assert "\n" not in read_or_refuse(path)


def test_the_example_of_the_docs_runs(tmp_path, monkeypatch, capsys):
    page = (Path(__file__).parents[2] / "docs" / "keypoints.md").read_text(encoding="utf-8")
    content = [{"image_id": f"{f}.jpg", "keypoints": flat(person(f)), "idx": 1} for f in range(3)]
    save(tmp_path, content, "alphapose-results.json")
    monkeypatch.chdir(tmp_path)
    exec(page.split("```python\n")[1].split("```")[0], {})
    assert "coco_17 torch.Size([3, 17, 2])" in capsys.readouterr().out
    (found,) = read_keypoints("keypoints.npz")
    assert (found.fps, found.image_size_px) == (50.0, (1920, 1080))
    for count, name in SKELETON_BY_COUNT.items():
        assert f"{count} `{name}`" in " ".join(page.split())

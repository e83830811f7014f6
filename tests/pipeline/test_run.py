import shutil
from dataclasses import replace

import pytest
import torch
from people import JOINTS, camera, motion, seen, small_lifter

import vitruve
from vitruve.estimators import Lifter, RefineConfig, save_estimator
from vitruve.io.keypoints import write_keypoints
from vitruve.nets import MlpEnergy, MlpEnergyConfig, write_energy
from vitruve.pipeline import lift as lift_stage
from vitruve.pipeline import run as run_stage
from vitruve.pipeline.config import EstimateConfig
from vitruve.pipeline.find_camera import find_camera
from vitruve.pipeline.place import PlaceConfig, stature
from vitruve.pipeline.run import is_keypoints, run_estimate
from vitruve.pipeline.stages import Stages


@pytest.fixture
def clip(tmp_path):
    """A keypoint file of two people, and weights."""
    one = seen(motion(40), camera())
    two = replace(seen(motion(40), camera(distance_m=5.0)), person=1)
    write_keypoints([one, two], tmp_path / "people.npz")
    save_estimator(small_lifter(), tmp_path / "small.safetensors")
    return tmp_path


def config(clip, **settings):
    return EstimateConfig(model=str(clip / "small.safetensors"), **settings)


def test_keypoints_in_motion_files_out(clip):
    settings = config(clip, skeleton="coco_17", formats=("npz", "trc"))
    result = run_estimate(clip / "people.npz", clip / "out", settings)
    assert [p.person for p in result.people] == [0, 1]
    assert {f.name for f in result.files} == {
        "person0.npz", "person0.trc", "person1.npz", "person1.trc"
    }  # fmt: skip
    person = vitruve.read(clip / "out" / "person1.npz")
    assert person.skeleton.name == "coco_17"
    assert torch.equal(person.joints_world, result.people[1].joints_world)
    assert not person.valid[:, person.skeleton.index("left_eye")].any()
    assert person.camera is not None
    assert "skeleton" in result.facts
    assert "person 0: motion amplitude removed by smoothing" in result.facts


def test_several_skeletons_are_several_files_of_the_same_people(clip):
    settings = config(clip, skeleton="smpl_24,coco_17", formats=("npz", "bvh"))
    result = run_estimate(clip / "people.npz", clip / "out", settings)
    assert list(result.formats) == ["smpl_24", "coco_17"]
    assert result.people == result.formats["smpl_24"]
    names = {f.name for f in result.files}
    assert {"person0.smpl_24.npz", "person1.coco_17.npz"} <= names
    coco, smpl = (result.formats[n][0] for n in ("coco_17", "smpl_24"))
    wrists = [s.joints_world[:, s.skeleton.index("left_wrist")] for s in (coco, smpl)]
    assert (wrists[0] - wrists[1]).norm(dim=-1).max() < 0.1
    # The bridge adds its own error to the model's.
    assert (coco.spread[:, coco.skeleton.index("left_hip")] > 0).all()
    # What a kind of file cannot hold is said, and ends nothing.
    refused = {name.removeprefix("no ") for name in result.facts if name.startswith("no person")}
    assert len(names | refused) == 8
    assert not names & refused
    assert "coco_17" in result.facts["skeletons"]


def test_finished_stages_are_not_run_again(clip, monkeypatch):
    settings = config(clip)
    first = run_estimate(clip / "people.npz", clip / "out", settings)
    monkeypatch.setattr(run_stage, "lift_chunk", None)
    again = run_estimate(clip / "people.npz", clip / "out", settings)
    assert torch.equal(first.people[0].joints_world, again.people[0].joints_world)
    changed = replace(settings, lift=lift_stage.LiftConfig(seed=1))
    with pytest.raises(TypeError):
        run_estimate(clip / "people.npz", clip / "out", changed)


def test_a_killed_run_ends_as_the_straight_one(clip, monkeypatch):
    settings = config(clip, lift=lift_stage.LiftConfig(chunk_frames=16))
    straight = run_estimate(clip / "people.npz", clip / "straight", settings)
    real, calls = run_stage.lift_chunk, []

    def dies(*arguments):
        calls.append(arguments[-1])
        if len(calls) == 5:
            raise KeyboardInterrupt
        return real(*arguments)

    monkeypatch.setattr(run_stage, "lift_chunk", dies)
    with pytest.raises(KeyboardInterrupt):
        run_estimate(clip / "people.npz", clip / "killed", settings)
    resumed = run_estimate(clip / "people.npz", clip / "killed", settings)
    assert calls == [0, 16, 32, 0, 16, 16, 32]
    for a, b in zip(straight.people, resumed.people, strict=True):
        assert torch.equal(a.joints_world, b.joints_world)


def test_one_call_gives_people(clip):
    people = vitruve.estimate(
        clip / "people.npz", skeleton="smpl_24", model=str(clip / "small.safetensors")
    )
    assert [len(p.joints_cam) for p in people] == [40, 40]
    assert vitruve.convert(people[0], "h36m_17").skeleton.name == "h36m_17"


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"skeleton": "coco17"}, "no skeleton 'coco17'"),
        ({"formats": ("fbx",)}, "no file format 'fbx'"),
        ({"fov_deg": 500.0}, "field of view 500"),
        ({"skeleton": "fly_32"}, "knows no joint"),
    ],
)
def test_bad_settings_are_one_clear_line(clip, settings, message):
    with pytest.raises((ValueError, KeyError), match=message):
        run_estimate(clip / "people.npz", clip / "out", config(clip, **settings))


def test_a_model_that_says_pixels_gets_its_size_from_the_stated_height(clip):
    lifter = small_lifter()
    twin = Lifter(replace(lifter.config, normaliser="weak_perspective"))
    twin.load_state_dict(lifter.state_dict())
    save_estimator(twin, clip / "small.safetensors")
    with pytest.raises(ValueError, match="says shapes without a size: give the height"):
        run_estimate(clip / "people.npz", clip / "out", config(clip))
    place = PlaceConfig(height_m=1.72)
    people = run_estimate(clip / "people.npz", clip / "out", config(clip, place=place)).people
    for person in people:
        assert stature(person.joints_world, person.skeleton) == pytest.approx(1.72, rel=0.1)


def test_a_camera_of_another_shape_is_refused(clip, tmp_path):
    from vitruve.geometry.camera_file import save_camera

    save_camera(camera(), tmp_path / "camera.json")
    found = find_camera(tmp_path / "camera.json", None, (640, 360))
    assert float(found.intrinsics[0, 0]) == pytest.approx(float(camera().intrinsics[0, 0]) / 2)
    with pytest.raises(ValueError, match="another shape"):
        find_camera(tmp_path / "camera.json", None, (640, 640))
    with pytest.raises(ValueError, match="not both"):
        find_camera(tmp_path / "camera.json", 60.0, (640, 360))


def test_no_angle_is_not_an_angle_of_zero():
    with pytest.raises(ValueError, match="1 to 179"):
        find_camera(None, 0.0, (640, 360))


def test_sources_are_told_apart(tmp_path):
    (tmp_path / "frames").mkdir()
    (tmp_path / "frames" / "a.jpg").touch()
    (tmp_path / "openpose").mkdir()
    (tmp_path / "openpose" / "clip_000_keypoints.json").touch()
    assert not is_keypoints(tmp_path / "frames")
    assert is_keypoints(tmp_path / "openpose")
    assert is_keypoints(tmp_path / "x.json")
    assert not is_keypoints(tmp_path / "x.mp4")


def test_stages_trust_only_the_same_input(tmp_path):
    stages, output = Stages(tmp_path), tmp_path / "file"
    stages.finish("lift", {"a": 1})
    assert not stages.done("lift", {"a": 1}, output)
    output.touch()
    assert Stages(tmp_path).done("lift", {"a": 1}, output)
    assert not stages.done("lift", {"a": 2}, output)
    (tmp_path / "run.json").write_text("{broken")
    assert not Stages(tmp_path).done("lift", {"a": 1}, output)
    old = stages.workspace("lift", {"a": 1})
    assert stages.workspace("lift", {"a": 2}).exists()
    assert not old.exists()
    shutil.rmtree(tmp_path)


def test_files_of_an_earlier_run_are_named(clip):
    run_estimate(clip / "people.npz", clip / "out", config(clip, formats=("npz", "trc")))
    again = run_estimate(clip / "people.npz", clip / "out", config(clip, formats=("npz",)))
    assert again.facts["not of this run"] == "person0.trc, person1.trc"
    fresh = run_estimate(clip / "people.npz", clip / "fresh", config(clip, formats=("npz",)))
    assert "not of this run" not in fresh.facts


def test_refined_poses_are_lifted_anew_and_say_so(clip):
    torch.manual_seed(0)
    write_energy(MlpEnergy(MlpEnergyConfig(JOINTS, width=16)), clip / "small.energy.safetensors")
    plain = run_estimate(clip / "people.npz", clip / "out", config(clip))
    assert "refinement" not in plain.facts
    settings = config(clip, refine="default", descent=RefineConfig(3, 4.0))
    refined = run_estimate(clip / "people.npz", clip / "out", settings)
    fact = "3 steps of 4 mm down the energy of loss-net 'default'"
    assert refined.facts["refinement"] == fact
    assert refined.people[0].model.startswith("vitruve small, refined, on ")
    further = replace(settings, descent=RefineConfig(6, 4.0))
    again = run_estimate(clip / "people.npz", clip / "out", further)
    first, second, third = (r.people[0].joints_world for r in (plain, refined, again))
    assert not torch.allclose(first, second, atol=1e-3)
    assert not torch.allclose(second, third, atol=1e-3)


def test_refined_stages_are_not_run_again_with_the_same_loss_net_only(clip, monkeypatch):
    torch.manual_seed(0)
    write_energy(MlpEnergy(MlpEnergyConfig(JOINTS, width=4)), clip / "a.safetensors")
    write_energy(MlpEnergy(MlpEnergyConfig(JOINTS, width=4)), clip / "b.safetensors")
    settings = config(clip, refine=str(clip / "a.safetensors"))
    run_estimate(clip / "people.npz", clip / "out", settings)
    monkeypatch.setattr(run_stage, "lift_chunk", None)
    run_estimate(clip / "people.npz", clip / "out", settings)
    other = replace(settings, refine=str(clip / "b.safetensors"))
    for changed in (other, replace(settings, refine=None)):
        with pytest.raises(TypeError):
            run_estimate(clip / "people.npz", clip / "out", changed)

"""Animals of a user's file: what it changes, what it keeps, what it may not say."""

from pathlib import Path

import pytest
import roma
import torch

from vitruve.bodies import SamplingConfig, joints_of, make_body, sample_bodies, sample_poses
from vitruve.io.errors import FileError
from vitruve.skeletons import skeleton

HORSE = """
scale = 2.0

[bones.neck]
head = [0, -0.7, 1.3]
tail = [0, -1.1, 1.7]

[bones."{s}_hip"]
radii = [0.2, 0.1]

[bones.horn]
parent = "head"
head = [0, -0.9, 1.5]
tail = [0, -0.9, 1.8]
radii = [0.03, 0.01]

[ranges.neck]
about_x = [0, 60]

[ranges."{s}_hip"]
about_y = [20, 0]
"""
ALL = SamplingConfig(keep_share=0.0)


def write(folder: Path, text: str) -> Path:
    path = folder / "animal.toml"
    path.write_text(text)
    return path


def test_what_a_file_says_takes_the_place_of_ours(tmp_path):
    ours, horse = make_body("capsule-dog"), make_body(f"capsule-dog:{write(tmp_path, HORSE)}")
    dog, rest = ours.rest(), horse.rest()
    before, after = (x.bone_heads - x.bone_heads[:1] for x in (dog, rest))
    assert horse.anatomy.bone_names == (*ours.anatomy.bone_names, "horn")
    knee, neck = ours.bone("right_knee"), ours.bone("neck")
    torch.testing.assert_close(after[knee], 2 * before[knee])
    # The file's metres are not scaled; the pelvis of the dog lies at (0, 0.28, 0.5).
    torch.testing.assert_close(after[neck], torch.tensor([0.0, -0.7 - 0.56, 1.3 - 1.0]))
    thick = [x.vertices[b.part_of_vertex == b.anatomy.part_names.index("right_rear_upper")]
             for x, b in ((dog, ours), (rest, horse))]  # fmt: skip
    wide = [float(x[:, 0].max() - x[:, 0].min()) for x in thick]
    assert wide[1] > 2.05 * wide[0]


def test_the_horse_of_the_docs_has_the_size_that_it_says():
    horse = make_body("capsule-dog", Path(__file__).parents[2] / "docs" / "horse.toml")
    points = horse.landmarks(horse.rest())
    withers = points[horse.anatomy.landmarks.index("withers")]
    assert float(withers[2]) == pytest.approx(1.55, abs=0.05)
    assert float(horse.rest().vertices[:, 2].min()) == pytest.approx(0, abs=1e-4)


def test_a_new_bone_is_of_its_parent_and_moves_with_it(tmp_path):
    horse = make_body("capsule-dog", write(tmp_path, HORSE))
    horn, head = horse.bone("horn"), horse.bone("head")
    pose = horse.rest_pose().clone()
    pose[head] = roma.rotvec_to_rotmat(torch.tensor([0.0, 0.0, 1.0]))
    moved, rest = horse(pose).bone_heads, horse.rest().bone_heads
    turned = pose[head] @ (rest[horn] - rest[head])
    torch.testing.assert_close(moved[horn] - moved[head], turned)
    parts = horse.anatomy.part_names
    assert parts == make_body("capsule-dog").anatomy.part_names


def test_joints_of_formats_and_limbs_are_found_as_on_ours(tmp_path):
    horse = make_body("capsule-dog", write(tmp_path, HORSE))
    drawn = sample_bodies(horse, 4, torch.Generator().manual_seed(0))
    _, valid = joints_of(horse, horse(drawn.pose, drawn.shape, drawn.root), skeleton("smal_35"))
    known = joints_of(
        make_body("capsule-dog"), make_body("capsule-dog").rest(), skeleton("smal_35")
    )
    assert torch.equal(valid, known[1])
    extra = joints_of(horse, horse.rest(), skeleton("stanfordextra_24"))
    assert bool(extra[1].all())


def test_poses_are_drawn_within_the_ranges_of_the_file(tmp_path):
    dog, horse = make_body("capsule-dog"), make_body("capsule-dog", write(tmp_path, HORSE))
    turns = {}
    for name, body in (("dog", dog), ("horse", horse)):
        poses = sample_poses(body, 500, torch.Generator().manual_seed(0), ALL)
        bones = [body.bone(b) for b in ("neck", "left_hip", "right_hip")]
        turns[name] = roma.rotmat_to_rotvec(poses[:, bones]).rad2deg()
    # About x: 30 back and 45 forward of the dog; the other components leave it nearly alone.
    assert turns["dog"][:, 0, 0].min() < -20
    assert turns["horse"][:, 0, 0].min() > -10
    assert turns["horse"][:, 0, 0].max() > turns["dog"][:, 0, 0].max() + 5
    # About y: outwards only, and so to the other side on the other side.
    left, right = turns["horse"][:, 1, 1], turns["horse"][:, 2, 1]
    assert left.min() < -12
    assert right.max() > 12
    assert abs(float(left.min() + right.max())) < 8


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("scale = ", "is no TOML"),
        ("scale = -1", "scale must be a number above 0, at most 1000, not -1"),
        ("scale = nan", "scale must be a number above 0, at most 1000, not nan"),
        ("scale = 1e30", "at most 1000, not 1e+30"),
        ("bones = " + 5000 * "[", "tables lie too deep in each other"),
        ("legs = 6", "'legs' is not known; known are scale, bones, ranges"),
        ("bones = 3", "bones must be tables such as"),
        (
            "[bones.neck]\nlength = 3",
            "bone 'neck': CapsuleBone has no field 'length'; its fields are",
        ),
        (
            "[bones.neck]\nhead = [1, 2]",
            "bone 'neck': CapsuleBone.head must be a list of 3, got [1, 2]",
        ),
        (
            "[bones.neck]\nhead = [1, 2, inf]",
            "bone 'neck': head holds inf; at most 1000 is allowed",
        ),
        ("[bones.neck]\nradii = [0.1, 0]", "bone 'neck' has no size"),
        ("[bones.neck]\npart = 3", "CapsuleBone.part must be of type str, got 3"),
        ("[bones.horn]\nparent = 'head'", "bone 'horn': CapsuleBone needs the field 'head'"),
        (
            "[bones.horn]\nparent = 'hat'\nhead = [0, 0, 0]\ntail = [0, 0, 1]\nradii = [1, 1]",
            "needs a known parent; there are pelvis, spine1",
        ),
        ("[bones.neck]\nwidth = 0", "bone 'neck' has no size"),
        ("[bones.neck]\nname = 'nape'", "must be a table, without name"),
        ("[bones]\nneck = 3", "bone 'neck' must be a table"),
        ("[bones.horn]\nhead = [0, 0, 0]", "bone 'horn': CapsuleBone needs the field"),
        ("[bones.left_hip]\nradii = [1, 1]", "'left_hip' is one side; say '{s}_hip'"),
        ("[ranges.wing]\nabout_x = [1, 1]", "range of 'wing': there is no such bone"),
        ("[ranges.neck]\nabout_x = [-5, 5]", "-5 degrees; both ways are given from 0 on"),
        ("[ranges.neck]\nalong = 'w'", "along must be one of ('x', 'y', 'z'), got 'w'"),
    ],
)
def test_what_a_body_cannot_be_is_told(tmp_path, text, said):
    with pytest.raises(FileError) as told:
        make_body("capsule-dog", write(tmp_path, text))
    assert said in str(told.value)
    assert "animal.toml" in str(told.value)
    assert "\n" not in str(told.value)


def test_a_file_that_is_not_there_is_told(tmp_path):
    with pytest.raises(FileNotFoundError):
        make_body(f"capsule-human:{tmp_path / 'none.toml'}")

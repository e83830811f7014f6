"""Every format is a sound forest with a sound mirror."""

from itertools import product

import numpy as np
import pytest

from vitruve.skeletons import SKELETONS, Skeleton, recognise_joints, skeleton
from vitruve.skeletons.skeleton import UNREACHABLE, side_of

FORMATS = list(SKELETONS)


@pytest.mark.parametrize("name", FORMATS)
def test_format_is_sound(name: str) -> None:
    s = SKELETONS[name]
    assert s.name == name
    assert s.source
    assert len(set(s.names)) == s.num_joints == len(s.parents)
    assert all(s.mirror_index[m] == j for j, m in enumerate(s.mirror_index))
    assert sorted(s.left + s.right + s.centre) == list(range(s.num_joints))
    for (a, b), (c, d) in s.limbs:
        assert (s.mirror_index[a], s.mirror_index[b]) == (c, d)
    for j in range(s.num_joints):
        assert s.index(s.names[j]) == j


@pytest.mark.parametrize("name", FORMATS)
def test_mirror_swaps_the_side_in_the_name(name: str) -> None:
    s = SKELETONS[name]
    for left, right in zip(s.left, s.right, strict=True):
        if s.names[left].startswith("left_"):
            assert s.names[right] == "right_" + s.names[left].removeprefix("left_")
        else:
            assert side_of(s.names[right]) != "left"


@pytest.mark.parametrize("name", ["h36m_17", "coco_17", "mediapipe_33", "smpl_24", "ghum_35"])
def test_tree_is_the_same_seen_in_a_mirror(name: str) -> None:
    s = SKELETONS[name]
    image = {-1: -1} | dict(enumerate(s.mirror_index))
    assert all(s.parents[image[j]] == image[p] for j, p in enumerate(s.parents))


@pytest.mark.parametrize("name", ["h36m_17", "coco_17", "smpl_24", "horse10_22", "openpose_25"])
def test_distances_agree_with_floyd_warshall(name: str) -> None:
    s = SKELETONS[name]
    steps = np.full((s.num_joints, s.num_joints), np.inf)
    np.fill_diagonal(steps, 0)
    for a, b in [*s.edges, *((p, j) for j, p in enumerate(s.parents) if p >= 0)]:
        steps[a, b] = steps[b, a] = 1
    for k, i, j in product(range(s.num_joints), repeat=3):
        steps[i, j] = min(steps[i, j], steps[i, k] + steps[k, j])
    steps[np.isinf(steps)] = UNREACHABLE
    assert np.array_equal(np.array(s.distances), steps)


def test_limb_pairs_of_human36m() -> None:
    assert skeleton("h36m_17").limbs == (
        ((4, 5), (1, 2)),
        ((5, 6), (2, 3)),
        ((11, 12), (14, 15)),
        ((12, 13), (15, 16)),
    )


@pytest.mark.parametrize(
    "names",
    [
        ("Hips", "LeftUpLeg", "RightUpLeg"),
        ("root", "hip.L", "hip.R"),
        ("pelv", "lhip", "rhip"),
        ("root", "thigh_l", "thigh_r"),
        ("b", "left_hip", "right_hip"),
        ("root", "LHip", "RHip"),
        ("mixamorig:Hips", "mixamorig:LeftArm", "mixamorig:RightArm"),
    ],
)
def test_bare_skeleton_derives_the_rest(names: tuple[str, ...]) -> None:
    s = Skeleton("mine", names, (-1, 0, 0))
    assert s.mirror_index == (0, 2, 1)
    assert (s.left, s.right, s.centre, s.root) == ((1,), (2,), (0,), 0)
    assert s.edges == ((0, 1), (0, 2))
    assert hash(s) == hash(Skeleton("mine", names, (-1, 0, 0)))


@pytest.mark.parametrize(
    ("names", "parents", "message"),
    [
        (("a", "b"), (-1,), "2 names but 1 parents"),
        (("a", "a"), (-1, 0), "'a' is used twice"),
        (("a", "b"), (1, 0), "form a cycle"),
        (("a", "b"), (-1, 1), "form a cycle"),
        (("a", "b"), (-1, 2), "parent 2 of joint 'b' is out of range"),
        (("a", "b"), (-2, 0), "parent -2 of joint 'a' is out of range"),
    ],
)
def test_unsound_tree_is_refused(
    names: tuple[str, ...], parents: tuple[int, ...], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        Skeleton("mine", names, parents)


def test_unsound_extras_are_refused() -> None:
    with pytest.raises(ValueError, match="mirroring joint 0 twice"):
        Skeleton("mine", ("a", "b"), (-1, 0), mirror_index=(1, 1))
    with pytest.raises(ValueError, match="1 mirror entries"):
        Skeleton("mine", ("a", "b"), (-1, 0), mirror_index=(0,))
    with pytest.raises(ValueError, match="root 7"):
        Skeleton("mine", ("a", "b"), (-1, 0), root=7)
    with pytest.raises(ValueError, match="edge"):
        Skeleton("mine", ("a", "b"), (-1, 0), edges=((0, 9),))
    with pytest.raises(ValueError, match="aliases must name every joint"):
        Skeleton("mine", ("a", "b"), (-1, 0), aliases=("x",))


def test_wrong_names_get_the_closest() -> None:
    with pytest.raises(KeyError, match="no skeleton 'coco17'; did you mean 'coco_17'"):
        skeleton("coco17")
    with pytest.raises(KeyError, match="has no joint 'left_kne'; did you mean 'left_knee'"):
        skeleton("coco_17").index("left_kne")
    with pytest.raises(KeyError, match="Known: "):
        skeleton("")


def test_sources_own_names_are_understood() -> None:
    assert skeleton("cmu_amc_31").index("lfemur") == skeleton("cmu_amc_31").index("left_knee")
    assert skeleton("anny") is skeleton("anny_default_163")
    assert recognise_joints(skeleton("coco_19").aliases) == skeleton("coco_19")
    assert recognise_joints(("nobody", "knows")) is None
    assert recognise_joints(()) is None

"""Line forms: what each draws, on any skeleton."""

import pytest

import vitruve
from vitruve.skeletons.line_forms import LINE_FORMS, line_form

H36M_18 = vitruve.skeleton("h36m_18")
ARMS = {"left_elbow", "left_wrist", "right_elbow", "right_wrist"}


def drawn(form, skeleton=H36M_18):
    return {
        frozenset((skeleton.names[a], skeleton.names[b]))
        for a, b in line_form(skeleton, form).lines
    }


def test_stages_loosen():
    tight, medium, loose = (drawn(form) for form in ("tight", "medium", "loose"))
    assert not any(line & ARMS for line in tight)
    assert loose < medium
    assert drawn("tree") < loose
    assert len(tight - medium) == 4


@pytest.mark.parametrize("form", LINE_FORMS)
def test_forms_are_symmetric_and_joined(form):
    at, lines = H36M_18.names.index, drawn(form)
    mirrored = {
        frozenset(H36M_18.names[H36M_18.mirror_index[at(end)]] for end in line) for line in lines
    }
    assert mirrored == lines


def test_arms_are_thin_whatever_the_skeleton():
    for name in ("h36m_17", "coco_17", "smpl_24"):
        skeleton = vitruve.skeleton(name)
        form = line_form(skeleton)
        thin = {end for i in form.thin for end in form.lines[i]}
        assert any("elbow" in skeleton.names[j] for j in thin)
        assert not any("knee" in skeleton.names[j] for j in thin)


def test_dots_draw_every_joint_and_no_line():
    assert line_form(H36M_18, "dots").lines == tuple((j, j) for j in range(18))


def test_a_dog_has_a_tree():
    dog = vitruve.skeleton("stanfordextra_24")
    assert len(line_form(dog).lines) == sum(parent >= 0 for parent in dog.parents)


def test_unknown_forms_are_refused():
    with pytest.raises(KeyError, match="no line form 'wide'; there are"):
        line_form(H36M_18, "wide")
    with pytest.raises(KeyError, match="'tight' needs a joint 'pelvis', which skeleton 'coco_17'"):
        line_form(vitruve.skeleton("coco_17"), "tight")

"""Which lines stand for a body when a skeleton is drawn as a mask.

Yang et al., "Mask as Supervision", 2023, https://arxiv.org/abs/2312.07051, figure 7: beside the
bones, lines that fill the trunk; fewer of them in each stage of the training. The paper shows
the forms of its 18 joints as a picture; which lines exactly is ours: the tree, and eight that the
released code of the later X as Supervision draws.
"""

from dataclasses import dataclass

from vitruve.skeletons.skeleton import Skeleton

Line = tuple[int, int]


@dataclass(frozen=True)
class LineForm:
    """Lines between joints; the same joint twice is a dot."""

    lines: tuple[Line, ...]
    """Both ends of each, as numbers of joints."""
    thin: tuple[int, ...] = ()
    """Numbers of the lines that are drawn thinner, as arms are."""


_TRUNK: tuple[tuple[str, str], ...] = (
    ("spine", "right_hip"),
    ("spine", "left_hip"),
    ("spine", "left_shoulder"),
    ("spine", "right_shoulder"),
    ("pelvis", "right_knee"),
    ("pelvis", "left_knee"),
)
_SIDES: tuple[tuple[str, str], ...] = (
    ("right_hip", "right_shoulder"),
    ("left_hip", "left_shoulder"),
)
_CLOSING: tuple[tuple[str, str], ...] = (
    ("right_hip", "left_hip"),
    ("left_shoulder", "right_shoulder"),
    ("right_hip", "left_shoulder"),
    ("left_hip", "right_shoulder"),
)
_ARM_ENDS = ("elbow", "wrist", "hand")
LINE_FORMS: dict[str, tuple[bool, tuple[tuple[str, str], ...]]] = {
    "tight": (False, _TRUNK + _SIDES + _CLOSING),
    "medium": (True, _TRUNK + _SIDES),
    "loose": (True, _SIDES),
    "tree": (True, ()),
    "trunk": (False, ()),
}
"""Form -> whether its arms are drawn, and the lines beside the bones, by the joints' names."""


def line_form(skeleton: Skeleton, name: str = "tree") -> LineForm:
    """The lines of a form.

    Every skeleton has ``tree``, its bones; ``trunk``, its bones without arms below the shoulder;
    and ``dots``, its joints alone, which is the paper's baseline. Those with the joints that their
    lines need, such as ``h36m_18``, also have ``tight``, ``medium`` and ``loose``. Lines that end
    in an elbow, a wrist or a hand are thin.

    Raises:
        KeyError: There is no such form, or the skeleton lacks a joint of it.
    """
    if name == "dots":
        return LineForm(tuple((j, j) for j in range(skeleton.num_joints)))
    if name not in LINE_FORMS:
        raise KeyError(f"no line form {name!r}; there are {sorted([*LINE_FORMS, 'dots'])}")
    arms, extra = LINE_FORMS[name]
    at = {joint: j for j, joint in enumerate(skeleton.names)}
    if lacking := sorted({end for line in extra for end in line} - at.keys()):
        raise KeyError(
            f"line form {name!r} needs a joint {lacking[0]!r}, which skeleton {skeleton.name!r} "
            "lacks; take 'tree' or 'trunk'"
        )
    ends = {j for joint, j in at.items() if any(end in joint for end in _ARM_ENDS)}
    bones = ((p, j) for j, p in enumerate(skeleton.parents) if p >= 0)
    drawn = tuple(bone for bone in bones if arms or bone[1] not in ends)
    lines = drawn + tuple((at[a], at[b]) for a, b in extra)
    return LineForm(lines, tuple(i for i, line in enumerate(lines) if ends & set(line)))


def fullest_form(skeleton: Skeleton) -> str:
    """Lines that fill the trunk where the skeleton has their joints, else its bones."""
    try:
        line_form(skeleton, "loose")
    except KeyError:
        return "tree"
    return "loose"

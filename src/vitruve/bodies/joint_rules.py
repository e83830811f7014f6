"""Where bodies have the points that joint formats ask for, as data.

Heights of trunk joints above the pelvis are those of `vitruve.skeletons.rules`, put onto each body
where its spine is. Skin points of SMPL are the vertices its authors' code names.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from vitruve.skeletons import skeleton

Weights = Mapping[str, float]


@dataclass(frozen=True)
class JointRules:
    """How the joints of formats are found on one body."""

    definitions: str
    """Whose definitions the points follow, as in `Skeleton.definitions`."""
    points: Mapping[str, Weights] = field(default_factory=dict)
    """Name of a point to the bones (by name or role) and landmarks whose mean it is. Roles and
    landmarks are points of their own name without a rule."""
    of_formats: Mapping[str, Mapping[str, Weights]] = field(default_factory=dict)
    """For formats with these definitions, joints as means of points: these come first."""


def _sided(rules: Mapping[str, Weights]) -> dict[str, Weights]:
    """Rules with ``{s}`` written out for both sides."""
    out: dict[str, Weights] = {}
    for name, parts in rules.items():
        for side, letter in (("left", "L"), ("right", "R")) if "{s}" in name else (("", ""),):
            spelt = {p.replace("{s}", side).replace("{S}", letter): w for p, w in parts.items()}
            out[name.replace("{s}", side)] = spelt
    return out


_HIPS = {"left_hip": 0.5, "right_hip": 0.5}
_FINGERS = {
    f"{{s}}_{name}{i}": {f"finger{n}-{i}.{{S}}": 1.0}
    for n, name in enumerate(("thumb", "index", "middle", "ring", "pinky"), start=1)
    for i in (1, 2, 3)
}
_SMPL_JOINTS = {
    name: {name: 1.0}
    for side in ("left", "right")
    for name in (
        *(f"{side}_{joint}" for joint in ("hip", "knee", "ankle", "foot")),
        *(f"{side}_{joint}" for joint in ("collar", "shoulder", "elbow", "wrist")),
    )
} | {name: {name: 1.0} for name in ("pelvis", "spine1", "spine2", "spine3", "neck", "head")}

ANNY = JointRules(
    "anny",
    _sided(
        _FINGERS
        | {"{s}_foot": {"toe2-1.{S}": 1.0}}
        | {f"spine0{i}": {f"spine0{i}": 1.0} for i in (1, 2, 3, 4, 5)}
        | {"thorax": {"spine01": 0.25, "neck01": 0.75}, "spine": {"spine02": 1.0}}
        | {"upper_neck": {"neck03": 1.0}}
    ),
    {
        "h36m": {
            "pelvis": _HIPS,
            **_sided({"{s}_fingers": {"{s}_middle3": 1.0}, "{s}_thumb": {"{s}_thumb2": 1.0}}),
        },
        "smpl": {**_SMPL_JOINTS, **_sided({"{s}_hand": {"{s}_middle1": 1.0}})},
        "mpii": {"pelvis": _HIPS},
        "3dhp": {
            "pelvis": _HIPS,
            "spine2": {"spine03": 1.0},
            "spine3": {"spine01": 1.0},
            **_sided({"{s}_clavicle": {"{s}_collar": 1.0}, "{s}_hand": {"{s}_middle1": 1.0}}),
        },
        "cmu": {
            "lower_back": {"spine03": 1.0},
            "upper_back": {"spine02": 1.0},
            "thorax": {"spine01": 1.0},
            "forehead": {"head": 0.6, "head_top": 0.4},
            **_sided({"{s}_fingers": {"{s}_middle3": 1.0}, "{s}_hand": {"{s}_middle1": 1.0}}),
        },
        "gpa_34": {"pelvis": _HIPS},
    },
)

CAPSULE_HUMAN = JointRules(
    "anny",
    {"thorax": {"spine3": 0.3, "neck": 0.7}, "spine": {"spine2": 1.0}},
    {
        "h36m": {"pelvis": _HIPS},
        "mpii": {"pelvis": _HIPS},
        "3dhp": {"pelvis": _HIPS},
        "smpl": _SMPL_JOINTS,
    },
)
"""Its joints are heads of bones, as Anny's."""

_DOG_POINTS = _sided(
    {
        "{s}_front_leg_paw": {"{s}_front_paw": 1.0},
        "{s}_front_leg_middle_joint": {"{s}_front_wrist": 1.0},
        "{s}_front_leg_top": {"{s}_front_elbow": 1.0},
        "{s}_rear_leg_paw": {"{s}_rear_paw": 1.0},
        "{s}_rear_leg_middle_joint": {"{s}_hock": 1.0},
        "{s}_rear_leg_top": {"{s}_knee": 1.0},
        "tail_start": {"tail1": 1.0},
        "{s}_ear_base": {"{s}_ear": 1.0},
    }
)
"""As BARC finds the keypoints of StanfordExtra on SMAL: a leg's top is its elbow or knee."""
CAPSULE_DOG = JointRules("animal", _DOG_POINTS)

SMPL = JointRules("smpl")
SMPLX = JointRules("smpl", {name: {name: 1.0} for name in skeleton("smplx_55").names})
SMAL = JointRules(
    "animal",
    _DOG_POINTS
    | {"tail_end": {"tail7": 1.0}}
    | {name: {name: 1.0} for name in skeleton("smal_35").names},
)
"""Their joints are what their formats name."""

RULES_OF_BODIES: dict[str, JointRules] = {
    "anny": ANNY,
    "capsule-human": CAPSULE_HUMAN,
    "capsule-dog": CAPSULE_DOG,
    "smpl": SMPL,
    "smplx": SMPLX,
    "smal": SMAL,
}
"""Name of a body's anatomy to its rules; another body has the points it names itself."""

SMPL_LANDMARKS: dict[str, int] = {
    "nose": 332,
    "right_eye": 6260,
    "left_eye": 2800,
    "right_ear": 4071,
    "left_ear": 583,
    "left_big_toe": 3216,
    "left_small_toe": 3226,
    "left_heel": 3387,
    "right_big_toe": 6617,
    "right_small_toe": 6624,
    "right_heel": 6787,
    "head_top": 411,
}
"""Vertices of SMPL's mesh: ``vertex_ids.py`` of github.com/vchoutas/smplx; the crown as in SPIN."""

SMPLX_LANDMARKS: dict[str, int] = {
    "nose": 9120,
    "right_eye": 9929,
    "left_eye": 9448,
    "right_ear": 616,
    "left_ear": 6,
    "left_big_toe": 5770,
    "left_small_toe": 5780,
    "left_heel": 8846,
    "right_big_toe": 8463,
    "right_small_toe": 8474,
    "right_heel": 8635,
    "left_thumb4": 5361,
    "left_index4": 4933,
    "left_middle4": 5058,
    "left_ring4": 5169,
    "left_pinky4": 5286,
    "right_thumb4": 8079,
    "right_index4": 7669,
    "right_middle4": 7794,
    "right_ring4": 7905,
    "right_pinky4": 8022,
}
"""Vertices of SMPL-X's mesh, from the same file."""

SMAL_LANDMARKS: dict[str, int] = {
    "nose": 1863,
    "chin": 26,
    "left_ear_tip": 150,
    "right_ear_tip": 2124,
    "left_eye": 3055,
    "right_eye": 1097,
    "withers": 20,
    "throat": 6,
}
"""Vertices of SMAL's mesh: the first six as in github.com/benjiebob/SMALify, the others as in
github.com/runa91/bite_release."""

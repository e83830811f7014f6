"""What joints mean across formats, as data: shared landmarks, known differences, geometric rules.

Fractions along the trunk come from standing heights above the pelvis of an adult of about 1.7 m:
spine (mid-trunk) 0.23 m, mid-shoulders 0.46 m, thorax 0.49 m, skull base 0.60 m, nose 0.66 m,
ears 0.68 m, top of the head 0.80 m. A rule is affine, so it turns and scales with the person.
"""

import re
from dataclasses import dataclass
from typing import Literal

Quality = Literal["exact", "approximate", "absent"]


@dataclass(frozen=True)
class Rule:
    """One way to get a joint. ``{s}`` stands for ``left`` and ``right``."""

    target: str
    weights: dict[str, float]
    """Meaning of each source joint and its weight; the weights sum to 1."""
    why: str
    quality: Literal["exact", "approximate"] = "approximate"


LANDMARKS = re.compile(
    r"hip|knee|ankle|shoulder|elbow|wrist|nose|eye|ear|mouth|eye_inner|eye_outer|big_toe|small_toe|"
    r"heel|hand_root|(thumb|index|middle|ring|pinky)[1-4]|face_\d+"
)
"""Points that sources place alike, so that equal names are equal points; others only roughly."""

DIFFERENT: dict[str, tuple[str, str]] = {
    "smpl": (
        r"hip|shoulder|(thumb|index|middle|ring|pinky)[1-3]",
        "SMPL joints are regressed from the body mesh; hips and shoulders lie nearer the midline",
    ),
    "cmu": (
        "hip|shoulder",
        "CMU hips lie 8 to 9 cm from the midline (Human3.6M 13 cm), its clavicle ends about 10 cm "
        "higher and 7 cm wider than shoulders",
    ),
    "anny": ("hip|shoulder", "heads of animation bones, not labelled joint centres"),
    "makehuman": ("hip|shoulder", "heads of animation bones, not labelled joint centres"),
    "lsp": ("hip", "LSP hips follow a labelling of their own"),
    "animal": (".*", "an animal's landmark"),
}
"""Landmarks (a pattern) that a source places elsewhere than the others, and how."""

_PRIVATE = re.compile(r"(spine|neck)_?\d+|spine_base|.*_clavicle|.*_collar")
"""Trunk points that only mean something inside one source."""

_MEANINGS = {
    ("openpose", "neck"): "mid_shoulder",
    ("panoptic", "neck"): "mid_shoulder",
    ("3dhp", "head"): "neck_base_or_nose",
    ("smpl", "neck"): "smpl:neck",
    ("smpl", "head"): "skull_base",
    ("anny", "head"): "skull_base",
    ("makehuman", "head"): "skull_base",
    ("ghum", "head"): "skull_base",
    ("cmu", "thorax"): "cmu:thorax",
    ("smpl", "left_hand"): "smpl:left_hand",
    ("smpl", "right_hand"): "smpl:right_hand",
    ("kinect", "left_foot"): "left_toe",
    ("kinect", "right_foot"): "right_toe",
}


def meaning(definitions: str, name: str) -> str:
    """The anatomical point that ``name`` stands for in a source's definitions."""
    if (definitions, name) in _MEANINGS:
        return _MEANINGS[definitions, name]
    if definitions == "animal" and name not in {"nose", "left_eye", "right_eye"}:
        return f"animal:{name}"
    if _PRIVATE.fullmatch(name) or (definitions == "ubody3d_137" and name.startswith("face_")):
        return f"{definitions}:{name}"
    return name


_RULES = (
    Rule("mid_hip", {"left_hip": 0.5, "right_hip": 0.5}, "midpoint of the hips", "exact"),
    Rule("mid_hip", {"pelvis": 1.0}, "pelvis, which may differ by a few centimetres"),
    Rule("pelvis", {"mid_hip": 1.0}, "mid-hips; pelvis definitions differ by a few centimetres"),
    Rule(
        "mid_shoulder",
        {"left_shoulder": 0.5, "right_shoulder": 0.5},
        "midpoint of the shoulders",
        "exact",
    ),
    Rule("mid_ear", {"left_ear": 0.5, "right_ear": 0.5}, "midpoint of the ears", "exact"),
    Rule("thorax", {"smpl:neck": 1.0}, "SMPL's neck, at the base of the neck"),
    Rule("thorax", {"lower_neck": 1.0}, "end of CMU's lower neck bone"),
    Rule("thorax", {"neck": 1.0}, "neck, at its base"),
    Rule("thorax", {"mid_shoulder": 1.0}, "mid-shoulders"),
    Rule("neck", {"smpl:neck": 1.0}, "SMPL's neck, at the base of the neck"),
    Rule("neck", {"lower_neck": 1.0}, "end of CMU's lower neck bone"),
    Rule("neck", {"thorax": 1.0}, "thorax, at the base of the neck"),
    Rule("spine", {"smpl:spine2": 1.0}, "SMPL's second spine joint, at mid-trunk"),
    Rule("spine", {"upper_back": 1.0}, "end of CMU's upper back bone, at mid-trunk"),
    Rule("spine", {"pelvis": 0.5, "thorax": 0.5}, "halfway from pelvis to thorax"),
    Rule("smpl:spine1", {"pelvis": 0.53, "spine": 0.47}, "47 % from pelvis to mid-trunk"),
    Rule("smpl:spine2", {"spine": 1.0}, "mid-trunk"),
    Rule("smpl:spine3", {"spine": 0.75, "thorax": 0.25}, "25 % from mid-trunk to thorax"),
    Rule("smpl:neck", {"thorax": 1.0}, "thorax, at the base of the neck"),
    Rule(
        "smpl:{s}_collar",
        {"{s}_shoulder": 0.45, "smpl:spine3": 0.35, "smpl:neck": 0.2},
        "between shoulder, upper spine and neck",
    ),
    Rule("lower_back", {"pelvis": 0.53, "spine": 0.47}, "47 % from pelvis to mid-trunk"),
    Rule("upper_back", {"spine": 1.0}, "mid-trunk"),
    Rule("cmu:thorax", {"spine": 0.55, "thorax": 0.45}, "45 % from mid-trunk to thorax"),
    Rule("lower_neck", {"thorax": 1.0}, "thorax, at the base of the neck"),
    Rule("anny:spine05", {"pelvis": 1.0}, "pelvis"),
    Rule("anny:spine04", {"pelvis": 0.65, "spine": 0.35}, "35 % from pelvis to mid-trunk"),
    Rule("anny:spine03", {"pelvis": 0.37, "spine": 0.63}, "63 % from pelvis to mid-trunk"),
    Rule("anny:spine02", {"spine": 1.0}, "mid-trunk"),
    Rule("anny:spine01", {"spine": 0.4, "thorax": 0.6}, "60 % from mid-trunk to thorax"),
    Rule(
        "neck_base_or_nose",
        {"nose": 0.7, "mid_shoulder": 0.3},
        "70 % from mid-shoulders to nose: Human3.6M's point lies behind and below the nose",
    ),
    Rule("neck_base_or_nose", {"skull_base": 1.0}, "skull base, behind Human3.6M's point"),
    Rule("neck_base_or_nose", {"upper_neck": 1.0}, "upper neck, at chin height"),
    Rule("neck_base_or_nose", {"lower_neck": 0.5, "forehead": 0.5}, "neck to forehead, halfway"),
    Rule("neck_base_or_nose", {"neck": 0.4, "head": 0.6}, "60 % from neck to head"),
    Rule("neck_base_or_nose", {"neck": 0.6, "head_top": 0.4}, "40 % from neck to top of head"),
    Rule(
        "nose",
        {"neck_base_or_nose": 1.43, "mid_shoulder": -0.43},
        "from mid-shoulders through Human3.6M's face point and 43 % on",
    ),
    Rule("skull_base", {"thorax": 0.25, "neck_base_or_nose": 0.75}, "75 % from thorax to face"),
    Rule("skull_base", {"mid_shoulder": 0.4, "mid_ear": 0.6}, "60 % from mid-shoulders to ears"),
    Rule("upper_neck", {"thorax": 0.3, "skull_base": 0.7}, "70 % from thorax to skull base"),
    Rule("head_top", {"mid_ear": 1.5, "mid_shoulder": -0.5}, "shoulders to ears, half as far on"),
    Rule("head_top", {"skull_base": 1.8, "mid_shoulder": -0.8}, "shoulders to skull base, 80 % on"),
    Rule(
        "head_top",
        {"skull_base": 1.5, "smpl:spine2": -0.5},
        "from mid-trunk to skull base and half as far on",
    ),
    Rule("head", {"mid_ear": 1.0}, "midpoint of the ears"),
    Rule("head", {"neck_base_or_nose": 0.5, "head_top": 0.5}, "halfway from face to top of head"),
    Rule("{s}_wrist", {"{s}_radius": 0.5, "{s}_palm": 0.5}, "between CMU's radius and wrist ends"),
    Rule("{s}_wrist", {"{s}_hand_root": 1.0}, "root of the hand model"),
    Rule("{s}_radius", {"{s}_elbow": 0.2, "{s}_wrist": 0.8}, "80 % from elbow to wrist"),
    Rule("{s}_hand_root", {"{s}_wrist": 1.0}, "wrist of the body model"),
    Rule("{s}_upperleg02", {"{s}_hip": 0.5, "{s}_knee": 0.5}, "middle of the thigh"),
    Rule("{s}_lowerleg02", {"{s}_knee": 0.5, "{s}_ankle": 0.5}, "middle of the shank"),
    Rule("{s}_upperarm02", {"{s}_shoulder": 0.5, "{s}_elbow": 0.5}, "middle of the upper arm"),
    Rule("{s}_lowerarm02", {"{s}_elbow": 0.5, "{s}_wrist": 0.5}, "middle of the forearm"),
    Rule("{s}_index1", {"{s}_index": 1.0}, "index knuckle"),
    Rule("{s}_pinky1", {"{s}_pinky": 1.0}, "little finger's knuckle"),
    Rule("{s}_index", {"{s}_index1": 1.0}, "index knuckle"),
    Rule("{s}_pinky", {"{s}_pinky1": 1.0}, "little finger's knuckle"),
    Rule("smpl:{s}_hand", {"{s}_middle1": 1.0}, "middle knuckle"),
    Rule("smpl:{s}_hand", {"{s}_index1": 0.5, "{s}_pinky1": 0.5}, "middle of the knuckles"),
    Rule(
        "{s}_foot",
        {"{s}_heel": 0.27, "{s}_big_toe": 0.365, "{s}_small_toe": 0.365},
        "ball of the foot, 73 % from heel to toes",
    ),
    Rule("{s}_foot", {"{s}_heel": 0.27, "{s}_foot_index": 0.73}, "73 % from heel to toes"),
    Rule("{s}_foot", {"{s}_ankle": 0.36, "{s}_toe": 0.64}, "64 % from ankle to tip of the foot"),
    Rule("{s}_toe", {"{s}_big_toe": 0.5, "{s}_small_toe": 0.5}, "between big and small toe"),
    Rule("{s}_toe", {"{s}_foot_index": 1.0}, "tip of the foot"),
    Rule("{s}_foot_index", {"{s}_big_toe": 1.0}, "big toe"),
    Rule("{s}_foot_index", {"{s}_toe": 1.0}, "end of the toes"),
    Rule("{s}_big_toe", {"{s}_foot_index": 1.0}, "tip of the foot"),
)


def _sided(rule: Rule, side: str) -> Rule:
    weights = {name.replace("{s}", side): w for name, w in rule.weights.items()}
    return Rule(rule.target.replace("{s}", side), weights, rule.why, rule.quality)


RULES: dict[str, tuple[Rule, ...]] = {}
"""Meaning of a joint to the rules for it, best first."""
for _rule in _RULES:
    for _side in ("left", "right") if "{s}" in _rule.target else ("centre",):
        _one = _sided(_rule, _side)
        RULES[_one.target] = (*RULES.get(_one.target, ()), _one)

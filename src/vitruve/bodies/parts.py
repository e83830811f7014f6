"""What the bones and surface parts of bodies are called, whichever body has them."""

HUMAN_PARTS = (
    "pelvis", "trunk", "neck", "head",
    "left_upper_arm", "left_forearm", "left_hand",
    "right_upper_arm", "right_forearm", "right_hand",
    "left_thigh", "left_shank", "left_foot",
    "right_thigh", "right_shank", "right_foot",
)  # fmt: skip
"""Parts of a person's surface."""

HUMAN_ROLES = (
    "pelvis", "left_hip", "right_hip", "spine1", "left_knee", "right_knee", "spine2",
    "left_ankle", "right_ankle", "spine3", "left_foot", "right_foot", "neck", "left_collar",
    "right_collar", "head", "left_shoulder", "right_shoulder", "left_elbow", "right_elbow",
    "left_wrist", "right_wrist", "left_hand", "right_hand",
)  # fmt: skip
"""Bones that move a person, named after their first joint: those of SMPL."""

PARTS_OF_ROLES = {
    "pelvis": "pelvis",
    "spine1": "trunk",
    "spine2": "trunk",
    "spine3": "trunk",
    "neck": "neck",
    "head": "head",
    "{s}_collar": "trunk",
    "{s}_shoulder": "{s}_upper_arm",
    "{s}_elbow": "{s}_forearm",
    "{s}_wrist": "{s}_hand",
    "{s}_hand": "{s}_hand",
    "{s}_hip": "{s}_thigh",
    "{s}_knee": "{s}_shank",
    "{s}_ankle": "{s}_foot",
    "{s}_foot": "{s}_foot",
}
"""The part of the surface that each bone of a person carries."""


def human_part(role: str) -> str:
    """The part of the surface that a bone of a person carries.

    Raises:
        KeyError: The role is none of `HUMAN_ROLES`.
    """
    side = role.partition("_")[0]
    if side in ("left", "right"):
        return PARTS_OF_ROLES[role.replace(side, "{s}", 1)].replace("{s}", side)
    return PARTS_OF_ROLES[role]

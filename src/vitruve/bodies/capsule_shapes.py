"""The capsule bodies we have: a person of 1.72 m and a dog whose back stands at 0.6 m.

Bones as in `capsule`: metres, the rest pose of `base`. Lengths and girths are our own rough means.
"""

from vitruve.bodies.capsule import CapsuleBone, CapsuleConfig

HUMAN = CapsuleConfig(
    "capsule-human",
    (
        CapsuleBone("pelvis", "", (0, 0, 0.93), (0, 0, 0.99), (0.105, 0.1), "pelvis", width=1.45),
        CapsuleBone(
            "spine1", "pelvis", (0, 0.01, 1.03), (0, 0.01, 1.12), (0.098, 0.1), "trunk", width=1.35
        ),
        CapsuleBone(
            "spine2", "spine1", (0, 0.01, 1.16), (0, 0, 1.24), (0.105, 0.11), "trunk", width=1.4
        ),
        CapsuleBone(
            "spine3", "spine2", (0, 0.01, 1.27), (0, 0, 1.35), (0.11, 0.09), "trunk", width=1.5
        ),
        CapsuleBone("neck", "spine3", (0, 0.02, 1.45), (0, 0, 1.54), (0.056, 0.054), "neck"),
        CapsuleBone(
            "head", "neck", (0, 0, 1.55), (0, -0.02, 1.635), (0.075, 0.088), "head", width=0.85
        ),
        CapsuleBone(
            "{s}_collar", "spine3", (0.03, 0, 1.4), (0.15, 0, 1.41), (0.06, 0.06), "trunk"
        ),
        CapsuleBone(
            "{s}_shoulder", "{s}_collar", (0.17, 0, 1.41), (0.44, 0, 1.41), (0.056, 0.042),
            "{s}_upper_arm", "arms",
        ),
        CapsuleBone(
            "{s}_elbow", "{s}_shoulder", (0.455, 0, 1.41), (0.69, 0, 1.41), (0.042, 0.03),
            "{s}_forearm", "arms",
        ),
        CapsuleBone(
            "{s}_wrist", "{s}_elbow", (0.7, 0, 1.41), (0.84, 0, 1.41), (0.034, 0.024),
            "{s}_hand", "arms",
        ),
        CapsuleBone(
            "{s}_hip", "pelvis", (0.095, 0, 0.91), (0.095, 0, 0.52), (0.085, 0.058),
            "{s}_thigh", "legs",
        ),
        CapsuleBone(
            "{s}_knee", "{s}_hip", (0.095, 0, 0.5), (0.095, 0.01, 0.1), (0.056, 0.038),
            "{s}_shank", "legs",
        ),
        CapsuleBone(
            "{s}_ankle", "{s}_knee", (0.095, 0.01, 0.085), (0.1, -0.12, 0.035), (0.036, 0.034),
            "{s}_foot", "legs", 1.15, (0.095, 0.035, 0.04),
        ),
        CapsuleBone(
            "{s}_foot", "{s}_ankle", (0.1, -0.12, 0.03), (0.1, -0.17, 0.03), (0.034, 0.028),
            "{s}_foot", "legs", 1.3,
        ),
    ),
    {
        "nose": ("head", (0, -1, -0.35)),
        "{s}_eye": ("head", (0.5, -1, 0.1)),
        "{s}_ear": ("head", (1, 0.1, -0.1)),
        "head_top": ("head", (0, 0, 1)),
        "{s}_heel": ("{s}_ankle", (0, 1, -0.3)),
        "{s}_big_toe": ("{s}_foot", (-0.5, -1, 0)),
        "{s}_small_toe": ("{s}_foot", (0.5, -1, 0)),
    },
)  # fmt: skip
"""Bones are those of SMPL, less the hands."""

DOG = CapsuleConfig(
    "capsule-dog",
    (
        CapsuleBone(
            "pelvis", "", (0, 0.28, 0.5), (0, 0.2, 0.5), (0.095, 0.095), "trunk", width=0.95
        ),
        CapsuleBone("spine1", "pelvis", (0, 0.16, 0.52), (0, 0.06, 0.5), (0.095, 0.1), "trunk"),
        CapsuleBone("spine2", "spine1", (0, 0.02, 0.51), (0, -0.1, 0.48), (0.105, 0.12), "trunk"),
        CapsuleBone(
            "spine3", "spine2", (0, -0.14, 0.52), (0, -0.26, 0.47), (0.125, 0.105), "trunk",
            width=0.9,
        ),
        CapsuleBone(
            "neck", "spine3", (0, -0.3, 0.54), (0, -0.41, 0.66), (0.085, 0.068), "neck", "neck"
        ),
        CapsuleBone(
            "head", "neck", (0, -0.43, 0.69), (0, -0.48, 0.7), (0.078, 0.068), "head", "head"
        ),
        CapsuleBone(
            "muzzle", "head", (0, -0.52, 0.69), (0, -0.62, 0.67), (0.044, 0.03), "head", "head"
        ),
        CapsuleBone(
            "{s}_ear", "head", (0.055, -0.42, 0.74), (0.085, -0.39, 0.82), (0.03, 0.012),
            "{s}_ear", "head",
        ),
        CapsuleBone("tail1", "pelvis", (0, 0.36, 0.55), (0, 0.44, 0.53), (0.03, 0.026), "tail",
                    "tail"),
        CapsuleBone("tail2", "tail1", (0, 0.45, 0.53), (0, 0.53, 0.47), (0.026, 0.022), "tail",
                    "tail"),
        CapsuleBone("tail3", "tail2", (0, 0.54, 0.46), (0, 0.6, 0.38), (0.022, 0.014), "tail",
                    "tail"),
        CapsuleBone(
            "{s}_front_shoulder", "spine3", (0.07, -0.2, 0.52), (0.085, -0.29, 0.42), (0.06, 0.055),
            "{s}_front_upper", "legs",
        ),
        CapsuleBone(
            "{s}_front_upper", "{s}_front_shoulder", (0.085, -0.3, 0.41), (0.085, -0.22, 0.3),
            (0.055, 0.042), "{s}_front_upper", "legs",
        ),
        CapsuleBone(
            "{s}_front_elbow", "{s}_front_upper", (0.085, -0.22, 0.29), (0.085, -0.24, 0.12),
            (0.038, 0.027), "{s}_front_lower", "legs",
        ),
        CapsuleBone(
            "{s}_front_wrist", "{s}_front_elbow", (0.085, -0.24, 0.11), (0.085, -0.25, 0.04),
            (0.027, 0.026), "{s}_front_paw", "legs",
        ),
        CapsuleBone(
            "{s}_front_paw", "{s}_front_wrist", (0.085, -0.25, 0.035), (0.085, -0.3, 0.025),
            (0.032, 0.025), "{s}_front_paw", "legs",
        ),
        CapsuleBone(
            "{s}_hip", "pelvis", (0.07, 0.27, 0.48), (0.08, 0.19, 0.32), (0.085, 0.055),
            "{s}_rear_upper", "legs",
        ),
        CapsuleBone(
            "{s}_knee", "{s}_hip", (0.08, 0.19, 0.31), (0.08, 0.33, 0.19), (0.05, 0.03),
            "{s}_rear_lower", "legs",
        ),
        CapsuleBone(
            "{s}_hock", "{s}_knee", (0.08, 0.34, 0.18), (0.08, 0.32, 0.05), (0.029, 0.026),
            "{s}_rear_paw", "legs",
        ),
        CapsuleBone(
            "{s}_rear_paw", "{s}_hock", (0.08, 0.32, 0.035), (0.08, 0.26, 0.025), (0.032, 0.025),
            "{s}_rear_paw", "legs",
        ),
    ),
    {
        "nose": ("muzzle", (0, -1, 0.3)),
        "chin": ("muzzle", (0, -0.5, -1)),
        "{s}_eye": ("head", (0.7, -0.8, 0.5)),
        "{s}_ear_tip": ("{s}_ear", (0.3, 0, 1)),
        "tail_end": ("tail3", (0, 1, -1)),
        "withers": ("spine3", (0, 0.3, 1)),
        "throat": ("neck", (0, -0.3, -1)),
        "{s}_front_toes": ("{s}_front_paw", (0, -1, -0.5)),
        "{s}_rear_toes": ("{s}_rear_paw", (0, -1, -0.5)),
    },
)  # fmt: skip
"""A lean dog of middle size."""

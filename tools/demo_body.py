"""The body of the demo clip: Anny's rest mesh, dressed, moved by rigid segments.

Brégier et al., "Anny: a free-to-use 3D human parametric model for all ages", 2025,
https://arxiv.org/abs/2511.03589 (code Apache-2.0, assets CC0). The rest body faces -y, z up.

Axes: v vertices, f faces, t frames, j joints, b segments.
"""

from dataclasses import dataclass

import numpy as np
import torch
from scipy.spatial.transform import Rotation

from demo_motion import LEFT, Foot, Motion

PHENOTYPE = {
    "gender": 0.8,
    "age": 0.65,
    "muscle": 0.62,
    "weight": 0.46,
    "height": 0.42,
    "proportions": 0.7,
}
SIDES = ("L", "R")
SEGMENTS = {
    "pelvis": ("root", "pelvis"),
    "spine05": ("spine05",),
    "spine04": ("spine04",),
    "spine03": ("spine03",),
    "spine02": ("spine02",),
    "spine01": ("spine01",),
    "neck": ("neck",),
    "head": ("head", "eye"),
    "clavicle": ("clavicle", "shoulder"),
    "upperarm": ("upperarm",),
    "forearm": ("lowerarm",),
    "hand": ("wrist", "finger", "metacarpal"),
    "thigh": ("upperleg",),
    "shank": ("lowerleg",),
    "foot": ("foot",),
    "toes": ("toe",),
}
"""Segment and the beginnings of the names of Anny's bones it carries."""
PAIRED = ("clavicle", "upperarm", "forearm", "hand", "thigh", "shank", "foot", "toes")
SPINE = {"spine05": 0.15, "spine04": 0.35, "spine03": 0.6, "spine02": 0.85, "spine01": 1.0}
"""Share of the way from the pelvis' rotation to the chest's."""
DOWN, SIDEWAYS = np.array([0.0, 0.0, -1.0]), np.array([1.0, 0.0, 0.0])


@dataclass(frozen=True)
class Body:
    """A dressed rest body standing on the floor."""

    vertices: np.ndarray
    """(v, 3) metres."""
    faces: np.ndarray
    """(f, 3)."""
    colours: np.ndarray
    """(v, 3) 0 to 1."""
    weights: np.ndarray
    """(v, b) skinning weights."""
    segments: tuple[str, ...]
    heads: dict[str, np.ndarray]
    """Rest place of each of Anny's bones."""
    crown: np.ndarray
    nose: np.ndarray

    @property
    def hips(self) -> np.ndarray:
        """Middle of the hip joints at rest."""
        return (self.heads["upperleg01.L"] + self.heads["upperleg01.R"]) / 2

    @property
    def foot(self) -> Foot:
        """Measures of the foot at rest."""
        ankle, toes = self.heads["foot.L"], self.heads["toe2-1.L"]
        return Foot(float(ankle[2]), float(ankle[1] - toes[1]), float(toes[2]), 0.05)


def load_body() -> Body:
    """Anny's body in our proportions; the first call ever takes a minute."""
    import anny

    model = anny.Anny().float()
    shape = {name: torch.tensor([value]) for name, value in PHENOTYPE.items()}
    rest = torch.eye(4).expand(1, model.bone_count, 4, 4)
    with torch.inference_mode():
        out = model(rest, shape)
    vertices = out["rest_vertices"][0].double().numpy()
    heads = out["rest_bone_heads"][0].double().numpy()
    floor = np.array([0, 0, vertices[:, 2].min()])
    names = list(model.bone_labels)
    segments, weights = _segment_weights(names, model)
    quads = np.asarray(model.faces)
    regressor = anny.keypoints.KeypointsRegressor.coco(model, labels=["nose"])
    nose = regressor.regression_weights.double().numpy()[0] @ vertices
    return Body(
        vertices=vertices - floor,
        faces=quads if quads.shape[1] == 3 else np.concatenate([quads[:, :3], quads[:, [0, 2, 3]]]),
        colours=np.zeros_like(vertices),
        weights=weights,
        segments=segments,
        heads=dict(zip(names, heads - floor, strict=True)),
        crown=vertices[vertices[:, 2].argmax()] - floor,
        nose=nose - floor,
    )


def _segment_weights(
    names: list[str], model: torch.nn.Module
) -> tuple[tuple[str, ...], np.ndarray]:
    """Add up Anny's bone weights per segment."""
    columns, of_bone = [], []
    for name in names:
        segment = next(s for s, starts in SEGMENTS.items() if name.startswith(starts))
        side = f".{name[-1]}" if segment in PAIRED and name.endswith((".L", ".R")) else ""
        if segment + side not in columns:
            columns.append(segment + side)
        of_bone.append(columns.index(segment + side))
    indices = np.asarray(model.vertex_bone_indices)
    values = np.asarray(model.vertex_bone_weights, dtype=float)
    weights = np.zeros((len(indices), len(columns)))
    np.add.at(weights, (np.arange(len(indices))[:, None], np.array(of_bone)[indices]), values)
    return tuple(columns), weights / weights.sum(1, keepdims=True)


@dataclass(frozen=True)
class Posed:
    """Where the segments are in every frame."""

    turns: dict[str, np.ndarray]
    """(t, 3, 3) per segment."""
    places: dict[str, np.ndarray]
    """(t, 3) of the segment's pivot."""
    pivots: dict[str, np.ndarray]
    """(3,) the same point at rest."""

    def carry(self, segment: str, point: np.ndarray) -> np.ndarray:
        """World places (t, 3) of a rest point fixed to a segment."""
        return self.turns[segment] @ (point - self.pivots[segment]) + self.places[segment]


def pose(body: Body, motion: Motion) -> Posed:
    """Drive the rig: spine from the pelvis up, legs by inverse kinematics, arms by angles."""
    posed = Posed({}, {}, {})
    _set(posed, "pelvis", body.hips, motion.pelvis_turn.as_matrix(), motion.pelvis)
    below = "pelvis"
    for name, share in SPINE.items():
        turn = _between(motion.pelvis_turn, motion.chest_turn, share)
        below = _attach(posed, below, name, body.heads[name], turn.as_matrix())
    neck = _between(motion.chest_turn, motion.head_turn, 0.5)
    _attach(posed, below, "neck", body.heads["neck01"], neck.as_matrix())
    _attach(posed, "neck", "head", body.heads["neck03"], motion.head_turn.as_matrix())
    for side, letter in enumerate(SIDES):
        _pose_leg(posed, body, motion, side, letter)
        _pose_arm(posed, body, motion, side, letter)
    return posed


def skin(body: Body, posed: Posed, frame: int) -> np.ndarray:
    """Vertices (v, 3) of one frame by linear blend skinning."""
    out = np.zeros_like(body.vertices)
    for column, segment in enumerate(body.segments):
        rows = np.nonzero(body.weights[:, column])[0]
        local = body.vertices[rows] - posed.pivots[segment]
        moved = local @ posed.turns[segment][frame].T + posed.places[segment][frame]
        out[rows] += body.weights[rows, column, None] * moved
    return out


def joints_h36m(body: Body, posed: Posed) -> dict[str, np.ndarray]:
    """The true joints (t, 3) by their names in h36m_17, at Anny's joint centres.

    Spine is the joint nearest the waist, thorax the middle between the collar bones' inner ends,
    neck_base_or_nose between the skull's joint and the nose, head_top 85 % of the way to the crown.
    """
    heads = body.heads
    collar = (heads["clavicle.L"] + heads["clavicle.R"]) / 2
    found = {
        "spine": posed.carry("spine03", heads["spine03"]),
        "thorax": posed.carry("spine01", collar),
        "neck_base_or_nose": posed.carry("head", (heads["head"] + body.nose) / 2),
        "head_top": posed.carry("head", heads["head"] + 0.85 * (body.crown - heads["head"])),
    }
    limbs = {
        "hip": ("thigh", "upperleg01"),
        "knee": ("shank", "lowerleg01"),
        "ankle": ("foot", "foot"),
        "shoulder": ("upperarm", "upperarm01"),
        "elbow": ("forearm", "lowerarm01"),
        "wrist": ("hand", "wrist"),
    }
    for side, letter in zip(("left", "right"), SIDES, strict=True):
        for joint, (segment, bone) in limbs.items():
            found[f"{side}_{joint}"] = posed.carry(f"{segment}.{letter}", heads[f"{bone}.{letter}"])
    found["pelvis"] = (found["left_hip"] + found["right_hip"]) / 2
    return found


def _pose_leg(posed: Posed, body: Body, motion: Motion, side: int, letter: str) -> None:
    hip, knee, ankle = (body.heads[f"{n}.{letter}"] for n in ("upperleg01", "lowerleg01", "foot"))
    foot_turn = motion.foot_turns[side]
    start, end = posed.carry("pelvis", hip), motion.ankles[:, side]
    heading = Rotation.from_euler("z", motion.yaw[:, None]).as_matrix()[:, :, 1] * -1
    pole = heading + foot_turn.as_matrix() @ np.array([0.0, -1.0, 0.0])
    bend = _two_bones(start, end, pole, (_length(knee - hip), _length(ankle - knee)))
    hinge = np.cross(pole, end - start)
    _set_along(posed, f"thigh.{letter}", (hip, knee), SIDEWAYS, (start, bend, hinge))
    _set_along(posed, f"shank.{letter}", (knee, ankle), SIDEWAYS, (bend, end, hinge))
    _attach(posed, f"shank.{letter}", f"foot.{letter}", ankle, foot_turn.as_matrix())
    toes = body.heads[f"toe2-1.{letter}"]
    toe_turn = motion.toe_turns[side].as_matrix()
    _attach(posed, f"foot.{letter}", f"toes.{letter}", toes, toe_turn)


def _pose_arm(posed: Posed, body: Body, motion: Motion, side: int, letter: str) -> None:
    out = 1 if side == LEFT else -1
    flexion, abduction, elbow = motion.arms[:, side].T
    collar, shoulder, middle, wrist = (
        body.heads[f"{n}.{letter}"] for n in ("clavicle", "upperarm01", "lowerarm01", "wrist")
    )
    chest = Rotation.from_matrix(posed.turns["spine01"])
    raised = np.arccos(np.clip(np.cos(flexion) * np.cos(abduction), -1, 1))
    shrug = Rotation.from_euler("y", -out * 0.3 * np.clip(raised - 0.5, 0, None)[:, None])
    _attach(posed, "spine01", f"clavicle.{letter}", collar, (chest * shrug).as_matrix())
    swing = chest * Rotation.from_euler("XY", np.stack([-flexion, -out * abduction], -1))
    hinge = swing.apply(-SIDEWAYS)
    start = posed.carry(f"clavicle.{letter}", shoulder)
    bend = start + swing.apply(DOWN) * _length(middle - shoulder)
    lower = swing * Rotation.from_euler("x", -elbow[:, None])
    end = bend + lower.apply(DOWN) * _length(wrist - middle)
    rest_hinge = np.cross(middle - shoulder, wrist - middle)
    _set_along(posed, f"upperarm.{letter}", (shoulder, middle), rest_hinge, (start, bend, hinge))
    _set_along(posed, f"forearm.{letter}", (middle, wrist), rest_hinge, (bend, end, hinge))
    _attach(posed, f"forearm.{letter}", f"hand.{letter}", wrist, posed.turns[f"forearm.{letter}"])


def _two_bones(
    start: np.ndarray, end: np.ndarray, pole: np.ndarray, lengths: tuple[float, float]
) -> np.ndarray:
    """The middle joint (t, 3) of two bones between two points, on the pole's side."""
    upper, lower = lengths
    reach = end - start
    span = np.linalg.norm(reach, axis=1, keepdims=True)
    if (span > upper + lower).any():
        frame = int((span[:, 0] / (upper + lower)).argmax())
        raise ValueError(f"frame {frame}: the foot is {span[frame, 0]:.3f} m from the hip, too far")
    along = reach / span
    aside = pole - (pole * along).sum(1, keepdims=True) * along
    aside /= np.linalg.norm(aside, axis=1, keepdims=True)
    ahead = (upper**2 - lower**2 + span**2) / (2 * span)
    return start + ahead * along + np.sqrt(np.maximum(upper**2 - ahead**2, 0)) * aside


def _set_along(
    posed: Posed,
    name: str,
    rest: tuple[np.ndarray, np.ndarray],
    rest_hinge: np.ndarray,
    now: tuple[np.ndarray, np.ndarray, np.ndarray],
) -> None:
    """Turn a bone from its rest direction and hinge to where they are now."""
    start, end, hinge = now
    before = _axes((rest[1] - rest[0])[None], rest_hinge[None])
    turns = _axes(end - start, hinge) @ before.transpose(0, 2, 1)
    _set(posed, name, rest[0], turns, start)


def _axes(along: np.ndarray, hinge: np.ndarray) -> np.ndarray:
    """Rotations (t, 3, 3) whose columns are a bone, its hinge and their normal."""
    along = along / np.linalg.norm(along, axis=-1, keepdims=True)
    hinge = hinge - (hinge * along).sum(-1, keepdims=True) * along
    hinge = hinge / np.linalg.norm(hinge, axis=-1, keepdims=True)
    return np.stack([along, hinge, np.cross(along, hinge)], -1)


def _set(posed: Posed, name: str, pivot: np.ndarray, turns: np.ndarray, places: np.ndarray) -> None:
    posed.pivots[name], posed.turns[name], posed.places[name] = pivot, turns, places


def _attach(posed: Posed, parent: str, name: str, pivot: np.ndarray, turns: np.ndarray) -> str:
    _set(posed, name, pivot, turns, posed.carry(parent, pivot))
    return name


def _between(start: Rotation, end: Rotation, share: float) -> Rotation:
    return start * Rotation.from_rotvec((start.inv() * end).as_rotvec() * share)


def _length(bone: np.ndarray) -> float:
    return float(np.linalg.norm(bone))

"""Write Anny's body as Vitruve reads it: a T for its rest pose, half precision, landmarks.

    python tools/make_anny_body.py coarse     # src/vitruve/bodies/anny_coarse.safetensors
    python tools/make_anny_body.py full       # the user's cache; pass the file to make_body
    python tools/make_anny_body.py golden     # tests/bodies/golden_anny.json, from anny alone

Needs ``pip install 'vitruve[body]'``. Anny: code Apache-2.0, assets CC0. Landmarks are points of
Anny's COCO regressor and the crown, moved to the nearest point of the surface.
"""

import argparse
import json
import os
from pathlib import Path
from typing import Any

import anny
import roma
import torch
from anny.keypoints import KeypointsRegressor
from anny.models.model_data import ANNY_VERSION, PHENOTYPE_VARIATIONS
from torch import Tensor

from vitruve.bodies.anny_body import COARSE, PHENOTYPES, ROLES, SHAPE_PARAMETERS
from vitruve.bodies.parts import HUMAN_PARTS, human_part
from vitruve.io.tensor_file import write_tensors

GOLDEN = Path(__file__).parents[1] / "tests/bodies/golden_anny.json"
TOPOLOGIES = {"coarse": "notoes_collapse10pc", "full": "anny"}
SIDES = {"L": 1.0, "R": -1.0}
DOWN, FORWARD, UP = ((0.0, 0.0, -1.0), (0.0, -1.0, 0.0), (0.0, 0.0, 1.0))
SKIN_POINTS = (
    "nose", "left_eye", "right_eye", "left_ear", "right_ear", "left_big_toe", "left_small_toe",
    "left_heel", "right_big_toe", "right_small_toe", "right_heel",
)  # fmt: skip
"""Points of Anny's COCO regressor that lie on the skin, feet included."""


def default_shape() -> dict[str, float]:
    """Phenotypes of the body whose bones make the rest pose."""
    return {p.name: p.default for p in SHAPE_PARAMETERS}


def frame(along: Tensor, across: Tensor) -> Tensor:
    """Axes (3, 3) of a bone in columns: along it, then as near to ``across`` as square allows."""
    x = along / along.norm()
    y = across - (across @ x) * x
    y = y / y.norm()
    return torch.stack([x, y, torch.linalg.cross(x, y)], dim=1)


def between(found: tuple[Tensor, Tensor], wanted: tuple[Any, Any]) -> Tensor:
    """The rotation from one pair of directions to another."""
    to = [torch.tensor(w, dtype=torch.float64) for w in wanted]
    return frame(*to) @ frame(*found).T


def t_pose(names: list[str], heads: Tensor) -> Tensor:
    """Rotation (k, 3, 3) about world axes that brings each bone from Anny's pose into a T.

    Legs hang, feet point forward, arms lie along x with the elbow's axis upright and the palms
    down. Trunk, neck, head, and the fingers within the hand stay as Anny has them.
    """
    at = {name: heads[i] for i, name in enumerate(names)}
    turns = {name: torch.eye(3, dtype=torch.float64) for name in names}
    for side, sign in SIDES.items():
        out, hinge = (sign, 0.0, 0.0), (0.0, 0.0, -sign)
        hip, knee, ankle = (at[f"{b}.{side}"] for b in ("upperleg01", "lowerleg01", "foot"))
        toes = at[f"toe2-1.{side}"] - ankle
        flat = toes * torch.tensor([1.0, 1.0, 0.0])
        upright = torch.tensor(UP, dtype=torch.float64)
        thigh = between((knee - hip, toes), (DOWN, FORWARD))
        shank = between((ankle - knee, toes), (DOWN, FORWARD))
        foot = between((flat, upright), (FORWARD, UP))
        shoulder, elbow, wrist = (at[f"{b}.{side}"] for b in ("upperarm01", "lowerarm01", "wrist"))
        index, middle, little = (at[f"finger{f}-1.{side}"] for f in (2, 3, 5))
        axis = torch.linalg.cross(elbow - shoulder, wrist - elbow)
        upper_arm = between((elbow - shoulder, axis), (out, hinge))
        forearm = between((wrist - elbow, axis), (out, hinge))
        hand = between((middle - wrist, index - little), (out, FORWARD))
        # The hand turns about the forearm, which shares the turn.
        half = between(
            (wrist - elbow, axis / axis.norm() + hand.T @ torch.tensor(hinge).double()),
            (out, hinge),
        )
        starts = {
            "upperleg": thigh, "lowerleg": shank, "foot": foot, "toe": foot, "upperarm": upper_arm,
            "lowerarm01": forearm, "lowerarm02": half, "wrist": hand, "metacarpal": hand,
            "finger": hand,
        }  # fmt: skip
        for name in names:
            if name.endswith(f".{side}"):
                start = next((s for s in starts if name.startswith(s)), None)
                turns[name] = starts[start] if start else turns[name]
    return torch.stack([turns[name] for name in names])


def phenotype_rows(mask: Tensor) -> tuple[Tensor, Tensor]:
    """Which variation (r, p) of each phenotype a blend shape is for, and its constant (r,).

    Phenotypes that cannot be set here stand in their middle, so they are constants. A blend shape
    that a phenotype leaves alone points behind that phenotype's variations.
    """
    variation = torch.zeros(len(mask), len(PHENOTYPES), dtype=torch.long)
    constant = torch.ones(len(mask), dtype=torch.float64)
    column = 0
    for phenotype, kinds in PHENOTYPE_VARIATIONS.items():
        chosen = mask[:, column : column + len(kinds)]
        column += len(kinds)
        if phenotype in PHENOTYPES:
            none = chosen.sum(1) == 0
            index = torch.where(none, len(kinds), chosen.argmax(1))
            variation[:, list(PHENOTYPES).index(phenotype)] = index
        else:
            middle = [1 / 3] * 3 if phenotype == "race" else [0.0, 1.0, 0.0]
            share = chosen @ torch.tensor(middle, dtype=torch.float64)
            constant *= torch.where(chosen.sum(1) == 0, 1.0, share)
    return variation, constant


def parts_of(names: list[str], parents: list[int], weights: Tensor) -> Tensor:
    """Index (v,) of the part of the bone that carries each vertex most."""
    role_of = {bone: role for role, bone in ROLES.items()}

    def part(bone: int) -> int:
        while names[bone] not in role_of:
            bone = parents[bone]
        return HUMAN_PARTS.index(human_part(role_of[names[bone]]))

    of_bone = torch.tensor([part(k) for k in range(len(names))])
    return of_bone[weights.argmax(1)]


def nearest_on_surface(points: Tensor, vertices: Tensor, faces: Tensor) -> tuple[Tensor, Tensor]:
    """Corners (l, 3) of the triangle nearest to each point, and the weights (l, 3) there."""
    steps = torch.linspace(0, 1, 21, dtype=torch.float64)
    u, v = torch.meshgrid(steps, steps, indexing="ij")
    inside = u + v <= 1 + 1e-9
    weights = torch.stack([u[inside], v[inside], 1 - u[inside] - v[inside]], dim=1)
    corners = vertices[faces]
    chosen, shares = [], []
    for point in points:
        near = (corners - point).norm(dim=-1).amin(1).topk(60, largest=False).indices
        candidates = torch.einsum("wc,fcx->fwx", weights, corners[near])
        best = int((candidates - point).norm(dim=-1).flatten().argmin())
        chosen.append(faces[near[best // len(weights)]])
        shares.append(weights[best % len(weights)].clamp(min=0))
    return torch.stack(chosen), torch.stack(shares)


def landmarks(vertices: Tensor, faces: Tensor) -> tuple[tuple[str, ...], Tensor, Tensor]:
    """Points on the skin of the default body: names, triangle corners, weights."""
    full = anny.Anny()
    shown = full(None, default_shape())
    points = KeypointsRegressor.coco(full, labels=list(SKIN_POINTS))(shown)[0]
    crown = shown["vertices"][0][shown["vertices"][0, :, 2].argmax()]
    crown = crown * torch.tensor([0.0, 1.0, 1.0])
    points = torch.cat([points, crown[None]])
    return (*SKIN_POINTS, "head_top"), *nearest_on_surface(points, vertices, faces)


def tensors_of(model: anny.Anny) -> tuple[dict[str, Tensor], tuple[str, ...]]:
    """Tensors of the file and the names of its landmarks."""
    data, names = model.to_model_data(), list(model.bone_labels)
    mask, projection = (
        data.stacked_phenotype_blend_shapes_mask,
        data.phenotype_blendshape_projection,
    )
    assert mask is not None
    assert projection is not None
    variation, constant = phenotype_rows(mask)
    used = constant > 0
    shown = model(None, default_shape())
    turns = t_pose(names, shown["bone_poses"][0, :, :3, 3])
    faces, parents = torch.as_tensor(data.faces), [int(p) for p in model.bone_parents]
    points, corners, shares = landmarks(shown["vertices"][0], faces)
    weights = torch.zeros(len(data.template_vertices), len(names), dtype=torch.float64)
    weights.scatter_add_(1, data.vertex_bone_indices, data.vertex_bone_weights)
    return {
        "vertices": data.template_vertices.float(),
        "vertices_basis": data.blendshapes.half(),
        "heads": data.template_bone_heads.float(),
        "heads_basis": data.bone_heads_blendshapes.half(),
        "moments": data.bone_template_orientation_matrices.float(),
        "moments_basis": data.bone_orientation_blendshapes.half(),
        "rest_turns": (turns @ data.reference_bone_orientations).float(),
        "variation": variation[used].to(torch.uint8),
        "to_basis": (constant[:, None] * projection)[used].float(),
        "bones": data.vertex_bone_indices.to(torch.uint8),
        "bone_weights": data.vertex_bone_weights.half(),
        "part_of_vertex": parts_of(names, parents, weights).to(torch.uint8),
        "faces": faces.to(torch.int32),
        "landmark_vertices": corners.to(torch.int32),
        "landmark_weights": shares.float(),
    }, points


def content(kind: str) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Tensors and document of the file."""
    model = anny.Anny(topology=TOPOLOGIES[kind])
    tensors, points = tensors_of(model)
    document = {
        "kind": "anny body",
        "name": f"anny {kind}",
        "bone_names": list(model.bone_labels),
        "parents": [int(p) for p in model.bone_parents],
        "landmarks": list(points),
        "licence": "Anny, https://github.com/naver/anny: code Apache-2.0, assets CC0 1.0",
        "made_with": f"anny {ANNY_VERSION}",
    }
    return tensors, document


def golden() -> dict[str, Any]:
    """What anny itself says of two bodies, for tests that do without it."""
    model = anny.Anny(topology=TOPOLOGIES["coarse"])
    drawn = torch.Generator().manual_seed(0)
    kept = list(range(0, len(model.template_vertices), 61))
    cases = []
    for size in (0.1, 0.5):
        pose = torch.eye(4, dtype=torch.float64).repeat(1, model.bone_count, 1, 1)
        turns = size * torch.randn(model.bone_count, 3, generator=drawn, dtype=torch.float64)
        pose[0, :, :3, :3] = roma.rotvec_to_rotmat(turns)
        shape = 0.1 + 0.8 * torch.rand(len(PHENOTYPES), generator=drawn, dtype=torch.float64)
        shown = model(pose, dict(zip(PHENOTYPES, shape.tolist(), strict=True)))
        placed = shown["bone_poses"][0]
        cases.append(
            {
                "shape": shape.tolist(),
                "orientations_xyzw": roma.rotmat_to_unitquat(placed[:, :3, :3]).tolist(),
                "heads": placed[:, :3, 3].tolist(),
                "vertices": shown["vertices"][0, kept].tolist(),
            }
        )
    return {"made_with": f"anny {ANNY_VERSION}", "vertices": kept, "cases": cases}


def cache_folder() -> Path:
    """Where a body that is not shipped goes."""
    home = os.environ.get("VITRUVE_HOME")
    cache = os.environ.get("XDG_CACHE_HOME")
    return Path(home) if home else (Path(cache) if cache else Path.home() / ".cache") / "vitruve"


def main() -> None:
    """Write the file."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("kind", choices=(*TOPOLOGIES, "golden"))
    parser.add_argument("--out", type=Path, help="the package (coarse) or the cache (full) if left")
    asked = parser.parse_args()
    if asked.kind == "golden":
        rounded = json.loads(json.dumps(golden()), parse_float=lambda x: round(float(x), 6))
        GOLDEN.write_text(json.dumps(rounded) + "\n")
        return
    full = cache_folder() / "bodies" / "anny_full.safetensors"
    out = asked.out or (COARSE if asked.kind == "coarse" else full)
    out.parent.mkdir(parents=True, exist_ok=True)
    tensors, document = content(asked.kind)
    write_tensors(out, tensors, document)
    print(f"{out}: {out.stat().st_size:,} bytes, {len(tensors['vertices'])} vertices")


if __name__ == "__main__":
    main()

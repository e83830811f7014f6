"""How a run went, in words for people."""

import math
from collections.abc import Sequence
from pathlib import Path

from vitruve.geometry.camera import DEFAULT_FOV_DEG, Camera
from vitruve.pipeline.config import EstimateConfig
from vitruve.pipeline.place import Placed
from vitruve.poses import KeypointSequence
from vitruve.skeletons import Conversion


def facts_of(
    placed: Sequence[Placed],
    tracks: Sequence[KeypointSequence],
    ways: Sequence[Conversion],
    camera: Camera,
) -> dict[str, str]:
    """What was seen, how sure it is, what smoothing cost, and which joints the result has."""
    facts = {}
    for p, k in zip(placed, tracks, strict=True):
        name = f"person {k.person}"
        seen = p.sequence.valid.any(-1)
        facts[f"{name}: 2D"] = k.model
        facts[f"{name}: frames"] = f"{int(seen.sum())} of {len(seen)} with a pose"
        if math.isfinite(p.amplitude_removed):  # one frame has no motion
            facts[f"{name}: motion amplitude removed by smoothing"] = f"{p.amplitude_removed:.1%}"
        if p.sequence.spread is not None and seen.any():
            spread_mm = 1000 * float(p.sequence.spread[seen].mean())
            facts[f"{name}: mean spread"] = f"{spread_mm:.0f} mm"
    facts |= _skeletons(ways)
    width, height = camera.image_size_px
    focal = float(camera.intrinsics[0, 0])
    facts["camera"] = f"focal length {focal:.0f} px, picture {width}x{height} px"
    return facts


def chosen(config: EstimateConfig) -> dict[str, str]:
    """What settings, or their absence, mean for the result."""
    facts = {}
    if config.refine is not None:
        way = f"{config.descent.steps} steps of {config.descent.step_mm:g} mm"
        known = config.refine == "geometry"
        energy = "rays and symmetry" if known else f"loss-net {Path(config.refine).stem!r}"
        facts["refinement"] = f"{way} down the energy of {energy}"
    if config.camera is None and config.fov_deg is None:
        facts["field of view"] = f"{DEFAULT_FOV_DEG:g} degrees, assumed"
    tall = config.place.height_m
    facts["scale"] = f"{tall:g} m tall" if tall else "the model's guess of the body"
    return facts


def older_files(out: Path, files: Sequence[Path]) -> dict[str, str]:
    """The fact that people's files of an earlier run with other settings are in the folder."""
    written = {file.name for file in files} | {f"{file.name}.json" for file in files}
    older = sorted(p.name for p in out.glob("person[0-9]*.*") if p.name not in written)
    return {"not of this run": ", ".join(older)} if older else {}


def _skeletons(ways: Sequence[Conversion]) -> dict[str, str]:
    """What the formats of the result have; of many only what they lack."""
    if len(ways) == 1:
        return {"skeleton": ways[0].report().splitlines()[0]}
    lacking = {way.target.name: len(way.joints_of("absent")) for way in ways}
    named = (f"{name} (without {n})" if n else name for name, n in lacking.items())
    return {"skeletons": ", ".join(named)}

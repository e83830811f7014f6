"""How a run went, in words for people."""

import math
from collections.abc import Sequence

from vitruve.geometry.camera import Camera
from vitruve.pipeline.place import Placed
from vitruve.poses import KeypointSequence
from vitruve.skeletons import Conversion


def facts_of(
    placed: Sequence[Placed],
    tracks: Sequence[KeypointSequence],
    bridge: Conversion,
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
    facts["skeleton"] = bridge.report().splitlines()[0]
    width, height = camera.image_size_px
    focal = float(camera.intrinsics[0, 0])
    facts["camera"] = f"focal length {focal:.0f} px, picture {width}x{height} px"
    return facts

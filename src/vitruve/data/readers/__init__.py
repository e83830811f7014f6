"""Readers of picture datasets: what turns an official release into examples, one file for each."""

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from vitruve.data.datasets.examples import Part, PictureExample
from vitruve.data.readers import (
    agora,
    aist,
    aspset,
    behave,
    berkeley_mhad,
    bml_movi,
    coco,
    gpa,
    hspace,
    human4d,
    human36m,
    humbi,
    ikea_asm,
    imar,
    jrdb,
    jta,
    mads,
    mpi_inf_3dhp,
    mpii,
    muco_3dhp,
    panoptic,
    posetrack,
    rich,
    sail_vos,
    spec,
    stanford_extra,
    surreal,
    threedoh,
    threedpeople,
    threedpw,
    tiktok,
    total_capture,
    umpm,
)

PartsOf = Callable[[Path, str | None], list[Part]]
ReadPart = Callable[[Part], Iterator[PictureExample]]

DATASETS: dict[str, tuple[PartsOf, ReadPart]] = {
    "muco_3dhp": (muco_3dhp.parts, muco_3dhp.read),
    "panoptic": (panoptic.parts, panoptic.read),
    "aist": (aist.parts, aist.read),
    "humbi": (humbi.parts, humbi.read),
    "mpi_inf_3dhp": (mpi_inf_3dhp.parts, mpi_inf_3dhp.read),
    "rich": (rich.parts, rich.read),
    "behave": (behave.parts, behave.read),
    "aspset": (aspset.parts, aspset.read),
    "3doh50k": (threedoh.parts, threedoh.read),
    "ikea_asm": (ikea_asm.parts, ikea_asm.read),
    "human36m": (human36m.parts, human36m.read),
    "total_capture": (total_capture.parts, total_capture.read),
    "bml_movi": (bml_movi.parts, bml_movi.read),
    "berkeley_mhad": (berkeley_mhad.parts, berkeley_mhad.read),
    "umpm": (umpm.parts, umpm.read),
    "fit3d": (partial(imar.parts, "fit3d"), partial(imar.read, "fit3d")),
    "gpa": (gpa.parts, gpa.read),
    "humansc3d": (partial(imar.parts, "humansc3d"), partial(imar.read, "humansc3d")),
    "chi3d": (partial(imar.parts, "chi3d"), partial(imar.read, "chi3d")),
    "human4d": (human4d.parts, human4d.read),
    "mads": (mads.parts, mads.read),
    "surreal": (surreal.parts, surreal.read),
    "3dpeople": (threedpeople.parts, threedpeople.read),
    "jta": (jta.parts, jta.read),
    "hspace": (hspace.parts, hspace.read),
    "sail_vos": (sail_vos.parts, sail_vos.read),
    "agora": (agora.parts, agora.read),
    "spec": (spec.parts, spec.read),
    "coco": (coco.parts, coco.read),
    "mpii": (mpii.parts, mpii.read),
    "posetrack": (posetrack.parts, posetrack.read),
    "jrdb": (jrdb.parts, jrdb.read),
    "3dpw": (threedpw.parts, threedpw.read),
    "tiktok": (tiktok.parts, tiktok.read),
    "stanford_extra": (stanford_extra.parts, stanford_extra.read),
}
"""Readers by the name of their card: ``parts(root, split)`` lists, cheaply, what can be read at a
time; ``read(part)`` yields the examples of one, in order."""

__all__ = ["DATASETS", "Part", "PictureExample"]

"""Readers of picture datasets: what turns an official release into examples, one file for each."""

from collections.abc import Callable, Iterator
from pathlib import Path

from vitruve.data.examples import Part, PictureExample
from vitruve.data.readers import (
    agora,
    aist,
    aspset,
    bml_movi,
    human36m,
    mpi_inf_3dhp,
    muco_3dhp,
    panoptic,
    surreal,
    threedpw,
)

PartsOf = Callable[[Path, str | None], list[Part]]
ReadPart = Callable[[Part], Iterator[PictureExample]]

DATASETS: dict[str, tuple[PartsOf, ReadPart]] = {
    "muco_3dhp": (muco_3dhp.parts, muco_3dhp.read),
    "panoptic": (panoptic.parts, panoptic.read),
    "aist": (aist.parts, aist.read),
    "mpi_inf_3dhp": (mpi_inf_3dhp.parts, mpi_inf_3dhp.read),
    "aspset": (aspset.parts, aspset.read),
    "human36m": (human36m.parts, human36m.read),
    "bml_movi": (bml_movi.parts, bml_movi.read),
    "surreal": (surreal.parts, surreal.read),
    "agora": (agora.parts, agora.read),
    "3dpw": (threedpw.parts, threedpw.read),
}
"""Readers by the name of their card: ``parts(root, split)`` lists, cheaply, what can be read at a
time; ``read(part)`` yields the examples of one, in order."""

__all__ = ["DATASETS", "Part", "PictureExample"]

"""Human3.6M as released: videos of four cameras, and motion in CDF files, 50 frames a second.

``MyPoseFeatures/D3_Positions/<action>.cdf`` holds ``Pose`` (1, t, 96): 32 joints, world
millimetres. Cameras are the published ones. CDF files need cdflib (extra ``cdf``). Masks, if they
are there, are the released ones, found by background subtraction
(``MySegmentsMat/ground_truth_bs``): videos, or a cell ``Masks`` of a MATLAB file.

Source: Ionescu et al., "Human3.6M", TPAMI 2014.
"""

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import torch

from vitruve.data.cameras.virtual import h36m_rigs
from vitruve.data.datasets.examples import Mask, Part, PictureExample, examples_of_film
from vitruve.data.readers.release import MM, clean_joints, find, numbers, require
from vitruve.io.errors import FileError
from vitruve.io.limits import clip
from vitruve.skeletons import SKELETONS

NAME = "human36m"
SPLITS = {"train": ("S1", "S5", "S6", "S7", "S8"), "test": ("S9", "S11")}
CAMERAS = ("54138969", "55011271", "58860488", "60457274")
JOINTS_25 = (*range(1, 11), 12, 13, 14, 15, 17, 18, 19, 21, 22, 25, 26, 27, 29, 30, 0)
"""Which of the 32 joints the 25 are; the others repeat them."""
SHIFTED = {("S9", action) for action in ("Greeting", "SittingDown 1", "Waiting 1")}
SHIFT_M = (-0.2, 0.0, 0.0)
"""What brings the shifted motions onto their pictures."""
MASK_ABOVE = 127.0
"""Of videos of masks, which are compressed."""
_NUM_RECORDED = 32


def parts(root: Path, split: str | None = None) -> list[Part]:
    """Every video of every subject of a split.

    Raises:
        FileNotFoundError: There is no motion.
    """
    motions = find(NAME, root, "S*/MyPoseFeatures/D3_Positions/*.cdf")
    found = []
    for path in motions:
        subject = path.parents[2].name
        its_split = next((s for s, members in SPLITS.items() if subject in members), "")
        if split in (None, its_split):
            found += [
                Part(root, f"{subject}/{path.stem}.{camera}", its_split) for camera in CAMERAS
            ]
    return found


def read(part: Part) -> Iterator[PictureExample]:
    """Every frame of a video.

    Raises:
        FileNotFoundError: The video is missing.
        ImportError: cdflib is not installed.
        ValueError: A file is damaged or of another layout.
    """
    subject, _, recording = part.name.partition("/")
    action, _, camera_name = recording.rpartition(".")
    folder = part.root / subject
    video = require(NAME, folder / "Videos" / f"{recording}.mp4")
    joints = _motion(folder / "MyPoseFeatures/D3_Positions" / f"{action}.cdf")
    if (subject, action) in SHIFTED:
        joints = joints + np.array(SHIFT_M)
    camera = h36m_rigs()[subject][CAMERAS.index(camera_name)]
    in_camera = camera.joints_to_cam(torch.from_numpy(joints).float()).numpy().astype(np.float64)
    yield from examples_of_film(
        part,
        video,
        SKELETONS["h36m_25"],
        camera,
        clean_joints(in_camera),
        subject=subject,
        masks=_masks(folder / "MySegmentsMat/ground_truth_bs", recording),
    )


def _masks(folder: Path, recording: str) -> Callable[[int], Mask | None]:
    """The mask of each frame, if the release came with them."""
    film, cells = (folder / f"{recording}.{suffix}" for suffix in ("mp4", "mat"))
    if film.exists():
        return lambda frame: Mask(film, frame, above=MASK_ABOVE)
    if cells.exists():
        return lambda frame: Mask(cells, frame, array="Masks")
    return lambda frame: None


def _motion(path: Path) -> np.ndarray:
    """(t, 25, 3) world metres."""
    try:
        import cdflib  # pyright: ignore[reportMissingImports] - an extra
    except ImportError as error:
        raise ImportError(
            f"{path} is a CDF file, which cdflib reads: pip install 'vitruve[cdf]'"
        ) from error
    require(NAME, path)
    try:
        pose = cdflib.CDF(path).varget("Pose")
    # cdflib raises whatever its parser stumbles over in a damaged file.
    except Exception as error:
        raise FileError(f"{path} is a damaged CDF file: {clip(str(error))}") from error
    array = np.asarray(pose)
    array = numbers(path, "Pose", array[0] if array.ndim == 3 else array, (None, 3 * _NUM_RECORDED))
    return array.reshape(-1, _NUM_RECORDED, 3)[:, JOINTS_25] * MM

"""One person in one picture: what every reader of a picture dataset yields.

House units: camera frame x right, y down, z forward; metres; pixels with centres at .5. A box is
its left, top, right and bottom edge. Axes: j joints of ``skeleton``.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Bool, Float

from vitruve.geometry.camera import Camera
from vitruve.skeletons import Skeleton


@dataclass(frozen=True)
class Part:
    """What one worker reads at a time: one recording of one camera, or one file of labels."""

    root: Path
    """Folder of the release."""
    name: str
    """Unique within the dataset."""
    split: str = ""
    """As the release states it; empty where it states none."""


@dataclass(frozen=True)
class Mask:
    """Where the person's mask is: a picture, a frame, an array of a MATLAB file, or in labels."""

    path: Path
    frame: int | None = None
    """Frame of a video, or of an array that is a cell of masks."""
    array: str = ""
    """Name in a MATLAB file."""
    above: float = 0.0
    """What differs from the background by more than this, in any channel, is the person."""
    background: float = 0.0
    """Brightness of what is not the person: black or a grey."""
    runs: str = ""
    """COCO's text of run lengths, of a picture of ``size_px``; ``path`` then only says whose."""
    size_px: tuple[int, int] = (0, 0)
    """Width, height."""


@dataclass(frozen=True, eq=False)
class PictureExample:
    """One person in one picture, with 3D joints of a known camera, or with 2D joints."""

    picture: Path
    """A picture, or a video."""
    video_frame: int | None
    """Which frame of the video; None for a picture."""
    skeleton: Skeleton
    valid: Bool[np.ndarray, "j"]
    """False where a joint is missing."""
    joints_cam: Float[np.ndarray, "j 3"] | None
    """Metres; zeros where ``valid`` is False. None for weak labels, which are 2D."""
    keypoints_px: Float[np.ndarray, "j 2"] | None
    """2D joints, where the release has its own; with ``joints_cam`` they only serve to check."""
    camera: Camera | None
    """Intrinsics, lens and, where the release tells, place in a world with z up; None in 2D."""
    sequence: str
    """Name of the recording: frames of one follow each other."""
    frame: int
    """Number in the sequence, from 0."""
    split: str = ""
    subject: str = ""
    """Who it is, unique within the dataset; empty when unknown."""
    person: int = 0
    """Which of several people in the picture."""
    box_px: Float[np.ndarray, "4"] | None = None
    """Around the person, where the release tells."""
    mask: Mask | None = None
    mosaic: str = ""
    """Colours of the first four pixels, row by row, of a picture in which each pixel has one."""
    span: tuple[int, int] | None = None
    """Where in ``picture`` the bytes of a JPEG or PNG begin, and how many; None if it is one."""

    def __post_init__(self) -> None:
        """Check that the labels belong together.

        Raises:
            ValueError: Neither 3D nor 2D is there, 3D has no camera, or shapes differ.
        """
        labels = [points for points in (self.joints_cam, self.keypoints_px) if points is not None]
        if not labels or (self.joints_cam is not None and self.camera is None):
            raise ValueError(f"{self.name} needs joints_cam with a camera, or keypoints_px")
        sizes = {len(points) for points in (*labels, self.valid)}
        if sizes != {self.skeleton.num_joints}:
            raise ValueError(
                f"{self.name} has labels of {sorted(sizes)} joints, skeleton "
                f"{self.skeleton.name!r} has {self.skeleton.num_joints}"
            )

    @property
    def name(self) -> str:
        """Unique within the dataset."""
        return f"{self.sequence}/{self.frame:06d}/{self.person}"


def examples_of_film(
    part: Part,
    video: Path,
    skeleton: Skeleton,
    camera: Camera,
    motion: tuple[Float[np.ndarray, "t j 3"], Bool[np.ndarray, "t j"]],
    *,
    subject: str = "",
    masks: Callable[[int], Mask | None] = lambda frame: None,
) -> Iterator[PictureExample]:
    """One person over a film of one camera, frame by frame.

    Args:
        part: What is read.
        video: The film.
        skeleton: Of the labels.
        camera: That took the film.
        motion: Joints in the camera frame, metres, and which of them are known.
        subject: Who it is.
        masks: Mask of each frame, where there is one.
    """
    for frame, (joints_cam, valid) in enumerate(zip(*motion, strict=True)):
        yield PictureExample(
            picture=video,
            video_frame=frame,
            skeleton=skeleton,
            valid=valid,
            joints_cam=joints_cam,
            keypoints_px=None,
            camera=camera,
            sequence=part.name,
            frame=frame,
            split=part.split,
            subject=subject,
            mask=masks(frame),
        )

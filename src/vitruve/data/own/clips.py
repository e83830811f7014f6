"""A user's own pictures: which clips a folder holds, which cameras took them, where masks are.

What is understood::

    clip.mp4 or picture.jpg
    folder/a.jpg b.jpg ...                    pictures that have nothing to do with each other
    folder/left.mp4 right.mp4 ...             clips; with a calibration, views of the same moments
    folder/left/0001.jpg ... right/...        the same as folders of frames
    folder/left/images/..., left/masks/...    the same with their masks, as the TikTok dataset is
    folder/masks/...                          masks: NAME.png, of clips CLIP/NAME.png
    folder/calib*.toml json xml yaml ...      calibration; its cameras are called as the clips

Frames of a video are called by their number, 000000 and so on. Axes: y x pixels.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from jaxtyping import UInt8

from vitruve.geometry.camera import Camera, camera_for_size
from vitruve.geometry.camera_file import load_cameras
from vitruve.io.errors import FileError
from vitruve.io.images import IMAGE_SUFFIXES, list_images, load_image
from vitruve.io.natural_order import natural_key
from vitruve.io.video import probe, read_frames

VIDEO_SUFFIXES = frozenset({".avi", ".m4v", ".mkv", ".mov", ".mp4", ".mpeg", ".mpg", ".webm"})
IMAGES, MASKS = "images", "masks"
CALIBRATIONS = (".json", ".toml", ".txt", ".xml", ".yaml", ".yml")


@dataclass(frozen=True, eq=False)
class OwnClip:
    """Pictures of one camera."""

    name: str
    source: Path
    """A video, a folder of pictures, or a picture."""
    ordered: bool
    """Whether pictures follow each other in time."""
    camera: Camera | None = None
    """Calibrated, for this size of picture."""
    masks: Path | None = None
    """Folder of masks that bear the pictures' names."""


def frame_name(index: int) -> str:
    """What a frame of a video is called."""
    return f"{index:06d}"


def named_frames(source: Path) -> Iterator[tuple[str, UInt8[np.ndarray, "y x 3"]]]:
    """Pictures of a video, a folder or a picture, in order, by name.

    Raises:
        FileNotFoundError: There is no such source.
        FileError: It holds no pictures, or a picture is damaged.
    """
    if is_video(source):
        for frame in read_frames(source, threads=1):
            yield frame_name(frame.index), frame.image
        return
    for path in list_images(source) if source.is_dir() else [source]:
        yield path.stem, load_image(path)


def spread_frames(
    source: Path, count: int, every: int = 1
) -> Iterator[tuple[str, UInt8[np.ndarray, "y x 3"]]]:
    """Every so manyth of `named_frames`, evenly: about ``count``, and at most twice as many."""
    total = count_frames(source) or count
    step = every * max(1, total // (count * every))
    for number, named in enumerate(named_frames(source)):
        if number % step == 0 and number // step < 2 * count:
            yield named


def is_video(source: Path) -> bool:
    """Whether a source is a file that is no picture."""
    return not source.is_dir() and source.suffix.lower() not in IMAGE_SUFFIXES


def count_frames(source: Path) -> int | None:
    """How many pictures a source has; None where a video does not say.

    Raises:
        FileNotFoundError: There is no such source.
        FileError: It holds no pictures.
    """
    if source.is_dir():
        return len(list_images(source))
    return probe(source).num_frames


def find_clips(
    root: Path, calibration: Path | None = None, masks: Path | None = None
) -> list[OwnClip]:
    """Clips of a folder, or the one clip that a file is, with their cameras and masks.

    Args:
        root: See the module.
        calibration: Camera file; that of the folder if None.
        masks: Folder of masks; ``masks`` of the folder if None and there is one.

    Raises:
        FileNotFoundError: ``root`` or what was named is not there.
        FileError: The folder holds neither videos nor pictures, or the calibration lacks a clip.
        ValueError: The calibration is damaged, or of pictures of another shape.
    """
    if not root.exists():
        raise FileNotFoundError(f"no such folder, video or picture: {root}")
    clips = _clips_of(root) if root.is_dir() else [OwnClip(root.stem, root, is_video(root))]
    _check_names(root, clips)
    path = calibration or _calibration_of(root)
    if path is not None:
        clips = _with_cameras(clips, path)
    folder = masks or root / MASKS
    if masks is not None and not masks.is_dir():
        raise FileNotFoundError(f"no such folder of masks: {masks}")
    if not folder.is_dir():
        return clips
    return [replace(clip, masks=_masks_of(clip, folder)) for clip in clips]


def _clips_of(root: Path) -> list[OwnClip]:
    inside = sorted(root.iterdir(), key=natural_key)
    videos = [p for p in inside if p.is_file() and p.suffix.lower() in VIDEO_SUFFIXES]
    if videos:
        return [OwnClip(p.stem, p, True) for p in videos]
    if any(_is_image(p) for p in inside):
        return [OwnClip(root.resolve().name, root, False)]
    if (root / IMAGES).is_dir():
        return [OwnClip(root.resolve().name, root / IMAGES, False)]
    clips = [_clip_in(p) for p in inside if p.is_dir() and p.name != MASKS]
    found = [clip for clip in clips if clip is not None]
    if not found:
        raise FileError(
            f"{root} holds no videos ({' '.join(sorted(VIDEO_SUFFIXES))}), pictures, or folders of "
            "pictures"
        )
    return found


def _clip_in(folder: Path) -> OwnClip | None:
    """A folder of frames, which perhaps lie in its folder ``images``, as a clip."""
    source = folder / IMAGES if (folder / IMAGES).is_dir() else folder
    if not any(map(_is_image, source.iterdir())):
        return None
    masks = folder / MASKS
    return OwnClip(folder.name, source, True, masks=masks if masks.is_dir() else None)


def _is_image(path: Path) -> bool:
    return path.is_file() and path.suffix.lower() in IMAGE_SUFFIXES


def _check_names(root: Path, clips: list[OwnClip]) -> None:
    names = [clip.name for clip in clips]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise FileError(f"{root} has two clips {twice[0]!r}; give them different names")


def _calibration_of(root: Path) -> Path | None:
    if not root.is_dir():
        return None
    found = sorted(p for p in root.glob("[cC]alib*") if p.suffix.lower() in CALIBRATIONS)
    if len(found) > 1:
        raise FileError(f"{root} has {len(found)} calibrations; name one with --calibration")
    return found[0] if found else None


def _with_cameras(clips: list[OwnClip], path: Path) -> list[OwnClip]:
    cameras = load_cameras(path)
    if len(clips) == len(cameras) == 1:
        cameras = {clips[0].name: next(iter(cameras.values()))}
    if lacking := [clip.name for clip in clips if clip.name not in cameras]:
        raise FileError(
            f"{path} has no camera {lacking[0]!r}; it has {', '.join(cameras)}: call clips as "
            "their cameras"
        )
    return [replace(clip, camera=_camera_of(clip, cameras, path)) for clip in clips]


def _camera_of(clip: OwnClip, cameras: Mapping[str, Camera], path: Path) -> Camera:
    try:
        return camera_for_size(cameras[clip.name], probe(clip.source).image_size_px)
    except ValueError as error:
        raise FileError(f"{path}, camera {clip.name!r}: {error}") from None


def _masks_of(clip: OwnClip, folder: Path) -> Path:
    return folder / clip.name if (folder / clip.name).is_dir() else folder

"""A user's pictures and masks as the shards that `Studio` reads: crops, masks, cameras, no joints.

Columns are Studio's as far as they are known. Every joint is unknown (``valid`` False). A picture
is a square around its mask as an ideal pinhole camera takes it; where no calibration tells the
camera, its field of view is assumed and it stands at the origin. Views of the same moments are one
scene; so is each clip without a calibration, and each picture that stands alone.

Axes: j joints, n pixels of a crop's side.
"""

import hashlib
import io
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Bool, UInt8
from PIL import Image

from vitruve.data.own.clips import OwnClip, named_frames
from vitruve.data.own.mask_file import load_mask
from vitruve.data.processing.crop import warp_picture
from vitruve.data.processing.masks import Kind, mask_box
from vitruve.data.shards.file import KEY, Column, write_shard
from vitruve.data.shards.folder import shard_name, write_index
from vitruve.data.studio.config import SPLITS
from vitruve.geometry.camera import (
    DEFAULT_FOV_DEG,
    Camera,
    crop_intrinsics,
    intrinsics_from_fov,
    resize_intrinsics,
)
from vitruve.io.errors import FileError
from vitruve.skeletons import skeleton

SHARD_PICTURES = 512
LEAST_PICTURES = 4
"""Fewer pictures of somebody are nothing to learn from."""
_STRAIGHT = torch.eye(3)
Kinds = Mapping[str, Mapping[str, Kind]]
"""What is to be thought of masks, by clip and picture."""
Row = dict[str, np.ndarray | np.generic | bytes | str]


@dataclass(frozen=True)
class OwnConfig:
    """How a user's pictures are cut out."""

    skeleton: str = "h36m_18"
    """Format of the joints that are to be learnt."""
    size_px: int = 64
    """Side of the crops."""
    every: int = 1
    """Every so manyth frame of a clip is taken."""
    fov_deg: float = DEFAULT_FOV_DEG
    """Assumed angle of the longer side of pictures whose camera is unknown."""
    margin: float = 0.175
    """What a crop adds around the mask's box, relative to it: the middle of Studio's range."""
    validation: float = 0.1
    """Share of moments, the last ones, that do not train."""

    def __post_init__(self) -> None:
        """Check what the command line may get wrong.

        Raises:
            ValueError: A number is out of range.
        """
        if not 16 <= self.size_px <= 1024 or self.every < 1:
            raise ValueError(
                f"size_px {self.size_px} must be 16 to 1024, every {self.every} 1 or more"
            )


@dataclass(frozen=True)
class _View:
    """One picture of a moment."""

    scene: int
    frame: int
    camera: int
    clip: OwnClip
    name: str
    image: UInt8[np.ndarray, "y x 3"]


def is_rig(clips: Sequence[OwnClip]) -> bool:
    """Whether clips are views of the same moments: at least two cameras whose places are known."""
    return len(clips) > 1 and all(
        c.camera is not None and c.camera.T_world_cam is not None for c in clips
    )


def write_own_shards(
    clips: Sequence[OwnClip],
    kinds: Kinds,
    out: Path,
    config: OwnConfig,
    tell: Callable[[int], None] | None = None,
) -> Counter[str]:
    """Cut everybody out and write the shards and their index.

    Args:
        clips: With the folders of their masks.
        kinds: ``empty`` and ``full`` masks are left out; of views of the same moments also those of
            ``several`` people, for each view may have taken another one.
        out: Folder; must be there.
        config: How.
        tell: Told of the pictures that are done.

    Returns:
        How many pictures were ``written``, and how many left out, by the kind of their mask.

    Raises:
        FileError: Fewer than four pictures show somebody, or a picture is damaged.
        OSError: The folder cannot be written.
    """
    counts: Counter[str] = Counter()
    kept = {"good"} if is_rig(clips) else {"good", "several"}
    rows: list[Row] = []
    for number, view in enumerate(_views(clips, config.every), 1):
        kind = kinds[view.clip.name].get(view.name, "empty")
        mask = load_mask(view.clip.masks, view.name) if view.clip.masks else None
        if mask is not None and kind in kept:
            rows.append(_row(view, mask, config))
        else:
            counts[kind] += 1
        if tell:
            tell(number)
    _check_enough(len(rows), counts)
    _write(rows, clips, out, config)
    counts["written"] = len(rows)
    return counts


def _check_enough(count: int, left_out: Mapping[str, int]) -> None:
    if count < LEAST_PICTURES:
        left = ", ".join(f"{n} {kind}" for kind, n in left_out.items())
        raise FileError(
            f"{count} pictures have a mask of somebody, at least {LEAST_PICTURES} are needed "
            f"({left or 'nothing else was there'}); look at the masks"
        )


def digest_of(clips: Sequence[OwnClip]) -> str:
    """What tells one set of clips from another without reading it all."""
    found = hashlib.sha256()
    for clip in clips:
        files = sorted(clip.source.iterdir()) if clip.source.is_dir() else [clip.source]
        camera = None if clip.camera is None else clip.camera.intrinsics.tolist()
        stated = [(p.name, p.stat().st_size, p.stat().st_mtime_ns) for p in files if p.is_file()]
        found.update(repr((clip.name, camera, stated)).encode())
    return found.hexdigest()


def _views(clips: Sequence[OwnClip], every: int) -> Iterator[_View]:
    """Every picture that counts, moments of all cameras together, in order."""
    if is_rig(clips):
        sources = [named_frames(clip.source) for clip in clips]
        # Views end with the first of them.
        for frame, seen in enumerate(zip(*sources, strict=False)):
            if frame % every == 0:
                for camera, (clip, (name, image)) in enumerate(zip(clips, seen, strict=True)):
                    yield _View(0, frame, camera, clip, name, image)
        return
    scene = 0
    for clip in clips:
        for frame, (name, image) in enumerate(named_frames(clip.source)):
            if frame % every == 0:
                yield _View(scene, frame if clip.ordered else 0, 0, clip, name, image)
                scene += not clip.ordered
        scene += clip.ordered


def _row(view: _View, mask: Bool[np.ndarray, "y x"], config: OwnConfig) -> Row:
    size_px = (view.image.shape[1], view.image.shape[0])
    if mask.shape != view.image.shape[:2]:
        raise FileError(f"the mask of {view.clip.name} {view.name} is not of its picture's size")
    camera = view.clip.camera or Camera(intrinsics_from_fov(config.fov_deg, size_px), size_px)
    if camera.image_size_px != size_px:
        raise FileError(
            f"{view.clip.name} {view.name} has {size_px} pixels, its camera {camera.image_size_px}"
        )
    box = mask_box(mask)
    side = float((box[2:] - box[:2]).max()) * (1 + config.margin)
    corner = torch.from_numpy((box[:2] + box[2:] - side) / 2).float()
    n, factor = config.size_px, torch.full((2,), config.size_px / side)
    seen = Camera(resize_intrinsics(crop_intrinsics(camera.intrinsics, corner), factor), (n, n))
    image = warp_picture(view.image, camera, seen, _STRAIGHT)
    grey = mask[..., None].astype(np.uint8) * np.uint8(255)
    covered = warp_picture(grey, camera, seen, _STRAIGHT)[..., 0] > 127
    joints = skeleton(config.skeleton).num_joints
    place = torch.eye(4) if camera.T_world_cam is None else camera.T_world_cam
    return {
        KEY: f"{view.scene:08d}-{view.frame:06d}-{view.camera:02d}",
        "scene": np.int32(view.scene),
        "frame": np.int32(view.frame),
        "camera": np.uint8(view.camera),
        "clip": view.clip.name[:64],
        "image": _encoded(image, "JPEG", quality=92),
        "mask": _encoded(covered, "PNG", compress_level=4),
        "joints_cam": np.zeros((joints, 3), np.float32),
        "keypoints_px": np.zeros((joints, 2), np.float32),
        "valid": np.zeros(joints, bool),
        "intrinsics": seen.intrinsics.numpy(),
        "T_world_cam": place.float().numpy(),
        "crop_px": np.array([*corner.tolist(), *(corner + side).tolist()], np.float32),
    }


def _encoded(picture: np.ndarray, kind: str, **settings: int) -> bytes:
    content = io.BytesIO()
    Image.fromarray(picture).save(content, kind, **settings)
    return content.getvalue()


def _write(rows: list[Row], clips: Sequence[OwnClip], out: Path, config: OwnConfig) -> None:
    splits = _splits(rows, config.validation)
    shards = [rows[i : i + SHARD_PICTURES] for i in range(0, len(rows), SHARD_PICTURES)]
    for number, some in enumerate(shards):
        columns: dict[str, Column] = {
            name: [row[name] for row in some]  # pyright: ignore[reportAssignmentType]
            if isinstance(some[0][name], bytes)
            else np.array([row[name] for row in some])
            for name in some[0]
        }
        first = number * SHARD_PICTURES
        columns["split"] = splits[first : first + len(some)]
        write_shard(out / shard_name(number), columns)
    about = {
        "kind": "own",
        "schema": 1,
        "skeleton": config.skeleton,
        "units": "metres, pixels with centres at .5",
        "axes": "camera x right, y down, z forward; world of the calibration",
        "calibrated": is_rig(clips),
        "ordered": all(clip.ordered for clip in clips),
        "settings": asdict(config),
    }
    write_index(out, about, range(len(shards)))


def _splits(rows: list[Row], share: float) -> UInt8[np.ndarray, "n"]:
    """The last moments of every clip validate: neighbours in time are alike."""
    held = np.zeros(len(rows), np.uint8)
    for clip in {str(row["clip"]) for row in rows}:
        own = [i for i, row in enumerate(rows) if row["clip"] == clip]
        held[own[len(own) - max(1, round(share * len(own))) :]] = SPLITS.index("validation")
    # A moment is of one split, whichever of its views were left out.
    moments = [(int(row["scene"]), int(row["frame"])) for row in rows]  # pyright: ignore[reportArgumentType]
    late = {moment for moment, split in zip(moments, held, strict=True) if split}
    held = np.array([SPLITS.index("validation") if m in late else 0 for m in moments], np.uint8)
    if held.all():
        raise FileError("every picture is of one moment; there must be some to validate on")
    return held

"""The records every floor above speaks in: what we were given, what we say, what we hand out.

House units: metres, radians, seconds, pixels (pixel centres at .5). Camera frame: x right, y down,
z forward. World frame: z up, floor at z = 0. ``T_world_cam`` maps camera to world.

Axes: b batch, h hypotheses, t frames, i pictures, j joints of ``skeleton``, k keypoints of
``keypoint_skeleton``. Missing values are masked by a ``valid`` field, never by zeros.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, replace
from typing import TypeVar

import torch
from jaxtyping import Bool, Float, Int64
from torch import Tensor

from vitruve.geometry.camera import Camera
from vitruve.skeletons.skeleton import Skeleton

R = TypeVar("R", bound="TensorRecord")


@dataclass(frozen=True, eq=False)
class TensorRecord:
    """A frozen bundle of tensors that moves, slices and collates as one."""

    def map(self: R, fn: Callable[[Tensor], Tensor]) -> R:
        """Apply ``fn`` to every tensor field; other fields pass through."""
        items = {f.name: getattr(self, f.name) for f in fields(self)}
        return replace(self, **{k: fn(v) for k, v in items.items() if isinstance(v, Tensor)})

    def to(self: R, device: torch.device | str) -> R:
        """Copy to ``device``."""
        return self.map(lambda x: x.to(device))

    def detach(self: R) -> R:
        """Cut the graph behind every tensor."""
        return self.map(torch.Tensor.detach)

    @classmethod
    def join(cls: type[R], records: Sequence[R]) -> R:
        """Put the examples of batches behind each other, along the first axis.

        Raises:
            ValueError: A field is missing in some records only, or a constant field differs.
        """
        return cls._gather(records, torch.cat)

    @classmethod
    def collate(cls: type[R], records: Sequence[R]) -> R:
        """Stack records along a new leading axis.

        Raises:
            ValueError: A field is missing in some records only, or a constant field differs.
        """
        return cls._gather(records, torch.stack)

    @classmethod
    def _gather(
        cls: type[R], records: Sequence[R], together: Callable[[list[Tensor]], Tensor]
    ) -> R:
        gathered = {}
        for f in fields(cls):
            values = [getattr(r, f.name) for r in records]
            if all(isinstance(v, Tensor) for v in values):
                gathered[f.name] = together(values)
            elif not any(isinstance(v, Tensor) for v in values) and len(set(values)) == 1:
                gathered[f.name] = values[0]
            else:
                raise ValueError(
                    f"{cls.__name__}.{f.name} differs within the batch; "
                    "group the sampler by it or drop the field"
                )
        return cls(**gathered)


@dataclass(frozen=True, eq=False)
class PoseBatch(TensorRecord):
    """What an estimator is given, and the labels an objective may compare with."""

    keypoint_skeleton: Skeleton
    """Joint set of the 2D input."""
    keypoints_px: Float[Tensor, "*b t k 2"]
    """2D joints in pixels; where ``keypoints_valid`` is False the value is arbitrary but finite."""
    keypoints_valid: Bool[Tensor, "*b t k"]
    """False where the 2D joint was not seen."""
    confidence: Float[Tensor, "*b t k"]
    """How sure the detector is, 0 to 1; 1 for exact 2D."""
    image_size_px: Float[Tensor, "*b 2"]
    """Width, height."""
    intrinsics: Float[Tensor, "*b 3 3"] | None = None
    """Pinhole camera matrix in pixels."""
    distortion: Float[Tensor, "*b terms"] | None = None
    """OpenCV terms, if ``keypoints_px`` are distorted; None once they are undistorted."""
    fps: Float[Tensor, "*b"] | None = None
    """Frames per second of the ``t`` axis."""
    images: Float[Tensor, "*b i 3 y x"] | None = None
    """RGB crops around the person, 0 to 1, of some frames of the clip or all."""
    crops_px: Float[Tensor, "*b i 4"] | None = None
    """Left, top, right, bottom edge of each crop, in pixels of the picture that
    ``keypoints_px`` are in; a crop may reach beyond it."""
    image_frames: Int64[Tensor, "*b i"] | None = None
    """Which of the ``t`` frames each crop shows."""
    masks: Float[Tensor, "*b i ymask xmask"] | None = None
    """How much of each pixel of the crops is the person, 0 to 1; may be coarser than ``images``."""
    picture: Int64[Tensor, "*b"] | None = None
    """Examples of one number show the same picture, apart from their ``warp``."""
    warp: Float[Tensor, "*b 2 3"] | None = None
    """Affine map from points of the plain crop to where this example shows them; in crop
    coordinates: 0 in the middle, the longer side from -1 to 1."""
    scene: Int64[Tensor, "*b"] | None = None
    """Examples of one number show the same moments, each through its own camera."""
    T_world_cam: Float[Tensor, "*b 4 4"] | None = None
    """Where the camera stands; the world is that of the example's ``scene``."""
    skeleton: Skeleton | None = None
    """Joint set of the labels."""
    joints_cam: Float[Tensor, "*b t j 3"] | None = None
    """3D labels in the camera frame, absolute, metres."""
    valid: Bool[Tensor, "*b t j"] | None = None
    """False where a label is missing; losses and metrics skip it."""
    scale_m_per_px: Float[Tensor, "*b t"] | None = None
    """Metres that a pixel spans at the person, where a protocol tells it or a caller assumes it."""
    prior_cam: Float[Tensor, "*b p j 3"] | None = None
    """Poses that could be, whoever the example shows: camera axes, relative to the root, metres."""


@dataclass(frozen=True, eq=False)
class Prediction(TensorRecord):
    """What an estimator says. The hypothesis axis is always there; h=1 for a point estimate."""

    skeleton: Skeleton
    joints_cam: Float[Tensor, "*b h t j 3"]
    """Camera axes, metres, relative to the person's root; add ``root_cam`` to place them."""
    root_cam: Float[Tensor, "*b h t 3"] | None = None
    """The root in the camera frame, metres; None when the estimator does not place."""
    spread: Float[Tensor, "*b t j"] | None = None
    """Standard deviation of each joint's position error, metres, where the estimator knows it."""
    confidence: Float[Tensor, "*b h t j"] | None = None
    """Probability of each hypothesis of a joint, if known; 0 for one that repeats another."""
    coarse_cam: Float[Tensor, "*b h tcoarse j 3"] | None = None
    """A first, coarser answer in the same axes that training also supervises; training only."""
    coarse_step: int = 1
    """Frames from one frame of the coarse answer to the next."""
    keypoints_px: Float[Tensor, "*b #h tpx k 2"] | None = None
    """2D joints the estimator believes in, pixels; of each hypothesis, or one set for all."""
    depth_cells: Float[Tensor, "*b t j d 2"] | None = None
    """Of each cell of a depth axis: depth from the root, metres, log-probability; training only."""
    features: Float[Tensor, "*b f t j c"] | None = None
    """Features by task (2D pose, then depth), for objectives and studies that look inside."""


@dataclass(frozen=True, eq=False)
class KeypointSequence:
    """2D joints of one person over a clip."""

    skeleton: Skeleton
    keypoints_px: Float[Tensor, "t k 2"]
    """Arbitrary but finite where ``valid`` is False."""
    valid: Bool[Tensor, "t k"]
    confidence: Float[Tensor, "t k"]
    """0 to 1."""
    frames: Int64[Tensor, "t"]
    """Source frame index of each row, increasing."""
    fps: float
    image_size_px: tuple[int, int]
    """Width, height."""
    person: int = 0
    model: str = ""
    """What made it: detector and version, or the file format it was read from."""


@dataclass(frozen=True, eq=False)
class PoseSequence:
    """3D joints of one person over a clip: what Vitruve hands out."""

    skeleton: Skeleton
    joints_world: Float[Tensor, "t j 3"]
    """World frame (z up, floor at 0), metres; arbitrary but finite where ``valid`` is False."""
    valid: Bool[Tensor, "t j"]
    frames: Int64[Tensor, "t"]
    """Source frame index of each row, increasing."""
    fps: float
    spread: Float[Tensor, "t j"] | None = None
    """Standard deviation of each joint's position, metres."""
    camera: Camera | None = None
    """The camera that saw it, with ``T_world_cam``; None for motion capture files."""
    person: int = 0
    model: str = ""
    """What made it: estimator and version, or the file format it was read from."""

    @property
    def joints_cam(self) -> Float[Tensor, "t j 3"]:
        """Joints in the camera frame, metres.

        Raises:
            ValueError: The sequence came without a camera.
        """
        if self.camera is None:
            raise ValueError("this sequence has no camera: joints_cam is unknown, use joints_world")
        return self.camera.joints_to_cam(self.joints_world)


def mirror_batch(batch: PoseBatch) -> PoseBatch:
    """The batch as a mirror would show it: x runs from the right edge and sides swap names.

    Distorted keypoints are only mirrored exactly when the principal point is the image centre.
    """
    swap = list(batch.keypoint_skeleton.mirror_index)
    width = batch.image_size_px[..., None, None, 0]
    x, y = batch.keypoints_px[..., swap, :].unbind(-1)
    mirrored = replace(
        batch,
        keypoints_px=torch.stack([width - x, y], dim=-1),
        keypoints_valid=batch.keypoints_valid[..., swap],
        confidence=batch.confidence[..., swap],
    )
    if batch.intrinsics is not None:
        intrinsics = batch.intrinsics.clone()
        intrinsics[..., 0, 2] = batch.image_size_px[..., 0] - intrinsics[..., 0, 2]
        intrinsics[..., 0, 1] = -intrinsics[..., 0, 1]
        mirrored = replace(mirrored, intrinsics=intrinsics)
    if batch.crops_px is not None:
        left, top, right, bottom = batch.crops_px.unbind(-1)
        width = batch.image_size_px[..., None, 0]
        crops_px = torch.stack([width - right, top, width - left, bottom], dim=-1)
        mirrored = replace(mirrored, crops_px=crops_px)
    if batch.skeleton is not None:
        twin = list(batch.skeleton.mirror_index)
        mirrored = replace(
            mirrored,
            joints_cam=_mirror_joints(batch.joints_cam, twin),
            valid=None if batch.valid is None else batch.valid[..., twin],
            prior_cam=_mirror_joints(batch.prior_cam, twin),
        )
    return replace(mirrored, **_mirror_views(batch))


def _mirror_views(batch: PoseBatch) -> dict[str, Tensor | None]:
    """Lens, pictures, their groups and the world; mirrored ones form groups of their own."""
    x = batch.image_size_px.new_tensor([-1.0, 1.0, 1.0, 1.0])
    both = x * x[:, None]  # A mirror before the map and one after it.
    changes: dict[str, Callable[[Tensor], Tensor]] = {
        "distortion": _mirror_distortion,
        "images": lambda images: images.flip(-1),
        "masks": lambda masks: masks.flip(-1),
        "warp": lambda warp: warp * both[:2, :3],
        "T_world_cam": lambda place: place * both,
        "picture": torch.bitwise_not,
        "scene": torch.bitwise_not,
    }
    held = {name: getattr(batch, name) for name in changes}
    return {name: None if x is None else changes[name](x) for name, x in held.items()}


def _mirror_joints(joints: Float[Tensor, "*b j 3"] | None, twin: list[int]) -> Tensor | None:
    return None if joints is None else joints[..., twin, :] * joints.new_tensor([-1.0, 1.0, 1.0])


def mirror_prediction(prediction: Prediction, batch: PoseBatch | None = None) -> Prediction:
    """The prediction as a mirror would show it.

    Args:
        prediction: Of any estimator.
        batch: What it was predicted from, mirrored or not; 2D joints cannot do without it.

    Raises:
        ValueError: There are 2D joints and no batch.
    """
    swap = list(prediction.skeleton.mirror_index)
    sign = prediction.joints_cam.new_tensor([-1.0, 1.0, 1.0])
    root, spread, confidence = prediction.root_cam, prediction.spread, prediction.confidence
    return replace(
        prediction,
        joints_cam=prediction.joints_cam[..., swap, :] * sign,
        root_cam=None if root is None else root * sign,
        spread=None if spread is None else spread[..., swap],
        confidence=None if confidence is None else confidence[..., swap],
        keypoints_px=_mirror_keypoints(prediction.keypoints_px, batch),
    )


def _mirror_keypoints(
    keypoints_px: Float[Tensor, "*b h t k 2"] | None, batch: PoseBatch | None
) -> Float[Tensor, "*b h t k 2"] | None:
    if keypoints_px is None:
        return None
    if batch is None:
        raise ValueError("mirroring keypoints_px needs the batch: its image width and keypoints")
    x, y = keypoints_px[..., list(batch.keypoint_skeleton.mirror_index), :].unbind(-1)
    width = batch.image_size_px[..., None, None, None, 0]
    return torch.stack([width - x, y], dim=-1)


def _mirror_distortion(distortion: Float[Tensor, "*b terms"]) -> Float[Tensor, "*b terms"]:
    """Odd terms in x change sign: p2, and the thin prism's s1 and s2 (OpenCV order)."""
    mirrored = distortion.clone()
    odd = [i for i in (3, 8, 9) if i < distortion.shape[-1]]
    mirrored[..., odd] = -mirrored[..., odd]
    return mirrored

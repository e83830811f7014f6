"""Lift one person's 2D track: every frame of its span gets a root-relative 3D pose.

Axes: t frames, k keypoints, j joints, s interleaved streams.
"""

from dataclasses import dataclass, replace

import torch
from jaxtyping import Bool, Float, Int64
from torch import Tensor

from vitruve.estimators import Estimator, Precision
from vitruve.estimators.ensemble import predict_with_spread
from vitruve.geometry.camera import Camera
from vitruve.pipeline.convert import convert_keypoints
from vitruve.poses import KeypointSequence, PoseBatch, TensorRecord
from vitruve.skeletons import conversion

MAX_GAP_S = 0.25
"""Frames farther than this from any seen frame are not valid: nobody knows what happened there."""
ASSUMED_DISTANCE_M = 4.0
"""From camera to person for models that say pixels; placing then scales to the stated height."""
BRIDGED_CONFIDENCE = 0.5
"""Confidence of a keypoint between two that were seen, over theirs."""


@dataclass(frozen=True)
class LiftConfig:
    """How a track is lifted."""

    precision: Precision = "auto"
    """Numbers the model computes in; auto takes bfloat16 where that is faster."""
    num_noise: int = 2
    """Noisy copies of the input per frame, each run plain and flipped; they give the spread."""
    noise_relative: float = 0.01
    """Standard deviation of that noise, as a share of the person's size in the image."""
    chunk_frames: int = 4096
    """Frames lifted at a time: bounds memory."""
    seed: int = 0
    """Of the noise."""


@dataclass(frozen=True, eq=False)
class ReadyTrack:
    """A track in the estimator's joints, one row for every frame of its span."""

    seen: KeypointSequence
    """What the detector saw: the only evidence."""
    bridged: KeypointSequence
    """The same with short gaps bridged, which the net reads."""

    @property
    def frames(self) -> Int64[Tensor, "t"]:
        """Source frame indices, consecutive."""
        return self.seen.frames


@dataclass(frozen=True, eq=False)
class LiftedTrack(TensorRecord):
    """Root-relative 3D poses of consecutive frames, with the 2D they came from."""

    joints_rel: Float[Tensor, "t j 3"]
    """Camera axes, metres, relative to the root."""
    spread: Float[Tensor, "t j"]
    """Standard deviation of each joint over flips and noise, metres."""
    keypoints_px: Float[Tensor, "t j 2"]
    """Undistorted 2D of the same joints, where there is any."""
    weights: Float[Tensor, "t j"]
    """Confidence of that 2D; 0 where a joint has none."""
    seen: Bool[Tensor, "t"]
    """False in gaps too long to bridge."""
    frames: Int64[Tensor, "t"]
    """Source frame indices, consecutive."""


def without_gaps(keypoints: KeypointSequence) -> KeypointSequence:
    """Rows for every frame from the first to the last; added rows hold nothing valid."""
    first, last = int(keypoints.frames[0]), int(keypoints.frames[-1])
    rows = keypoints.frames - first
    count = last - first + 1
    if count == len(rows):
        return keypoints

    def spread_out(values: Tensor) -> Tensor:
        out = values.new_zeros(count, *values.shape[1:])
        out[rows] = values
        return out

    return replace(
        keypoints,
        keypoints_px=spread_out(keypoints.keypoints_px),
        valid=spread_out(keypoints.valid),
        confidence=spread_out(keypoints.confidence),
        frames=torch.arange(first, last + 1),
    )


def prepare(keypoints: KeypointSequence, camera: Camera, estimator: Estimator) -> ReadyTrack:
    """The track as the estimator reads it: every frame of its span, its joints, no distortion.

    Raises:
        ValueError: The detector's joints give none of those the estimator reads.
    """
    seen = to_estimator_input(without_gaps(keypoints), camera, estimator)
    return ReadyTrack(seen, bridged(seen))


def chunk_starts(count: int, config: LiftConfig) -> range:
    """First rows of the chunks of a prepared track of ``count`` frames."""
    return range(0, count, config.chunk_frames)


def lift_chunk(
    ready: ReadyTrack,
    camera: Camera,
    estimator: Estimator,
    config: LiftConfig,
    start: int,
) -> LiftedTrack:
    """Lift the chunk of a prepared track that starts at row ``start``.

    The estimator also sees its receptive field around the chunk, so borders do not show. A chunk
    depends on its own frames and the seed alone: whatever order they are lifted in gives the same.
    """
    count = len(ready.frames)
    stride = frame_stride(ready.seen.fps, estimator)
    halo = estimator.receptive_field // 2 * stride
    stop = min(count, start + config.chunk_frames)
    low, high = max(0, start - halo), min(count, stop + halo)
    batch = _streams(ready.bridged, camera, (low, high), stride)
    generator = torch.Generator().manual_seed(config.seed * 1_000_003 + start)
    with torch.inference_mode():
        prediction = predict_with_spread(
            estimator, batch, generator, config.num_noise, config.noise_relative
        )
    assert prediction.spread is not None
    inside, rows = slice(start - low, stop - low), slice(start, stop)
    keypoints_px, weights = _evidence(ready.seen, estimator, rows)
    return LiftedTrack(
        joints_rel=_joined(prediction.joints_cam.mean(-4), high - low)[inside],
        spread=_joined(prediction.spread, high - low)[inside],
        keypoints_px=keypoints_px,
        weights=weights,
        seen=near_evidence(ready.seen.valid.any(-1), ready.seen.fps)[rows],
        frames=ready.frames[rows],
    )


def to_estimator_input(
    keypoints: KeypointSequence, camera: Camera, estimator: Estimator
) -> KeypointSequence:
    """The track in the estimator's joint set and without lens distortion.

    Raises:
        ValueError: No joint the estimator reads can be had from the track's joint set.
    """
    bridge = conversion(keypoints.skeleton, estimator.keypoint_skeleton)
    if all(quality == "absent" for quality in bridge.quality):
        raise ValueError(
            f"keypoints in {keypoints.skeleton.name!r} share no joint with what the model reads, "
            f"{estimator.keypoint_skeleton.name!r}; give keypoints of a human skeleton"
        )
    read = convert_keypoints(keypoints, estimator.keypoint_skeleton)
    if camera.distortion is None:
        return read
    straight = camera.undistort_px(read.keypoints_px)
    return replace(
        read, keypoints_px=torch.where(read.valid[..., None], straight, read.keypoints_px)
    )


def bridged(dense: KeypointSequence) -> KeypointSequence:
    """Straight lines across frames in which nothing was seen, as far as such frames are valid.

    A net that is shown nothing answers with a pose from nowhere, and leans neighbours towards it.
    """
    has_any = dense.valid.any(-1)
    if has_any.all():
        return dense
    rows = torch.arange(len(has_any))
    before = torch.where(has_any, rows, -1).cummax(0).values
    after = torch.where(has_any, rows, len(rows)).flip(0).cummin(0).values.flip(0)
    short = after - before <= 2 * max(1, round(MAX_GAP_S * dense.fps)) + 1
    fill = (~has_any & (before >= 0) & (after < len(rows)) & short)[:, None]
    first, last = before.clamp(min=0), after.clamp(max=len(rows) - 1)
    share = ((rows - first) / (last - first).clamp(min=1))[:, None]
    points = torch.lerp(dense.keypoints_px[first], dense.keypoints_px[last], share[..., None])
    valid = dense.valid[first] & dense.valid[last]
    sure = torch.minimum(dense.confidence[first], dense.confidence[last])
    return replace(
        dense,
        keypoints_px=torch.where(fill[..., None], points, dense.keypoints_px),
        valid=torch.where(fill, valid, dense.valid),
        confidence=torch.where(fill, BRIDGED_CONFIDENCE * sure * valid, dense.confidence),
    )


def near_evidence(has_any: Bool[Tensor, "t"], fps: float) -> Bool[Tensor, "t"]:
    """Frames within `MAX_GAP_S` of one in which something was seen."""
    reach = max(1, round(MAX_GAP_S * fps))
    padded = torch.nn.functional.max_pool1d(has_any[None].float(), 2 * reach + 1, 1, reach)
    return padded[0] > 0


def frame_stride(fps: float, estimator: Estimator) -> int:
    """Frames between those an estimator looks at together, so that it sees its own frame rate."""
    native = estimator.native_fps
    return 1 if native is None else max(1, round(fps / native))


def _streams(
    dense: KeypointSequence, camera: Camera, span: tuple[int, int], stride: int
) -> PoseBatch:
    """Frames ``span`` dealt out to ``stride`` streams of every stride-th frame, as one batch."""
    low, high = span
    length = -(-(high - low) // stride)
    index = low + torch.arange(length)[None] * stride + torch.arange(stride)[:, None]
    index = index.clamp(max=high - 1)
    size = torch.tensor(camera.image_size_px, dtype=torch.float32)
    return PoseBatch(
        keypoint_skeleton=dense.skeleton,
        keypoints_px=dense.keypoints_px[index],
        keypoints_valid=dense.valid[index],
        confidence=dense.confidence[index],
        image_size_px=size.expand(stride, 2),
        intrinsics=camera.intrinsics.float().expand(stride, 3, 3),
        fps=torch.full((stride,), dense.fps / stride),
        scale_m_per_px=torch.full(index.shape, ASSUMED_DISTANCE_M / float(camera.intrinsics[0, 0])),
    )


def _joined(streams: Float[Tensor, "s t *c"], count: int) -> Float[Tensor, "n *c"]:
    """Undo the dealing out of `_streams`."""
    return streams.transpose(0, 1).flatten(0, 1)[:count]


def _evidence(
    dense: KeypointSequence, estimator: Estimator, rows: slice
) -> tuple[Float[Tensor, "t j 2"], Float[Tensor, "t j"]]:
    """2D of the predicted joints, where the input shows those very joints."""
    bridge = conversion(estimator.keypoint_skeleton, estimator.skeleton)
    exact = torch.tensor([quality == "exact" for quality in bridge.quality])
    points, valid = bridge.apply(dense.keypoints_px[rows], dense.valid[rows])
    confidence, _ = bridge.apply(dense.confidence[rows].unsqueeze(-1), dense.valid[rows])
    return points, confidence.squeeze(-1) * (valid & exact)

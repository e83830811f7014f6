"""Lifter: any net of ``nets.LIFTERS`` with its normalisation, padding and decoding.

Axes: b batch, t frames, k keypoints, j joints, c channels.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor
from torch.func import functional_call

from vitruve.estimators.base import Estimator
from vitruve.estimators.normalise import NORMALISERS, net_input
from vitruve.estimators.placing import keypoint_joints, place_by_keypoints
from vitruve.estimators.precision import computing
from vitruve.estimators.windows import predict_windows
from vitruve.nets import LIFTERS
from vitruve.poses import PoseBatch, Prediction
from vitruve.skeletons.skeleton import Skeleton


@dataclass(frozen=True)
class LifterConfig:
    """A lifting estimator."""

    skeleton: Skeleton
    """Joint set of the output."""
    keypoint_skeleton: Skeleton
    """Joint set of the input."""
    net: str
    """Name in ``nets.LIFTERS``."""
    net_config: Any
    """Config of that net; its input channels are 2, or 3 with ``confidence``."""
    normaliser: str = "screen"
    """Name in ``estimators.normalise.NORMALISERS``."""
    native_fps: float | None = None
    """Frame rate it is trained around; callers show it every n-th frame of faster clips."""
    confidence: bool = False
    """Give the net each keypoint's confidence as a third channel, 0 where it was not seen."""
    metres_per_unit: float = 1.0
    """Metres in one unit of what the net says, beyond what the normaliser knows; 0.001 for a net
    that was trained on millimetres."""
    places: bool = False
    """Say where the root is too, by the keypoints; needs the camera and joints that are them."""

    @classmethod
    def choices(cls, data: Mapping[str, Any]) -> dict[str, type]:
        """Types of the fields that depend on other fields, for reading a saved config.

        Raises:
            KeyError: The net is unknown.
        """
        return {"net_config": lookup(LIFTERS, "net", data.get("net"))[1]}


class Lifter(Estimator):
    """2D keypoints to 3D joints relative to the root; every frame is predicted."""

    def __init__(self, config: LifterConfig) -> None:
        super().__init__()
        self.config = config
        self.skeleton = config.skeleton
        self.keypoint_skeleton = config.keypoint_skeleton
        self.native_fps = config.native_fps
        self.normaliser = lookup(NORMALISERS, "normaliser", config.normaliser)
        self.needs = ("keypoints_px", *self.normaliser.needs)
        if config.places and "intrinsics" not in self.needs:
            self.needs = (*self.needs, "intrinsics")
        check_sizes(config)
        self.net = lookup(LIFTERS, "net", config.net)[0](config.net_config)
        self.receptive_field = self.net.receptive_field

    def forward(self, batch: PoseBatch) -> Prediction:
        """Predict every frame; beyond its ends the clip stands still."""
        return self._decode(self._answer(batch), batch)

    def joints(self, batch: PoseBatch) -> Float[Tensor, "*b t j 3"]:
        """What the net says of every frame, metres; the root as it says it too."""
        return self._to_metres(self._answer(batch), batch)

    def training_forward(self, batch: PoseBatch) -> Prediction:
        """Predict the central frames that have a full view, or all if the clip is too short."""
        before, after = self.net.padding
        if before != after or batch.keypoints_px.shape[-3] <= before + after:
            return self(batch)
        x = self._encode(batch)
        detailed = getattr(self.net, "detailed", None)
        if detailed is None or self.net.window not in (None, x.shape[1]):
            return self._decode(self._slide(x), batch)
        detail = detailed(x)
        prediction = self._decode(detail.joints, batch)
        leading = batch.keypoints_px.shape[:-3]
        if detail.coarse is not None:
            step = detail.coarse_step
            # Decoding wants every frame: those between hold still, and are left out again.
            held = detail.coarse.repeat_interleave(step, dim=1)[:, : x.shape[1]]
            coarse = self._decode(held, batch).joints_cam[..., ::step, :, :]
            prediction = replace(prediction, coarse_cam=coarse, coarse_step=step)
        if detail.features is not None:
            features = detail.features.unflatten(0, leading) if leading else detail.features[0]
            prediction = replace(prediction, features=features)
        return prediction

    def say(self, joints: Float[Tensor, "*b h t j 3"], batch: PoseBatch) -> Prediction:
        """Joints relative to the root as an answer, placed if the config says so."""
        root = None
        if self.config.places:
            which = keypoint_joints(self.keypoint_skeleton, self.skeleton)
            root = place_by_keypoints(joints, which, batch)
        return Prediction(self.skeleton, joints, root)

    def start(self) -> Any:
        """Memory of a stream of frames that has seen nothing yet.

        Raises:
            ValueError: The net needs later frames to answer one.
        """
        if not hasattr(self.net, "start"):
            raise ValueError(
                f"{self.config.net} needs a whole clip at once; for a stream take a causal "
                "video_pose_3d or prml"
            )
        return self.net.start()

    def step(self, memory: Any, batch: PoseBatch) -> Prediction:
        """Predict a batch's only frame, the next of the stream that ``memory`` remembers."""
        joints = self.net.step(memory, self._encode(batch)[:, 0])
        return self._decode(joints.unsqueeze(1), batch)

    def _answer(self, batch: PoseBatch) -> Float[Tensor, "b t j 3"]:
        before, after = self.net.padding
        x = self._encode(batch)
        x = torch.cat([x[:, :1].expand(-1, before, -1, -1), x], dim=1)
        x = torch.cat([x, x[:, -1:].expand(-1, after, -1, -1)], dim=1)
        with computing(self.net, self.precision):
            return self._slide(x)

    def _slide(self, x: Float[Tensor, "b t k c"]) -> Float[Tensor, "b tout j 3"]:
        """The net on a clip of any length; a strided one in its dilated form, same weights."""
        if self.net.window in (None, x.shape[1]):
            return self.net(x)
        if not getattr(self.config.net_config, "strided", False):
            return predict_windows(self.net, x)
        with torch.device("meta"):
            build = LIFTERS[self.config.net][0]
            net = build(replace(self.config.net_config, strided=False)).train(self.training)
        weights = dict(self.net.named_parameters()) | dict(self.net.named_buffers())
        return functional_call(net, weights, (x,))

    def _encode(self, batch: PoseBatch) -> Float[Tensor, "b t k c"]:
        self.check(batch)
        x = net_input(self.normaliser, batch, self.config.confidence)
        return x.flatten(end_dim=-4) if x.ndim > 3 else x[None]

    def _decode(self, output: Float[Tensor, "b t j 3"], batch: PoseBatch) -> Prediction:
        joints = self._to_metres(output, batch)
        root = self.skeleton.root
        return self.say((joints - joints[..., root : root + 1, :]).unsqueeze(-4), batch)

    def _to_metres(
        self, output: Float[Tensor, "b t j 3"], batch: PoseBatch
    ) -> Float[Tensor, "*b t j 3"]:
        leading = batch.keypoints_px.shape[:-3]
        said = self.config.metres_per_unit * output.reshape(*leading, *output.shape[1:])
        return self.normaliser.decode(said, batch)


def lookup(table: Mapping[str, Any], kind: str, name: Any) -> Any:
    """An entry of a table.

    Raises:
        KeyError: There is none of that name; the message has all that are.
    """
    if name not in table:
        raise KeyError(f"unknown {kind} {name!r}; there are {sorted(table)}")
    return table[name]


def check_sizes(config: Any) -> None:
    """Refuse a lifter's config whose net has other numbers of joints or channels.

    Raises:
        ValueError: It has.
    """
    wanted = {
        "num_keypoints": config.keypoint_skeleton.num_joints,
        "num_joints": config.skeleton.num_joints,
        "in_channels": 3 if config.confidence else 2,
    }
    for name, value in wanted.items():
        given = getattr(config.net_config, name)
        if given != value:
            raise ValueError(
                f"{type(config.net_config).__name__}.{name} is {given}, but the lifter's "
                f"skeletons and channels need {value}"
            )

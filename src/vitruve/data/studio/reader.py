"""Studio's pictures as records, by split, with joints in any format.

Axes: j joints, v vertices, k bones, y x pixels.
"""

from bisect import bisect_right
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import roma
import torch
from jaxtyping import Bool, Float, UInt8
from torch import Tensor

from vitruve.bodies import Body, PosedBody, joints_of, make_body
from vitruve.data.decoding.picture import decode_picture
from vitruve.data.shards.file import Example
from vitruve.data.shards.folder import ShardReader
from vitruve.data.studio.config import SPLITS
from vitruve.io.errors import FileError
from vitruve.poses import TensorRecord
from vitruve.skeletons import Skeleton, skeleton

KINDS = ("studio", "own")
"""Rendered people; and a user's own pictures, of which no joint is known (`own.shards`)."""


@dataclass(frozen=True, eq=False)
class StudioPicture(TensorRecord):
    """One picture and what is known about it."""

    skeleton: Skeleton
    image: Float[Tensor, "3 y x"]
    """0 to 1."""
    mask: Bool[Tensor, "y x"]
    joints_cam: Float[Tensor, "j 3"]
    """Absolute, metres."""
    keypoints_px: Float[Tensor, "j 2"]
    """Pixels of the crop."""
    valid: Bool[Tensor, "j"]
    intrinsics: Float[Tensor, "3 3"]
    """Of the crop."""
    T_world_cam: Float[Tensor, "4 4"]
    parts: UInt8[Tensor, "y x"] | None = None
    """Number of the body's part plus 1, 0 where the body is not."""


class Studio:
    """Pictures of one split, or of all, in order of scene, frame and camera."""

    def __init__(self, folder: str | Path, split: str | None = None) -> None:
        """Open a folder that ``vitruve data studio`` made.

        Raises:
            FileNotFoundError: There is none, or it is not complete.
            FileError: It is damaged, or holds other data.
            KeyError: No such split.
        """
        if split is not None and split not in SPLITS:
            raise KeyError(f"no split {split!r}; there are {', '.join(SPLITS)}")
        self.reader = ShardReader(folder)
        about = self.reader.about
        if about.get("kind") not in KINDS or about.get("schema") != 1:
            raise FileError(
                f"{folder} holds no Studio pictures; make some with vitruve data studio"
            )
        self.skeleton = skeleton(about["skeleton"])
        numbers = np.arange(len(self.reader))
        if split is not None:
            numbers = numbers[self.reader.column("split") == SPLITS.index(split)]
        self._numbers = numbers

    def __len__(self) -> int:
        """How many pictures the split has."""
        return len(self._numbers)

    def __getitem__(self, number: int) -> StudioPicture:
        """One picture of the split.

        Raises:
            IndexError: There are fewer.
            FileError: Its shard or the picture is damaged.
        """
        example = self.example(number)
        image, mask = self.pictures_of(example)
        parts = None
        if "parts" in example:
            where = self._where(example)
            parts = torch.from_numpy(decode_picture(_encoded(example, "parts"), "L", where))
        return StudioPicture(
            self.skeleton,
            image.float() / 255,
            mask,
            joints_cam=_tensor(example, "joints_cam"),
            keypoints_px=_tensor(example, "keypoints_px"),
            valid=_tensor(example, "valid"),
            intrinsics=_tensor(example, "intrinsics"),
            T_world_cam=_tensor(example, "T_world_cam"),
            parts=parts,
        )

    def column(self, name: str) -> np.ndarray:
        """One column of all pictures of the split.

        Raises:
            KeyError: There is no such column of numbers or text.
            FileError: A shard is damaged.
        """
        return self.reader.column(name)[self._numbers]

    def example(self, number: int) -> Example:
        """Every field of one picture of the split, pictures still encoded.

        Raises:
            IndexError: There are fewer.
        """
        if not 0 <= number < len(self):
            raise IndexError(f"picture {number} of {self.reader.folder}: there are {len(self)}")
        return self.reader[int(self._numbers[number])]

    @cached_property
    def _bounds(self) -> list[int]:
        """First picture of each moment, and how many pictures there are."""
        scene, frame = (self.column(name) for name in ("scene", "frame"))
        new = (scene[1:] != scene[:-1]) | (frame[1:] != frame[:-1])
        starts = np.flatnonzero(np.r_[len(self) > 0, new])
        return [*starts.tolist(), len(self)]

    @property
    def num_moments(self) -> int:
        """How many moments the split has; all cameras of one follow each other."""
        return len(self._bounds) - 1

    def moment_of(self, number: int) -> int:
        """Number of the moment that a picture shows."""
        return bisect_right(self._bounds, number) - 1

    def moment(self, number: int) -> range:
        """The pictures of a moment, by its number."""
        return range(*self._bounds[number : number + 2])

    def pictures_of(self, example: Example) -> tuple[UInt8[Tensor, "3 y x"], Bool[Tensor, "y x"]]:
        """An example's picture and mask, decoded.

        Raises:
            FileError: One of them is missing or damaged.
        """
        where = self._where(example)
        image = decode_picture(_encoded(example, "image"), "RGB", where)
        mask = decode_picture(_encoded(example, "mask"), "1", where)
        return torch.from_numpy(image).permute(2, 0, 1), torch.from_numpy(mask)

    def moments(self, name: str) -> Float[Tensor, "i *_"]:
        """A field that all cameras of a moment share, of every moment of the split.

        Raises:
            FileError: A shard is damaged, or there is no such field.
        """
        return torch.from_numpy(self.column(name)[self._bounds[:-1]])

    def _where(self, example: Example) -> str:
        return f"{self.reader.folder}, example {example['key']}"

    def views(self, number: int) -> range:
        """The pictures of all cameras at the same moment, this one among them."""
        return self.moment(self.moment_of(number))

    @cached_property
    def body(self) -> Body:
        """The body that was rendered."""
        return make_body(self.reader.about["settings"]["body"])

    def posed(self, number: int) -> PosedBody:
        """The body as it stood, in the world: vertices and bones."""
        example = self.example(number)
        pose = self.body.rest_pose().clone()
        pose[self.reader.about["bones"]] = roma.rotvec_to_rotmat(_tensor(example, "pose"))
        with torch.no_grad():
            return self.body(pose, _tensor(example, "shape"), _tensor(example, "root"))

    def joints(
        self, number: int, wanted: Skeleton
    ) -> tuple[Float[Tensor, "j 3"], Bool[Tensor, "j"]]:
        """Joints of any format in the camera frame, metres, and which of them the body can tell."""
        joints_world, valid = joints_of(self.body, self.posed(number), wanted)
        T_world_cam = _tensor(self.example(number), "T_world_cam")
        return (joints_world - T_world_cam[:3, 3]) @ T_world_cam[:3, :3], valid


def _tensor(example: Example, name: str) -> Tensor:
    value = example.get(name)
    if not isinstance(value, np.ndarray):
        raise FileError(f"example {example['key']} has no numbers {name!r}; make the shards again")
    return torch.from_numpy(value)


def _encoded(example: Example, name: str) -> bytes:
    value = example.get(name)
    if not isinstance(value, bytes):
        raise FileError(f"example {example['key']} has no picture {name!r}; make the shards again")
    return value

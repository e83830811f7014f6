"""Person crops out of shards, decoded one by one, and several datasets in fixed shares.

Axes: j joints, n pixels of a crop's side.
"""

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Bool, Float, UInt8
from PIL import Image
from torch import Tensor

from vitruve.data.mixture import Mixture, MixtureConfig
from vitruve.data.shards.file import Example
from vitruve.data.shards.folder import ShardReader
from vitruve.geometry.camera import Camera
from vitruve.io.errors import FileError
from vitruve.io.limits import clip
from vitruve.skeletons import SKELETONS, Skeleton

KIND = "person crops"


@dataclass(frozen=True, eq=False)
class CropExample:
    """One person's crop with its labels."""

    dataset: str
    skeleton: Skeleton
    image: UInt8[Tensor, "3 n n"]
    """RGB."""
    mask: Bool[Tensor, "n n"] | None
    valid: Bool[Tensor, "j"]
    keypoints_px: Float[Tensor, "j 2"]
    """2D joints in the crop."""
    box_px: Float[Tensor, "4"]
    """Around the person in the crop: left, top, right, bottom."""
    joints_cam: Float[Tensor, "j 3"] | None
    """Metres; zeros where ``valid`` is False. None for weak labels."""
    camera: Camera | None
    """What took the crop; None for weak labels."""
    up_cam: Float[Tensor, "3"] | None
    """Direction against gravity in the camera's frame; None where it is unknown."""
    sequence: str
    subject: str
    frame: int
    person: int


class CropStore:
    """The crops of one dataset, by number."""

    def __init__(self, folder: str | Path) -> None:
        """Read the index; no shard is opened.

        Raises:
            FileNotFoundError: There is no finished build.
            FileError: It is damaged or holds something else than person crops.
        """
        self.shards = ShardReader(folder)
        about = self.shards.about
        if about.get("kind") != KIND:
            raise FileError(f"{folder} holds {about.get('kind')!r}, expected {KIND!r}")
        if about["skeleton"] not in SKELETONS:
            raise FileError(f"{folder} has joints in {about['skeleton']!r}, which is no format")
        self.dataset = str(about["dataset"])
        self.skeleton = SKELETONS[about["skeleton"]]
        stored = tuple(about["joints"])
        if stored != self.skeleton.names:
            odd = next((a for a, b in zip(stored, self.skeleton.names, strict=False) if a != b), "")
            raise FileError(
                f"{folder} was made with other joints of {self.skeleton.name!r} "
                f"({len(stored)}, the first that differs: {clip(odd)!r}); build it again"
            )

    def __len__(self) -> int:
        """How many crops there are."""
        return len(self.shards)

    def __getitem__(self, number: int) -> CropExample:
        """One crop, decoded.

        Raises:
            IndexError: No crop has the number.
            FileError: Its shard or picture is damaged; the message names it.
            FileNotFoundError: Its shard is missing.
        """
        row = self.shards[number]
        image, mask = self._pictures(number, row)
        labels = {k: torch.from_numpy(v) for k, v in row.items() if _is_numbers(v)}
        camera, up = None, None
        if "intrinsics" in labels:
            lens = labels["distortion"] if bool(labels["distortion"].any()) else None
            camera = Camera(labels["intrinsics"], (image.shape[-1], image.shape[-2]), lens)
            up = labels["up_cam"] if bool(labels["up_cam"].isfinite().all()) else None
        return CropExample(
            dataset=self.dataset,
            skeleton=self.skeleton,
            image=image,
            mask=mask,
            valid=labels["valid"],
            keypoints_px=labels["keypoints_px"],
            box_px=labels["box_px"],
            joints_cam=labels.get("joints_cam"),
            camera=camera,
            up_cam=up,
            sequence=str(row["sequence"]),
            subject=str(row["subject"]),
            frame=int(labels["frame"]),
            person=int(labels["person"]),
        )

    def _pictures(self, number: int, row: Example) -> tuple[Tensor, Tensor | None]:
        try:
            with Image.open(io.BytesIO(bytes(row["image"]))) as opened:
                image = torch.from_numpy(np.array(opened.convert("RGB"))).permute(2, 0, 1)
            if not row["mask"]:
                return image, None
            with Image.open(io.BytesIO(bytes(row["mask"]))) as opened:
                return image, torch.from_numpy(np.array(opened.convert("1")))
        # Pillow's decoders raise many kinds on damaged input.
        except Exception as error:
            raise FileError(
                f"crop {number} of {self.shards.folder} cannot be decoded: {clip(str(error))}"
            ) from error


class CropMixture:
    """Batches with a fixed number of crops of each dataset, each from a queue of its own.

    A batch is a function of its number alone, so a run that was killed goes on with exactly the
    examples that it would have seen.
    """

    def __init__(self, stores: Sequence[CropStore], config: MixtureConfig) -> None:
        """Match quotas with stores.

        Raises:
            KeyError: A quota names no store's dataset.
            ValueError: Two stores hold the same dataset, or a quota is not positive.
        """
        names = [store.dataset for store in stores]
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise ValueError(f"two stores hold {', '.join(twice)}; give each dataset once")
        self.stores: Mapping[str, CropStore] = dict(zip(names, stores, strict=True))
        self.mixture = Mixture({name: len(s) for name, s in self.stores.items()}, config)

    def batch_at(self, step: int, rank: int = 0, world_size: int = 1) -> list[CropExample]:
        """The crops of one step on one rank, in the order of the quotas.

        Raises:
            ValueError: A quota does not divide among the ranks.
            FileError: A shard is damaged.
        """
        chosen = self.mixture.examples_at(step, rank, world_size)
        return [self.stores[name][i] for name, at in chosen.items() for i in at.tolist()]


def _is_numbers(value: np.ndarray | bytes) -> bool:
    return isinstance(value, np.ndarray) and value.dtype.kind in "biuf"

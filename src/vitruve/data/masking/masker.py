"""Masks of a clip without labels, by one of four ways; see `MaskingConfig`.

Axes: y x pixels.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, assert_never

import numpy as np
from jaxtyping import Bool, Float, UInt8

from vitruve.data.masking.background import BackgroundConfig
from vitruve.data.masking.chroma import ChromaConfig, not_keyed
from vitruve.data.masking.grab_cut import (
    GrabCutConfig,
    mask_along,
    mask_in_box,
    refine_mask,
)
from vitruve.data.masking.scene_cut import SceneCut, SceneCutConfig
from vitruve.data.own.clips import spread_frames
from vitruve.data.own.mask_file import kind_of_mask, load_mask
from vitruve.data.processing.masks import Kind, clean_mask
from vitruve.io.errors import FileError

Way = Literal["background", "chroma", "grabcut", "given"]
Boxes = Mapping[str, Float[np.ndarray, "4"]]
"""Around the person of a picture, by its name: left, top, right, bottom."""
Bones = Mapping[str, Float[np.ndarray, "n 2 2"]]
"""Of the person of a picture, by its name: lines from point to point, pixels."""


@dataclass(frozen=True)
class MaskingConfig:
    """How masks are made."""

    by: Way = "background"
    """background: what moves before a camera that stands still; chroma: what has not the colour of
    a screen; grabcut: what differs in colour from what is around its box or its bones; given: a
    folder of masks, of which the largest piece is taken and holes are closed."""
    refine: bool = False
    """Move the edges of masks to those of the pictures; those by background and by grabcut are
    there already."""
    background: BackgroundConfig = field(default_factory=BackgroundConfig)
    scene_cut: SceneCutConfig = field(default_factory=SceneCutConfig)
    chroma: ChromaConfig = field(default_factory=ChromaConfig)
    grab_cut: GrabCutConfig = field(default_factory=GrabCutConfig)


class Masker:
    """Pictures of one clip to masks."""

    def __init__(
        self,
        config: MaskingConfig,
        source: Path,
        *,
        given: Path | None = None,
        boxes: Boxes | None = None,
        bones: Bones | None = None,
    ) -> None:
        """Learn what is needed of the whole clip.

        Args:
            config: How.
            source: A video, a folder of pictures or a picture.
            given: Folder of masks, for the way ``given``.
            boxes: Around the person, of use to all ways. A picture without one then shows nobody.
            bones: Of the person, for ``grabcut``, which needs these or boxes.

        Raises:
            FileError: The clip is too short, not of one size, or damaged.
            ValueError: The way needs masks or boxes that are not given.
        """
        self.config, self._given, self._boxes, self._bones = config, given, boxes, bones
        self._before_scene: SceneCut | None = None
        if config.by == "background":
            frames = (image for _, image in spread_frames(source, config.background.frames))
            self._before_scene = SceneCut(frames, config.background, config.scene_cut)
        if config.by == "given" and given is None:
            raise ValueError("masks that are given need their folder: name it (--given DIR)")
        if config.by == "grabcut" and boxes is None and bones is None:
            raise ValueError("grabcut starts from a box around the person: give boxes (--boxes)")

    def __call__(
        self, name: str, image: UInt8[np.ndarray, "y x 3"]
    ) -> tuple[Bool[np.ndarray, "y x"], Kind]:
        """The mask of a picture, and what is to be thought of it.

        Raises:
            FileError: A given mask is damaged or of another size.
        """
        box = None
        if self._boxes is not None:
            box = self._boxes.get(name)
            if box is None:
                return np.zeros(image.shape[:2], bool), "empty"
        mask, kind = clean_mask(self._raw(name, image, box), box)
        if self._given is not None and box is None and kind == "good":
            kind = kind_of_mask(self._given, name) or kind
        along_edges = self.config.by in ("background", "grabcut")
        if not self.config.refine or along_edges or kind == "empty":
            return mask, kind
        refined, again = clean_mask(refine_mask(image, mask, self.config.grab_cut), box)
        return refined, again if kind == "good" else kind

    def _raw(
        self, name: str, image: UInt8[np.ndarray, "y x 3"], box: Float[np.ndarray, "4"] | None
    ) -> Bool[np.ndarray, "y x"]:
        match self.config.by:
            case "background":
                assert self._before_scene is not None
                return self._before_scene(image)
            case "chroma":
                return not_keyed(image, self.config.chroma)
            case "grabcut":
                return self._cut(name, image, box)
            case "given":
                return self._load(name, image)
            case _:
                assert_never(self.config.by)

    def _cut(
        self, name: str, image: UInt8[np.ndarray, "y x 3"], box: Float[np.ndarray, "4"] | None
    ) -> Bool[np.ndarray, "y x"]:
        if self._bones is not None and name in self._bones:
            return mask_along(image, self._bones[name], self.config.grab_cut)
        if box is None:
            return np.zeros(image.shape[:2], bool)
        return mask_in_box(image, box, self.config.grab_cut)

    def _load(self, name: str, image: UInt8[np.ndarray, "y x 3"]) -> Bool[np.ndarray, "y x"]:
        assert self._given is not None
        mask = load_mask(self._given, name)
        if mask is None:
            return np.zeros(image.shape[:2], bool)
        if mask.shape != image.shape[:2]:
            raise FileError(
                f"{self._given / name}.png has {mask.shape[1]}x{mask.shape[0]} pixels, its picture "
                f"{image.shape[1]}x{image.shape[0]}"
            )
        return mask

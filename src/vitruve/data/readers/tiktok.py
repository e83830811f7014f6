"""TikTok dataset: dances filmed by phones, frame by frame, with masks and without any joint.

``<sequence>/images/<frame>.png`` and ``masks/<frame>.png`` of the same names; sequences are called
00001 to 00340. DensePose's maps in ``densepose`` are not read.

Source: Jafarian and Park, "Learning high fidelity depths of dressed humans by watching social media
dance videos", CVPR 2021, https://arxiv.org/abs/2103.03319; yasamin.page/hdnet_tiktok.
"""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from vitruve.data.datasets.examples import Mask, Part, PictureExample
from vitruve.data.processing.masks import WHITE_ABOVE, clean_mask, mask_box, mask_of
from vitruve.data.readers.release import find
from vitruve.io.images import list_images, load_image
from vitruve.skeletons import SKELETONS

NAME = "tiktok"
JOINTS = "h36m_18"
"""Format in which no joint is known: what X as Supervision learns from it."""


def parts(root: Path, split: str | None = None) -> list[Part]:
    """Every sequence.

    Raises:
        FileNotFoundError: There is none.
    """
    folders = sorted({path.parent for path in find(NAME, root, "[0-9]*/images")})
    return [Part(root, folder.name) for folder in folders] if split is None else []


def read(part: Part) -> Iterator[PictureExample]:
    """Every picture whose mask shows somebody.

    Raises:
        FileNotFoundError: There are no pictures.
        FileError: A mask is damaged.
    """
    skeleton = SKELETONS[JOINTS]
    folder = part.root / part.name
    for number, picture in enumerate(list_images(folder / "images")):
        path = folder / "masks" / picture.name
        if not path.is_file():
            continue
        mask, kind = clean_mask(mask_of(load_image(path)))
        if kind == "empty":
            continue
        yield PictureExample(
            picture=picture,
            video_frame=None,
            skeleton=skeleton,
            valid=np.zeros(skeleton.num_joints, bool),
            joints_cam=None,
            keypoints_px=np.zeros((skeleton.num_joints, 2)),
            camera=None,
            sequence=part.name,
            frame=number,
            subject=part.name,
            box_px=mask_box(mask),
            mask=Mask(path, above=WHITE_ABOVE),
        )

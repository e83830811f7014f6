"""How good are masks that nobody drew? Four real views of one person; results/masks_video.json.

    python tools/measure_masks.py VIDEO_FOLDER [--sheet FILE.png]

Masks of `vitruve data masks`, by background modelling, which no labels taught, and by GrabCut along
the bones of our 2D detector, which labels of other people taught. Of each view and their mean:

- ``kept_percent``: masks that are of one piece, neither empty nor full; these alone teach views.
  What follows is of those.
- ``joints_percent``: limb joints of our 2D detector that lie inside. GrabCut is told of these.
- ``iou_percent``: intersection over union with the mask that GrabCut makes of the same frame.

The sheet has a row for each view: yellow where both masks are, red the background's alone, green
GrabCut's alone.

Axes: t frames, k keypoints, y x pixels.
"""

import argparse
import tempfile
import time
from pathlib import Path
from typing import Literal

import numpy as np
from jaxtyping import Bool, UInt8
from PIL import Image

from measure_views import LIMBS
from qualisys import VIEWS, detections
from vitruve.benchmarks.results import FOLDER, Row, record
from vitruve.cli.data_masks import MaskSettings, mask_clips
from vitruve.data.masking import MaskReport
from vitruve.data.own.clips import find_clips, frame_name
from vitruve.data.own.mask_file import load_mask
from vitruve.data.processing.masks import mask_box
from vitruve.pipeline.person_bones import SEEN
from vitruve.poses import KeypointSequence

Masks = dict[str, Bool[np.ndarray, "y x"]]
"""Of a clip, by the frame's name."""
Way = Literal["background", "grabcut"]
TYPED = "python tools/measure_masks.py VIDEO_FOLDER"
SHEET_COLUMNS, SHEET_TILE_PX = 8, 160
WAYS: tuple[Way, ...] = ("background", "grabcut")


def main() -> None:
    """Make masks both ways, compare, write, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("videos", type=Path)
    parser.add_argument("--sheet", type=Path)
    parser.add_argument("--results", type=Path, default=FOLDER)
    arguments = parser.parse_args()
    folder, begun = arguments.videos / "single_person", time.perf_counter()
    seen = detections([folder / f"{view}.mp4" for view in VIEWS])
    ways = {by: made(folder, by) for by in WAYS}
    if arguments.sheet:
        pairs = zip(ways["background"], ways["grabcut"], strict=True)
        rows = [sheet_row(own, other) for (_, own), (_, other) in pairs]
        Image.fromarray(np.concatenate(rows)).save(arguments.sheet)

    def write(by: str, data: str, metrics: dict[str, float]) -> None:
        print(by, data, metrics)
        seconds = round(time.perf_counter() - begun, 1)
        row = Row(f"masks.{by}", 0, "cpu", f"single_person/{data}", metrics, TYPED, seconds)
        record(row, "masks_video", arguments.results)

    for by, found in ways.items():
        views = []
        for view, (report, masks), other, keypoints in zip(
            VIEWS, found, ways["grabcut"], seen, strict=True
        ):
            kept = [t.name for t in report.thumbnails if t.kind == "good"]
            views.append({"kept_percent": 100 * len(kept) / len(report.thumbnails)})
            views[-1]["joints_percent"] = joints_percent(kept, masks, keypoints)
            if by != "grabcut":
                views[-1]["iou_percent"] = iou_percent(kept, masks, other[1])
            write(by, view, views[-1])
        write(by, "mean", {k: float(np.mean([v[k] for v in views])) for k in views[0]})


def made(folder: Path, by: Way) -> list[tuple[MaskReport, Masks]]:
    """Masks of every view, and what is thought of them."""
    clips = find_clips(folder)
    with tempfile.TemporaryDirectory() as out:
        folders = [Path(out) / clip.name for clip in clips]
        reports = mask_clips(clips, folders, MaskSettings(by=by))
        return [
            (report, {t.name: loaded(path, t.name) for t in report.thumbnails})
            for report, path in zip(reports, folders, strict=True)
        ]


def loaded(folder: Path, name: str) -> Bool[np.ndarray, "y x"]:
    """A mask that was just written."""
    mask = load_mask(folder, name)
    assert mask is not None
    return mask


def joints_percent(names: list[str], masks: Masks, keypoints: KeypointSequence) -> float:
    """How many of the limb joints that the detector is sure of lie in the masks of frames."""
    index = [keypoints.skeleton.index(name) for name in LIMBS]
    points = keypoints.keypoints_px[:, index].numpy()
    sure = keypoints.confidence[:, index].numpy() > SEEN
    row_of = {frame_name(frame): row for row, frame in enumerate(keypoints.frames.tolist())}
    inside = [
        lies_inside(points[row_of[name]][sure[row_of[name]]], masks[name])
        for name in names
        if name in row_of
    ]
    return 100 * float(np.concatenate(inside).mean())


def iou_percent(names: list[str], masks: Masks, others: Masks) -> float:
    """Mean over frames."""
    pairs = [(masks[name], others[name]) for name in names]
    return 100 * float(np.mean([(a & b).sum() / (a | b).sum() for a, b in pairs]))


def sheet_row(masks: Masks, others: Masks) -> UInt8[np.ndarray, "y x 3"]:
    """Some frames of a clip, cut to where somebody is in any of them."""
    left, top, right, bottom = mask_box(np.any([*masks.values(), *others.values()], axis=0))
    part = slice(int(top), int(bottom)), slice(int(left), int(right))
    tiles = []
    for name in list(masks)[:: len(masks) // SHEET_COLUMNS][:SHEET_COLUMNS]:
        both = np.stack([masks[name], others[name], np.zeros_like(masks[name])], axis=-1)[part]
        tile = Image.fromarray(both.astype(np.uint8) * np.uint8(255))
        tile.thumbnail((SHEET_TILE_PX, SHEET_TILE_PX))
        square = Image.new("RGB", (SHEET_TILE_PX, SHEET_TILE_PX))
        square.paste(tile, ((SHEET_TILE_PX - tile.width) // 2, SHEET_TILE_PX - tile.height))
        tiles.append(np.asarray(square))
    return np.concatenate(tiles, axis=1)


def lies_inside(points: np.ndarray, mask: Bool[np.ndarray, "y x"]) -> Bool[np.ndarray, "k"]:
    """Whether pixels are in the mask; those beyond the picture are not."""
    x, y = np.floor(points).astype(int).T
    height, width = mask.shape
    within = (x >= 0) & (x < width) & (y >= 0) & (y < height)
    return within & mask[y.clip(0, height - 1), x.clip(0, width - 1)]


if __name__ == "__main__":
    main()

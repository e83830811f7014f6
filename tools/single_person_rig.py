"""Write the cameras of Pose2Sim's single-person clips as they see them: size, and turn.

    python tools/single_person_rig.py VIDEO_FOLDER OUT.toml

Two clips are scaled and cropped against their calibration, and all cameras are off by about a
degree; our own 2D detections say by how much. Pose2Sim's format, for ``--calibration``.
"""

import sys
from pathlib import Path

import numpy as np
import torch
from scipy.spatial.transform import Rotation

from qualisys import SCALED_VIEWS, VIEWS, calibrated_px, detections, read_rig, refined
from vitruve.io.atomic import atomic_path
from vitruve.io.video import probe

SCALE, CUT_PX = 1080 / 1088, 7.11
"""Of the scaled clips, as in ``qualisys.calibrated_px``."""


def main(folder: Path, out: Path) -> None:
    """Detect, turn, write."""
    clips = [folder / "single_person" / f"{view}.mp4" for view in VIEWS]
    seen = detections(clips)
    points = torch.stack([calibrated_px(k.keypoints_px, v) for v, k in enumerate(seen)])
    weights = torch.stack([k.confidence for k in seen]).double() + 0.05
    K, R, C = read_rig(folder / "single_person" / "Calib.qca.txt")
    R, _, error = refined((K, R, C), points, weights)
    sections = []
    for v, (view, clip) in enumerate(zip(VIEWS, clips, strict=True)):
        lens = K[v].copy()
        if v < SCALED_VIEWS:
            lens[1, 2] += CUT_PX
            lens[:2] *= SCALE
        # Pose2Sim's pixel centres are whole numbers.
        lens[:2, 2] -= 0.5
        turn = Rotation.from_matrix(R[v]).as_rotvec()
        lines = {
            "name": f'"{view}"',
            "size": list(map(float, probe(clip).image_size_px)),
            "matrix": lens.tolist(),
            "distortions": [0.0] * 4,
            "rotation": turn.tolist(),
            "translation": np.asarray(-R[v] @ C[v]).tolist(),
            "fisheye": "false",
        }
        sections.append(f"[{view}]\n" + "".join(f"{k} = {x}\n" for k, x in lines.items()))
    with atomic_path(out) as temporary:
        temporary.write_text("\n".join(sections))
    print(f"{out}: detections lie {error:.1f} px from where all views put them, in the median")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))

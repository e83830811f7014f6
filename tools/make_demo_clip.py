"""Rebuild the clip that ``vitruve demo`` runs on, and its truth.

``python tools/make_demo_clip.py OUT_FOLDER`` writes ``clip.mp4`` and ``truth.npz``; the same
versions of Anny, NumPy and the encoder give the same files. Needs the extra ``body``. Every part
is ours or free: the motion and the renderer are written here, Anny's assets are CC0.
"""

import math
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch

from demo_body import Body, Posed, joints_h36m, load_body, pose, skin
from demo_clothes import dress
from demo_motion import FPS, make_motion
from demo_render import Studio, View
from vitruve.geometry.camera import Camera
from vitruve.io import write
from vitruve.io.video_writer import write_video
from vitruve.poses import PoseSequence
from vitruve.skeletons import skeleton

SIZE_PX = (640, 480)
FOV_DEG = 57.0
"""Of the longer side: near an ordinary phone's, but not the 60 degrees that Vitruve assumes."""
EYE, PITCH_DEG = (0.0, -4.2, 1.5), 6.5
"""Where the camera stands, facing +y, and how far it looks down."""
CRF = 20
STANDING_BEND = 0.002
"""How much lower than at rest the hips stand, metres: knees are never locked."""


def view() -> View:
    """The camera: static, level in roll, pitched down a little."""
    width, height = SIZE_PX
    focal = width / 2 / math.tan(math.radians(FOV_DEG) / 2)
    down = math.radians(PITCH_DEG)
    T_world_cam = np.eye(4)
    T_world_cam[:3, 1] = (0, -math.sin(down), -math.cos(down))
    T_world_cam[:3, 2] = (0, math.cos(down), -math.sin(down))
    T_world_cam[:3, 3] = EYE
    intrinsics = np.array([[focal, 0, width / 2], [0, focal, height / 2], [0, 0, 1]])
    return View(intrinsics, T_world_cam, SIZE_PX)


def truth(body: Body, posed: Posed, seen_by: View) -> PoseSequence:
    """The rig's own joints, seen by the clip's camera."""
    named = joints_h36m(body, posed)
    target = skeleton("h36m_17")
    joints = torch.tensor(np.stack([named[name] for name in target.names], 1)).float()
    camera = Camera(
        torch.tensor(seen_by.intrinsics).float(),
        seen_by.size,
        T_world_cam=torch.tensor(seen_by.T_world_cam).float(),
    )
    return PoseSequence(
        skeleton=target,
        joints_world=joints,
        valid=torch.ones(joints.shape[:2], dtype=torch.bool),
        frames=torch.arange(len(joints)),
        fps=float(FPS),
        camera=camera,
        model="truth: joint centres of the rendered body (anny 0.6.2), tools/make_demo_clip.py",
    )


def pictures(body: Body, posed: Posed, seen_by: View, count: int) -> Iterator[np.ndarray]:
    """Every frame of the clip (y, x, 3); says how far it is."""
    studio = Studio(seen_by)
    for frame in range(count):
        yield studio.draw(skin(body, posed, frame), body.faces, body.colours)
        print(f"\rframe {frame + 1} of {count}", end="", flush=True)
    print()


def main(out: Path) -> None:
    """Write ``clip.mp4`` and ``truth.npz`` into a folder."""
    out.mkdir(parents=True, exist_ok=True)
    body = load_body()
    motion = make_motion(float(body.hips[2]) - STANDING_BEND, body.foot)
    posed, seen_by = pose(body, motion), view()
    write(truth(body, posed, seen_by), out / "truth.npz")
    frames = pictures(dress(body), posed, seen_by, len(motion.yaw))
    write_video(out / "clip.mp4", frames, FPS, crf=CRF)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: python tools/make_demo_clip.py OUT_FOLDER")
    main(Path(sys.argv[1]))

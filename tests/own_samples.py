"""Made-up pictures of somebody before a wall, as a user may have them: no labels, known truth."""

from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageDraw

from vitruve.geometry.camera import Camera, intrinsics_from_fov

SIZE_PX = (96, 72)
CLOTHES = (190, 60, 50)


def wall(seed=0, size=SIZE_PX):
    """A still scene of blotches, RGB."""
    rng = np.random.default_rng(seed)
    coarse = rng.integers(70, 190, (9, 12, 3), dtype=np.uint8)
    return np.asarray(Image.fromarray(coarse).resize(size, Image.Resampling.BICUBIC))


def person_mask(middle, height=40.0, size=SIZE_PX):
    """Trunk, head and legs around a point."""
    picture = Image.new("L", size)
    draw = ImageDraw.Draw(picture)
    x, y = middle
    unit = height / 8
    draw.ellipse((x - unit, y - 4 * unit, x + unit, y - 2.2 * unit), 255)
    draw.rectangle((x - 1.4 * unit, y - 2.6 * unit, x + 1.4 * unit, y + unit), 255)
    draw.rectangle((x - 1.3 * unit, y, x - 0.3 * unit, y + 4 * unit), 255)
    draw.rectangle((x + 0.3 * unit, y, x + 1.3 * unit, y + 4 * unit), 255)
    return np.asarray(picture) > 127


def photo(mask, behind, noise_seed=None, clothes=CLOTHES):
    """Somebody before a scene, with a little noise."""
    image = np.where(mask[..., None], np.array(clothes, np.uint8), behind).astype(np.int16)
    if noise_seed is not None:
        image = image + np.random.default_rng(noise_seed).integers(-3, 4, image.shape)
    return image.clip(0, 255).astype(np.uint8)


def walk(frames=24, height=40.0):
    """Masks of somebody who crosses the picture."""
    return [person_mask((14 + 68 * i / (frames - 1), 38.0), height) for i in range(frames)]


def write_frames(folder: Path, images, first=0):
    folder.mkdir(parents=True, exist_ok=True)
    for i, image in enumerate(images, first):
        Image.fromarray(image).save(folder / f"{i:04d}.png")
    return folder


def write_walk(folder: Path, frames=24, seed=0):
    """A folder of frames of a walk; gives back the true masks."""
    masks, behind = walk(frames), wall(seed)
    write_frames(folder, [photo(m, behind, i) for i, m in enumerate(masks)])
    return masks


def rig():
    """Three cameras around the origin at 4 m, one of them with a lens, at a height of 1 m."""
    cameras = {}
    for name, degrees in (("left", -40.0), ("middle", 0.0), ("right", 50.0)):
        angle = np.radians(degrees)
        forward = np.array([np.sin(angle), np.cos(angle), 0.0])
        down = np.array([0.0, 0.0, -1.0])
        T = np.eye(4)
        T[:3, :3] = np.stack([np.cross(down, forward), down, forward], axis=1)
        T[:3, 3] = -4 * forward + np.array([0, 0, 1.0])
        lens = torch.tensor([-0.1, 0.02, 0.0, 0.0, 0.0]) if name == "left" else None
        K = intrinsics_from_fov(60.0, SIZE_PX)
        cameras[name] = Camera(K, SIZE_PX, lens, torch.from_numpy(T).float())
    return cameras


def write_rig(folder: Path, frames=8, swapped=False):
    """Three views of somebody who walks on the floor, and their calibration, as Pose2Sim's."""
    cameras = rig()
    places = [
        torch.tensor([[0.8 * np.sin(i), 0.6 * np.cos(i), 0.9]]).float() for i in range(frames)
    ]
    for n, (name, camera) in enumerate(cameras.items()):
        behind, images = wall(n), []
        for i, place in enumerate(places):
            depth = float(camera.joints_to_cam(place)[0, 2])
            height = 1.7 * float(camera.intrinsics[1, 1]) / depth
            mask = person_mask(camera.project_world(place)[0].tolist(), height)
            images.append(photo(mask, behind, i))
        write_frames(folder / name, images)
    stated = dict(cameras)
    if swapped:
        stated["left"], stated["middle"] = cameras["middle"], cameras["left"]
    lines = [line for name, camera in stated.items() for line in _pose2sim(name, camera)]
    (folder / "calib.toml").write_text("\n".join(lines))
    return cameras


def _pose2sim(name, camera):
    import roma

    T = camera.T_world_cam
    R = T[:3, :3].T
    K = camera.intrinsics.clone()
    K[:2, 2] -= 0.5
    lens = [0.0] * 5 if camera.distortion is None else camera.distortion.tolist()
    return [
        f"[{name}]",
        f'name = "{name}"',
        f"size = {[float(n) for n in camera.image_size_px]}",
        f"matrix = {K.tolist()}",
        f"distortions = {lens}",
        f"rotation = {roma.rotmat_to_rotvec(R).tolist()}",
        f"translation = {(-R @ T[:3, 3]).tolist()}",
    ]


def iou(found, true):
    return (found & true).sum() / (found | true).sum()

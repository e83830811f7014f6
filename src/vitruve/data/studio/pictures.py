"""Pictures of a scene of Studio, and the columns of its shard.

Axes: t frames, c cameras, v vertices, j joints, n pictures (cameras run fastest), y x pixels.
"""

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import roma
import torch
from jaxtyping import Float, UInt8
from PIL import Image
from torch import Tensor

from vitruve.bodies import Body
from vitruve.bodies.background import PictureBackgrounds, draw_backgrounds
from vitruve.bodies.clothes import dress, with_hair
from vitruve.bodies.light import Light, draw_lights
from vitruve.bodies.mesh import mesh_of_body
from vitruve.bodies.photo import take_photo
from vitruve.bodies.render import Rendering, render
from vitruve.bodies.texture import flat_part_colours
from vitruve.data.shards.file import Column, write_shard
from vitruve.data.studio.config import CAMERAS, StudioConfig, generator_of
from vitruve.data.studio.scene import MotionSource, Scene, moved_bones, set_scene
from vitruve.geometry.camera import crop_intrinsics, resize_intrinsics
from vitruve.geometry.projection import project

_DOWN = torch.tensor([[1.0, 0.0, 0.0], [0.0, 0.0, -1.0], [0.0, 1.0, 0.0]])
"""Turns the world's axes, z up, to the light's, y down."""


class StudioCamera:
    """Takes the pictures of scenes and writes shards."""

    def __init__(self, config: StudioConfig, body: Body, motions: MotionSource) -> None:
        """Take in what all scenes share.

        Raises:
            FileError: The folder of backgrounds holds no pictures.
            OSError: It does not exist.
        """
        self.config, self.body, self._motions = config, body, motions
        self._mesh, self._part_names = with_hair(mesh_of_body(body), body.anatomy.part_names)
        self._backgrounds = PictureBackgrounds(config.backgrounds) if config.backgrounds else None

    def write(self, path: Path, scenes: range, tell: Callable[[int], None] | None = None) -> None:
        """Write the shard of some scenes: whole or not at all."""
        made = []
        for number in scenes:
            made.append(self.columns(set_scene(self.config, self.body, self._motions, number)))
            if tell:
                tell(len(made[-1]["key"]))
        write_shard(path, {name: _join([m[name] for m in made]) for name in made[0]})

    @torch.no_grad()
    def columns(self, scene: Scene) -> dict[str, Column]:
        """Every column of a scene's pictures."""
        T_cam_world = torch.linalg.inv(scene.T_world_cam)
        vertices = _to_cameras(scene.vertices_world, T_cam_world)
        joints = _to_cameras(scene.joints_world, T_cam_world)
        full = scene.intrinsics.repeat(len(scene.root), 1, 1)
        drawn = generator_of(self.config.seed, "pictures", scene.number)
        crops = _crop(project(vertices, full), self.config, drawn)
        factor = self.config.size_px / (crops[:, 2:] - crops[:, :2])
        intrinsics = resize_intrinsics(crop_intrinsics(full, crops[:, :2]), factor)
        photo = take_photo(
            self._render(scene, vertices, intrinsics, drawn), drawn, self.config.photo
        )
        columns = self._scene_columns(scene) | {
            "image": [_jpeg(picture, self.config.quality) for picture in _bytes(photo.image)],
            "mask": [_png(mask) for mask in photo.mask.numpy()],
            "joints_cam": joints.numpy(),
            "keypoints_px": project(joints, intrinsics).numpy(),
            "valid": scene.valid.expand(len(joints), -1).numpy(),
            "intrinsics": intrinsics.numpy(),
            "T_world_cam": scene.T_world_cam.repeat(len(scene.root), 1, 1).numpy(),
            "crop_px": crops.numpy(),
        }
        if self.config.parts:
            columns["parts"] = [_png(parts) for parts in self._body_parts(photo)]
        return columns

    def _render(
        self,
        scene: Scene,
        vertices: Float[Tensor, "n v 3"],
        intrinsics: Float[Tensor, "n 3 3"],
        drawn: torch.Generator,
    ) -> Rendering:
        n, size = len(vertices), (self.config.size_px, self.config.size_px)
        flat = torch.rand((), generator=drawn).item() < self.config.flat_parts
        if flat:
            clothes = flat_part_colours(1, len(self._part_names), drawn)
        else:
            clothes = dress(self._part_names, 1, drawn, self.config.clothes)
        light = draw_lights(1, drawn)
        turns = (_DOWN @ scene.T_world_cam[:, :3, :3]).repeat(len(scene.root), 1, 1)
        if self._backgrounds is None:
            behind = draw_backgrounds(n, size, drawn, self.config.background)
        else:
            behind = self._backgrounds.draw(n, size, drawn)
        return render(
            self._mesh,
            vertices,
            intrinsics,
            behind,
            textures=clothes.map(lambda x: x.expand(n, *x.shape[1:])),
            light=Light(light.coefficients.expand(n, 3, 9), turns),
        )

    def _scene_columns(self, scene: Scene) -> dict[str, Column]:
        t = len(scene.root)
        frame, camera = np.divmod(np.arange(t * CAMERAS), CAMERAS)
        bones = moved_bones(self.body)
        still = scene.motion.pose[:, [k for k in range(self.body.num_bones) if k not in bones]]
        if not torch.equal(still, torch.eye(3).expand_as(still)):
            raise ValueError(f"scene {scene.number}: a bone without a role is turned")
        pose = roma.rotmat_to_rotvec(scene.motion.pose[:, bones])
        keys = [f"{scene.number:08d}-{f:03d}-{c}" for f, c in zip(frame, camera, strict=True)]
        return {
            "key": np.array(keys),
            "split": np.full(t * CAMERAS, scene.split, np.uint8),
            "scene": np.full(t * CAMERAS, scene.number, np.int32),
            "frame": frame.astype(np.int32),
            "camera": camera.astype(np.uint8),
            "person": np.full(t * CAMERAS, scene.person, np.int32),
            "clip": np.full(t * CAMERAS, scene.motion.clip[:64], "<U64"),
            "clip_frame": scene.motion.frames.numpy()[frame].astype(np.int32),
            "pose": pose.numpy()[frame],
            "root": scene.root.numpy()[frame],
            "shape": np.repeat(scene.shape.numpy()[None], t * CAMERAS, axis=0),
        }

    def _body_parts(self, photo: Rendering) -> UInt8[np.ndarray, "n y x"]:
        """Part number plus 1, 0 where the body is not; hair is part of the head."""
        names = self.body.anatomy.part_names
        own = [names.index("head" if n == "hair" else n) + 1 for n in self._part_names]
        return torch.tensor([*own, 0], dtype=torch.uint8)[photo.parts].numpy()


def _to_cameras(
    points: Float[Tensor, "t v 3"], T_cam_world: Float[Tensor, "c 4 4"]
) -> Float[Tensor, "n v 3"]:
    turned = points[:, None] @ T_cam_world[:, :3, :3].mT + T_cam_world[:, None, :3, 3]
    return turned.flatten(0, 1)


def _crop(
    points_px: Float[Tensor, "n v 2"], config: StudioConfig, drawn: torch.Generator
) -> Float[Tensor, "n 4"]:
    """Left, top, right, bottom of squares around the points, each off centre within its margin."""
    low, high = points_px.amin(1), points_px.amax(1)
    box = (high - low).amax(-1, keepdim=True)
    least, most = config.margin
    rand = torch.rand(len(box), 3, generator=drawn)
    margin = least + (most - least) * rand[:, :1]
    half = box * (1 + margin) / 2
    middle = (low + high) / 2 + box * margin / 4 * (2 * rand[:, 1:] - 1)
    return torch.cat([middle - half, middle + half], dim=-1)


def _join(columns: list[Any]) -> Column:
    if isinstance(columns[0], np.ndarray):
        return np.concatenate(columns)
    return [picture for column in columns for picture in column]


def _bytes(images: Float[Tensor, "n 3 y x"]) -> UInt8[np.ndarray, "n y x 3"]:
    return (255 * images + 0.5).to(torch.uint8).permute(0, 2, 3, 1).contiguous().numpy()


def _jpeg(picture: UInt8[np.ndarray, "y x 3"], quality: int) -> bytes:
    content = io.BytesIO()
    Image.fromarray(picture).save(content, "JPEG", quality=quality)
    return content.getvalue()


def _png(picture: np.ndarray) -> bytes:
    content = io.BytesIO()
    Image.fromarray(picture).save(content, "PNG", compress_level=4)
    return content.getvalue()

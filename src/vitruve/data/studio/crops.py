"""Studio's pictures as person crops, labelled in many formats, or each person in one format alone.

Axes: n pictures, i moments, j joints of all formats, k bones, s shape parameters.
"""

from dataclasses import dataclass, replace

import numpy as np
import roma
import torch
from jaxtyping import Bool, Float, Int64
from torch import Tensor

from vitruve.bodies.joints import joint_map
from vitruve.data.corpora.one_format_each import OneFormatEachConfig, stretch_bones
from vitruve.data.datasets.crops import CropExample
from vitruve.data.processing.boxes import joints_box_px
from vitruve.data.studio.reader import Studio
from vitruve.geometry.camera import Camera
from vitruve.geometry.projection import project
from vitruve.skeletons import Skeleton, merge, part_of

_AT_ONCE = 256
"""Bodies posed together."""


@dataclass(frozen=True, eq=False)
class FormatJoints:
    """Joints of every moment of a split in several formats."""

    formats: tuple[Skeleton, ...]
    joints_world: Float[Tensor, "i j 3"]
    """World frame, metres; 0 where the body cannot tell a joint."""
    valid: Bool[Tensor, "j"]

    @property
    def skeleton(self) -> Skeleton:
        """All formats as one."""
        return merge(self.formats)


@torch.no_grad()
def joints_in_formats(studio: Studio, formats: tuple[Skeleton, ...]) -> FormatJoints:
    """Pose the body of every moment and read all formats off it.

    Raises:
        FileError: A shard is damaged.
    """
    body = studio.body
    maps = [joint_map(body, one) for one in formats]
    pose, root, shape = (studio.moments(name) for name in ("pose", "root", "shape"))
    bones, found = studio.reader.about["bones"], []
    for at in torch.arange(len(pose)).split(_AT_ONCE):
        turned = body.rest_pose().repeat(len(at), 1, 1, 1)
        turned[:, bones] = roma.rotvec_to_rotmat(pose[at])
        posed = body(turned, shape[at], root[at])
        heads, skin = posed.bone_heads, posed.vertices
        parts = [m.joints(heads, skin[:, list(m.vertices)]) for m in maps]
        found.append(torch.cat(parts, dim=1).float())
    return FormatJoints(formats, torch.cat(found), torch.cat([m.valid for m in maps]))


class StudioCrops:
    """Pictures of a split as crops, in all formats at once."""

    def __init__(self, studio: Studio, joints: FormatJoints) -> None:
        """Take the pictures and the joints of the same split."""
        self.studio, self.joints, self.skeleton = studio, joints, joints.skeleton

    def __len__(self) -> int:
        """How many pictures there are."""
        return len(self.studio)

    def __getitem__(self, number: int) -> CropExample:
        """One picture.

        Raises:
            IndexError: There are fewer.
            FileError: Its shard or the picture is damaged.
        """
        example = self.studio.example(number)
        image, mask = self.studio.pictures_of(example)
        T_world_cam, K = (torch.from_numpy(example[k]) for k in ("T_world_cam", "intrinsics"))
        side = image.shape[-1]
        camera = Camera(K.float(), (side, side), T_world_cam=T_world_cam.float())
        joints = camera.joints_to_cam(self.joints.joints_world[self.studio.moment_of(number)])
        points, valid = project(joints, camera.intrinsics), self.joints.valid
        box = joints_box_px(points[valid].double().numpy())
        return CropExample(
            dataset="studio",
            skeleton=self.skeleton,
            image=image,
            mask=mask,
            valid=valid,
            keypoints_px=points,
            box_px=torch.from_numpy(box).float(),
            joints_cam=joints,
            camera=camera,
            up_cam=camera.joints_to_cam(torch.eye(3))[2] - camera.joints_to_cam(torch.zeros(3)),
            sequence=str(example["clip"]),
            subject=str(example["person"]),
            frame=int(example["frame"]),
            person=0,
        )


class StudioDatasets:
    """The same pictures as datasets of one format each: other people, errors of their own.

    What `corpora.one_format_each.OneFormatEach` is to motion. A person's format follows from their
    number.
    """

    def __init__(self, crops: StudioCrops, config: OneFormatEachConfig) -> None:
        """Deal the people out to the formats in turn.

        Raises:
            ValueError: There are fewer people than formats.
        """
        self.crops, self.config = crops, config
        formats = crops.joints.formats
        person = torch.from_numpy(crops.studio.column("person").astype(np.int64))
        people, which = person.unique(return_inverse=True)
        if len(people) < len(formats):
            raise ValueError(
                f"{len(formats)} formats need as many people, there are {len(people)} in "
                f"{crops.studio.reader.folder}; make more scenes"
            )
        self._number = which % len(formats)
        draw = torch.Generator().manual_seed(config.seed)
        count = crops.skeleton.num_joints
        self._stretch = config.bias * torch.randn(len(formats), count, generator=draw)

    def pictures(self, number: int) -> Int64[Tensor, "n"]:
        """The pictures of a dataset."""
        return (self._number == number).nonzero()[:, 0]

    def __getitem__(self, number: int) -> CropExample:
        """One picture, labelled as its dataset labels it; a picture's errors are always the same.

        Raises:
            IndexError: There are fewer.
            FileError: Its shard or the picture is damaged.
        """
        example, dataset = self.crops[number], int(self._number[number])
        formats = self.crops.joints.formats
        one, part = formats[dataset], part_of(formats, formats[dataset].name)
        assert example.joints_cam is not None
        assert example.camera is not None
        stretch, draw = self._stretch[dataset, part], torch.Generator().manual_seed(number)
        joints = stretch_bones(example.joints_cam[part], stretch, one.parents)
        joints = joints + self.config.noise_m * torch.randn(joints.shape, generator=draw)
        return replace(
            example,
            dataset=one.name,
            skeleton=one,
            joints_cam=joints,
            valid=example.valid[part],
            keypoints_px=example.camera.project(joints),
        )

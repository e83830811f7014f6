"""People in whole pictures: answers of turned and mirrored views come back to the picture."""

import pytest
import torch

from spot_samples import AIMS, LENS, THREE, Sees, picture
from vitruve.data.processing.view import view_of
from vitruve.estimators import ConstantPose, ConstantPoseConfig
from vitruve.estimators.pictured_people import (
    Looks,
    ViewsConfig,
    look_at_people,
    people_in_picture,
    place_people_seen,
)
from vitruve.poses import Prediction


@pytest.mark.parametrize("lens", [None, LENS])
def test_what_views_say_comes_back_to_the_picture(lens):
    image, camera, box, joints = picture(lens)
    config = ViewsConfig(96, 1.3, AIMS)
    said = people_in_picture(Sees(4.0), image, camera, box[None].repeat(2, 1), config)
    assert said.joints_cam.shape == (2, 3, 3)
    torch.testing.assert_close(said.joints_cam[1], joints, atol=0.02, rtol=0)
    assert said.spread.max() < 0.02


def test_disagreement_of_views_is_the_spread():
    image, camera, box, _ = picture()

    class Unsure(Sees):
        def forward(self, batch):
            said = super().forward(batch)
            off = torch.tensor([0.0, 0.3, 0.0]).repeat(len(batch.images) // 3)
            return Prediction(THREE, said.joints_cam, said.root_cam + off[:, None, None, None])

    said = people_in_picture(Unsure(4.0), image, camera, box[None], ViewsConfig(96, 1.3, AIMS))
    assert 0.15 < said.spread.mean() < 0.4


def test_nobody_is_nobody_and_pictures_join():
    image, camera, box, _ = picture()
    config, none = ViewsConfig(64, 1.3, AIMS), torch.zeros(0, 4)
    nobody = people_in_picture(Sees(4.0), image, camera, none, config)
    assert nobody.joints_cam.shape == (0, 3, 3)
    looks = [look_at_people(image, camera, boxes, config) for boxes in (box[None], none)]
    assert len(place_people_seen(Sees(4.0), Looks.join(looks), config).joints_cam) == 1


def test_an_estimator_that_does_not_place_is_refused():
    image, camera, box, _ = picture()
    with pytest.raises(ValueError, match="ConstantPose says shapes and no place"):
        people_in_picture(
            ConstantPose(ConstantPoseConfig(THREE)), image, camera, box[None], ViewsConfig(64, 1.0)
        )


def test_a_view_keeps_the_place_of_the_camera():
    _, camera, box, joints = picture()
    view = view_of(camera, box, 64, aim=AIMS[2])
    torch.testing.assert_close(view.turn(joints).norm(dim=-1), joints.norm(dim=-1))

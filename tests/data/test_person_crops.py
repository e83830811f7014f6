import pytest
import torch

from vitruve.data.processing.person_crops import crop_pictures, person_boxes_px


def test_boxes_hold_what_is_seen_with_room_around_it():
    points = torch.tensor([[[10.0, 20.0], [30.0, 100.0], [900.0, 900.0]]])
    seen = torch.tensor([[True, True, False]])
    left, top, right, bottom = person_boxes_px(points, seen, margin=0.25, aspect=0.75)[0].tolist()
    assert (left + right) / 2 == pytest.approx(20)
    assert (top, bottom) == pytest.approx((0, 120))
    assert (right - left) / (bottom - top) == pytest.approx(0.75)
    wide = person_boxes_px(points.flip(-1), seen, margin=0.0)[0]
    assert (wide[2] - wide[0]).item() == pytest.approx(80)
    assert person_boxes_px(points, torch.zeros_like(seen)).isnan().all()


def test_a_crop_of_whole_pixels_is_exact():
    picture = torch.rand(2, 3, 20, 30)
    box = torch.tensor([[4.0, 6.0, 12.0, 16.0], [0.0, 0.0, 8.0, 10.0]])
    crops = crop_pictures(picture, box, (8, 10))
    torch.testing.assert_close(crops[0], picture[0, :, 6:16, 4:12])
    torch.testing.assert_close(crops[1], picture[1, :, :10, :8])


def test_shrinking_averages_and_what_lies_beyond_is_black():
    stripes = torch.zeros(1, 3, 40, 40)
    stripes[..., ::2] = 1.0
    small = crop_pictures(stripes, torch.tensor([[0.0, 0.0, 40.0, 40.0]]), (10, 10))
    torch.testing.assert_close(small, torch.full_like(small, 0.5), atol=0.13, rtol=0)
    beyond = crop_pictures(
        torch.ones(1, 3, 10, 10), torch.tensor([[-10.0, 0.0, 10.0, 10.0]]), (4, 2)
    )
    torch.testing.assert_close(beyond[0, 0], torch.tensor([[0.0, 0, 1, 1]]).expand(2, 4))


def test_an_empty_box():
    for box in ([1.0, 1.0, 1.0, 5.0], [torch.nan] * 4):
        with pytest.raises(ValueError, match="a box is empty or not finite"):
            crop_pictures(torch.ones(1, 3, 8, 8), torch.tensor([box]))

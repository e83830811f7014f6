import pytest
import torch

from vitruve.nets.image_context import (
    AttentionContext,
    DeformableContext,
    position_code,
    sample_at,
)


def ramp(n=2, y=5, x=8):
    """Two channels that hold each cell's own x and y position."""
    ys, xs = ((torch.arange(size) * 2 + 1) / size - 1 for size in (y, x))
    return torch.stack(torch.meshgrid(xs, ys, indexing="xy")).expand(n, 2, y, x).contiguous()


def test_the_middle_of_a_cell_gives_its_value_exactly():
    maps = torch.randn(2, 3, 4, 6)
    points = torch.tensor([[-1 + 1 / 6, -1 + 1 / 4], [1 - 1 / 6, 3 / 4 - 1], [1 / 6, 1 / 4]])
    values = sample_at(maps, points.expand(2, -1, -1))
    expected = torch.stack([maps[..., 0, 0], maps[..., 1, 5], maps[..., 2, 3]], dim=1)
    torch.testing.assert_close(values, expected)


def test_between_cells_values_are_bilinear_and_beyond_the_edges_zero():
    points = torch.rand(2, 4, 3, 2) * 1.5 - 0.75
    torch.testing.assert_close(sample_at(ramp(), points), points)
    far = torch.tensor([[[5.0, 0.0], [0.0, -3.0]]]).expand(2, -1, -1)
    assert (sample_at(1 + ramp(), far) == 0).all()


def test_untrained_heads_look_around_the_joint_a_cell_further_with_each_sample():
    context = DeformableContext(8, [2], num_heads=4, num_samples=3)
    (level,) = context.levels
    with torch.no_grad():
        level.values.weight.copy_(torch.eye(2).repeat(4, 1))
        level.values.bias.zero_()
        level.proj.weight.copy_(torch.eye(8))
        level.proj.bias.zero_()
        level.at_joint.weight.zero_()
        level.at_joint.bias.zero_()
    points = torch.zeros(2, 1, 2)
    seen = context(torch.randn(2, 1, 8), [ramp(y=16, x=32)], points)[:, 0, 0].unflatten(-1, (4, 2))
    # Two cells away on average, right, down, left and up.
    step_x, step_y = 2 * 2 / 32, 2 * 2 / 16
    expected = torch.tensor([[step_x, 0], [0, step_y], [-step_x, 0], [0, -step_y]])
    torch.testing.assert_close(seen, expected.expand(2, 4, 2), atol=1e-6, rtol=0)


@pytest.mark.parametrize("kind", [DeformableContext, AttentionContext])
def test_every_level_is_a_token_and_gradients_reach_all(kind):
    context = kind(16, [3, 5], 4)
    query = torch.randn(2, 7, 16, requires_grad=True)
    levels = [torch.randn(2, 3, 8, 6), torch.randn(2, 5, 4, 3)]
    tokens = context(query, levels, torch.rand(2, 7, 2))
    assert tokens.shape == (2, 7, 2, 16)
    tokens.square().sum().backward()
    for name, parameter in context.named_parameters():
        assert parameter.grad.abs().sum() > 0, name
    alone = context(query[:1], [level[:1] for level in levels], torch.zeros(1, 7, 2))
    both = context(query, levels, torch.zeros(2, 7, 2))
    torch.testing.assert_close(both[:1], alone)


def test_positions_that_are_near_have_codes_that_are_alike():
    points = torch.tensor([[0.0, 0.0], [0.02, 0.0], [0.2, 0.0], [0.0, 0.2], [1.0, -1.0]])
    code = position_code(points, 64)
    assert code.shape == (5, 64)
    likeness = code @ code[0]
    assert likeness[0] == pytest.approx(32.0)
    assert likeness[0] > likeness[1] > likeness[2] > likeness[4]
    torch.testing.assert_close(likeness[2], likeness[3])


def test_attention_tells_positions_apart():
    context = AttentionContext(32, [2], 4)
    points = torch.tensor([[[-0.8, 0.0], [0.8, 0.0]]])
    with torch.no_grad():
        said = context(torch.zeros(1, 2, 32), [10 * ramp(1, 9, 9)], points)[0, :, 0]
    assert (said[0] - said[1]).abs().max() > 0.1


def test_other_levels_than_it_was_made_for():
    context = DeformableContext(8, [2, 2], 2)
    with pytest.raises(ValueError, match="shorter"):
        context(torch.zeros(2, 1, 8), [ramp()], torch.zeros(2, 1, 2))

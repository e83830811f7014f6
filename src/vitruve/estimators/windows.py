"""Nets of a fixed window over clips of any length.

Windows of neighbouring frames overlap almost wholly. What a net computes of each frame by itself it
computes once when it offers ``embed_frames(clip) -> (b, t, w)`` and ``answer(windows, embedded)``.

Axes: b batch, t frames, k keypoints, c channels, w features of a frame.
"""

from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

MAX_FRAMES = 4096
"""Input frames of all windows that go through the net at once; bounds the memory of long clips."""


def predict_windows(
    net: Any, clip: Float[Tensor, "b t k c"], copies: int = 1
) -> Float[Tensor, "b tout *answer"]:
    """Run a net of a fixed window over a padded clip, each output frame once.

    A net that answers one frame gets a window for every frame; one that answers all of its window
    gets windows side by side, the last one moved back so that it ends with the clip (the rule of
    the published evaluations). A clip shorter than one window is filled up with its last frame.

    Args:
        net: With ``window`` and ``padding``; answers ``window - sum(padding)`` frames.
        clip: With ``net.padding`` added.
        copies: How often the net works through each window at once, as for several hypotheses.
    """
    window, hop = net.window, net.window - sum(net.padding)
    b, t = clip.shape[:2]
    wanted = t - sum(net.padding)
    missing = max(0, window - t)
    clip = torch.cat([clip, clip[:, -1:].expand(-1, missing, -1, -1)], dim=1)
    starts = list(range(0, clip.shape[1] - window + 1, hop))
    if (last := clip.shape[1] - window) > starts[-1]:
        starts.append(last)
    at_once = max(1, MAX_FRAMES // (window * b * copies))
    shared = hasattr(net, "embed_frames") and len(starts) > 1 and not net.training
    inputs = (clip, net.embed_frames(clip)) if shared else (clip,)
    run = net.answer if shared else net
    parts = []
    for i in range(0, len(starts), at_once):
        chosen = starts[i : i + at_once]
        windows = [_cut(x, chosen, window) for x in inputs]
        parts.append(run(*windows).unflatten(0, (b, len(chosen))))
    answers = torch.cat(parts, dim=1)
    # Only the last window can overlap: what the one before has answered is left out.
    new = starts[-1] - starts[-2] if len(starts) > 1 else hop
    joined = torch.cat([answers[:, :-1].flatten(1, 2), answers[:, -1, hop - new :]], dim=1)
    return joined[:, :wanted]


def _cut(x: Float[Tensor, "b t *c"], starts: list[int], window: int) -> Float[Tensor, "bn t2 *c"]:
    """Windows of a clip, those of one clip behind each other."""
    return torch.stack([x[:, s : s + window] for s in starts], dim=1).flatten(0, 1)

"""Rename the keys of a published state dict to ours, dropping nothing in silence."""

import re
from collections.abc import Callable, Mapping

from torch import Tensor

Rules = Mapping[str, str | Callable[[re.Match[str]], str] | None]
"""Pattern of the start of a published key -> what replaces it, as in ``re.sub``; None drops a
weight that the published net saves and never uses."""


def rename_keys(state: Mapping[str, Tensor], rules: Rules) -> dict[str, Tensor]:
    """Replace the start of every key by the first rule that matches it.

    Raises:
        KeyError: A key has no rule.
    """
    renamed = {}
    for key, value in state.items():
        pattern = next((p for p in rules if re.match(p, key)), None)
        if pattern is None:
            raise KeyError(f"no rule for official key {key!r}; known keys: {', '.join(rules)}")
        replacement = rules[pattern]
        if replacement is not None:
            renamed[re.sub(f"^{pattern}", replacement, key)] = value
    return renamed


def split_features(features: int, num_joints: int) -> tuple[int, int]:
    """Read (keypoints, channels) from a flat input width.

    Shapes do not tell 24 x 2 from 16 x 3: as many keypoints as joints is taken first, then two
    channels, then three.

    Raises:
        ValueError: Neither two nor three channels divide the width.
    """
    for channels in (2, 3):
        if features == channels * num_joints:
            return num_joints, channels
    for channels in (2, 3):
        if features % channels == 0:
            return features // channels, channels
    raise ValueError(
        f"{features} input features are no whole number of keypoints with 2 or 3 channels; "
        "build the config by hand"
    )

"""Which clips train and which are held out, so that nobody who trains is held out."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch

from vitruve.data.studio.config import SPLITS, StudioConfig, generator_of


@dataclass(frozen=True)
class ClipFacts:
    """What decides where a clip belongs."""

    name: str
    subject: str
    """Empty when unknown; the clip then stands for itself."""
    split: str
    """``train``, ``test``, or empty when its source does not say."""
    frames: int


def split_clips(config: StudioConfig, clips: Sequence[ClipFacts]) -> list[int]:
    """Number of the split of each clip.

    A stated test clip is tested. Of the others whole people are held out, in an order that the seed
    draws, until the shares are reached: for validation, and for test where nothing states it.

    Raises:
        ValueError: A split that should have a share gets no clip.
    """
    people: dict[str, int] = {}
    for clip in clips:
        if clip.split != "test":
            people[_who(clip)] = people.get(_who(clip), 0) + clip.frames
    order = sorted(people, key=lambda who: _place(config, who))
    validation = _choose(people, order, config.held_out[0])
    stated = any(clip.split == "test" for clip in clips)
    rest = [who for who in order if who not in validation]
    test = set() if stated else _choose(people, rest, config.held_out[1])
    place = dict.fromkeys(people, 0) | dict.fromkeys(validation, 1) | dict.fromkeys(test, 2)
    found = [2 if clip.split == "test" else place[_who(clip)] for clip in clips]
    for number, share in enumerate((1.0, *config.held_out)):
        if share and number not in found:
            raise ValueError(
                f"{len(clips)} clips of {len(people)} people leave none for {SPLITS[number]}; "
                "give clips of more people"
            )
    return found


def _choose(people: Mapping[str, int], order: Sequence[str], share: float) -> set[str]:
    """People who together have about this share of all frames."""
    wanted, chosen, taken = share * sum(people.values()), set(), 0
    for who in order:
        # Somebody with far too much is left to training.
        if taken + people[who] <= 1.5 * wanted and taken < wanted:
            chosen.add(who)
            taken += people[who]
    if share and not chosen and order:
        chosen.add(min(order, key=lambda who: people[who]))
    return chosen


def _who(clip: ClipFacts) -> str:
    return clip.subject or clip.name


def _place(config: StudioConfig, who: str) -> float:
    drawn = generator_of(config.seed, "subject", who)
    return torch.rand((), generator=drawn).item()

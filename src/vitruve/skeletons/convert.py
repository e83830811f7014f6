"""Conversion between formats: by name where names mean the same point, then by declared rules.

b any leading axes, j source joints, k target joints, c coordinates (2 or 3).
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from vitruve.skeletons.rules import DIFFERENT, LANDMARKS, RULES, Quality, Rule, meaning
from vitruve.skeletons.skeleton import Skeleton


@dataclass(frozen=True)
class _Found:
    """One target joint as an affine combination of source joints."""

    weights: Mapping[str, float]
    quality: Quality
    why: str


@dataclass(frozen=True, eq=False)
class Conversion:
    """An affine map between joint sets, with what each target joint is worth.

    Rules make it, or a learned bridge that fills ``weights`` and ``residual_m`` from data.
    """

    source: Skeleton
    target: Skeleton
    weights: Float[Tensor, "k j"]
    """Rows sum to 1; all zero where the joint is absent."""
    quality: tuple[Quality, ...]
    rule: tuple[str, ...]
    """For each target joint, where it comes from and why."""
    residual_m: Float[Tensor, "k"] | None = None
    """Root mean squared distance from the truth where it was measured, metres; else NaN or None."""

    def apply(
        self, joints: Float[Tensor, "*b j c"], valid: Bool[Tensor, "*b j"]
    ) -> tuple[Float[Tensor, "*b k c"], Bool[Tensor, "*b k"]]:
        """Convert positions, in any unit and frame.

        Returns:
            Joints of the target, and where they are valid: every source joint they need is. Absent
            joints are 0 and never valid.
        """
        weights = self.weights.to(joints)
        uses = (weights != 0).to(weights.dtype)
        missing = (~valid).to(weights.dtype) @ uses.T > 0
        present = uses.sum(-1) > 0
        return weights @ joints, present & ~missing

    def joints_of(self, quality: Quality) -> tuple[str, ...]:
        """Names of the target joints of this quality."""
        return tuple(
            n for n, q in zip(self.target.names, self.quality, strict=True) if q == quality
        )

    def report(self) -> str:
        """What is exact, approximate (with its rule) and absent, for people."""
        exact, rough, absent = map(self.joints_of, ("exact", "approximate", "absent"))
        lines = [
            f"{self.source.name} -> {self.target.name}: {len(exact)} exact, "
            f"{len(rough)} approximate, {len(absent)} absent of {self.target.num_joints}"
        ]
        if rough:
            lines.append("approximate:")
        lines += [f"  {name}: {self.rule[self.target.index(name)]}" for name in rough]
        if absent:
            lines.append("absent: " + ", ".join(absent))
        return "\n".join(lines)


@lru_cache(maxsize=256)
def conversion(source: Skeleton, target: Skeleton) -> Conversion:
    """How ``target``'s joints come from ``source``'s."""
    weights = torch.zeros(target.num_joints, source.num_joints, dtype=torch.float64)
    quality: list[Quality] = []
    rule: list[str] = []
    for k, name in enumerate(target.names):
        found = _find(source, target, name)
        quality.append(found.quality if found else "absent")
        rule.append(found.why if found else f"{source.name} has nothing to say where it is")
        for joint, weight in (found.weights if found else {}).items():
            weights[k, source.index(joint)] = weight
    return Conversion(source, target, weights, tuple(quality), tuple(rule))


def _find(source: Skeleton, target: Skeleton, name: str) -> _Found | None:
    if source == target:
        return _Found({name: 1.0}, "exact", "same joint")
    wanted = meaning(target.definitions, name)
    by_meaning = {meaning(source.definitions, joint): joint for joint in source.names}
    if wanted in by_meaning:
        joint = by_meaning[wanted]
        why = _difference(source.definitions, target.definitions, joint, name)
        return _Found({joint: 1.0}, "approximate" if why else "exact", why or "same joint")
    if "animal" in (source.definitions, target.definitions):
        return None
    found = _derive(wanted, _as_found(source.definitions, by_meaning), frozenset())
    why = _different_landmark(target.definitions, name)
    if found and why:
        return _Found(found.weights, "approximate", f"{found.why} ({why})")
    return found


def _as_found(definitions: str, by_meaning: Mapping[str, str]) -> dict[str, _Found]:
    return {
        point: _Found(
            {joint: 1.0},
            "approximate" if _different_landmark(definitions, joint) else "exact",
            joint,
        )
        for point, joint in by_meaning.items()
    }


def _derive(wanted: str, have: Mapping[str, _Found], asked: frozenset[str]) -> _Found | None:
    """Resolve a meaning by name, else by the best rule whose sources all resolve."""
    if wanted in have:
        return have[wanted]
    if wanted in asked:
        return None
    rules = RULES.get(wanted, ())
    # A rule over joints at hand says more than one over joints that are themselves derived.
    for rule in sorted(rules, key=lambda r: not have.keys() >= r.weights.keys()):
        parts = {name: _derive(name, have, asked | {wanted}) for name in rule.weights}
        known = {name: part for name, part in parts.items() if part}
        if len(known) == len(parts):
            return _combine(rule, known)
    return None


def _combine(rule: Rule, parts: Mapping[str, _Found]) -> _Found:
    total: dict[str, float] = {}
    for name, part in parts.items():
        for joint, weight in part.weights.items():
            total[joint] = total.get(joint, 0.0) + rule.weights[name] * weight
    exact = {rule.quality, *(part.quality for part in parts.values())} == {"exact"}
    return _Found(total, "exact" if exact else "approximate", rule.why)


def _difference(source: str, target: str, joint: str, name: str) -> str | None:
    """Why two joints of one meaning are not the same point; None if they are."""
    if source == target and source not in ("", "animal"):
        return None
    if joint != name:
        return f"{joint} of the source is nearly this point"
    if not LANDMARKS.fullmatch(_base(name)):
        return f"{name} by name; sources place it differently"
    return _different_landmark(source, name) or _different_landmark(target, name)


def _different_landmark(definitions: str, name: str) -> str | None:
    pattern, why = DIFFERENT.get(definitions, ("", ""))
    return why if pattern and re.fullmatch(pattern, _base(name)) else None


def _base(name: str) -> str:
    return name.removeprefix("left_").removeprefix("right_")

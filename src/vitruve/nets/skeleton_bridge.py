"""The learned bridge between skeletons: joints of one format to latent points to joints of another.

The latents and the way from them are those of an affine-combining autoencoder that saw all formats
at once. One format alone reaches the latents by the affine weights that come nearest them on
the same poses; where some of its joints are missing, by those that do without.

Axes: j joints of all formats, e joints that the autoencoder knew, l latents, s source formats,
k target joints.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from vitruve.nets.affine_autoencoder import mirror_latents
from vitruve.nets.affine_regression import affine_error, affine_weights
from vitruve.skeletons import Conversion, Skeleton, conversion, merge, part_of
from vitruve.skeletons.rules import Quality

NOISE_M = 0.005
"""Error of a source joint that weights are made for, metres."""
MAX_RESIDUAL_M = 0.05
"""A joint that held-out poses show to be further off on average is absent, metres."""
MAX_ADDED_M = 0.02
"""Error that missing source joints may add before a joint is missing too, metres."""


@dataclass(frozen=True, eq=False)
class SkeletonBridge:
    """Affine weights between formats, and how far off they were on poses held out."""

    formats: tuple[Skeleton, ...]
    """Those of the autoencoder first, then those added later."""
    encoder: Float[Tensor, "l e"]
    decoder: Float[Tensor, "j l"]
    latents_per_side: int
    """Left latents, then as many right ones, then central ones."""
    moments: tuple[Float[Tensor, "_ _"], ...]
    """For each format, second moments of its joints and then the latents, square metres."""
    residual_m: Float[Tensor, "s j"]
    """Root mean squared distance on held-out poses from each format to each joint, metres; infinite
    where no pose had the joint, NaN where the two formats were never seen together."""
    rules_m: Float[Tensor, "s j"]
    """The same of the rules, to compare with; NaN where there is none too."""
    about: Mapping[str, Any] = field(default_factory=dict)
    """How it was made."""

    @property
    def num_latents(self) -> int:
        """Latent points."""
        return self.encoder.shape[0]

    @property
    def mirror(self) -> Sequence[int] | None:
        """Where each latent comes from after a flip; None if it was fitted without chirality."""
        if not self.latents_per_side and self.fitted.left:
            return None
        return mirror_latents(self.num_latents, self.latents_per_side)

    @property
    def fitted(self) -> Skeleton:
        """The joints that the autoencoder knew, as one skeleton."""
        count, kept = 0, []
        for one in self.formats:
            if count < self.encoder.shape[1]:
                kept.append(one)
            count += one.num_joints
        return merge(kept)

    def index(self, one: Skeleton) -> int:
        """Position of a format.

        Raises:
            ValueError: The bridge does not know it, or by other joints.
        """
        names = [s.name for s in self.formats]
        if one.name not in names:
            raise ValueError(
                f"the bridge does not know the format {one.name!r}; it has {', '.join(names)}: "
                "use --bridge none, or add the format with vitruve skeleton add"
            )
        place = names.index(one.name)
        if self.formats[place].names != one.names:
            raise ValueError(f"the bridge knows {one.name!r} by other joints: fit it anew")
        return place

    def to_latents(
        self, source: Skeleton, seen: Sequence[bool] | None = None
    ) -> tuple[Float[Tensor, "l k"], Float[Tensor, "l l"]]:
        """Weights from one format to the latents, and the latents' error products, square metres.

        Args:
            source: The format.
            seen: Which of its joints there are; all if None. The others have weight 0.

        Raises:
            ValueError: The bridge does not know the format.
        """
        moments = self.moments[self.index(source)].double()
        count = source.num_joints
        known = [j for j in self._learned_joints(source) if seen is None or seen[j]]
        wanted = range(count, count + self.num_latents)
        found = affine_weights(moments, known, wanted, NOISE_M)
        weights = found.new_zeros(self.num_latents, count)
        weights[:, known] = found
        return weights, affine_error(moments, known, wanted, found)

    def misfit_m(
        self, source: Skeleton, joints: Float[Tensor, "*b k 3"], valid: Bool[Tensor, "*b k"]
    ) -> tuple[float, float]:
        """How far joints of a format are from what the latents make of them, metres.

        Where that is much more than on the bridge's own poses, the source labels its joints
        elsewhere than the people whom the bridge learned from: the errors it states may not hold.

        Returns:
            Root mean squared distance over the moments that have all joints the bridge knows, NaN
            if there is none; and the same on the poses that the bridge learned from.

        Raises:
            ValueError: The bridge does not know the format.
        """
        known = self._learned_joints(source)
        encoder, _ = self.to_latents(source)
        back = self.decoder[part_of(self.formats, source.name)].double()[known] @ encoder[:, known]
        own = affine_error(self.moments[self.index(source)].double(), known, known, back)
        seen = joints[..., known, :].double()[valid[..., known].all(-1)]
        squared = (back @ seen - seen).square().sum(-1)
        return squared.mean().sqrt().item(), own.diagonal().clamp(min=0).mean().sqrt().item()

    def _learned_joints(self, one: Skeleton) -> list[int]:
        """The joints of a format that some pose had."""
        own = self.residual_m[self.index(one), part_of(self.formats, one.name)]
        return torch.nonzero(~own.isinf())[:, 0].tolist()

    def conversion(
        self, source: Skeleton, target: Skeleton, seen: Sequence[bool] | None = None
    ) -> Conversion:
        """How ``target``'s joints come from ``source``'s, with what that cost on held-out poses.

        Joints that rules call exact stay theirs. One that was further off than `MAX_RESIDUAL_M` is
        absent, and one that missing source joints put `MAX_ADDED_M` further off too.

        Args:
            source: What there is.
            target: What is wanted.
            seen: Which source joints there are; all if None.

        Raises:
            ValueError: The bridge does not know one of the formats.
        """
        rules = conversion(source, target)
        if source == target:
            return rules
        start, _ = self.index(source), self.index(target)
        part = part_of(self.formats, target.name)
        decoder, residual = self.decoder[part].double(), self.residual_m[start, part].double()
        weights, added = self._learned(source, decoder, seen)
        # NaN, not measured, is neither near nor far.
        known = ~(residual > MAX_RESIDUAL_M) & (added.sqrt() <= MAX_ADDED_M)
        exact = torch.tensor([q == "exact" for q in rules.quality])
        weights = torch.where(known[:, None], weights, 0.0)
        weights = torch.where(exact[:, None], rules.weights.to(weights), weights)
        spread = (residual.square() + torch.where(exact, 0.0, added)).sqrt()
        spread = torch.where((known | exact) & ~residual.isinf(), spread, 0.0)
        kinds: tuple[Quality, ...] = tuple(
            "exact" if e else "approximate" if k else "absent"
            for e, k in zip(exact.tolist(), known.tolist(), strict=True)
        )
        measured = zip(residual.tolist(), self.rules_m[start, part].tolist(), strict=True)
        said = tuple(_said(*x) for x in zip(rules.rule, kinds, measured, strict=True))
        return Conversion(source, target, weights, kinds, said, spread)

    def _learned(
        self, source: Skeleton, decoder: Float[Tensor, "k l"], seen: Sequence[bool] | None
    ) -> tuple[Float[Tensor, "k j"], Float[Tensor, "k"]]:
        """Weights by way of the latents, and the square of what missing joints add, metres."""
        if seen is not None and not any(seen[j] for j in self._learned_joints(source)):
            shape = len(decoder), source.num_joints
            return decoder.new_zeros(shape), decoder.new_full(shape[:1], torch.inf)
        encoder, error = self.to_latents(source, seen)
        more = error - self.to_latents(source)[1]
        added = torch.einsum("kl,lm,km->k", decoder, more, decoder).clamp(min=0)
        return decoder @ encoder, added


def _said(rule: str, kind: str, measured_m: tuple[float, float]) -> str:
    """Where a joint comes from, for the report."""
    learned_m, ruled_m = measured_m
    if kind == "exact":
        return rule
    if math.isnan(learned_m):
        return "learned, not measured on held-out poses"
    said = f"learned, {1000 * learned_m:.0f} mm off on held-out poses"
    if not math.isfinite(ruled_m):
        return said
    return f"{said}, the rule {1000 * ruled_m:.0f} mm ({rule})"

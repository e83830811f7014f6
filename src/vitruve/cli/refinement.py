"""``--refine``: what verbs share that let a loss-net move predicted joints."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import tyro

if TYPE_CHECKING:
    from vitruve.estimators import RefineConfig

_STEPS, _STEP_MM = 20, 1.0


@dataclass(frozen=True, kw_only=True)
class RefineArguments:
    """How a loss-net refines what a model says."""

    refine: Annotated[str, tyro.conf.arg(metavar="none|geometry|default|FILE")] = "none"
    """Move the joints down an energy: geometry (the camera's rays, symmetric limbs), default (the
    loss-net that comes with the model), or FILE (.safetensors), another loss-net of its skeleton.
    """
    refine_steps: int = _STEPS
    """Steps down the energy."""
    refine_mm: float = _STEP_MM
    """How far a step moves a pose: root mean square over its joints, millimetres."""

    @property
    def loss_net(self) -> str | None:
        """``default`` or a file; None for none."""
        return None if self.refine == "none" else self.refine

    def descent(self) -> "RefineConfig":
        """How far to refine.

        Raises:
            ValueError: A number is out of its range, or is given where nothing is refined.
        """
        from vitruve.estimators import RefineConfig

        if self.loss_net is None and (self.refine_steps, self.refine_mm) != (_STEPS, _STEP_MM):
            raise ValueError("--refine-steps and --refine-mm say how far --refine goes: give it")
        return RefineConfig(self.refine_steps, self.refine_mm)

"""SCoTL-pose: every backbone of its tables with every loss, and ours beside them.

"SCoTL-pose: structural consistency via trainable loss for pose estimation", anonymous submission,
tables 1 to 5. A backbone's plain run comes from ``backbones``; a variant adds one term. Runs are
``scotl.<data>.<net>.<variant>``, and with ``_gpu`` behind it at the published size, with
``_minutes_gpu`` (SimpleBaseline and MixSTE on CMU-Lift) at the published size too but trained for
minutes. Plain names are the small preset: fewer steps, a graph loss-net of 64 channels and two
blocks, an MLP of 512.

The published weight of the energy (alpha) differs by backbone a hundredfold, as do the units of
their losses. Here one setting serves all: each added term is held at a share of the task's pull on
the joints (``TermConfig.pull``). ``_PAPER_PULL`` is our guess at what the published
alphas come to, in single-frame nets with the squared error; no search stands behind either share.
"""

from dataclasses import dataclass, replace
from typing import Any

from vitruve.data.lifting.wrong_poses import WrongPosesConfig
from vitruve.nets import GraphEnergyConfig, MlpEnergyConfig
from vitruve.objectives.energy import EnergyConfig
from vitruve.objectives.energy_windows import PairConfig
from vitruve.objectives.geometry import GeometryConfig
from vitruve.objectives.limb_lengths import LimbLengthsConfig
from vitruve.recipes.backbones import backbones
from vitruve.recipes.baseline import Baseline
from vitruve.recipes.lifters import frames_of
from vitruve.recipes.run import Run, TermConfig
from vitruve.skeletons import Skeleton

DATA = ("cmu", "h36m", "3dhp", "h3wb")
_PAPER_PULL, _PULL = 0.15, 0.3
_SHORTER = 0.5
"""Of the steps that small nets of single frames take elsewhere: there are many runs of them."""
_PAIRED = ("mixste", "prml")
"""Nets that answer clips and are trained with the pairwise temporal loss too (Table 5)."""
_SMALL = {"graph": {"channels": 64, "depth": 2, "num_heads": 4}, "mlp": {"width": 512}}
_SMALL_POSES = 64
"""Of a batch that the small loss-nets score."""
_SUFFIXES = {"cpu": "", "gpu": "_gpu", "minutes": "_minutes_gpu"}
"""Of names, by preset."""
_NETS = {"graph": GraphEnergyConfig, "mlp": MlpEnergyConfig}


@dataclass(frozen=True)
class _Variant:
    """What is added to the task's terms."""

    net: str = ""
    """Loss-net; none without."""
    net_changes: tuple[tuple[str, Any], ...] = ()
    """Fields of its config."""
    energy: tuple[tuple[str, Any], ...] = ()
    """Fields of the energy's config."""
    weight: float = 1.0
    """0 trains the energy beside the estimator and leaves that alone."""
    pull: float = _PAPER_PULL
    limbs: bool = False
    """The explicit constraint instead of an energy."""
    geometry: bool = False
    """Rays and symmetry, an energy that learns nothing."""
    longer: float = 1.0
    """Factor of the steps: the baseline of equal time."""
    labelled: float = 1.0
    """Share of the clips with labels; CMU-Lift only."""
    unlabelled: float = 0.0
    """Share of each batch without; CMU-Lift only."""


_STRUCTURE = _Variant(
    "graph", (("structure", True),), (("wrong_poses", WrongPosesConfig()),), pull=_PULL
)
_TABLES = {
    "baseline": _Variant(),
    # As long as a step with a loss-net takes.
    "baseline_longer": _Variant(longer=2.0),
    "constraint": _Variant(limbs=True, pull=_PULL),
    "mlp": _Variant("mlp"),
    "graph": _Variant("graph"),
    # Ours: the loss-net reads structure and learns from poses spoilt on purpose; and an energy of
    # the camera's rays and of symmetry, which learns nothing.
    "structure": _STRUCTURE,
    "geometry": _Variant(geometry=True, pull=_PULL),
}
"""For every backbone and dataset."""
_ABLATIONS = {
    # The paper's other ranking, and its appendix's bias.
    "mlp_nce": _Variant("mlp", energy=(("ranking", "nce"),)),
    "graph_nce": _Variant("graph", energy=(("ranking", "nce"),)),
    "graph_table": _Variant("graph", (("path", "table"), ("per_head", True))),
    "graph_batch_margin": _Variant("graph", energy=(("margin_over", "batch"),)),
    # Its search: how far apart truth and prediction are to be, and a larger loss-net.
    "graph_margin_tenth": _Variant("graph", energy=(("margin", 0.1),)),
    "graph_margin_10": _Variant("graph", energy=(("margin", 10.0),)),
    "mlp_margin_tenth": _Variant("mlp", energy=(("margin", 0.1),)),
    "mlp_margin_10": _Variant("mlp", energy=(("margin", 10.0),)),
    "graph_large": _Variant("graph", (("channels", 128), ("depth", 4), ("num_heads", 8))),
    "mlp_large": _Variant("mlp", (("width", 1024),)),
    # Parts of ours.
    "structure_plain": replace(_STRUCTURE, energy=()),
    "structure_mlp": replace(_STRUCTURE, net="mlp"),
    "structure_nce": replace(_STRUCTURE, energy=(*_STRUCTURE.energy, ("ranking", "nce"))),
    "structure_light": replace(_STRUCTURE, pull=0.1),
    "structure_geometry": replace(_STRUCTURE, geometry=True),
    # Beside the estimator, for refinement.
    "graph_beside": _Variant("graph", weight=0.0),
    "structure_beside": replace(_STRUCTURE, weight=0.0),
}
"""For SimpleBaseline on CMU-Lift, beside ``_FEW_LABELS`` and ``_LONG``."""
_PAIR = (("pair", PairConfig()),)
_TEMPORAL = {
    "graph_pair": _Variant("graph", energy=_PAIR),
    "structure_pair": replace(_STRUCTURE, energy=(*_STRUCTURE.energy, *_PAIR)),
}
_FEW_LABELS = {
    f"{name}_labels_{percent}": replace(variant, labelled=percent / 100)
    for percent in (1, 10)
    for name, variant in _TABLES.items()
} | {
    f"{name}_semi_{percent}": replace(_TABLES[name], labelled=percent / 100, unlabelled=0.5)
    for percent in (1, 10)
    for name in ("baseline", "structure", "geometry")
}
"""The same with 3D labels of few clips; ``semi`` shows the 2D of the others too, in half of each
batch (to the baseline in vain: it says what the missing half of the labels costs)."""
_LONG = {
    f"{name}_long": replace(_TABLES[name], longer=4.0)
    for name in ("baseline", "graph", "structure", "geometry")
}
"""The same with four times the steps."""


def _term(variant: _Variant, joints: Skeleton, preset: str) -> dict[str, TermConfig]:
    if variant.limbs:
        return {"limbs": TermConfig("limb_lengths", LimbLengthsConfig(), pull=variant.pull)}
    known = {}
    if variant.geometry:
        known = {"geometry": TermConfig("geometry", GeometryConfig(), pull=variant.pull)}
    if not variant.net:
        return known
    small = _SMALL[variant.net] if preset == "cpu" else {}
    net = _NETS[variant.net](joints, **{**small, **dict(variant.net_changes)})
    energy = dict(variant.energy)
    if preset == "cpu" and "pair" not in energy:
        energy["poses"] = _SMALL_POSES
    config = EnergyConfig(variant.net, net, **energy)
    # The small net learns at the estimator's rate, the published one at the paper's.
    rate = 1e-3 if preset == "cpu" else 1e-4
    term = TermConfig("energy", config, variant.weight, learning_rate=rate, pull=variant.pull)
    return {"energy": term} | known


def _run(name: str, row: Baseline, variant: _Variant, preset: str) -> Run:
    plain = row.run(preset, name)
    config = plain.estimator_config
    single = frames_of(config.net_config) == 1
    factor = variant.longer * (_SHORTER if single and preset == "cpu" else 1.0)
    train = replace(plain.train, steps=round(factor * plain.train.steps))
    source = plain.source_config
    if variant.labelled < 1 or variant.unlabelled:
        source = replace(source, labelled=variant.labelled, unlabelled=variant.unlabelled)
    terms = plain.terms | _term(variant, config.skeleton, preset)
    what = name.split(".")[-1]
    summary = f"{plain.summary} SCoTL-pose, {what}."
    return replace(plain, source_config=source, terms=terms, train=train, summary=summary)


def _variants(data: str, net: str) -> dict[str, _Variant]:
    temporal = _TEMPORAL if net in _PAIRED else {}
    studied = _ABLATIONS | _FEW_LABELS | _LONG if (data, net) == ("cmu", "simple_baseline") else {}
    return _TABLES | temporal | studied


SCOTL_RUNS: dict[str, Run] = {
    (name := f"scotl.{data}.{net}.{variant}{suffix}"): _run(name, row, settings, preset)
    for data in DATA
    for net, row in backbones(data).items()
    for variant, settings in _variants(data, net).items()
    for preset, suffix in _SUFFIXES.items()
    if preset in row.train
}
"""Runs of the paper's tables and of ours, by name."""

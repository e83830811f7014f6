"""``vitruve skeleton fit | add | show | corpus``: learned bridges between skeleton formats."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import tyro

from vitruve.cli.sub_verbs import SubVerbs, run_sub_verb
from vitruve.estimators.bridge.autoencoder import BridgeConfig

if TYPE_CHECKING:
    from vitruve.data.corpora.parallel import ParallelCorpus


@dataclass(frozen=True)
class FitArguments:
    """Fit a bridge between all formats of a parallel corpus; the same seed gives the same bits."""

    data: Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="DATA")]
    """Parallel corpus, .npz: an array (n, joints, 3) in metres for each format, under its name, at
    the same n moments; docs/bridge.md."""
    fit: tyro.conf.OmitArgPrefixes[BridgeConfig] = field(default_factory=BridgeConfig)
    """How it is fitted."""
    out: Path = Path("bridge.safetensors")
    """File to write."""
    formats: tuple[str, ...] = ()
    """Take only these formats of the corpus; all if none is named."""
    held_out: Path | None = None
    """Corpus to measure the errors on; if unset, a part of the groups of DATA is held out."""
    part: float = 0.1
    """How much of DATA is held out, where no other corpus is."""


@dataclass(frozen=True)
class AddArguments:
    """Add a format to a fitted bridge: its rows alone are fitted, all others stay."""

    bridge: Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="BRIDGE")]
    """A fitted bridge, or ``default``."""
    data: Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="DATA")]
    """Parallel corpus of the new format and one or more that the bridge knows."""
    format: str
    """Name of the new format."""
    out: Path = Path("bridge.safetensors")
    """File to write; may be BRIDGE itself."""
    held_out: Path | None = None
    """Corpus to measure the errors on; if unset, a part of the groups of DATA is held out."""
    part: float = 0.1
    """How much of DATA is held out, where no other corpus is."""


@dataclass(frozen=True)
class ShowArguments:
    """Say what a bridge knows: its formats, or one conversion joint by joint."""

    bridge: Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="BRIDGE")] = Path("default")
    """A fitted bridge, or ``default``."""
    source: str = ""
    """Format to convert from."""
    target: str = ""
    """Format to convert to."""


@dataclass(frozen=True)
class CorpusArguments:
    """Make a parallel corpus: bodies of many shapes in real and in drawn poses, in every format."""

    out: Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="OUT")]
    """File to write, .npz."""
    motion: Path | None = None
    """Motion archive that poses come from; drawn poses alone if unset."""
    split: str = "train"
    """Which clips of the archive: train or test."""
    moments: int = 8000
    """Moments of the archive's clips, evenly spread over them."""
    drawn: int = 4000
    """Drawn poses beside them."""
    formats: tuple[str, ...] = ()
    """Formats to write; those of the packaged bridge if none is named."""
    seed: int = 0
    """Of people, drawn poses, hands and feet. Corpora to learn from and to measure on need two."""


def main(argv: list[str]) -> int:
    """Do one of the four.

    Returns:
        0 when done, 2 without a verb.

    Raises:
        KeyError: No such format.
        ValueError: A file is damaged, or cannot be used for this.
        OSError: A file is missing or cannot be written.
    """
    return run_sub_verb("skeleton", _VERBS, argv)


def _fit(argv: list[str]) -> int:
    arguments = tyro.cli(FitArguments, prog="vitruve skeleton fit", args=argv)
    from vitruve.cli.progress import show_progress
    from vitruve.estimators.bridge import fit_bridge
    from vitruve.nets.bridge_file import write_bridge

    learn, held_out = _corpora(arguments, arguments.formats)
    with show_progress("steps") as tell:
        bridge = fit_bridge(learn, held_out, arguments.fit, tell)
    write_bridge(bridge, arguments.out)
    print(f"{bridge.about['reconstruction_mm']:.1f} mm off after the latents, held out")
    print(arguments.out)
    return 0


def _add(argv: list[str]) -> int:
    arguments = tyro.cli(AddArguments, prog="vitruve skeleton add", args=argv)
    from vitruve.estimators.bridge import add_format
    from vitruve.nets.bridge_file import read_bridge, write_bridge

    bridge = read_bridge(arguments.bridge)
    learn, held_out = _corpora(arguments, ())
    write_bridge(add_format(bridge, arguments.format, learn, held_out), arguments.out)
    print(arguments.out)
    return 0


def _corpus(argv: list[str]) -> int:
    arguments = tyro.cli(CorpusArguments, prog="vitruve skeleton corpus", args=argv)
    from vitruve.cli.progress import show_progress
    from vitruve.data.corpora.parallel import write_corpus
    from vitruve.data.corpora.posed_bodies import BRIDGED, CorpusConfig, make_corpus
    from vitruve.skeletons import skeleton

    formats = tuple(map(skeleton, arguments.formats or BRIDGED))
    config = CorpusConfig(
        arguments.motion, arguments.split, arguments.moments, arguments.drawn, arguments.seed
    )
    with show_progress("moments") as tell:
        corpus = make_corpus(formats, config, tell)
    write_corpus(corpus, arguments.out)
    print(f"{len(corpus.joints)} moments, {len(formats)} formats, {corpus.joints.shape[1]} joints")
    print(arguments.out)
    return 0


def _show(argv: list[str]) -> int:
    arguments = tyro.cli(ShowArguments, prog="vitruve skeleton show", args=argv)
    from vitruve.nets.bridge_file import read_bridge
    from vitruve.skeletons import skeleton

    if bool(arguments.source) != bool(arguments.target):
        raise ValueError("give both --source and --target, or none")
    bridge = read_bridge(arguments.bridge)
    if arguments.source:
        there = bridge.conversion(skeleton(arguments.source), skeleton(arguments.target))
        print(there.report())
        return 0
    joints = sum(one.num_joints for one in bridge.formats)
    print(f"{len(bridge.formats)} formats, {joints} joints, {bridge.num_latents} latent points")
    for one in bridge.formats:
        print(f"  {one.name}")
    return 0


def _corpora(
    arguments: FitArguments | AddArguments, formats: tuple[str, ...]
) -> "tuple[ParallelCorpus, ParallelCorpus]":
    """What to learn from and what to measure on."""
    from vitruve.data.corpora.parallel import read_corpus

    corpus = read_corpus(arguments.data)
    corpus = corpus.only(formats) if formats else corpus
    if arguments.held_out is None:
        return corpus.hold_out(arguments.part)
    names = tuple(one.name for one in corpus.formats)
    return corpus, read_corpus(arguments.held_out).only(names)


_VERBS: SubVerbs = {
    "fit": (_fit, "DATA: learn a bridge from people given in several formats at once"),
    "add": (_add, "BRIDGE DATA: add a format to a bridge, leaving all others as they are"),
    "show": (_show, "BRIDGE: which formats it knows, and what a conversion is worth"),
    "corpus": (_corpus, "OUT: make people to learn from, bodies in real and drawn poses"),
}

"""``vitruve train unsupervised``: a detector of a user's own subject, with no labels."""

import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from vitruve.cli.data_masks import MaskSettings, mask_clips, write_sheet
from vitruve.training.config import TrainConfig

if TYPE_CHECKING:
    from vitruve.data.own.clips import OwnClip
    from vitruve.data.own.shards import Kinds, OwnConfig
    from vitruve.recipes.unsupervised import Preset, Signals

NAME = "unsupervised"
WORST_RESIDUAL = 0.15
"""Share of a crop's side by which views may disagree before their calibration is left out."""
_SCENES = "backgrounds"


@dataclass(frozen=True, kw_only=True)
class Arguments(MaskSettings):
    """Learn 3D pose of one subject, person or dog, from your own pictures, with no labels.

    Looks at the pictures, makes masks if there are none, says which signals it will use, renders
    bodies, and trains. A run that was stopped goes on with the same command.
    """

    train: TrainConfig
    """How to train; the defaults are the size's."""
    images: Path | None = None
    """Your pictures: a folder of pictures, of videos, or of folders of pictures; or one video. A
    folder masks in it holds masks; a calibration in it tells the cameras."""
    size: Literal["tiny", "small", "full"] = "small"
    """tiny tries the command; small is for a CPU (64 pixels), full for a GPU (256 pixels)."""
    body: str = "anny"
    """What is seen: anny or capsule-human for people, capsule-dog for dogs; or of your own files
    smpl:FILE, smplx:FILE or smal:FILE; capsule-dog:FILE.toml is another animal (docs/bodies.md)."""
    out: Path | None = None
    """Folder of the run; train.out if unset."""
    calibration: Path | None = None
    """Camera file of several cameras; theirs are the names of the clips."""
    fov: float = 60.0
    """Field of view of the pictures' longer side, degrees, where no calibration tells."""
    every: int = 1
    """Take every so manyth frame of a clip."""
    motions: str = ""
    """Clips that vitruve data motions put on the body; drawn poses without."""
    poses_2d: Path | None = None
    """2D keypoint files of other people and pictures, such as of vitruve detect: unpaired poses
    that say what a body in a picture looks like."""
    energy: Path | None = None
    """Trained loss-net whose energy teaches too."""
    initial: Path | None = None
    """Trained weights to start from."""
    rendered: bool = True
    """Learn from rendered bodies too; without them from masks alone, of people who mostly stand."""


def main(argv: list[str]) -> int:
    """Prepare what is missing, train, say how it went.

    Returns:
        0 when finished, 130 when interrupted.

    Raises:
        KeyError: No body has this name.
        ValueError: Pictures, masks, calibration or loss-net are not what they should be, or the
            out folder holds another run.
        OSError: Something is missing or cannot be written.
        FloatingPointError: The training diverged.
    """
    arguments = _parse(argv)
    from vitruve.cli.train_result import said
    from vitruve.recipes.unsupervised import PRESETS, Signals, unsupervised
    from vitruve.skeletons import skeleton

    train = arguments.train
    if arguments.out is not None:
        train = replace(train, out=str(arguments.out))
    run_folder, preset = Path(train.out), PRESETS[arguments.size]
    joints = _joints(arguments.body)
    # What the recipe refuses, it refuses before anything is made.
    least = Signals(energy=arguments.energy, rendered=arguments.rendered)
    unsupervised(least, skeleton(joints), arguments.size, train)
    given = arguments.poses_2d
    poses_2d = None if given is None else _poses_2d(given, run_folder / "data", joints)
    signals = replace(_prepare(arguments, run_folder, preset, joints), poses_2d=poses_2d)
    print("learns from:", *signals.lines(), sep="\n  ")
    run = unsupervised(signals, skeleton(joints), arguments.size, train)
    result = run.start(run_folder / "data", initial=arguments.initial)
    code = said(result)
    if result.weights is not None and result.rank == 0:
        _show(run_folder, result.weights)
    return code


def _parse(argv: list[str]) -> Arguments:
    """Read the size first: the defaults of the training are its own."""
    import tyro

    from vitruve.recipes.unsupervised import PRESETS

    asked = {f"--size={b}" if a == "--size" else a for a, b in pairwise([*argv, ""])}
    train = next((p.train for size, p in PRESETS.items() if f"--size={size}" in asked), None)
    train = train or PRESETS["small"].train
    default = Arguments(train=train)
    return tyro.cli(Arguments, prog=f"vitruve train {NAME}", default=default, args=argv)


def _joints(body: str) -> str:
    from vitruve.bodies import make_body
    from vitruve.data.studio.scene import joint_format

    return joint_format(make_body(body))


def _prepare(arguments: Arguments, run_folder: Path, preset: "Preset", joints: str) -> "Signals":
    """Masks, shards of people and of rendered bodies, whatever is not there yet."""
    from vitruve.data.masking import write_scenes
    from vitruve.data.own.clips import find_clips
    from vitruve.data.own.shards import OwnConfig, digest_of
    from vitruve.data.shards.unfinished import begin_folder, is_finished

    if arguments.images is None:
        raise ValueError("give --images DIR, a folder of your pictures or videos")
    clips = find_clips(arguments.images, arguments.calibration)
    data = run_folder / "data"
    if arguments.given is not None or all(clip.masks is not None for clip in clips):
        arguments = replace(arguments, by="given")
    if arguments.by == "background" and not all(clip.ordered for clip in clips):
        raise ValueError(
            f"{arguments.images} holds single pictures, of which nobody knows the background: put "
            "masks into its folder masks, or give --by grabcut, chroma or given; frames of a clip "
            "belong into a folder of their own"
        )
    own = OwnConfig(joints, preset.side_px, arguments.every, arguments.fov)
    people = data / "people"
    masking = {
        name: str(getattr(arguments, name))
        for name in ("by", "refine", "given", "boxes", "key", "threshold")
    }
    begin_folder(people, asdict(own) | masking | {"clips": digest_of(clips)})
    if not is_finished(people):
        kinds = _masks(arguments, clips, data)
        masked = [replace(clip, masks=data / "masks" / clip.name) for clip in clips]
        if arguments.rendered:
            write_scenes(masked, data / _SCENES, arguments.every)
        _cut_out(masked, kinds, data, own)
    if arguments.rendered:
        _render(arguments, data, preset)
    return _signals(arguments, people)


def _poses_2d(source: Path, data: Path, joints: str) -> Path:
    from vitruve.data.own.poses_2d import write_poses_2d
    from vitruve.skeletons import skeleton

    data.mkdir(parents=True, exist_ok=True)
    out = data / "poses_2d.npz"
    print(f"unpaired 2D poses: {write_poses_2d(source, skeleton(joints), out)}")
    return out


def _masks(arguments: Arguments, clips: "Sequence[OwnClip]", data: Path) -> "Kinds":
    folders, sheet = [data / "masks" / clip.name for clip in clips], data / "masks.jpg"
    reports = mask_clips(clips, folders, arguments, every=arguments.every)
    write_sheet(reports, sheet)
    print(f"masks: {sum(len(r.thumbnails) for r in reports)} by {arguments.by}; look at {sheet}")
    return {r.clip: {t.name: t.kind for t in r.thumbnails} for r in reports}


def _cut_out(clips: "Sequence[OwnClip]", kinds: "Kinds", data: Path, own: "OwnConfig") -> None:
    from vitruve.cli.progress import show_progress
    from vitruve.data.own.shards import is_rig, write_own_shards

    with show_progress("pictures") as tell:
        counts = write_own_shards(
            clips, kinds, data / "people", own, lambda done: tell("crops", done, None)
        )
    written = counts.pop("written")
    left = "".join(f", {n} left out ({kind} mask)" for kind, n in counts.items())
    print(f"pictures: {written}{left}")
    if not any(clip.camera for clip in clips):
        print(f"cameras: unknown; a field of view of {own.fov_deg:g} degrees is assumed")
    elif not is_rig(clips):
        print("cameras: one, or without places; nothing is triangulated")


def _render(arguments: Arguments, data: Path, preset: "Preset") -> None:
    from vitruve.cli.progress import show_progress
    from vitruve.data.shards.unfinished import is_finished, missing_shards
    from vitruve.data.studio.config import StudioConfig
    from vitruve.data.studio.shards import begin, finish, make_shards

    scenes = data / _SCENES
    config = StudioConfig(
        scenes=preset.scenes,
        size_px=preset.side_px,
        frames=preset.frames,
        seed=1,
        body=arguments.body,
        motions=arguments.motions,
        backgrounds=str(scenes) if scenes.is_dir() else "",
        held_out=(0.0, 0.0),
    )
    pairs, made = data / "pairs", 0
    begin(pairs, config)
    wanted = missing_shards(pairs, range(config.shards))
    total = sum(config.pictures_of(shard) for shard in wanted)
    with show_progress("pictures") as tell:

        def told(count: int) -> None:
            nonlocal made
            made += count
            tell("render", made, total)

        make_shards(pairs, config, wanted, told)
    if wanted or not is_finished(pairs):
        finish(pairs, config)
    print(f"rendered bodies: {config.pictures} pictures of {arguments.body}")


def _show(run_folder: Path, weights: Path) -> None:
    """What the detector says of pictures that did not train, to be looked at."""
    from vitruve.cli.data_sheet import SheetArguments, write_sheet

    out = run_folder / "answers.jpg"
    write_sheet(SheetArguments(str(run_folder / "data" / "people"), out, model=str(weights)))
    print(f"look at {out}")


def _warn(line: str) -> None:
    print(f"vitruve: {line}", file=sys.stderr)


def _signals(arguments: Arguments, people: Path) -> "Signals":
    """What the shards can teach; a calibration that does not fit is left out, with a warning."""
    from vitruve.data.own.rig import rig_fit
    from vitruve.data.studio.reader import Studio
    from vitruve.recipes.unsupervised import Signals

    studio = Studio(people, "train")
    about, views = studio.reader.about, 1
    fit = rig_fit(studio) if about["calibrated"] else None
    if about["calibrated"] and fit is None:
        _warn("no moment is seen by two cameras; nothing is triangulated")
    elif fit is not None and fit.better:
        named = ", ".join(f"{clip} by {camera}" for clip, camera in fit.better)
        _warn(
            "the calibration does not fit: views would agree better if clips were taken by other "
            f"cameras ({named}); nothing is triangulated"
        )
    elif fit is not None and fit.residual > WORST_RESIDUAL:
        _warn(
            f"the calibration does not fit: views put the middle of a mask {fit.residual:.0%} of a "
            f"crop away from where it is ({WORST_RESIDUAL:.0%} at most); nothing is triangulated"
        )
    elif fit is not None:
        views = max(len(studio.moment(m)) for m in range(studio.num_moments))
        print(f"calibration: views agree on the middles of masks to {fit.residual:.1%} of a crop")
    return Signals(views, bool(about["ordered"]), arguments.energy, rendered=arguments.rendered)

"""The main job: pictures or 2D keypoints in, metric 3D motion files out, stage by stage.

Every stage reads files and writes files in one folder. A stage whose output is there, made of the
same input with the same settings, is not run again, so a killed run goes on where it was.
"""

import tempfile
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from vitruve.estimators import Estimator, load
from vitruve.geometry.camera import Camera
from vitruve.geometry.camera_file import camera_to_dict
from vitruve.io.keypoints import read_keypoints, write_keypoints
from vitruve.io.video import TruncatedVideoError, probe
from vitruve.pipeline.config import EstimateConfig
from vitruve.pipeline.detect import detect
from vitruve.pipeline.facts import chosen, facts_of, older_files
from vitruve.pipeline.find_camera import find_camera
from vitruve.pipeline.formats import conversions
from vitruve.pipeline.lift import LiftedTrack, chunk_starts, lift_chunk, prepare
from vitruve.pipeline.lifted_file import join, load_track, save_track
from vitruve.pipeline.look_stage import LookConfig, Looking, look_stage, looks
from vitruve.pipeline.parts import fingerprint_of
from vitruve.pipeline.people import check_suffixes, people_in, write_people
from vitruve.pipeline.place import Placed, place_people
from vitruve.pipeline.place_seen import place_seen
from vitruve.pipeline.see import SeenTrack, see, sees
from vitruve.pipeline.stages import Stages, file_digest, weights_digest
from vitruve.poses import KeypointSequence, PoseSequence

KEYPOINT_SUFFIXES = (".json", ".npz")
"""What is read as 2D keypoints instead of pictures."""

Progress = Callable[[str, int, int | None], None]
"""Told the stage's name, what is done and how much there is (None where unknown)."""


@dataclass(frozen=True, eq=False)
class Estimate:
    """Everything a run found out."""

    people: tuple[PoseSequence, ...]
    """One per person, the most prominent first, in the first of the asked skeletons."""
    keypoints: tuple[KeypointSequence, ...]
    """The 2D they came from, in the same order."""
    files: tuple[Path, ...]
    """What was written for users."""
    facts: Mapping[str, str]
    """How it went, for people."""
    damage: str = ""
    """What could not be read of the source, in one line; empty if all could."""
    formats: Mapping[str, tuple[PoseSequence, ...]] = field(default_factory=dict)
    """The same people in every skeleton that was asked for."""


def estimate(
    source: str | Path, skeleton: str | None = None, **settings: Any
) -> list[PoseSequence]:
    """Metric 3D motion of everyone in a video, image folder or 2D keypoint file.

    Args:
        source: What to read.
        skeleton: Format of the result, of several the first is returned; None keeps the model's.
        **settings: Further fields of `EstimateConfig`, and ``out``: a folder to keep every stage's
            files in; without it nothing is kept.

    Returns:
        One sequence per person, the most prominent first.

    Raises:
        ValueError: Nobody is in the clip, or an input is not what it should be.
        OSError: A file cannot be read or written.
        KeyError: A skeleton or model has no such name.

    Warns:
        UserWarning: The source is damaged; what could be read of it is in the result.
    """
    out = settings.pop("out", None)
    config = EstimateConfig(skeleton=skeleton, **settings)
    with tempfile.TemporaryDirectory(prefix="vitruve-") as folder:
        found = run_estimate(Path(source), Path(out or folder), config)
    if found.damage:
        warnings.warn(found.damage, stacklevel=2)
    return list(found.people)


def run_estimate(
    source: Path, out: Path, config: EstimateConfig, progress: Progress | None = None
) -> Estimate:
    """Run every stage that is not done yet; see `estimate` for what can go wrong."""
    tell = progress or (lambda stage, done, total: None)
    estimator = _model(config)
    ways = conversions(estimator.skeleton, config.skeleton)
    check_suffixes(config.formats)
    if not source.exists():
        raise FileNotFoundError(f"no such video, folder or keypoint file: {source}")
    stages = Stages(out)
    context = (stages, config, tell)
    own = sees(estimator) and config.look == LookConfig()
    looking = looks(estimator, config.look)
    if looking and is_keypoints(source):
        raise ValueError(f"this model looks at pictures; give a video or pictures, not {source}")
    if looking and not own:
        tracks, lifted, camera = _look(source, estimator, context)
    else:
        tracks = _keypoints(source, stages, config, tell)
        camera = find_camera(config.camera, config.fov_deg, tracks[0].image_size_px)
        lifted = [] if own else [_lift(k, camera, estimator, context) for k in tracks]
    if own:
        placed = _placed_seen(source, tracks, camera, estimator, context)
    else:
        tell("place", 0, len(tracks))
        plain = replace(camera, distortion=None)
        placed = place_people(lifted, estimator.skeleton, plain, tracks[0].fps, config.place)
    lens, model = camera.distortion, _model_name(config)
    formats = {w.target.name: people_in(w, placed, tracks, lens, model) for w in ways}
    files, refused = write_people(formats, out, config.formats)
    tell("place", len(tracks), len(tracks))
    facts = facts_of(placed, tracks, ways, camera) | chosen(config) | refused
    facts |= older_files(out, files)
    damage = "" if is_keypoints(source) else stages.remark("detect")
    return Estimate(next(iter(formats.values())), tuple(tracks), files, facts, damage, formats)


def is_keypoints(source: Path) -> bool:
    """Whether a source is 2D keypoints (a file, or OpenPose's folder) and not pictures."""
    if source.is_dir():
        return any(source.glob("*_keypoints.json")) or (
            any(source.glob("*.json")) and not any(source.glob("*.[jpJP]*[gG]"))
        )
    return source.suffix.lower() in KEYPOINT_SUFFIXES


def _model(config: EstimateConfig) -> Estimator:
    estimator = load(config.model, config.lift.precision, config.refine, config.descent)
    if "scale_m_per_px" in estimator.needs and config.place.height_m is None:
        raise ValueError("this model says shapes without a size: give the height (--height 1.75)")
    return estimator


def _model_name(config: EstimateConfig) -> str:
    name = Path(config.model).stem
    return name if config.refine is None else f"{name}, refined,"


def _keypoints(
    source: Path, stages: Stages, config: EstimateConfig, tell: Progress
) -> list[KeypointSequence]:
    if is_keypoints(source):
        people = read_keypoints(
            source,
            fps=config.fps,
            image_size_px=config.image_size_px,
            skeleton=config.keypoint_skeleton,
        )
        return _most_seen(people, config.detect.max_persons)
    settings = replace(config.detect, fps=config.fps)
    made_of = {"source": fingerprint_of(source), "config": asdict(settings)}
    found = stages.folder / "keypoints.npz"
    if not stages.done("detect", made_of, found):
        damage = ""
        try:
            detect(source, found, settings, lambda done, total: tell("detect", done, total))
        except TruncatedVideoError as error:
            damage = str(error)
        stages.finish("detect", made_of, damage)
    return read_keypoints(found)


def _look(
    source: Path, estimator: Estimator, context: tuple[Stages, EstimateConfig, Progress]
) -> tuple[list[KeypointSequence], list[LiftedTrack], Camera]:
    """What a model that looks at pictures says of everyone."""
    stages, config, tell = context
    clip = probe(source, fps=config.fps)
    camera = find_camera(config.camera, config.fov_deg, clip.image_size_px)
    said = look_stage(
        clip,
        stages,
        Looking(estimator, _model_name(config), camera, config.look),
        lambda: _keypoints(source, stages, config, tell),
        tell,
    )
    return [k for k, _ in said], [lifted for _, lifted in said], camera


def _most_seen(people: list[KeypointSequence], count: int) -> list[KeypointSequence]:
    """The ``count`` people with the most confidence over the clip, in their order; 0 for all."""
    if not count:
        return people
    by_presence = sorted(people, key=lambda k: -float((k.confidence * k.valid).sum()))
    kept = {id(k) for k in by_presence[:count]}
    return [k for k in people if id(k) in kept]


def _placed_seen(
    source: Path,
    tracks: Sequence[KeypointSequence],
    camera: Camera,
    estimator: Estimator,
    context: tuple[Stages, EstimateConfig, Progress],
) -> list[Placed]:
    """What an image model says of everyone; looked at once."""
    stages, config, tell = context
    files = [stages.folder / f"seen_{k.person}.npz" for k in tracks]
    made_of = {
        "source": fingerprint_of(source),
        "keypoints": file_digest(stages.folder / "keypoints.npz"),
        "weights": weights_digest(estimator),
        "camera": camera_to_dict(camera),
    }
    if not stages.done("see", made_of, *files):
        seen = see(source, tracks, camera, estimator, lambda n, of: tell("see", n, of))
        for track, file in zip(seen, files, strict=True):
            save_track(track, file)
        stages.finish("see", made_of)
    tell("place", 0, len(tracks))
    found = [load_track(SeenTrack, file) for file in files]
    plain = replace(camera, distortion=None)
    return place_seen(found, estimator.skeleton, plain, tracks[0].fps, config.place)


def _lift(
    keypoints: KeypointSequence,
    camera: Camera,
    estimator: Estimator,
    context: tuple[Stages, EstimateConfig, Progress],
) -> LiftedTrack:
    """Lift chunk by chunk; chunks that an earlier run finished are read back."""
    stages, config, tell = context
    name = f"lift_{keypoints.person}"
    staged = stages.folder / f"{name}.input.npz"
    write_keypoints([keypoints], staged)
    made_of = {
        "keypoints": file_digest(staged),
        "weights": weights_digest(estimator),
        "refine": None if config.refine is None else asdict(config.descent),
        "camera": camera_to_dict(camera),
        "config": asdict(config.lift),
    }
    staged.unlink()
    output = stages.folder / f"lifted_{keypoints.person}.npz"
    if stages.done(name, made_of, output):
        return load_track(LiftedTrack, output)
    folder = stages.workspace(name, made_of)
    ready = prepare(keypoints, camera, estimator)
    chunks, count = [], len(ready.frames)
    for start in chunk_starts(count, config.lift):
        part = folder / f"{start:09d}.npz"
        if not part.exists():
            tell("lift", start, count)
            chunk = lift_chunk(ready, camera, estimator, config.lift, start)
            tell("lift", start + len(chunk.frames), count)
            save_track(chunk, part)
        chunks.append(load_track(LiftedTrack, part))
    track = join(chunks)
    save_track(track, output)
    stages.finish(name, made_of)
    for part in folder.iterdir():
        part.unlink()
    folder.rmdir()
    return track

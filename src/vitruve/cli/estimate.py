"""``vitruve estimate SOURCE``: pictures or 2D keypoints in, metric 3D and a page out."""

import sys
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import tyro

from vitruve.cli.refinement import RefineArguments

if TYPE_CHECKING:
    from vitruve.cli.progress import Clock
    from vitruve.pipeline.config import EstimateConfig
    from vitruve.pipeline.detect import DetectConfig
    from vitruve.pipeline.look_stage import LookConfig
    from vitruve.pipeline.run import Estimate

BAD_INPUT = 2
_TALLEST_M = 3.0


@dataclass(frozen=True, kw_only=True)
class LiftArguments(RefineArguments):
    """What `estimate` and `lift` share."""

    skeleton: str = ""
    """Format of the result, such as smpl_24; several separated by commas, or all that the model and
    the learned bridge know; the model's own if unset."""
    height: float | None = None
    """Stature of everyone in the clip, metres; without it the model guesses the scale."""
    fov: float | None = None
    """Field of view of the picture's longer side, degrees; 60 if neither it nor a camera is set."""
    camera: Path | None = None
    """Camera file: intrinsics, distortion, perhaps its place in the world. OpenCV or Vitruve."""
    out: Path | None = None
    """Folder for everything; SOURCE's name + _vitruve in the current folder if unset."""
    format: str = "npz"
    """Files for each person, separated by commas: bvh c3d csv glb json npz parquet trc."""
    model: str = "default"
    """Packaged weights by name, or a weights file (.safetensors)."""
    precision: Literal["auto", "float32", "bfloat16"] = "auto"
    """Numbers the model computes in; auto takes bfloat16 where that is faster."""
    max_persons: int = 0
    """Most people, the most prominent ones; 0 for everyone."""
    smooth_hz: float | Literal["none"] = 7.0
    """Cut-off of the zero-lag low-pass, hertz; none keeps every jitter."""
    size: str = ""
    """Picture size such as 1920x1080, pixels, for keypoint files that do not say."""
    fps: float | None = None
    """Frames per second of keypoint files that do not say (30) and of image folders (25)."""
    keypoint_skeleton: str = ""
    """What the keypoints of a file are, where their number does not tell."""
    page: bool = True
    """Make page.html, a self-contained view of the result."""
    save_keypoints: bool = False
    """Also write the 2D keypoints, as keypoints.json."""


@dataclass(frozen=True, kw_only=True)
class Arguments(LiftArguments):
    """Metric 3D motion of everyone in a clip. The same command goes on where a stopped run was."""

    source: Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="SOURCE")]
    """Video, folder of images, image, or 2D keypoints of any common tool."""
    detector: Literal["blazepose", "rtmpose"] = "blazepose"
    """blazepose works offline; rtmpose needs rtmlib and its weights."""
    threads: int = 1
    """Inference threads of the detector; decoding runs beside it."""
    boxes: Path | None = None
    """For models that look at pictures: where the person or the animal is, instead of the detector;
    a .csv with the columns picture, left, top, right, bottom, or a folder of masks."""
    crop_px: int | None = None
    """For models that look at pictures: side of the crops they were trained on, where the weights
    do not say."""
    photos: bool = False
    """SOURCE is a folder of unrelated pictures, of any size: each is looked at by itself, with a
    folder of its name in --out."""


def main(argv: list[str]) -> int:
    """Parse, run, print.

    Returns:
        0 when done; 2 when the clip is damaged and only a part of it is in the result.

    Raises:
        ValueError: An input is not what it should be, or nobody is in the clip.
        OSError: A file is missing or cannot be written.
        KeyError: A skeleton or model has no such name.
    """
    arguments = tyro.cli(Arguments, prog="vitruve estimate", args=argv)
    from vitruve.pipeline.detect import DetectConfig
    from vitruve.pipeline.look_stage import LookConfig

    if arguments.crop_px is not None:
        at_least("--crop-px", arguments.crop_px, 16)
    detect = DetectConfig(
        detector=arguments.detector,
        max_persons=at_least("--max-persons", arguments.max_persons, 0),
        threads=at_least("--threads", arguments.threads, 1),
    )
    look = LookConfig(arguments.boxes, arguments.crop_px)
    if arguments.photos:
        return estimate_photos(arguments.source, arguments, detect, look)
    return estimate(arguments.source, arguments, detect, look)


def estimate_photos(
    folder: Path, arguments: LiftArguments, detect: "DetectConfig", look: "LookConfig"
) -> int:
    """Run the main job on every picture of a folder by itself; nobody in one is no end.

    Returns:
        0 when anybody was found; 2 when nobody was.

    Raises:
        ValueError: A setting is not what it should be.
        OSError: The folder is missing or a file cannot be written.
        KeyError: A skeleton or model has no such name.
    """
    from vitruve.io.images import list_images
    from vitruve.pipeline.detect import NobodyError

    out = arguments.out or Path(f"{folder.resolve().name}_vitruve")
    pictures, found = list_images(folder), 0
    for picture in pictures:
        try:
            estimate(picture, replace(arguments, out=out / picture.stem), detect, look)
            found += 1
        except NobodyError as error:
            print(f"vitruve: {error}", file=sys.stderr)
    print(f"{found} of {len(pictures)} pictures with people")
    return 0 if found else BAD_INPUT


def estimate(
    source: Path,
    arguments: LiftArguments,
    detect: "DetectConfig",
    look: "LookConfig | None" = None,
) -> int:
    """Run the main job with a detector's settings and say how it went; see `main`."""
    from vitruve.cli.progress import Clock, show_progress
    from vitruve.pipeline.run import run_estimate

    config = settings(arguments, detect, look)
    out = arguments.out or Path(f"{source.resolve().stem}_vitruve")
    begun, clock = time.perf_counter(), Clock()
    with show_progress() as show:

        def tell(stage: str, done: int, total: int | None) -> None:
            clock(stage, done, total)
            show(stage, done, total)

        found = run_estimate(source, out, config, tell)
        facts = {**found.facts, "speed": _speed(found, clock, time.perf_counter() - begun)}
        files = list(found.files)
        if arguments.save_keypoints:
            from vitruve.io import write_keypoints

            files.append(out / "keypoints.json")
            write_keypoints(found.keypoints, files[-1])
        if arguments.page:
            from vitruve.cli.page import result_page

            show("page", 0, None)
            files.append(result_page(source, out, found, facts))
    count = len(found.people)
    print(f"{source}: {count} {'person' if count == 1 else 'people'}, frames {_span(found)}")
    print("\n".join(f"  {name}: {text}" for name, text in facts.items()))
    print("written:", *files, sep="\n  ")
    if found.damage:
        print(f"vitruve: {found.damage}; the result holds what could be read", file=sys.stderr)
    return BAD_INPUT if found.damage else 0


def _span(found: "Estimate") -> str:
    frames = [int(f) for k in found.keypoints for f in (k.frames[0], k.frames[-1])]
    return f"{min(frames)} to {max(frames)}"


def _speed(found: "Estimate", clock: "Clock", seconds: float) -> str:
    """Rates of this run; what an earlier one had finished is not counted as work of this one."""
    if looked := clock.counts.get("see", 0):
        return f"{looked} frames in {seconds:.1f} s; looking alone {clock.rate('see'):.1f} frames/s"
    lifted = clock.counts.get("lift", 0)
    if not lifted:
        return "nothing to do: every stage was finished by an earlier run"
    frames = sum(int(k.frames[-1] - k.frames[0]) + 1 for k in found.keypoints)
    alone = f"lifting alone {clock.rate('lift'):.0f} frames/s"
    if lifted < frames:
        return f"{alone}; went on with an earlier run"
    length = max(int(k.frames[-1]) for k in found.keypoints) + 1
    return f"{length} frames in {seconds:.1f} s, {length / seconds:.1f} frames/s; {alone}"


def settings(
    arguments: LiftArguments, detect: "DetectConfig", look: "LookConfig | None" = None
) -> "EstimateConfig":
    """The pipeline's settings.

    Raises:
        ValueError: A number is out of its range.
    """
    from vitruve.pipeline.config import EstimateConfig
    from vitruve.pipeline.lift import LiftConfig
    from vitruve.pipeline.look_stage import LookConfig
    from vitruve.pipeline.place import PlaceConfig

    height = arguments.height
    if height is not None and not 0.3 <= height <= _TALLEST_M:
        hint = "; is that centimetres?" if 30 <= height <= 300 else ""
        raise ValueError(f"--height {height:g}: a stature in metres, 0.3 to {_TALLEST_M:g}{hint}")
    cutoff, fps = arguments.smooth_hz, arguments.fps
    cutoff = None if cutoff == "none" else above_zero("--smooth-hz", cutoff)
    return EstimateConfig(
        skeleton=arguments.skeleton or None,
        model=arguments.model,
        refine=arguments.loss_net,
        lift=LiftConfig(precision=arguments.precision),
        descent=arguments.descent(),
        fov_deg=arguments.fov,
        camera=arguments.camera,
        formats=tuple(f.strip(" .").lower() for f in arguments.format.split(",") if f.strip(" .")),
        fps=None if fps is None else above_zero("--fps", fps),
        image_size_px=parse_size(arguments.size) if arguments.size else None,
        keypoint_skeleton=arguments.keypoint_skeleton or None,
        detect=detect,
        place=PlaceConfig(height_m=height, cutoff_hz=cutoff),
        look=look or LookConfig(),
    )


def parse_size(text: str) -> tuple[int, int]:
    """Width and height from ``1920x1080``.

    Raises:
        ValueError: It is something else.
    """
    width, cross, height = text.lower().partition("x")
    if not (cross and width.isdecimal() and height.isdecimal() and int(width) and int(height)):
        raise ValueError(f"--size {text!r}: give width x height in pixels, such as 1920x1080")
    return int(width), int(height)


def above_zero(name: str, value: float) -> float:
    """The value.

    Raises:
        ValueError: It is not positive.
    """
    if not 0 < value < float("inf"):
        raise ValueError(f"{name} {value:g}: must be above 0")
    return value


def at_least(name: str, value: int, least: int) -> int:
    """The value.

    Raises:
        ValueError: It is smaller than ``least``.
    """
    if value < least:
        raise ValueError(f"{name} {value}: must be {least} or more")
    return value

"""The page of a result, with a small copy of its clip."""

from collections.abc import Mapping
from pathlib import Path

from vitruve.io.errors import FileError
from vitruve.pipeline.parts import fingerprint_of
from vitruve.pipeline.run import Estimate, is_keypoints
from vitruve.pipeline.stages import Stages
from vitruve.viewer import write_page

PREVIEW_MAX_S = 600.0
"""Longer clips come into the page without their pictures: it would be too large to open."""


def result_page(source: Path, out: Path, found: Estimate, facts: Mapping[str, str]) -> Path:
    """Write ``out/page.html``.

    Args:
        source: What the result was made of; pictures are shown beside it.
        out: The run's folder; keeps the small clip as ``preview.mp4``.
        found: The result.
        facts: Rows of the page's table.

    Raises:
        OSError: The folder cannot be written.
    """
    frames = [int(f) for k in found.keypoints for f in (k.frames[0], k.frames[-1])]
    start, stop = min(frames), max(frames) + 1
    video, note = None, ""
    if is_keypoints(source):
        note = "not there: the source is 2D keypoints"
    elif (stop - start) / found.keypoints[0].fps > PREVIEW_MAX_S:
        note = f"left out: longer than {PREVIEW_MAX_S / 60:g} minutes"
    else:
        try:
            video = _preview(source, Stages(out), start, stop)
        except FileError as error:
            note = f"left out: {error}"
    return write_page(
        found.people,
        out / "page.html",
        keypoints=found.keypoints,
        video=video,
        video_start=start,
        title=source.resolve().name,
        facts={**facts, "video": note} if note else facts,
    )


def _preview(source: Path, stages: Stages, start: int, stop: int) -> bytes:
    from vitruve.io.atomic import atomic_path
    from vitruve.io.video_writer import preview_mp4

    made_of = {"source": fingerprint_of(source), "frames": [start, stop]}
    file = stages.folder / "preview.mp4"
    if not stages.done("preview", made_of, file):
        with atomic_path(file) as temporary:
            temporary.write_bytes(preview_mp4(source, start=start, stop=stop)[0])
        stages.finish("preview", made_of)
    return file.read_bytes()

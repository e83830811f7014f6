"""One HTML file that shows a result: nothing to install, nothing to fetch, safe to pass on."""

import base64
import hashlib
import html
import json
import re
from collections.abc import Mapping, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any

from vitruve.io.atomic import atomic_path
from vitruve.poses import KeypointSequence, PoseSequence
from vitruve.viewer.content import describe
from vitruve.viewer.timeline import MAX_FRAMES, make_timeline

_SLOT = re.compile(r"\{\{(\w+)\}\}")
_WEBM = b"\x1a\x45\xdf\xa3"


def write_page(
    people: Sequence[PoseSequence],
    path: str | Path,
    *,
    keypoints: Sequence[KeypointSequence] = (),
    video: bytes | None = None,
    video_start: int = 0,
    title: str = "",
    facts: Mapping[str, str] | None = None,
    truth: Sequence[PoseSequence] = (),
    max_frames: int = MAX_FRAMES,
) -> Path:
    """Write a self-contained page of a result, whole or not at all; give back ``path``.

    Args:
        people: World frame, equal rates; may be empty where there are keypoints.
        path: The page.
        keypoints: Drawn over the picture, opacity is confidence.
        video: A clip for browsers (``preview_mp4``), embedded as it is.
        video_start: Source frame at its time 0.
        title: Heading, any text.
        facts: Rows of the quality table, any text.
        truth: Drawn as ghosts.
        max_frames: Longer clips are thinned evenly to this; the page says so.

    Raises:
        ValueError: There is no frame to show, or the rates differ.
        OSError: The page cannot be written.
    """
    path = Path(path)
    timeline = make_timeline((*people, *truth), keypoints, max_frames)
    content = describe(people, keypoints, truth, facts or {}, timeline)
    content |= {"title": title or "Motion", "videoStart": video_start}
    content["videoType"] = _video_type(video)
    # A file name may hold bytes that are no text; they show as question marks.
    page = render(content, video).encode("utf-8", "replace")
    with atomic_path(path) as temporary:
        temporary.write_bytes(page)
    return path


def render(content: Mapping[str, Any], video: bytes | None = None) -> str:
    """Fill the page's template; no text of the content can become markup or script.

    The page's content security policy lets only the bundle run, by its hash, and nothing load.
    """
    room = files("vitruve.viewer")
    template = (room / "page.html").read_text(encoding="utf-8")
    script = (room / "bundle.js").read_text(encoding="utf-8")
    style = re.search(r"<style>(.*?)</style>", template, re.DOTALL)
    slots = {
        "title": html.escape(str(content["title"])),
        "script_hash": _csp_hash(script),
        "style_hash": _csp_hash(style[1] if style else ""),
        "content": script_json(content),
        "video": base64.b64encode(video or b"").decode("ascii"),
        "script": script,
    }
    # One pass, so that a slot's name inside a text stays text.
    return _SLOT.sub(lambda slot: slots[slot[1]], template)


def script_json(content: Mapping[str, Any]) -> str:
    """JSON that cannot end the script element it stands in."""
    text = json.dumps(content, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return text.replace("<", "\\u003c")


def _csp_hash(text: str) -> str:
    digest = hashlib.sha256(text.encode("utf-8")).digest()
    return f"'sha256-{base64.b64encode(digest).decode('ascii')}'"


def _video_type(video: bytes | None) -> str:
    if not video:
        return ""
    return "video/webm" if video.startswith(_WEBM) else "video/mp4"

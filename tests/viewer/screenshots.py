"""Draw the pictures of docs/viewer.md: ``python tests/viewer/screenshots.py [folder]``."""

import io
import sys
import tempfile
from pathlib import Path

from chromium import Chromium, find_chromium
from PIL import Image
from stick_walk import example, film

from vitruve.poses import PoseSequence
from vitruve.viewer import write_page

IMAGES = Path(__file__).parents[2] / "docs" / "images"
FRAMES = 150


def facts(pose: PoseSequence, truth: PoseSequence) -> dict[str, str]:
    """What holds for the example."""
    seen = pose.valid
    error = (pose.joints_world - truth.joints_world).norm(dim=-1)[seen].mean()
    assert pose.spread is not None
    empty = int((~seen.any(1)).sum())
    return {
        "Material": "an invented walk, not an estimate",
        "Error against truth": f"{1000 * error:.0f} mm on average",
        "Median spread": f"{1000 * pose.spread[seen].median():.0f} mm",
        "Frames without a person": f"{empty} of {FRAMES}",
        "Joints seen": f"{100 * seen.float().mean():.1f} %",
    }


def main(folder: Path) -> None:
    """Write viewer_dark.png and viewer_light.png."""
    pose, truth, keypoints = example(FRAMES)
    program = find_chromium()
    if program is None:
        raise OSError("no Chromium on this machine: install chromium")
    with tempfile.TemporaryDirectory() as room, Chromium(program) as browser:
        video = film(Path(room) / "film.mp4", FRAMES)
        page = write_page(
            [pose],
            Path(room) / "page.html",
            keypoints=[keypoints],
            video=video,
            title="walk.mp4",
            facts=facts(pose, truth),
            truth=[truth],
        )
        for scheme in ("dark", "light"):
            browser.prefer(scheme)
            browser.open(page, 1440, 900)
            browser.wait("document.querySelector('video')?.readyState >= 2")
            browser.run(
                "(() => { const s = document.getElementById('scrub'); s.value = 68;"
                "s.dispatchEvent(new Event('input')); })()"
            )
            browser.run("new Promise((done) => setTimeout(done, 900))")
            shot = Image.open(io.BytesIO(browser.screenshot())).convert("RGB")
            few = shot.quantize(256, kmeans=3, dither=Image.Dither.NONE)
            few.save(folder / f"viewer_{scheme}.png", optimize=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]) if sys.argv[1:] else IMAGES)

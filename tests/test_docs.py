import re
from pathlib import Path

import pytest

from vitruve.io.video import read_frames
from vitruve.io.video_writer import write_video

ROOT = Path(__file__).parents[1]
DOCS = sorted((ROOT / "docs").glob("*.md"))
PAGES = [ROOT / "README.md", ROOT / "CHANGELOG.md", ROOT / "CONTRIBUTING.md", *DOCS]
SAMPLE = ROOT / "src/vitruve/pipeline/sample/clip.mp4"
CLIP = "clip.mp4"
CLIP_FRAMES = 45
FENCED = re.compile(r"^```.*?^```$", re.DOTALL | re.MULTILINE)


def _examples(page):
    return re.findall(r"^```python\n(.*?)^```$", page.read_text("utf-8"), re.DOTALL | re.MULTILINE)


def _run_by_a_room():
    """Names of the pages whose examples a room's own tests run."""
    texts = [path.read_text("utf-8") for path in (ROOT / "tests").glob("*/test_*.py")]
    return {page.name for page in PAGES if any(page.name in text for text in texts)}


def _pages_with_examples():
    elsewhere = _run_by_a_room()
    for page in PAGES:
        if page.name not in elsewhere and (code := _examples(page)):
            # Finding people fetches the detector's models once.
            marks = [pytest.mark.network] if any(CLIP in block for block in code) else []
            yield pytest.param(page, id=page.name, marks=marks)


@pytest.mark.parametrize("page", list(_pages_with_examples()))
def test_the_examples_run_as_they_stand(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    code = _examples(page)
    if any(CLIP in block for block in code):
        frames = (frame.image for frame in read_frames(SAMPLE, stop=CLIP_FRAMES))
        write_video(CLIP, frames, 30.0)
    names = {}
    for block in code:
        exec(compile(block, str(page), "exec"), names)


def test_the_navigation_and_the_pages_are_the_same():
    config = (ROOT / "mkdocs.yml").read_text("utf-8")
    named = re.findall(r": (\S+\.md)$", config, re.MULTILINE)
    assert sorted(named) == [page.name for page in DOCS]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_inside_the_house_leads_somewhere(page):
    text = FENCED.sub("", page.read_text("utf-8"))
    targets = re.findall(r"\]\(([^)\s]+)\)", text)
    inside = [t.partition("#")[0] for t in targets if "://" not in t and not t.startswith("#")]
    assert [t for t in inside if not (page.parent / t).exists()] == []
    if page in DOCS:
        # The built pages know nothing of what lies above their folder.
        assert [t for t in inside if t.startswith("..")] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_page_has_one_title_and_closed_fences(page):
    text = page.read_text("utf-8")
    assert len(re.findall(r"^# ", FENCED.sub("", text), re.MULTILINE)) == 1
    assert text.count("\n```") % 2 == 0

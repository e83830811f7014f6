"""The page in a real browser whose network is off."""

import io

import numpy as np
import pytest
from chromium import Chromium, find_chromium
from PIL import Image
from stick_walk import example, film

from vitruve.viewer import write_page

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(find_chromium() is None, reason="no Chromium on this machine"),
]
PLAYS_H264 = "document.createElement('video').canPlayType('video/mp4; codecs=avc1.42E01E')"
FRAME = "Number(document.getElementById('frame').textContent)"
SCRUB = """(() => { const s = document.getElementById('scrub'); s.value = %d;
s.dispatchEvent(new Event('input')); })()"""


@pytest.fixture(scope="module")
def browser():
    program = find_chromium()
    assert program
    with Chromium(program) as browser:
        yield browser


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pages")
    pose, truth, keypoints = example(50)
    facts = {"<img src=x onerror='window.hacked = 1'>": "<script>window.hacked = 1</script>"}
    for name, video in (("film", film(folder / "f.mp4", 50)), ("broken", b"no")):
        write_page(
            [pose],
            folder / f"{name}.html",
            keypoints=[keypoints],
            video=video,
            title="</title><script>window.hacked = 1</script>",
            facts=facts,
            truth=[truth],
        )
    write_page([pose], folder / "motion.html")
    write_page([], folder / "flat.html", keypoints=[keypoints])
    return folder


def picture_of(browser, selector):
    box = browser.run(
        f"(() => {{ const r = document.querySelector('{selector}').getBoundingClientRect();"
        "return [r.left, r.top, r.right, r.bottom]; })()"
    )
    return np.asarray(
        Image.open(io.BytesIO(browser.screenshot())).convert("RGB").crop(tuple(map(round, box)))
    )


@pytest.fixture(scope="module", params=["film", "broken", "motion", "flat"])
def page(browser, pages, request):
    """Each page is loaded once: compiling shaders without a graphics card takes seconds."""
    browser.complaints.clear()
    browser.requests.clear()
    browser.prefer("light")
    browser.open(pages / f"{request.param}.html", 800, 600)
    return request.param


def test_plays_scrubs_and_complains_of_nothing(browser, page):
    browser.click("#play")
    browser.wait(f"{FRAME} > 4")
    browser.click("#play")
    stopped = browser.run(FRAME)
    browser.key("Home")
    browser.key("ArrowRight")
    assert stopped > 4
    assert browser.run(FRAME) == 1
    browser.run(SCRUB % 40)
    assert browser.run(FRAME) == 40
    browser.key("End")
    assert browser.run(FRAME) == 49
    assert browser.complaints == []
    assert browser.run("window.hacked === undefined && document.querySelector('img') === null")
    assert all(url.startswith(("file:", "blob:", "data:")) for url in browser.requests)


def test_film_and_joints_show_the_same_frame(browser, page):
    if page != "film":
        return
    if not browser.run(PLAYS_H264):
        pytest.skip("this Chromium plays no H.264")
    browser.wait("document.querySelector('video')?.readyState >= 2")
    for index in (10, 33):
        browser.run(SCRUB % index)
        browser.wait("!document.querySelector('video').seeking")
        assert int(browser.run("document.querySelector('video').currentTime") * 30) == index


def test_a_film_that_cannot_be_played_is_said_and_the_joints_stay(browser, page):
    if page != "broken":
        return
    browser.wait("document.querySelector('#picture .message')")
    assert browser.run("document.querySelector('video') === null")
    assert len(np.unique(picture_of(browser, "#picture").reshape(-1, 3), axis=0)) > 20


def test_people_are_drawn_where_valid_and_only_there(browser, page):
    if page != "motion":
        return
    amounts = {}
    for index in (12, 32):
        browser.run(SCRUB % index)
        browser.run("new Promise((done) => setTimeout(() => requestAnimationFrame(done), 400))")
        r, _, b = picture_of(browser, "#scene").astype(int)[60:-40].transpose(2, 0, 1)
        amounts[index] = int((np.abs(r - b) > 70).sum())
    assert amounts[12] > 300
    assert amounts[32] == 0


def test_follows_the_system_and_the_switch(browser, page):
    shown = "document.documentElement.dataset.theme"
    for scheme in ("dark", "light"):
        browser.prefer(scheme)
        browser.wait(f"{shown} === '{scheme}'")
    browser.click("#theme")
    assert browser.run(shown) == "dark"


def test_no_width_scrolls_sideways(browser, page):
    for width, height in ((390, 844), (1024, 768)):
        browser.resize(width, height)
        assert browser.run("document.documentElement.scrollWidth <= innerWidth")

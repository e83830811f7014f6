import base64
import hashlib
import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from importlib.resources import files
from pathlib import Path

import numpy as np
import pytest
import torch
from stick_walk import example

from vitruve.viewer import write_page
from vitruve.viewer.quantise import restore

NASTY = "</script><script>alert(1)</script><img src=x onerror=alert(2)>{{script}} & \u2028 \udcff"


class Elements(HTMLParser):
    """Every element with its attributes, and the text of scripts and styles."""

    def __init__(self, text):
        super().__init__()
        self.found, self.texts = [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.found.append((tag, dict(attrs)))

    def handle_data(self, data):
        if self.found and self.found[-1][0] in ("script", "style") and data.strip():
            self.texts.append((*self.found[-1], data))


@pytest.fixture(scope="module")
def people():
    return example(40)


@pytest.fixture(scope="module")
def page(people, tmp_path_factory):
    pose, truth, keypoints = people
    path = tmp_path_factory.mktemp("viewer") / "page.html"
    given = write_page(
        [pose],
        path,
        keypoints=[keypoints],
        video=b"\0\0\0\x18ftypmp42",
        title=NASTY,
        facts={NASTY: NASTY, "Swaps repaired": "3"},
        truth=[truth],
    )
    assert given == path
    return path.read_text(encoding="utf-8")


def content(text):
    return json.loads(re.search(r'id="content">(.*?)</script>', text, re.DOTALL)[1])


def test_template_and_bundle_are_in_the_package_and_fetch_nothing():
    room = files("vitruve.viewer")
    bundle = (room / "bundle.js").read_text(encoding="utf-8")
    assert "three.js authors" in bundle[:500]
    assert "Permission is hereby granted" in bundle[:1300]
    assert "</script" not in bundle.lower()
    assert not re.search(r"\bfetch\([\"'`]http|import\([\"'`]|importScripts", bundle)
    assert len(bundle) < 700_000
    assert "{{script}}" in (room / "page.html").read_text(encoding="utf-8")


def test_the_bundle_was_built_from_the_sources_beside_it():
    folder = Path(__file__).parents[2] / "viewer"
    sources = [*sorted((folder / "src").glob("*.js")), folder / "package-lock.json"]
    digest = hashlib.sha256(b"".join(path.read_bytes() for path in sources)).hexdigest()[:16]
    bundle = (files("vitruve.viewer") / "bundle.js").read_text(encoding="utf-8")
    assert f"(sources {digest})" in bundle, "run viewer/build.sh"


def test_the_page_loads_nothing_from_outside(page):
    for _, attributes in Elements(page).found:
        for name in ("src", "href", "srcset", "data", "action", "poster"):
            assert (attributes.get(name) or "data:").startswith("data:")
    style = next(text for tag, _, text in Elements(page).texts if tag == "style")
    assert "url(" not in style
    assert "@import" not in style


def test_only_the_bundle_may_run_and_nothing_may_load(page):
    elements = Elements(page)
    policy = next(
        a["content"] for _, a in elements.found if a.get("http-equiv") == "Content-Security-Policy"
    )
    assert policy.startswith("default-src 'none'")
    assert "unsafe" not in policy
    running = [text for tag, a, text in elements.texts if tag == "script" and "type" not in a]
    assert len(running) == 1
    digest = base64.b64encode(hashlib.sha256(running[0].encode()).digest()).decode()
    assert f"script-src 'sha256-{digest}'" in policy


def test_texts_of_users_stay_texts(page):
    tags = [tag for tag, _ in Elements(page).found]
    assert tags.count("script") == 3
    assert "img" not in tags
    shown = content(page)
    assert shown["title"].startswith("</script><script>alert(1)")
    assert [row[1] for row in shown["quality"]][1] == "3"
    assert "alert(2)" in shown["quality"][0][0]


def test_joints_of_the_page_are_those_given_and_gaps_are_gaps(page, people):
    pose, truth, keypoints = people
    shown = content(page)
    for given, carried, valid in (
        (pose.joints_world, shown["people"][0]["joints"], pose.valid),
        (truth.joints_world, shown["truth"][0]["joints"], truth.valid),
        (keypoints.keypoints_px, shown["keypoints"][0]["points"], keypoints.valid),
    ):
        back, seen = restore(carried), valid.numpy()
        assert np.isnan(back[~seen]).all()
        np.testing.assert_allclose(back[seen], given.numpy()[seen], atol=carried["step"])
    knee = shown["people"][0]["angles"][0]
    gone = ~pose.valid.numpy()[:, [4, 5, 6]].all(1)
    np.testing.assert_array_equal(np.isnan(restore(knee["values"])[:, 0, 0]), gone)


def test_the_page_states_skeleton_model_units_rate_and_camera(page):
    clip = dict(content(page)["clip"])
    assert clip["Skeleton"] == "h36m_17"
    assert clip["3D from"] == "example estimate"
    assert clip["Units"].startswith("metres, world z up")
    assert clip["Frames"] == "40 in 1.33 s at 30 per second"
    assert clip["Camera"] == "1.50 m above the floor, looking 9° down"
    assert clip["Field of view"].startswith("52.0°")
    assert clip["Written by"].startswith("Vitruve ")


def test_a_page_too_long_is_thinned_and_says_so(people, tmp_path):
    path = write_page(people[:1], tmp_path / "a.html", max_frames=10)
    shown = content(path.read_text())
    assert shown["count"] == 10
    assert dict(shown["clip"])["Shown"] == "1 source frame in 4; the page was thinned"


def test_invalid_values_may_be_anything(people, tmp_path):
    pose = people[0]
    wild = pose.joints_world.clone()
    wild[~pose.valid] = torch.nan
    path = write_page([replace(pose, joints_world=wild)], tmp_path / "a.html")
    step = content(path.read_text())["people"][0]["joints"]["step"]
    assert 0 < step < 1e-3


def test_keypoints_alone_make_a_page(people, tmp_path):
    path = write_page([], tmp_path / "a.html", keypoints=people[2:])
    shown = content(path.read_text())
    assert shown["people"] == []
    clip = dict(shown["clip"])
    assert clip["2D from"] == "example detector"
    assert clip["Units"].startswith("pixels")


def test_half_a_page_is_never_left(people, tmp_path):
    with pytest.raises(ValueError, match="nothing to show"):
        write_page([], tmp_path / "a.html")
    with pytest.raises(OSError, match="absent"):
        write_page(people[:1], tmp_path / "absent" / "a.html")
    assert list(tmp_path.iterdir()) == []

import os
import re
import subprocess
import sys
import tomllib
from importlib.util import find_spec
from pathlib import Path

import pytest

import vitruve
from vitruve.cli import VERBS

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "src/vitruve"
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
GROUND = {"torch", "numpy", "jaxtyping"}
IMPORT_NAMES = {
    "ai-edge-litert": "ai_edge_litert",
    "lightning-fabric": "lightning_fabric",
    "pillow": "PIL",
    "ray[data]": "ray",
    "scikit-fmm": "skfmm",
    "scikit-learn": "sklearn",
}


def third_party():
    """Import names of everything Vitruve may depend on."""
    project = PYPROJECT["project"]
    extras = project["optional-dependencies"]
    needs = [*project["dependencies"], *(need for extra in extras.values() for need in extra)]
    names = {re.match(r"[\w.\-\[\]]+", need)[0] for need in needs}
    return {IMPORT_NAMES.get(name, name.replace("-", "_")) for name in names}


def in_a_new_process(code):
    environment = {k: v for k, v in os.environ.items() if not k.startswith("COV")}
    ran = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment
    )
    return ran.stdout.split()


def test_import_takes_the_standard_library_only():
    code = "import sys, vitruve, vitruve.cli; print(*{m.split('.')[0] for m in sys.modules})"
    assert not set(in_a_new_process(code)) & third_party()


def test_the_ground_needs_torch_numpy_and_jaxtyping_only():
    absent = third_party() - GROUND
    code = f"""
import sys
for name in {absent}:
    sys.modules[name] = None
import vitruve
vitruve.Camera, vitruve.PoseSequence
print(vitruve.skeleton("h36m_17").num_joints)
"""
    assert in_a_new_process(code) == ["17"]


def test_the_face_of_the_package():
    assert vitruve.__all__ == [
        "Camera",
        "KeypointSequence",
        "PoseSequence",
        "Skeleton",
        "__version__",
        "convert",
        "estimate",
        "load",
        "read",
        "skeleton",
        "write",
    ]
    assert {"__version__", *vitruve._FACE} == set(vitruve.__all__)
    assert set(vitruve.__all__) <= set(dir(vitruve))


@pytest.mark.parametrize("name", vitruve.__all__)
def test_every_public_name_resolves(name):
    assert getattr(vitruve, name) is not None


def test_a_wrong_name_is_told_the_right_ones():
    with pytest.raises(AttributeError, match=r"no attribute 'estimat'.*'estimate'"):
        vitruve.estimat  # noqa: B018


def test_the_verbs_of_the_command_line():
    assert tuple(VERBS) == (
        "demo",
        "doctor",
        "estimate",
        "detect",
        "lift",
        "convert",
        "skeleton",
        "view",
        "train",
        "tune",
        "evaluate",
        "benchmark",
        "reproduce",
        "study",
        "data",
        "import-checkpoint",
        "export",
    )


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_is_a_module(verb):
    assert find_spec(f"vitruve.cli.{verb.replace('-', '_')}") is not None


def test_the_version_is_stated_once_in_two_places():
    assert PYPROJECT["project"]["version"] == vitruve.__version__


def test_every_file_of_the_package_is_in_the_wheel():
    globs = PYPROJECT["tool"]["setuptools"]["package-data"]["vitruve"]
    packed = {path for glob in globs for path in PACKAGE.glob(glob)}
    files = {p for p in PACKAGE.rglob("*") if p.is_file() and p.suffix not in {".py", ".pyc"}}
    # A name that begins with a dot, or ends in .tmp, is a file being written right now.
    files = {p for p in files if not p.name.startswith(".") and p.suffix != ".tmp"}
    assert files <= packed


@pytest.mark.parametrize(
    "name",
    [
        "py.typed",
        "skeletons/formats.json",
        "data/cameras/h36m.json",
        "benchmarks/cmu_lift.json",
        "viewer/page.html",
        "viewer/bundle.js",
        "nets/weights.toml",
        "pipeline/sample/clip.mp4",
        "pipeline/sample/truth.npz",
        "estimators/weights/default.safetensors",
    ],
)
def test_what_users_need_is_there(name):
    assert (PACKAGE / name).is_file()


def test_runtime_dependencies_stay_few():
    assert len(PYPROJECT["project"]["dependencies"]) <= 13


def test_no_file_names_a_machine():
    if not (ROOT / ".git").exists():
        pytest.skip("not a clone, so what is tracked is unknown")
    # Put together here, or this file would find itself.
    places = *(f"/{name}/" for name in ("work", "root")), "../" + "shared"
    listed = subprocess.check_output(["git", "ls-files", "-z"], cwd=ROOT, text=True)
    found = []
    for name in filter(None, listed.split("\0")):
        path = ROOT / name
        if not path.is_file():
            continue
        data = path.read_bytes()
        if b"\0" not in data[:8192]:
            found += [f"{name}: {place}" for place in places if place.encode() in data]
    assert not found

"""Sources of feature maps, small and with random weights; each runs where its package is there."""

from dataclasses import replace
from importlib.util import find_spec

import pytest
import torch
from safetensors.torch import save_file

from vitruve.estimators import image_source
from vitruve.estimators.image_features import (
    IMAGE_FEATURES,
    DepthAnythingConfig,
    TimmConfig,
    VaeConfig,
)

SMALL = {
    "depth_anything": DepthAnythingConfig(24, 4, 2, (1, 2, 3, 4), (8, 8, 16, 16), 8, "random"),
    "timm": TimmConfig("resnet10t", weights="random"),
    "vae": VaeConfig((32, 32, 64), 1, weights="random"),
}
PACKAGES = {"depth_anything": "transformers", "timm": "timm", "vae": "diffusers"}


def make_source(name, **settings):
    if find_spec(PACKAGES[name]) is None:
        pytest.skip(f"{PACKAGES[name]} is not installed; pip install 'vitruve[image]'")
    torch.manual_seed(0)
    source, _ = IMAGE_FEATURES[name]
    return source(replace(SMALL[name], **settings)).eval()


@pytest.mark.parametrize("name", IMAGE_FEATURES)
@torch.no_grad()
def test_maps_of_the_stated_channels_cover_the_picture(name):
    source = make_source(name)
    images = torch.rand(2, 3, 96, 64)
    maps = source(images)
    assert tuple(m.shape[1] for m in maps) == source.channels
    for m in maps:
        assert m.isfinite().all()
        assert m.shape[0] == 2
        assert m.shape[2] / m.shape[3] == pytest.approx(1.5, rel=0.25)
    brighter = source(torch.cat([images[:1], images[1:] / 2]))
    torch.testing.assert_close(brighter[0][0], maps[0][0], rtol=1e-4, atol=1e-4)
    assert not torch.allclose(brighter[0][1], maps[0][1])


@pytest.mark.parametrize("name", IMAGE_FEATURES)
def test_it_is_built_without_taking_memory_on_the_meta_device(name):
    real = make_source(name)
    with torch.device("meta"):
        shapes = {k: v.shape for k, v in make_source(name).state_dict().items()}
    assert shapes == {k: v.shape for k, v in real.state_dict().items()}


@pytest.mark.parametrize("name", ["depth_anything", "vae"])
def test_weights_of_a_file(name, tmp_path):
    path = tmp_path / "weights.safetensors"
    source = make_source(name, weights=str(path))
    state = {k: torch.randn_like(v) for k, v in source.state_dict().items()}
    save_file(state | {"decoder.unused": torch.zeros(1)}, path)
    source.load_pretrained()
    assert all(torch.equal(v, state[k]) for k, v in source.state_dict().items())
    key, value = state.popitem()
    save_file(state, path)
    with pytest.raises(ValueError, match=f"weights of another net: 1 lack, such as '{key}'"):
        source.load_pretrained()
    save_file(state | {key: torch.cat([value, value])}, path)
    with pytest.raises(ValueError, match="weights of another size"):
        source.load_pretrained()


def test_timm_weights_of_a_file(tmp_path):
    path = tmp_path / "weights.safetensors"
    source = make_source("timm", weights=str(path))
    import timm

    whole = timm.create_model("resnet10t", pretrained=False).state_dict()
    save_file(whole, path)
    source.load_pretrained()
    own = source.net.state_dict()
    assert len(own) > 20
    assert all(torch.equal(v, whole[k]) for k, v in own.items() if k in whole)
    assert any(k in whole for k in own)
    del whole["layer2.0.conv1.weight"]
    save_file(whole, path)
    with pytest.raises(ValueError, match=r"weights of another net.*layer2\.0\.conv1\.weight"):
        source.load_pretrained()


def test_timm_says_nothing_of_what_it_leaves_at_random_but_we_do(tmp_path):
    path = tmp_path / "weights.safetensors"
    source = make_source("timm", model="hrnet_w18_small", levels=(1, 2), weights=str(path))
    save_file({"conv1.weight": source.net.state_dict()["conv1.weight"]}, path)
    with pytest.raises(ValueError, match="weights of another net"):
        source.load_pretrained()


def test_levels_and_models_that_are_not_there():
    make_source("timm")
    with pytest.raises(ValueError, match=r"resnet10t has no level of \(1, 9\)"):
        make_source("timm", levels=(1, 9))
    with pytest.raises(ValueError, match="timm offers no feature maps of 'resnet_none'"):
        make_source("timm", model="resnet_none")


@pytest.mark.parametrize("name", IMAGE_FEATURES)
def test_the_hub_out_of_reach(name, monkeypatch):
    source = make_source(name, weights="hub")

    def unreachable():
        raise ConnectionError("no network")

    monkeypatch.setattr(source, "from_hub", unreachable)
    with pytest.raises(OSError, match=r"Hub|hub.*\(ConnectionError\); give weights=PATH"):
        source.load_pretrained()


@pytest.mark.parametrize("name", IMAGE_FEATURES)
def test_without_the_package_the_extra_is_named(name, monkeypatch):
    def absent(package):
        raise ModuleNotFoundError(f"No module named {package!r}")

    monkeypatch.setattr(image_source, "import_module", absent)
    source, _ = IMAGE_FEATURES[name]
    with pytest.raises(ImportError, match=rf"{PACKAGES[name]}.*pip install 'vitruve\[image\]'"):
        source(SMALL[name])


def test_files_that_are_no_weights(tmp_path):
    with pytest.raises(FileNotFoundError, match="no weights file nowhere"):
        image_source.read_weights("nowhere.safetensors")
    pickled = tmp_path / "weights.pth"
    torch.save({}, pickled)
    with pytest.raises(FileNotFoundError, match=r"give an existing \.safetensors file"):
        image_source.read_weights(pickled)
    damaged = tmp_path / "a.safetensors"
    damaged.write_bytes(b"hello")
    with pytest.raises(ValueError, match="damaged or not a safetensors file"):
        image_source.read_weights(damaged)

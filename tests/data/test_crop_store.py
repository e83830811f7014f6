import json
import re
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import releases
import test_build
import torch

from vitruve.data.datasets.cards import quotas
from vitruve.data.datasets.crops import CropMixture, CropStore
from vitruve.data.mixture import MixtureConfig
from vitruve.data.processing.view import AimConfig
from vitruve.data.shards.file import write_shard
from vitruve.data.shards.folder import write_index
from vitruve.data.training_crops import AugmentConfig, FeedConfig, StoreFeed
from vitruve.estimators import ConstantPose, ConstantPoseConfig
from vitruve.geometry.projection import project
from vitruve.io.errors import FileError
from vitruve.recipes.sources.pictures import PicturesSource, PicturesSourceConfig
from vitruve.skeletons import SKELETONS, merge
from vitruve.training import TrainConfig


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    root = tmp_path_factory.mktemp("release")
    releases.panoptic(root)
    test_build.draw(root)
    out = tmp_path_factory.mktemp("out") / "crops"
    test_build.build(test_build.config(root), out)
    return out


def copy_as(folder, to, dataset, frames):
    """Crops of another dataset: the first one of a store, again and again."""
    row = CropStore(folder).shards[0]
    columns = {
        name: [value] * frames if isinstance(value, bytes) else np.stack([value] * frames)
        for name, value in row.items()
    }
    columns["key"] = np.array([f"{i:06d}" for i in range(frames)])
    columns["frame"] = np.arange(frames, dtype=np.int32)
    to.mkdir()
    write_shard(to / "shard-000000.npz", columns)
    about = json.loads((folder / "index.json").read_text())["about"]
    write_index(to, {**about, "dataset": dataset}, [0])
    return CropStore(to)


def test_a_crop_comes_back_with_its_camera(folder):
    store = CropStore(folder)
    assert (store.dataset, store.skeleton.name, len(store)) == ("panoptic", "panoptic_19", 3)
    for frame, crop in enumerate(store[i] for i in range(3)):
        assert crop.frame == frame
        assert crop.image.dtype == torch.uint8
        assert crop.mask is None
        projected = crop.camera.project(crop.joints_cam)
        torch.testing.assert_close(
            projected[crop.valid], crop.keypoints_px[crop.valid], atol=1e-2, rtol=0
        )
        x, y = crop.keypoints_px[crop.valid].long().T
        assert (crop.image[:, y, x] > 128).all()
        assert crop.up_cam.norm() == pytest.approx(1, abs=1e-5)


def test_every_batch_has_each_datasets_share(folder, tmp_path):
    stores = [copy_as(folder, tmp_path / n, n, f) for n, f in (("aist", 7), ("aspset", 4))]
    mixture = CropMixture(stores, MixtureConfig({"aspset": 2, "aist": 3}, seed=1))
    seen = Counter()
    for step in range(14):
        batch = mixture.batch_at(step)
        assert [crop.dataset for crop in batch] == ["aspset"] * 2 + ["aist"] * 3
        seen.update((crop.dataset, crop.frame) for crop in batch)
    # Queues run through whole passes: 28 draws of 4 crops, 42 of 7.
    assert set(seen.values()) == {7, 6}
    assert len(seen) == 11
    # Begun anew, in another process or on two ranks, a step is the same.
    again = CropMixture(stores, mixture.mixture.config).batch_at(9)
    assert [c.frame for c in again] == [c.frame for c in mixture.batch_at(9)]
    other = CropMixture(stores, MixtureConfig({"aspset": 2, "aist": 3}, seed=2))
    draws = [[c.frame for c in m.batch_at(s)] for m in (mixture, other) for s in range(4)]
    assert draws[:4] != draws[4:]


def test_ranks_share_a_batch(folder, tmp_path):
    store = copy_as(folder, tmp_path / "a", "aist", 8)
    mixture = CropMixture([store], MixtureConfig({"aist": 4}))
    whole = [c.frame for c in mixture.batch_at(3)]
    halves = [c.frame for rank in range(2) for c in mixture.batch_at(3, rank, 2)]
    assert halves == whole


def test_the_papers_quotas_fit_a_mixture():
    config = MixtureConfig(quotas("full"))
    from vitruve.data.mixture import Mixture

    mixture = Mixture(dict.fromkeys(config.quotas, 10), config)
    assert sum(len(at) for at in mixture.examples_at(5).values()) == 128


def test_stores_that_do_not_fit_are_one_line(folder, tmp_path):
    store = copy_as(folder, tmp_path / "a", "aist", 2)
    with pytest.raises(ValueError, match="two stores hold aist; give each dataset once"):
        CropMixture([store, store], MixtureConfig({"aist": 1}))
    with pytest.raises(KeyError, match="quota for 'coco', but the datasets are aist"):
        CropMixture([store], MixtureConfig({"coco": 1}))
    about = store.shards.about
    for change, message in (
        ({"kind": "motion"}, "holds 'motion', expected 'person crops'"),
        ({"skeleton": "nobody"}, "joints in 'nobody', which is no format"),
        ({"joints": ["neck", "snout"]}, r"other joints of 'panoptic_19' \(2, .*: 'snout'\)"),
    ):
        write_index(tmp_path / "a", {**about, **change}, [0])
        with pytest.raises(FileError, match=message):
            CropStore(tmp_path / "a")


def test_a_damaged_picture_is_named(folder, tmp_path):
    row = {
        k: [v] if isinstance(v, bytes) else v[None] for k, v in CropStore(folder).shards[0].items()
    }
    row["image"] = [b"no picture"]
    write_shard(tmp_path / "shard-000000.npz", row)
    write_index(tmp_path, CropStore(folder).shards.about, [0])
    with pytest.raises(FileError, match=r"crop 0 of .* cannot be decoded"):
        CropStore(tmp_path)[0]


def test_the_examples_of_the_page_run(folder):
    page = Path(__file__).parents[2] / "docs/datasets.md"
    names = {}
    for example in re.findall(r"```python\n(.*?)```", page.read_text("utf-8"), re.DOTALL):
        exec(compile(example, str(page), "exec"), names)
    batch = names["batches"]([folder]).batch_at(3)
    assert [crop.dataset for crop in batch] == ["panoptic"] * 7


def test_crops_of_stores_are_fed_to_training(folder, tmp_path):
    for name, frames in (("aist", 7), ("aspset", 4)):
        copy_as(folder, tmp_path / name, name, frames)
    skeleton = merge((SKELETONS["coco_17"], SKELETONS["panoptic_19"]))
    still = replace(AugmentConfig(96).plain(), aim=AimConfig(15.0, 0.1, 0.05, 0.5))
    config = FeedConfig(skeleton, still, batch_size=4, seed=3)
    folders = [tmp_path / "aist", tmp_path / "aspset"]
    feed = StoreFeed(folders, config)
    batch = feed.batch_at(5)
    assert batch.valid[..., :17].sum() == 0
    projected = project(batch.joints_cam, batch.intrinsics[:, None])
    seen = batch.keypoints_valid
    torch.testing.assert_close(projected[seen], batch.keypoints_px[seen], atol=1e-3, rtol=0)
    for row in range(4):
        x, y = batch.keypoints_px[row, 0, seen[row, 0]].long().clamp(0, 95).T
        assert (batch.images[row, 0, :, y, x] > 0.4).float().mean() > 0.9
    halves = [feed.batch_at(5, rank, 2).images for rank in range(2)]
    assert torch.equal(torch.cat([h[:1] for h in halves]), batch.images[[0, 2]])
    with pytest.raises(ValueError, match="are 3 examples, the batch has 4"):
        StoreFeed(folders, config, (("aist", 2), ("aspset", 1)))


def test_a_run_trains_on_built_datasets(folder, tmp_path):
    copy_as(folder, tmp_path / "aist", "aist", 5)
    source = PicturesSourceConfig(SKELETONS["panoptic_19"], (), augment=AugmentConfig(32))
    made = PicturesSource(source, TrainConfig(batch_size=2, steps=2), tmp_path)
    assert made.batch_at(0).images.shape == (2, 1, 3, 32, 32)
    figures = made.evaluate(ConstantPose(ConstantPoseConfig(SKELETONS["panoptic_19"])))
    assert figures["mpjpe_mm"] > 0
    made.close()

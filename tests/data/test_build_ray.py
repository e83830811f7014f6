"""Datasets and Studio on a local Ray of two workers; only where Ray is (extra ``cluster``)."""

import gc
import os
import signal
import sys
import warnings
from pathlib import Path

import pytest
import releases
import test_build

from vitruve.data.building.cluster import on_cluster
from vitruve.data.building.dataset import build_dataset, in_processes
from vitruve.data.building.one_shard import make_shard
from vitruve.data.building.plan import BuildConfig
from vitruve.data.shards.folder import ShardReader
from vitruve.data.shards.unfinished import missing_shards
from vitruve.data.studio.config import StudioConfig
from vitruve.data.studio.shards import ShardMaker, begin, finish, make_shards

ray = pytest.importorskip("ray")
# Ray and its Arrow warn of each other; what they warn of is not ours.
pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.fixture(scope="module")
def cluster():
    """Two workers, which find our code where this process finds it."""
    paths = os.pathsep.join([str(Path(__file__).parent), *sys.path])
    before = os.environ.get("PYTHONPATH")
    os.environ["PYTHONPATH"] = paths
    os.environ["RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO"] = "0"
    yield on_cluster(cpus=2)
    with warnings.catch_warnings():
        # What Ray leaves open is closed here, where nobody takes it for a failure of ours.
        warnings.simplefilter("ignore")
        ray.shutdown()
        gc.collect()
    os.environ.pop("PYTHONPATH")
    if before is not None:
        os.environ["PYTHONPATH"] = before


def test_a_worker_that_is_killed_costs_nothing(cluster, tmp_path):
    root = tmp_path / "in"
    releases.panoptic(root)
    test_build.draw(root)
    config = BuildConfig("panoptic", str(root), shard_examples=1)
    build_dataset(config, tmp_path / "alone", in_processes(1))
    out = tmp_path / "out"

    def dying(folder, shard):
        """The second shard's worker dies when it is almost done, the first time."""
        died = Path(folder).parent / "died"
        if shard.number == 1 and not died.exists():
            died.touch()
            (Path(folder) / ".writing-half.npz").write_bytes(b"half")
            os.kill(os.getpid(), signal.SIGKILL)
        make_shard(folder, shard)

    def run_all(work, folder, items):
        return cluster(dying if work is make_shard else work, folder, items)

    build_dataset(config, out, run_all)
    assert (tmp_path / "died").exists()
    reader = ShardReader(out)
    assert reader.verify() == []
    assert reader.column("frame").tolist() == [0, 1, 2]
    whole = test_build.digest(tmp_path / "alone")
    assert {n: d for n, d in test_build.digest(out).items() if n[0] != "."} == whole


def test_studio_is_the_same_whoever_makes_it(cluster, tmp_path):
    config = StudioConfig(scenes=36, size_px=16, frames=1, body="capsule-human")
    begin(tmp_path / "alone", config)
    make_shards(tmp_path / "alone", config, range(config.shards))
    begin(tmp_path / "out", config)
    wanted = missing_shards(tmp_path / "out", range(config.shards))
    assert sorted(cluster(ShardMaker(config), tmp_path / "out", wanted)) == [0, 1, 2]
    for folder in (tmp_path / "alone", tmp_path / "out"):
        finish(folder, config)
    assert test_build.digest(tmp_path / "alone") == test_build.digest(tmp_path / "out")

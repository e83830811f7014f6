"""Whole runs: same seed same bits, kill -9 and Ctrl-C resume, logs, processes."""

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from rich.console import Console
from safetensors.torch import load_file

from vitruve.recipes import RECIPES
from vitruve.recipes.sources.toy import ToySource
from vitruve.training import TrainConfig, loop
from vitruve.training.ema import Ema
from vitruve.training.log import read_log

NAME = "toy.synthetic.simple_baseline.position"
PROGRAM = """
import sys, time
from dataclasses import replace
from pathlib import Path
import torch
from vitruve.recipes import RECIPES
from vitruve.recipes.sources.toy import ToySource
torch.set_num_threads(1)
out, steps, pause, devices = sys.argv[1], int(sys.argv[2]), float(sys.argv[3]), int(sys.argv[4])
make = ToySource.batch_at
def batch_at(self, step, rank=0, world_size=1):
    time.sleep(pause)
    return make(self, step, rank, world_size)
ToySource.batch_at = batch_at
run = RECIPES["toy.synthetic.simple_baseline.position"]
train = replace(run.train, steps=steps, checkpoint_every=5, log_every=1, batch_size=4, out=out)
replace(run, train=replace(train, devices=devices)).start()
"""


def quiet():
    return Console(quiet=True)


def toy(out, **settings):
    run = RECIPES[NAME]
    small = {"steps": 12, "batch_size": 4, "log_every": 1, "checkpoint_every": 5}
    return replace(run, train=replace(run.train, out=str(out), **(small | settings)))


def spawn(out, *arguments):
    program = Path(f"{out}.py")
    program.write_text(PROGRAM)
    command = [sys.executable, program, out, *map(str, arguments)]
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    return subprocess.Popen(command, env=environment, stderr=subprocess.PIPE)


def wait_for(condition, process):
    while not condition():
        assert process.poll() is None, process.stderr.read()
        time.sleep(0.01)


def assert_same_bits(a, b):
    first, second = load_file(a), load_file(b)
    assert set(first) == set(second)
    for name, tensor in first.items():
        assert torch.equal(tensor, second[name]), name


def curve(out):
    return [{k: v for k, v in r.items() if k != "steps_per_second"} for r in read_log(out)]


def test_same_seed_same_bits_and_another_seed_others(tmp_path):
    for name, seed in [("a", 3), ("b", 3), ("c", 4)]:
        result = toy(tmp_path / name, seed=seed).start(console=quiet())
        assert result.finished
        assert result.figures["mpjpe_mm"] > 0
    assert_same_bits(tmp_path / "a/last.safetensors", tmp_path / "b/last.safetensors")
    assert_same_bits(tmp_path / "a/best.safetensors", tmp_path / "b/best.safetensors")
    a, c = (load_file(tmp_path / n / "estimator.safetensors") for n in "ac")
    assert any(not torch.equal(v, c[k]) for k, v in a.items())


def test_a_killed_run_goes_on_as_if_nothing_had_happened(tmp_path):
    torch_threads = torch.get_num_threads()
    torch.set_num_threads(1)
    toy(tmp_path / "straight", steps=30).start(console=quiet())
    torch.set_num_threads(torch_threads)
    process = spawn(tmp_path / "killed", 30, 0.05, 1)
    log = tmp_path / "killed/log.jsonl"
    wait_for(lambda: log.exists() and len(read_log(log)) >= 13, process)
    process.send_signal(signal.SIGKILL)
    process.wait()
    process.stderr.close()
    assert 13 <= len(read_log(log)) < 30
    toy(tmp_path / "killed", steps=30).start(console=quiet())
    assert [row["step"] for row in read_log(log)] == list(range(1, 31))
    assert curve(log) == curve(tmp_path / "straight/log.jsonl")
    for name in ("last", "estimator"):
        file = f"{name}.safetensors"
        assert_same_bits(tmp_path / "killed" / file, tmp_path / "straight" / file)


def test_ctrl_c_saves_and_stops_between_two_steps(tmp_path):
    run = toy(tmp_path, steps=30, checkpoint_every=100)
    make = ToySource.batch_at
    seen = []

    def batch_at(self, step, rank=0, world_size=1):
        seen.append(step)
        if step == 7 and seen.count(7) == 1:
            os.kill(os.getpid(), signal.SIGINT)
        return make(self, step, rank, world_size)

    handler = signal.getsignal(signal.SIGINT)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ToySource, "batch_at", batch_at)
        result = run.start(console=quiet())
    assert not result.finished
    assert result.interrupted
    assert result.weights is None
    assert 6 <= result.step <= 9
    assert signal.getsignal(signal.SIGINT) is handler
    assert run.start(console=quiet()).step == 30
    straight = toy(tmp_path / "straight", steps=30, checkpoint_every=100)
    straight.start(console=quiet())
    assert_same_bits(
        tmp_path / "estimator.safetensors", tmp_path / "straight/estimator.safetensors"
    )


def test_whoever_watches_is_told_of_every_evaluation_and_may_end_the_run(tmp_path):
    told = []

    def watch(step, figures):
        told.append((step, figures["mpjpe_mm"]))
        if len(told) == 3:
            raise StopIteration("enough")

    run = toy(tmp_path, evaluate_every=4, steps=20)
    with pytest.raises(StopIteration, match="enough"):
        run.start(console=quiet(), watch=watch)
    assert [step for step, _ in told] == [4, 8, 12]
    rows = {r["step"]: r["mpjpe_mm"] for r in read_log(tmp_path / "log.jsonl") if "mpjpe_mm" in r}
    assert rows == dict(told)
    result = run.start(console=quiet(), watch=watch)
    assert (result.finished, result.interrupted) == (True, False)
    assert [step for step, _ in told[3:]] == [12, 16, 20]


def test_another_run_does_not_go_on_in_the_same_folder(tmp_path):
    toy(tmp_path).start(console=quiet())
    with pytest.raises(ValueError, match=r"another run .*learning_rate was 0.003, now 0.1"):
        toy(tmp_path, learning_rate=0.1).start(console=quiet())


def test_a_damaged_checkpoint_is_named(tmp_path):
    toy(tmp_path).start(console=quiet())
    last = tmp_path / "last.safetensors"
    content = last.read_bytes()
    last.write_bytes(content[: len(content) // 2])
    with pytest.raises(ValueError, match=r"last.safetensors is damaged"):
        toy(tmp_path).start(console=quiet())


def test_a_failing_source_ends_the_run_with_its_own_error(tmp_path, monkeypatch):
    run = toy(tmp_path)

    def batch_at(self, step, rank=0, world_size=1):
        raise ValueError("this archive is empty")

    monkeypatch.setattr(ToySource, "batch_at", batch_at)
    with pytest.raises(ValueError, match="archive is empty"):
        run.start(console=quiet())


def test_two_processes_train_one_estimator(tmp_path):
    out = tmp_path / "two"
    process = spawn(out, 3, 0.0, 2)
    _, error = process.communicate(timeout=120)
    assert process.returncode == 0, error.decode()
    assert [row["step"] for row in read_log(out / "log.jsonl")] == [1, 2, 3]
    assert (out / "estimator.safetensors").exists()


@pytest.mark.parametrize("gains", [True, False])
def test_bf16_auto_rounds_where_the_processor_gains(tmp_path, monkeypatch, gains):
    monkeypatch.setattr(loop, "has_bfloat16", lambda device: gains)
    auto, told = (
        toy(tmp_path / name, precision=name, steps=2).start(console=quiet())
        for name in ("bf16-auto", "bf16-mixed" if gains else "32")
    )
    assert load_file(auto.weights).keys() == load_file(told.weights).keys()
    for name, tensor in load_file(auto.weights).items():
        assert torch.equal(tensor, load_file(told.weights)[name]), name


def test_bf16_trains(tmp_path):
    result = toy(tmp_path, precision="bf16-mixed", steps=2).start(console=quiet())
    weights = load_file(result.weights)
    assert all(v.dtype != torch.bfloat16 for v in weights.values())


def test_the_mean_of_the_weights():
    module = torch.nn.BatchNorm1d(2)
    ema = Ema(module, decay=0.5)
    with torch.no_grad():
        module.weight.fill_(3.0)
        module.running_mean.fill_(7.0)
    ema.update(module, num_updates=0)  # decay (1 + 0) / (10 + 0) = 0.1
    assert ema.state["weight"].tolist() == pytest.approx([0.1 * 1 + 0.9 * 3] * 2)
    ema.update(module, num_updates=1000)  # decay 0.5
    assert ema.state["weight"].tolist() == pytest.approx([0.5 * 2.8 + 0.5 * 3] * 2)
    assert ema.state["running_mean"].tolist() == [7.0, 7.0]
    with ema.applied(module):
        assert module.weight.tolist() == ema.state["weight"].tolist()
    assert module.weight.tolist() == [3.0, 3.0]


def test_schedules():
    cosine = TrainConfig(steps=101, learning_rate=2.0, warmup_steps=10, final_factor=0.1)
    assert cosine.learning_rate_at(0) == pytest.approx(0.2)
    assert cosine.learning_rate_at(9) == pytest.approx(2.0)
    assert cosine.learning_rate_at(10) == pytest.approx(2.0)
    assert cosine.learning_rate_at(55) == pytest.approx(1.1)
    assert cosine.learning_rate_at(100) == pytest.approx(0.2)
    falling = replace(cosine, schedule="exponential", warmup_steps=0)
    assert falling.learning_rate_at(50) == pytest.approx(2.0 * 0.1**0.5)
    assert replace(cosine, schedule="constant").learning_rate_at(100) == 2.0
    drop = replace(cosine, schedule="drop", final_factor=0.5, drop_at=0.6, steps=100)
    assert [drop.learning_rate_at(step) for step in (59, 60)] == [2.0, 1.0]


@pytest.mark.parametrize(
    ("setting", "message"),
    [({"steps": 0}, "steps"), ({"learning_rate": 0.0}, "learning"), ({"ema_decay": 1.0}, "ema")],
)
def test_settings_that_cannot_run(setting, message):
    with pytest.raises(ValueError, match=message):
        TrainConfig(**setting)


def test_a_log_line_cut_short_is_left_out(tmp_path):
    path = Path(tmp_path) / "log.jsonl"
    path.write_text(json.dumps({"step": 1}) + "\n" + '{"step": 2, "to')
    assert read_log(path) == [{"step": 1}]

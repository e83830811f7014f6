"""A search: what its trials train, how they are compared, stopped, and taken up again."""

import csv
import json
import os
import re
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import optuna
import pytest
import torch
from optuna.trial import TrialState
from rich.console import Console

from vitruve.cli import main
from vitruve.recipes import RECIPES, Run
from vitruve.recipes.search import Pruning, Search, check_search, plan, report
from vitruve.recipes.search.book import FILE, TrialBook
from vitruve.recipes.search.plan import Part, combined, for_search
from vitruve.recipes.search.pulse import GONE_S, Pulse, beats
from vitruve.recipes.search.worker import work
from vitruve.recipes.tuning import Choice, LogRange
from vitruve.training import TrainResult
from vitruve.training.log import read_log

NAME = "toy.synthetic.simple_baseline.position"
OTHER = "toy.synthetic.video_pose_3d.position"
RATE = LogRange("train.learning_rate", 1e-4, 1e-2)
WIDTH = "estimator_config.net_config.width"
NO_PRUNING = Pruning(startup=1000)
PROGRAM = """
import sys, time
import torch
from vitruve.cli import main
from vitruve.recipes.sources.toy import ToySource
torch.set_num_threads(1)
make = ToySource.batch_at
def batch_at(self, step, rank=0, world_size=1):
    time.sleep(0.05)
    return make(self, step, rank, world_size)
ToySource.batch_at = batch_at
sys.exit(main(sys.argv[1:]))
"""


def search_of(out, *names, dimensions=(RATE,), steps=8, **settings):
    runs = {}
    for name in names or (NAME,):
        run = for_search(RECIPES[name], steps, 2)
        runs[name] = replace(run, train=replace(run.train, batch_size=4))
    return Search(runs, dimensions, out, **{"trials": 3, **settings})


def book_of(search):
    return TrialBook(search, lambda line: None)


def trials_of(search, *states):
    return book_of(search).study.get_trials(states=states or None)


def table_of(search):
    with (search.out / report.TRIALS).open() as file:
        return list(csv.DictReader(file))


@pytest.fixture
def fake(monkeypatch):
    """Training that takes no time: tell it what an evaluation says of (run, step)."""

    def use(figure):
        begun = []

        def start(self, data=None, console=None, *, initial=None, watch=None):
            out, train = Path(self.train.out), self.train
            begun.append(out)
            out.mkdir(parents=True, exist_ok=True)
            for step in range(train.evaluate_every, train.steps + 1, train.evaluate_every):
                (out / "last.safetensors").touch()
                said = {"mpjpe_mm": figure(self, step)}
                with (out / "log.jsonl").open("a") as log:
                    log.write(json.dumps({"step": step, **said}) + "\n")
                watch(step, said)
            return TrainResult(train.steps, True, said, out / "estimator.safetensors")

        monkeypatch.setattr(Run, "start", start)
        return begun

    return use


def by_rate(run, step):
    """Better with a higher learning rate and with time; seeds differ a little."""
    return 100 * (0.02 - run.train.learning_rate) + 8 - step + 0.1 * run.train.seed


def test_trials_train_as_the_recipe_does(tmp_path):
    search = search_of(tmp_path / "search", trials=2, pruning=NO_PRUNING)
    said = []
    work(search, said.append)
    own, other = trials_of(search)
    run = search.runs[NAME]
    straight = replace(run, train=replace(run.train, out=str(tmp_path / "straight")))
    assert own.value == pytest.approx(
        straight.start(console=Console(quiet=True)).figures["mpjpe_mm"]
    )
    assert own.params == {RATE.path: run.train.learning_rate}
    rate = other.params[RATE.path]
    assert RATE.low <= rate <= RATE.high
    train = replace(run.train, learning_rate=rate, out=str(tmp_path / "other"))
    tried = replace(run, train=train).start(console=Console(quiet=True))
    assert other.value == pytest.approx(tried.figures["mpjpe_mm"])
    assert [re.match(r"trial \d: ", line)[0] for line in said] == ["trial 0: ", "trial 1: "]
    assert said[0].startswith("trial 0: the recipes' own values: mpjpe_mm ")
    assert "(2 of 2" in said[1]
    assert not list(search.out.rglob("*.safetensors"))
    assert [row["step"] for row in read_log(next(search.out.glob("trial_001/*/log.jsonl")))][
        -1
    ] == 8


def test_what_was_found_is_written(tmp_path, fake):
    fake(by_rate)
    search = search_of(tmp_path, trials=6, seeds=(0, 1), pruning=NO_PRUNING)
    work(search, lambda line: None)
    best = json.loads((tmp_path / "best.json").read_text())
    found = max(trial.params[RATE.path] for trial in trials_of(search))
    assert best["values"] == {RATE.path: found}
    assert best["figure"] == pytest.approx(100 * (0.02 - found) + 0.05)
    assert best["baseline"] == pytest.approx(100 * (0.02 - 0.003) + 0.05)
    assert best["baseline_spread"] == pytest.approx(0.1 / 2**0.5)
    assert best["seeds"] == [0, 1]
    assert best["monitor"] == "mpjpe_mm"
    assert best["commit"]
    assert "torch" in best["machine"]
    rows = table_of(search)
    assert [row["trial"] for row in rows] == list("012345")
    assert {row["state"] for row in rows} == {"complete"}
    assert min(float(row["of_baseline"]) for row in rows) == pytest.approx(
        best["figure"] / best["baseline"]
    )
    lines = list(report.summary(book_of(search)))
    assert lines[0].startswith(f"trial {best['trial']:3}: mpjpe_mm")
    assert len([line for line in lines if line.startswith("trial")]) == 5
    assert re.search(
        r"deviation of 0.071 over 2 seeds; the best is .* standard deviations", lines[-1]
    )


def test_a_gain_within_the_noise_is_not_called_one(tmp_path, fake):
    def noisy(run, step):
        return 50 + 3 * run.train.seed - 10 * run.train.learning_rate

    fake(noisy)
    search = search_of(tmp_path, seeds=(0, 1), trials=5, pruning=NO_PRUNING)
    work(search, lambda line: None)
    assert "less than seeds differ: no gain" in list(report.summary(book_of(search)))[-1]
    one = search_of(tmp_path / "one", trials=5, pruning=NO_PRUNING)
    work(one, lambda line: None)
    assert "give --seeds 0 1 2" in list(report.summary(book_of(one)))[-1]


def test_the_recipes_own_values_may_be_the_best(tmp_path, fake):
    fake(lambda run, step: 10 + abs(run.train.learning_rate - 0.003))
    search = search_of(tmp_path, trials=3, pruning=NO_PRUNING)
    work(search, lambda line: None)
    assert json.loads((tmp_path / "best.json").read_text())["values"] == {}
    assert list(report.summary(book_of(search)))[-1].endswith("mpjpe_mm 10, the best")


def test_importance_is_told_of_enough_trials(tmp_path, fake, monkeypatch):
    fake(by_rate)
    dimensions = (RATE, Choice("train.schedule", ("cosine", "constant")))
    search = search_of(tmp_path, dimensions=dimensions, trials=12, pruning=NO_PRUNING)
    work(search, lambda line: None)
    told = next(line for line in report.summary(book_of(search)) if "importance" in line)
    assert re.match(r"importance: train.learning_rate (9\d|100)%, train.schedule", told)
    monkeypatch.setattr(report, "find_spec", lambda name: None)
    assert any("pip install 'vitruve[plots]'" in line for line in report.summary(book_of(search)))


def test_several_recipes_are_one_figure(tmp_path, fake):
    def figure(run, step):
        scale = 1000 if run.estimator_config.net == "video_pose_3d" else 1
        return scale * by_rate(run, step)

    begun = fake(figure)
    search = search_of(tmp_path, NAME, OTHER, dimensions=(RATE, LogRange(WIDTH, 8, 32)))
    work(search, lambda line: None)
    own, *others = trials_of(search)
    assert own.params == {RATE.path: 0.003, WIDTH: 32}
    for trial in others:
        ratios = [
            trial.user_attrs["figures"][name][0] / own.user_attrs["figures"][name][0]
            for name in (NAME, OTHER)
        ]
        assert trial.value / own.value == pytest.approx((ratios[0] * ratios[1]) ** 0.5)
        assert isinstance(trial.params[WIDTH], int)
    best = json.loads((tmp_path / "best.json").read_text())
    assert best["runs"][OTHER]["figure"] == pytest.approx(1000 * best["runs"][NAME]["figure"])
    assert [path.name for path in begun[:2]] == [f"{NAME}.seed0", f"{OTHER}.seed0"]


def test_recipes_of_different_values_are_measured_with_their_own(tmp_path, fake):
    fake(by_rate)
    search = search_of(tmp_path, NAME, OTHER)
    faster = replace(search.runs[OTHER].train, learning_rate=0.005)
    runs = {NAME: search.runs[NAME], OTHER: replace(search.runs[OTHER], train=faster)}
    search = replace(search, runs=runs, trials=8)
    work(search, lambda line: None)
    own, *others = trials_of(search)
    assert own.params == {}
    assert own.user_attrs["figures"] == {NAME: [pytest.approx(1.7)], OTHER: [pytest.approx(1.5)]}
    assert all(set(trial.params) == {RATE.path} for trial in others)


def test_the_figure_is_a_geometric_mean_over_runs_of_means_over_seeds():
    figures = {Part("a", 0, 0): 1.0, Part("a", 1, 0): 3.0, Part("b", 0, 0): 8.0}
    assert combined(figures) == pytest.approx(4.0)


def test_trials_that_fall_behind_are_stopped(tmp_path, fake):
    begun = fake(by_rate)
    search = search_of(
        tmp_path,
        NAME,
        OTHER,
        dimensions=(LogRange(RATE.path, 1e-6, 1e-5),),
        trials=4,
        pruning=Pruning(startup=1, after=0.5),
    )
    work(search, lambda line: None)
    own, *others = trials_of(search)
    assert own.state == TrialState.COMPLETE
    assert {trial.state for trial in others} == {TrialState.PRUNED}
    for trial in others:
        assert list(trial.intermediate_values) == [2, 4]
    assert len(begun) == 2 + 3
    assert not list(tmp_path.rglob("*.safetensors"))
    assert len(list(tmp_path.rglob("log.jsonl"))) == 5
    assert [row["state"] for row in table_of(search)] == ["complete", *["pruned"] * 3]
    assert table_of(search)[1]["note"].startswith(f"step 4 of {NAME}.seed0: ")


def test_a_later_recipe_is_compared_at_the_same_point(tmp_path, fake):
    def figure(run, step):
        """Lower rates are better in the first recipe, and bad in the second, of large figures."""
        if run.estimator_config.net == "simple_baseline":
            return 1 + run.train.learning_rate
        return 1000.0 if run.train.learning_rate == 0.003 else 50_000.0

    fake(figure)
    search = search_of(tmp_path, NAME, OTHER, trials=8, pruning=Pruning(startup=1, after=0.0))
    work(search, lambda line: None)
    own, *others = trials_of(search)
    assert own.state == TrialState.COMPLETE
    assert {trial.state for trial in others} == {TrialState.PRUNED}
    stopped = {trial.params[RATE.path] < 0.003: max(trial.intermediate_values) for trial in others}
    # Eight steps of the first recipe come before those of the second.
    assert stopped == {True: 10, False: 2}


def test_divergence_ends_a_trial_and_not_the_search(tmp_path):
    search = search_of(tmp_path, dimensions=(Choice(RATE.path, (1e30,)),), trials=2)
    said = []
    work(search, said.append)
    assert [t.state for t in trials_of(search)] == [TrialState.COMPLETE, TrialState.PRUNED]
    assert "diverged: " in said[1]
    assert table_of(search)[1]["note"].startswith("diverged: ")


def test_recipes_that_diverge_by_themselves_are_not_tuned(tmp_path, fake):
    fake(lambda run, step: float("nan"))
    search = search_of(tmp_path)
    with pytest.raises(FloatingPointError, match=r"mpjpe_mm of .* is nan at step 2"):
        work(search, lambda line: None)
    fake(by_rate)
    work(search, lambda line: None)
    assert len(trials_of(search, TrialState.COMPLETE)) == 3


def test_an_error_is_not_swallowed_and_the_search_can_go_on(tmp_path, fake):
    def broken(run, step):
        if "trial_001" in run.train.out:
            raise OSError("no space left")
        return by_rate(run, step)

    fake(broken)
    search = search_of(tmp_path, pruning=NO_PRUNING)
    with pytest.raises(OSError, match="no space"):
        work(search, lambda line: None)
    assert trials_of(search)[1].user_attrs["note"] == "OSError: no space left"
    work(search, lambda line: None)
    states = [trial.state.name for trial in trials_of(search)]
    assert states == ["COMPLETE", "FAIL", "COMPLETE", "COMPLETE"]


def test_more_trials_go_on_and_another_search_is_refused(tmp_path, fake):
    begun = fake(by_rate)
    search = search_of(tmp_path, pruning=NO_PRUNING)
    work(search, lambda line: None)
    work(replace(search, trials=5), lambda line: None)
    assert len(begun) == 5
    straight = replace(search, trials=5, out=tmp_path / "straight")
    work(straight, lambda line: None)
    assert [t.params for t in trials_of(straight)] == [t.params for t in trials_of(search)]
    with pytest.raises(ValueError, match=r"another search \(seeds was \[0\], now \[1\]\)"):
        book_of(replace(search, seeds=(1,)))
    with pytest.raises(ValueError, match=r"another search \(steps was .*: 8\}, now .*: 10\}\)"):
        book_of(search_of(tmp_path, steps=10))
    with pytest.raises(ValueError, match=r"\(vary was {'.*': '0.0001..0.01'}, now {'.*': '1,2'}\)"):
        book_of(search_of(tmp_path, dimensions=(Choice(RATE.path, (1, 2)),)))
    changed = replace(search.runs[NAME], train=replace(search.runs[NAME].train, clip_norm=2.0))
    with pytest.raises(ValueError, match="its recipes had other settings"):
        book_of(replace(search, runs={NAME: changed}))
    (tmp_path / FILE).unlink()
    with pytest.raises(ValueError, match=r"trials of a search whose journal.log is gone"):
        book_of(search)


def test_a_last_line_cut_short_is_mended(tmp_path, fake):
    fake(by_rate)
    search = search_of(tmp_path, pruning=NO_PRUNING)
    work(search, lambda line: None)
    with (tmp_path / FILE).open("a") as file:
        file.write('{"op_code": 4, "wor')
    work(replace(search, trials=5), lambda line: None)
    assert len(trials_of(search, TrialState.COMPLETE)) == 5
    content = (tmp_path / FILE).read_text()
    (tmp_path / FILE).write_text("no JSON\n" + content)
    with pytest.raises(ValueError, match=r"journal.log is damaged"):
        book_of(search)


def spawn(tmp_path, *arguments):
    (tmp_path / "program.py").write_text(PROGRAM)
    command = [sys.executable, tmp_path / "program.py", *arguments]
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    return subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True)


def wait_for(condition, process):
    while not condition():
        assert process.poll() is None, process.stderr.read()
        time.sleep(0.01)


ASKED = [
    "tune",
    NAME,
    "--trials",
    "3",
    "--steps",
    "16",
    "--evaluate-every",
    "2",
    "--pruning.startup",
]
ASKED += ["100", "--out"]


def stopped_in_its_second_trial(out, number):
    """A search of slow trainings, sent a signal after a few steps of the second trial."""
    process = spawn(out.parent, *ASKED, str(out))
    log, lock = out / "trial_001" / f"{NAME}.seed0" / "log.jsonl", out / f"{FILE}.lock"
    # Whoever dies with the lock in its hand lets the next wait for half a minute.
    wait_for(lambda: log.exists() and len(read_log(log)) >= 2 and not lock.exists(), process)
    process.send_signal(number)
    _, said = process.communicate()
    assert 2 <= len(read_log(log)) < 8
    return process.returncode, said, log


@pytest.fixture(scope="module")
def straight(tmp_path_factory):
    """Trials of a search that was never stopped; one thread from here on."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    out = tmp_path_factory.mktemp("search") / "straight"
    assert main([*ASKED, str(out)]) == 0
    yield table_of(search_of(out))
    torch.set_num_threads(threads)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT])
def test_a_search_that_was_stopped_goes_on(number, tmp_path, capsys, straight):
    out = tmp_path / "stopped"
    code, said, log = stopped_in_its_second_trial(out, number)
    assert code == (-signal.SIGKILL if number == signal.SIGKILL else 130)
    if number == signal.SIGINT:
        assert said.splitlines()[-1].endswith("run the same command again to go on")
        assert "Traceback" not in said
    assert main([*ASKED, str(out)]) == 0
    taken_up = "trial 1 was left by a process that is gone" in capsys.readouterr().err
    assert taken_up == (number == signal.SIGKILL)
    assert [row["step"] for row in read_log(log)] == list(range(2, 17, 2))
    for row, other in zip(table_of(search_of(out)), straight, strict=True):
        for key in ("trial", "state", "mpjpe_mm", RATE.path):
            assert row[key] == other[key]
    storage = optuna.storages.JournalStorage(
        optuna.storages.journal.JournalFileBackend(str(out / FILE))
    )
    trials = optuna.load_study(study_name="tune", storage=storage).trials
    assert [t.state.name for t in trials] == ["COMPLETE", "FAIL", "COMPLETE", "COMPLETE"]
    assert list(trials[2].intermediate_values) == list(range(2, 17, 2))


def test_a_trial_taken_by_another_process_is_left_to_it(tmp_path, fake):
    search = search_of(tmp_path, pruning=NO_PRUNING, trials=1)

    def slept(run, step):
        if step == 4:
            other = book_of(search)
            other._put_back(other.study.trials[0])
        return by_rate(run, step)

    fake(slept)
    said = []
    work(search, said.append)
    assert "gone so long that another process took it up" in said[0]
    assert [t.state.name for t in trials_of(search)] == ["FAIL", "COMPLETE"]


def test_a_pulse_says_who_is_at_work(tmp_path):
    path = tmp_path / "trial" / "at_work.json"
    assert beats(path) is None
    pulse = Pulse(path)
    pulse.start()
    with pulse:
        assert beats(path)
        said = json.loads(path.read_text())
        assert said["process"] == os.getpid()
        gone = subprocess.Popen([sys.executable, "-c", ""])
        gone.wait()
        path.write_text(json.dumps(said | {"process": gone.pid}))
        assert not beats(path)
        path.write_text(json.dumps({"machine": "another", "process": gone.pid}))
        assert beats(path)
        old = time.time() - GONE_S - 60
        os.utime(path, (old, old))
        assert not beats(path)
        path.write_text("{")
        assert beats(path) is False
    assert path.read_text() == "{"
    pulse = Pulse(path)
    pulse.start()
    with pulse:
        assert beats(path)
    assert list(path.parent.iterdir()) == []


def test_the_length_of_a_search():
    run = RECIPES["lifters.cmu.simple_baseline.cpu"]
    assert for_search(run, None, None).train.evaluate_every == run.train.evaluate_every
    short = for_search(run, 400, None).train
    assert (short.steps, short.evaluate_every, short.checkpoint_every) == (400, 50, 50)
    assert for_search(run, 400, 100).train.evaluate_every == 100


@pytest.mark.parametrize(
    ("names", "settings", "message"),
    [
        (["default.cmu.video_pose_3d.t27"], {}, "is steered by the test split"),
        (["toy.synthetic.p_stmo.pretrain"], {}, "has no validation figure"),
        (["lifters.cmu.simple_baseline.cpu"], {"steps": 200}, "warms up for 200 steps, so 200"),
        ([NAME], {"trials": 0}, "trials must be 1 or more, got 0"),
        ([NAME], {"seeds": (1, 1)}, r"seeds must be different numbers, got \[1, 1\]"),
    ],
)
def test_what_cannot_be_searched_is_refused(names, settings, message, tmp_path):
    with pytest.raises(ValueError, match=message):
        check_search(search_of(tmp_path, *names, **settings))


def test_a_share_that_is_none_is_refused():
    with pytest.raises(ValueError, match=r"is 0 to 1, got 2.0"):
        Pruning(after=2.0)


def test_every_source_says_whether_it_has_a_validation_subject():
    said = {name: source.has_validation for name, (source, _) in plan.SOURCES.items()}
    assert said["cmu_lift"]
    assert not said["motion"]

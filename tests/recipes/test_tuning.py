"""Settings by path: found, changed, read from text, refused."""

import json

import pytest

from vitruve.cli import main
from vitruve.io.tensor_file import read_tensors
from vitruve.objectives.position import PositionConfig
from vitruve.recipes import RECIPES
from vitruve.recipes.tuning import (
    SPACES,
    Choice,
    LogRange,
    apply_values,
    apply_where_found,
    check_dimensions,
    parse_dimension,
    paths,
    read_tuned,
    value_at,
)

NAME = "toy.synthetic.simple_baseline.position"
OTHER = "toy.synthetic.video_pose_3d.position"
RUN = RECIPES[NAME]
RUNS = {NAME: RUN, OTHER: RECIPES[OTHER]}
DROPOUT = "estimator_config.net_config.dropout"
WIDTH = "estimator_config.net_config.width"


def test_values_reach_the_settings_that_their_paths_name():
    values = {
        "train.learning_rate": 1,
        "terms.smoothness.weight": 0.5,
        "terms.position.config.norm": "mse",
        DROPOUT: 0.0,
    }
    changed = apply_values(RUN, values)
    assert changed.train.learning_rate == 1.0
    assert isinstance(changed.train.learning_rate, float)
    assert changed.terms["smoothness"].weight == 0.5
    assert changed.terms["position"].config == PositionConfig("mse")
    assert changed.estimator_config.net_config.dropout == 0.0
    assert apply_values(changed, {p: value_at(RUN, p) for p in values}) == RUN


ONE_OF_EACH_KIND = {".".join(name.split(".")[:3]): name for name in RECIPES}


@pytest.mark.parametrize("name", ONE_OF_EACH_KIND.values(), ids=str)
def test_every_path_of_a_recipe_can_be_read_and_set(name):
    run = RECIPES[name]
    assert apply_values(run, {path: value_at(run, path) for path in paths(run)}) == run


def test_values_of_other_recipes_are_left_out_where_that_is_asked_for():
    values = {WIDTH: 64, "train.learning_rate": 0.01}
    assert apply_where_found(RUN, values).estimator_config.net_config.width == 64
    assert apply_where_found(RUNS[OTHER], values).train.learning_rate == 0.01


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        ("train.learning_rat", 1, r"no setting 'train.learning_rat'.*train.learning_rate"),
        ("terms.position", 1, r"no setting 'terms.position'.*terms.position.objective"),
        ("terms.energy.weight", 1, r"nearest are .*terms.smoothness.weight"),
        ("train.learning_rate", "fast", r"learning_rate must be a number, got 'fast'"),
        ("train.learning_rate", -1.0, r"learning_rate must be above 0"),
        ("terms.position.config.norm", "l1", r"norm must be one of \('l2', 'mse'\), got 'l1'"),
    ],
)
def test_what_does_not_fit_is_named(path, value, message):
    with pytest.raises(ValueError, match=message):
        apply_values(RUN, {path: value})


@pytest.mark.parametrize(
    ("text", "dimension"),
    [
        ("train.learning_rate=1e-4..1e-2", LogRange("train.learning_rate", 1e-4, 1e-2)),
        (f"{WIDTH}=16..64", LogRange(WIDTH, 16, 64)),
        (f"{DROPOUT}=0,0.5", Choice(DROPOUT, (0.0, 0.5))),
        ("terms.position.config.norm=l2,mse", Choice("terms.position.config.norm", ("l2", "mse"))),
        (
            "terms.position.config.root_centred=true,false",
            Choice("terms.position.config.root_centred", (True, False)),
        ),
        ("train.precision=32,bf16-mixed", Choice("train.precision", ("32", "bf16-mixed"))),
    ],
)
def test_dimensions_are_read_as_what_the_setting_takes(text, dimension):
    read = parse_dimension(text, RUNS)
    assert read == dimension
    assert [type(value) for value in read.ends] == [type(value) for value in dimension.ends]
    check_dimensions((read,), RUNS)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("train.learning_rate", "neither PATH=LOW..HIGH nor PATH=a,b,c"),
        ("train.learning_rate=0..1", "a range rises from LOW above 0 to HIGH"),
        ("train.learning_rate=1..0.1", "a range rises from LOW above 0 to HIGH"),
        ("train.learning_rate=a..b", "could not convert"),
        ("terms.position.config.norm=l2,l3", "norm must be one of"),
        ("terms.position.config.norm=1..2", "norm must be one of"),
        (f"{WIDTH}=1.5..64", "width must be of type int"),
        ("no.such=1..2", "no setting 'no.such'"),
        ("no.such=1,2", "no setting 'no.such'"),
        ("train.batch_size=8..16", "must be the same for all trials"),
        ("source_config.noise_px=1..2", "must be the same for all trials"),
    ],
)
def test_dimensions_that_cannot_be_searched_are_refused(text, message):
    with pytest.raises(ValueError, match=message):
        check_dimensions((parse_dimension(text, RUNS),), RUNS)


def test_the_spaces():
    assert [d.path for d in SPACES["rates"]] == ["train.learning_rate"]
    assert {d.path: d.ends for d in SPACES["energy"]} == {
        "terms.energy.weight": (1e-5, 1e-2),
        "train.learning_rate": (1e-4, 1e-2),
        "terms.energy.learning_rate": (1e-6, 1e-3),
        "terms.energy.config.ranking": ("margin", "nce"),
    }
    assert SPACES["pull"] == (LogRange("terms.energy.pull", 1e-2, 1.0), *SPACES["energy"][1:])
    with pytest.raises(ValueError, match="nothing to search"):
        check_dimensions(SPACES["none"], RUNS)
    with pytest.raises(ValueError, match=r"no setting 'terms.energy.weight'"):
        check_dimensions(SPACES["energy"], RUNS)


def test_a_weight_that_does_nothing_is_not_searched():
    name = "scotl.cmu.simple_baseline.graph"
    runs = {name: RECIPES[name]}
    check_dimensions(SPACES["pull"], runs)
    with pytest.raises(ValueError, match=r"only says on or off while terms.energy.pull is 0"):
        check_dimensions(SPACES["energy"], runs)
    off = parse_dimension("terms.energy.pull=null", runs)
    assert off == Choice("terms.energy.pull", (None,))
    check_dimensions((*SPACES["energy"], off), runs)
    weighed = {name: apply_values(RECIPES[name], {"terms.energy.pull": None})}
    check_dimensions(SPACES["energy"], weighed)


def trained(out):
    """The settings that a run was trained with, from its checkpoint."""
    return read_tensors(out / "last.safetensors", "checkpoint")[1]["run"]


def test_a_run_is_trained_with_what_was_found(tmp_path, capsys):
    found = tmp_path / "best.json"
    values = {"train.learning_rate": 0.02, "train.weight_decay": 0.5, WIDTH: 8}
    found.write_text(json.dumps({"values": values}))
    small = ["--train.steps", "1", "--train.batch-size", "2", "--train.out", str(tmp_path / "run")]
    asked = ["train", NAME, "--tuned", str(found), "--train.weight-decay", "0.25", *small]
    assert main(asked) == 0
    assert "train.learning_rate=0.02" in capsys.readouterr().err
    settings = trained(tmp_path / "run")
    assert settings["train"]["learning_rate"] == 0.02
    assert settings["train"]["weight_decay"] == 0.25
    assert settings["run"]["estimator_config"]["net_config"]["width"] == 8


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ('{"values": {"terms.energy.weight": 1}}', "no setting 'terms.energy.weight'"),
        ('{"values": {"train.learning_rate": [1]}}', 'has no "values" by path'),
        ('{"values": {"train.out": "elsewhere"}}', "sets 'train.out', which no search varies"),
        ('{"figure": 1}', 'has no "values" by path'),
        ("[1]", 'has no "values" by path'),
        ("{", "is not JSON"),
    ],
)
def test_what_no_search_wrote_is_refused(content, message, tmp_path, capsys):
    found = tmp_path / "best.json"
    found.write_text(content)
    assert main(["train", NAME, "--tuned", str(found)]) == 2
    said = capsys.readouterr().err
    assert message in said.splitlines()[-1]
    assert not list(tmp_path.glob("runs"))


def test_values_found_are_read_as_they_were_written(tmp_path):
    values = {"a.b": 1e-4, "c": "nce", "d": True, "e": None, "f": 3}
    (tmp_path / "best.json").write_text(json.dumps({"values": values}))
    assert read_tuned(tmp_path / "best.json") == values

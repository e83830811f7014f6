from pathlib import Path

import pytest
from cli_samples import walk

from vitruve.data import READERS, SequenceStore
from vitruve.data.datasets.cards import dataset_cards
from vitruve.io import write_keypoints

PAGE = Path(__file__).parents[2] / "docs/datasets.md"


@pytest.fixture
def store(vitruve, tmp_path):
    (tmp_path / "clips").mkdir()
    write_keypoints([walk(), walk(person=1)], tmp_path / "clips" / "a.npz")
    write_keypoints([walk(5)], tmp_path / "clips" / "b.json")
    code, said, err = vitruve("data", "build", "keypoints", tmp_path / "clips", tmp_path / "store")
    assert (code, err) == (0, "")
    assert said.splitlines()[0].startswith("3 sequences, 29 frames")
    assert said.splitlines()[-1] == str(tmp_path / "store")
    return tmp_path / "store"


def test_a_built_store_checks_out(vitruve, store):
    assert SequenceStore.open(store).names() == ("a:0", "a:1", "b:0")
    code, said, _ = vitruve("data", "check", store)
    assert code == 0
    assert "every file has the checksum" in said


def test_damage_is_found(vitruve, store):
    first, second = sorted(store.rglob("keypoints_px*.npy"))[:2]
    first.write_bytes(first.read_bytes()[:-1] + b"x")
    second.unlink()
    code, said, err = vitruve("data", "check", store)
    assert code == 2
    assert "2 files are missing or damaged" in err
    assert err.count("\n") == 1
    assert "is missing" in said


def test_a_store_is_not_overwritten(vitruve, store, tmp_path):
    before = (store / "index.json").read_bytes()
    code, _, err = vitruve("data", "build", "keypoints", tmp_path / "clips", store)
    assert code == 2
    assert "exists" in err
    assert (store / "index.json").read_bytes() == before


def test_the_list_names_every_dataset_and_every_reader(vitruve):
    code, said, _ = vitruve("data", "list")
    assert code == 0
    cards, readers = said.split("readers of motion")
    assert [line.split()[0] for line in cards.splitlines()[3:-1]] == list(dataset_cards())
    assert [line.split()[0] for line in readers.splitlines()[2:]] == list(READERS)


@pytest.mark.parametrize("name", dataset_cards())
def test_every_card_can_be_shown(vitruve, name):
    code, said, _ = vitruve("data", "show", name)
    card = dataset_cards()[name]
    assert code == 0
    assert said.startswith(f"{card.title} ({name})")
    for fact in (card.page, card.licence, *card.quirks, *card.skeletons):
        assert fact in said


def test_an_unknown_dataset_is_one_line(vitruve):
    code, _, err = vitruve("data", "show", "human36")
    assert code == 2
    assert "no dataset 'human36'; there are muco_3dhp," in err


def test_the_page_has_the_table_of_today(vitruve):
    _, table, _ = vitruve("data", "list", "--markdown")
    assert table in PAGE.read_text("utf-8"), "vitruve data list --markdown > docs/datasets.md"


def test_a_dataset_is_checked_against_its_release(vitruve, tmp_path):
    code, _, err = vitruve("data", "check", "aspset", tmp_path)
    assert code == 2
    assert "splits.csv is missing: get ASPset-510 from https://archive.org" in err
    code, _, err = vitruve("data", "check", "aspset", tmp_path / "nowhere")
    assert (code, err.count("\n")) == (2, 1)
    assert "no such folder" in err
    code, _, err = vitruve("data", "check", "h36m", tmp_path)
    assert "no dataset 'h36m'" in err

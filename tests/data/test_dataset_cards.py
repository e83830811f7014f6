import pytest

from vitruve.data.datasets.cards import CARDS, GROUPS, LEVELS, dataset_card, dataset_cards, quotas
from vitruve.data.readers import DATASETS
from vitruve.skeletons import SKELETONS, skeleton

CARDS_3D = [c for c in dataset_cards().values() if c.group in GROUPS[:3]]
CARDS_2D = [c for c in dataset_cards().values() if c.group == "2d"]


def test_the_paper_has_28_datasets_and_four_weak_ones():
    assert (len(CARDS_3D), len(CARDS_2D)) == (28, 4)
    assert [c.name for c in CARDS_2D] == ["coco", "mpii", "posetrack", "jrdb"]
    assert sum(bool(c.quota["medium"]) for c in CARDS_3D) == 14
    assert [c.name for c in CARDS_3D if c.quota["small"]] == ["muco_3dhp", "human36m", "surreal"]


def test_every_card_has_a_reader():
    assert list(DATASETS) == list(dataset_cards())


@pytest.mark.parametrize("level", LEVELS)
def test_a_batch_has_96_examples_in_3d_and_32_in_2d(level):
    assert sum(c.quota[level] for c in CARDS_3D) == 96
    assert sum(c.quota[level] for c in CARDS_2D) == 32
    assert sum(quotas(level).values()) == 128
    assert sum(quotas(level, weak=False).values()) == 96
    assert "3dpw" not in quotas(level)


def test_the_3d_formats_have_the_papers_555_joints():
    """Table 1's grand total: the merged sets, COCO's with its six points of the feet."""
    formats = {s for c in CARDS_3D for s in c.skeletons}
    for merged in ("panoptic_19", "humbi_49", "behave_49", "imar_25"):
        formats.remove(merged)
    assert {"smpl_24", "aist_19", "h36m_25"} <= formats
    assert sum(SKELETONS[s].num_joints for s in formats) + 6 == 555


@pytest.mark.parametrize("card", dataset_cards().values(), ids=dataset_cards())
def test_every_card_is_complete(card):
    for name in card.skeletons:
        assert skeleton(name).name == name
    assert card.page.startswith("http")
    assert "\n" not in card.licence
    assert card.commercial != "yes" or "CC0" in card.licence
    assert card.commercial != "no" or "unknown" not in card.licence
    assert card.quota["small"] == 0 or card.quota["medium"] > 0
    assert all(not line.startswith("/") for line in card.layout.splitlines())


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('commercial = "no"', 'commercial = "maybe"', "commercial 'maybe', allowed yes, no"),
        ('units = "mill', 'unit = "mill', "'muco_3dhp': fields missing or unknown: unit, units"),
        ('licence = "Terms of MPI-INF-3DHP', 'licence = ""\n#', "nothing in licence"),
        ("quota = { small = 32,", "quota = { small = -32,", "quota .* is not a number of each"),
        ("[muco_3dhp]", "[muco_3dhp", "is no TOML"),
    ],
)
def test_a_wrong_card_is_one_line(tmp_path, old, new, message):
    path = tmp_path / "cards.toml"
    path.write_text(CARDS.read_text("utf-8").replace(old, new, 1), "utf-8")
    with pytest.raises(ValueError, match=message):
        dataset_cards(path)


def test_an_unknown_card_is_one_line():
    with pytest.raises(KeyError, match="no dataset 'h36m'; there are muco_3dhp, panoptic"):
        dataset_card("h36m")

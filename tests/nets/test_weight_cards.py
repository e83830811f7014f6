import json
from dataclasses import replace
from pathlib import Path

import pytest

from vitruve.estimators.saved import PACKAGED
from vitruve.nets.weight_cards import CARDS, WeightCard, read_cards
from vitruve.recipes import RECIPES

ROOT = Path(__file__).parents[2]
CARD = """
[small]
url = "package:nets/small.bin"
sha256 = "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"
num_bytes = 5
licence = "Apache-2.0"
training_data = "our own"
use = "trying"
run = "toy"
seed = 0
command = "vitruve train toy"
results = ["toys"]
"""


def written(tmp_path, text):
    path = tmp_path / "weights.toml"
    path.write_text(text)
    return path


def test_every_packaged_file_has_a_card_that_fits():
    cards = read_cards()
    packaged = {card.path: card for card in cards.values() if card.path is not None}
    assert set(packaged) == set(PACKAGED.glob("*.safetensors"))
    for path, card in packaged.items():
        assert path.stem == card.name
        card.check(path)


def test_every_card_names_a_recipe_and_measured_rows():
    for card in read_cards().values():
        assert card.run in RECIPES
        for name in card.results:
            rows = json.loads((ROOT / f"benchmarks/results/{name}.json").read_text("utf-8"))
            assert any(r["run"] == card.run and r["seed"] == card.seed for r in rows)


def test_a_card_is_read_and_compared(tmp_path):
    card = read_cards(written(tmp_path, CARD))["small"]
    assert card == WeightCard(
        name="small",
        url="package:nets/small.bin",
        sha256="2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824",
        num_bytes=5,
        licence="Apache-2.0",
        training_data="our own",
        use="trying",
        run="toy",
        seed=0,
        command="vitruve train toy",
        results=("toys",),
    )
    assert card.path == CARDS.parent / "small.bin"
    assert replace(card, url="https://example.org/small.bin").path is None
    file = tmp_path / "small.bin"
    file.write_bytes(b"hello")
    card.check(file)
    file.write_bytes(b"hallo")
    with pytest.raises(ValueError, match="has sha256 d3751d33"):
        card.check(file)
    file.write_bytes(b"hi")
    with pytest.raises(ValueError, match="has 2 bytes, the card 'small' 5"):
        card.check(file)


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        (
            "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824",
            "",
            "nothing in sha256",
        ),
        ("2cf24", "2CF24", "is not 64 hex digits"),
        ("num_bytes = 5", "num_bytes = 0", "nothing in num_bytes"),
        ('licence = "Apache-2.0"', "", "missing or unknown: licence"),
        ("seed", "seeds", "missing or unknown: seed, seeds"),
        ("[small]", "[small", "is no TOML"),
    ],
)
def test_a_card_without_its_facts_is_refused(tmp_path, old, new, complaint):
    with pytest.raises(ValueError, match=complaint):
        read_cards(written(tmp_path, CARD.replace(old, new)))

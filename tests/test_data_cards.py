"""The cards of bundled data sets."""

import pytest

from workbench.errors import DataError
from workbench.sources.datasets import cards
from workbench.sources.datasets.load import bundled, guess_task, load, resolve

CARD = """---
pretty_name: Tales
license: CC0-1.0
task: classify
columns: {text: story, label: mood}
labels: [glad, sad]
suits: [some-model]
metric: accuracy
splits: {train: 2, test: 1}
---
# Tales
"""
ROWS = """{"story": "a", "mood": "glad"}
{"story": "b", "mood": "sad"}
"""


@pytest.fixture
def tales(tmp_path, monkeypatch):
    monkeypatch.setattr(cards, "DATA", tmp_path)
    folder = tmp_path / "tales"
    folder.mkdir()
    (folder / "README.md").write_text(CARD)
    (folder / "train.jsonl").write_text(ROWS)
    return folder


def test_a_card_says_what_the_set_is(tales):
    card = bundled()["tales"]
    assert (card.name, card.pretty_name, card.license) == ("tales", "Tales", "CC0-1.0")
    assert (card.task, card.metric, card.labels) == ("classify", "accuracy", ("glad", "sad"))
    assert (card.suits, card.splits) == (("some-model",), {"train": 2, "test": 1})
    assert card.folder == tales


def test_the_card_knows_the_columns_and_the_task(tales):
    table = load("tales", "classify")
    assert table.columns == {"text": "story", "label": "mood"}
    assert guess_task("tales") == "classify"
    (tales / "README.md").write_text(CARD.replace("classify", "lm"))
    assert guess_task("tales") == "lm"


def test_the_test_file_is_the_evaluation_rows(tales):
    assert resolve("tales").eval is None
    (tales / "test.jsonl").write_text(ROWS)
    assert resolve("tales").eval == str(tales / "test.jsonl")


def test_a_folder_without_a_card_or_without_rows_is_no_set(tales, tmp_path):
    (tmp_path / "a-model").mkdir()
    (tmp_path / "a-model" / "README.md").write_text(CARD)
    assert list(bundled()) == ["tales"]
    (tales / "README.md").unlink()
    assert bundled() == {}


@pytest.mark.parametrize(
    ("card", "said"),
    [
        ("# Tales\n", "it has no front matter between two lines of ---"),
        ("---\n- a\n---\n", "its front matter is not a mapping"),
        ("---\na: [\n---\n", "while parsing a flow"),
        (CARD.replace("license: CC0-1.0\n", ""), "it lacks 'license'"),
        (CARD.replace("{train: 2, test: 1}", "7"), "object is not iterable"),
    ],
)
def test_a_broken_card_is_named(tales, card, said):
    (tales / "README.md").write_text(card)
    with pytest.raises(DataError) as caught:
        bundled()
    assert "card of the bundled data set 'tales'" in str(caught.value)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)

"""The bundled data sets: what their cards and generators promise, checked on the files."""

from __future__ import annotations

import doctest
import re
from collections import Counter

import pytest

from data.make import neardup, reviews, support
from data.make.lexicon import phrase, review_frames, sentiment
from data.make.lexicon import support as support_lexicon
from data.make.neardup import near_duplicates, normalise, read_rows, row_text
from workbench.sources.bundled import data_folder
from workbench.sources.datasets.cards import front_matter

DATA = data_folder()
SETS = sorted(path.parent.name for path in DATA.glob("*/train.jsonl"))
SPLITS = ("train", "test")
# Those whose test split speaks with phrases that its train split does not have.
GENERATORS = {"reviews": reviews, "support": support}


def rows(name: str, split: str) -> list[dict[str, str]]:
    return read_rows(DATA / name / f"{split}.jsonl")


def card(name: str) -> dict:
    return front_matter((DATA / name / "README.md").read_text(encoding="utf-8"))


def test_the_data_sets_of_this_file_are_there():
    assert set(GENERATORS) <= set(SETS)


@pytest.mark.parametrize("name", SETS)
@pytest.mark.parametrize("split", SPLITS)
def test_the_card_counts_the_rows_and_names_the_columns(name, split):
    found = rows(name, split)
    assert len(found) == card(name)["splits"][split]
    columns = set(card(name)["columns"].values())
    assert all(columns <= row.keys() for row in found)


@pytest.mark.parametrize("name", SETS)
def test_no_near_duplicates_within_or_across_splits(name):
    train, test = ([row_text(row) for row in rows(name, split)] for split in SPLITS)
    assert list(near_duplicates(test, among=train)) == []
    assert list(near_duplicates(train)) == []


def test_a_near_duplicate_would_be_found():
    text = rows("reviews", "train")[0]["text"]
    planted = text.upper().replace(".", " !")
    assert [match.text for _, match in near_duplicates([planted], among=[text])] == [text]


@pytest.mark.parametrize("name", GENERATORS)
@pytest.mark.parametrize("split", SPLITS)
def test_the_files_come_out_of_the_generator_to_the_byte(name, split):
    made = reviews.to_jsonl(GENERATORS[name].make()[split])
    assert (DATA / name / f"{split}.jsonl").read_bytes() == made.encode("utf-8")


@pytest.mark.parametrize("name", GENERATORS)
def test_another_seed_makes_other_rows(name):
    assert GENERATORS[name].make(seed=1) != GENERATORS[name].make()


@pytest.mark.parametrize("name", GENERATORS)
@pytest.mark.parametrize("split", SPLITS)
def test_the_labels_are_those_of_the_card_and_balanced(name, split):
    counts = Counter(row["label"] for row in rows(name, split))
    assert sorted(counts) == card(name)["labels"]
    assert len(set(counts.values())) == 1


@pytest.mark.parametrize(("name", "labels", "train", "test"), [
    ("reviews", 2, 1200, 400),
    ("support", 12, 1200, 360),
])  # fmt: skip
def test_there_is_enough_of_it(name, labels, train, test):
    assert len(card(name)["labels"]) >= labels
    assert len(rows(name, "train")) >= train
    assert len(rows(name, "test")) >= test


@pytest.mark.parametrize("split", SPLITS)
def test_every_kind_of_review_is_there_for_both_subjects_and_labels(split):
    counts = Counter((r["kind"], r["subject"], r["label"]) for r in rows("reviews", split))
    expected = {
        (kind, subject, label): count // 4
        for kind, count in reviews.ROWS[split].items()
        for subject in ("film", "product")
        for label in ("negative", "positive")
    }
    assert counts == expected
    assert {kind for kind, _, _ in counts} == {"plain", "negation", "mixed", "irony"}


def said_in(template: str, text: str) -> bool:
    """Whether a phrase occurs, whatever its slots hold."""
    fixed = [re.escape(normalise(part)) for part in re.split(r"\{\w+\}", template)]
    return re.search(r"\b" + r".{0,12}?".join(fixed) + r"\b", text) is not None


def phrases_for(name: str, split: str) -> list[str]:
    """The phrases of the lexicon that only this split may use, without the single words."""
    if name == "support":
        return [s.text for s in support_lexicon.situations(split, shared=False)]
    phrases = [phrase.text for phrase in sentiment.phrases(split, shared=False)]
    phrases += [line.text for line in sentiment.IRONIES if line.split == split]
    for table in (sentiment.VERDICTS, sentiment.ADJECTIVES):
        phrases += [text for key, texts in table.items() if key[2] == split for text in texts]
    return phrases


@pytest.mark.parametrize("name", GENERATORS)
@pytest.mark.parametrize(("own", "foreign"), [("train", "test"), ("test", "train")])
def test_what_belongs_to_one_split_is_never_said_in_the_other(name, own, foreign):
    text = "\n".join(normalise(row["text"]) for row in rows(name, foreign))
    assert [p for p in phrases_for(name, own) if said_in(p, text)] == []


@pytest.mark.parametrize("name", GENERATORS)
@pytest.mark.parametrize("split", SPLITS)
def test_a_split_uses_what_belongs_to_it(name, split):
    text = "\n".join(normalise(row["text"]) for row in rows(name, split))
    unused = [p for p in phrases_for(name, split) if not said_in(p, text)]
    assert unused == []


@pytest.mark.parametrize("name", GENERATORS)
@pytest.mark.parametrize("split", SPLITS)
def test_the_english_has_no_slips_of_the_pen(name, split):
    slips = re.compile(
        r"\{|\}|  | [.,;:!?]|\.\.|[.!?] [a-z]|\b(a) [aeio]|\ban [bcdfgjklmnpqrstvwxyz]"
        r"|\b(\w+) \2\b|\bi\b|^[a-z]"
    )
    odd = [row["text"] for row in rows(name, split) if slips.search(row["text"])]
    assert odd == []
    assert all(row["text"].endswith((".", "?", "!")) for row in rows(name, split))


@pytest.mark.parametrize(
    "module", [neardup, phrase, review_frames, sentiment, support_lexicon], ids=lambda m: m.__name__
)
def test_the_examples_in_the_generators_run(module):
    result = doctest.testmod(module)
    assert result.attempted > 0
    assert result.failed == 0

"""Tagging words: which piece carries the tag, how entities are scored, and what is refused."""

from __future__ import annotations

import json

import pytest
import torch
import transformers
from hypothesis import given
from hypothesis import strategies as st

import workbench as wb
from tests.serving import serving
from workbench.errors import DataError, ModelError, RecipeError
from workbench.registry.tasks import TASKS, are_iob
from workbench.sources.datasets.load import guess_task, load
from workbench.training.evaluate import entities, score_entities, score_tags
from workbench.training.inputs.processor import load_tokenizer
from workbench.training.inputs.tokenize import encode_token_classify
from workbench.training.inspection.skeleton import count

LABELS = ["B-LOC", "B-PER", "I-PER", "O"]
NAMES = ("Anna", "Tom Miller", "Edith", "Old Mary Reed")
PLACES = ("mill", "inn", "forge")


def sentences():
    """Rows of words with who and where marked in them."""
    for i in range(36):
        name = NAMES[i % 4].split()
        words = [*name, "lives", "by", "the", PLACES[i % 3], *["and", "sings"] * (i % 2)]
        tags = [
            "B-PER",
            *["I-PER"] * (len(name) - 1),
            "O",
            "O",
            "O",
            "B-LOC",
            *["O", "O"] * (i % 2),
        ]
        yield {"tokens": words, "ner_tags": tags}


def write(path, rows):
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return str(path)


@pytest.fixture
def rows(tmp_path):
    return write(tmp_path / "names.jsonl", sentences())


def recipe_for(model, data, technique="lora", **changes):
    settings = {"per_device_train_batch_size": 4, "max_steps": 3, "task": "token_classify"}
    return wb.Recipe(model=str(model), data=data, technique=technique, **{**settings, **changes})


@pytest.mark.parametrize("model", ["tiny_bert", "tiny_llama"])
def test_the_first_piece_of_each_word_has_its_tag(model, request):
    tokenizer = transformers.AutoTokenizer.from_pretrained(str(request.getfixturevalue(model)))
    words = ["Unbelievable", "Anna", "isn't", "é🎬", "New York", "in"]
    tags = ["O", "B-PER", "O", "I-PER", "B-LOC", "O"]
    (row,) = encode_token_classify(
        [{"words": words, "tags": tags}],
        tokenizer,
        tokens_column="words",
        tags_column="tags",
        labels=LABELS,
        max_length=128,
    )
    learnt = [LABELS[target] for target in row["labels"] if target != -100]
    assert learnt == tags
    assert len(row["input_ids"]) == len(row["labels"]) > len(words)
    places = [place for place, target in enumerate(row["labels"]) if target != -100]
    starts = [*places, len(row["input_ids"])]
    for word, first, behind in zip(words, starts, starts[1:], strict=False):
        piece = tokenizer.decode(row["input_ids"][first:behind], skip_special_tokens=True)
        assert piece.strip() == word


texts = st.lists(st.text("abcdefé", min_size=1, max_size=9), min_size=1, max_size=8)


@given(words=texts)
def test_every_word_is_learnt_once_whatever_the_words(tokenizer, words):
    tags = [LABELS[len(word) % 4] for word in words]
    settings = {
        "tokens_column": "tokens",
        "tags_column": "tags",
        "labels": LABELS,
        "max_length": 512,
    }
    as_lists = [{"tokens": words, "tags": tags}]
    as_text = [{"tokens": " ".join(words), "tags": " ".join(tags)}]
    (row,) = encode_token_classify(as_lists, tokenizer, **settings)
    assert [LABELS[target] for target in row["labels"] if target != -100] == tags
    assert encode_token_classify(as_text, tokenizer, **settings) == [row]
    (cut,) = encode_token_classify(as_lists, tokenizer, **{**settings, "max_length": 3})
    assert cut == {key: value[:3] for key, value in row.items()}


@pytest.fixture(scope="module")
def tokenizer(tiny_llama):
    return transformers.AutoTokenizer.from_pretrained(str(tiny_llama))


@st.composite
def marked(draw):
    """Entities and the tags that mark them."""
    kinds = draw(st.lists(st.sampled_from(["PER", "LOC", None]), max_size=8))
    found, tags = [], []
    for kind in kinds:
        length = draw(st.integers(1, 3))
        if kind is None:
            tags += ["O"] * length
        else:
            found.append((kind, len(tags), len(tags) + length))
            tags += [f"B-{kind}", *[f"I-{kind}"] * (length - 1)]
    return found, tags


@given(marked())
def test_entities_are_read_from_their_tags(both):
    found, tags = both
    assert entities(tags) == found


any_tags = st.lists(st.sampled_from(LABELS), min_size=1, max_size=9)


@given(st.lists(st.tuples(any_tags, st.randoms()), min_size=1, max_size=4))
def test_entity_scores_are_shares_and_symmetric(drawn):
    wanted = [tags for tags, _ in drawn]
    guessed = [random.sample(tags, len(tags)) for tags, random in drawn]
    scores, mirrored = score_entities(guessed, wanted), score_entities(wanted, guessed)
    assert all(0 <= value <= 1 for value in scores.values())
    assert (scores["precision"], scores["recall"]) == (mirrored["recall"], mirrored["precision"])
    assert scores["f1"] == mirrored["f1"]
    same = [entities(tags) for tags in guessed] == [entities(tags) for tags in wanted]
    some = any(entities(tags) for tags in wanted)
    assert (scores["f1"] == 1) == (same and some)


def test_entity_scores_of_known_rows():
    # One of two found, its bounds wrong in the other; an I- without its B- begins an entity.
    wanted = [["B-PER", "I-PER", "O"], ["O", "B-LOC", "B-LOC"]]
    guessed = [["B-PER", "O", "O"], ["O", "I-LOC", "B-LOC"]]
    assert entities(guessed[1]) == [("LOC", 1, 2), ("LOC", 2, 3)]
    scores = score_entities(guessed, wanted)
    assert scores == pytest.approx({"precision": 2 / 3, "recall": 2 / 3, "f1": 2 / 3})
    assert score_entities([["O"]], [["O"]])["f1"] == 0
    assert score_tags([["a", "b"], ["a"]], [["a", "a"], ["b"]])["f1"] == pytest.approx(1 / 4)


@pytest.mark.parametrize("technique", serving("token_classify"))
@pytest.mark.parametrize("model", ["tiny_bert", "tiny_llama"])
def test_every_technique_tags_words(technique, model, request, rows, tmp_path):
    recipe = recipe_for(request.getfixturevalue(model), rows, technique)
    run = wb.train(recipe, tmp_path / "runs", progress=False)
    assert count(recipe) == run.parameters
    assert len(set(run.losses)) == 3
    assert {"loss", "accuracy", "f1", "precision", "recall"} <= set(run.evaluations[-1])
    assert run.plan["labels"] == LABELS


def test_tags_that_mark_no_entities_are_scored_one_by_one(tiny_bert, tmp_path):
    tagged = [{"words": "the mill turns", "pos": "DET NOUN VERB"}, {"words": "go", "pos": "VERB"}]
    data = write(tmp_path / "pos.jsonl", tagged * 10)
    run = wb.train(recipe_for(tiny_bert, data), tmp_path / "runs", progress=False)
    last = run.evaluations[-1]
    assert {"loss", "accuracy", "f1"} <= set(last)
    assert "precision" not in last
    assert not are_iob(run.plan["labels"])


def test_tags_are_learnt(tiny_bert, rows, tmp_path):
    recipe = recipe_for(
        tiny_bert, rows, "full", max_steps=60, learning_rate=3e-3, eval_steps=60, eval_on_start=True
    )
    first, last = wb.train(recipe, tmp_path / "runs", progress=False).evaluations
    assert first["f1"] < 0.5
    assert last["f1"] > 0.95


def test_class_labels_have_their_names(tmp_path, monkeypatch):
    datasets = pytest.importorskip("datasets")
    monkeypatch.setenv("WORKBENCH_CACHE", str(tmp_path))
    tags = datasets.List(datasets.ClassLabel(names=LABELS))
    features = datasets.Features(
        {"tokens": datasets.List(datasets.Value("string")), "ner_tags": tags}
    )
    table = datasets.Dataset.from_dict(
        {"tokens": [["Anna", "sings"], ["no"]], "ner_tags": [[1, 3], [3]]}, features=features
    )
    loaded = load(table, "token_classify")
    assert loaded.train[0] == {"tokens": ["Anna", "sings"], "ner_tags": ["B-PER", "O"]}
    assert loaded.labels == ("B-PER", "O")
    from workbench.export.rows import name_labels

    assert name_labels(table, "ner_tags") == loaded.train


def test_the_task_is_guessed_and_columns_are_found(tmp_path):
    path = tmp_path / "words.csv"
    path.write_text("id,tokens,pos_tags,ner_tags\n1,Anna sings,N V,B-PER O\n2,no,X,O\n")
    assert guess_task(path) == "token_classify"
    table = load(path, "token_classify")
    assert table.columns == {"tokens": "tokens", "tags": "ner_tags"}
    (note,) = table.notes
    assert "'pos_tags' could be meant too: set tags_column" in note
    assert load(path, "token_classify", tags_column="pos_tags").labels == ("N", "V", "X")
    with pytest.raises(
        TypeError, match="no column setting 'tag_column': did you mean 'tags_column'"
    ):
        load(path, "token_classify", tag_column="x")


BAD = {
    "unequal": (
        [{"tokens": ["a", "b"], "tags": ["O"]}],
        "must have the same length, but have 2 and 1 in",
    ),
    "unequal text": ([{"tokens": "a b", "tags": "O O O"}], "but have 2 and 3 in row 1"),
    "no list": ([{"tokens": 5, "tags": ["O"]}], "The tokens .* must be a list of words, .* are 5"),
    "a list of numbers": ([{"tokens": [1], "tags": ["O"]}], r"must be a list of words.* are \[1\]"),
    "a tag that is null": ([{"tokens": ["a"], "tags": [None]}], r"must be a list of tags"),
    "no words": ([{"tokens": [], "tags": []}], "The tokens .* are empty in row 1"),
    "no tags": ([{"tokens": ["a"]}], "No column .* was recognized as the tags"),
    "missing": ([{"tokens": ["a"], "tags": ["O"]}, {"tokens": ["a"]}], "tags .* missing in row 2"),
    "a list as text": (
        [{"tokens": "a b", "tags": "['O', 'X']"}],
        "a list written as text in row 1",
    ),
    "half a pair": ([{"tokens": ["\ud800"], "tags": ["O"]}], "hold a lone surrogate character"),
    "one tag": (
        [{"tokens": ["a", "b"], "tags": ["O", "O"]}],
        "at least two .* rows with other tags",
    ),
    "ids": (
        [{"tokens": ["a"], "tags": [str(i)]} for i in range(40)],
        "has 40 different values .* probably not a tag",
    ),
}


@pytest.mark.parametrize("kind", BAD)
def test_rows_that_cannot_be_tagged(kind, tmp_path):
    found, said = BAD[kind]
    with pytest.raises(DataError, match=said) as caught:
        load(write(tmp_path / "rows.jsonl", found), "token_classify")
    assert str(caught.value)[-1] in ".?"


def test_an_evaluation_tag_that_is_not_learnt(rows, tmp_path):
    held = write(tmp_path / "held.jsonl", [{"tokens": ["a", "b"], "ner_tags": ["O", "B-ORG"]}])
    with pytest.raises(DataError, match=r"Unknown tag 'B-ORG' in row 1 of held\.jsonl: a tag must"):
        load(rows, "token_classify", eval_data=held)


def test_a_head_of_another_size_or_for_other_labels_is_drawn_anew(tiny_bert, rows, tmp_path):
    folders = {}
    for size in (4, 9):
        model = transformers.AutoModelForTokenClassification.from_pretrained(
            str(tiny_bert), num_labels=size
        )
        folders[size] = tmp_path / f"bert-{size}"
        model.save_pretrained(folders[size])
        transformers.AutoTokenizer.from_pretrained(str(tiny_bert)).save_pretrained(folders[size])
    runs = [
        wb.train(recipe_for(folder, rows, "head_only"), tmp_path / "runs", progress=False)
        for folder in (tiny_bert, folders[4], folders[9])
    ]
    assert runs[0].losses == runs[1].losses == runs[2].losses
    assert [run.plan["resizes_head"] for run in runs] == [False, False, True]


def test_a_tokenizer_that_knows_no_characters_is_refused(tmp_path):
    transformers.ByT5Tokenizer().save_pretrained(tmp_path)
    with pytest.raises(ModelError, match="must map each token to its characters"):
        load_tokenizer(recipe_for(tmp_path, "x"), TASKS["token_classify"], str(tmp_path))


def test_words_cannot_be_tagged_without_a_column_for_it(tiny_bert, tmp_path):
    data = write(tmp_path / "texts.jsonl", [{"text": "a", "label": "x"}])
    with pytest.raises(RecipeError, match="recognized as the tokens .*'token_classify' needs"):
        wb.train(recipe_for(tiny_bert, data), tmp_path / "runs", progress=False)


def test_logits_and_labels_stay_in_step_behind_virtual_tokens(tiny_bert, rows, tmp_path):
    recipe = recipe_for(tiny_bert, rows, "prompt_tuning", technique_args={"num_virtual_tokens": 5})
    run = wb.train(recipe, tmp_path / "runs", progress=False)
    assert run.plan["virtual_labels"] == 5
    run.model.eval()
    ids = torch.tensor([[7, 8, 9]])
    with torch.no_grad():
        logits = run.model(input_ids=ids, attention_mask=torch.ones_like(ids)).logits
    assert logits.shape == (1, 5 + 3, len(LABELS))

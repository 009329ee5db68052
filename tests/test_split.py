"""Which rows are held out for evaluation where the data does not say it."""

import json
import subprocess
import sys
import time
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

import workbench as wb
from workbench import Recipe
from workbench.export.script import script
from workbench.sources.lookup import load_data
from workbench.training.inputs.limits import choose_rows, split_settings
from workbench.training.inputs.split import split_rows
from workbench.training.resolve import resolve

TEXTS = ["one", "Two", "two ", "three", "four  words", "four words", "five", "six", "seven"]
labelled = st.lists(
    st.tuples(st.sampled_from([*TEXTS, *map(str, range(40))]), st.sampled_from("abcd")),
    min_size=2,
    max_size=80,
)
tagged = st.lists(
    st.tuples(st.integers(0, 60), st.lists(st.sampled_from("OBIX"), min_size=1, max_size=4)),
    min_size=2,
    max_size=60,
)
fractions, seeds = st.floats(0.01, 0.9), st.integers(0, 5)


def texts(rows):
    return {" ".join(str(row["text"]).split()).casefold() for row in rows}


def largest(rows, key):
    return max(Counter(map(key, rows)).values())


@given(labelled, fractions, seeds)
def test_equal_texts_are_on_one_side(pairs, fraction, seed):
    rows = [{"n": n, "text": text, "label": label} for n, (text, label) in enumerate(pairs)]
    for settings in ({}, {"label_column": "label"}):
        train, held = split_rows(rows, fraction, seed, ["text"], **settings)
        assert sorted(row["n"] for row in train + held) == list(range(len(rows)))
        assert train == sorted(train, key=lambda row: row["n"])
        assert held == sorted(held, key=lambda row: row["n"])
        assert held and not texts(train) & texts(held)
        assert train or len(texts(rows)) == 1
        assert split_rows(rows, fraction, seed, ["text"], **settings) == (train, held)


@given(labelled, fractions, seeds)
def test_the_share_is_right_as_far_as_equal_texts_allow(pairs, fraction, seed):
    rows = [{"text": text} for text, _ in pairs]
    size = largest(rows, lambda row: " ".join(row["text"].split()).casefold())
    wanted = max(1, round(len(rows) * fraction))
    _, held = split_rows(rows, fraction, seed, ["text"])
    assert len(held) - wanted < size
    assert wanted - len(held) < size or len(rows) - len(held) <= size


@given(labelled, fractions, seeds)
def test_each_label_is_trained_on_in_its_share(pairs, fraction, seed):
    rows = [{"text": f"row {n}", "label": label} for n, (_, label) in enumerate(pairs)]
    counts = Counter(row["label"] for row in rows)
    train, held = split_rows(rows, fraction, seed, ["text"], label_column="label")
    if len(counts) == len(rows):
        assert len(held) == 1
        return
    assert {row["label"] for row in train} == set(counts)
    wanted = max(1, round(len(rows) * fraction))
    assert len(held) == min(wanted, len(rows) - len(counts))
    if wanted < len(rows) * 0.5 and min(counts.values()) > 3:
        for label, count in Counter(row["label"] for row in held).items():
            assert abs(count - counts[label] * wanted / len(rows)) < 1


@given(labelled, fractions, seeds)
def test_a_label_stays_in_training_if_its_texts_allow(pairs, fraction, seed):
    rows = [{"text": text, "label": label} for text, label in pairs]
    train, held = split_rows(rows, fraction, seed, ["text"], label_column="label")
    lost = {row["label"] for row in held} - {row["label"] for row in train}
    if lost:
        # Every text is all that is left of some label.
        for text in texts(rows):
            others = {row["label"] for row in rows if text not in texts([row])}
            assert others < {row["label"] for row in rows}


@given(tagged, fractions, seeds)
def test_a_rare_tag_stays_in_training(pairs, fraction, seed):
    rows = [{"text": f"{text} {n}", "tags": tags} for n, (text, tags) in enumerate(pairs)]
    as_text = [{**row, "tags": " ".join(row["tags"])} for row in rows]
    train, held = split_rows(rows, fraction, seed, ["text"], tags_column="tags")
    assert split_rows(as_text, fraction, seed, ["text"], tags_column="tags") == (
        [as_text[rows.index(row)] for row in train],
        [as_text[rows.index(row)] for row in held],
    )
    per_tag = Counter(tag for row in rows for tag in set(row["tags"]))
    if any(all(per_tag[tag] > 1 for tag in row["tags"]) for row in rows):
        assert {tag for row in train for tag in row["tags"]} == set(per_tag)


@given(st.integers(2, 60), fractions, seeds)
def test_rows_that_differ_are_split_as_ever(number, fraction, seed):
    rows = [{"text": f"row {n}"} for n in range(number)]
    if max(1, round(number * fraction)) < number:
        assert split_rows(rows, fraction, seed, ["text"]) == split_rows(rows, fraction, seed)


def test_a_hundred_thousand_rows_take_a_moment():
    rows = [{"text": f"the text of row {n // 2} is this", "label": n % 77} for n in range(100_000)]
    started = time.perf_counter()
    _, held = split_rows(rows, 0.1, 0, ["text"], label_column="label")
    assert time.perf_counter() - started < 20
    assert len(held) == 10_000


def test_the_split_of_labels_is_known_to_the_last_row():
    rows = [{"text": f"{n % 20}", "label": "abc"[n % 20 % 3]} for n in range(40)]
    _, held = split_rows(rows, 0.25, 3, ["text"], label_column="label")
    assert sorted(texts(held)) == ["0", "13", "17", "5", "6"]
    assert Counter(row["label"] for row in held) == {"a": 4, "b": 2, "c": 4}


PROMPTS = '{"prompt": "Write.", "completion": "%s"}\n'


def test_prompts_that_are_all_the_same_are_split_by_their_answers(tmp_path):
    path = tmp_path / "rows.jsonl"
    path.write_text("".join(PROMPTS % f"poem {n // 2}" for n in range(20)))
    recipe = Recipe(task="instruct", data=str(path))
    train, held = choose_rows(recipe, load_data(recipe))
    assert len(held) == 2
    assert not {row["completion"] for row in train} & {row["completion"] for row in held}


def test_rows_that_are_all_equal_are_split_one_by_one_and_a_note_says_so(tmp_path):
    path = tmp_path / "rows.jsonl"
    path.write_text('{"text": "same", "label": "a"}\n{"text": "Same ", "label": "b"}\n' * 5)
    recipe = Recipe(data=str(path))
    table = load_data(recipe)
    train, held = choose_rows(recipe, table)
    assert (len(train), len(held)) == (9, 1)
    assert any("All 10 rows of rows.jsonl have the same 'text'" in note for note in table.notes)


def test_data_with_evaluation_rows_is_not_split():
    assert split_settings("classify", load_data(Recipe(data="reviews"))) == {}


LINES = {
    "lm": '{"text": "the lamp %d"}',
    "instruct": '{"prompt": "lamp %d?", "completion": "bright"}',
    "classify": '{"text": "the lamp %d", "label": "good"}\n{"text": "no lamp %d", "label": "bad"}',
}


@pytest.mark.parametrize(
    ("task", "settings"),
    [
        ("lm", {"columns": ["text"]}),
        ("instruct", {"columns": ["prompt"]}),
        ("classify", {"columns": ["text"], "label_column": "label"}),
    ],
)
def test_a_plan_says_how_its_rows_were_split(task, settings, tiny_llama, tmp_path):
    path = tmp_path / "rows.jsonl"
    line = LINES[task]
    path.write_text("".join(f"{line.replace('%d', str(n))}\n" for n in range(9)))
    recipe = Recipe(model=str(tiny_llama), data=str(path), task=task, max_steps=2)
    plan = resolve(recipe).plan.to_dict()
    assert plan["split"] == settings
    assert "group_equal" in script(plan, "a run", "train.py")
    # Runs of earlier versions drew single rows.
    del plan["split"]
    assert "group_equal" not in script(plan, "a run", "train.py")


REPEATED = {
    "instruct": '{"prompt": "lamp %d?", "completion": "bright %d"}',
    "classify": '{"text": "the lamp %d", "label": "%d"}',
    "token_classify": '{"tokens": "the lamp %d", "tags": "O O %d"}',
}


@pytest.mark.slow
@pytest.mark.parametrize("task", REPEATED)
def test_a_script_holds_out_the_rows_of_its_run(task, tiny_llama, tmp_path):
    path = tmp_path / "rows.jsonl"
    pairs = [(n % 13, n % 3) for n in range(40)] + [(99, 7)]
    path.write_text("".join(f"{REPEATED[task] % pair}\n" for pair in pairs))
    settings = {"max_steps": 3, "eval_steps": 3, "max_new_tokens": 4, "eval_fraction": 0.3}
    recipe = Recipe(model=str(tiny_llama), data=str(path), task=task, **settings)
    run = wb.train(recipe, tmp_path / "runs", progress=False)
    file = wb.export(run, tmp_path / "train.py")
    done = subprocess.run(
        [sys.executable, str(file)], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    events = [json.loads(line) for line in done.stdout.splitlines()]
    assert [event["loss"] for event in events if event["event"] == "train"] == run.losses
    (scores,) = [event for event in events if event["event"] == "eval"]
    assert {**run.evaluations[-1], "seconds": 0} == {**scores, "seconds": 0}

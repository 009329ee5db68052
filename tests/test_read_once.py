"""A Train click reads files, headers, shapes and rows once, and a race does so once for all its runs.

What is counted of the rows are the texts that the tokenizer gets.
"""

import functools
import os
import sys
import threading
from collections import Counter

import numpy
import pytest
import transformers

import workbench as wb
from tests.conftest import tiny_tokenizer
from workbench.panels.kernel import preload
from workbench.recipe import Recipe
from workbench.registry.tasks import TASKS
from workbench.sources.lookup import SharedTables
from workbench.sources.models import describe, weights
from workbench.training.adaptation import base_model
from workbench.training.inputs.largest_batch import token_counts
from workbench.training.inputs.task_inputs import TaskInputs
from workbench.training.inspection.skeleton import count

TRAIN, EVAL = 12, 4
# A file is opened for its beginning, which says how it is read, and for all of it.
OPENS = 2
# All rows are truncated in these runs, and measured without a limit as well.
ONCE = {"opens": OPENS, "headers": 1, "skeletons": 1, "rows": TRAIN + EVAL}
OPENED: Counter = Counter()


@functools.cache
def _listen():
    """Count how often each file is opened; a hook cannot be taken away again."""

    def hook(event, args):
        if event == "open" and isinstance(args[0], str | os.PathLike):
            OPENED[os.fspath(args[0])] += 1

    sys.addaudithook(hook)


def _counting(monkeypatch, counts, owner, name, label, size=lambda *args: 1):
    function = getattr(owner, name)

    def counted(*args, **settings):
        counts[label] += size(*args)
        return function(*args, **settings)

    monkeypatch.setattr(owner, name, counted)


@pytest.fixture
def recipe(tmp_path):
    lines = [
        f"a really great thing of number {i},good\nbad thing number {i},poor\n"
        for i in range(TRAIN)
    ]
    for name, number in (("train", TRAIN), ("test", EVAL)):
        (tmp_path / f"{name}.csv").write_text("text,label\n" + "".join(lines[: number // 2]))
    return Recipe(
        task="classify",
        data=str(tmp_path / "train.csv"),
        eval_data=str(tmp_path / "test.csv"),
        max_steps=1,
        max_length=8,
    )


@pytest.fixture
def counts(monkeypatch, recipe):
    _listen()
    base_model._LATEST.clear()
    base_model.shared_skeleton.cache_clear()
    weights._header.cache_clear()
    counts = Counter()
    _counting(
        monkeypatch,
        counts,
        transformers.AutoModelForSequenceClassification,
        "from_config",
        "skeletons",
    )
    tokenizers = transformers.PreTrainedTokenizerBase
    _counting(monkeypatch, counts, tokenizers, "__call__", "rows", lambda _, texts: len(texts))
    before = OPENED[recipe.data]

    def read():
        headers = weights._header.cache_info().misses
        figures = {"opens": OPENED[recipe.data] - before, "headers": headers, **counts}
        print(*(f"{name} {number}" for name, number in figures.items()), sep=", ")
        return figures

    return read


def test_one_run_reads_once(recipe, counts, tmp_path):
    wb.Run(recipe, tmp_path / "runs").start().wait()
    assert counts() == ONCE


def test_a_race_of_eight_reads_once(recipe, counts, tmp_path):
    recipes = [recipe.replace(learning_rate=1e-4 * (at + 1), name=f"r{at}") for at in range(8)]
    race = wb.Race(recipes, tmp_path / "runs", fuse=False).start().wait()
    assert counts() == ONCE
    assert {run.state for run in race.members} == {"finished"}


def test_what_a_panel_has_read_is_not_read_again(recipe, counts, tmp_path):
    tables = SharedTables()
    table = tables.load(recipe)
    wb.Run(recipe, tmp_path / "runs", tables=tables).start().wait()
    assert counts() == ONCE
    assert tables.load(recipe) is table


@pytest.fixture
def bench(recipe, tmp_path):
    """A panel whose libraries are loaded, as they are once a person has looked at it."""
    loaded = threading.Event()
    preload.load(loaded.set)
    assert loaded.wait(120)
    return wb.Bench(recipe, tmp_path / "runs")


def _train(bench, click):
    assert bench._debouncer.wait(60)
    run = click()
    bench.race.start().wait() if click == bench.add_to_race else run.wait(60)
    assert run.state == "finished"
    return run


@pytest.mark.parametrize("click", ["train", "add_to_race"])
def test_a_click_reads_what_its_panel_has_not_read(counts, bench, click, monkeypatch):
    # What the panel asks a run that has ended is encoded for that.
    monkeypatch.setattr(bench._try_it.worker, "fill", lambda works: None)
    assert bench._debouncer.wait(60)
    # The panel shows what is learnt of the first rows, which it encodes for itself.
    shown = counts()["rows"]
    _train(bench, getattr(bench, click))
    assert counts() == {**ONCE, "rows": ONCE["rows"] + shown}


def test_a_second_click_reads_nothing(counts, bench):
    _train(bench, bench.train)
    before = counts()
    _train(bench, bench.train)
    after = counts()
    assert {**after, "rows": 0} == {**before, "rows": 0}


def test_a_click_reads_a_file_that_has_changed(recipe, counts, bench):
    assert bench._debouncer.wait(60)
    with open(recipe.data, "a") as file:
        file.write("one more,good\n")
    before = counts()["opens"]
    run = _train(bench, bench.train)
    assert counts()["opens"] == before + OPENS
    assert run.plan["data"]["sha256"] == SharedTables().load(recipe).source.checksums()


@pytest.mark.parametrize("technique", ["trainable_tokens", "lora"])
def test_shapes_are_counted_over_rows_that_are_read(recipe, counts, technique):
    recipe = recipe.replace(task="lm", technique=technique)
    table = SharedTables().load(recipe)
    before = counts()["opens"]
    figures = count(recipe, data=lambda recipe: table)
    assert figures["trainable"] > 0
    assert counts()["opens"] == before


def test_rows_that_have_changed_are_read_again(recipe):
    tables = SharedTables()
    before = tables.load(recipe)
    assert tables.load(recipe.replace(learning_rate=1e-3)) is before
    with open(recipe.data, "a") as file:
        file.write("one more,good\n")
    after = tables.load(recipe)
    assert len(after.train) == len(before.train) + 1
    assert after.checksums != before.checksums
    assert after.checksums == after.source.checksums()


def test_a_weight_file_that_has_changed_is_read_again(tmp_path):
    from safetensors.numpy import save_file

    file = tmp_path / "model.safetensors"
    for size in (2, 3):
        save_file({"weight": numpy.zeros(size, dtype="float32")}, file)
        assert [tensor.shape for tensor in weights.tensors([file], "it")] == [(size,)]


WORDS = [
    "the",
    "cat",
    "sat",
    "on",
    "the",
    "mat",
    "and",
    "saw",
    "a",
    "very",
    "old",
    "house",
    "near",
    "the",
    "bridge",
] * 3
TOKENIZERS = {
    "byte-level": tiny_tokenizer,
    "with special tokens": lambda: transformers.AutoTokenizer.from_pretrained(
        describe.resolve("all-MiniLM-L6-v2")
    ),
    "with a beginning": lambda: transformers.AutoTokenizer.from_pretrained(
        describe.resolve("village-3m")
    ),
    "in Python": transformers.ByT5Tokenizer,
}


@pytest.mark.parametrize("kind", TOKENIZERS)
@pytest.mark.parametrize("name", [name for name, task in TASKS.items() if not task.reads_images])
def test_rows_are_measured_as_if_encoded_again_without_a_limit(name, kind):
    task, tokenizer = TASKS[name], TOKENIZERS[kind]()
    if "tokens" in task.roles and not tokenizer.is_fast:
        pytest.skip("such tokenizers do not tell which characters a token stands for")
    tokenizer.eos_token = tokenizer.eos_token or tokenizer.sep_token
    rows = [
        {
            **dict.fromkeys(("text", "prompt"), " ".join(WORDS[:count])),
            "completion": " ".join(WORDS[: count % 5 + 1]),
            "tokens": WORDS[: count + 1],
            "tags": ["good"] * (count + 1),
            "label": "good",
        }
        for count in range(30)
    ]
    inputs = TaskInputs(
        name,
        tokenizer,
        columns={role: role for role in task.roles},
        labels=["good"] if task.labels else [],
        max_length=12,
        max_prompt_length=10 if task.continues_prompts else 0,
    )
    encoded = inputs.encode_measured(rows)
    assert encoded == inputs.encode(rows)
    uncut = [max(token_counts(row)) for row in inputs.unlimited().encode(rows)]
    assert encoded.full_lengths == uncut
    assert min(uncut) < 12 < max(uncut)

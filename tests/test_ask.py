"""Asking a run: the base and the run answer, and neither the base nor the run is any different after it."""

from __future__ import annotations

import json
import math
import threading
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

import workbench as wb
from tests.serving import TRAINED, every, mechanisms
from workbench.errors import RecipeError, TrainingError
from workbench.registry.tasks import TASKS
from workbench.runs.ask import ask
from workbench.runs.examples import examples
from workbench.training.adaptation.base_model import is_pristine
from workbench.training.answer import Reply
from workbench.training.asking import Cancelled

LINES = {
    "classify": [
        {"text": f"the {thing} was {word}", "label": label}
        for thing in ("film", "lamp", "kettle", "coat", "boat", "song")
        for word, label in (("good", "positive"), ("bad", "negative"))
    ],
    "instruct": [
        {"prompt": f"where does {name} live?", "completion": f"by the {place}"}
        for name in ("Anna", "Karl", "Ivan", "Olive", "Peter", "Mary")
        for place in ("mill", "brook")
    ],
    "lm": [
        {"text": f"the {thing} was good and {name} liked it a lot"}
        for name in ("Anna", "Karl", "Ivan")
        for thing in ("film", "lamp", "coat", "song")
    ],
    "token_classify": [
        {"tokens": f"{name} lives by the mill", "tags": "B-PER O O O O"}
        for name in ("Anna", "Karl", "Ivan", "Olive", "Peter", "Mary") * 2
    ],
}
LINES["seq2seq"] = LINES["instruct"]
QUESTIONS = {
    "classify": "the soup was good",
    "instruct": "where does Anna live?",
    "seq2seq": "where does Anna live?",
    "lm": "the film was",
    "token_classify": "Anna likes the film",
}


@pytest.fixture
def recipe_for(tmp_path, tiny_llama, tiny_t5):
    def make(task, technique="lora", **changes):
        path = tmp_path / f"{task}.jsonl"
        path.write_text("".join(json.dumps(row) + "\n" for row in LINES[task]))
        recipe = wb.Recipe(
            model=str(tiny_t5 if task == "seq2seq" else tiny_llama),
            data=str(path),
            task=task,
            technique=technique,
            per_device_train_batch_size=4,
            max_steps=6,
            eval_steps=3,
            eval_fraction=0.5,
            max_new_tokens=6,
        )
        return recipe.replace(**changes)

    return make


def paused_at(run, step):
    """Start a run and wait until it has paused after a step."""
    paused = threading.Event()

    def watch(run, event):
        if event["event"] == "train" and event["step"] == step:
            run.pause()
        if event["event"] == "state" and event["state"] == "paused":
            paused.set()

    run.subscribe(watch)
    run.start()
    assert paused.wait(120)
    return run


def close(one, other):
    """Whether two replies are the same, but for how sums are rounded."""
    if one.probabilities:
        return one.probabilities.keys() == other.probabilities.keys() and all(
            math.isclose(value, other.probabilities[label], abs_tol=1e-4)
            for label, value in one.probabilities.items()
        )
    return (one.text, one.tags) == (other.text, other.tags)


def natural_task(technique):
    return next(
        task for task in ("instruct", "classify", *LINES) if task in TRAINED[technique].tasks
    )


@pytest.mark.parametrize("technique", every(slow_beyond=mechanisms()))
def test_a_run_that_is_asked_and_its_base_are_as_if_it_was_not(technique, recipe_for, tmp_path):
    task = natural_task(technique)
    recipe = recipe_for(task, technique)
    if TRAINED[technique].plain_shapes and "lora_dropout" in recipe.resolved().technique_args:
        recipe = recipe.replace(lora_dropout=0.1)
    alone = wb.train(recipe, tmp_path / "alone", progress=False)
    run = paused_at(wb.Run(recipe, tmp_path / "asked"), 2)
    torch.manual_seed(7)
    numbers = torch.get_rng_state()
    run.ask([QUESTIONS[task]] * 2)
    assert torch.equal(torch.get_rng_state(), numbers)
    run.resume()
    while not run.ended:
        run.ask(QUESTIONS[task])
    run.wait()
    assert run.losses == alone.losses
    assert [event["loss"] for event in run.evaluations] == [
        event["loss"] for event in alone.evaluations
    ]
    assert is_pristine(run.base)
    # What is on disk answers as what is in memory does, and leaves the base alone too.
    answer, saved = run.ask(QUESTIONS[task]), run.record().ask(QUESTIONS[task])
    assert close(answer.run, saved.run)
    assert close(answer.base, saved.base)
    assert is_pristine(run.base)


@pytest.mark.parametrize("task", [name for name in TASKS if name in LINES])
def test_it_answers_in_the_way_of_its_task(task, recipe_for, tmp_path):
    recipe = recipe_for(task, "full", learning_rate=0.01, max_steps=60, eval_steps=60)
    run = wb.train(recipe, tmp_path, progress=False)
    answer = run.ask(QUESTIONS[task])
    assert answer.run != answer.base
    shown = repr(answer)
    assert QUESTIONS[task] in shown and "base" in shown and "run" in shown
    if task == "classify":
        assert answer.label == "positive" == max(answer.probabilities, key=answer.probabilities.get)
        assert sum(answer.probabilities.values()) == pytest.approx(1, abs=1e-5)
        assert "not trained" in answer.base.note
    elif task == "token_classify":
        assert [word for word, _ in answer.tags] == QUESTIONS[task].split()
        assert {tag for _, tag in answer.tags} <= {"B-PER", "O"}
    else:
        assert answer.text is not None and answer.label is None
    rows = examples(run, 4)
    assert len(rows) == 4
    replies = [run.ask(row.question).run for row in rows]
    if task == "classify":
        assert {row.expected for row in rows} == {"positive", "negative"}
        assert all(reply.is_right(row.expected) for reply, row in zip(replies, rows, strict=True))


def test_right_answers_are_those_that_the_evaluation_counts(recipe_for, tmp_path):
    run = wb.train(recipe_for("instruct", "full", learning_rate=0.01, max_steps=40), tmp_path)
    rows = examples(run, 100)
    right = [run.ask(row.question).run.is_right(row.expected) for row in rows]
    assert sum(right) / len(rows) == run.evaluations[-1]["exact_match"]


def test_the_base_answers_without_what_was_trained(recipe_for, tmp_path):
    first = wb.train(recipe_for("instruct", learning_rate=0.05), tmp_path, progress=False)
    other = wb.train(recipe_for("instruct", "full"), tmp_path, progress=False)
    question = QUESTIONS["instruct"]
    assert first.ask(question).base == other.ask(question).base


@pytest.mark.parametrize("technique", ["zero_shot", "few_shot"])
@pytest.mark.parametrize("task", ["classify", "instruct", "lm"])
def test_a_run_of_prompts_is_asked_through_its_prompt(technique, task, recipe_for, tmp_path):
    run = wb.train(recipe_for(task, technique, max_steps=None), tmp_path, progress=False)
    answer = run.ask(QUESTIONS[task])
    assert (answer.run.label or answer.run.text) is not None
    if technique == "zero_shot":
        assert answer.run == answer.base
    else:
        assert "without examples" in answer.base.note
    assert close(run.record().ask(QUESTIONS[task]).run, answer.run)


def test_an_image_is_asked_by_its_path_or_its_bytes(tiny_vit, tmp_path):
    from PIL import Image

    rows = []
    for number, (label, colour) in enumerate([("red", (250, 0, 0)), ("blue", (0, 0, 250))] * 6):
        (tmp_path / label).mkdir(exist_ok=True)
        path = tmp_path / label / f"{number}.png"
        Image.new("RGB", (16, 16), colour).save(path)
        rows.append({"image": str(path), "label": label})
    data = tmp_path / "images.jsonl"
    data.write_text("".join(json.dumps(row) + "\n" for row in rows))
    recipe = wb.Recipe(
        model=str(tiny_vit),
        data=str(data),
        task="image_classify",
        technique="lora",
        eval_fraction=0.5,
        max_steps=5,
    )
    run = wb.train(recipe, tmp_path / "runs", progress=False)
    path = rows[0]["image"]
    by_path, by_bytes = run.ask([path, Path(path).read_bytes()])
    assert by_path.run == by_bytes.run
    assert "bytes" in by_bytes.question
    assert {row.expected for row in examples(run, 2)} == {"red", "blue"}
    with pytest.raises(RecipeError, match="path of an image"):
        run.ask("no such file")


@pytest.mark.parametrize("content", ["", "  ", 7, None, ["a text", ""]])
def test_what_cannot_be_asked_is_refused_in_a_sentence(content, recipe_for, tmp_path):
    run = wb.train(recipe_for("classify", max_steps=1), tmp_path, progress=False)
    with pytest.raises(RecipeError, match="content must be a text that is not empty"):
        run.ask(content)


@pytest.mark.parametrize("count", [0, -1, 1.5, True, 10_000])
def test_a_number_of_tokens_that_cannot_be_is_refused(count, recipe_for, tmp_path):
    run = wb.train(recipe_for("lm", max_steps=1), tmp_path, progress=False)
    with pytest.raises(RecipeError, match="max_new_tokens must be"):
        run.ask("the film", max_new_tokens=count)


def test_a_run_without_a_model_says_why(recipe_for, tmp_path):
    recipe = recipe_for("classify")
    with pytest.raises(TrainingError, match="cannot predict: its model is not loaded yet"):
        wb.Run(recipe, tmp_path).ask("a text")
    run = wb.train(recipe, tmp_path, progress=False)
    record = run.record()
    (run.path / "adapter").rename(tmp_path / "elsewhere")
    with pytest.raises(TrainingError, match="it is finished and has no saved weights"):
        record.ask("a text")


def test_a_run_over_a_module_says_how_to_ask_it(tmp_path):
    net = torch.nn.Sequential(torch.nn.Linear(4, 8), torch.nn.ReLU(), torch.nn.Linear(8, 2))
    data = torch.randn(16, 4), torch.randint(2, (16,))
    loss = torch.nn.functional.cross_entropy
    run = wb.train_module(net, data, loss, r=2, max_steps=2, runs=tmp_path, progress=False)
    with pytest.raises(TrainingError, match=r"takes tensors and not texts: call run\.model\(x\)"):
        run.ask("a text")


def test_asking_a_compiled_run_waits_for_its_end(recipe_for, tmp_path):
    run = wb.Run(recipe_for("classify", torch_compile=True), tmp_path)
    run.plan, run.model, run.state = {"trainable": "adapter"}, torch.nn.Linear(1, 1), "running"
    with pytest.raises(TrainingError, match="torch_compile"):
        run.ask("a text")


def test_a_question_that_nobody_wants_ends_within_a_token(recipe_for, tmp_path):
    run = wb.train(recipe_for("lm", max_steps=1), tmp_path, progress=False)
    looks = iter(range(1000))

    def is_cancelled():
        return next(looks) > 6

    with pytest.raises(Cancelled):
        ask(run, "the film", max_new_tokens=100, is_cancelled=is_cancelled)
    assert next(looks) < 12
    assert isinstance(run.ask("the film", max_new_tokens=2).run, Reply)


def test_a_question_to_a_run_in_the_middle_of_a_step_can_be_taken_back(recipe_for, tmp_path):
    run = wb.train(recipe_for("classify", max_steps=1), tmp_path, progress=False)
    cancelled = threading.Event()
    threading.Timer(0.5, cancelled.set).start()
    with run.stepping, pytest.raises(Cancelled):
        ask(run, "a text", is_cancelled=cancelled.is_set)


def test_what_was_saved_with_statistics_and_biases_leaves_the_base_alone(recipe_for, tmp_path):
    run = wb.train(recipe_for("classify", bias="all", learning_rate=0.1), tmp_path, progress=False)
    stored = load_file(run.path / "adapter" / "adapter_model.safetensors")
    assert any(name.endswith("bias") for name in stored)
    answer, saved = run.ask("the film was good"), run.record().ask("the film was good")
    assert close(answer.run, saved.run)
    assert is_pristine(run.base)

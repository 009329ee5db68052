"""Prompting: nothing is trained, and the base is asked on the rows that trained runs are asked on."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest
import torch
import transformers

import workbench as wb
from workbench.errors import RecipeError
from workbench.registry.prompt_templates import CONTENT_FREE, TEMPLATES
from workbench.registry.techniques import TECHNIQUES, arguments
from workbench.sources.lookup import load_data, look_up
from workbench.training.inputs.few_shot import draw_examples, prompt_lm
from workbench.training.inputs.limits import choose_rows
from workbench.training.inspection.look.marks import SCORED
from workbench.training.inspection.skeleton import count

PROMPTS = [name for name, entry in TECHNIQUES.items() if entry.trainable == "nothing"]
BUNDLED = {
    "reviews": "classify",
    "support": "classify",
    "village-qa": "instruct",
    "chronicle": "lm",
}
CASES = [(name, data) for name in PROMPTS for data in BUNDLED]


def asking(technique, data="reviews", rows=6, **changes):
    return wb.Recipe(
        technique=technique,
        data=data,
        task=BUNDLED.get(data, "classify"),
        max_eval_samples=rows,
        **changes,
    )


def ask(recipe, folder):
    return wb.train(recipe, folder / "runs", progress=False)


def figures(event):
    return {key: value for key, value in event.items() if key != "seconds"}


def test_there_are_two_for_every_task_that_a_language_model_can_answer():
    assert PROMPTS == ["zero_shot", "few_shot"]
    assert set(TEMPLATES) == set(TECHNIQUES["few_shot"].tasks)
    assert all(spec.metadata["help"].endswith(".") for spec, _ in arguments("few_shot").values())


@pytest.mark.parametrize(("technique", "data"), CASES)
def test_a_run_is_one_evaluation_of_the_base_as_it_is(technique, data, tmp_path):
    recipe = asking(technique, data, max_new_tokens=4)
    run = ask(recipe, tmp_path)
    assert [event["step"] for event in run.evaluations] == [0]
    assert run.losses == []
    assert run.parameters["trainable"] == run.parameters["injected"] == 0
    assert count(recipe) == run.parameters
    assert {path.name for path in run.path.iterdir()} == {
        "recipe.yaml",
        "plan.json",
        "metrics.jsonl",
        "result.json",
    }
    assert run.record().result["state"] == "finished"


@pytest.mark.parametrize("data", ["village-qa", "chronicle"])
def test_without_examples_it_is_what_training_begins_from(data, tmp_path):
    zero = ask(asking("zero_shot", data, max_new_tokens=8), tmp_path)
    lora = asking("lora", data, max_new_tokens=8, eval_on_start=True, max_steps=1)
    start = ask(lora, tmp_path).evaluations[0]
    found = zero.evaluations[0]
    assert found["loss"] == pytest.approx(start["loss"], rel=1e-6)
    assert found.keys() == start.keys()


def by_hand(model, tokenizer, prompt, words):
    """Add up the log-probabilities of each word's tokens behind a prompt."""
    scores, counts = [], []
    before = len(tokenizer(prompt)["input_ids"])
    for word in words:
        ids = torch.tensor([tokenizer(prompt + word)["input_ids"]])
        with torch.no_grad():
            chances = model(ids).logits.log_softmax(-1)[0]
        places = range(before, ids.shape[1])
        scores.append(sum(float(chances[i - 1, ids[0, i]]) for i in places))
        counts.append(len(places))
    return torch.tensor(scores), torch.tensor(counts)


@pytest.mark.parametrize(
    "changes", [{}, {"normalize": True}, {"calibrate": True}, {"num_examples": 2}]
)
def test_labels_are_weighed_as_by_hand(changes, tmp_path):
    words = {"positive": "a good thing", "negative": "bad"}
    recipe = asking("few_shot", rows=5).replace(label_words=words, **changes)
    run = ask(recipe, tmp_path)
    plan, table = run.plan, load_data(recipe)
    model = transformers.AutoModelForCausalLM.from_pretrained(plan["model_path"]).eval()
    tokenizer = transformers.AutoTokenizer.from_pretrained(plan["model_path"])
    shown = [table.train[number] for number in plan["prompt"]["examples"]]
    lead = "".join(f"Text: {row['text']}\nLabel: {words[row['label']]}\n\n" for row in shown)
    asked = [f" {words[label]}" for label in table.labels]

    def weigh(text):
        scores, counts = by_hand(model, tokenizer, f"{lead}Text: {text}\nLabel:", asked)
        return scores / counts if changes.get("normalize") else scores

    favour = torch.zeros(2)
    if changes.get("calibrate"):
        favour = torch.stack([weigh(text).softmax(-1) for text in CONTENT_FREE]).mean(0).log()
    losses, hits = [], 0
    for row in table.eval[:5]:
        chances = (weigh(row["text"]).log_softmax(-1) - favour).log_softmax(-1)
        want = table.labels.index(row["label"])
        losses.append(-float(chances[want]))
        hits += int(chances.argmax()) == want
    found = run.evaluations[0]
    assert found["loss"] == pytest.approx(sum(losses) / 5, rel=1e-4)
    assert found["accuracy"] == hits / 5


def run_scripts(*scripts):
    code = (
        "import runpy, sys\n"
        "for name in sys.argv[1:]:\n"
        "    kept, sys.argv = sys.argv, [name]\n"
        "    runpy.run_path(name, run_name='__main__')\n"
        "    sys.argv = kept\n"
        "assert 'workbench' not in sys.modules\n"
    )
    done = subprocess.run(
        [sys.executable, "-I", "-W", "ignore", "-c", code, *map(str, scripts)],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "HF_HUB_OFFLINE": "1"},
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return [json.loads(line) for line in done.stdout.splitlines()]


def check_scripts(recipes, tmp_path):
    runs = [ask(recipe, tmp_path) for recipe in recipes]
    scripts = [wb.export(run, tmp_path / f"script{i}.py") for i, run in enumerate(runs)]
    told = run_scripts(*scripts)
    assert [figures(event) for event in told] == [figures(run.evaluations[0]) for run in runs]
    checked = subprocess.run(
        [sys.executable, "-m", "ruff", "check", "--select", "E4,E7,E9,F,I", *map(str, scripts)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert checked.returncode == 0, checked.stdout
    for script in scripts:
        text = script.read_text()
        assert "optimizer" not in text
        assert "import peft" not in text
        assert "save_pretrained" not in text


def test_scripts_give_the_figures_of_the_run_to_the_last_bit(tmp_path):
    weighed = asking("few_shot", rows=4).replace(calibrate=True, examples=[7, 2])
    asked = asking("zero_shot", "village-qa", rows=4, max_new_tokens=4)
    check_scripts([weighed, asked], tmp_path)


def test_scripts_take_their_examples_from_the_rows_that_are_not_evaluated(tmp_path, tiny_llama):
    rows = tmp_path / "rows.jsonl"
    lines = [{"text": f"row {n} {'ab'[n % 2]}", "label": "ab"[n % 2]} for n in range(20)]
    rows.write_text("".join(json.dumps(line) + "\n" for line in lines))
    recipe = wb.Recipe(
        technique="few_shot",
        task="classify",
        model=str(tiny_llama),
        data=str(rows),
        eval_fraction=0.5,
    )
    check_scripts([recipe], tmp_path)


@pytest.mark.slow
def test_scripts_of_every_task_give_the_figures_of_the_run(tmp_path, tiny_t5, tiny_llama):
    pairs = tmp_path / "pairs.jsonl"
    lines = [{"prompt": f"say {n}", "completion": f"it is {n}"} for n in range(30)]
    pairs.write_text("".join(json.dumps(line) + "\n" for line in lines))
    plain = tmp_path / "plain"
    tokenizer = transformers.AutoTokenizer.from_pretrained(tiny_llama)
    tokenizer.chat_template = None
    transformers.AutoModelForCausalLM.from_pretrained(tiny_llama).save_pretrained(plain)
    tokenizer.save_pretrained(plain)
    recipes = [asking(name, data, max_new_tokens=4) for name, data in CASES]
    of_pairs = {"data": str(pairs), "max_new_tokens": 4, "max_eval_samples": 3}
    for name in PROMPTS:
        recipes.append(wb.Recipe(technique=name, task="seq2seq", model=str(tiny_t5), **of_pairs))
        recipes.append(
            wb.Recipe(
                technique=name, task="instruct", model=str(plain), quantization="nf4", **of_pairs
            )
        )
    check_scripts(recipes, tmp_path)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        (
            {"template": "Is this good? {label}"},
            "template must be a string that contains {text} and then",
        ),
        (
            {"template": "{text} {mood} {label}"},
            "template must be a string that contains {text} and then",
        ),
        ({"template": "{text} is {label}."}, "once and ends with {label}"),
        ({"num_examples": 5000}, "num_examples must be at most 1240, but is 5000"),
        ({"num_examples": 0}, "num_examples must be an integer of at least 1"),
        ({"examples": [1, 1241]}, "examples must be numbers from 1 to 1240"),
        ({"examples": [0]}, "examples must be a list of row numbers from 1"),
        ({"label_words": {"positive": "good"}}, "it lacks 'negative'"),
        ({"label_words": {"positive": "a", "negative": "a"}}, "cannot be distinguished"),
        ({"label_words": {"positive": "a", "negative": "b", "odd": "c"}}, "no label 'odd'"),
        ({"task": "lm", "calibrate": True}, "calibrate must be False with the task 'lm'"),
        ({"model": "all-MiniLM-L6-v2"}, "it is an encoder, which cannot continue a prompt"),
        ({"task": "token_classify"}, "technique must be one that supports the task"),
        ({"r": 8}, "r must be a setting of the recipe or an argument of Few-shot prompting"),
    ],
)
def test_what_is_wrong_is_one_sentence(changes, sentence):
    problems = look_up(asking("few_shot").replace(**changes)).problems
    told = [str(problem) for problem in problems if problem.parameter not in ("data", "task")]
    assert len(told) == 1
    assert sentence in told[0]


def test_what_is_wrong_is_said_before_a_run_begins(tmp_path):
    recipe = asking("few_shot").replace(num_examples=5000)
    with pytest.raises(RecipeError, match="num_examples must be at most 1240"):
        ask(recipe, tmp_path)


def test_examples_are_drawn_by_seed_with_the_labels_in_turn():
    rows = [{"label": "abc"[n % 3]} for n in range(30)]
    drawn = draw_examples(rows, 6, 0, "label")
    assert sorted(rows[number]["label"] for number in drawn) == list("aabbcc")
    assert drawn == draw_examples(rows, 6, 0, "label")
    assert drawn != draw_examples(rows, 6, 1, "label")
    assert len(set(draw_examples(rows, 30, 0, None))) == 30


def test_examples_that_do_not_fit_are_left_out_and_the_run_says_so(tmp_path):
    recipe = asking("few_shot", rows=8, max_length=100).replace(num_examples=16)
    run = ask(recipe, tmp_path)
    (note,) = [note for note in run.notes if "num_examples=16" in note]
    assert "max_length=100" in note


@pytest.mark.parametrize("max_length", [8, 12, 40])
def test_texts_behind_others_have_the_targets_of_training(max_length, tiny_llama):
    tokenizer = transformers.AutoTokenizer.from_pretrained(tiny_llama)
    rows = [{"text": "the film was good"}, {"text": "the lamp was bad and I hated it " * 5}]
    settings = {"text_column": "text", "max_length": max_length, "template": "So: {text}"}
    encoded = prompt_lm(rows, tokenizer, examples=rows[:1] * 3, **settings)
    from workbench.training.inputs.tokenize import encode_lm

    trained = encode_lm(rows, tokenizer, text_column="text", max_length=max_length)
    for ours, theirs in zip(encoded, trained, strict=True):
        assert len(ours["input_ids"]) == len(ours["labels"]) <= max_length
        kept = [label for label in ours["labels"] if label != -100]
        assert kept == theirs["labels"][1:]
        assert ours["input_ids"][-len(theirs["input_ids"]) :] == theirs["input_ids"]


@pytest.mark.parametrize(("technique", "data"), CASES)
def test_the_preview_shows_the_prompt_and_marks_what_is_asked_for(technique, data):
    recipe = asking(technique, data)
    for row in wb.look(recipe).rows:
        assert 0 < row.count(SCORED) < row.tokens
        assert (row.prompt.count("Label:") == (5 if technique == "few_shot" else 1)) or (
            BUNDLED[data] != "classify"
        )


def test_compared_with_a_trained_run(tmp_path):
    runs = [ask(asking(name, rows=8, max_steps=2), tmp_path) for name in ("zero_shot", "lora")]
    comparison = wb.compare(runs)
    assert "Zero-shot prompting" in str(comparison)
    right = comparison.plot().axes[1]
    assert right.get_xscale() == "log"
    assert any("nothing trained" in text.get_text() for text in right.texts)
    only = wb.compare(runs[:1])
    assert "not evaluated yet" not in {text.get_text() for text in only.plot().axes[1].texts}
    assert only.to_html()


def test_the_form_has_a_long_text_for_the_template_and_the_card_shows_the_prompt():
    import threading

    import ipywidgets as widgets

    from workbench.panels.bench.data_preview import describe
    from workbench.panels.bench.technique_card import TechniqueFormCard
    from workbench.panels.kernel import preload

    loaded, told = threading.Event(), []
    preload.load(loaded.set)
    assert loaded.wait(120)
    card = TechniqueFormCard(lambda *_: None, lambda *change: told.append(change))
    recipe = asking("few_shot")
    card.show(recipe)
    assert card._fold is None  # nothing is folded away
    assert set(card.fields) == set(arguments("few_shot"))
    template = card.fields["template"].control
    assert isinstance(template, widgets.Textarea)
    template.value = "{text}\nSo: {label}"
    card.fields["examples"].control.value = "3, 17"
    assert told == [("template", "{text}\nSo: {label}"), ("examples", [3, 17])]
    table = load_data(recipe)
    recipe = recipe.replace(**dict(told))
    shown = describe(table, wb.look(recipe))
    assert f"{table.train[2]['text']}\nSo: {table.train[2]['label']}" in shown.replace(
        "&#x27;", "'"
    )


def test_examples_are_chosen_by_reading_the_training_rows():
    import ipywidgets as widgets

    from workbench.panels.bench.technique_card import TechniqueFormCard

    told = []
    card = TechniqueFormCard(lambda *_: None, lambda *change: told.append(change))
    recipe = asking("few_shot")
    card.show(recipe)
    table = load_data(recipe)
    rows, _ = choose_rows(recipe.resolved(), table)
    card.offer_rows((rows, table.columns))
    (chooser,) = (
        one for one in card._examples.widget.children if isinstance(one, widgets.SelectMultiple)
    )
    label = rows[6][table.columns["label"]]
    assert chooser.options[6][0].startswith(f"7. {label} · {rows[6]['text'][:20]}")
    chooser.value = (7,)
    chooser.value = (2, 7)
    assert told == [("examples", [7]), ("examples", [7, 2])]  # in the order of picking
    card.show(recipe.replace(examples=[7, 2]))
    assert card.fields["examples"].control.value == "[7, 2]"
    card.show(recipe.replace(examples=[3]))  # typed
    assert chooser.value == (3,)
    assert len(told) == 2
    chooser.value = ()
    assert told[-1] == ("examples", None)
    card.offer_rows(None)
    assert card._examples.widget.layout.display == "none"


def test_a_fit_says_which_bases_can_be_asked(tiny_llama, tiny_bert):
    assert wb.compatible(tiny_llama, "few_shot").compatible
    refused = wb.compatible(tiny_bert, "zero_shot")
    assert not refused.compatible
    assert "cannot continue a prompt" in str(refused)

"""What cannot be trained is refused in a sentence, and what goes wrong leaves weights as they were."""

from __future__ import annotations

import json
import threading

import pytest
import torch
import transformers
from accelerate import Accelerator

import workbench as wb
from workbench.errors import ModelError, RecipeError
from workbench.panels.bench.inspector import Inspector
from workbench.panels.kernel import preload
from workbench.training.batches import encode_rows, largest_batch_step
from workbench.training.inspection.skeleton import count
from workbench.training.loop import train
from workbench.training.resolve import resolve


@pytest.fixture
def write(tmp_path):
    """Write rows with a text, a label, a prompt and an answer each, and return their file."""

    def write(number=40, **columns):
        rows = [
            {
                "text": f"the {i}th film was good",
                "label": ("no", "yes")[i % 2],
                "prompt": f"was film {i} good?",
                "completion": "yes",
            }
            | columns
            for i in range(number)
        ]
        path = tmp_path / f"rows-{number}.jsonl"
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
        return str(path)

    return write


def refused(recipe):
    """Return the sentences in which a recipe is refused before anything is trained."""
    with pytest.raises(RecipeError) as caught:
        resolve(recipe)
    return str(caught.value)


@pytest.mark.parametrize(
    "setting", ["learning_rate", "num_train_epochs", "weight_decay", "eval_fraction"]
)
@pytest.mark.parametrize("value", [float("inf"), float("nan")])
def test_numbers_without_end_are_refused(setting, value):
    said = [str(problem) for problem in wb.Recipe(**{setting: value}).problems()]
    assert len(said) == 1
    assert said[0].startswith(f"{setting} must be a number")
    assert f"but is {value}" in said[0]


def test_gradients_may_go_without_a_limit():
    assert wb.Recipe(max_grad_norm=float("inf")).problems() == []


def test_a_learning_rate_that_rises_to_the_end_is_refused(tiny_llama, write):
    recipe = wb.Recipe(model=str(tiny_llama), data=write(), task="lm", warmup_steps=5)
    said = "warmup_steps must be below the run's 5 steps, but is 5"
    assert said in str(recipe.replace(max_steps=5).problems()[0])
    assert recipe.replace(max_steps=6).problems() == []
    # 36 rows of the 40 in batches of 8
    assert said in refused(recipe.replace(num_train_epochs=1))


def test_data_too_small_to_be_split_is_refused(tiny_llama, write):
    recipe = wb.Recipe(model=str(tiny_llama), data=write(1), task="lm")
    said = refused(recipe)
    assert said.startswith("eval_fraction must be small enough to leave rows to train on")
    assert "1 row" in said
    assert len(resolve(recipe.replace(eval_data=recipe.data)).train_rows) == 1


def test_the_largest_batch_step_is_looked_for_in_one_epoch():
    rows = [{"input_ids": [0] * length, "labels": 0} for length in range(1, 11)]
    steps = [
        largest_batch_step(
            rows,
            wb.Recipe(per_device_train_batch_size=2, gradient_accumulation_steps=2, seed=seed),
            10**9,
        )
        for seed in range(5)
    ]
    assert len(set(steps)) > 1
    assert all(1 <= step <= 3 for step in steps)


class Cusp(torch.nn.Module):
    """Has a finite loss whose gradient is not finite."""

    def __init__(self):
        super().__init__()
        self.weight = torch.nn.Parameter(torch.ones(3))

    def forward(self, labels, **_):
        loss = (self.weight * 0).sqrt().sum()
        return transformers.modeling_outputs.SequenceClassifierOutput(loss=loss)


def test_gradients_that_are_not_finite_never_reach_the_weights():
    model = Cusp()
    optimizer = torch.optim.AdamW(model.parameters())
    scheduler = transformers.get_constant_schedule(optimizer)
    batch = {"attention_mask": torch.ones(1, 1), "labels": torch.zeros(1, dtype=torch.long)}
    events = train(
        Accelerator(), model, optimizer, scheduler, [batch], lambda _: iter(()), max_steps=3
    )
    with pytest.raises(FloatingPointError, match="gradient norm became nan at step 1"):
        next(events)
    assert model.weight.tolist() == [1, 1, 1]


@pytest.mark.parametrize("task", ["classify", "lm", "instruct"])
@pytest.mark.parametrize("technique", ["lora", "prompt_tuning", "zero_shot"])
def test_rows_beyond_the_context_are_cut_only_where_the_recipe_says_so(
    technique, task, tiny_llama, write, tmp_path
):
    long = "it was good and bad " * 60
    changes = {"completion": long} if task == "instruct" else {"text": long}
    recipe = wb.Recipe(
        model=str(tiny_llama), data=write(9), eval_data=write(4, **changes), task=task
    ).replace(technique=technique, max_steps=1)
    with pytest.raises(RecipeError) as caught:
        wb.train(recipe, tmp_path / "runs", progress=False)
    room = 128 - (recipe.resolved().technique_args.get("num_virtual_tokens") or 0)
    asked = 4 if technique == "zero_shot" else 13
    assert str(caught.value).startswith(f"4 of {asked} rows are longer than the {room} tokens that")
    assert f"set max_length to {room} to truncate them" in str(caught.value)
    assert list((tmp_path / "runs").iterdir()) == []
    run = wb.train(recipe.replace(max_length=room), tmp_path / "runs", progress=False)
    said = f"4 of {asked} rows are longer than max_length={room} and truncated"
    assert any(note.startswith(said) for note in run.notes)
    assert run.state == "finished"


def test_rows_that_just_fit_are_not_said_to_be_cut(tiny_llama, write, tmp_path):
    recipe = wb.Recipe(model=str(tiny_llama), data=write(8), task="lm", max_steps=1)
    fits = max(len(row["input_ids"]) for row in encode_rows(resolve(recipe))[0])
    for length, said in ((fits, 0), (fits - 1, 1)):
        run = wb.train(recipe.replace(max_length=length), tmp_path / "runs", progress=False)
        assert len(run.notes) == said


LONG = [
    {"technique": "lora", "max_length": 32},
    {"technique": "lora", "max_length": 128},
    {"technique": "prompt_tuning", "max_length": 112},
    {"technique": "prefix_tuning", "max_length": 98},
]


@pytest.fixture(scope="module")
def gpt2(save_model, tmp_path_factory):
    """A model with learnt positions, none of which lies beyond its context of 128 tokens."""
    folder = tmp_path_factory.mktemp("models") / "gpt2"
    return save_model(folder, "GPT2Config", "GPT2LMHeadModel", n_inner=64)


@pytest.mark.parametrize("changes", LONG, ids=str)
@pytest.mark.parametrize("long", ["prompt", "completion"])
@pytest.mark.parametrize("tiny", ["tiny_llama", "gpt2"])
def test_answers_to_texts_beyond_the_context_are_generated(
    tiny, long, changes, write, tmp_path, request
):
    model = str(request.getfixturevalue(tiny))
    data = write(6, **{long: "it was good and bad " * 60})
    recipe = wb.Recipe(model=model, data=data, task="instruct", max_steps=1).replace(**changes)
    run = wb.train(recipe, tmp_path / "runs", progress=False)
    assert run.evaluations[-1]["exact_match"] == 0


@pytest.mark.parametrize(("technique", "most"), [("lora", 120), ("prompt_tuning", 104)])
def test_answers_as_long_as_the_context_are_refused(technique, most, tiny_llama, write):
    recipe = wb.Recipe(model=str(tiny_llama), data=write(), task="instruct", technique=technique)
    said = refused(recipe.replace(max_new_tokens=most + 1))
    assert said.startswith(f"max_new_tokens must be at most {most}, but is {most + 1}")
    plan = resolve(recipe.replace(max_new_tokens=most)).plan
    assert plan.max_prompt_length == 8
    assert resolve(recipe.replace(task="lm", max_new_tokens=9999)).plan.max_prompt_length == 0


def test_what_cannot_be_trained_is_not_counted_either(tiny_llama, write):
    recipe = wb.Recipe(model=str(tiny_llama), data=write(), task="lm", technique="prompt_tuning")
    with pytest.raises(RecipeError, match="num_virtual_tokens must be at most 120, but is 10000"):
        count(recipe.replace(num_virtual_tokens=10_000))


def test_the_panel_says_once_what_cannot_be_trained(tiny_llama, write):
    loaded, told = threading.Event(), {}
    preload.load(loaded.set)
    assert loaded.wait(120)
    recipe = wb.Recipe(model=str(tiny_llama), data=write(), task="lm", technique="prompt_tuning")
    inspector = Inspector(told.__setitem__)
    inspector.inspect(recipe.replace(num_virtual_tokens=10_000), lambda: False)
    assert [problem.parameter for problem in told["problems"]] == ["num_virtual_tokens"]
    assert told["count"] is None
    inspector.inspect(recipe, lambda: False)
    assert told["problems"] == []
    assert told["count"]["trainable"] == 16 * 32


@pytest.mark.parametrize("technique", ["lora", "prompt_tuning"])
def test_the_preview_is_cut_where_training_cuts(technique, tiny_llama, write):
    data = write(text="it was good and bad " * 60)
    recipe = wb.Recipe(model=str(tiny_llama), data=data, task="lm", technique=technique)
    shown = wb.look(recipe, rows=2)
    assert {row.tokens for row in shown.rows} == {resolve(recipe).plan.max_length}


@pytest.mark.parametrize(
    ("technique", "args", "sentence"),
    [
        ("lora", {"target_modules": ["q_prj"]}, "target_modules must be the name of a module"),
        ("lora", {"r": 100}, "r must be at most 32, the width of the layers"),
        ("oft", {"oft_block_size": 12}, "oft_block_size must be a divisor of 32"),
        (
            "last_layers",
            {"num_layers": 9},
            "num_layers must be at most 2, the number of blocks of the base",
        ),
        ("xlora", {}, "adapters must be a mapping of names to folders"),
        ("prompt_tuning", {"num_virtual_tokens": 500}, "num_virtual_tokens must be at most 120"),
    ],
)
def test_what_shapes_forbid_is_said_before_a_weight_is_loaded(
    technique, args, sentence, tiny_llama, write, monkeypatch
):
    monkeypatch.setattr(
        "workbench.training.resolve.load_base", lambda *_, **__: pytest.fail("loaded")
    )
    recipe = wb.Recipe(model=str(tiny_llama), task="lm", data=write(), technique=technique)
    with pytest.raises(RecipeError, match=sentence):
        resolve(recipe.replace(**args))


def test_layers_that_are_left_out_one_and_all_are_named(tiny_llama, tmp_path, write):
    recipe = wb.Recipe(model=str(tiny_llama), task="lm", data=write())
    with pytest.raises(ModelError, match="layers_to_transform and layers_pattern together leave"):
        wb.train(recipe.replace(layers_to_transform=[7]), tmp_path, progress=False)

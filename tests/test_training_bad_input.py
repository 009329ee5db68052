"""What cannot be trained is refused in a sentence, and what goes wrong leaves weights as they were."""

from __future__ import annotations

import json

import pytest
import torch
import transformers
from accelerate import Accelerator

import workbench as wb
from workbench.errors import RecipeError
from workbench.training.loop import train
from workbench.training.plan import resolve
from workbench.training.prepare import fullest_step


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


def test_the_fullest_step_is_looked_for_in_one_epoch():
    rows = [{"input_ids": [0] * length} for length in range(1, 11)]
    steps = [
        fullest_step(
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

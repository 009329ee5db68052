"""From a recipe to batches and scores: what is encoded, targeted, counted and measured."""

from __future__ import annotations

import json
import shutil

import pytest
import torch
import transformers
from accelerate import Accelerator
from accelerate.state import AcceleratorState
from hypothesis import given, settings
from hypothesis import strategies as st

import workbench as wb
from tests.serving import ASK, mechanisms, serving
from workbench.errors import ModelError, RecipeError
from workbench.registry.tasks import TASKS
from workbench.registry.techniques import TECHNIQUES
from workbench.sources.datasets.conversations.forms import pair_messages
from workbench.training import evaluate
from workbench.training.adaptation.base_model import skeleton
from workbench.training.adaptation.target_modules import block_linears
from workbench.training.inputs import tokenize
from workbench.training.inputs.collate import (
    collate_left,
    collate_prompts,
    collate_right,
    collate_tokens,
)
from workbench.training.inputs.split import split_rows
from workbench.training.inspection.skeleton import count
from workbench.training.prepare import prepare
from workbench.training.resolve import resolve

LABELS = ["no", "yes"]


@pytest.fixture
def rows(tmp_path):
    path = tmp_path / "rows.jsonl"
    written = [
        {
            "text": f"the {i}th film was {'good' if i % 2 else 'bad'}",
            "label": LABELS[i % 2],
            "prompt": f"was film {i} good?",
            "completion": LABELS[i % 2],
            "tokens": ["was", f"film{i}", "good"],
            "tags": ["O", "B-FILM", "O"],
        }
        for i in range(40)
    ]
    path.write_text("".join(json.dumps(row) + "\n" for row in written))
    return str(path)


def recipe_for(model, data, task, technique):
    return wb.Recipe(model=str(model), data=data, task=task, technique=technique, max_steps=2)


# Those of a decoder; other tasks have tests of their own.
OF_A_DECODER = [task.name for task in TASKS.values() if "causal-lm" in task.model_kinds]
CELLS = [
    pytest.param(task, name, marks=() if name in mechanisms() else pytest.mark.slow)
    for task in OF_A_DECODER
    for name, technique in TECHNIQUES.items()
    if task in technique.tasks and name not in ASK
]


@pytest.mark.parametrize(("task", "technique"), CELLS)
def test_counting_on_shapes_gives_what_training_has(task, technique, tiny_llama, rows):
    recipe = recipe_for(tiny_llama, rows, task, technique)
    assert count(recipe) == prepare(recipe).parameters


@pytest.mark.parametrize("technique", serving("classify"))
def test_encoders_are_adapted_too(technique, tiny_bert, rows, tmp_path):
    recipe = recipe_for(tiny_bert, rows, "classify", technique)
    run = wb.train(recipe, tmp_path, progress=False)
    assert count(recipe) == run.parameters
    assert {"loss", "accuracy", "f1"} <= set(run.evaluations[-1])


def test_the_count_follows_the_rank(tiny_llama, rows):
    recipe = recipe_for(tiny_llama, rows, "lm", "lora")
    ranks = (1, 4, 16)
    counts = [count(recipe.replace(r=r))["trainable"] for r in ranks]
    assert counts == [r * counts[0] for r in ranks]


def test_default_targets_are_the_linears_of_the_blocks_and_no_other(tiny_llama, tiny_bert):
    llama = skeleton(str(tiny_llama), "AutoModelForCausalLM", None, False)
    assert block_linears(llama) == sorted(
        ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]
    )
    bert = skeleton(str(tiny_bert), "AutoModelForSequenceClassification", 2, False)
    targets = block_linears(bert)
    matched = {
        name
        for name, module in bert.named_modules()
        if any(name == target or name.endswith(f".{target}") for target in targets)
    }
    assert matched == {
        name
        for name, module in bert.named_modules()
        if isinstance(module, torch.nn.Linear) and ".layer." in name
    }


def test_a_chat_template_shapes_instructions_and_only_the_answer_is_learnt(tiny_llama, rows):
    tokenizer = transformers.AutoTokenizer.from_pretrained(str(tiny_llama))
    (row,) = tokenize.encode_instruct(
        [
            pair_messages(
                {"q": "Where is Tom?", "a": "At home."}, prompt_column="q", completion_column="a"
            )
        ],
        tokenizer,
        completion_only=True,
        max_length=64,
        max_prompt_length=64,
    )
    learnt = [i for i, label in zip(row["input_ids"], row["labels"], strict=True) if label != -100]
    assert tokenizer.decode(learnt, skip_special_tokens=True).strip() == "At home."
    assert learnt[-1] == tokenizer.eos_token_id
    turn = [{"role": "user", "content": "Where is Tom?"}]
    before = tokenizer.apply_chat_template(turn, tokenize=False, add_generation_prompt=True)
    assert tokenizer.decode(row["prompt_ids"]) == before


@pytest.mark.parametrize("length", [8, 9, 12, 30])
def test_a_long_prompt_loses_its_beginning_and_keeps_the_answer(length, tiny_llama):
    tokenizer = transformers.AutoTokenizer.from_pretrained(str(tiny_llama))
    (row,) = tokenize.encode_instruct(
        [pair_messages({"q": "very " * 100, "a": "yes"}, prompt_column="q", completion_column="a")],
        tokenizer,
        completion_only=True,
        max_length=length,
        max_prompt_length=5,
    )
    assert len(row["input_ids"]) == length
    assert len(row["prompt_ids"]) == 5
    assert row["labels"][-1] == tokenizer.eos_token_id


@given(st.integers(2, 60), st.floats(0.01, 0.9), st.integers(0, 5))
def test_splitting_loses_and_doubles_nothing(number, fraction, seed):
    rows = [{"n": n} for n in range(number)]
    train, held = split_rows(rows, fraction, seed)
    assert sorted(row["n"] for row in train + held) == list(range(number))
    assert held
    assert split_rows(rows, fraction, seed) == (train, held)


encoded = st.lists(st.lists(st.integers(1, 99), min_size=1, max_size=9), min_size=1, max_size=5)


@given(encoded)
@settings(max_examples=50)
def test_padding_hides_nothing_and_adds_nothing(lists):
    rows = [
        {"input_ids": ids, "labels": ids, "prompt_ids": ids, "answer_ids": ids} for ids in lists
    ]
    single = [{"input_ids": ids, "labels": 0} for ids in lists]
    for batch in (
        collate_tokens(rows, 0),
        collate_right(single, 0),
        collate_left(single, 0),
        collate_prompts(rows, 0),
    ):
        kept = [
            ids[mask.bool()].tolist()
            for ids, mask in zip(batch["input_ids"], batch["attention_mask"], strict=True)
        ]
        assert kept == lists
        assert batch["input_ids"].shape == batch["attention_mask"].shape
    assert all(collate_left(single, 0)["attention_mask"][:, -1] == 1)


class Fixed(torch.nn.Module):
    """Gives the logits it was made with."""

    def __init__(self, logits):
        super().__init__()
        self.logits = logits

    def forward(self, labels, **_):
        loss = torch.nn.functional.cross_entropy(self.logits, labels)
        return transformers.modeling_outputs.SequenceClassifierOutput(loss=loss, logits=self.logits)


def test_accuracy_and_macro_f1():
    logits = torch.eye(3)[[0, 0, 1, 2]] * 9
    batch = {"input_ids": torch.zeros(4, 1), "labels": torch.tensor([0, 1, 1, 2])}
    evaluator = evaluate.evaluate_classify(Fixed(logits), [batch])
    *progress, last = evaluate.evaluation(evaluator, 1, 7)
    assert last["accuracy"] == 0.75
    assert last["f1"] == pytest.approx((2 / 3 + 2 / 3 + 1) / 3)
    assert last["step"] == 7
    assert [event["event"] for event in progress] == ["evaluating"]


def test_perplexity_is_that_of_the_loss(tiny_llama, rows, tmp_path):
    run = wb.train(recipe_for(tiny_llama, rows, "lm", "lora"), tmp_path, progress=False)
    last = run.evaluations[-1]
    assert last["perplexity"] == pytest.approx(torch.tensor(last["loss"]).exp().item(), rel=1e-6)
    assert 0 <= last["token_accuracy"] <= 1


def test_exact_match_finds_an_answer_learnt_by_heart(tiny_llama, tmp_path):
    path = tmp_path / "one.jsonl"
    path.write_text(json.dumps({"prompt": "who?", "completion": "it is Tom"}) + "\n")
    recipe = wb.Recipe(
        model=str(tiny_llama),
        data=str(path),
        eval_data=str(path),
        task="instruct",
        technique="full",
        learning_rate=1e-2,
        max_steps=60,
        eval_steps=60,
        eval_on_start=True,
    )
    first, last = wb.train(recipe, tmp_path, progress=False).evaluations
    assert (first["exact_match"], last["exact_match"]) == (0.0, 1.0)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"max_length": 10**6}, "max_length must be at most"),
        (
            {"technique": "prompt_tuning", "num_virtual_tokens": 10**6},
            "num_virtual_tokens must be at most",
        ),
    ],
)
def test_what_the_context_cannot_hold_is_refused(changes, sentence, tiny_llama, rows):
    recipe = recipe_for(tiny_llama, rows, "lm", "lora").replace(**changes)
    with pytest.raises(RecipeError, match=sentence):
        resolve(recipe)


@pytest.mark.parametrize("task", ["lm", "instruct"])
def test_an_encoder_cannot_continue_texts(task, tiny_bert, rows):
    with pytest.raises(RecipeError, match="task must be 'classify'.*it is an encoder"):
        resolve(recipe_for(tiny_bert, rows, task, "lora"))


def test_a_tokenizer_without_padding_borrows_the_end_of_text(tiny_llama, rows, tmp_path):
    folder = tmp_path / "model"
    shutil.copytree(tiny_llama, folder)
    settings = json.loads((folder / "tokenizer_config.json").read_text())
    settings.pop("pad_token")
    (folder / "tokenizer_config.json").write_text(json.dumps(settings))
    run = wb.train(recipe_for(folder, rows, "classify", "lora"), tmp_path, progress=False)
    assert run.plan["sets_pad_token"]


def test_a_technique_that_finds_nothing_to_train_says_so(rows):
    recipe = recipe_for("village-3m", rows, "lm", "bitfit")
    with pytest.raises(ModelError, match="BitFit finds none in LlamaForCausalLM, which has no"):
        count(recipe)


@pytest.mark.parametrize(
    ("technique", "args"),
    [
        ("pissa", {}),
        ("lora", {"init_lora_weights": "olora"}),
        ("lora", {"bias": "all"}),
        ("corda", {}),
        ("lora_ga", {}),
    ],
)
def test_what_writes_into_the_base_writes_into_a_copy(technique, args, tiny_llama, rows, tmp_path):
    recipe = recipe_for(tiny_llama, rows, "lm", "lora")
    before = wb.train(recipe, tmp_path, progress=False).losses
    writer = recipe.replace(technique=technique, technique_args=args)
    wb.train(writer, tmp_path, progress=False)
    base = resolve(recipe).base
    assert wb.train(recipe, tmp_path, progress=False).losses == before
    assert resolve(recipe).base is base


def test_a_base_that_was_merged_into_is_loaded_anew(tiny_llama, rows, tmp_path):
    recipe = recipe_for(tiny_llama, rows, "lm", "lora")
    first = wb.train(recipe, tmp_path, progress=False)
    first.model.merge_and_unload()
    assert wb.train(recipe, tmp_path, progress=False).losses == first.losses


def test_adalora_moves_its_ranks_and_tells(tiny_llama, rows, tmp_path):
    recipe = recipe_for(tiny_llama, rows, "lm", "adalora").replace(
        max_steps=8, init_r=6, target_r=2
    )
    run = wb.train(recipe, tmp_path, progress=False)
    in_use = [event["trainable"] for event in run.events if event["event"] == "train"]
    assert in_use[0] <= run.parameters["trainable"]
    assert in_use == sorted(in_use, reverse=True)
    assert in_use[-1] < in_use[0]


def test_a_trainer_in_the_same_notebook_does_not_change_a_runs_precision(tiny_llama, rows):
    def losses():
        prepared = prepare(recipe_for(tiny_llama, rows, "lm", "lora"))
        with prepared.randomness:
            return [event["loss"] for event in prepared.steps if event["event"] == "train"]

    AcceleratorState._reset_state(reset_partial_state=True)
    alone = losses()
    AcceleratorState._reset_state(reset_partial_state=True)
    try:
        Accelerator(mixed_precision="bf16")  # as a Trainer leaves it behind
        assert losses() == alone
    finally:
        AcceleratorState._reset_state(reset_partial_state=True)

"""Frozen prefixes: blocks under the first trained one are skipped, to the bit, where a recipe asks for it."""

from __future__ import annotations

import gc
import io
import json
import math
import weakref

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import workbench as wb
from tests.test_export import figures, run_scripts
from tests.tiny import ARCHITECTURES, inputs_for
from workbench.training import prepare
from workbench.training.inputs.collate import collate_left, collate_right
from workbench.training.speedups.frozen_prefix import activation_store, per_row
from workbench.training.speedups.frozen_prefix.activation_store import Activations
from workbench.training.speedups.frozen_prefix.blocks import find_frozen, reach
from workbench.training.speedups.frozen_prefix.per_row import keep_rows
from workbench.training.speedups.settings import use_gradient_checkpointing

# Their blocks return more than hidden states, or stand in two stacks.
LEFT_ALONE = ("t5", "bart", "deberta-v2")
TOP = {"technique": "lora", "technique_args": {"layers_to_transform": [1]}}


@pytest.fixture
def rows(tmp_path):
    """Rows of many lengths."""
    starts = [f"the film was {'so ' * (i % 7)}" for i in range(24)]
    return write(tmp_path / "rows.jsonl", starts, ("good", "bad", "fine", "dull"))


def write(path, starts, words):
    told = [
        {
            "text": f"{start} {words[i % 4]}",
            "label": words[i % 2],
            "prompt": f"{start} what?",
            "completion": words[i % 4],
        }
        for i, start in enumerate(starts)
    ]
    path.write_text("".join(json.dumps(row) + "\n" for row in told))
    return str(path)


def recipe_for(model, data, **changes):
    usual = {
        "per_device_train_batch_size": 4,
        "per_device_eval_batch_size": 4,
        "max_steps": 18,
        "eval_steps": 6,
        "max_new_tokens": 2,
    }
    return wb.Recipe(model=str(model), data=data, **{**usual, **changes})


def go(recipe):
    """Carry out a recipe; returns its events and what was prepared."""
    prepared = prepare.prepare(recipe)
    with prepared.randomness:
        return list(prepared.steps), prepared


def plainly(recipe, monkeypatch):
    """Carry out a recipe with every block of every batch computed."""
    with monkeypatch.context() as patched:
        patched.setattr(prepare, "skip_frozen", lambda *given: (given[-1], []))
        return go(recipe)[0]


def frozen_of(model, batch, top=1):
    """Train the highest blocks of a model only, and find what is under them."""
    model.requires_grad_(False)
    (stack,) = [part for part in model.modules() if isinstance(part, torch.nn.ModuleList)]
    for block in list(stack)[len(stack) - top :]:
        block.requires_grad_(True)
    return find_frozen(model, batch)


# -- which blocks -----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_blocks_are_found_and_skipped_to_the_bit_or_left_alone(name):
    model = ARCHITECTURES[name]()
    model.requires_grad_(False)
    stacks = [part for part in model.modules() if type(part).__name__ == "ModuleList"]
    stacks[-1][-1].requires_grad_(True)
    batch = inputs_for(model)
    frozen = find_frozen(model, batch)
    if name in LEFT_ALONE:
        assert frozen is None
        return
    assert frozen is not None
    assert len(frozen.blocks) == 1
    names = list(model.state_dict())
    model.train(False)
    whole = model(**batch)
    whole.loss.backward()
    expected = {
        key: part.grad.clone() for key, part in model.named_parameters() if part.requires_grad
    }
    model.zero_grad()
    frozen.attach()
    hidden = reach(frozen, lambda: model(**batch))
    frozen.recall = lambda inputs: hidden
    for part in frozen.blocks[0].parameters():
        part.data.fill_(math.nan)  # whoever computes with it is found out
    less = model(**batch)
    less.loss.backward()
    assert torch.equal(less.logits, whole.logits)
    for key, part in model.named_parameters():
        assert part.grad is None or torch.equal(part.grad, expected[key])
    assert list(model.state_dict()) == names
    frozen.detach()
    assert not model(**batch).loss.isfinite()


@pytest.mark.parametrize(
    ("technique", "depth"),
    [
        ({"technique": "lora"}, 0),
        (TOP, 1),
        ({"technique": "lora", "technique_args": {"layers_to_transform": [0]}}, 0),
        ({"technique": "ia3"}, 0),
        ({"technique": "head_only"}, 2),
        ({"technique": "last_layers"}, 1),
        ({"technique": "bitfit"}, 0),
        ({"technique": "embeddings_only"}, 0),
        ({"technique": "prompt_tuning"}, 0),
        ({"technique": "prefix_tuning"}, 0),
        ({"technique": "full"}, 0),
    ],
    ids=lambda value: str(value) if isinstance(value, int) else value["technique"],
)
def test_what_lies_under_the_first_trained_block(tiny_llama, rows, technique, depth):
    prepared = prepare.prepare(recipe_for(tiny_llama, rows, **technique))
    ids = torch.tensor([[5, 6, 7], [8, 9, 10]])
    batch = {
        "input_ids": ids,
        "attention_mask": torch.ones_like(ids),
        "labels": torch.tensor([0, 1]),
    }
    frozen = find_frozen(prepared.model, batch)
    assert depth == (0 if frozen is None else len(frozen.blocks))


def test_models_that_compute_otherwise_in_training_are_left_alone():
    model = ARCHITECTURES["llama"]()
    use_gradient_checkpointing(model)
    assert frozen_of(model, inputs_for(model)) is None
    model = ARCHITECTURES["opt"]()
    assert frozen_of(model, inputs_for(model)) is not None
    model.model.decoder.layerdrop = 0.5
    assert frozen_of(model, inputs_for(model)) is None
    model = ARCHITECTURES["llama"]()
    model.model.layers[0].compile()
    assert frozen_of(model, inputs_for(model)) is None


# -- without asking: nothing is skipped -------------------------------------------------------------


def test_without_asking_it_is_only_advised(tiny_llama, rows, monkeypatch):
    recipe = recipe_for(tiny_llama, rows, **TOP)
    events, prepared = go(recipe)
    assert figures(events) == figures(plainly(recipe, monkeypatch))
    assert prepared.notes[-1].startswith(
        "With cache_frozen_prefix=True, block 1 is computed only once"
    )
    assert prepared.loop_kwargs


def test_generating_uses_all_blocks():
    model = ARCHITECTURES["llama"]()
    batch = inputs_for(model)
    frozen = frozen_of(model, batch)
    settings = {"max_new_tokens": 4, "do_sample": False, "pad_token_id": 0}
    prompt = {name: batch[name] for name in ("input_ids", "attention_mask")}
    expected = model.generate(**prompt, **settings)
    frozen.recall = lambda inputs: pytest.fail("words generated so far are no plain batch")
    frozen.attach()
    assert torch.equal(model.generate(**prompt, **settings), expected)


# -- as the recipe says: rows alone -----------------------------------------------------------------


@pytest.mark.parametrize(
    "name", [name for name in ARCHITECTURES if name not in (*LEFT_ALONE, "vit")]
)
@pytest.mark.parametrize("collate", [collate_left, collate_right], ids=["left", "right"])
def test_a_row_alone_is_the_row_in_any_batch(name, collate):
    model = ARCHITECTURES[name]()
    draw = torch.Generator().manual_seed(2)
    rows = [
        {"input_ids": torch.randint(3, 90, (length,), generator=draw).tolist(), "labels": 0}
        for length in (3, 9, 5, 9)
    ]

    def batch(*chosen):
        made = collate([rows[index] for index in chosen], 0)
        del made["labels"]
        return made

    frozen = frozen_of(model, {**inputs_for(model)})
    kept = Activations()
    keep_rows(frozen, kept)
    frozen.attach()
    first, second = frozen.recall(batch(0, 1)), frozen.recall(batch(2, 0))
    with torch.no_grad():
        alone = reach(frozen, lambda: frozen.backbone(**batch(0)))[0]
    side = slice(-3, None) if collate is collate_left else slice(0, 3)
    assert torch.equal(first[0, side], alone)
    assert torch.equal(second[1, side], alone)
    assert kept.in_memory == sum(len(rows[i]["input_ids"]) for i in range(3)) * 32 * 4


@pytest.mark.parametrize("model", ["tiny_llama", "tiny_bert"])
def test_its_losses_are_those_of_the_script(model, rows, tmp_path, request):
    runs, scripts = [], []
    base = request.getfixturevalue(model)
    for technique in ("head_only", "last_layers", "lora"):
        settings = {"technique": technique, "cache_frozen_prefix": True}
        recipe = recipe_for(base, rows, **settings, bf16=technique == "last_layers")
        run = wb.train(recipe, tmp_path / "runs", progress=False)
        runs.append(run)
        scripts.append(wb.export(run, tmp_path / f"{technique}.py"))
    for run, events in zip(runs, run_scripts(*scripts), strict=True):
        assert figures(events) == figures(run.events)
    assert "has no effect here" in runs[-1].notes[-1]
    assert "computed only once for each row, one row at a time" in runs[0].notes[-1]


def test_it_stays_near_what_batches_give(tiny_llama, rows, monkeypatch):
    recipe = recipe_for(tiny_llama, rows, **TOP)
    plain = plainly(recipe, monkeypatch)
    events, _ = go(recipe.replace(cache_frozen_prefix=True))
    losses = [event["loss"] for event in events if event["event"] in ("train", "eval")]
    expected = [event["loss"] for event in plain if event["event"] in ("train", "eval")]
    assert losses == pytest.approx(expected, abs=1e-4)


def test_runs_over_one_base_share_what_is_kept(tiny_llama, rows, monkeypatch):
    alone = []
    compute = per_row.alone
    monkeypatch.setattr(per_row, "alone", lambda *given: alone.append(given) or compute(*given))
    recipe = recipe_for(tiny_llama, rows, technique="head_only", cache_frozen_prefix=True)
    expected, _ = go(recipe.replace(seed=1))
    by_itself = len(alone)
    first, second = (prepare.prepare(recipe.replace(seed=seed)) for seed in (0, 1))
    with first.randomness:
        list(first.steps)
    assert len(alone) == 2 * by_itself
    with second.randomness:
        assert figures(list(second.steps)) == figures(expected)
    assert len(alone) == 2 * by_itself


def test_in_a_race_losses_are_those_of_each_alone(tiny_llama, rows, tmp_path):
    recipes = [
        recipe_for(
            tiny_llama, rows, technique=technique, cache_frozen_prefix=True, learning_rate=rate
        )
        for technique in ("head_only", "last_layers")
        for rate in (1e-3, 1e-2)
    ]
    race = wb.Race(recipes, runs=tmp_path, workers=2).start().wait()
    for run, recipe in zip(race.members, recipes, strict=True):
        assert figures(run.events) == figures(go(recipe)[0])
    kept = [note for note in race.notes if "computed only once for each row" in note]
    names = [run.name for run in race.members]
    told = [note.partition(": ")[0] for note in kept]
    assert told == [", ".join(names[:2]), ", ".join(names[2:])]


def test_all_is_let_go_when_a_run_is_over(tiny_llama, rows):
    recipe = recipe_for(tiny_llama, rows, **TOP, cache_frozen_prefix=True)
    before = set(Activations.alive)
    prepared = prepare.prepare(recipe)
    with prepared.randomness:
        while next(prepared.steps)["event"] != "eval":
            pass
    (kept,) = set(Activations.alive) - before
    block = prepared.model.get_base_model().model.layers[0]
    assert kept.in_memory > 0
    assert "forward" in vars(block)
    held = weakref.ref(kept)
    del kept
    prepared.steps.close()
    assert "forward" not in vars(block)
    assert not block._forward_hooks
    gc.collect()
    assert held() is None


# -- what is kept -----------------------------------------------------------------------------------


@settings(max_examples=30, deadline=None)
@given(
    sizes=st.lists(st.integers(1, 50), min_size=1, max_size=30),
    memory=st.integers(0, 2000),
    dtype=st.sampled_from([torch.float32, torch.bfloat16]),
)
def test_what_is_kept_is_found_again_and_memory_is_bounded(sizes, memory, dtype):
    kept = Activations(memory=memory)
    tensors = [torch.randn(size, 3).to(dtype) for size in sizes]
    for index, tensor in enumerate(tensors):
        kept.put(bytes([index]), tensor)
        assert kept.in_memory <= memory
    for index, tensor in enumerate(tensors):
        assert torch.equal(kept.get(bytes([index])), tensor)
    assert kept.in_memory + kept.on_disk == sum(t.numel() * t.element_size() for t in tensors)
    assert kept.get(b"another") is None


def test_a_full_disk_ends_the_keeping(monkeypatch):
    kept = Activations(memory=0, disk=0.0)
    kept.put(b"a", torch.ones(3))
    assert kept.get(b"a") is None

    class Full(io.BytesIO):
        def write(self, data):
            raise OSError(28, "No space left on device")

    monkeypatch.setattr(activation_store.tempfile, "TemporaryFile", Full)
    kept = Activations(memory=0)
    kept.put(b"a", torch.ones(3))
    assert kept.get(b"a") is None
    assert kept.on_disk == 0


def test_stores_have_one_bound_together_and_their_files_go_with_them(monkeypatch):
    monkeypatch.setattr(Activations, "alive", weakref.WeakSet())
    one, two = Activations(memory=100), Activations(memory=100)
    one.put(b"a", torch.ones(20))
    two.put(b"a", torch.ones(20))
    assert (one.in_memory, two.in_memory, two.on_disk) == (80, 0, 80)
    file = weakref.ref(two._file)
    del two
    gc.collect()
    assert file() is None

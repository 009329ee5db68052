"""A speed-up whose private means are gone, or compute something else, is off and says so, or is refused."""

import functools
import inspect

import peft
import pytest
import torch
import transformers
from packaging.specifiers import SpecifierSet
from packaging.version import Version

import workbench as wb
from tests.tiny import ARCHITECTURES
from workbench.errors import RecipeError
from workbench.training import prepare
from workbench.training.batched_lora import eligibility
from workbench.training.inputs.collate import collate_flat
from workbench.training.resolve import EVERY_LOGIT
from workbench.training.speedups import (
    apply,
    bf16,
    fast_lora_forward,
    labelled_logits,
    onednn,
    padding_free,
    settings,
)
from workbench.training.speedups.comparison import first_batches
from workbench.training.speedups.frozen_prefix import blocks, choice, per_row

SPEEDUPS = {
    "padding_free": padding_free,
    "labelled_logits": labelled_logits,
    "frozen_prefix": choice,
    "bf16": bf16,
    "onednn": onednn,
    "fast_lora_forward": fast_lora_forward,
}
ROWS = [
    {"input_ids": [5, 9, 4, 7], "labels": [5, 9, 4, 7]},
    {"input_ids": [8, 3], "labels": [8, 3]},
]
FLAT = collate_flat(ROWS)
PADDED = padding_free.padded(FLAT)
needs_onednn = pytest.mark.skipif(not torch.backends.mkldnn.is_available(), reason="needs oneDNN")


@pytest.fixture(autouse=True)
def _asked_anew():
    onednn._product_difference.cache_clear()
    yield
    onednn._product_difference.cache_clear()


@pytest.fixture
def small():
    return wb.Recipe(data="reviews", max_steps=2, max_train_samples=16, max_eval_samples=4)


def refuse(*_, **__):
    raise AttributeError("no such operator")


def lora_llama():
    """Return a llama whose upper block has LoRA."""
    torch.manual_seed(0)
    config = peft.LoraConfig(r=2, target_modules=["q_proj"], layers_to_transform=[1])
    return peft.get_peft_model(ARCHITECTURES["llama"](), config)


def losses_of(prepared):
    with prepared.randomness:
        return [event["loss"] for event in prepared.steps if event["event"] == "train"]


# -- all of them ------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", SPEEDUPS)
def test_each_has_the_same_parts_and_was_tried_with_what_is_installed(name):
    speedup = SPEEDUPS[name]
    assert next(iter(inspect.signature(speedup.obstacle).parameters)) == "recipe"
    assert list(inspect.signature(speedup.guard).parameters) == ["recipe", "model", "batch"]
    assert callable(speedup.apply)
    modules = {"torch": torch, "transformers": transformers, "peft": peft}
    for package, versions in speedup.TESTED_WITH.items():
        installed = Version(modules[package].__version__)
        assert SpecifierSet(versions).contains(installed.public, prereleases=True)


@pytest.mark.parametrize("name", SPEEDUPS)
def test_each_that_is_what_it_was_passes_its_guard_and_leaves_no_trace(name):
    if name == "onednn" and not torch.backends.mkldnn.is_available():
        pytest.skip("needs oneDNN")
    speedup, recipe = SPEEDUPS[name], wb.Recipe(task="lm")
    model = ARCHITECTURES["llama"]() if name == "labelled_logits" else lora_llama()
    assert speedup.obstacle(recipe, model) is None
    if name not in ("labelled_logits", "frozen_prefix"):  # whose guards apply them themselves
        speedup.apply(model)
    state = {key: value.clone() for key, value in model.state_dict().items()}
    modes = [part.training for part in model.modules()]
    numbers = torch.get_rng_state()
    assert speedup.guard(recipe, model, FLAT if name == "padding_free" else PADDED) is None
    assert torch.equal(torch.get_rng_state(), numbers)
    assert all(torch.equal(state[key], value) for key, value in model.state_dict().items())
    assert all(part.grad is None for part in model.parameters())
    assert [part.training for part in model.modules()] == modes or name == "labelled_logits"


@pytest.mark.parametrize("name", SPEEDUPS)
def test_each_says_what_fails(name, monkeypatch):
    if name == "onednn" and not torch.backends.mkldnn.is_available():
        pytest.skip("needs oneDNN")
    speedup, recipe = SPEEDUPS[name], wb.Recipe(task="lm")
    model = ARCHITECTURES["llama"]() if name == "labelled_logits" else lora_llama()
    if name not in ("labelled_logits", "frozen_prefix"):
        speedup.apply(model)
    monkeypatch.setattr(transformers.LlamaModel, "forward", refuse)
    batch = FLAT if name == "padding_free" else PADDED
    said = speedup.guard(recipe, model, batch)
    if name in ("bf16", "onednn", "fast_lora_forward"):  # the run fails all the same
        assert said is None
    else:
        assert "no such operator" in said

    def exhausted(*_, **__):
        raise torch.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr(transformers.LlamaModel, "forward", exhausted)
    with pytest.raises(torch.OutOfMemoryError):  # which is no fault of the speed-up
        speedup.guard(recipe, model, batch)


def test_a_guard_is_given_the_runs_first_batch(small, monkeypatch):
    seen = []
    monkeypatch.setattr(prepare, "guard", lambda recipe, model, batch: seen.append(batch) or [])
    recipe = small.replace(gradient_accumulation_steps=2, per_device_train_batch_size=3)
    run = prepare.prepare(recipe)
    (batch,) = seen
    loader = run.loop_kwargs["train_loader"]
    several = first_batches(loader, 7, torch.device("cpu"))
    own = [*loader, *loader][:7]  # of two epochs, as 16 rows are six batches
    for mine, theirs in zip([batch, *several], [own[0], *own], strict=True):
        assert mine.keys() == theirs.keys()
        assert all(torch.equal(mine[name], theirs[name]) for name in mine)


# -- settings that a recipe asks for are refused ----------------------------------------------------


def mixing(module, query, key, value, attention_mask, cu_seq_lens_q=None, **more):
    """Attend to all rows."""
    return transformers.AttentionInterface()["sdpa"](
        module, query, key, value, attention_mask, **more
    )


def spoiled(model, spoil):
    """Do something to each output of a model."""
    forward = model.forward

    @functools.wraps(forward)
    def call(*args, **kwargs):
        outputs = forward(*args, **kwargs)
        spoil(outputs)
        return outputs

    model.forward = call


def halve(outputs):
    outputs.loss = outputs.loss / 2


@pytest.mark.parametrize("fault", [halve, refuse])
@pytest.mark.parametrize(
    "name", ["padding_free", "bf16", pytest.param("onednn", marks=needs_onednn)]
)
def test_a_setting_that_computes_something_else_is_refused(name, fault, small, monkeypatch):
    if name == "padding_free":
        monkeypatch.setattr(settings, "attend_by_rows", mixing if fault is halve else refuse)
    else:
        monkeypatch.setitem(apply.USES, name, lambda model: spoiled(model, fault))
    recipe = small.replace(task="lm", data="chronicle", max_length=32, **{name: True})
    with pytest.raises(RecipeError, match=f"{name} must be False with") as refusal:
        prepare.prepare(recipe)
    said = {halve: ("attend to each other", "with it and"), refuse: ("no such operator",)}[fault]
    assert any(words in str(refusal.value) for words in said)


@needs_onednn
@pytest.mark.parametrize(
    ("product", "said"),
    [(refuse, "no such operator"), (lambda x, w, b=None: x @ w.t(), "different")],
)
def test_onednn_is_off_where_its_operator_is_not_what_it_was(monkeypatch, product, said):
    assert onednn.machine_obstacle() is None
    onednn._product_difference.cache_clear()
    monkeypatch.setattr(settings, "product", product)
    recipe = wb.Recipe(data="reviews", onednn=True)
    model = torch.nn.Linear(2, 2)
    apply.set_up(recipe, model)
    assert "forward" not in vars(model)
    assert apply.guard(recipe, model, {}) == []
    if not torch.cuda.is_available():
        (note,) = [note for note in apply.computing_notes(recipe) if "onednn" in note]
        assert said in note


# -- what nobody asked for is off, with a note ------------------------------------------------------


@pytest.mark.parametrize("fault", ["its source", "its loss"])
def test_labelled_logits_are_off_where_they_fail(fault, small, monkeypatch):
    recipe = small.replace(task="lm", data="chronicle", max_length=32)
    usual = prepare.prepare(recipe)
    assert usual.plan.labelled_logits
    if fault == "its source":
        monkeypatch.setattr(labelled_logits.inspect, "getsource", refuse)
        assert "no such operator" in labelled_logits.obstacle(recipe, ARCHITECTURES["llama"]())
    else:
        monkeypatch.setattr(settings, "find_targets", refuse)
    run = prepare.prepare(recipe)
    assert not run.plan.labelled_logits
    assert EVERY_LOGIT in run.notes and EVERY_LOGIT not in usual.notes
    monkeypatch.undo()
    assert losses_of(run) == pytest.approx(losses_of(usual), rel=1e-5)


@pytest.mark.parametrize("asked", [True, False])
def test_frozen_blocks_are_computed_where_looking_for_them_fails(asked, small, monkeypatch):
    recipe = small.replace(technique="last_layers", max_steps=8)
    usual = losses_of(prepare.prepare(recipe))
    monkeypatch.setattr(blocks, "layer_lists", refuse)
    run = prepare.prepare(recipe.replace(cache_frozen_prefix=asked))
    assert losses_of(run) == usual
    said = [note for note in run.notes if "cache_frozen_prefix" in note]
    assert (
        said
        == ["cache_frozen_prefix has no effect here: AttributeError: no such operator."] * asked
    )


def test_a_script_computes_frozen_blocks_where_looking_for_them_fails(monkeypatch):
    model = lora_llama().eval()
    plain = model(**PADDED).loss
    monkeypatch.setattr(blocks, "layer_lists", refuse)
    per_row.cache_frozen_prefix(model, PADDED)
    assert torch.equal(model(**PADDED).loss, plain)


def test_a_module_of_the_notebook_has_the_guard_too(monkeypatch):
    torch.manual_seed(0)
    x = torch.randn(32, 16)
    net = torch.nn.Sequential(torch.nn.Linear(16, 32), torch.nn.ReLU(), torch.nn.Linear(32, 3))

    def train():
        rows = (x, x[:, :3].argmax(1))
        run = wb.ModuleRun(net, rows, torch.nn.functional.cross_entropy, max_steps=3)
        run.start()
        run.join(60)
        assert run.state == "finished", run.error
        return run

    usual = train()
    monkeypatch.setattr(fast_lora_forward, "linear", lambda *_: torch.zeros(()) / 0)
    run = train()
    assert run.losses == usual.losses
    notes = [note for note in run.notes if "PEFT's own forward pass" in note]
    assert len(notes) == 1
    assert not any("PEFT's own forward pass" in note for note in usual.notes)


def test_runs_train_by_themselves_where_layers_are_not_what_they_were(monkeypatch):
    run = prepare.prepare(
        wb.Recipe(data="reviews", max_steps=1, max_train_samples=8, max_eval_samples=4)
    )
    assert eligibility.obstacle(run) is None
    monkeypatch.setattr(eligibility, "_layer_obstacles", refuse)
    assert "other layers than the versions" in eligibility.obstacle(run)

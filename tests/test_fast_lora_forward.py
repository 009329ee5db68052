"""The short forward pass of LoRA layers gives what PEFT's gives, to the last bit."""

from __future__ import annotations

import copy

import peft
import pytest
import torch

import workbench as wb
from tests.tiny import ARCHITECTURES
from workbench.training.adaptation.target_modules import find_linears
from workbench.training.speedups import fast_lora_forward
from workbench.training.speedups.fast_lora_forward import apply, guard, remove
from workbench.training.speedups.settings import use_bf16

CASES = {
    "plain": {},
    "rsLoRA": {"use_rslora": True},
    "dropout": {"lora_dropout": 0.2},
    "DoRA": {"use_dora": True},
    "biases": {"lora_bias": True, "bias": "all"},
    "PiSSA": {"init_lora_weights": "pissa"},
}


def adapted(model: str = "llama", **settings) -> torch.nn.Module:
    """Return a tiny model with adapters that do something."""
    torch.manual_seed(0)
    base = ARCHITECTURES[model]()
    config = peft.LoraConfig(
        **{"init_lora_weights": False, "r": 4, **settings}, **find_linears(base)
    )
    return peft.get_peft_model(base, config).train()


def both(model: torch.nn.Module, act=lambda model: None) -> list[list[torch.Tensor]]:
    """Return the loss and the gradients as PEFT computes them, and as short passes do."""
    told = []
    for prepare in (lambda model: None, apply):
        one = copy.deepcopy(model)
        prepare(one)
        torch.manual_seed(1)
        act(one)
        ids = torch.arange(24).reshape(2, 12)
        loss = one(input_ids=ids, labels=ids).loss
        loss.backward()
        gradients = [part.grad for part in one.parameters() if part.grad is not None]
        told.append([loss.detach(), *gradients])
    return told


def same(told: list[list[torch.Tensor]]) -> bool:
    mine, theirs = told
    return len(mine) == len(theirs) and all(map(torch.equal, mine, theirs))


@pytest.mark.parametrize("case", CASES)
def test_losses_and_gradients_are_the_same_bits(case):
    assert same(both(adapted(**CASES[case])))


@pytest.mark.parametrize("model", ["qwen3", "gpt2", "opt", "phi"])
def test_on_other_architectures_too(model):
    assert same(both(adapted(model)))


def test_in_bfloat16_too():
    assert same(both(adapted(), use_bf16))


def other_adapter(model):
    model.add_adapter("other", peft.LoraConfig(r=2, use_dora=True, target_modules=["q_proj"]))
    model.set_adapter("other")


def switched_off(model):
    model.base_model.disable_adapter_layers()
    model.get_input_embeddings().requires_grad_(True)


def merged(model):
    model.merge_adapter()
    model.get_input_embeddings().requires_grad_(True)


@pytest.mark.parametrize("act", [other_adapter, switched_off, merged])
def test_whoever_changes_adapters_afterwards_gets_what_peft_gives(act):
    assert same(both(adapted(), act))


def test_a_copy_is_one_by_itself():
    model = adapted()
    apply(model)
    other = copy.deepcopy(model)
    layer = "base_model.model.model.layers.0.self_attn.q_proj"
    given = torch.ones(1, model.config.hidden_size)
    before = model.get_submodule(layer)(given)
    with torch.no_grad():
        for part in other.parameters():
            part.zero_()
    assert torch.equal(model.get_submodule(layer)(given), before)
    assert not other.get_submodule(layer)(given).any()


def test_plain_layers_have_it_and_others_do_not():
    model = adapted()
    apply(model)
    layer = model.get_submodule("base_model.model.model.layers.0.mlp.up_proj")
    assert getattr(layer, "plain_adapters", frozenset()) == {"default"}
    other = adapted(use_dora=True)
    apply(other)
    assert not hasattr(
        other.get_submodule("base_model.model.model.layers.0.mlp.up_proj"), "plain_adapters"
    )


def test_a_layer_whose_forward_pass_is_another_ones_is_left_alone():
    model = adapted()
    layer = model.get_submodule("base_model.model.model.layers.0.mlp.up_proj")
    layer.forward = layer.forward  # as X-LoRA has it
    apply(model)
    assert not hasattr(layer, "plain_adapters")


# -- the guard ------------------------------------------------------------------------------------

IDS = torch.arange(24).reshape(2, 12)
BATCH = {"input_ids": IDS, "labels": IDS}
RECIPE = wb.Recipe()


def test_nothing_is_left_of_what_was_tried():
    model = adapted(lora_dropout=0.2)
    model.eval()
    apply(model)
    bits = {name: value.clone() for name, value in model.state_dict().items()}
    numbers = torch.get_rng_state()
    assert guard(RECIPE, model, BATCH) is None
    assert torch.equal(torch.get_rng_state(), numbers)
    assert all(torch.equal(bits[name], value) for name, value in model.state_dict().items())
    assert all(part.grad is None for part in model.parameters())
    assert not any(part.training for part in model.modules())
    assert any("plain_adapters" in vars(layer) for layer in model.modules())
    remove(model)
    assert not any("plain_adapters" in vars(layer) for layer in model.modules())


@pytest.mark.parametrize("fault", ["more", "gone"])
def test_a_release_of_peft_that_computes_otherwise_is_noticed(fault, monkeypatch):
    model = adapted()
    apply(model)
    if fault == "more":  # than there was when the short pass was written
        plain = peft.tuners.lora.Linear.forward
        monkeypatch.setattr(peft.tuners.lora.Linear, "forward", lambda *x: plain(*x) * 1.001)
        assert "different numbers" in guard(RECIPE, model, BATCH)
    else:
        layer_class = peft.tuners.tuners_utils.BaseTunerLayer
        monkeypatch.delattr(layer_class, "_disable_adapters")
        monkeypatch.setattr(layer_class, "disable_adapters", False)  # what PEFT itself asks
        for layer in model.modules():
            vars(layer).pop("_disable_adapters", None)
        assert "AttributeError" in guard(RECIPE, model, BATCH)


def test_a_run_says_so_and_has_the_same_losses(tmp_path, monkeypatch):
    recipe = wb.Recipe(data="reviews", max_steps=2, max_train_samples=16, max_eval_samples=8)
    usual = wb.train(recipe, tmp_path, progress=False)
    monkeypatch.setattr(fast_lora_forward, "linear", lambda *given: torch.zeros(()) / 0)
    run = wb.train(recipe, tmp_path, progress=False)
    assert run.losses == usual.losses
    assert "LoRA layers use PEFT's own forward pass" in run.notes[-1]
    assert "LoRA layers" not in " ".join(usual.notes)

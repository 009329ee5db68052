"""Labelled logits on every causal class of transformers: the loss stays what it is, to the gradients."""

from __future__ import annotations

import copy
import shutil
import types

import pytest
import torch
import transformers

import workbench as wb
from tests.causal import causal_classes, tiny_causal
from tests.conftest import tiny_tokenizer
from tests.test_export import figures, recipe_for, run_scripts
from workbench.training.resolve import EVERY_LOGIT, resolve
from workbench.training.speedups import apply, labelled_logits
from workbench.training.speedups.settings import use_labelled_logits

LM = wb.Recipe(task="lm")
# They give their loss the vocabulary's size by its place, cap logits, or add a loss for experts.
FEW = (
    "Gemma2Config",
    "Gemma3TextConfig",
    "GptOssConfig",
    "MixtralConfig",
    "NemotronConfig",
    "OlmoeConfig",
    "Qwen3MoeConfig",
)
ALL = [
    pytest.param(
        *pair,
        id=f"{pair[0].__name__}-{pair[1].__name__}",
        marks=[] if pair[0].__name__ in FEW else pytest.mark.slow,
    )
    for pair in causal_classes()
]
SAMPLE = [pair for pair in causal_classes() if pair[0].__name__ in FEW]


def example(vocabulary):
    """Rows of unequal lengths whose targets begin late."""
    ids = torch.randint(3, vocabulary, (2, 12), generator=torch.Generator().manual_seed(0))
    mask, labels = torch.ones_like(ids), ids.clone()
    mask[1, 8:], labels[1, 8:], labels[:, :4] = 0, -100, -100
    return {"input_ids": ids, "attention_mask": mask, "labels": labels}


def plain_loss(model):
    """Return the batch and the loss of a model as it is; skip what takes no such rows."""
    batch = example(model.config.get_text_config().vocab_size)
    try:
        return batch, model(**batch).loss
    except Exception as error:  # noqa: BLE001 (such as a model that reads images first)
        pytest.skip(f"{type(error).__name__}: {str(error).splitlines()[0][:120]}")


@pytest.mark.parametrize(("config", "kind"), ALL)
def test_every_causal_class_keeps_its_loss_or_is_left_alone(config, kind):
    model = tiny_causal(config, kind)
    if isinstance(model, str):
        pytest.skip(f"cannot be made tiny: {model}")
    lean = copy.deepcopy(model)
    batch, plain = plain_loss(model)
    may = labelled_logits.is_possible(LM, lean)
    assert may or config.__name__ not in FEW
    if not may:
        return
    # What its source promises must hold, as a forecast has shapes only and cannot try.
    assert labelled_logits.keeps_loss(copy.deepcopy(lean))
    use_labelled_logits(lean)
    some = lean(**batch)
    assert some.loss.item() == pytest.approx(plain.item(), rel=1e-5)
    gradients = []
    for one, loss in ((model, plain), (lean, some.loss)):
        loss.backward()
        gradients.append([part.grad for part in one.parameters() if part.grad is not None])
    largest = max(gradient.abs().max().item() for gradient in gradients[0])
    for one, other in zip(*gradients, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-3, atol=1e-4 * largest)


@pytest.mark.parametrize(("config", "kind"), ALL)
def test_a_loss_for_experts_is_still_added(config, kind):
    model = tiny_causal(config, kind)
    if isinstance(model, str) or not hasattr(model.config, "output_router_logits"):
        pytest.skip("it has none")
    if not labelled_logits.is_possible(LM, model):
        pytest.skip("it is left alone")
    without = plain_loss(model)[1].item()
    model.config.output_router_logits = True
    for name in ("router_aux_loss_coef", "aux_loss_coef"):
        for part in (model, model.config):
            if hasattr(part, name):
                setattr(part, name, 0.5)
    batch, plain = plain_loss(model)
    use_labelled_logits(model)
    assert model(**batch).loss.item() == pytest.approx(plain.item(), rel=1e-5)
    if config.__name__ in ("MixtralConfig", "OlmoeConfig", "Qwen3MoeConfig", "GptOssConfig"):
        assert plain.item() > without + 0.1


def test_capped_logits_are_capped():
    model = tiny_causal(transformers.Gemma2Config, transformers.Gemma2ForCausalLM)
    uncapped = copy.deepcopy(model)
    uncapped.config.final_logit_softcapping = None
    model.config.final_logit_softcapping = 0.5
    batch, plain = plain_loss(model)
    assert abs(plain.item() - uncapped(**batch).loss.item()) > 0.01
    use_labelled_logits(model)
    assert model(**batch).loss.item() == pytest.approx(plain.item(), rel=1e-6)


class Odd(transformers.LlamaForCausalLM):
    """A base whose loss is not that of the targets alone."""

    def forward(self, input_ids=None, attention_mask=None, labels=None, **more):
        """Compute a loss with self.loss_function(), and add to it what all logits say."""
        found = super().forward(input_ids, attention_mask, labels=labels, **more)
        if labels is not None:
            found.loss = found.loss + 0.01 * found.logits.logsumexp(-1).square().sum()
        return found


class Failing(transformers.LlamaForCausalLM):
    """A base that fails with fewer logits than tokens."""

    def forward(self, input_ids=None, attention_mask=None, labels=None, **more):
        """Compute a loss with self.loss_function(), and look at the logits of each row."""
        found = super().forward(input_ids, attention_mask, labels=labels, **more)
        if labels is not None:
            found.loss = found.loss + 0 * (found.logits[..., 0] * labels).sum()
        return found


@pytest.fixture(params=[Odd, Failing])
def odd(request, monkeypatch, tiny_llama, tmp_path):
    """The folder of a llama for which transformers loads such a base."""
    kind = type("LlamaForCausalLM", (request.param,), {})
    known = transformers.models.auto.modeling_auto.MODEL_FOR_CAUSAL_LM_MAPPING
    monkeypatch.setitem(known._extra_content, transformers.LlamaConfig, kind)
    return shutil.copytree(tiny_llama, tmp_path / "odd")


def test_a_base_that_only_looks_as_if_it_could_goes_the_plain_way(odd, tmp_path):
    recipe = recipe_for("lora", "lm", odd, tmp_path, max_steps=2)
    run = wb.train(recipe, tmp_path / "runs", progress=False)
    assert run.plan["labelled_logits"] is False
    assert EVERY_LOGIT in run.notes
    assert "use_labelled_logits" not in wb.export(run, tmp_path / "script.py").read_text()
    assert "use_labelled_logits" not in wb.export(recipe, tmp_path / "other.py").read_text()
    fit = wb.compatible(str(odd), "lora", task="lm")
    assert fit.compatible, str(fit)
    assert wb.forecast(recipe).peak > 0


def test_trying_leaves_the_generator_and_the_base_as_they_were(tiny_llama, tmp_path):
    resolved = resolve(recipe_for("lora", "lm", tiny_llama, tmp_path))
    assert resolved.plan.labelled_logits
    assert "forward" not in vars(resolved.base.model)
    before = torch.get_rng_state()
    model = copy.deepcopy(resolved.base.model)
    assert labelled_logits.keeps_loss(model)
    assert torch.equal(before, torch.get_rng_state())


@pytest.mark.parametrize(("config", "kind"), SAMPLE)
def test_techniques_fit_them(config, kind):
    model = tiny_causal(config, kind)
    for technique in ("lora", "full"):
        fit = wb.compatible(model, technique)
        assert fit.compatible, str(fit)


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """Save some of them with a tokenizer of as many tokens as they have."""

    def save(name):
        ((config, kind),) = [pair for pair in SAMPLE if pair[0].__name__ == name]
        tokenizer, folder = tiny_tokenizer(), tmp_path_factory.mktemp("causal") / name
        model = tiny_causal(config, kind)
        model.resize_token_embeddings(len(tokenizer))
        model.config.pad_token_id = tokenizer.pad_token_id
        model.config.eos_token_id = tokenizer.eos_token_id
        model.generation_config = transformers.GenerationConfig.from_model_config(model.config)
        model.save_pretrained(folder)
        tokenizer.save_pretrained(folder)
        return folder

    return save


@pytest.mark.parametrize(
    ("name", "task"),
    [
        ("Gemma2Config", "lm"),
        ("MixtralConfig", "instruct"),
        pytest.param("Gemma2Config", "instruct", marks=pytest.mark.slow),
        pytest.param("MixtralConfig", "lm", marks=pytest.mark.slow),
        pytest.param("GptOssConfig", "lm", marks=pytest.mark.slow),
        pytest.param("GptOssConfig", "instruct", marks=pytest.mark.slow),
    ],
)
def test_they_train_and_their_scripts_lose_the_same(name, task, saved, tmp_path):
    recipe = recipe_for("lora", task, saved(name), tmp_path, max_steps=3)
    assert wb.forecast(recipe).peak > 0
    run = wb.train(recipe, tmp_path / "runs", progress=False)
    assert run.plan["labelled_logits"]
    (events,) = run_scripts(wb.export(run, tmp_path / "script.py"))
    assert figures(events) == figures(run.events)


def test_who_failed_is_said_truthfully(monkeypatch):
    model = tiny_causal(transformers.MixtralConfig, transformers.MixtralForCausalLM)

    def broken(*_, **__):
        raise TypeError("it is broken")

    monkeypatch.setattr(apply.settings, "find_targets", broken)
    monkeypatch.setattr(
        "workbench.training.inspection.compatibility.trial_model.keeps_loss", lambda model: True
    )
    # As it is called from the workbench's own code, which transformers calls.
    reason = wb.compatible(model, "lora").reason
    assert "PEFT" not in reason, reason
    monkeypatch.undo()
    model.model.norm.forward = types.MethodType(broken, model.model.norm)
    assert "PEFT" not in wb.compatible(model, "lora").reason

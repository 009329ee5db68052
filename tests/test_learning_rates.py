"""The learning rate of a recipe that gives none: the technique's own, as it suits the base."""

from __future__ import annotations

import json

import pytest

import workbench as wb
from workbench.recipe import Recipe
from workbench.registry.learning_rates import REFERENCE_WIDTH, default_learning_rate
from workbench.registry.techniques import TECHNIQUES, get
from workbench.sources.lookup import find_facts
from workbench.sources.models.local import local_shape

WIDTHS = (32, 128, 256, 384, 576, 768, 1024, 4096, 8192)


def write_config(folder, **config):
    """Write a base's config, and nothing else."""
    folder.mkdir(parents=True, exist_ok=True)
    folder.joinpath("config.json").write_text(json.dumps(config))
    return str(folder)


def llama(width: int) -> dict:
    return {"model_type": "llama", "architectures": ["LlamaForCausalLM"], "hidden_size": width}


@pytest.mark.parametrize("name", TECHNIQUES)
def test_on_the_bundled_base_each_technique_has_its_own_rate(name):
    technique = TECHNIQUES[name]
    assert find_facts(Recipe()).hidden_size == REFERENCE_WIDTH
    recipe = Recipe(technique=name, task=technique.tasks[0])
    for facts in (None, find_facts(recipe)):
        assert recipe.resolved(facts).learning_rate == technique.learning_rate


@pytest.mark.parametrize("name", TECHNIQUES)
@pytest.mark.parametrize("kind", ["causal-lm", "encoder", "encoder-decoder", "vision", "other"])
def test_wider_bases_never_get_more(name, kind):
    technique = TECHNIQUES[name]
    rates = [default_learning_rate(technique, kind, width) for width in WIDTHS]
    if technique.learning_rate is None:
        assert rates == [None] * len(WIDTHS)
        return
    assert rates == sorted(rates, reverse=True) and rates[-1] > 0
    assert rates[0] == default_learning_rate(technique) == technique.learning_rate
    assert (rates[-1] < rates[0]) == technique.scales_with_width


@pytest.mark.parametrize(
    "name, kind, width, low, high",
    [
        ("lora", "encoder", 768, 4e-4, 5e-4),  # RoBERTa base, LoRA's paper
        ("lora", "encoder", 1024, 2e-4, 4e-4),  # RoBERTa large, LoRA's paper
        ("qlora", "causal-lm", 4096, 1.5e-4, 2.5e-4),  # 7B, QLoRA's paper: 2e-4
        ("qlora", "causal-lm", 8192, 0.8e-4, 1.2e-4),  # 65B, QLoRA's paper: 1e-4
        ("full", "encoder", 768, 2e-5, 5e-5),  # BERT base, BERT's paper
        ("full", "causal-lm", 4096, 1e-5, 3e-5),  # 7B, Alpaca: 2e-5
        ("adalora", "encoder", 768, 5e-4, 2.2e-3),  # DeBERTa base, AdaLoRA's paper
        ("vera", "encoder", 768, 4e-3, 1e-2),  # RoBERTa base, VeRA's paper
    ],
)
def test_rates_agree_with_those_that_were_published(name, kind, width, low, high):
    assert low <= default_learning_rate(get(name), kind, width) <= high


def test_a_rate_that_is_given_stays():
    facts = find_facts(Recipe())
    assert Recipe(learning_rate=0.5).resolved(facts).learning_rate == 0.5
    assert Recipe(learning_rate=0.5).resolved().learning_rate == 0.5


def test_a_base_on_this_machine_is_known_by_its_config(tmp_path, monkeypatch):
    folder = write_config(tmp_path / "wide", **llama(1024))
    assert local_shape(folder).hidden_size == 1024
    assert Recipe(model=folder).resolved().learning_rate == 0.00075
    nested = {"model_type": "gemma3", "architectures": ["Gemma3ForCausalLM"]}
    nested |= {"text_config": {"hidden_size": 2560}}
    assert (
        Recipe(model=write_config(tmp_path / "nested", **nested)).resolved().learning_rate == 3e-4
    )
    # As soon as the file changes, so does the rate.
    write_config(tmp_path / "wide", **llama(2048), changed=True)
    assert Recipe(model=folder).resolved().learning_rate in (0.00037, 0.00038)
    # From the hub's cache, without the network.
    cache = tmp_path / "hub"
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(cache))
    assert Recipe(model="owner/wide").resolved().learning_rate == 0.003
    repository = cache / "models--owner--wide"
    write_config(repository / "snapshots" / "abc", **llama(4096))
    (repository / "refs").mkdir()
    (repository / "refs" / "main").write_text("abc")
    assert Recipe(model="owner/wide").resolved().learning_rate == 0.00019


@pytest.mark.parametrize("model", ["no-one/has-this", "/nowhere/at/all", "", 3, ["a"]])
def test_a_base_that_is_not_here_leaves_the_technique_s_own_rate(model):
    assert Recipe(model=model).resolved().learning_rate == 0.003


def test_a_config_that_cannot_be_read_leaves_the_technique_s_own_rate(tmp_path):
    for text in ("", "[]", "{", "{}", '{"model_type": 3}'):
        (tmp_path / "config.json").write_text(text)
        assert Recipe(model=str(tmp_path)).resolved().learning_rate == 0.003


def test_a_module_has_the_technique_s_own_rate_whatever_it_is_called(tmp_path, monkeypatch):
    write_config(tmp_path / "Linear", **llama(4096))
    monkeypatch.chdir(tmp_path)
    assert Recipe(model="Linear").resolved().learning_rate == 0.00019
    assert Recipe(model="Linear", task="module").resolved().learning_rate == 0.003


def test_the_rate_stands_in_plan_script_panel_and_comparison(tiny_llama, tmp_path):
    from tests.conftest import save_tiny
    from workbench.panels.bench.bench import Bench

    folder = save_tiny(tmp_path / "wide", "LlamaConfig", "LlamaForCausalLM", hidden_size=512)
    rows = {"max_length": 32, "max_train_samples": 8, "max_eval_samples": 4}
    recipe = Recipe(model=str(folder), max_steps=1, **rows)
    run = wb.train(recipe, tmp_path / "runs", progress=False)
    assert run.plan["recipe"]["learning_rate"] == 0.0015
    assert "learning_rate" not in recipe.to_yaml() and run.recipe.learning_rate is None
    assert "lr=0.0015" in wb.export(run, tmp_path / "train.py").read_text()
    field = Bench(recipe)._form.training.fields["learning_rate"]
    assert field.control.placeholder == "0.0015 (LoRA, wide)"
    other = wb.train(recipe.replace(technique="full"), tmp_path / "runs", progress=False)
    assert wb.compare(run, other).diff()["learning_rate"].to_list() == [0.0015, 0.00015]
    # What a run had stays, whatever its base has become.
    write_config(folder, **llama(4096))
    assert wb.compare(run, other).diff()["learning_rate"].to_list() == [0.0015, 0.00015]


@pytest.mark.slow
def test_minilm_learns_at_its_default_rate(tmp_path):
    settings = {"max_length": 64, "max_eval_samples": 200, "max_steps": 120, "eval_steps": 120}
    recipe = Recipe(model="all-MiniLM-L6-v2", **settings)
    run = wb.train(recipe, tmp_path, progress=False)
    assert run.evaluations[-1].scores["accuracy"] >= 0.62 and run.diagnosis is None, run.diagnosis


@pytest.mark.slow
def test_minilm_at_too_high_a_rate_says_so(tmp_path):
    settings = {"max_length": 64, "max_eval_samples": 200, "max_steps": 60, "eval_steps": 30}
    recipe = Recipe(model="all-MiniLM-L6-v2", learning_rate=1e-2, **settings)
    run = wb.train(recipe, tmp_path, progress=False)
    assert run.diagnosis is not None and not run.diagnosis.learned
    assert "lower learning_rate, such as 0.001 (now 0.01)" in run.diagnosis.advice

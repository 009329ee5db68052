"""Whether a technique fits: tried on every architecture, said with a reason, leaving the base alone."""

import dataclasses
import itertools
import json
import re

import pytest
import torch
import transformers

import workbench as wb
from tests.benchmarks import matrix
from tests.conftest import save_architecture
from tests.serving import TRAINED
from tests.test_export import recipe_for
from tests.tiny import ARCHITECTURES, inputs_for
from workbench.cli import main
from workbench.errors import ModelError, RecipeError
from workbench.recipe import Recipe
from workbench.registry.techniques import TECHNIQUES, uncurated
from workbench.sources.lookup import load_data
from workbench.training.adaptation.derived_arguments import (
    RunFacts,
    derive_target_modules_bd_a,
    derive_target_modules_bd_b,
)
from workbench.training.adaptation.target_modules import block_linears, find_apart
from workbench.training.inspection.compatibility import trial_model
from workbench.training.inspection.compatibility.probe import Probe
from workbench.training.inspection.compatibility.result import Compatibility, CompatibilityTable
from workbench.training.inspection.compatibility.tiny_config import shrink
from workbench.training.inspection.skeleton import count
from workbench.tuners.name_endings import matches

FEW = (
    "lora",
    "dora",
    "pissa",
    "adalora",
    "lora_plus",
    "vera",
    "ia3",
    "hra",
    "hira",
    "last_layers",
    "full",
)
CONVERT = "set convert_conv1d=True to rewrite them as Linear"


@pytest.fixture(scope="module", params=ARCHITECTURES)
def model(request):
    return ARCHITECTURES[request.param]()


@pytest.fixture(scope="module")
def tiny_gpt2(tmp_path_factory):
    return save_architecture(tmp_path_factory.mktemp("models") / "tiny-gpt2", "gpt2")


def test_few_of_all_kinds_fit_every_architecture(model):
    bits = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    flags = [parameter.requires_grad for parameter in model.parameters()]
    probe = Probe(model)
    for technique in FEW:
        fit = probe.try_on(technique)
        if not fit.compatible:
            assert model.config.model_type == "gpt2"
            assert "Conv1D" in fit.reason and fit.remedy == CONVERT
            fit = wb.compatible(model, technique, convert_conv1d=True)
        assert fit.compatible, str(fit)
        assert fit.trainable > 0
        assert set(fit.matched) <= {name for name, _ in model.named_modules()}
    assert all(torch.equal(bits[name], tensor) for name, tensor in model.state_dict().items())
    assert flags == [parameter.requires_grad for parameter in model.parameters()]
    assert not hasattr(model, "peft_config")


def test_default_targets_are_all_linears_of_the_blocks_and_no_head(model):
    targets = block_linears(model)
    linears = {
        name
        for name, module in model.named_modules()
        if type(module).__name__ in ("Linear", "Conv1D")
    }
    inside = {name for name in linears if re.search(r"\.\d+\.", name)}
    assert inside
    assert {name for name, _ in model.named_modules() if matches(name, targets)} == inside


def test_names_of_layers_that_none_of_the_others_ends_with(model):
    names = find_apart(model)["target_modules"]
    assert not any(one != other and one.endswith(other) for one in names for other in names)
    layers = [name for name, _ in model.named_modules()]
    meant, all_linears = (
        {layer for layer in layers if matches(layer, some)}
        for some in (names, block_linears(model))
    )
    assert meant == all_linears


def test_each_layer_is_block_diagonal_in_one_of_its_factors(model):
    targets = block_linears(model)
    facts = RunFacts(model, 1, {"target_modules": targets}, list)
    inner, outer = derive_target_modules_bd_a(facts), derive_target_modules_bd_b(facts)
    layers = [name for name, _ in model.named_modules() if matches(name, targets)]
    # PEFT looks for these anywhere in a layer's name, and refuses one that both are found in.
    for layer in layers:
        found = [any(part in layer for part in parts) for parts in (inner, outer)]
        assert sorted(found) == [False, True], layer
    assert inner and outer


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_a_small_one_of_each_kind_has_the_same_parts_and_runs(name):
    tiny = ARCHITECTURES[name]()
    small = {"vocab_size", "pad_token_id", "bos_token_id", "eos_token_id", "decoder_start_token_id"}
    settings = {
        key: getattr(tiny.config, key)
        for key in small
        if key not in ("vocab_size",) and hasattr(tiny.config, key)
    }
    kind = type(tiny.config)
    if name == "deberta-v2":
        settings |= {
            "relative_attention": True,
            "pos_att_type": ["p2c", "c2p"],
            "type_vocab_size": 0,
        }
    config = kind(**settings)
    with torch.device("meta"):
        large = type(tiny)(config)
    model = type(tiny)(shrink(config))
    assert kinds(model) == kinds(large)
    assert sum(p.numel() for p in model.parameters()) < 2e7
    from workbench.registry.tasks import TASKS

    task = next(task for task in TASKS.values() if trial_model.is_for(model, task))
    assert torch.isfinite(model(**trial_model.example_batch(model, task)).loss)


def kinds(model):
    return {(re.sub(r"\d+", "N", name), type(part)) for name, part in model.named_modules()}


@pytest.mark.parametrize("technique", ["lora", "oft", "prompt_tuning", "head_only", "full"])
def test_of_a_large_base_the_true_numbers_are_told(technique, tiny_llama, monkeypatch):
    whole = wb.compatible(tiny_llama, technique)
    monkeypatch.setattr(trial_model, "SMALL", 0)
    assert wb.compatible(tiny_llama, technique) == whole


def test_what_cannot_be_made_of_shapes_alone_may_fit_a_large_base(tiny_llama, monkeypatch):
    monkeypatch.setattr(trial_model, "SMALL", 0)
    fit = wb.compatible(tiny_llama, "frod")  # decomposes weights as it is made
    assert fit.compatible


def test_loftq_fits_bases_whose_layers_or_heads_are_stored_in_another_way(
    tiny_gpt2, tiny_t5, tiny_bert, tiny_llama, monkeypatch
):
    assert wb.compatible(
        tiny_gpt2, "loftq"
    ).compatible  # Conv1D keeps its weights the other way round
    assert wb.compatible(tiny_t5, "loftq").compatible  # one layer of each block is never packed
    assert wb.compatible(tiny_bert, "loftq").compatible  # a head of its own
    monkeypatch.setattr(trial_model, "SMALL", 0)
    assert wb.compatible(tiny_llama, "loftq").compatible  # reads the small model of its kind twice


def test_a_base_without_a_padding_token_is_given_one_as_in_a_run(tmp_path):
    base = save_architecture(tmp_path / "unpadded", "llama")
    config = json.loads((base / "config.json").read_text())
    (base / "config.json").write_text(json.dumps({**config, "pad_token_id": None}))
    assert wb.compatible(base, "head_only", task="classify").compatible


@pytest.mark.parametrize("name", ["bert", "distilbert", "deberta-v2", "llama"])
def test_whole_blocks_are_found_where_peft_does_not_know_their_name(name):
    fit = wb.compatible(ARCHITECTURES[name](), "shadow")
    assert fit.compatible, str(fit)
    assert len(fit.matched) == 2


@pytest.mark.parametrize("technique", ["eva", "poly"])
@pytest.mark.parametrize("name", ["deberta-v2", "vit"])
def test_layers_may_see_something_else_than_the_rows_tokens(name, technique):
    fit = wb.compatible(ARCHITECTURES[name](), technique)
    assert fit.compatible, str(fit)


def test_converting_is_offered_and_does_it(tiny_gpt2):
    fit = wb.compatible(tiny_gpt2, "hra")
    assert (fit.compatible, fit.reason) == (False, "gpt2 uses Conv1D, which HRA cannot wrap")
    assert fit.remedy == CONVERT
    assert (
        str(fit)
        == f"HRA does not work with this base (task: {fit.task_title}): {fit.reason}: {fit.remedy}."
    )
    assert wb.compatible(tiny_gpt2, "hra", convert_conv1d=True).compatible


def test_what_wraps_nothing_is_refused_before_and_in_training(tiny_gpt2, tmp_path):
    # OSF passes over every Conv1D without a word.
    assert wb.compatible(tiny_gpt2, "osf").remedy == CONVERT
    with pytest.raises(ModelError, match="target_modules must name layers that OSF can wrap"):
        wb.train(recipe_for("osf", "lm", tiny_gpt2, tmp_path), tmp_path / "runs", progress=False)


def test_what_peft_refuses_is_a_sentence_in_counting_and_in_training(tiny_gpt2, tmp_path):
    recipe = recipe_for("hra", "lm", tiny_gpt2, tmp_path)
    said = "HRA does not work with GPT2LMHeadModel: gpt2 uses Conv1D, which HRA cannot wrap: set convert_"
    with pytest.raises(ModelError, match=said):
        count(recipe)
    with pytest.raises(ModelError, match=said):
        wb.train(recipe, tmp_path / "runs", progress=False)


@pytest.mark.parametrize(
    ("technique", "settings", "reason", "remedy"),
    [
        (
            "lora",
            {"target_modules": ["q_prj"]},
            "target_modules must be the name of a module",
            "did you mean",
        ),
        ("lora", {"r": 10_000}, "r must be at most 32, the width of the layers, but is 10000", ""),
        (
            "pissa",
            {"quantization": "nf4"},
            "quantization must be None with PiSSA",
            "PEFT supports it for weights in full precision only",
        ),
        ("lora", {"task": "seq2seq"}, "task must be", ""),
        ("head_only", {"task": "lm"}, "it is only for labeled texts", ""),
        ("lora", {"quantization": "nf3"}, "quantization must be", ""),
    ],
)
def test_a_reason_names_the_knob_and_what_is_allowed(
    technique, settings, reason, remedy, tiny_llama
):
    try:
        fit = wb.compatible(tiny_llama, technique, **settings)
    except RecipeError as error:  # about the base or the task, whatever the technique
        said, found = str(error), ""
    else:
        assert not fit.compatible
        said, found = fit.reason, fit.remedy
    assert said.startswith(reason)
    assert found.startswith(remedy)


def test_what_is_no_technique_or_no_base_raises(tiny_llama):
    with pytest.raises(RecipeError, match="did you mean 'lora'"):
        wb.compatible(tiny_llama, "lorra")
    with pytest.raises(ModelError, match="must be a bundled name"):
        wb.compatible("./nowhere", "lora")


@pytest.mark.parametrize("technique", ["lora", "ia3", "head_only", "full", "zero_shot"])
def test_a_trial_counts_for_the_labels_of_the_data_as_a_recipe_does(technique):
    recipe = Recipe(technique=technique, data="support")
    labels = len(load_data(recipe).labels)
    assert labels > 2
    fit = Probe(recipe.model, task=recipe.task, num_labels=labels).try_on(technique)
    expected = count(recipe)
    assert fit.trainable == expected["trainable"]
    assert fit.total == (expected["total"] if technique != "zero_shot" else 0)


def test_a_fit_is_a_frozen_value():
    fit = wb.compatible(ARCHITECTURES["llama"](), "lora")
    with pytest.raises(dataclasses.FrozenInstanceError):
        fit.compatible = False
    assert (
        str(fit)
        == f"LoRA works with this base (task: Language modelling): it would train {fit.trainable:,} "
        "parameters in 14 modules."
    )


@pytest.mark.parametrize(
    "technique, ends",
    [
        ("lora", "{rest:,} in 28 modules, {head:,} in the new head."),
        ("prompt_tuning", "parameters, {head:,} of them in the new head."),
        ("head_only", "parameters, all in the new head."),
    ],
)
def test_the_new_head_is_counted_and_named(technique, ends):
    task = {"task": "classify"}
    fit = wb.compatible("village-3m", technique, **task)
    assert fit.head == wb.compatible("village-3m", "head_only", **task).trainable == 512
    assert "works with this base (task: Classification): " in str(fit)
    assert str(fit).endswith(ends.format(head=fit.head, rest=fit.trainable - fit.head))
    assert wb.compatible("village-3m", "lora").head == 0  # for language modelling there is none


def test_the_table_names_the_task_and_the_head():
    fits = [Compatibility("lora", True, "classify", trainable=20, total=90, head=4)]
    row = CompatibilityTable(iter(fits))._rows()[0]
    assert (row["task"], row["trainable"], row["of which head"]) == ("Classification", "20", "4")


def test_a_model_in_memory_can_bring_its_own_rows():
    model = ARCHITECTURES["llama"]()
    assert wb.compatible(model, "lora", batch=inputs_for(model)).compatible
    assert "in memory" in wb.compatible(model, "qlora").reason
    headless = transformers.AutoModel.from_config(model.config)
    with pytest.raises(ModelError, match="batch must be given"):
        wb.compatible(headless, "lora")


def test_the_command_line_prints_the_whole_table(tiny_llama, capsys):
    assert main(["compatible", str(tiny_llama), "--json"]) == 0
    rows = {row["technique"]: row for row in json.loads(capsys.readouterr().out)}
    assert set(rows) == {*TECHNIQUES, *uncurated()}
    assert rows["lora"]["compatible"] and len(rows["lora"]["matched"]) == 14
    assert all(row["compatible"] or row["reason"] for row in rows.values())
    assert rows["head_only"]["task"] == "classify"


def test_each_architecture_holds_what_a_fit_says_and_its_script_gives_the_same_losses(tmp_path):
    pairs = zip(ARCHITECTURES, itertools.cycle(FEW), strict=False)
    cells = [matrix.cell(technique, name, tmp_path) for name, technique in pairs]
    assert [one for one in cells if one.state not in (matrix.HOLDS, matrix.CONVERTED)] == []
    assert matrix.differences(cells, tmp_path) == [""] * len(ARCHITECTURES)


@pytest.mark.slow
@pytest.mark.parametrize("name", ARCHITECTURES)
def test_every_technique_holds_what_its_fit_says(name, tmp_path):
    cells = matrix.column(name, TRAINED, tmp_path)
    print(matrix.table(cells))
    assert [one for one in cells if one.state == matrix.BROKEN] == []
    assert all(one.reason for one in cells if one.state == matrix.REFUSED)
    assert sum(one.state == matrix.REFUSED for one in cells) < len(cells) / 3

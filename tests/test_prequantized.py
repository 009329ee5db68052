"""Checkpoints that are themselves stored in fewer bits train as if the recipe had asked for that."""

from __future__ import annotations

import json
import shutil

import pytest
import torch
import transformers

import workbench as wb
from tests.allocator import allocated
from tests.test_export import figures, run_scripts
from workbench.cli import main
from workbench.errors import ModelError, RecipeError
from workbench.registry.quantizations import QUANTIZATIONS
from workbench.sources.models import describe
from workbench.training.adaptation.quantize import quantization_config
from workbench.training.prepare import prepare
from workbench.training.resolve import resolve

RECIPE = wb.Recipe(
    task="lm",
    data="chronicle",
    technique="lora",
    max_steps=4,
    eval_steps=2,
    eval_on_start=True,
    max_train_samples=8,
    max_eval_samples=8,
    max_length=32,
)


def store(folder, config, dtype=torch.float32):
    """Save the bundled base as a config of transformers says, with its tokenizer."""
    plain = describe.resolve("village-3m")
    model = transformers.AutoModelForCausalLM.from_pretrained(
        plain, dtype=dtype, quantization_config=config
    )
    model.save_pretrained(folder)
    transformers.AutoTokenizer.from_pretrained(plain).save_pretrained(folder)
    return str(folder)


@pytest.fixture(scope="module", params=QUANTIZATIONS)
def stored(request, tmp_path_factory):
    """The bundled base, saved in fewer bits: its folder, and how it is stored."""
    name = request.param
    folder = tmp_path_factory.mktemp("models") / f"village-{name}"
    return store(folder, quantization_config(name, ["lm_head"])), name


@pytest.fixture(scope="module", params=QUANTIZATIONS)
def like_on_the_hub(request, tmp_path_factory):
    """A checkpoint as they are shared: the rest in bfloat16, plain scales, no module named."""
    name = request.param
    config = quantization_config(name, ())
    setattr(config, QUANTIZATIONS[name].skips, None)
    if QUANTIZATIONS[name].bits == 4:
        config.bnb_4bit_compute_dtype = torch.bfloat16
        config.bnb_4bit_use_double_quant = False
    folder = tmp_path_factory.mktemp("models") / f"village-bf16-{name}"
    return store(folder, config, torch.bfloat16), name


def refusals(recipe):
    with pytest.raises(RecipeError) as caught:
        resolve(recipe)
    return [str(problem) for problem in caught.value.problems]


def test_facts_tell_how_a_checkpoint_is_stored(stored):
    folder, name = stored
    facts = describe.facts(folder)
    assert facts.quantization == name
    assert facts.parameters == describe.facts("village-3m").parameters
    assert describe.facts("village-3m").quantization is None


def test_losses_are_those_of_a_recipe_that_says_so(stored, tmp_path):
    folder, name = stored
    recipe = RECIPE.replace(model=folder)
    run = wb.train(recipe, tmp_path, progress=False)
    said = wb.train(recipe.replace(quantization=name), tmp_path, progress=False)
    assert figures(run.events) == figures(said.events)
    assert run.plan["recipe"]["quantization"] == name
    assert len(set(run.losses)) > 1


def test_losses_are_those_of_the_base_stored_while_it_is_loaded(stored, tmp_path):
    folder, name = stored
    run = wb.train(RECIPE.replace(model=folder), tmp_path, progress=False)
    loaded = wb.train(RECIPE.replace(quantization=name), tmp_path, progress=False)
    assert figures(run.events) == figures(loaded.events)


def test_lora_is_qlora_on_four_bits_alone(stored, tmp_path):
    folder, stored_as = stored
    if QUANTIZATIONS[stored_as].bits != 4:
        (sentence,) = refusals(RECIPE.replace(model=folder, technique="qlora"))
        assert "QLoRA is defined on a 4-bit base; LoRA" in sentence
        return
    runs = [
        wb.train(RECIPE.replace(model=folder, technique=name), tmp_path, progress=False)
        for name in ("lora", "qlora")
    ]
    assert figures(runs[0].events) == figures(runs[1].events)
    assert runs[0].plan["recipe"]["quantization"] == runs[1].plan["recipe"]["quantization"]


def test_an_evaluation_changes_no_weights(stored):
    run = prepare(RECIPE.replace(model=stored[0]))
    batch = {"input_ids": torch.arange(8)[None], "attention_mask": torch.ones(1, 8).long()}

    def graph():
        with torch.enable_grad():
            return run.model.train()(**batch).logits.detach()

    before = graph()
    with torch.no_grad():
        one = {name: values[:, :1] for name, values in batch.items()}
        run.model.eval()(**one)  # where bitsandbytes looks for its kernel of one row
        run.model(**batch)
    assert torch.equal(graph(), before)


def test_runs_of_it_share_one_base(stored):
    folder, name = stored
    base = resolve(RECIPE.replace(model=folder)).base
    assert resolve(RECIPE.replace(model=folder, quantization=name)).base is base


@pytest.mark.parametrize("technique", ["lora", "head_only"])
def test_a_new_head_is_stored_in_full(stored, technique, tmp_path):
    recipe = RECIPE.replace(model=stored[0], task="classify", data="reviews", technique=technique)
    run = wb.train(recipe, tmp_path, progress=False)
    said = wb.train(recipe.replace(quantization=stored[1]), tmp_path, progress=False)
    assert figures(run.events) == figures(said.events)
    assert len(set(run.losses)) > 1
    (events,) = run_scripts(wb.export(run, tmp_path / "again.py"))
    assert figures(events) == figures(run.events)


def test_a_script_loads_it_as_it_is_and_has_the_losses_of_the_run(stored, tmp_path):
    run = wb.train(RECIPE.replace(model=stored[0]), tmp_path, progress=False)
    script = wb.export(run, tmp_path / "again.py")
    assert "quantization_config" not in script.read_text()
    (events,) = run_scripts(script)
    assert figures(events) == figures(run.events)


def test_the_notes_say_it(stored, tmp_path):
    folder, name = stored
    notes = resolve(RECIPE.replace(model=folder)).plan.notes
    assert any(folder in note and repr(name) in note for note in notes)
    assert not any("is stored" in note for note in resolve(RECIPE).plan.notes)


def test_another_quantization_is_refused(stored):
    folder, name = stored
    for other in QUANTIZATIONS:
        if other == name:
            continue
        recipe = RECIPE.replace(model=folder, quantization=other)
        (sentence,) = refusals(recipe)
        assert sentence == (
            f"quantization must be {name!r} (or None) with the model {folder!r}, but is {other!r}: "
            "its checkpoint is quantized already and cannot be quantized again."
        )
        assert not wb.compatible(folder, "lora", quantization=other).compatible


@pytest.mark.parametrize("technique", ["full", "bitfit", "last_layers", "pissa"])
def test_techniques_that_need_full_precision_are_refused(stored, technique):
    folder, name = stored
    (sentence,) = refusals(RECIPE.replace(model=folder, technique=technique))
    assert sentence.startswith("quantization must be None with ")
    assert f"but is {name!r}: the checkpoint of {folder!r} is quantized with it, and " in sentence
    fit = wb.compatible(folder, technique)
    assert not fit.compatible and folder in str(fit) and "fails inside" not in str(fit)


def test_what_a_technique_refuses_it_refuses_of_a_checkpoint(stored):
    folder, name = stored
    recipe = RECIPE.replace(model=folder, technique="dora")
    if name != "int8":
        assert resolve(recipe).recipe.quantization == name
        return
    (sentence,) = refusals(recipe)
    assert sentence.startswith("quantization must be one of 'nf4', 'fp4', 'int8_torchao' with DoRA")
    assert f"the checkpoint of {folder!r} is quantized with it" in sentence


def test_loftq_has_nothing_to_start_from(stored):
    folder, _ = stored
    sentences = refusals(RECIPE.replace(model=folder, technique="loftq"))
    assert len(sentences) == 1 and folder in sentences[0]
    assert not wb.compatible(folder, "loftq").compatible


def test_it_is_foretold(stored):
    recipe = RECIPE.replace(model=stored[0], eval_on_start=False)
    told = wb.forecast(recipe)
    assert told.peak == pytest.approx(allocated(recipe), rel=0.03)
    assert told.saved > 0
    assert told.peak == wb.forecast(RECIPE.replace(quantization=stored[1])).peak


@pytest.mark.parametrize("technique", ["lora", "ia3", "prompt_tuning", "head_only"])
def test_it_fits(stored, technique):
    folder, name = stored
    fit = wb.compatible(folder, technique)
    assert fit == wb.compatible("village-3m", technique, quantization=name) and fit.compatible


def test_it_fits_where_it_is_too_large_to_be_tried(stored, monkeypatch):
    monkeypatch.setattr("workbench.training.inspection.compatibility.trial_model.SMALL", 0)
    folder, name = stored
    assert wb.compatible(folder, "lora") == wb.compatible("village-3m", "lora", quantization=name)
    assert wb.compatible(folder, "lora").compatible


def test_one_as_they_are_shared(like_on_the_hub, tmp_path):
    folder, name = like_on_the_hub
    recipe = RECIPE.replace(model=folder)
    run = wb.train(recipe, tmp_path, progress=False)
    assert run.plan["recipe"]["quantization"] == name
    (events,) = run_scripts(wb.export(run, tmp_path / "again.py"))
    assert figures(events) == figures(run.events)
    calm = recipe.replace(eval_on_start=False)
    assert wb.forecast(calm).peak == pytest.approx(allocated(calm), rel=0.03)
    kept = [one.dtype for one in resolve(recipe).base.model.parameters() if one.is_floating_point()]
    assert set(kept) == {torch.float32}
    new = recipe.replace(task="classify", data="reviews")
    assert len(set(wb.train(new, tmp_path, progress=False).losses)) > 1


@pytest.mark.parametrize(
    "told", [None, [], "nf4", {}, {"quant_method": "fp8"}, {"load_in_4bit": 1}]
)
def test_what_is_not_known_is_no_quantization(told, tiny_llama, tmp_path):
    folder = shutil.copytree(tiny_llama, tmp_path / "odd")
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, "quantization_config": told}))
    known = isinstance(told, dict) and "load_in_4bit" in told
    # bitsandbytes takes fp4 where a config says no more than that.
    assert describe.facts(folder).quantization == ("fp4" if known else None)


@pytest.mark.parametrize("method", ["gptq", "awq"])
def test_what_needs_another_package_is_said_by_its_name(method, tiny_llama, tmp_path):
    folder = shutil.copytree(tiny_llama, tmp_path / method)
    config = json.loads((folder / "config.json").read_text())
    config["quantization_config"] = {"quant_method": method, "bits": 4, "group_size": 128}
    (folder / "config.json").write_text(json.dumps(config))
    with pytest.raises(ModelError, match="cannot be loaded: .*(optimum|gptqmodel)"):
        resolve(RECIPE.replace(model=str(folder)))


def test_the_command_line_says_how_bases_are_stored(capsys):
    assert main(["models", "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert {row["stored"] for row in rows if row["architecture"] != "not available"} == {"float32"}


def test_a_checkpoint_in_sixteen_bits_is_foretold_as_it_is_loaded(tmp_path):
    recipe = RECIPE.replace(
        model=store(tmp_path / "half", None, torch.bfloat16), eval_on_start=False
    )
    assert wb.forecast(recipe).peak == pytest.approx(allocated(recipe), rel=0.03)

"""The anatomy of a recipe: the tree, what can be ticked, and what it takes."""

from __future__ import annotations

import copy
import json
import re

import pytest
import torch
import transformers
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import load_file

from tests.serving import every, mechanisms
from tests.tiny import ARCHITECTURES
from workbench.errors import ModelError
from workbench.recipe import Recipe
from workbench.registry.techniques import TECHNIQUES
from workbench.training.adaptation.checkpoint import save
from workbench.training.adaptation.heads import head_modules
from workbench.training.adaptation.meters import count_parameters
from workbench.training.inspection import skeleton as count
from workbench.training.inspection.anatomy import dissect, take_apart, to_dict
from workbench.training.prepare import prepare

CLASSIFY = [name for name, entry in TECHNIQUES.items() if "classify" in entry.tasks]


def nodes(node):
    """Every node of a tree with how many modules it stands for."""
    yield node
    for child in node.children:
        yield from nodes(child)


def find(structure, ending):
    return next(n for n in nodes(structure.tree) if any(p.endswith(ending) for p in n.paths))


def totals(node):
    """Add a tree up: the base's parameters, what is injected, what is trained."""
    base = injected = trained = 0
    for one in nodes(node):
        base += one.count * one.own
        injected += one.count * sum(piece.parameters for piece in one.injected)
        trained += one.count * one.own_trainable
        trained += one.count * sum(p.parameters for p in one.injected if p.trainable)
    return {"total": base + injected, "injected": injected, "trainable": trained}


@pytest.fixture(scope="module")
def rows(tmp_path_factory):
    path = tmp_path_factory.mktemp("data") / "rows.csv"
    lines = [f"the film was {word} {n},{word}" for n in range(20) for word in ("good", "bad")]
    path.write_text("\n".join(["text,label", *lines]))
    return str(path)


@pytest.fixture
def recipe(tiny_llama, rows):
    return Recipe(
        model=str(tiny_llama),
        data=rows,
        max_steps=2,
        eval_steps=2,
        per_device_train_batch_size=4,
        max_length=24,
    )


@pytest.mark.parametrize("technique", every(slow_beyond=mechanisms()))
def test_the_tree_and_the_footprint_are_those_of_the_run(technique, recipe, tmp_path):
    if technique not in CLASSIFY:
        path = tmp_path / "texts.jsonl"
        row = {"text": "the film was good", "prompt": "was it good", "completion": "it was"}
        path.write_text("".join(json.dumps(row | {"n": n}) + "\n" for n in range(40)))
        recipe = recipe.replace(task=TECHNIQUES[technique].tasks[0], data=str(path))
    recipe = recipe.replace(technique=technique)
    structure = take_apart(recipe)
    if structure.problem:  # what cannot be applied without memory cannot be counted either
        with pytest.raises(Exception, match=re.escape(structure.problem[:40])):
            count.count(recipe)
        return
    run = prepare(recipe)
    figures = {name: run.parameters[name] for name in ("total", "injected", "trainable")}
    if TECHNIQUES[technique].quantization is None:
        assert totals(structure.tree) == figures
    assert {name: structure.figures[name] for name in figures} == figures
    with run.randomness:
        next(run.steps)
    read = run.meter.read()
    memory = structure.figures["memory"]
    assert memory["gradients"] == read["gradients"]
    if technique == "shadow":  # its first step does not reach all that it trains
        assert memory["optimizer"] >= read["optimizer"]
    else:
        assert memory["optimizer"] == read["optimizer"]
    save(run.model, run.tokenizer, TECHNIQUES[technique], tmp_path / "saved", run.initial_state)
    files = (tmp_path / "saved").glob("*.safetensors")
    written = sum(tensor.nbytes for file in files for tensor in load_file(file).values())
    if structure.figures["disk"] is None:
        assert technique == "cpt"  # whose saving looks at values
    elif TECHNIQUES[technique].after_step:  # ranks that are given up are not saved
        assert structure.figures["disk"] >= written
    else:
        assert structure.figures["disk"] == written


def tasks_of(name):
    """The task that goes with one of the tiny architectures."""
    kind = ARCHITECTURES[name]().__class__.__name__
    if kind.endswith(("SequenceClassification", "ImageClassification")):
        return "classify"
    return "seq2seq" if kind.endswith("ConditionalGeneration") else "lm"


@pytest.fixture(scope="module", params=ARCHITECTURES)
def skeleton(request):
    """A recipe for a tiny model of each architecture, the model without memory, its new head."""
    recipe, model = Recipe(task=tasks_of(request.param)), ARCHITECTURES[request.param]().to("meta")
    heads = head_modules(model) if recipe.task == "classify" else ()
    return recipe, model, [n for n, _ in model.named_parameters() if n.split(".")[0] in heads]


@pytest.mark.parametrize("technique", ["lora", "dora", "adalora", "ia3", "bitfit", "full"])
def test_the_tree_counts_as_the_meters_do(skeleton, technique):
    recipe, model, new_parameters = skeleton
    recipe = recipe.replace(technique=technique).resolved()
    structure = dissect(recipe, model, new_parameters)
    if structure.problem:  # a llama has no biases
        assert technique == "bitfit" and "finds none" in structure.problem
        assert totals(structure.tree)["trainable"] == 0
        return
    adapted, _ = count.adapt_shapes(recipe, copy.deepcopy(model), new_parameters)
    counted = count_parameters(adapted, model)
    assert totals(structure.tree) == {name: counted[name] for name in totals(structure.tree)}
    assert structure.tree.trainable == counted["trainable"]


@pytest.mark.parametrize("technique", ["lora", "ia3"])
def test_whatever_is_ticked_is_what_is_wrapped(skeleton, technique):
    recipe, model, new_parameters = skeleton
    recipe = recipe.replace(technique=technique).resolved()
    structure = dissect(recipe, model, new_parameters)
    can = sorted(structure.tree.can)
    assert len(can) >= 8

    @settings(max_examples=6, deadline=None)
    @given(st.sets(st.sampled_from(can), min_size=1))
    def ticks(chosen):
        args = structure.arguments(sorted(chosen))
        again = dissect(recipe.replace(technique_args=args).resolved(), model, new_parameters)
        assert again.problem == ""
        assert set(again.tree.ticked) == chosen
        assert again.arguments(again.tree.ticked) == args  # and back

    ticks()


@given(
    layers=st.sets(st.integers(0, 3), min_size=1),
    kinds=st.sets(st.sampled_from(["q_proj", "v_proj", "up_proj"]), min_size=1),
)
@settings(max_examples=12, deadline=None)
def test_the_same_modules_in_some_layers_are_said_with_layers_to_transform(layers, kinds):
    config = transformers.LlamaConfig(
        vocab_size=32,
        hidden_size=16,
        intermediate_size=32,
        num_hidden_layers=4,
        num_attention_heads=4,
    )
    with torch.device("meta"):
        model = transformers.LlamaForCausalLM(config)
    structure = dissect(Recipe(task="lm").resolved(), model, ())
    chosen = [
        name
        for name in structure.tree.can
        if name.rpartition(".")[2] in kinds and int(name.split(".")[2]) in layers
    ]
    args = structure.arguments(chosen)
    if len(layers) == 4:
        assert args == {"target_modules": sorted(kinds)}
    else:
        assert args["target_modules"] == sorted(kinds)
        assert args["layers_to_transform"] == sorted(layers)


def test_all_that_is_wrapped_by_default_needs_no_argument(skeleton):
    recipe, model, new_parameters = skeleton
    given = {"r": 4, "target_modules": ["x"], "layers_to_transform": [0]}
    structure = dissect(recipe.replace(technique_args=given).resolved(), model, new_parameters)
    usual = dissect(recipe.resolved(), model, new_parameters)
    assert structure.problem and structure.figures == {}
    assert structure.tree.ticked == ()
    assert structure.arguments(usual.tree.ticked) == {"r": 4}


def test_no_module_at_all_is_a_problem_that_can_be_mended(recipe):
    structure = take_apart(recipe.replace(target_modules=[]))
    assert "target_modules" in structure.problem
    assert structure.tree.can and not structure.tree.ticked


def test_equal_blocks_are_folded_and_others_are_not(recipe):
    whole = take_apart(recipe)
    assert find(whole, "layers.0").name == "0–1"
    some = take_apart(recipe.replace(layers_to_transform=[1]))
    assert find(some, "layers.0").name == "0" and find(some, "layers.1").name == "1"
    assert [len(ticked) for _, ticked in find(some, ".layers").layers] == [0, 7]
    half = some.figures["trainable"] - find(some, "score").trainable
    assert 2 * half == whole.figures["trainable"] - find(whole, "score").trainable


def test_a_head_is_never_ticked(recipe):
    structure = take_apart(recipe)
    head = find(structure, "score")
    assert head.can == () and [piece.name for piece in head.injected] == ["modules_to_save"]


@pytest.mark.parametrize("technique", ["prompt_tuning", "full", "last_layers"])
def test_what_wraps_nothing_says_why(recipe, technique):
    structure = take_apart(recipe.replace(technique=technique))
    assert structure.tree.can == () and structure.tree.trainable > 0
    assert TECHNIQUES[technique].title in structure.why_fixed
    with pytest.raises(ModelError, match="no modules can be selected|wraps no"):
        structure.arguments([])


def test_it_is_plain_data(recipe):
    plain = to_dict(take_apart(recipe))
    assert Recipe.from_dict({"technique_args": plain}).to_yaml()


def test_the_largest_models_take_a_moment():
    config = transformers.LlamaConfig(
        hidden_size=8192, intermediate_size=28672, num_hidden_layers=80, num_attention_heads=64
    )
    with torch.device("meta"):
        model = transformers.LlamaForCausalLM(config)
    structure = dissect(Recipe(task="lm").resolved(), model, ())
    assert structure.figures["trainable"] == 560 // 7 * 8 * (8192 * 8 + 2 * 36864 + 36864)
    assert len(list(nodes(structure.tree))) < 20

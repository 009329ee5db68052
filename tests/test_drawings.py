"""Drawings of techniques: sizes that multiply, what is trained as it is counted, what is shared shown."""

from __future__ import annotations

import json
import re
from xml.etree import ElementTree

import pytest

from tests.tiny import ARCHITECTURES
from workbench.panels.anatomy.drawing import boxes, draw
from workbench.panels.anatomy.drawing.equations import Drawing, Equation
from workbench.panels.anatomy.drawing.expression import (
    FROZEN,
    TRAINED,
    Kronecker,
    Matrix,
    Sum,
    product,
)
from workbench.panels.anatomy.drawing.expression import walk as walk_expression
from workbench.panels.anatomy.drawing.files import layer_from_files
from workbench.panels.anatomy.drawing.formula import formula
from workbench.panels.anatomy.drawing.picture import drawing_of, picture
from workbench.panels.anatomy.drawing.sites import drawn, is_adapted, layer_of, walk
from workbench.panels.anatomy.drawing.techniques import DRAWINGS
from workbench.panels.anatomy.technique_picture import TechniquePicture
from workbench.recipe import Recipe
from workbench.registry.techniques import TECHNIQUES
from workbench.sources.lookup import find_facts
from workbench.training.adaptation.heads import head_modules
from workbench.training.inspection.anatomy import dissect, take_apart

NOTHING_TRAINED = [name for name, entry in TECHNIQUES.items() if entry.trainable == "nothing"]
WITHOUT = ("xlora",)  # it needs trained adapters, which no recipe has by itself
# Other arguments than the usual ones, which give other drawings.
VARIANTS = [
    ("lora", {"r": 3, "use_rslora": True}),
    ("lora", {"r": 4, "rank_pattern": {"v_proj": 2}}),
    ("lora", {"use_dora": True}),
    ("lora", {"init_lora_weights": "pissa_niter_4"}),
    ("lora", {"init_lora_weights": "mica"}),
    ("lora", {"bias": "lora_only"}),
    ("lora", {"trainable_token_indices": [1, 2, 3]}),
    ("gralora", {"gralora_k": 4, "hybrid_r": 2}),
    ("glora", {"config_A_B": "vector"}),
    ("glora", {"config_A_B": "constant"}),
    ("glora", {"config_A_B": "none"}),
    ("lokr", {"r": 2}),
    ("lokr", {"r": 1, "decompose_both": True}),
    ("lokr", {"decompose_factor": 4}),
    ("miss", {"r": 8, "init_weights": "bat"}),
    ("miss", {"r": 8, "init_weights": "mini", "mini_r": 4}),
    ("deft", {"para": True}),
    ("deft", {"decomposition_method": "qr"}),
    ("oft", {"oft_block_size": 8}),
    ("oft", {"block_share": True}),
    ("hra", {"apply_GS": True}),
    ("hra", {"r": 3}),
    ("psoft", {"psoft_orth": False}),
    ("psoft", {"psoft_mag_a": False}),
    ("road", {"variant": "road_2"}),
    ("road", {"variant": "road_4"}),
    ("supertuning", {"r": 2}),
    ("peanut", {"depth": 2}),
    ("tinylora", {"weight_tying": 1.0}),
    ("poly", {"n_splits": 2, "n_skills": 3}),
    ("lily", {"num_B": 3}),
    ("osf", {"effective_rank": 0.5}),
    ("p_tuning", {"encoder_reparameterization_type": "LSTM"}),
    ("prefix_tuning", {"prefix_projection": True, "encoder_hidden_size": 24}),
    ("cartridge", {"num_frozen_tokens": 0}),
    ("multitask_prompt_tuning", {"num_ranks": 3, "num_tasks": 2}),
    ("houlsby", {"bottleneck_dim": 4, "non_linearity": "gelu"}),
    ("last_layers", {"num_layers": 2}),
]
EVERY = [(name, {}) for name in TECHNIQUES if name not in (*WITHOUT, *NOTHING_TRAINED)]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("data")
    lines = [f"the film was {word} {n},{word}" for n in range(20) for word in ("good", "bad")]
    (folder / "rows.csv").write_text("\n".join(["text,label", *lines]))
    row = {"text": "the film was good", "prompt": "was it good", "completion": "it was"}
    texts = "".join(json.dumps(row | {"n": n}) + "\n" for n in range(40))
    (folder / "texts.jsonl").write_text(texts)
    return folder


@pytest.fixture
def recipe_of(tiny_llama, folder):
    def make(technique: str, args=None, model=None) -> Recipe:
        tasks = TECHNIQUES[technique].tasks
        kind = "classify" if "classify" in tasks else tasks[0]
        data = folder / ("rows.csv" if kind == "classify" else "texts.jsonl")
        recipe = Recipe(model=str(model or tiny_llama), task=kind, data=str(data))
        return recipe.replace(technique=technique, technique_args=args or {}).resolved()

    return make


def heads(structure) -> int:
    """Count what is trained of new heads, which no technique brings."""
    nodes = walk(structure.tree)
    new = [(n, p) for n in nodes for p in n.injected if p.name.startswith("modules_to_save")]
    return sum(node.count * piece.parameters for node, piece in new)


def drawings(structure, recipe):
    """Every module that a recipe's technique changes, with its drawing."""
    for node in walk(structure.tree):
        if is_adapted(structure, node, recipe):
            # The model around a Shadow is drawn with its blocks.
            if recipe.technique == "shadow" and node is structure.tree:
                continue
            yield node, drawing_of(recipe.technique, layer_of(structure, node, recipe))


def test_every_technique_is_drawn():
    assert set(DRAWINGS) == set(TECHNIQUES)


@pytest.mark.parametrize(("technique", "args"), [*EVERY, *VARIANTS])
def test_drawn_sizes_multiply_and_what_is_drawn_as_trained_is_what_is_counted(
    technique, args, recipe_of
):
    recipe = recipe_of(technique, args)
    structure = take_apart(recipe)
    assert structure.problem == ""
    trained, shared, modules = 0, {}, 0
    for node, drawing in drawings(structure, recipe):
        assert drawing.mismatches() == [], node.paths[0]
        modules += 1
        for leaf in drawing.trained():
            if leaf.shared:
                shared[leaf.name, leaf.shared, leaf.rows, leaf.cols] = leaf.numbers
            else:
                trained += node.count * leaf.numbers
    assert modules
    assert trained + sum(shared.values()) == structure.figures["trainable"] - heads(structure)


@pytest.mark.parametrize(("technique", "args"), [*EVERY, *VARIANTS])
def test_the_result_has_the_size_of_the_module(technique, args, recipe_of):
    recipe = recipe_of(technique, args)
    structure = take_apart(recipe)
    for node, drawing in drawings(structure, recipe):
        if len(node.shape) == 2 and node.kind == "Linear":  # not a table of embeddings
            first = drawing.equations[0].left
            assert (first.rows, first.cols) == (node.shape[0], 1)


@pytest.mark.parametrize(
    "technique", ["bitfit", "lora", "glora", "adamss", "ia3", "full", "houlsby"]
)
def test_modules_with_a_bias_too(technique, recipe_of, tiny_bert):
    recipe = recipe_of(technique, model=tiny_bert)
    structure = take_apart(recipe)
    trained = 0
    for node, drawing in drawings(structure, recipe):
        assert drawing.mismatches() == [], node.paths[0]
        trained += node.count * sum(leaf.numbers for leaf in drawing.trained())
    expected = structure.figures["trainable"] - heads(structure)
    assert trained == expected


@pytest.mark.parametrize("technique", [*NOTHING_TRAINED, *WITHOUT])
def test_what_trains_nothing_or_needs_more_has_sizes_that_multiply(technique, recipe_of):
    recipe = recipe_of(technique)
    at = layer_from_files(recipe, find_facts(recipe))
    drawing = drawing_of(technique, at)
    assert drawing.mismatches() == []
    if technique in NOTHING_TRAINED:
        assert drawing.trained() == []


@pytest.mark.parametrize("technique", ["lora", "lily", "ia3", "houlsby", "full"])
@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_modules_of_every_architecture(architecture, technique):
    model = ARCHITECTURES[architecture]().to("meta")
    kind = type(model).__name__
    labels = kind.endswith("SequenceClassification") and "classify"
    images = kind.endswith("ImageClassification") and "image_classify"
    both = kind.endswith("ConditionalGeneration") and "seq2seq"
    recipe = Recipe(task=labels or images or both or "lm", technique=technique).resolved()
    new = head_modules(model) if labels or images else ()
    names = [name for name, _ in model.named_parameters() if name.split(".")[0] in new]
    structure = dissect(recipe, model, names)
    if structure.problem:  # some wrap no Conv1D
        assert draw(recipe, structure) == ("", None)
        return
    for node in walk(structure.tree):
        assert draw(recipe, structure, node.paths[0])[1] is not None
    trained, shared = 0, {}
    for node, drawing in drawings(structure, recipe):
        assert drawing.mismatches() == [], node.paths[0]
        for leaf in drawing.trained():
            if leaf.shared:
                shared[leaf.name, leaf.shared, leaf.rows, leaf.cols] = leaf.numbers
            else:
                trained += node.count * leaf.numbers
    assert trained + sum(shared.values()) == structure.figures["trainable"] - heads(structure)


# What a technique leaves as it is, and what its layers share, is what it is about.
SHOWN = {
    "vera": {"A": FROZEN, "B": FROZEN},
    "pvera": {"A": FROZEN, "B": FROZEN},
    "randlora": {"A": FROZEN, "B_i": FROZEN},
    "unilora": {"P_A": FROZEN, "θ_d": TRAINED},
    "vblora": {"V": TRAINED},
    "tinylora": {"U √Σ": FROZEN, "P": FROZEN},
    "frod": {"U": FROZEN, "V^T": FROZEN, "S": TRAINED},
    "lora_fa": {"A": FROZEN, "B": TRAINED},
    "mica": {"A": TRAINED, "B": FROZEN},
    "psoft": {"A": FROZEN, "B": FROZEN},
    "osf": {"U_{high}": FROZEN, "U_{low}": TRAINED},
    "cpt": {"C": FROZEN, "Δ": TRAINED},
    "cartridge": {"F_K": FROZEN, "P_K": TRAINED},
    "adaption_prompt": {"W_K": FROZEN, "P": TRAINED, "g": TRAINED},
    "lora": {"W": FROZEN, "A": TRAINED, "B": TRAINED},
}


@pytest.mark.parametrize("technique", SHOWN)
def test_what_is_frozen_and_what_is_shared_is_shown(technique, recipe_of):
    recipe = recipe_of(technique)
    drawing = drawing_of(technique, layer_from_files(recipe, find_facts(recipe)))
    states = {leaf.name: leaf for leaf in drawing.leaves()}
    assert {name: states[name].state for name in SHOWN[technique]} == SHOWN[technique]
    if technique in ("vera", "pvera"):
        assert states["A"].shared and states["B"].shared
    if technique in ("vblora", "unilora"):
        assert any(leaf.shared for leaf in drawing.trained())


@pytest.mark.parametrize(
    ("technique", "text"),
    [
        ("lora", "h = W x + α/r · B A x"),
        ("rslora", "h = W x + α/√r · B A x"),
        ("vera", "h = W x + Λ_b B Λ_d A x"),
        ("loha", "h = W x + α/r · ((B_1 A_1) ⊙ (B_2 A_2)) x"),
        ("lokr", "h = W x + α/r · (C ⊗ D) x"),
        ("hira", "h = W x + (W ⊙ (B A)) x"),
        ("ia3", "h = l ⊙ (W x)"),
        ("oft", "h = W R x"),
        ("road", "h = R W x"),
        ("adalora", "h = W x + α/r · P Λ Q x"),
        ("full", "h = W x"),
    ],
)
def test_formulas_are_those_of_the_papers(technique, text):
    recipe = Recipe(technique=technique)
    drawing = drawing_of(technique, layer_from_files(recipe, find_facts(recipe)))
    assert formula(drawing)[0] == text


@pytest.mark.parametrize("technique", [name for name, _ in EVERY if name not in ("shadow",)])
def test_the_picture_before_the_libraries_counts_as_the_model_itself(technique, recipe_of):
    """What the weight files' headers say is enough for the same numbers at the same module."""
    recipe = recipe_of(technique)
    structure = take_apart(recipe)
    at = layer_from_files(recipe, find_facts(recipe))
    light = drawing_of(technique, at)
    assert light.mismatches() == []
    if technique in ("head_only", "trainable_tokens"):
        return  # how many labels or frequent tokens there are, the data says
    by_path = {path: one for node, one in drawings(structure, recipe) for path in node.paths}
    heavy = by_path.get(at.path) or next(iter(by_path.values()))
    if technique == "last_layers":
        heavy = drawing_of(technique, layer_of(structure, structure.tree, recipe))
    counted = [sum(leaf.numbers for leaf in one.trained()) for one in (light, heavy)]
    assert counted[0] == counted[1] > 0


@pytest.mark.parametrize("technique", TECHNIQUES)
def test_pictures_are_well_formed_and_say_what_they_show(technique, recipe_of):
    recipe = recipe_of(technique)
    at = layer_from_files(recipe, find_facts(recipe))
    shown = picture(TECHNIQUES[technique], at)
    html = re.sub(r"<style>.*?</style>", "", shown.html, flags=re.DOTALL)
    root = ElementTree.fromstring(html)
    spoken = next(one.get("aria-label") for one in root.iter() if one.get("role") == "img")
    assert TECHNIQUES[technique].title in spoken and "_{" not in spoken
    assert root.find(".//ul[@class='wd-legend']") is not None
    words = "".join(root.itertext())
    assert not re.search(r"lora_[AB]|vera_lambda|prompt_encoder|oft_R|hada_", words)
    for svg in root.iter("svg"):
        assert svg.get("aria-hidden") == "true"
        assert float(svg.get("width")) <= 240
        for text in svg.iter("text"):
            assert int(text.get("font-size")) >= 11


def test_fewer_bits_are_hatched_and_said(recipe_of):
    recipe = recipe_of("qlora")
    shown = TechniquePicture()
    shown.show(recipe, find_facts(recipe))
    assert "4 bits" in shown.value and "4 bits, frozen" in shown.value
    shown.show(recipe.replace(technique="lora", quantization=None), find_facts(recipe))
    assert "4 bits" not in shown.value


def test_the_picture_follows_the_arguments_and_takes_wrong_ones(recipe_of):
    recipe = recipe_of("lora")
    facts, shown = find_facts(recipe), TechniquePicture()
    shown.show(recipe.replace(r=4), facts)
    four = shown.value
    shown.show(recipe.replace(r=8), facts)
    assert shown.value != four and "8 × 32" in shown.value
    for args in ({"r": 0}, {"r": "many"}, {"lora_alpha": None}, {"target_modules": ["nowhere"]}):
        shown.show(recipe.replace(technique_args=args), facts)
    shown.show(recipe, None)
    assert shown.value == ""


def test_lora_is_drawn_as_its_arguments_make_it(recipe_of):
    recipe = recipe_of("lora")

    def drawing(**args):
        at = layer_from_files(recipe.replace(technique_args=args), find_facts(recipe))
        return drawing_of("lora", at)

    assert "W_{res}" in formula(drawing(init_lora_weights="pissa"))[0]
    assert "m ⊙ (V̂ x)" in formula(drawing(use_dora=True))[0]
    assert "α/√r" in formula(drawing(use_rslora=True))[0]
    patterned = drawing(rank_pattern={"q_proj": 2}, alpha_pattern={"q_proj": 6})
    sizes = {leaf.name: leaf.rows for leaf in patterned.trained()}
    assert sizes["A"] == 2
    values = [s.value for s in walk_expression(patterned.equations[0].right) if hasattr(s, "value")]
    assert values == [3.0]


def test_words_of_a_user_are_escaped(recipe_of):
    recipe = recipe_of("peanut", {"act_fn": "<b>relu</b>"})
    shown = TechniquePicture()
    shown.show(recipe, find_facts(recipe))
    assert "<b>relu" not in shown.value and "&lt;b&gt;relu" in shown.value


def test_a_wrong_drawing_is_found():
    a, b, x = Matrix("A", 2, 8, TRAINED), Matrix("B", 8, 3, TRAINED), Matrix("x", 8, 1, FROZEN)
    h = Matrix("h", 8, 1, FROZEN)
    assert Drawing((Equation(h, product(b, a, x)),)).mismatches()
    assert Drawing((Equation(h, Sum((x, a))),)).mismatches()
    assert Drawing((Equation(h, Kronecker(a, b)),)).mismatches()
    assert not Drawing((Equation(h, product(Matrix("B", 8, 2, TRAINED), a, x)),)).mismatches()


def test_boxes_are_to_scale_and_breaks_are_honest():
    wide, thin = Matrix("W", 256, 256, FROZEN), Matrix("A", 64, 256, TRAINED)
    assert boxes.sides(thin, 256)[1].px * 4 == boxes.sides(wide, 256)[1].px
    assert boxes.sides(Matrix("E", 2048, 256, FROZEN), 256)[1].broken
    assert boxes.sides(Matrix("A", 2, 256, TRAINED), 256)[1].thick


def test_a_click_on_any_module_draws_it_or_says_why_not(recipe_of):
    recipe = recipe_of("lora", {"target_modules": ["q_proj"]})
    structure = take_apart(recipe)
    shown = {node.paths[0]: draw(recipe, structure, node.paths[0]) for node in walk(structure.tree)}
    for path, (layer, drawn_picture) in shown.items():
        assert drawn_picture is not None, path
    query, value = "model.layers.0.self_attn.q_proj", "model.layers.0.self_attn.v_proj"
    assert shown[query][0] == query and f"What LoRA does to {query}" in shown[query][1].html
    assert shown[value][0] == value and "LoRA leaves v_proj as it is" in shown[value][1].html
    assert "Nothing</b> is trained here" in shown[value][1].html
    assert shown["model.layers.0"][0] == query
    assert "first such module in" in shown["model.layers.0"][1].html
    assert "LoRA changes nothing in mlp" in shown["model.layers.0.mlp"][1].html
    assert "new head" in shown["score"][1].html
    assert draw(recipe, structure, "no.such.module")[0] == query


def test_what_nobody_has_drawn_yet_is_said_in_words(recipe_of, monkeypatch):
    recipe = recipe_of("lora")
    structure = take_apart(recipe)
    monkeypatch.delitem(DRAWINGS, "lora")
    _, shown = draw(recipe, structure)
    assert "No picture yet" in shown.html and "lora_A 8 × 32 = 256" in shown.html
    node = next(n for n in walk(structure.tree) if drawn(n))
    assert node.paths[0].endswith("q_proj")

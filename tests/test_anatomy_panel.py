"""The anatomy panel without a browser: its figures, its ticks, its pictures."""

from __future__ import annotations

import re
import threading

import pytest

from workbench.errors import WorkbenchError
from workbench.panels import Anatomy, Bench
from workbench.panels.chart.chart import LiveChart
from workbench.panels.kernel import preload
from workbench.panels.run.run_view import RunView
from workbench.panels.run.status import _ranks, thinned
from workbench.recipe import Recipe
from workbench.runs.train import train


@pytest.fixture(scope="module")
def rows(tmp_path_factory):
    path = tmp_path_factory.mktemp("data") / "rows.csv"
    lines = [f"the film was {word} {n},{word}" for n in range(20) for word in ("good", "bad")]
    path.write_text("\n".join(["text,label", *lines]))
    return str(path)


@pytest.fixture
def recipe(tiny_llama, rows):
    return Recipe(model=str(tiny_llama), data=rows)


def test_a_click_on_a_module_draws_it_and_ticking_one_draws_that(recipe):
    anatomy = Anatomy(recipe.replace(target_modules=["q_proj", "up_proj"]))
    send, content = anatomy.widget._on_message, lambda: anatomy.widget.content
    query, up, value = (
        f"model.layers.0.{name}" for name in ("self_attn.q_proj", "mlp.up_proj", "self_attn.v_proj")
    )
    assert content()["layer"] == query and "What LoRA does to" in content()["picture"]
    send({"kind": "pick", "path": up})
    assert content()["layer"] == up and "64 × 32" in content()["picture"]
    send({"kind": "pick", "path": value})
    assert "LoRA leaves v_proj as it is" in content()["picture"]
    send({"kind": "tick", "path": value, "on": True})
    assert content()["layer"] == value and f"What LoRA does to {value}" in content()["picture"]
    send({"kind": "pick", "path": "model.norm"})
    anatomy.recipe = anatomy.recipe.replace(technique="prompt_tuning", technique_args={})
    assert "Prompt tuning leaves norm as it is" in content()["picture"]


def test_a_technique_that_cannot_be_applied_has_no_picture(recipe):
    anatomy = Anatomy(recipe)
    anatomy.tick("", False)
    assert anatomy.widget.content["layer"] is None and anatomy.widget.content["picture"] == ""


def test_clicks_set_the_recipe_and_the_recipe_sets_the_ticks(recipe):
    anatomy = Anatomy(recipe)
    send = anatomy.widget._on_message
    whole = anatomy.structure.figures["trainable"]
    send({"kind": "tick", "path": "model.layers.0.mlp", "on": False})
    names = ["k_proj", "o_proj", "q_proj", "v_proj"]
    assert anatomy.recipe == recipe.replace(target_modules=names)
    assert anatomy.structure.figures["trainable"] < whole
    send({"kind": "layer", "path": "model.layers", "index": 0})
    assert anatomy.recipe == recipe.replace(target_modules=names, layers_to_transform=[1])
    assert anatomy.widget.content["code"] == (
        f"anatomy.recipe = anatomy.recipe.replace(target_modules={names!r}, "
        "layers_to_transform=[1])"
    )
    send({"kind": "layer", "path": "model.layers", "index": 0})  # as the others are
    assert anatomy.recipe == recipe.replace(target_modules=names)
    anatomy.recipe = recipe.replace(target_modules=["q_proj"])
    assert {name.rpartition(".")[2] for name in anatomy.structure.tree.ticked} == {"q_proj"}
    anatomy.tick("")
    assert anatomy.recipe == recipe


def test_two_ticks_in_a_row_both_count(recipe):
    given = []
    anatomy = Anatomy(recipe)
    anatomy.widget._changed = given.append  # as slow as a kernel that is still counting
    anatomy.tick("model.layers.0.mlp", False)
    anatomy.tick("model.layers.0.self_attn.q_proj", False)
    assert given[-1] == {"target_modules": ["k_proj", "o_proj", "v_proj"]}


@pytest.mark.parametrize(
    "content",
    [
        {},
        {"kind": "tick", "path": "no.such.module", "on": True},
        {"kind": "pick", "path": "no.such.module"},
        {"kind": "pick", "path": ["model"]},
        {"kind": "layer", "path": "model.layers", "index": 99},
        {"kind": "layer", "path": "model.layers", "index": -1},
        {"kind": "tick", "path": 3, "on": "yes"},
    ],
)
def test_messages_that_mean_nothing_change_nothing(recipe, content):
    anatomy = Anatomy(recipe)
    anatomy.widget._on_message(content)
    assert anatomy.recipe == recipe


def test_no_ticks_are_said_and_can_be_mended(recipe):
    anatomy = Anatomy(recipe)
    anatomy.tick("", False)
    assert "target_modules must be at least one module" in anatomy.widget.content["problem"]
    anatomy.tick("model.layers.0.self_attn.v_proj")
    assert anatomy.recipe == recipe.replace(target_modules=["v_proj"])


def test_a_base_that_is_not_there_is_said(recipe):
    anatomy = Anatomy(recipe)
    with pytest.raises(WorkbenchError, match="nowhere"):
        anatomy.recipe = recipe.replace(model="./nowhere")
    assert "problem" in anatomy.widget.content and "tree" not in anatomy.widget.content


def test_it_reads_in_a_terminal(recipe):
    text = repr(Anatomy(recipe))
    assert "0–1 × 2" in text and "lora_A 8 × 32" in text and "Saved on disk" in text


def test_a_saved_notebook_has_the_tree_as_it_was_last(recipe, monkeypatch):
    shown = []
    home = "workbench.panels.anatomy.panel"
    monkeypatch.setattr(f"{home}.display", lambda data, **about: shown.append((data, about)))
    monkeypatch.setattr(f"{home}.update_display", lambda data, **about: shown.append((data, about)))
    anatomy = Anatomy(recipe)
    anatomy._ipython_display_()
    anatomy.tick("model.layers.0.mlp", False)
    (panel, _), (first, about), (last, again) = shown
    assert panel is anatomy.widget and about["display_id"] == again["display_id"]
    assert "<svg" in first["text/html"] and "<script" not in first["text/html"]
    assert first["text/html"].count("lora_A") > last["text/html"].count("lora_A") > 0
    assert last["text/plain"] == repr(anatomy)


def test_in_the_bench_it_is_looked_up_once_it_is_opened_and_ticks_set_the_recipe(recipe, tmp_path):
    bench = Bench(recipe, runs=tmp_path / "runs")
    loaded = threading.Event()
    preload.load(loaded.set)
    assert loaded.wait(120)

    def settle():
        assert bench._debouncer.wait(60) and bench._ui_loop.flush()

    settle()
    assert bench._anatomy.content == {}
    bench._anatomy_fold.toggle()
    settle()
    assert bench._anatomy.content["figures"]
    bench._anatomy._on_message({"kind": "tick", "path": "model.layers.0.mlp", "on": False})
    names = ["k_proj", "o_proj", "q_proj", "v_proj"]
    assert bench.recipe == recipe.replace(target_modules=names)
    settle()
    trainable = bench._anatomy.content["figures"][0]["value"]
    assert f"<b>{trainable}</b>" in bench._count.widget.value
    bench.recipe = recipe.replace(technique="ia3")
    settle()
    assert "What IA³ does to" in bench._anatomy.content["picture"]
    bench.recipe = recipe.replace(target_modules=[])
    settle()
    assert bench._anatomy.content["tree"]["ticked"] == 0
    bench.recipe = recipe.replace(model="./nowhere")
    settle()
    assert "tree" not in bench._anatomy.content


def test_a_changing_number_of_parameters_is_drawn(recipe, tmp_path):
    steps = {"max_steps": 12, "max_length": 24, "per_device_train_batch_size": 4}
    ranks = {"init_r": 6, "target_r": 2, "tinit": 1, "tfinal": 2, "deltaT": 1}
    recipe = recipe.replace(technique="adalora", **steps, **ranks)
    run = train(recipe, tmp_path / "runs", progress=False)
    followed = RunView(run, 0)
    followed.read(LiveChart())
    counts = [count for _, count in followed.ranks]
    assert len(counts) == 12 and counts[-1] < counts[0]
    drawn = _ranks(followed)
    assert f"{counts[-1]:,} of {max(counts):,} trainable parameters are in use" in drawn
    heights = [float(y) for y in re.findall(r",([\d.]+)", re.search("points='([^']+)'", drawn)[1])]
    assert heights == sorted(heights)  # down is up on a screen: fewer and fewer are in use


def test_a_run_that_gives_up_nothing_has_no_such_line(recipe, tmp_path):
    run = train(recipe.replace(max_steps=2, max_length=24), tmp_path / "runs", progress=False)
    followed = RunView(run, 0)
    followed.read(LiveChart())
    assert _ranks(followed) == ""


def test_a_long_line_is_thinned_and_keeps_its_end():
    points = thinned([(step, 1) for step in range(10_000)])
    assert len(points) <= 161 and points[-1] == (9_999, 1)

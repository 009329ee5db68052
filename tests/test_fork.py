"""Clone and change: from a run's start or from its weights, repeated to the last bit by its script."""

from __future__ import annotations

import pytest
import torch
from safetensors.torch import load_file

import workbench as wb
from tests.test_export import figures, run_scripts
from tests.test_race import at
from tests.test_techniques import data, model, recipe_for  # noqa: F401 (fixtures)
from workbench.errors import RecipeError, TrainingError


@pytest.fixture
def recipe(model, data):  # noqa: F811
    settings = {"max_steps": 6, "eval_steps": 3, "max_eval_samples": 8}
    return recipe_for("lora", model, data, task="classify", **settings)


def test_a_clone_from_the_start_has_the_losses_of_its_recipe(recipe, tmp_path):
    race = wb.Race([recipe], tmp_path).start()
    clone = race.fork(race.members[0], learning_rate=3e-4, r=4)
    race.wait()
    assert clone.recipe == recipe.replace(learning_rate=3e-4, r=4)
    assert clone.losses == wb.Run(clone.recipe, tmp_path).start().wait().losses


# Of each way to train something, one: the others take as long again.
SLOW = [pytest.param(name, marks=pytest.mark.slow) for name in ("lora_fa", "last_layers", "pissa")]


@pytest.mark.parametrize("technique", ["lora", "full", *SLOW])
def test_a_clone_goes_on_from_the_weights_of_a_live_run(technique, recipe, tmp_path):
    recipe = recipe.replace(technique=technique, max_steps=5000, eval_steps=5000)
    race = wb.Race([recipe], tmp_path / "runs")
    parent = race.members[0]
    reached = at(parent, 5)
    race.start()
    assert reached.wait(60)
    clone = race.fork(parent, weights=True, learning_rate=1e-3, max_steps=3, eval_steps=3)
    clone.wait(60)
    assert not parent.ended
    race.stop()
    race.wait()
    folder = clone.recipe.start_from
    assert folder.startswith(str(parent.path)) and parent.recipe.start_from is None
    kept = load_file(f"{folder}/trained.safetensors")
    assert kept and all(torch.isfinite(tensor).all() for tensor in kept.values())
    assert "start_from" in recipe.diff(clone.recipe)
    script = wb.export(clone, tmp_path / "clone.py")
    (events,) = run_scripts(script)
    assert figures(events) == figures(clone.events)
    # It has not begun where a new run does.
    fresh = wb.Run(clone.recipe.replace(start_from=None), tmp_path / "fresh").start().wait()
    assert fresh.losses != clone.losses


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"technique": "ia3"}, "technique must be 'lora' as in .*whose weights are used"),
        ({"r": 4}, r"start_from must be weights of the same technique.*\(4, .*without its weights"),
        ({"target_modules": ["q_proj"]}, "is in one of them only"),
        ({"learning_rate": -1}, "learning_rate must be a number above 0"),
    ],
)
def test_changes_that_do_not_go_with_the_weights_are_refused(changes, words, recipe, tmp_path):
    race = wb.Race([recipe.replace(r=8)], tmp_path).start().wait()
    with pytest.raises(RecipeError, match=words):
        race.fork(race.members[0], weights=True, **changes)
    assert len(race.members) == 1


def test_a_run_without_weights_cannot_give_them(recipe, tmp_path):
    race = wb.Race([recipe], tmp_path)
    with pytest.raises(TrainingError, match="is ready and has no weights"):
        race.fork(race.members[0], weights=True)


def test_weights_that_are_gone_are_missed_in_a_sentence(recipe, tmp_path):
    run = wb.Run(recipe.replace(start_from=str(tmp_path / "nowhere")), tmp_path / "runs")
    with pytest.raises(RecipeError, match=r"start_from must be a folder that contains trained"):
        run.start().wait()

"""Pause, resume and stop between two steps, with the bits of a run that was left alone."""

from __future__ import annotations

import threading

import pytest

import workbench as wb
from tests.gpu.helpers import recipe_for, saved_difference, saved_folder, train
from workbench.training.prepare import prepare

SECONDS = 60


@pytest.fixture(params=["lora", "full", "qlora", "prompt_tuning"])
def long(request, model, data):
    """A recipe of 20 steps, with dropout where the technique has some."""
    dropout = {"lora_dropout": 0.1} if "lora" in request.param else {}
    recipe = recipe_for(request.param, model, data, max_steps=20, eval_steps=10)
    return recipe.replace(**dropout)


def when(run, act, **event):
    """Do something at an event; return a threading.Event that is set then."""
    reached = threading.Event()

    def watch(run, told):
        if all(told.get(name) == value for name, value in event.items()):
            act()
            reached.set()

    run.subscribe(watch)
    return reached


def test_a_paused_run_goes_on_with_its_bits(long, tmp_path):
    alone = train(long, tmp_path)
    run = wb.Run(long, tmp_path)
    reached = when(run, run.pause, event="train", step=5)
    paused = when(run, lambda: None, event="state", state="paused")
    run.start()
    assert reached.wait(SECONDS) and paused.wait(SECONDS), run.error
    assert (run.state, len(run.losses)) == ("paused", 5)
    # Others draw and compute meanwhile.
    train(long.replace(seed=5, max_steps=3), tmp_path / "other")
    assert (run.state, len(run.losses)) == ("paused", 5)
    run.resume()
    assert run.wait().losses == alone.losses


def test_a_run_stops_at_a_step_and_keeps_what_it_learnt(long, device, tmp_path):
    alone = train(long, tmp_path)
    run = wb.Run(long.replace(max_steps=500, eval_steps=500), tmp_path)
    when(run, run.stop, event="train", step=3)
    run.start()
    run.wait(SECONDS)
    assert (run.state, len(run.losses)) == ("stopped", 3)
    assert run.losses[0] == alone.losses[0]
    assert any(saved_folder(run).glob("*.safetensors"))
    assert saved_difference(run, device) < 1e-2


def test_a_generator_that_is_closed_ends_the_run(recipe):
    prepared = prepare(recipe)
    with prepared.randomness:
        assert next(prepared.steps)["step"] == 1
    prepared.steps.close()
    assert next(prepared.steps, None) is None


def test_one_run_of_a_race_rests_and_another_stops(recipe, tmp_path):
    recipes = [recipe.replace(seed=seed, max_steps=30, eval_steps=30) for seed in range(3)]
    alone = [train(one, tmp_path / "alone").losses for one in recipes]
    race = wb.Race(recipes, tmp_path / "race", fuse=False)
    rests, stops, goes_on = race.members
    rested = when(rests, rests.pause, event="train", step=4)
    when(stops, stops.stop, event="train", step=4)
    race.start()
    assert rested.wait(SECONDS), rests.error
    for run in (stops, goes_on):
        run.join(SECONDS)
    assert (rests.state, stops.state, goes_on.state) == ("paused", "stopped", "finished")
    rests.resume()
    race.wait()
    assert goes_on.losses == alone[2]
    assert rests.losses == alone[0]
    assert stops.losses == alone[1][:4]

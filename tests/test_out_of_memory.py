"""A run for which there is no memory leaves its race with a sentence, and gives back what it had."""

from __future__ import annotations

import subprocess
import sys

import pytest

import workbench as wb
from tests.conftest import save_tiny
from tests.test_techniques import data, model, recipe_for  # noqa: F401 (fixtures)
from workbench.errors import is_out_of_memory
from workbench.runs.execution import STEP_EVENTS
from workbench.runs.store import load_run

SCRIPT = """
import gc, resource, sys
import psutil
import workbench as wb

process = psutil.Process()
recipe = wb.Recipe(model=sys.argv[1], data="reviews", max_length=64, max_steps=40, eval_steps=40,
                   max_eval_samples=8)
# What libraries load when they are first used is no part of it.
wb.Race([recipe.replace(max_steps=1)], sys.argv[2]).start().wait()
large = recipe.replace(technique="full", name="large")
limit = process.memory_info().vms + 1_100_000_000
resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
gc.collect()
before = process.memory_info().rss
race = wb.Race([recipe, large], sys.argv[2], workers=2).start()
race.members[1].join()
race.add(recipe.replace(seed=1))
race.wait()
gc.collect()
for run in race.members:
    print(run.state)
print(race.members[1].error)
print(race.members[1].model)
print((process.memory_info().rss - before) / 1e6)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="limits its own memory as Linux has it")
def test_it_leaves_the_others_go_on_and_the_memory_comes_back(tmp_path):
    # 384 MB of embeddings, of which adapters on the layers need no copy.
    base = save_tiny(tmp_path / "base", "LlamaConfig", "LlamaModel", vocab=3_000_000)
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", SCRIPT, str(base), str(tmp_path / "runs")],
        capture_output=True,
        text=True,
        check=True,
    )
    *states, said, kept, grown = done.stdout.splitlines()
    assert states == ["finished", "failed", "finished"]
    # It needs more than there is in all, whatever the batch.
    assert "memory ran out. Not enough memory for batch size 8: it needs" in said
    assert "no batch size is small enough: choose a smaller base" in said
    assert kept == "None"
    # Training everything takes a copy of the base, its gradients and twice as much for the optimizer.
    assert float(grown) < 200


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried to"),
        RuntimeError("CUDA out of memory. Tried to allocate 2.00 GiB"),
        OSError("[Errno 12] Cannot allocate memory"),
    ],
    ids=str,
)
def test_each_way_to_say_it_is_understood(error):
    assert is_out_of_memory(error)


@pytest.fixture
def recipe(model, data):  # noqa: F811
    return recipe_for("lora", model, data, task="classify", max_steps=6, max_eval_samples=8)


@pytest.fixture
def short_of_memory(monkeypatch):
    """Let the run of a name run out of memory at its third step, as often as is said."""
    from workbench.training import prepare as module

    plain, left = module.prepare, {}

    def steps(events, name):
        for event in events:
            if event["event"] == "train" and event["step"] == 3 and left[name] > 0:
                left[name] -= 1
                raise MemoryError
            yield event

    def prepare(recipe, *given):
        prepared = plain(recipe, *given)
        if recipe.name in left:
            prepared.steps = steps(prepared.steps, recipe.name)
        return prepared

    monkeypatch.setattr(module, "prepare", prepare)
    return left


def race_of_three(recipe, folder, **rule):
    """Race a run called two, and others that go on for longer."""
    longer = recipe.replace(max_steps=250, eval_steps=250)
    recipes = [longer.replace(name="one"), recipe.replace(name="two", seed=1)]
    recipes.append(longer.replace(name="three", seed=2))
    return wb.Race(recipes, folder / "runs", fuse=False, **rule)


def test_a_run_that_had_others_beside_it_begins_again_and_keeps_its_bits(
    recipe, tmp_path, short_of_memory
):
    recipe = recipe.replace(eval_steps=2, technique_args={"lora_dropout": 0.2})
    alone = wb.train(recipe.replace(seed=1), tmp_path / "alone", progress=False)
    short_of_memory["two"] = 1
    race = race_of_three(recipe, tmp_path, workers=2).start().wait()
    assert [run.state for run in race.members] == ["finished"] * 3
    run = race.members[1]
    assert run.losses == alone.losses
    told = [
        [(event.kind, event.step) for event in one.events if isinstance(event, STEP_EVENTS)]
        for one in (run, alone)
    ]
    assert told[0] == told[1]
    assert load_run(run.path).losses == alone.losses
    assert any("the run started again" in note for note in run.notes)
    assert not any("the run started again" in note for note in race.members[0].notes)


def test_a_run_that_had_nobody_beside_it_fails(recipe, tmp_path, short_of_memory):
    short_of_memory["two"] = 99
    race = race_of_three(recipe, tmp_path, workers=2).start().wait()
    assert [run.state for run in race.members] == ["finished", "failed", "finished"]
    assert short_of_memory["two"] == 97  # once beside others, and once alone
    assert "memory ran out" in str(race.members[1].error)
    short_of_memory["two"] = 99
    race = race_of_three(recipe, tmp_path, workers=1).start().wait()
    assert [run.state for run in race.members] == ["finished", "failed", "finished"]
    assert short_of_memory["two"] == 98


def test_a_stop_waits_until_a_run_that_began_again_is_where_it_was(
    recipe, tmp_path, short_of_memory
):
    short_of_memory["two"] = 1
    race = race_of_three(recipe.replace(max_steps=40), tmp_path, workers=2)

    def stop_as_it_begins_again(_, event):
        if event["event"] == "state" and event["run"].startswith("two") and race.members[1].losses:
            race.members[1].stop()

    race.subscribe(stop_as_it_begins_again)
    race.start().wait()
    run = race.members[1]
    assert run.state == "stopped"
    assert run.progress[0] == len(run.losses) >= 2

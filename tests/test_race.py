"""A race: the losses of each run are those it has alone, and what befalls one leaves the others be."""

from __future__ import annotations

import gc
import threading
import weakref

import pytest
import transformers

import workbench as wb
from tests.serving import ASK, TRAINED, adapters_for, mechanisms
from tests.test_techniques import data, model, recipe_for  # noqa: F401 (fixtures)
from workbench.errors import RecipeError
from workbench.race import race as race_module
from workbench.registry.techniques import arguments
from workbench.runs.execution import Execution
from workbench.training import batches
from workbench.training.adaptation import base_model as bases
from workbench.training.inputs import tokenize

REST = [name for name in TRAINED if name not in mechanisms()]


def with_dropout(recipe):
    """Let a technique draw random numbers in each step, where it can."""
    names = [name for name in arguments(recipe.technique) if name.endswith("dropout")]
    return recipe.replace(**dict.fromkeys(names, 0.1))


@pytest.fixture
def recipe(model, data):  # noqa: F811
    settings = {"max_steps": 6, "eval_steps": 3, "max_eval_samples": 8}
    return recipe_for("lora", model, data, task="classify", **settings)


@pytest.fixture
def long(recipe):
    return recipe.replace(max_steps=5000, eval_steps=5000)


def at(run, step, act=None):
    """Return an event that is set when a run has taken a step, and do something then."""
    reached = threading.Event()

    def watch(run, event):
        if event["event"] == "train" and event["step"] == step:
            if act:
                act()
            reached.set()

    run.subscribe(watch)
    return reached


def reach(race, step):
    """Return an event that is set when each run has reached a step."""
    reached, left = threading.Event(), set()

    def watch(race, event):
        if event["event"] == "train" and event["step"] == step:
            left.add(event["run"])
            if len(left) == len(race.members):
                reached.set()

    race.subscribe(watch)
    return reached


@pytest.mark.parametrize(
    "names", [mechanisms(), pytest.param(REST, marks=pytest.mark.slow)], ids=["mechanisms", "rest"]
)
def test_each_run_has_the_losses_that_it_has_alone(names, model, data, tmp_path):  # noqa: F811
    steps = {"max_steps": 4, "eval_steps": 2, "max_eval_samples": 8}
    recipes = [with_dropout(recipe_for(name, model, data, **steps)) for name in names]
    if given := set(names) & set(ASK):
        assert given == {"xlora"}
        base = transformers.AutoModelForCausalLM.from_pretrained(model)
        adapters = adapters_for(base, tmp_path / "adapters")
        recipes = [
            one.replace(adapters=adapters) if one.technique in given else one for one in recipes
        ]
    race = wb.Race(recipes, tmp_path / "race", workers=3, fuse=False).start().wait()
    assert [run.error for run in race.members] == [None] * len(names)
    shown = {"train": ("step", "loss", "grad_norm"), "eval": ("step", "loss")}
    for run in race.members:
        alone = wb.Run(run.recipe, tmp_path / "alone").start().wait()
        for kind, figures in shown.items():
            told = [
                [e[name] for e in one.events if e["event"] == kind for name in figures]
                for one in (run, alone)
            ]
            assert told[0] == told[1], run.recipe.technique
            assert told[0]


def test_runs_step_at_the_same_time(long, tmp_path):
    """Two runs wait inside their steps for each other: one at a time, neither would go on."""
    meeting = threading.Barrier(2)
    race = wb.Race([long, long.replace(seed=2)], tmp_path, workers=2, fuse=False)
    inside = Execution._step

    def step(execution, prepared):
        if execution.run.progress[0] == 1:
            meeting.wait(60)
        return inside(execution, prepared)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Execution, "_step", step)
        reached = reach(race, 3)
        race.start()
        assert reached.wait(60)
        race.stop()
        race.wait()
    assert not meeting.broken


@pytest.mark.parametrize("turns", ["steps", "tokens", "seconds"])
def test_curves_advance_together(turns, recipe, tmp_path):
    recipes = [recipe.replace(max_steps=30, seed=seed) for seed in range(3)]
    race = wb.Race(recipes, tmp_path, turns=turns, workers=1)
    apart, counts = [], {}

    def watch(race, event):
        if event["event"] == "train":
            counts[event["run"]] = event["step"]
            apart.append(max(counts.values()) - min(counts.values()))

    race.subscribe(watch)
    race.start().wait()
    assert set(counts.values()) == {30}
    # By seconds, one slow step may be made up for by many.
    assert turns == "seconds" or max(apart[3:]) <= 4


def test_a_race_is_paused_resumed_and_stopped(long, tmp_path):
    race = wb.Race([long, long.replace(technique="ia3")], tmp_path)
    assert race.state == "ready"
    reached = reach(race, 3)
    race.start()
    assert race.state == "running"
    assert reached.wait(60)
    rested = threading.Event()
    race.subscribe(lambda race, event: race.state == "paused" and rested.set())
    race.pause()
    assert rested.wait(60)
    steps = [len(run.losses) for run in race.members]
    race.wait(0.2)
    assert [len(run.losses) for run in race.members] == steps
    again = reach(race, max(steps) + 2)
    race.resume()
    assert again.wait(60)
    race.stop()
    race.wait()
    assert race.state == "ended"
    assert [run.record().state for run in race.members] == ["stopped", "stopped"]
    assert all((run.path / "adapter").is_dir() for run in race.members)


def test_one_run_rests_while_the_others_go_on(long, tmp_path):
    race = wb.Race([long, long.replace(seed=2)], tmp_path, workers=1)
    first, second = race.members
    at(first, 3, first.pause)
    far = at(second, 40)
    race.start()
    assert far.wait(60)
    assert len(first.losses) == 3 and first.state == "paused" and race.state == "running"
    # It has no claim on the turns that it let pass.
    back = at(first, 10)
    before = len(second.losses)
    first.resume()
    assert back.wait(60)
    assert len(second.losses) - before >= 4
    race.stop()
    race.wait()


def test_a_run_that_fails_leaves_with_its_reason_and_the_others_go_on(recipe, tmp_path):
    wild = recipe.replace(learning_rate=1e30, max_grad_norm=float("inf"))
    missing = recipe.replace(data=str(tmp_path / "nothere.csv"), eval_steps=2)
    race = wb.Race([wild, recipe, missing], tmp_path).start().wait()
    states = {one.run.recipe: one for one in race.leaderboard()}
    assert states[recipe].state == "finished" and states[recipe].place == 1
    assert "learning_rate" in states[wild].reason and states[wild].place is None
    assert "nothere.csv" in states[missing].reason and states[missing].place is None
    assert "nothere.csv" in repr(race)
    states = wb.compare(race).frame["state"]
    assert sorted(states) == ["failed", "failed", "finished"]


def test_a_run_is_added_while_others_go_on(long, tmp_path):
    race = wb.Race([long], tmp_path)
    reached = reach(race, 20)
    race.start()
    assert reached.wait(60)
    added = race.add(long.replace(max_steps=3, seed=2))
    added.wait(60)
    assert added.state == "finished" and race.members[-1] is added
    assert race.state == "running"
    race.stop()
    race.wait()


def test_names_count_up_in_the_order_in_which_runs_were_added(recipe, tmp_path):
    race = wb.Race([recipe.replace(r=rank) for rank in (1, 2, 3, 4)], tmp_path / "runs").start()
    names = [run.path.name for run in race.members]
    race.stop()
    race.wait()
    assert names == sorted(names)
    assert len(set(names)) == 4


def test_a_base_is_loaded_once_and_rows_are_encoded_once(recipe, tiny_llama, tmp_path, monkeypatch):
    read, encoded = [], []
    load, encode_rows = bases.read_base, tokenize.encode_classify

    def reading(path, *rest):
        read.append(path)
        return load(path, *rest)

    def encoding(rows, **settings):
        encoded.append(len(rows))
        return encode_rows(rows, **settings)

    bases._LATEST.clear()
    bases._BASES.clear()
    batches._ENCODED.clear()
    monkeypatch.setattr(bases, "read_base", reading)
    monkeypatch.setattr(tokenize, "encode_classify", encoding)
    other = recipe.replace(model=str(tiny_llama))
    recipes = [base.replace(seed=1, r=rank) for rank in (2, 4, 6) for base in (recipe, other)]
    race = wb.Race(recipes, tmp_path, workers=2).start().wait()
    assert {run.state for run in race.members} == {"finished"}
    assert sorted(read) == sorted({recipe.model, other.model})
    # Training and evaluation rows, by each base's own tokenizer.
    assert len(encoded) == 4
    assert "6 runs share 2 bases and one data set." in race.notes


def test_what_was_shared_is_let_go_at_the_end(recipe, tmp_path):
    race = wb.Race([recipe, recipe.replace(seed=2)], tmp_path).start().wait()
    assert race._shared == []
    assert all(run.shared == () for run in race.members)


def test_standings_place_runs_by_their_latest_evaluation(recipe, tmp_path):
    recipes = [recipe.replace(learning_rate=rate, max_steps=8) for rate in (1e-7, 1e-2)]
    race = wb.Race(recipes, tmp_path).start().wait()
    leaderboard = race.leaderboard()
    assert {one.metric for one in leaderboard} == {"accuracy"}
    scores = [one.run.evaluations[-1]["accuracy"] for one in leaderboard]
    assert scores == sorted(scores, reverse=True) == [one.score for one in leaderboard]
    assert [one.left for one in leaderboard] == [0.0, 0.0]


def test_time_left_is_told_while_runs_go_on(long, tmp_path):
    race = wb.Race([long, long.replace(seed=2)], tmp_path)
    reached = reach(race, 4)
    assert [one.left for one in race.leaderboard()] == [None, None]
    race.start()
    assert reached.wait(60)
    assert all(one.left > 0 for one in race.leaderboard())
    race.stop()
    race.wait()


def test_a_listener_that_fails_breaks_nothing(recipe, tmp_path):
    race = wb.Race([recipe], tmp_path)
    race.subscribe(lambda race, event: 1 / 0)
    race.start().wait()
    assert race.members[0].state == "finished"
    assert "ZeroDivisionError" in race.notes[-1]


def test_an_interrupt_stops_all_runs_and_saves_them(long, tmp_path, monkeypatch):
    race = wb.Race([long, long.replace(technique="ia3")], tmp_path)
    reached = reach(race, 2)
    race.start()
    assert reached.wait(60)
    join = race_module.Run.join
    pressed = []

    def interrupted(run, timeout=None):
        if not pressed:
            pressed.append(run)
            raise KeyboardInterrupt
        join(run, timeout)

    monkeypatch.setattr(race_module.Run, "join", interrupted)
    with pytest.raises(KeyboardInterrupt):
        race.wait()
    assert [run.record().state for run in race.members] == ["stopped", "stopped"]
    assert all((run.path / "adapter").is_dir() for run in race.members)


def test_a_run_stopped_before_it_is_ready_has_a_record(recipe, tmp_path):
    race = wb.Race([recipe, recipe.replace(seed=2)], tmp_path)
    race.stop()
    race.start().wait()
    assert [run.record().state for run in race.members] == ["stopped", "stopped"]
    assert [run.losses for run in race.members] == [[], []]
    assert len(wb.compare(race)) == 2


@pytest.mark.parametrize(
    ("change", "settings", "words"),
    [
        (lambda recipe: [], {}, "recipes must be a sequence of at least one Recipe"),
        (lambda recipe: [recipe, "lora"], {}, "at least one Recipe, but is 'lora'"),
        (lambda recipe: [recipe.replace(name="a")] * 2, {}, "name must be a different one.*'a'"),
        (lambda recipe: [recipe], {"turns": "step"}, "turns must be.*'step'.*did you mean 'steps'"),
        (lambda recipe: [recipe], {"workers": 0}, "workers must be an integer of at least 1"),
        (
            lambda recipe: [recipe, recipe.replace(model="village-3m", data="reviews")],
            {},
            "recipes of a race must have the base or the data in common.*'reviews'",
        ),
    ],
)
def test_what_cannot_race_is_said_in_a_sentence(change, settings, words, recipe, tmp_path):
    with pytest.raises(RecipeError, match=words):
        wb.Race(change(recipe), tmp_path / "runs", **settings)
    assert not (tmp_path / "runs").exists()


def test_a_run_that_shares_nothing_is_noted_among_others_that_do(recipe):
    odd = recipe.replace(name="odd", model="village-3m", data="reviews")
    race = wb.Race([recipe, recipe.replace(seed=2), odd])
    assert "odd shares neither its base nor its data with another run." in race.notes


def test_of_several_runs_none_is_added_where_one_is_wrong(recipe, tmp_path):
    race = wb.Race([recipe], tmp_path)
    with pytest.raises(RecipeError, match="learning_rate"):
        race.extend([recipe.replace(seed=1), recipe.replace(seed=2, learning_rate=-1)])
    assert [run.recipe for run in race.members] == [recipe]
    added = race.extend(recipe.replace(seed=seed) for seed in (1, 2))
    assert race.members[1:] == added


def test_one_member_does_not_keep_the_models_of_the_others(recipe, tmp_path):
    race = wb.Race([recipe.replace(seed=seed) for seed in range(2)], tmp_path, fuse=False)
    race.start().wait()
    first, other = race.members
    freed = weakref.ref(other.model)
    del race, other
    gc.collect()
    assert first.model is not None
    assert freed() is None

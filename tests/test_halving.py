"""Successive halving: the rule is said, the best go on, and those who are stopped keep what they had."""

from __future__ import annotations

import json
import threading

import pytest

import workbench as wb
from workbench.compare.entry import grouped
from workbench.errors import RecipeError
from workbench.race.halving import LATELY, HalvingRule
from workbench.runs.event_log import EventLog
from workbench.runs.question import question_of
from workbench.training.events import Evaluation, State, TrainStep


class Ends:
    """Events of which the number and the last few can be had, and no walk over all of them."""

    def __init__(self, events):
        self._events = events

    def __len__(self):
        return len(self._events)

    def __getitem__(self, place):
        last = place.start if isinstance(place, slice) else place
        assert -LATELY <= last < 0
        return self._events[place]

    def __iter__(self):
        raise AssertionError("whoever judges at each step must not walk all steps")


class Unwalked(EventLog):
    def of(self, kind):
        return Ends(super().of(kind))

    __iter__ = Ends.__iter__


class Runner:
    """As much of a run as its judge looks at."""

    def __init__(self, name, recipe):
        self.name, self.recipe, self.state = name, recipe, "running"
        self.events, self.plan, self.stopping = Unwalked(), {}, False

    @property
    def question(self):
        return question_of(self.recipe, self.plan)

    @property
    def ended(self):
        return self.state in ("finished", "stopped", "failed")

    def __repr__(self):
        return self.name


@pytest.fixture
def runners():
    return [Runner(name, wb.Recipe()) for name in "abcd"]


def hear(judge, run, event):
    run.events.append(event)
    return [loser for loser, _ in judge.hear(run, event)]


def evaluate(judge, run, accuracy):
    return hear(judge, run, Evaluation(1, 1 - accuracy, {"accuracy": accuracy}))


def test_the_worse_half_is_stopped_when_the_last_has_been_evaluated(runners):
    judge = HalvingRule(wb.SuccessiveHalving(at=(1, 2)), runners)
    a, b, c, d = runners
    assert [evaluate(judge, run, score) for run, score in ((a, 0.2), (b, 0.9), (c, 0.5))] == [
        []
    ] * 3
    assert evaluate(judge, d, 0.4) == [d, a]
    a.state = d.state = "stopped"
    assert evaluate(judge, b, 0.1) == []
    assert evaluate(judge, c, 0.2) == [b]


def test_what_counts_is_what_a_run_had_shown_at_the_mark(runners):
    judge = HalvingRule(wb.SuccessiveHalving(at=(1,)), runners[:2])
    a, b, *_ = runners
    evaluate(judge, a, 0.9)
    # It gets worse before the other has come so far.
    assert evaluate(judge, a, 0.1) == []
    assert evaluate(judge, b, 0.5) == [b]


@pytest.mark.parametrize("state", ["failed", "paused", "finished"])
def test_a_run_that_does_not_come_is_not_waited_for(state, runners):
    judge = HalvingRule(wb.SuccessiveHalving(at=1), runners[:3])
    a, b, c, _ = runners
    evaluate(judge, a, 0.9)
    evaluate(judge, b, 0.1)
    c.state = state
    assert hear(judge, c, State(c.state)) == [b]


def test_the_evaluation_of_a_run_that_is_stopped_is_at_no_mark(runners):
    judge = HalvingRule(wb.SuccessiveHalving(at=1), runners[:3])
    a, b, c, _ = runners
    c.stopping = True
    assert [evaluate(judge, run, score) for run, score in ((c, 0.1), (a, 0.2), (b, 0.9))] == [
        []
    ] * 3
    c.state = "stopped"
    assert hear(judge, c, State(c.state)) == [a]


def test_by_steps_the_loss_counts_until_there_is_an_evaluation(runners):
    judge = HalvingRule(wb.SuccessiveHalving(at=2, by="steps"), runners[:2])
    a, b, *_ = runners
    for run, losses in ((a, (3.0, 2.0)), (b, (3.0, 1.0))):
        for loss in losses:
            run.events.append(step := TrainStep(1, loss, tokens=1, seconds=1.0))
            stopped = judge.hear(run, step)
    assert [loser for loser, _ in stopped] == [a]
    assert "Stopped after 2 steps: rank 2 of 2; the best 1 continued." in stopped[0][1]


def test_the_metric_the_share_and_the_least_can_be_chosen(runners):
    rule = wb.SuccessiveHalving(at=1, keep=0.25, least=2, metric="loss")
    judge = HalvingRule(rule, runners)
    stopped = [evaluate(judge, run, score) for run, score in zip(runners, (0.1, 0.2, 0.3, 0.4))]
    assert stopped[-1] == [runners[1], runners[0]]


def test_the_rule_is_a_sentence():
    assert str(wb.SuccessiveHalving()) == (
        "After 1, 2, 4 and 8 evaluations, the best 50% of the runs that are still training continue, "
        "ranked by the task's metric; the others are stopped and their trained weights are saved."
    )
    assert str(wb.SuccessiveHalving(at=1, metric="f1", least=3)).startswith(
        "After every evaluation, the best 50% of the runs that are still training continue (at least 3), ranked by f1;"
    )


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"at": ()}, "at must be a number of at least 1"),
        ({"at": (0, 2)}, "at must be a number of at least 1"),
        ({"keep": 1.0}, "keep must be a number"),
        ({"least": 0}, "least must be an integer of at least 1"),
        ({"by": "step"}, "did you mean 'steps'"),
    ],
)
def test_a_rule_that_makes_no_sense_is_refused(settings, words):
    with pytest.raises(RecipeError, match=words):
        wb.SuccessiveHalving(**settings)


def test_runs_that_are_asked_different_things_cannot_be_halved():
    recipe = wb.Recipe()
    with pytest.raises(RecipeError, match="halving must be None.*cannot be compared"):
        wb.Race(
            [recipe, recipe.replace(task="lm", data="chronicle")], halving=wb.SuccessiveHalving()
        )


def split_by(seed):
    """What a plan tells of rows that a seed has held out, or of rows of their own."""
    return {"data": {"eval": None if seed else "test.jsonl"}}


def test_runs_that_are_scored_on_other_rows_are_not_judged_against_each_other(runners):
    a, b, c, d = runners
    for run, seed in ((a, 1), (b, 1), (c, 2), (d, 2)):
        run.recipe, run.plan = run.recipe.replace(seed=seed), split_by(seed)
    judge = HalvingRule(wb.SuccessiveHalving(at=1), runners)
    assert evaluate(judge, a, 0.2) == []
    # Whoever has other rows is not waited for, and the worse of these two is better than both others.
    assert evaluate(judge, b, 0.1) == [b]
    assert evaluate(judge, c, 0.9) == []
    assert evaluate(judge, d, 0.8) == [d]


def test_a_run_is_waited_for_while_it_may_turn_out_to_be_asked_the_same(runners):
    a, b, c, _ = runners
    a.plan = b.plan = split_by(0)
    judge = HalvingRule(wb.SuccessiveHalving(at=1), runners[:3])
    evaluate(judge, a, 0.2)
    assert evaluate(judge, b, 0.1) == []
    c.plan = split_by(1)
    assert hear(judge, c, State(c.state)) == [b]


@pytest.mark.parametrize("has_test_split", [False, True])
def test_seeds_are_halved_only_where_all_are_scored_on_the_same_rows(
    has_test_split, tiny_llama, tmp_path
):
    rows = [{"text": f"the film was {word}", "label": word} for word in ("good", "bad")] * 20
    data = tmp_path / "rows"
    data.mkdir()
    for split in ["train", "test"][: 1 + has_test_split]:
        lines = "".join(json.dumps(row) + "\n" for row in rows)
        (data / f"{split}.jsonl").write_text(lines)
    settings = {"max_length": 16, "max_steps": 4, "eval_steps": 1}
    recipe = wb.Recipe(model=str(tiny_llama), data=str(data), **settings)
    race = wb.Race(
        [recipe.replace(seed=seed) for seed in (0, 1, 2)],
        tmp_path / "runs",
        halving=wb.SuccessiveHalving(at=1, metric="loss"),
        fuse=False,
    )
    ready = threading.Barrier(3)
    race.subscribe(lambda _, event: event["event"] == "parameters" and ready.wait(60))
    race.start().wait()
    stopped = [run for run in race.members if run.state == "stopped"]
    places = [standing.place for standing in race.leaderboard()]
    same = len({run.question for run in race.members}) == 1
    assert same == has_test_split
    # What a comparison puts into one group is what is ranked and halved together.
    assert len(grouped(wb.compare(race.members).entries)) == (1 if same else 3)
    if has_test_split:
        assert len(stopped) == 2 and places[0] == 1 and places[-1] > 1
    else:
        assert not stopped and places == [1, 1, 1]
        assert (
            "there are 3 groups here" in race.notes[-1] and "held out with seed 2" in race.notes[-1]
        )
        assert "held out with seed 2" in str(race)


def test_losers_of_a_race_are_stopped_with_their_reason(tiny_llama, tmp_path):
    recipe = wb.Recipe(
        model=str(tiny_llama),
        data="reviews",
        max_length=64,
        max_steps=6,
        eval_steps=2,
        max_eval_samples=16,
    )
    recipes = [recipe.replace(learning_rate=rate) for rate in (1e-3, 3e-3, 1e-8, 2e-8)]
    rule = wb.SuccessiveHalving(at=(1, 2), metric="loss")
    race = wb.Race(recipes, tmp_path, halving=rule)
    ready = threading.Barrier(4)
    # They begin together: the first would be through before the last is ready.
    race.subscribe(lambda _, event: event["event"] == "parameters" and ready.wait(60))
    race.start().wait()
    assert str(rule) in race.notes
    states = [run.state for run in race.members]
    assert states.count("finished") == 1 and states.count("stopped") == 3
    for standing in race.leaderboard():
        if standing.run.state == "stopped":
            assert standing.reason.startswith("Stopped after ")
            record = standing.run.record()
            assert standing.reason in record.result["notes"]
            assert (record.path / "adapter").is_dir()
        else:
            assert standing.reason == "" and len(standing.run.losses) == 6

"""What is said of a run that does not learn, and that nothing is said of one that does."""

from __future__ import annotations

import io
import math
import random

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

import workbench as wb
from workbench.recipe import Recipe
from workbench.registry.techniques import TECHNIQUES
from workbench.runs.diagnosis import EVERY, MIN_STEPS, diagnose, is_due
from workbench.runs.event_log import EventLog
from workbench.runs.run import Run
from workbench.training.evaluate import macro_f1
from workbench.training.events import Evaluating, Evaluation, TrainStep

RATE = 0.003
COUNTS = {"negative": 90, "positive": 110}


def log(losses, evaluations=()) -> EventLog:
    """Make a run's events of its losses, and of evaluations as (step, loss, scores)."""
    due = {step: Evaluation(step, loss, scores) for step, loss, scores in evaluations}
    events = [due[0]] if 0 in due else []
    for step, loss in enumerate(losses, start=1):
        events.append(TrainStep(step, loss, tokens=8 * step, seconds=step / 10))
        events += [due[step]] if step in due else []
    return EventLog(events)


def found(losses, evaluations=(), *, task="classify", counts=COUNTS, rate=RATE, max_steps=None):
    """Diagnose a run of these losses and evaluations."""
    plan = {
        "recipe": {"learning_rate": rate},
        "eval_label_counts": counts if task == "classify" else {},
        "max_steps": max_steps or len(losses),
        "trainable": "adapter",
    }
    return diagnose(Recipe(task=task), plan, log(losses, evaluations))


def noisy(levels, scatter, seed=0) -> list[float]:
    """Scatter losses around the levels."""
    draw = random.Random(seed)
    return [level + draw.gauss(0, scatter) for level in levels]


def answers(label: str, counts=COUNTS) -> dict[str, float]:
    """Return the scores of a model that gives every row the same label."""
    labels = [name for name, count in counts.items() for _ in range(count)]
    accuracy = counts[label] / len(labels)
    return {"accuracy": accuracy, "f1": macro_f1([label] * len(labels), labels)}


FLAT = noisy([math.log(2)] * 120, 0.02)


@pytest.mark.parametrize("label", list(COUNTS))
def test_one_label_for_every_row_is_told_with_what_the_majority_gives(label):
    diagnosis = found(FLAT, [(120, 0.693, answers(label))])
    assert diagnosis.kind == "predicts one class" and not diagnosis.learned
    assert repr(label) in diagnosis.finding
    assert "majority baseline 0.550" in diagnosis.finding


def test_a_score_no_better_than_the_majority_is_told():
    diagnosis = found(FLAT, [(120, 0.70, {"accuracy": 0.56, "f1": 0.5})])
    assert diagnosis.kind == "not learning"
    assert "Accuracy 0.560 is not clearly above the majority baseline (0.550)" in str(diagnosis)
    assert "0.001 or 0.009 (now 0.003)" in diagnosis.advice


def test_a_run_that_learns_its_training_rows_alone_is_told_when_half_of_it_is_over():
    falling = noisy([0.7 * 0.99**n for n in range(120)], 0.02)
    evaluations = [(120, 0.8, {"accuracy": 0.56, "f1": 0.5})]
    assert found(falling, evaluations, max_steps=400) is None
    diagnosis = found(falling, evaluations)
    assert diagnosis.kind == "not generalizing" and not diagnosis.learned
    assert "more training rows" in diagnosis.advice and "learning_rate" not in diagnosis.advice


@pytest.mark.parametrize(
    "scores, loss",
    [
        ({"accuracy": 0.56, "f1": 0.5}, 0.6),  # not sure yet, but better than a guess
        ({"accuracy": 0.75, "f1": 0.75}, 0.9),  # overconfident, but right
    ],
)
def test_a_score_that_says_more_than_the_shares_of_the_labels_is_well(scores, loss):
    assert found(noisy([0.69 - n / 1000 for n in range(120)], 0.02), [(120, loss, scores)]) is None


def test_a_rate_that_was_too_high_is_to_be_lowered():
    collapsed = noisy([0.7] * 20 + [1.4] * 20 + [0.7] * 80, 0.02)
    diagnosis = found(collapsed, [(120, 0.70, answers("positive"))])
    assert diagnosis.advice == "Try a lower learning_rate, such as 0.001 (now 0.003)."
    # Far from the rate that suits the technique and the base, that is the one to try.
    high, low = (found(FLAT, [(120, 0.7, answers("positive"))], rate=rate) for rate in (0.1, 1e-5))
    assert high.advice == "Try a lower learning_rate, such as 0.003 (now 0.1)."
    assert low.advice.startswith("Try a higher learning_rate, such as 0.003 (now 1e-05)")


def test_a_run_whose_loss_no_longer_moves_is_told_before_any_evaluation():
    diagnosis = found(FLAT, max_steps=400)
    assert diagnosis.kind == "not learning"
    assert "equal probabilities for 2 labels give 0.693" in diagnosis.finding
    # A loss that is low from the start is well.
    assert found(noisy([0.2] * 120, 0.02), max_steps=400) is None


def test_a_loss_that_rises_is_told():
    assert found(noisy([2 + n / 20 for n in range(60)], 0.1), task="lm").kind == "diverging"
    fell = [2 - n / 50 for n in range(50)] + [2.0] * 50
    diagnosis = found(noisy(fell, 0.05), task="lm")
    assert diagnosis.kind == "diverging" and "and rose again to" in diagnosis.finding
    assert "such as 0.001" in diagnosis.advice


def test_an_evaluation_that_gets_worse_is_told_with_its_best_step():
    falling = noisy([0.7 * 0.97**n for n in range(200)], 0.005)
    evaluations = [
        (50, 0.5, {"accuracy": 0.8, "f1": 0.8}),
        (100, 0.45, {"accuracy": 0.82, "f1": 0.82}),
        (150, 0.6, {"accuracy": 0.81, "f1": 0.81}),
        (200, 0.8, {"accuracy": 0.80, "f1": 0.80}),
    ]
    diagnosis = found(falling, evaluations)
    assert diagnosis.kind == "overfitting" and diagnosis.learned
    assert "max_steps=100" in diagnosis.advice
    # Less sure of itself, but right more often: that is no overfitting.
    evaluations[-1] = (200, 0.8, {"accuracy": 0.85, "f1": 0.85})
    assert found(falling, evaluations) is None


def test_a_run_no_better_than_its_base_is_told():
    scores = {"exact_match": 0.4}
    losses = noisy([2 - n / 100 for n in range(100)], 0.02)
    diagnosis = found(losses, [(0, 1.0, scores), (100, 1.1, scores)], task="instruct")
    assert diagnosis.kind == "not learning"
    assert "no better than before training: exact match 0.400, before 0.400" in diagnosis.finding
    assert found(losses, [(0, 1.0, scores), (100, 0.9, scores)], task="instruct") is None


def test_a_base_that_is_asked_as_it_is_cannot_fail_to_learn():
    plan = {"trainable": "nothing", "eval_label_counts": COUNTS}
    events = log([], [(0, 0.7, answers("positive"))])
    assert diagnose(Recipe(technique="zero_shot"), plan, events) is None


def test_weights_that_were_trained_before_may_have_nothing_left_to_learn():
    flat = log(noisy([1.0] * 120, 0.02))
    assert diagnose(Recipe(task="lm"), {}, flat) is not None
    assert diagnose(Recipe(task="lm", start_from="runs/a/at-step-9"), {}, flat) is None


def test_a_run_without_a_plan_can_be_diagnosed():
    assert diagnose(Recipe(), {}, EventLog()) is None
    assert diagnose(Recipe(), {}, log(FLAT)).advice == "Try a lower learning_rate."


def test_it_is_looked_at_after_evaluations_and_now_and_then():
    steps = [TrainStep(step, 1.0, 8, 0.1) for step in range(1, 2 * EVERY + 1)]
    assert [step.step for step in steps if is_due(step)] == [EVERY, 2 * EVERY]
    assert is_due(Evaluation(3, 0.1)) and not is_due(Evaluating(3, 1, 2))


LOSSES = st.floats(1e-3, 1e3)


@given(st.lists(LOSSES, min_size=0, max_size=MIN_STEPS - 1))
def test_nothing_is_said_of_the_first_steps(losses):
    assert found(losses, [(len(losses), 0.7, answers("positive"))] if losses else ()) is None


@settings(deadline=None)
@given(
    start=st.floats(0.5, 12),
    fall=st.floats(0.15, 0.95),
    scatter=st.floats(0, 0.1),
    steps=st.integers(MIN_STEPS, 600),
    seed=st.integers(0, 10**6),
    task=st.sampled_from(["lm", "instruct", "classify"]),
)
def test_no_alarm_where_the_loss_falls(start, fall, scatter, steps, seed, task):
    levels = [start * (1 - fall * min(1, n / (0.6 * steps))) for n in range(steps)]
    assert found(noisy(levels, scatter * start, seed), task=task) is None


@settings(deadline=None)
@given(
    level=st.floats(0.3, 8),
    scatter=st.floats(0, 0.2),
    steps=st.integers(2 * MIN_STEPS, 600),
    times=st.floats(2.5, 100),
    seed=st.integers(0, 10**6),
)
def test_a_loss_that_multiplies_is_always_told(level, scatter, steps, times, seed):
    levels = [level * times ** (n / (steps - 1)) for n in range(steps)]
    diagnosis = found(noisy(levels, scatter * level, seed), task="lm")
    assert diagnosis is not None and diagnosis.kind == "diverging"


@settings(deadline=None)
@given(
    counts=st.lists(st.integers(1, 60), min_size=2, max_size=8),
    label=st.integers(0, 7),
    steps=st.integers(MIN_STEPS, 400),
    loss=st.floats(0.01, 10),
)
@example(counts=[1, 1], label=0, steps=MIN_STEPS, loss=0.1)
def test_one_label_for_every_row_is_told_whatever_the_labels(counts, label, steps, loss):
    named = {f"label {n}": count for n, count in enumerate(counts)}
    answer = f"label {label % len(counts)}"
    diagnosis = found([0.7] * steps, [(steps, loss, answers(answer, named))], counts=named)
    assert diagnosis.kind == "predicts one class" and diagnosis.learned is False


@settings(deadline=None)
@given(
    counts=st.lists(st.integers(2, 30), min_size=2, max_size=5),
    data=st.data(),
)
def test_several_labels_are_never_taken_for_one(counts, data):
    named = {f"label {n}": count for n, count in enumerate(counts)}
    labels = [name for name, count in named.items() for _ in range(count)]
    predictions = data.draw(
        st.lists(st.sampled_from(list(named)), min_size=len(labels), max_size=len(labels))
    )
    if len(set(predictions)) < 2:
        return
    right = sum(map(str.__eq__, predictions, labels))
    scores = {"accuracy": right / len(labels), "f1": macro_f1(predictions, labels)}
    diagnosis = found(FLAT, [(120, 0.7, scores)], counts=named)
    assert diagnosis is None or diagnosis.kind != "predicts one class"


@settings(deadline=None)
@given(
    losses=st.lists(st.floats(allow_nan=True), min_size=MIN_STEPS, max_size=80),
    evaluations=st.lists(
        st.tuples(
            st.integers(0, 80),
            st.floats(allow_nan=True),
            st.dictionaries(st.sampled_from(["accuracy", "f1", "exact_match"]), st.floats(0, 1)),
        ),
        max_size=4,
    ),
    task=st.sampled_from(["lm", "instruct", "classify", "token_classify", "seq2seq"]),
)
def test_any_events_can_be_diagnosed(losses, evaluations, task):
    diagnosis = found(losses, evaluations, task=task)
    assert diagnosis is None or str(diagnosis)


# -- in real runs -----------------------------------------------------------------------------------


def quick(**settings) -> Recipe:
    """A run on reviews, evaluated twice."""
    rows = {"max_train_samples": 256, "max_eval_samples": 60, "max_length": 32}
    return Recipe(**{"max_steps": 60, "eval_steps": 30, **rows, **settings})


@pytest.fixture(scope="module")
def spoilt(tiny_llama, tmp_path_factory):
    """A run at a rate that is far too high, and what was printed of it."""
    from workbench.runs.progress import follow

    out = io.StringIO()
    recipe = quick(model=str(tiny_llama), learning_rate=1.0, name="spoilt")
    run = Run(recipe, tmp_path_factory.mktemp("runs")).start()
    return follow(run, out), out.getvalue()


def test_a_run_that_does_not_learn_says_so_everywhere(spoilt):
    run, printed = spoilt
    assert run.state == "finished" and run.diagnosis is not None and not run.diagnosis.learned
    assert run.notes[-1] == str(run.diagnosis) == str(run.record().diagnosis)
    assert run.record().result["notes"][-1] == str(run.diagnosis)
    # Said when it showed, not only at the end, and not again with each evaluation.
    lines = printed.splitlines()
    first = next(n for n, line in enumerate(lines) if "Try a lower learning_rate" in line)
    assert first < len(lines) - 1
    sentences = [line for line in lines if "Try a lower learning_rate" in line]
    assert len(sentences) == len(set(sentences))
    table = str(wb.compare(run))
    assert (
        "verdict" in table and "finished" not in table
    )  # which the verdict has nothing to do with
    assert f"spoilt: Verdict: {run.diagnosis.kind}. " in table


def test_the_best_of_runs_that_learnt_nothing_has_no_star(spoilt, tmp_path):
    run, _ = spoilt
    other = wb.train(run.recipe.replace(seed=1), tmp_path, progress=False)
    assert other.diagnosis is not None and "★" not in str(wb.compare(run, other))
    well = wb.train(quick(), tmp_path, progress=False)
    assert well.diagnosis is None and "★" in str(wb.compare(run, well))


def test_the_panel_shows_a_verdict_beside_the_state_and_what_to_try(spoilt, tmp_path):
    from workbench.panels.bench.bench import Bench

    run, _ = spoilt
    bench = Bench(runs=tmp_path)
    bench.follow(run)
    (view,) = bench._views
    view.read(bench.chart)
    bench._status.show(view)
    text = bench._status.head.value + bench._status.details.value
    assert "<span class='wb-state wb-finished wb-warned'>finished</span>" in text
    assert f"<span class='wb-verdict'>{run.diagnosis.kind}</span>" in text
    assert text.count("Try a lower learning_rate") == 1 and "class='wb-warning'" in text


@pytest.mark.slow
@pytest.mark.parametrize(
    "name", [name for name, entry in TECHNIQUES.items() if entry.trainable != "nothing"]
)
def test_no_alarm_where_a_technique_learns_at_its_own_rate(name, tmp_path):
    technique = TECHNIQUES[name]
    task = "classify" if "classify" in technique.tasks else "instruct"
    data = {"classify": "reviews", "instruct": "village-qa"}[task]
    settings = {"max_train_samples": None, "max_length": None, "eval_on_start": True}
    recipe = quick(technique=name, task=task, data=data, **settings)
    if not (result := wb.compatible(recipe.model, name, task=task)).compatible:
        pytest.skip(result.reason)
    run = wb.train(recipe, tmp_path, progress=False)
    first, last = run.evaluations[0], run.evaluations[-1]
    learned = (
        last.loss < 0.95 * first.loss if task == "instruct" else last.scores["accuracy"] > 0.65
    )
    assert not learned or run.diagnosis is None, run.diagnosis
    # Too few steps to learn much, for some; but none gets worse by its own rate.
    assert run.diagnosis is None or run.diagnosis.kind != "diverging"

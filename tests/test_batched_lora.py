"""Fused LoRA: runs that train in one pass of their base have the losses that they would have alone."""

from __future__ import annotations

import gc
import json
import threading
import weakref

import pytest
import torch
from peft import PeftModel

import workbench as wb
from tests.conftest import save_architecture
from tests.test_runs import ROWS
from workbench.export.header import docstring
from workbench.export.plan import ScriptPlan
from workbench.race.batching import fuse
from workbench.registry.techniques import get
from workbench.training.adaptation.base_model import clone, load_base
from workbench.training.adaptation.checkpoint import save
from workbench.training.batched_lora.benchmark import measure
from workbench.training.batched_lora.eligibility import obstacle, sort_out
from workbench.training.batched_lora.group import Group
from workbench.training.prepare import prepare

DATA = {"lm": "chronicle", "instruct": "village-qa"}


# Whatever an architecture's config would drop by itself.
DROPOUTS = {
    "gpt2": ("resid_pdrop", "embd_pdrop", "attn_pdrop", "summary_first_dropout"),
    "gpt-neox": ("classifier_dropout",),
    "roberta": ("hidden_dropout_prob", "attention_probs_dropout_prob"),
}


@pytest.fixture
def reviews(tmp_path):
    path = tmp_path / "reviews.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in ROWS))
    return str(path)


@pytest.fixture
def recipe(tiny_llama, reviews):
    return wb.Recipe(
        model=str(tiny_llama),
        data=reviews,
        task="classify",
        per_device_train_batch_size=3,
        learning_rate=3e-3,
        warmup_steps=2,
        max_steps=20,
        eval_steps=20,
        max_train_samples=29,
        max_eval_samples=6,
        max_new_tokens=2,
    )


def unlike(recipe):
    """Recipes that may train together."""
    return [
        recipe.replace(r=4),
        recipe.replace(r=16, lora_alpha=8, seed=3, learning_rate=1e-3),
        recipe.replace(technique="rslora", seed=1, weight_decay=0.1, optim="rmsprop"),
        recipe.replace(technique="lora_plus", seed=2, max_grad_norm=0.1, optim="sgd"),
        recipe.replace(technique="lora", target_modules=["q_proj", "down_proj"], seed=4),
    ]


def ask(prepared, steps=None):
    """Ask a run for its events, to its end or to a step's number."""
    events = []
    while steps is None or not any(event.get("step") == steps for event in events):
        with prepared.randomness:
            event = next(prepared.steps, None)
        if event is None:
            break
        if event["event"] != "evaluating":
            events.append(event)
    return events


def grouped(recipes):
    """Prepare runs and fuse them."""
    ready = [prepare(recipe) for recipe in recipes]
    group = Group(ready)
    group.start()
    for one, member in zip(ready, group.members, strict=True):
        one.steps = member
    return ready, group


def in_turns(ready, at_most=None):
    """Ask runs for their events, one after the other."""
    told = [[] for _ in ready]
    waiting = list(range(len(ready)))
    while waiting:
        for run in list(waiting):
            with ready[run].randomness:
                event = next(ready[run].steps, None)
            if event is None:
                waiting.remove(run)
            elif event["event"] != "evaluating":
                told[run].append(event)
    return told


def figures(events):
    return [event["loss"] for event in events]


def norms(events):
    return [event["grad_norm"] for event in events if event["event"] == "train"]


def near(ours, theirs, within=1e-5):
    assert len(ours) == len(theirs) > 0
    assert max(abs(mine - other) for mine, other in zip(ours, theirs, strict=True)) < within


@pytest.mark.parametrize("task", ["classify", "lm", "instruct"])
def test_fused_runs_have_the_losses_of_solo_runs(task, recipe):
    recipes = unlike(recipe.replace(task=task, data=DATA.get(task, recipe.data), max_length=48))
    alone = [ask(prepare(one)) for one in recipes]
    together = in_turns(grouped(recipes)[0])
    for solo, fused in zip(alone, together, strict=True):
        near(figures(fused), figures(solo))
        assert norms(fused) == pytest.approx(norms(solo), rel=1e-2)
        for name in ("event", "step", "learning_rate", "tokens"):
            assert [one.get(name) for one in fused] == [one.get(name) for one in solo]
    assert len({tuple(figures(events)) for events in together}) == len(recipes)


def test_fused_runs_in_bfloat16_stay_near_solo_runs_in_it(recipe):
    recipes = unlike(recipe.replace(bf16=True, task="lm", data="chronicle", max_length=48))
    ready, group = grouped(recipes)
    dtypes = set()
    linear = group.stack.model.model.layers[0].mlp.up_proj.base_layer
    linear.register_forward_hook(lambda module, inputs, output: dtypes.add(output.dtype))
    together = in_turns(ready)
    assert dtypes == {torch.bfloat16}
    for one, fused in zip(recipes, together, strict=True):
        near(figures(fused), figures(ask(prepare(one))), 0.02)
    assert measure(Group([prepare(one) for one in recipes])).same


def test_batches_that_are_added_up_count_by_their_targets(recipe):
    recipe = recipe.replace(max_length=48, max_steps=6)
    accumulating = recipe.replace(task="lm", data="chronicle", gradient_accumulation_steps=3)
    recipes = [accumulating, accumulating.replace(seed=1, r=2)]
    alone = [ask(prepare(one)) for one in recipes]
    for solo, fused in zip(alone, in_turns(grouped(recipes)[0]), strict=True):
        near(figures(fused), figures(solo))


@pytest.mark.parametrize("name", DROPOUTS)
def test_fused_on_other_architectures(name, recipe, tmp_path):
    folder = save_architecture(tmp_path / name, name, **dict.fromkeys(DROPOUTS[name], 0.0))
    first = recipe.replace(model=str(folder), max_steps=6)
    recipes = [first, first.replace(r=2, seed=1)]
    assert sort_out([prepare(one) for one in recipes]) == ([[0, 1]], [])
    alone = [ask(prepare(one)) for one in recipes]
    for solo, fused in zip(alone, in_turns(grouped(recipes)[0]), strict=True):
        near(figures(fused), figures(solo))


@pytest.mark.parametrize("quantization", ["nf4", "int8", "int8_torchao"])
def test_fused_over_a_quantised_base(quantization, recipe):
    packed = recipe.replace(model="village-3m", quantization=quantization, max_steps=4)
    recipes = [packed, packed.replace(r=2, seed=1)]
    alone = [ask(prepare(one)) for one in recipes]
    for solo, fused in zip(alone, in_turns(grouped(recipes)[0]), strict=True):
        near(figures(fused), figures(solo))


@pytest.mark.parametrize("task", ["classify", "lm"])
def test_what_is_saved_loads_and_gives_the_same_logits(task, recipe, tmp_path):
    recipe = recipe.replace(task=task, data=DATA.get(task, recipe.data), max_length=48)
    recipes = unlike(recipe.replace(max_steps=5))
    ready, _ = grouped(recipes)
    in_turns(ready)
    ids = torch.tensor([[5, 9, 4, 7]])
    for index, one in enumerate(ready):
        one.steps.close()
        with torch.no_grad():
            live = one.model.eval()(input_ids=ids).logits
        save(one.model, one.tokenizer, get("lora"), tmp_path / str(index))
        base = load_base(
            one.plan.model_path,
            one.plan.auto_class,
            num_labels=len(one.plan.labels) or None,
            quantization=None,
        )
        loaded = PeftModel.from_pretrained(clone(base, lambda name: True), tmp_path / str(index))
        with torch.no_grad():
            assert torch.allclose(loaded.eval()(input_ids=ids).logits, live, atol=1e-6)


def test_who_rests_or_stops_does_not_disturb_the_others(recipe):
    recipes = unlike(recipe.replace(max_steps=9))
    alone = [ask(prepare(one)) for one in recipes]
    ready, group = grouped(recipes)
    told = [ask(one, steps) for one, steps in zip(ready, (3, 7, 5, 4, 2), strict=True)]
    ready[1].steps.close()  # stopped after its seventh step
    assert len(group.members) == 4
    for run in (4, 0, 3, 2):  # the others go on one by one, as after pauses
        told[run] += ask(ready[run])
        ready[run].steps.close()
    for run, solo in enumerate(alone):
        steps = len(told[run])
        near(figures(told[run]), figures(solo)[:steps])
    assert [len(events) for events in told] == [10, 7, 10, 10, 10]
    assert not group.members


def test_who_leaves_takes_what_its_last_event_told_of(recipe):
    recipes = [recipe, recipe.replace(seed=1, r=2, technique="lora_fa")]
    alone = [prepare(one) for one in recipes]
    for one in alone:
        ask(one, 5)
    ready, _ = grouped(recipes)
    ask(ready[0], 5)
    ask(ready[1], 5)
    ask(ready[0], 6)  # gradients of the other's sixth step are there, and wait
    ready[1].steps.close()
    for solo, fused in zip(alone[1:], ready[1:], strict=True):
        for mine, other in zip(fused.model.parameters(), solo.model.parameters(), strict=True):
            assert mine.is_contiguous() and torch.allclose(mine, other, atol=1e-5)


def test_an_optimizer_gets_its_state_back(recipe):
    alone = prepare(recipe)
    ask(alone, 5)
    (fused, _), _ = grouped([recipe, recipe.replace(seed=1)])
    ask(fused, 5)
    told = fused.meter.read()["optimizer"]
    fused.steps.close()
    mine, other = (one.loop_kwargs["optimizer"].optimizer for one in (fused, alone))
    assert fused.meter.optimizer.optimizer is mine
    assert told == pytest.approx(alone.meter.read()["optimizer"], rel=0.05)
    pairs = list(zip(mine.param_groups[0]["params"], other.param_groups[0]["params"], strict=True))
    assert len(pairs) == len(mine.state) == len(other.state)
    for ours, theirs in pairs:
        assert set(mine.state[ours]) == set(other.state[theirs])
        for name, value in mine.state[ours].items():
            assert torch.allclose(value, other.state[theirs][name], atol=1e-6), name


def test_a_run_that_diverges_fails_alone(recipe):
    recipes = [recipe, recipe.replace(optim="sgd", learning_rate=1e30, warmup_steps=0)]
    alone = ask(prepare(recipe))
    ready, _ = grouped(recipes)
    told = [[], []]
    with pytest.raises(FloatingPointError, match="became"):
        while True:
            for events, one in zip(told, ready, strict=True):
                events += ask(one, len(events) + 1)
    near(figures(told[0] + ask(ready[0])), figures(alone))


def test_a_measurement_leaves_no_trace(recipe):
    recipes = unlike(recipe.replace(max_steps=6))
    alone = [figures(ask(prepare(one))) for one in recipes]
    ready = [prepare(one) for one in recipes]
    pace = measure(Group(ready))
    assert pace.same and pace.rounds > 1 and pace.ratio > 0
    assert [figures(ask(one)) for one in ready] == alone


def test_rows_that_see_each_other_are_found_out(recipe):
    ready = [prepare(recipe), prepare(recipe.replace(seed=1))]
    for one in ready:
        norm = one.model.get_base_model().model.norm
        # As where a layer looks at the whole batch.
        norm.register_forward_hook(lambda module, inputs, output: output - output.mean())
    assert not measure(Group(ready)).same
    groups, (said,) = fuse(ready, always=True)
    assert not groups and "would change their losses or gradients" in said
    assert not any(one.plan.fused for one in ready)


REFUSED = [
    ({"technique": "ia3"}, "ia3 is not LoRA"),
    ({"technique": "adalora"}, "adalora is not LoRA"),
    ({"technique": "full"}, "full is not LoRA"),
    ({"technique": "dora"}, "a variant of LoRA"),
    ({"technique": "pissa"}, "rewrites the weights"),
    ({"technique": "lora_ga"}, "rewrites the weights"),
    ({"lora_dropout": 0.1}, "lora_dropout is above 0"),
    ({"lora_bias": True}, "lora_bias is set"),
    ({"bias": "all"}, "is trained too and is not the weight or bias of a linear"),
    ({"target_modules": ["embed_tokens", "q_proj"]}, "embed_tokens is wrapped by Embedding"),
]


@pytest.mark.parametrize("changes, reason", REFUSED, ids=[str(one[0]) for one in REFUSED])
def test_what_cannot_be_fused_says_why(changes, reason, recipe):
    ready = [prepare(recipe), prepare(recipe.replace(seed=1)), prepare(recipe.replace(**changes))]
    groups, notes = sort_out(ready)
    assert groups == [[0, 1]]
    (note,) = notes
    assert reason in note and note.endswith(".")


def test_dropout_in_the_base_is_refused(recipe, tiny_bert):
    assert "dropout" in obstacle(prepare(recipe.replace(model=str(tiny_bert))))


@pytest.mark.parametrize(
    "changes, reason",
    [
        ({"per_device_train_batch_size": 2}, "the same per_device_train_batch_size"),
        ({"gradient_accumulation_steps": 2}, "the same gradient_accumulation_steps"),
        ({"bf16": True}, "the same bf16"),
        ({"task": "lm", "data": "chronicle", "max_length": 48}, "the same base and task"),
    ],
)
def test_who_is_unlike_all_others_trains_alone(changes, reason, recipe):
    groups, notes = sort_out([prepare(one) for one in (recipe.replace(**changes), recipe, recipe)])
    assert groups == [[1, 2]]
    assert len(notes) == 1 and reason in notes[0]


def test_the_record_and_the_script_say_that_a_run_was_fused(recipe):
    short = recipe.replace(max_steps=8)
    ready = [prepare(short.replace(seed=seed, name=f"run {seed}")) for seed in range(4)]
    groups, notes = fuse(ready, always=True, workers=2)
    assert groups == [[0, 2], [1, 3]]
    assert [note.partition(" are trained fused")[0] for note in notes] == [
        "run 0 and run 2",
        "run 1 and run 3",
    ]
    assert all("times as fast as separate steps" in note for note in notes)
    for one in ready:
        assert one.plan.fused == 2 and "within float tolerance" in one.notes[-1]
        text = " ".join(
            docstring(ScriptPlan.from_dict(one.plan.to_dict()), "a run", "run.py").split()
        )
        assert "within float tolerance: 2 runs trained fused" in text
        assert "to the last bit" not in text
    assert {len(figures(events)) for events in in_turns(ready)} == {9}


def test_a_race_fuses_its_runs_and_says_so(recipe, tmp_path):
    recipes = [one.replace(name=f"run {at}") for at, one in enumerate(unlike(recipe))]
    recipes.append(recipe.replace(technique="ia3", name="other"))
    alone = [figures(ask(prepare(one))) for one in recipes]
    race = wb.Race(recipes, tmp_path, fuse=True).start().wait()
    for run, solo in zip(race.members, alone, strict=True):
        near([event["loss"] for event in run.events if "loss" in event], solo)
    assert race.members[-1].losses == [loss for loss in alone[-1][:-1]]
    told = " ".join(race.notes)
    assert "are trained fused, in one forward and backward pass through their base" in told
    for run in race.members[:-1]:
        record = run.record()
        assert record.plan["fused"] > 1
        assert any("Trained fused with" in note for note in record.result["notes"])
        loaded = PeftModel.from_pretrained(
            clone(prepare(run.recipe).shared_resources[0], lambda name: True), run.path / "adapter"
        )
        assert loaded is not None
    assert not race.members[-1].plan["fused"]


def test_runs_added_together_while_others_go_on_are_fused(recipe, tmp_path):
    first = recipe.replace(technique="ia3", name="first", max_steps=4000)
    recipes = [one.replace(name=f"run {at}") for at, one in enumerate(unlike(recipe))]
    alone = [figures(ask(prepare(one))) for one in recipes]
    race = wb.Race([first], tmp_path, fuse=True)
    reached = threading.Event()
    race.subscribe(lambda race, event: event.get("step", 0) >= 2 and reached.set())
    race.start()
    assert reached.wait(60)
    runs = race.extend(recipes)
    for run, solo in zip(runs, alone, strict=True):
        run.join(60)
        near([event["loss"] for event in run.events if "loss" in event], solo)
        assert run.record().plan["fused"] > 1
    assert race.members[0].state == "running"
    race.stop()
    race.wait()
    assert race.members == [race.members[0], *runs]


def test_a_race_that_fuses_nothing_gives_the_bits(recipe, tmp_path):
    recipes = unlike(recipe.replace(max_steps=5))
    alone = [wb.train(one, tmp_path / "alone", progress=False).losses for one in recipes]
    race = wb.Race(recipes, tmp_path / "race", fuse=False).start().wait()
    assert [run.losses for run in race.members] == alone
    assert not any("fused" in note for note in race.notes)


def test_runs_of_a_race_rest_and_stop_while_others_go_on(recipe, tmp_path):
    recipes = unlike(recipe.replace(max_steps=12, max_eval_samples=2))
    alone = [ask(prepare(one)) for one in recipes]
    race = wb.Race(recipes, tmp_path, fuse=True)
    rests, stops = race.members[1], race.members[2]

    def watch(race, event):
        if event["event"] == "train" and event["step"] == 4:
            for run in (rests, stops):
                if event["run"] == run.name:
                    run.pause() if run is rests else run.stop()

    race.subscribe(watch)
    race.start()
    for run in (race.members[0], *race.members[2:]):
        run.join(60)
    assert (rests.state, stops.state, len(rests.losses)) == ("paused", "stopped", 4)
    assert {run.state for run in (race.members[0], *race.members[3:])} == {"finished"}
    rests.resume()
    race.wait(60)
    for run, solo in zip(race.members, alone, strict=True):
        near(run.losses, figures(solo)[: len(run.losses)])
    assert [len(run.losses) for run in race.members] == [12, 12, 4, 12, 12]
    assert [run.evaluations[-1].step for run in race.members] == [12, 12, 4, 12, 12]


def test_a_group_that_nobody_holds_is_let_go(recipe):
    ready, group = grouped(unlike(recipe))
    ask(ready[0], 2)
    ask(ready[1], 1)
    kept = weakref.ref(group)
    del ready, group
    gc.collect()
    assert kept() is None


def test_a_run_can_be_cloned_with_its_weights_while_it_trains_fused(recipe, tmp_path):
    recipes = [recipe.replace(r=2, max_steps=4000), recipe.replace(seed=1, max_steps=4000)]
    race = wb.Race(recipes, tmp_path, fuse=True)
    reached = threading.Event()
    race.subscribe(lambda race, event: event.get("step", 0) >= 3 and reached.set())
    race.start()
    assert reached.wait(60)
    clone = race.fork(
        race.members[0], weights=True, learning_rate=1e-4, max_steps=2, warmup_steps=0
    )
    clone.join(60)
    race.stop()
    race.wait(60)
    assert (clone.state, str(clone.error)) == ("finished", "None")

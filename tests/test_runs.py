"""Runs: controls answer within a step, bits stay equal, and nothing half-written counts."""

from __future__ import annotations

import json
import threading
import time
from pathlib import Path

import pytest
import torch
from peft import PeftModel
from safetensors import SafetensorError
from transformers import AutoModelForSequenceClassification

import workbench as wb
from tests.serving import serving
from workbench.errors import RecipeError, StoreError, TrainingError
from workbench.runs.disk import write_whole
from workbench.runs.run_folder import RunFolder
from workbench.training.adaptation.base_model import load_base
from workbench.training.events import Evaluating, TrainStep

ROWS = [
    {"text": f"the {thing} was {word} and I {verb} it", "label": label}
    for thing in ("film", "lamp", "kettle", "coat", "boat", "song", "soup", "walk")
    for word, verb, label in (
        ("good", "liked", "positive"),
        ("bad", "hated", "negative"),
        ("lovely", "kept", "positive"),
        ("dull", "left", "negative"),
    )
]


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
        technique="lora",
        technique_args={"lora_dropout": 0.1},
        per_device_train_batch_size=4,
        max_steps=8,
        eval_steps=4,
    )


def bits(module):
    return {name: tensor.clone() for name, tensor in module.state_dict().items()}


def same(before, after):
    return all(torch.equal(before[name], after[name]) for name in before)


@pytest.mark.parametrize("technique", serving("classify"))
def test_interleaved_runs_have_the_losses_of_solo_runs(technique, recipe, tmp_path):
    others = recipe.replace(technique=technique, seed=1)
    alone = [wb.train(r, tmp_path / "solo").losses for r in (recipe, others)]
    together = [wb.Run(r, tmp_path / "both").start() for r in (recipe, others)]
    assert [run.wait().losses for run in together] == alone
    assert len(set(alone[0])) == len(alone[0])


@pytest.mark.parametrize("technique", serving("classify"))
def test_the_pristine_base_keeps_its_bits(technique, recipe, tmp_path):
    recipe = recipe.replace(technique=technique)
    quantization = recipe.resolved().quantization
    base = load_base(
        recipe.model,
        "AutoModelForSequenceClassification",
        num_labels=2,
        quantization=quantization,
    )
    before = bits(base.model)
    run = wb.train(recipe, tmp_path)
    assert same(before, bits(base.model))
    assert run.losses[0] != run.losses[-1]
    assert not any(parameter.requires_grad for parameter in base.model.parameters())


def test_drawing_random_numbers_beside_a_run_changes_nothing(recipe, tmp_path):
    alone = wb.train(recipe, tmp_path).losses
    torch.manual_seed(99)
    before = torch.get_rng_state()
    assert wb.train(recipe, tmp_path).losses == alone
    assert torch.equal(torch.get_rng_state(), before)


def test_pause_rests_within_a_step_and_resume_goes_on_with_the_same_bits(recipe, tmp_path):
    recipe = recipe.replace(max_steps=30, eval_steps=100)
    alone = wb.train(recipe, tmp_path).losses
    run = wb.Run(recipe, tmp_path)
    reached, paused = threading.Event(), threading.Event()

    def watch(run, event):
        if event["event"] == "train" and event["step"] == 5:
            run.pause()
            reached.set()
        if event["event"] == "state" and event["state"] == "paused":
            paused.set()

    run.subscribe(watch)
    run.start()
    assert reached.wait(60) and paused.wait(60)
    assert run.state == "paused"
    steps = len(run.losses)
    assert steps == 5
    time.sleep(0.2)
    assert len(run.losses) == steps
    run.resume()
    assert run.wait().losses == alone


def test_stop_ends_within_a_step_and_keeps_what_was_learnt(recipe, tmp_path):
    run = wb.Run(recipe.replace(max_steps=500, eval_steps=1000), tmp_path)
    run.subscribe(lambda run, event: event.get("step") == 3 and run.stop())
    run.start().wait(60)
    assert run.state == "stopped"
    assert len(run.losses) == 3
    record = run.record()
    assert record.state == "stopped"
    assert record.losses == run.losses
    assert (record.path / "adapter" / "adapter_model.safetensors").is_file()


def stop_at(step, evaluate=True):
    """Return a listener that stops a run after a step."""
    at = ("train", step)
    return lambda run, event: (event["event"], event.get("step")) == at and run.stop(evaluate)


@pytest.mark.parametrize(
    ("eval_steps", "evaluated"),
    [(1000, [3]), (2, [2, 3]), (3, [3])],
    ids=["first", "again", "once"],
)
def test_a_stopped_run_is_evaluated_after_its_last_step(eval_steps, evaluated, recipe, tmp_path):
    recipe = recipe.replace(max_steps=500, eval_steps=eval_steps, lr_scheduler_type="constant")
    whole = wb.train(recipe.replace(max_steps=3), tmp_path)
    run = wb.Run(recipe, tmp_path)
    run.subscribe(stop_at(3))
    run.start().wait(60)
    assert (run.state, run.losses) == ("stopped", whole.losses)
    assert [evaluation.step for evaluation in run.evaluations] == evaluated
    assert run.evaluations[-1].scores == whole.evaluations[-1].scores
    assert run.record().evaluations[-1].scores == run.evaluations[-1].scores


def test_an_evaluation_that_has_begun_goes_on_when_the_run_is_stopped(recipe, tmp_path):
    run = wb.Run(
        recipe.replace(max_steps=500, eval_steps=2, per_device_eval_batch_size=1), tmp_path
    )
    run.subscribe(lambda run, event: event["event"] == "evaluating" and run.stop())
    run.start().wait(60)
    batches = [event.done for event in run.events.of(Evaluating)]
    assert batches == list(range(1, batches[-1] + 1)) and batches[-1] > 1
    assert [evaluation.step for evaluation in run.evaluations] == [2]


@pytest.mark.parametrize("eval_steps", [1000, 2])
def test_a_second_stop_skips_the_evaluation(eval_steps, recipe, tmp_path):
    recipe = recipe.replace(max_steps=500, eval_steps=eval_steps, per_device_eval_batch_size=1)
    run = wb.Run(recipe, tmp_path)
    run.subscribe(stop_at(3))
    run.subscribe(
        lambda run, event: (
            event["event"] == "evaluating" and run.stopping and run.stop(evaluate=False)
        )
    )
    run.start().wait(60)
    assert run.state == "stopped" and not any(found.step == 3 for found in run.evaluations)
    known = "that of step 2" if eval_steps == 2 else "it has no metric"
    assert any("that was skipped" in note and known in note for note in run.notes)
    assert (run.path / "adapter" / "adapter_model.safetensors").is_file()


def test_an_evaluation_that_takes_long_is_left_out_of_a_stop(recipe, tmp_path, monkeypatch):
    monkeypatch.setattr("workbench.runs.last_evaluation.MOST_SECONDS", 0.0)
    monkeypatch.setattr("workbench.runs.last_evaluation.TRIAL_SECONDS", 0.0)
    run = wb.Run(recipe.replace(max_steps=500, eval_steps=1000), tmp_path)
    run.subscribe(stop_at(3))
    run.start().wait(60)
    assert run.state == "stopped" and not run.evaluations
    assert any("would have taken about" in note and "no metric" in note for note in run.notes)


def test_an_evaluation_that_fails_does_not_take_what_was_learnt(recipe, tmp_path, monkeypatch):
    def fail(*_):
        raise ValueError("no metric today")
        yield

    monkeypatch.setattr("workbench.training.evaluate.evaluate_classify", fail)
    run = wb.Run(recipe.replace(max_steps=500, eval_steps=1000), tmp_path)
    run.subscribe(stop_at(3))
    run.start().wait(60)
    assert run.state == "stopped" and any("no metric today" in note for note in run.notes)
    assert (run.path / "adapter" / "adapter_model.safetensors").is_file()


@pytest.mark.parametrize("evaluate", [True, False])
def test_a_run_that_is_stopped_after_all_its_steps_has_finished(evaluate, recipe, tmp_path):
    run = wb.Run(recipe.replace(max_steps=3), tmp_path)
    run.subscribe(stop_at(3, evaluate))
    run.start().wait(60)
    assert run.state == run.record().state == "finished"
    assert [evaluation.step for evaluation in run.evaluations] == [3] * evaluate


def test_stop_ends_a_paused_run(recipe, tmp_path):
    run = wb.Run(recipe.replace(max_steps=500, eval_steps=1000), tmp_path)
    paused = threading.Event()
    run.subscribe(lambda run, event: event.get("step") == 2 and run.pause())
    run.subscribe(lambda _, event: event.get("state") == "paused" and paused.set())
    run.start()
    assert paused.wait(60)
    run.stop()
    run.wait(60)
    assert run.state == "stopped"


def test_a_nan_loss_stops_the_run_and_keeps_what_it_had(recipe, tmp_path):
    run = wb.Run(
        recipe.replace(technique="full", learning_rate=1e30, max_grad_norm=float("inf")), tmp_path
    )
    with pytest.raises(TrainingError, match=r"loss became (nan|inf) at step \d+.*learning_rate"):
        run.start().wait()
    record = run.record()
    assert record.state == "failed"
    assert record.losses == run.losses and record.losses
    assert "learning_rate" in record.result["error"]
    model = AutoModelForSequenceClassification.from_pretrained(record.path / "model")
    assert model.config.num_labels == 2
    assert record.result["adapter_bytes"] > 0


def test_a_nan_loss_keeps_the_adapter(recipe, tmp_path):
    run = wb.Run(recipe.replace(learning_rate=1e20, max_grad_norm=float("inf")), tmp_path)
    with pytest.raises(TrainingError, match=r"at step \d+.*learning_rate"):
        run.start().wait()
    record = run.record()
    assert record.state == "failed" and record.losses
    names = {name for name, _ in run.model.named_parameters() if "lora_" in name}
    base = AutoModelForSequenceClassification.from_pretrained(recipe.model)
    loaded = PeftModel.from_pretrained(base, record.path / "adapter")
    assert {name for name, _ in loaded.named_parameters() if "lora_" in name} == names


def test_notes_from_other_threads_are_all_there_and_none_comes_twice(recipe, tmp_path):
    run = wb.Run(recipe, tmp_path)
    read = []
    threads = [
        threading.Thread(target=lambda n=n: [run.add_notes(f"note {n} {i}") for i in range(200)])
        for n in range(8)
    ]
    threads += [threading.Thread(target=lambda: run.add_notes(*["the same"] * 3))]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        read.append(run.notes)
    assert sorted(run.notes) == sorted(
        ["the same", *(f"note {n} {i}" for n in range(8) for i in range(200))]
    )
    # What was read once stays in its place.
    assert all(notes == run.notes[: len(notes)] for notes in read)


def test_a_note_from_before_a_run_is_ready_is_kept(recipe, tmp_path):
    run = wb.Run(recipe.replace(max_steps=1), tmp_path)
    # In the run's thread, as the listeners of a race are, and before it notes what preparing told.
    run.subscribe(lambda run, event: event["event"] == "state" and run.add_notes("from outside"))
    run.start().wait()
    assert run.notes[0] == "from outside" and run.notes == run.record().result["notes"]


def test_the_folder_tells_the_run(recipe, tmp_path):
    run = wb.train(recipe, tmp_path)
    record = wb.load_run(run.path)
    assert record.recipe == recipe
    assert record.losses == run.losses
    assert record.evaluations == run.evaluations
    assert record.result["evaluation"]["accuracy"] == run.evaluations[-1]["accuracy"]
    assert record.result["adapter_bytes"] > 0
    assert {file.name for file in run.path.iterdir()} == {
        "recipe.yaml",
        "plan.json",
        "metrics.jsonl",
        "result.json",
        "adapter",
    }


def test_a_run_cut_off_is_told_from_a_finished_one(recipe, tmp_path):
    folder = RunFolder(tmp_path, recipe)
    folder.append(TrainStep(1, 2.5, tokens=64, seconds=0.1))
    with (folder.path / "metrics.jsonl").open("a") as file:
        file.write('{"event": "train", "step": 2, "lo')
    record = wb.load_run(folder.path)
    assert record.state == "interrupted"
    assert record.losses == [2.5]


def test_names_of_folders_never_clash(recipe, tmp_path):
    named = recipe.replace(name="my run")
    paths = [RunFolder(tmp_path, r).path.name for r in (named, named, recipe, recipe)]
    assert paths == ["my-run", "my-run-2", "lora-reviews-1", "lora-reviews-2"]


@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("recipe.yaml", "learning_rat: 1\n"),
        ("recipe.yaml", "task: [lm]\n"),
        ("recipe.yaml", "data: 3\n"),
        ("result.json", "{"),
        ("result.json", "null"),
        ("result.json", '{"steps": 3}'),
        ("plan.json", '{"a":'),
        ("plan.json", "[]"),
    ],
)
def test_a_damaged_run_does_not_hide_the_others(file, text, recipe, tmp_path):
    broken, whole = RunFolder(tmp_path, recipe), RunFolder(tmp_path, recipe)
    (broken.path / file).write_text(text)
    with pytest.warns(UserWarning, match=f"{broken.path.name}.*is left out"):
        assert [record.path for record in wb.load_runs(tmp_path)] == [whole.path]


@pytest.mark.parametrize(
    ("file", "content"),
    [("plan.json", b'{"a":'), ("result.json", b"null"), ("plan.json", b"\xff\xfe{")],
)
def test_a_damaged_file_is_named_in_a_sentence(file, content, recipe, tmp_path):
    path = RunFolder(tmp_path, recipe).path
    (path / file).write_bytes(content)
    for use in (wb.load_run, wb.compare, lambda path: wb.export(path, tmp_path / "x.py")):
        with pytest.raises(StoreError, match=f"{file}' is damaged: delete or restore it"):
            use(path)


def test_events_that_say_too_little_are_left_out(recipe, tmp_path):
    folder = RunFolder(tmp_path, recipe)
    kept = {"event": "train", "step": 2, "loss": 1.5, "tokens": 64, "seconds": 0.1}
    lines = [
        '{"event": "train"}',
        "3",
        '{"step": 1}',
        "\udcff",
        json.dumps(kept),
        '{"event": "eval"}',
    ]
    lines += ['{"event": "memory", "step": 1}', '{"event": "parameters"}']
    (folder.path / "metrics.jsonl").write_bytes("\n".join(lines).encode(errors="surrogateescape"))
    assert list(wb.load_run(folder.path).events) == [kept]
    assert "step 2" not in str(wb.compare(folder.path))


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda root: root / "nowhere", "existing folder"),
        (lambda root: root, "recipe.yaml"),
    ],
)
def test_what_is_not_a_run_is_refused(make, words, tmp_path):
    with pytest.raises(StoreError, match=words):
        wb.load_run(make(tmp_path))


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full, a disk always full")
def test_a_full_disk_is_said_in_a_sentence(recipe, tmp_path):
    folder = RunFolder(tmp_path, recipe)
    folder.close()
    folder._metrics = open("/dev/full", "w")  # noqa: SIM115 (closed below, where that fails too)
    with pytest.raises(StoreError, match="could not be saved.*the disk is full"):
        folder.append(TrainStep(1, 2.5, tokens=64, seconds=0.1))
    folder.close()
    assert wb.load_run(folder.path).state == "interrupted"


def test_a_disk_that_is_full_from_the_start_leaves_no_folder(recipe, tmp_path, monkeypatch):
    def write_half(path, text):
        path.write_text(text[: len(text) // 2])
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("workbench.runs.run_folder.write_whole", write_half)
    with pytest.raises(StoreError, match="could not be saved.*the disk is full"):
        wb.train(recipe, tmp_path / "runs", progress=False)
    assert list((tmp_path / "runs").iterdir()) == []


@pytest.mark.parametrize(
    "error",
    [
        OSError(28, "No space left on device"),
        SafetensorError(
            "Error while serializing: I/O error: No space left on device (os error 28)"
        ),
    ],
    ids=lambda error: type(error).__name__,
)
def test_weights_that_do_not_fit_leave_no_half(error, recipe, tmp_path):
    folder = RunFolder(tmp_path, recipe)
    with (
        pytest.raises(StoreError, match="could not be saved.*the disk is full"),
        folder.saving("adapter") as half,
    ):
        half.mkdir()
        (half / "weights").write_text("half of them")
        raise error
    folder.close()
    assert {file.name for file in folder.path.iterdir()} == {"recipe.yaml", "metrics.jsonl"}


def test_a_file_that_cannot_be_written_leaves_no_half(tmp_path):
    (tmp_path / "plan.json").mkdir()
    with pytest.raises(OSError, match=r"plan\.json"):
        write_whole(tmp_path / "plan.json", "{}")
    assert [path.name for path in tmp_path.iterdir()] == ["plan.json"]


def test_a_run_whose_weights_cannot_be_saved_has_failed_and_says_so(recipe, tmp_path):
    run = wb.Run(recipe, tmp_path)
    # A file where the folder of weights is to be.
    run.subscribe(
        lambda run, event: (
            event.get("step") == 2 and (run.path / "adapter").write_text("in the way")
        )
    )
    with pytest.raises(TrainingError, match="The run could not be saved in"):
        run.start().wait()
    record = run.record()
    assert (run.state, record.state) == ("failed", "failed")
    assert "could not be saved" in record.result["error"]
    assert not list(record.path.glob(".*"))


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full, a disk always full")
def test_a_log_that_cannot_be_written_fails_the_run(recipe, tmp_path):
    run = wb.Run(recipe, tmp_path)
    full = open("/dev/full", "w")  # noqa: SIM115 (the run closes it)

    def fill(run, event):
        if event.get("step") == 2:
            run._execution.folder._metrics = full

    run.subscribe(fill)
    with pytest.raises(TrainingError, match="could not be saved.*the disk is full"):
        run.start().wait()
    assert run.record().state == "failed"


def test_a_run_that_could_not_begin_leaves_no_folder(recipe, tmp_path):
    run = wb.Run(recipe.replace(data=str(tmp_path / "nothere.csv")), tmp_path / "runs")
    with pytest.raises(RecipeError, match=r"nothere\.csv"):
        run.start().wait()
    assert run.state == "failed"
    assert list((tmp_path / "runs").iterdir()) == []
    assert "failed" in str(wb.compare(run))
    with pytest.raises(TrainingError, match="has no folder"):
        run.record()


def test_all_problems_are_reported_at_once(reviews):
    recipe = wb.Recipe(
        technique="lora",
        technique_args={"r": 0, "lora_alfa": 3},
        learning_rate=-1,
        task="classify",
        data=reviews,
    )
    with pytest.raises(RecipeError) as caught:
        wb.train(recipe)
    said = str(caught.value)
    assert "r must be an integer of at least 1, but is 0" in said
    assert "did you mean 'lora_alpha'?" in said
    assert "learning_rate must be a number above 0" in said


def test_a_missing_model_and_missing_data_are_one_report(tmp_path):
    recipe = wb.Recipe(model=str(tmp_path / "no-model"), data=str(tmp_path / "no-data.csv"))
    with pytest.raises(RecipeError) as caught:
        wb.train(recipe, tmp_path / "runs")
    assert {problem.parameter for problem in caught.value.problems} == {"model", "data"}


def test_settings_base_and_data_are_one_report(tmp_path):
    recipe = wb.Recipe(
        model=str(tmp_path / "no-model"),
        data=str(tmp_path / "no-data.csv"),
        technique="lorra",
        learning_rate=-1,
    )
    with pytest.raises(RecipeError) as caught:
        wb.train(recipe, tmp_path / "runs")
    assert [problem.parameter for problem in caught.value.problems] == [
        "technique",
        "learning_rate",
        "model",
        "data",
    ]
    assert not (tmp_path / "runs").exists()


def test_wrong_settings_are_said_before_anything_is_fetched(tmp_path):
    recipe = wb.Recipe(model="owner/model", data="owner/data", learning_rate=-1)
    with pytest.raises(RecipeError) as caught:
        wb.train(recipe, tmp_path)
    assert [problem.parameter for problem in caught.value.problems] == ["learning_rate"]


def test_the_counted_memory_is_what_the_tensors_take(recipe, tmp_path):
    run = wb.train(recipe, tmp_path)
    trainable = run.parameters["trainable"]
    assert run.memory["gradients"] == 4 * trainable
    # AdamW keeps two numbers for each, and a step count for each tensor.
    assert 8 * trainable <= run.memory["optimizer"] <= 8 * trainable + 4 * 1000
    assert run.memory["weights"] + run.memory["adapters"] >= 4 * run.parameters["total"]
    assert run.memory["activations"] > 0
    assert run.memory["rss"] > run.memory["peak"]
    assert sum(run.parameters["by_module"].values()) == trainable


def test_accumulating_gives_the_losses_of_one_large_batch(recipe, tmp_path):
    recipe = recipe.replace(lora_dropout=0.0, per_device_train_batch_size=8, max_steps=3)
    whole = wb.train(recipe, tmp_path).losses
    parts = wb.train(
        recipe.replace(per_device_train_batch_size=4, gradient_accumulation_steps=2), tmp_path
    ).losses
    assert parts == pytest.approx(whole, rel=1e-4)

"""The command line, as a process: results on standard output, sentences and exit codes for errors."""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import pty
import signal
import subprocess
import sys
import time

import pytest

import workbench as wb
from workbench.cli import _ACTIONS as VERBS
from workbench.cli import main
from workbench.cli_arguments import make_parser
from workbench.registry.techniques import TECHNIQUES
from workbench.runs.run_folder import RunFolder


def workbench(*arguments, cwd=None):
    return subprocess.run(
        [sys.executable, "-m", "workbench", *map(str, arguments)],
        capture_output=True,
        text=True,
        cwd=cwd,
        check=False,
        timeout=120,
    )


@pytest.fixture
def data(tmp_path):
    path = tmp_path / "films.csv"
    rows = [f"film {i} was {'good' if i % 2 else 'bad'},{'pn'[i % 2]}" for i in range(40)]
    path.write_text("\n".join(["text,label", *rows]) + "\n")
    return path


@pytest.fixture
def recipe(tiny_llama, data, tmp_path):
    path = tmp_path / "recipe.yaml"
    wb.Recipe(
        model=str(tiny_llama), data=str(data), technique="lora", max_steps=4, eval_steps=2
    ).to_yaml(path)
    return path


def test_run_compare_export(recipe, tmp_path):
    done = workbench("run", recipe, "--runs", tmp_path / "runs")
    assert done.returncode == 0, done.stderr
    folder = done.stdout.strip()
    assert wb.load_run(folder).state == "finished"
    # A log gets plain lines: no bar, no escape sequences, no carriage returns.
    assert "step 4 of 4, loss" in done.stderr
    assert "accuracy" in done.stderr
    assert not set(done.stderr) & {"\r", "\x1b", "█"}

    table = workbench("compare", tmp_path / "runs")
    assert table.returncode == 0, table.stderr
    assert os.path.basename(folder) in table.stdout
    rows = json.loads(workbench("compare", tmp_path / "runs", "--json").stdout)
    assert [row["run"] for row in rows] == [os.path.basename(folder)]

    script = tmp_path / "train.py"
    done = workbench("export", folder, "--to", script)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == str(script)
    compile(script.read_text(), str(script), "exec")


@pytest.fixture
def long_rows(recipe, tmp_path):
    """Give the recipe rows that are longer than its base reads."""
    path = tmp_path / "long.jsonl"
    rows = [{"text": f"{i} good film " * 99, "label": "ab"[i % 2]} for i in range(20)]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    wb.Recipe.from_yaml(recipe).replace(data=str(path)).to_yaml(recipe)


def test_rows_beyond_the_context_are_refused_in_a_line(recipe, long_rows, tmp_path):
    done = workbench("run", recipe, "--runs", tmp_path / "runs")
    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert "20 of 20 rows are longer than the 128 tokens" in line
    assert "set max_length to 128" in line
    assert wb.load_runs(tmp_path / "runs") == []


def test_what_a_run_notes_is_printed(recipe, long_rows, tmp_path):
    wb.Recipe.from_yaml(recipe).replace(max_length=32).to_yaml(recipe)
    done = workbench("run", recipe, "--runs", tmp_path / "runs")
    assert done.returncode == 0, done.stderr
    note = "20 of 20 rows are longer than max_length=32 and truncated."
    assert f"lora-long-1: {note}" in done.stderr.splitlines()


def test_all_problems_of_a_recipe_are_printed(tmp_path):
    path = tmp_path / "recipe.yaml"
    wb.Recipe(learning_rate=-1, technique_args={"r": 0}).to_yaml(path)
    done = workbench("run", path, "--runs", tmp_path / "runs")
    assert done.returncode == 2
    assert done.stderr.splitlines() == [
        "workbench: r must be an integer of at least 1, but is 0.",
        "workbench: learning_rate must be a number above 0 (or None), but is -1.",
    ]
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["run", "nowhere.yaml"], "recipe must be an existing YAML file"),
        (["compare", "nowhere"], "nowhere"),
        (["export", "nowhere", "--to", "x.py"], "must be an existing folder"),
        (["data", "nowhere.csv"], "nowhere.csv"),
        (["data", "reviews", "--task", "clasify"], "did you mean 'classify'?"),
        (["data", "reviews", "--text-column", "txet"], "did you mean 'text'?"),
    ],
)
def test_bad_input_is_one_sentence_and_exit_code_2(arguments, words, tmp_path):
    done = workbench(*arguments, cwd=tmp_path)
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1
    assert done.stderr.startswith("workbench: ")
    assert words in done.stderr
    assert done.stdout == ""


def test_a_run_that_fails_exits_with_1_and_keeps_what_it_had(tiny_llama, data, tmp_path):
    path = tmp_path / "recipe.yaml"
    wb.Recipe(
        model=str(tiny_llama),
        data=str(data),
        technique="full",
        learning_rate=1e30,
        max_steps=20,
        eval_steps=50,
    ).to_yaml(path)
    done = workbench("run", path, "--runs", tmp_path / "runs")
    assert done.returncode == 1
    assert "learning_rate below" in done.stderr.splitlines()[-1]
    (record,) = wb.load_runs(tmp_path / "runs")
    assert record.state == "failed"
    assert record.losses


def test_an_interrupt_stops_and_saves_the_run(tiny_llama, data, tmp_path):
    path = tmp_path / "recipe.yaml"
    wb.Recipe(model=str(tiny_llama), data=str(data), max_steps=100_000, eval_steps=10**6).to_yaml(
        path
    )
    runs = tmp_path / "runs"
    process = subprocess.Popen(
        [sys.executable, "-m", "workbench", "run", str(path), "--runs", str(runs)],
        stderr=subprocess.PIPE,
        text=True,
        # Whoever runs the tests in the background of a shell has interrupts ignored.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509
    )
    until = time.monotonic() + 90
    while not (runs.exists() and any(record.losses for record in wb.load_runs(runs))):
        assert time.monotonic() < until and process.poll() is None
        time.sleep(0.2)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "Traceback" not in said
    (record,) = wb.load_runs(runs)
    assert record.state == "stopped"
    assert (record.path / "adapter").is_dir()


def test_a_kill_loses_at_most_the_step_in_hand(tiny_llama, data, tmp_path):
    path = tmp_path / "recipe.yaml"
    wb.Recipe(model=str(tiny_llama), data=str(data), max_steps=100_000, eval_steps=10**6).to_yaml(
        path
    )
    runs = tmp_path / "runs"
    process = subprocess.Popen(
        [sys.executable, "-m", "workbench", "run", str(path), "--runs", str(runs)],
        stderr=subprocess.DEVNULL,
    )
    until = time.monotonic() + 90
    while not (runs.exists() and any(len(r.losses) > 5 for r in wb.load_runs(runs))):
        assert time.monotonic() < until and process.poll() is None
        time.sleep(0.2)
    process.kill()
    process.wait(30)
    (record,) = wb.load_runs(runs)
    assert record.state == "interrupted"
    steps = [event["step"] for event in record.events if event["event"] == "train"]
    assert steps == list(range(1, len(steps) + 1)) and len(steps) > 5


def test_a_damaged_run_is_one_line_beside_the_table(tmp_path):
    for _ in range(2):
        folder = RunFolder(tmp_path / "runs", wb.Recipe(name="whole"))
        folder.finish({"state": "finished"})
    (folder.path / "result.json").write_text("null")
    done = workbench("compare", tmp_path / "runs")
    assert done.returncode == 0
    assert "whole " in done.stdout and "whole-2" not in done.stdout
    (line,) = done.stderr.splitlines()
    assert line.startswith("workbench: The run in ") and "is damaged" in line


def test_techniques_and_models_are_listed():
    rows = json.loads(workbench("techniques", "--json").stdout)
    assert [row["name"] for row in rows] == list(TECHNIQUES)
    table = workbench("techniques").stdout
    assert all(name in table for name in TECHNIQUES)
    models = json.loads(workbench("models", "--json").stdout)
    assert "village-3m" in [row["name"] for row in models]


@pytest.mark.parametrize("verb", ["models", "techniques"])
def test_a_table_fits_the_terminal_and_a_pipe_gets_a_row_a_line(verb):
    piped = workbench(verb).stdout
    rows = json.loads(workbench(verb, "--json").stdout)
    assert len(piped.splitlines()) == 1 + len(rows)
    assert max(map(len, piped.splitlines())) > 100

    main, side = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "workbench", verb],
        stdout=side,
        env=os.environ | {"COLUMNS": "100"},
    )
    os.close(side)
    shown = b""
    with contextlib.suppress(OSError):  # how Linux says that the other side has closed
        while part := os.read(main, 65536):
            shown += part
    os.close(main)
    assert process.wait(30) == 0
    lines = shown.decode().splitlines()
    assert max(map(len, lines)) <= 100
    assert len(lines) > 1 + len(rows)
    assert sorted(" ".join(lines).split()) == sorted(piped.split()), "no word is lost or broken"


def test_data_takes_several_files_and_skips_bad_rows(tmp_path):
    (tmp_path / "a.csv").write_bytes("text;label\ncafé;x\nb;y\n;x\n".encode("cp1252"))
    (tmp_path / "b.jsonl").write_text('{"text": "c", "label": "x"}\n')
    names = (str(tmp_path / "a.csv"), str(tmp_path / "b.jsonl"))
    done = workbench("data", *names, "--encoding", "cp1252", "--skip-bad-rows")
    assert done.returncode == 0, done.stderr
    assert "rows        3 for training" in done.stdout
    assert "1 of the 4 rows of a.csv and 1 more file is bad and left out (row 3)" in done.stdout
    assert '{"text": "café", "label": "x"}' in done.stdout


@pytest.mark.parametrize(
    ("name", "task", "words"),
    [("reviews", "classify", "negative, positive"), ("support", "classify", "labels")],
)
def test_data_is_checked_and_shown(name, task, words):
    done = workbench("data", name, "--rows", "2")
    assert done.returncode == 0, done.stderr
    assert f"task        {task}" in done.stdout
    assert words in done.stdout
    assert len([line for line in done.stdout.splitlines() if line.startswith("{")]) == 2


def test_rows_are_shown_as_the_model_gets_them(tmp_path):
    data = tmp_path / "rows.jsonl"
    row = {"prompt": "Who?", "completion": "Anna.", "remark": "x"}
    data.write_text(f"{json.dumps(row)}\n" * 4)
    done = workbench("data", data, "--show", "1", "--max-length", "12")
    assert done.returncode == 0, done.stderr
    assert "«·Anna.{<|end|>}»" in done.stdout
    assert "Not used: remark" in done.stdout
    assert not set(done.stdout) & {"\x1b", "\r"}
    assert "note        Not used: remark." in workbench("data", data).stdout


def test_rows_in_another_encoding_are_shown_as_the_model_gets_them(tmp_path):
    data = tmp_path / "rows.csv"
    data.write_bytes("text,label\nMüsli,good\n,bad\nCafé,bad\n".encode("cp1252"))
    done = workbench("data", data, "--encoding", "cp1252", "--skip-bad-rows", "--show", "1")
    assert done.returncode == 0, done.stderr
    assert "sli" in done.stdout and "1 of the 3 rows of rows.csv is bad and left out" in done.stdout


def test_a_terminal_gets_colours_unless_it_asks_for_none(monkeypatch, capsys):
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True, raising=False)
    for colours in (True, False):
        monkeypatch.setenv("NO_COLOR", "1")
        if colours:
            monkeypatch.delenv("NO_COLOR")
        assert main(["data", "village-qa", "--show", "1"]) == 0
        assert ("\x1b[1;4;32m" in capsys.readouterr().out) == colours


def test_a_base_that_does_not_suit_the_data_is_asked_for(tmp_path):
    data = tmp_path / "rows.jsonl"
    data.write_text('{"prompt": "a", "completion": "b"}\n' * 4)
    done = workbench("data", data, "--task", "seq2seq", "--show", "1")
    assert done.returncode == 2
    assert "village-3m cannot do seq2seq: name a base that can with --model." in done.stderr


@pytest.mark.parametrize("rows", ["0", "-3", "many"])
def test_rows_to_show_are_at_least_one(rows):
    done = workbench("data", "reviews", "--rows", rows)
    assert done.returncode == 2
    assert f"--rows: must be an integer of at least 1, but is {rows!r}" in done.stderr
    assert done.stdout == ""


def test_help_names_every_verb():
    done = workbench("--help")
    for verb in ("run", "compare", "export", "models", "techniques", "data"):
        assert verb in done.stdout
    assert workbench().returncode == 2


def test_every_argument_of_every_verb_is_explained_with_its_default():
    parser = make_parser(dict.fromkeys(VERBS, main))
    (verbs,) = (one for one in parser._actions if isinstance(one, argparse._SubParsersAction))
    assert list(verbs.choices) == list(VERBS)
    for verb in verbs.choices.values():
        for argument in verb._actions[1:]:  # the first is --help
            assert argument.help and "None" not in argument.help, (verb.prog, argument.dest)
            stated = "default: " in argument.help or "required" in argument.help
            assert stated or not argument.option_strings, (verb.prog, argument.dest)


def test_a_race_over_a_grid_prints_its_standings(recipe, tmp_path):
    rules = ("--halving", 1, "--fuse", "never")
    done = workbench("race", recipe, "--grid", "r=2,4", *rules, "--runs", tmp_path / "runs")
    assert done.returncode == 0, done.stderr
    assert "lora-r-2: step 1 of " in done.stderr and "lora-r-4: step 1 of " in done.stderr
    assert "evaluation: loss" in done.stderr
    assert "fused" not in done.stderr
    assert "lora-r-2" in done.stdout and "lora-r-4" in done.stdout and "accuracy" in done.stdout
    assert done.stderr.count("2 runs share one base and one data set.") == 1
    assert "After every evaluation, the best 50%" in done.stderr
    assert len(wb.load_runs(tmp_path / "runs")) == 2


@pytest.mark.parametrize(
    ("knob", "words"),
    [("rr=2,4", "rr must be a setting"), ("r", "grid must be a setting and its values")],
)
def test_a_knob_that_is_wrong_is_said_by_the_race(knob, words, recipe, tmp_path):
    done = workbench("race", recipe, "--grid", knob, "--runs", tmp_path / "runs")
    assert done.returncode == 2 and words in done.stderr
    assert not (tmp_path / "runs").exists()

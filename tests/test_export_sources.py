"""What a script reads: a base by its name on the hub, and data that is still what the run read."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import warnings

import pytest

import workbench as wb
from workbench.runs.store import load_run
from workbench.sources.models.describe import facts

COMMIT = "0123456789abcdef0123456789abcdef01234567"
ROWS = [{"text": f"the film was {word}", "label": word} for word in ("good", "bad")] * 6


@pytest.fixture
def data(tmp_path):
    path = tmp_path / "rows.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in ROWS))
    return path


@pytest.fixture
def cache(tiny_llama, tmp_path):
    """The hub's cache with one model in it."""
    folder = tmp_path / "hub" / "models--owner--llama"
    shutil.copytree(tiny_llama, folder / "snapshots" / COMMIT)
    (folder / "refs").mkdir()
    (folder / "refs" / "main").write_text(COMMIT)
    return tmp_path / "hub"


def test_a_folder_of_the_hubs_cache_is_known_by_its_name_and_commit(cache, tiny_llama):
    found = facts(str(cache / "models--owner--llama" / "snapshots" / COMMIT))
    assert (found.hub_id, found.commit) == ("owner/llama", COMMIT)
    found = facts(str(tiny_llama))
    assert (found.hub_id, found.commit) == (None, None)


def test_a_script_names_a_hub_model_and_its_commit(cache, data, tmp_path):
    recipe = tmp_path / "recipe.yaml"
    wb.Recipe(model="owner/llama", data=str(data), max_steps=2, eval_steps=2).to_yaml(recipe)
    settings = {**os.environ, "HF_HUB_CACHE": str(cache), "HF_HUB_OFFLINE": "1"}

    def call(*arguments):
        done = subprocess.run(
            [sys.executable, *map(str, arguments)],
            capture_output=True,
            text=True,
            env=settings,
            cwd=tmp_path,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    folder = call("-m", "workbench", "run", recipe, "--runs", "runs").strip()
    call("-m", "workbench", "export", folder, "--to", "train.py")
    text = (tmp_path / "train.py").read_text()
    assert f'MODEL = "owner/llama"\nREVISION = "{COMMIT}"\n' in text
    assert str(cache) not in text
    events = [json.loads(line) for line in call("train.py").splitlines()]
    losses = [event["loss"] for event in events if event["event"] == "train"]
    assert losses == load_run(tmp_path / folder).losses


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda path: path.write_text(path.read_text() * 2), "has changed since the run"),
        (lambda path: path.unlink(), "is no longer there"),
    ],
    ids=["edited", "removed"],
)
def test_data_that_is_no_longer_what_the_run_read_is_said(
    change, words, data, tiny_llama, tmp_path
):
    recipe = wb.Recipe(model=str(tiny_llama), data=str(data), max_steps=1)
    run = wb.train(recipe, tmp_path / "runs", progress=False)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        wb.export(run, tmp_path / "same.py")
    change(data)
    with pytest.warns(UserWarning, match=f"rows.jsonl' {words}, so"):
        written = wb.export(run, tmp_path / "other.py")
    assert written.is_file()
    bench = wb.Bench(recipe, tmp_path / "runs")
    bench.export(run, tmp_path / "third.py")
    assert bench._ui_loop.flush()
    assert words in bench._results.messages.widget.value
    done = subprocess.run(
        [sys.executable, "-m", "workbench", "export", run.path, "--to", tmp_path / "last.py"],
        capture_output=True,
        text=True,
        check=True,
    )
    (line,) = done.stderr.splitlines()
    assert line.startswith("workbench: ") and words in line


def test_runs_on_data_that_was_edited_between_are_not_ranked(data, tiny_llama, tmp_path):
    recipe = wb.Recipe(model=str(tiny_llama), data=str(data), eval_data=str(data), max_steps=1)
    for _ in range(2):
        wb.train(recipe, tmp_path / "runs", progress=False)
    assert "★" in str(wb.compare(tmp_path / "runs"))
    shutil.rmtree(tmp_path / "runs" / "lora-rows-2")
    data.write_text(data.read_text() * 2)
    wb.train(recipe, tmp_path / "runs", progress=False)
    assert "★" not in str(wb.compare(tmp_path / "runs"))

"""Folders that an earlier version left: they open, compare and export as those of today do."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import workbench as wb
from workbench.compare.entry import grouped

LEFT = Path(__file__).parent / "old_run"
LOSSES = [0.6985598206520081, 0.7076864242553711]


@pytest.fixture
def old(tiny_llama, tmp_path):
    """A run's folder as an earlier version left it, with its base and its data where it says."""
    shutil.copytree(tiny_llama, tmp_path / "tiny-llama")
    rows = [
        {"text": f"the film was {word} {i}", "label": word}
        for i in range(6)
        for word in ("good", "bad")
    ]
    (tmp_path / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    folder = tmp_path / "runs" / "lora-rows-1"
    folder.mkdir(parents=True)
    for file in LEFT.iterdir():
        (folder / file.name).write_text(file.read_text().replace("FOLDER", str(tmp_path)))
    return folder


def test_an_old_run_opens(old):
    record = wb.load_run(old)
    assert record.state == "finished" and record.losses == LOSSES
    assert [evaluation.scores["accuracy"] for evaluation in record.evaluations] == [0.0, 0.0]
    # Every line of its log is an event, and says the same as the file.
    lines = (old / "metrics.jsonl").read_text().splitlines()
    assert [json.dumps(event.to_dict()) for event in record.events] == lines


def test_an_old_run_is_compared_with_one_of_today(old):
    record = wb.load_run(old)
    new = wb.train(record.recipe, old.parent, progress=False)
    comparison = wb.compare(old.parent)
    assert len(grouped(comparison.entries)) == 1
    assert comparison.frame["trainable_parameters"].to_list() == [8768, 8768]
    assert new.losses == pytest.approx(LOSSES, rel=1e-4)


def test_an_old_run_is_exported(old, tmp_path):
    script = wb.export(old, tmp_path / "train.py")
    done = subprocess.run(
        [sys.executable, str(script)], capture_output=True, text=True, check=True, cwd=tmp_path
    )
    events = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    losses = [event["loss"] for event in events if event["event"] == "train"]
    assert losses == pytest.approx(LOSSES, rel=1e-4)


@pytest.mark.parametrize(
    ("setting", "old", "new"),
    [
        ("model", "hamlet-3m", "village-3m"),
        ("data", "hamlet-qa", "village-qa"),
        ("eval_data", "hamlet-qa", "village-qa"),
    ],
)
def test_bundled_bases_and_data_are_read_by_their_former_names(setting, old, new):
    assert getattr(wb.Recipe.from_yaml(f"{setting}: {old}\ntask: instruct\n"), setting) == new

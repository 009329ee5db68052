"""Scripts and notebooks in processes of their own: the losses of a run, also with two on one GPU."""

from __future__ import annotations

import json
import shutil

import pytest

import workbench as wb
from tests.gpu.helpers import largest_difference, output_of, recipe_for, run_python, train
from tests.test_export import RUNNER, figures
from workbench.export import tidy

SECONDS = 150
# Technique, task and settings; scripts of them all run in one process.
EXPORTED = {
    "lora with dropout": ("lora", "classify", {"technique_args": {"lora_dropout": 0.1}}),
    "lora of a language model": ("lora", "lm", {}),
    "full": ("full", "lm", {}),
    "houlsby in bf16": ("houlsby", "classify", {"bf16": True}),
    "prompt tuning": ("prompt_tuning", "instruct", {}),
    "ia3 and checkpointing": ("ia3", "lm", {"gradient_checkpointing": True}),
    "lora and nf4": ("lora", "instruct", {"quantization": "nf4"}),
    "lora and int8": ("lora", "classify", {"quantization": "int8"}),
    "lora and int8_torchao": ("lora", "classify", {"quantization": "int8_torchao"}),
    "accumulating": ("lora", "lm", {"gradient_accumulation_steps": 2}),
    "start from data": ("lora_ga", "lm", {}),
}
NOTEBOOK = """
import json, sys
import workbench as wb

for text in sys.argv[2:]:
    run = wb.train(wb.Recipe.from_dict(json.loads(text)), sys.argv[1], progress=False)
    print(json.dumps(run.losses))
"""


@pytest.fixture(autouse=True)
def without_ruff(monkeypatch):
    """Where ruff is not installed, scripts run as they are before it lays them out."""
    try:
        tidy.find_ruff_bin()
    except FileNotFoundError:
        monkeypatch.setattr(tidy, "_ruff", lambda command, text: text)


@pytest.mark.limit(SECONDS + 60)
@pytest.mark.parametrize("part", range(3))
def test_scripts_have_the_losses_of_their_runs(part, model, data, tmp_path, note):
    runs, scripts = {}, []
    cases = dict(list(EXPORTED.items())[part::3])
    for number, (name, (technique, task, changes)) in enumerate(cases.items()):
        recipe = recipe_for(technique, model, data, task=task, **changes)
        runs[name] = train(recipe, tmp_path / "runs")
        scripts.append(wb.export(runs[name], tmp_path / f"script{number}.py"))
    process = run_python(RUNNER, *map(str, scripts), folder=tmp_path, repository=False)
    output_of(process, SECONDS)
    differences = {}
    for (name, run), script in zip(runs.items(), scripts, strict=True):
        events = [json.loads(line) for line in script.with_suffix(".log").read_text().splitlines()]
        if figures(events) == figures(run.events):
            continue
        losses = [event["loss"] for event in figures(events) if event["event"] == "train"]
        differences[name] = largest_difference(losses, run.losses)
        note(f"{name}: losses differ by {differences[name]:.1e}: {losses[:3]}, {run.losses[:3]}")
    assert not differences, f"largest relative differences of the losses: {differences}"


@pytest.mark.limit(SECONDS + 60)
def test_two_notebooks_on_one_gpu(model, data, device, tmp_path, note):
    recipes = [
        recipe_for("lora", model, data, technique_args={"lora_dropout": 0.1}, max_steps=40),
        recipe_for("full", model, data, max_steps=40),
        recipe_for("qlora", model, data, max_steps=20),
    ]
    texts = [json.dumps(one.to_dict()) for one in recipes]
    processes = [
        run_python(NOTEBOOK, str(tmp_path / name), *texts, folder=tmp_path, repository=True)
        for name in ("first", "second")
    ]
    try:
        alone = [train(one, tmp_path / "alone").losses for one in recipes]
        told = [
            [json.loads(line) for line in output_of(process, SECONDS).splitlines()]
            for process in processes
        ]
    finally:
        for process in processes:
            process.kill()
    for losses in told:
        differences = [*map(largest_difference, losses, alone)]
        assert losses == alone, f"largest relative differences: {differences}"


def test_a_recipe_goes_through_the_command_line(model, data, tmp_path):
    code = "import sys; from workbench.cli import main; sys.exit(main(sys.argv[1:]))"
    recipe = recipe_for("lora", model, data)
    (tmp_path / "recipe.yaml").write_text(recipe.to_yaml())
    arguments = ["run", str(tmp_path / "recipe.yaml"), "--runs", str(tmp_path / "runs")]
    output_of(run_python(code, *arguments, folder=tmp_path, repository=True), 80)
    (folder,) = [path for path in (tmp_path / "runs").iterdir() if path.is_dir()]
    assert wb.load_run(folder).losses == train(recipe, tmp_path / "alone").losses
    shutil.rmtree(folder)

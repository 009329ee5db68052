"""The README of a saved adapter: what it is, and the lines that load it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import peft

from workbench.registry.tasks import CLASSIFIER_CONFIG, TASKS
from workbench.registry.technique import Technique
from workbench.sources.models.folders import WITHOUT_ADAPTER
from workbench.tuners import register

PIPELINES = {
    "classify": ("text-classification", "tokenizer"),
    "token_classify": ("token-classification", "tokenizer"),
    "image_classify": ("image-classification", "image_processor"),
}


def write_card(folder: Path, plan: Mapping[str, Any], technique: Technique) -> None:
    """Fill the empty README that PEFT has written beside an adapter; its header stays.

    Parameters
    ----------
    folder : Path
        The adapter's folder; one without a README is left as it is.
    plan : mapping
        See :class:`workbench.training.plan.Plan`.
    technique : Technique
    """
    path = folder / "README.md"
    if not path.exists():
        return
    register()
    config = peft.PeftConfig.from_pretrained(str(folder))
    header = path.read_text(encoding="utf-8").split("---\n")[1]
    recipe, task = plan["recipe"], TASKS[plan["recipe"]["task"]]
    base = str(config.base_model_name_or_path)
    lines = [
        f"# {technique.title} for {Path(base).name}",
        "",
        f"Trained with PEFT Workbench {task.goal} {Path(recipe['data']).name}.",
    ]
    if plan["labels"]:
        lines += ["", f"The outputs are {', '.join(map(repr, plan['labels']))}, in this order."]
    lines += ["", "```python", *_code(plan, base, technique), "```", ""]
    path.write_text(f"---\n{header}---\n\n" + "\n".join(lines), encoding="utf-8")


def _code(plan: Mapping[str, Any], base: str, technique: Technique) -> Iterator[str]:
    recipe, auto_class = plan["recipe"], plan["auto_class"]
    converts = recipe.get("convert_conv1d")
    own_tuner = not hasattr(peft, str(technique.config))
    kind, reader = PIPELINES.get(recipe["task"], (None, ""))
    processor = TASKS[recipe["task"]].processor
    names = [auto_class, *(["AutoConfig", processor, "pipeline"] if kind else [])]
    yield "from peft import PeftModel"
    yield f"from transformers import {', '.join(sorted(names, key=str.lower))}"
    if converts:
        yield "from workbench.training.adaptation.conv1d import convert_conv1d"
    if own_tuner:
        yield "from workbench.tuners import register"
    yield ""
    yield 'adapter = "."  # this folder'
    yield f"name = {base!r}"
    arguments = ['dtype="float32"']
    if recipe.get("trust_remote_code"):
        arguments.append("trust_remote_code=True")
    if plan.get("has_adapter"):
        arguments.append(f"adapter_kwargs={WITHOUT_ADAPTER}")
    if kind:
        yield "# The names of the labels, which PEFT does not save."
        yield f'config = AutoConfig.from_pretrained(f"{{adapter}}/{CLASSIFIER_CONFIG}")'
        arguments.append("config=config")
    if plan.get("resizes_head"):
        arguments.append("ignore_mismatched_sizes=True")
    yield f"base = {auto_class}.from_pretrained(name, {', '.join(arguments)})"
    if converts:
        yield "base = convert_conv1d(base)"
    if own_tuner:
        yield "register()"
    yield "model = PeftModel.from_pretrained(base, adapter)"
    if kind:
        load = f"{processor}.from_pretrained(name)"
        yield f'predict = pipeline("{kind}", model=model, {reader}={load})'

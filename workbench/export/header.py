"""The top of a script: the packages it needs, what it does, and the constants."""

from __future__ import annotations

import ast
import sys
import textwrap
from pathlib import Path, PurePath
from typing import Any

from workbench.export.literals import literal
from workbench.export.plan import ScriptPlan
from workbench.export.tidy import WIDTH
from workbench.versions import __version__

# What is saved, by what is trained.
SAVED = {"adapter": "adapter", "all": "model", "selected": "weights", "nothing": None}
# Packages that are imported under another name.
_IMPORTED = {"PIL": "pillow", "sklearn": "scikit-learn"}


def requirements(plan: ScriptPlan, text: str) -> str:
    """Write the packages that a script's text imports, where uv and pipx look for them (PEP 723)."""
    imported = set()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.ImportFrom):
            imported.add(str(node.module).partition(".")[0])
        elif isinstance(node, ast.Import):
            imported |= {alias.name.partition(".")[0] for alias in node.names}
    needed = {_IMPORTED.get(name, name) for name in imported - sys.stdlib_module_names}
    # What the libraries import by themselves.
    needed |= set(plan.technique.packages)
    needed |= {plan.quantization.package} if plan.quantization else set()
    # A local version such as 2.13.0+cpu names a build that package indexes do not have.
    pins = [
        f"{package}=={version.partition('+')[0]}"
        for package, version in plan.versions.items()
        if package in needed
    ]
    lines = [
        "/// script",
        'requires-python = ">=3.11"',
        "dependencies = [",
        *[f'    "{pin}",' for pin in pins],
        "]",
        "///",
    ]
    return "\n".join(f"# {line}" for line in lines)


def docstring(plan: ScriptPlan, source: str, filename: str) -> str:
    """Say what the script does and where it comes from."""
    technique = plan.technique
    model, data = PurePath(plan.recipe.model).name, PurePath(plan.recipe.data).stem
    saved = SAVED[technique.trainable]
    verb, output = "Prompt", "The evaluation is printed as a line of JSON."
    if saved:
        verb = "Train"
        output = (
            "Each step and each evaluation is printed as a line of JSON; at the end the "
            f"{saved} is saved."
        )
    exact = "to the last bit"
    if plan.fused:
        exact = f"within float tolerance: {plan.fused} runs trained fused over one base"
    origin = (
        f"Written by PEFT Workbench {__version__} from {source}. On the same machine and with the "
        f"packages above it reproduces the losses of that run {exact}. {output}"
    )
    paragraphs = (
        f"{verb} {model} {plan.task.goal} {data}, with {technique.title}.",
        f"{technique.title}: {technique.summary}",
        origin,
        f"python {filename} --help",
    )
    # Names come from the user: nothing in them may end the text or escape in it.
    safe = (words.replace("\\", "/").replace('"', "'") for words in paragraphs)
    first, *others, usage = (textwrap.fill(words, WIDTH - 4) for words in safe)
    return "\n\n".join([f'"""{first}', *others, f"    {usage}\n" + '"""'])


def constants(plan: ScriptPlan, path: Path) -> str:
    """Write what a reader is likeliest to change."""
    values: dict[str, Any] = {"MODEL": plan.model_place(path.parent)[0]}
    if plan.model_id:
        values["REVISION"] = plan.model_commit
    if plan.reads_train or plan.data.format == "hub":
        values["DATA"] = plan.data_place("train", path.parent)[0]
    if plan.data.eval is not None:
        values["EVAL_DATA"] = plan.data_place("eval", path.parent)[0]
    if plan.recipe.start_from:
        values["START_FROM"] = plan.start_place(path.parent)[0]
    saved = SAVED[plan.technique.trainable]
    if saved:
        values["OUTPUT"] = f"{path.stem}-{saved}"
    if saved or plan.data.eval is None:
        values["SEED"] = plan.recipe.seed
    values |= _training(plan) if saved else {}
    if not plan.weighs_words:
        values["EVAL_BATCH_SIZE"] = plan.recipe.per_device_eval_batch_size
    if plan.task.generation_collator:
        values["MAX_NEW_TOKENS"] = plan.recipe.max_new_tokens
    values |= {
        name: value
        for name, value in {
            "MAX_LENGTH": plan.max_length,
            "MAX_PROMPT_LENGTH": plan.max_prompt_length,
            "LABELS": plan.labels,
            "TEMPLATE": plan.prompt.template,
            "PROMPT_TEMPLATE": plan.conversation.prompt_template,
            "SYSTEM_PROMPT": plan.conversation.system_prompt,
            "WORDS": plan.prompt.words,
        }.items()
        if value
    }
    if plan.names_targets:
        values["TARGET_MODULES"] = plan.config["target_modules"]
    lines = [f"{name} = {literal(value)}" for name, value in values.items()]
    if plan.new_parameters:
        lines.append("# Parameters that the base model does not have yet.")
        lines.append(f"NEW_PARAMETERS = {literal(plan.new_parameters)}")
    return "\n".join(lines)


def _training(plan: ScriptPlan) -> dict[str, Any]:
    recipe = plan.recipe
    values: dict[str, Any] = {"MAX_STEPS": plan.max_steps, "EVAL_STEPS": recipe.eval_steps}
    if recipe.gradient_accumulation_steps > 1:
        values["GRADIENT_ACCUMULATION_STEPS"] = recipe.gradient_accumulation_steps
    return values | {"MAX_GRAD_NORM": float(recipe.max_grad_norm)}

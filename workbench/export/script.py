"""A plan as a script: what its run did, in the same order, with nothing that it did not need."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from workbench.export.header import constants, docstring, requirements
from workbench.export.main import command_line, main
from workbench.export.model import is_carried
from workbench.export.plan import ScriptPlan
from workbench.export.source import carry, reachable
from workbench.export.specialise import for_script, specialise
from workbench.export.tidy import tidy


def script(plan: Mapping[str, Any], source: str, path: str | Path) -> str:
    """Return the source of the script that carries out a plan.

    Parameters
    ----------
    plan : mapping
        See :class:`workbench.training.plan.Plan`.
    source : str
        What the plan is from, such as "the run lora-reviews-1".
    path : path
        Where the script will lie.

    Raises
    ------
    RecipeError
        The plan is not that of a run.
    """
    facts, path = ScriptPlan.from_dict(plan), Path(path)
    opening = f"{main(facts)}\n\n\n{command_line(facts, path.parent)}"
    definitions, imports = carry(opening, "workbench.export.offered")
    imports += _imports_by_name(facts)
    body = "\n\n\n".join([opening, *map(for_script, definitions)]) + "\n"
    body = reachable(specialise(body, decided(facts)), "main")
    parts = [
        docstring(facts, source, path.name),
        "\n".join(imports),
        constants(facts, path),
        body,
        'if __name__ == "__main__":\n    main()\n',
    ]
    text = tidy("\n\n".join(parts))
    return f"{requirements(facts, text)}\n{text}"


def _imports_by_name(plan: ScriptPlan) -> list[str]:
    """Import the classes and functions that the catalogue calls by their names."""
    imports = [f"from transformers import {plan.auto_class}"]
    if plan.technique.config is not None and not is_carried(plan.technique.config):
        imports.append(f"from peft import {plan.technique.config}")
    if plan.optimizer is not None and plan.optimizer.function is not None:
        imports.append(f"from peft.optimizers import {plan.optimizer.function}")
    return imports


def decided(plan: ScriptPlan) -> dict[str, dict[str, Any]]:
    """Return what a recipe says of expressions in the functions that its script carries."""
    images, flat = plan.task.reads_images, plan.recipe.padding_free
    facts: dict[str, dict[str, Any]] = {
        "count_tokens": {
            "'attention_mask' in batch": not (images or flat),
            "'input_ids' in batch": not images,
        },
        **_of_chat_template(plan),
    }
    facts["train"] = {
        "gradient_accumulation_steps == 1": plan.recipe.gradient_accumulation_steps == 1
    }
    if plan.split:
        facts["split_rows"] = {"columns": True}
    facts["train"]["batch['labels'].dim() > 1"] = plan.task.labels != "label"
    if not any(name.endswith("bias") for name in plan.new_parameters):
        facts["new_head"] = {"name.endswith('bias')": False}
    if not plan.labelled_logits:
        facts["evaluate_lm"] = {"output.logits.shape[:2] == (1, count)": False}
    return facts


def _of_chat_template(plan: ScriptPlan) -> dict[str, dict[str, Any]]:
    """Return what is known of the tokenizer's chat template, and that a run has read the same rows."""
    chat = plan.conversation
    problem = "(problem := span_problem(tokenizer, turns, answers, whole, spans))"
    facts: dict[str, dict[str, Any]] = {"chat_pieces": {problem: False}}
    if chat.has_template is not None:
        facts["chat_pieces"]["tokenizer.chat_template is None"] = not chat.has_template
        facts["find_answers"] = {"marks_answers(template)": chat.marks_answers}
        facts["template_of"] = {"'strftime_now' in template": chat.writes_date}
    return facts

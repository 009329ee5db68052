"""The part of a script that asks the model: its evaluation, and all there is where nothing is trained."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from typing import Any

from workbench.export.literals import Code, call, literal
from workbench.export.plan import ScriptPlan
from workbench.registry.prompt_templates import CONTENT_FREE, SEPARATOR


def conversations(plan: ScriptPlan, rows: Code) -> Code:
    """Write what makes conversations of rows, where the task has them."""
    if not plan.task.chats:
        return rows
    facts = plan.conversation
    arguments: dict[str, Any] = {f"{role}_column": name for role, name in plan.columns.items()}
    if facts.prompt_template:
        arguments["prompt_template"] = Code("PROMPT_TEMPLATE")
    read = call(f"{facts.form}_messages", Code("row"), **arguments)
    if facts.system_prompt:
        read = call("with_system_prompt", read, Code("SYSTEM_PROMPT"))
    return Code(f"[{read} for row in {rows}]")


def encoded(plan: ScriptPlan, rows: Code) -> Code:
    """Write the call that turns rows into numbers."""
    arguments: dict[str, Any] = {f"{role}_column": name for role, name in plan.columns.items()}
    if plan.task.chats:
        arguments = {"completion_only": plan.conversation.completion_only} if plan.trains else {}
        rows = conversations(plan, rows)
    constants = {
        "labels": plan.labels,
        "max_length": plan.max_length,
        "max_prompt_length": plan.max_prompt_length,
        "template": plan.prompt.template,
        "words": plan.prompt.words,
    }
    arguments |= {name: Code(name.upper()) for name, value in constants.items() if value}
    reader = [] if plan.task.reads_images else [Code("tokenizer")]
    if plan.trains:
        call_ = call(f"encode_{plan.task.name}", rows, *reader, **arguments)
    else:
        examples = Code("examples") if plan.prompt.examples else []
        prompts = {"examples": examples, "template": None} | arguments
        call_ = call(f"prompt_{plan.task.name}", rows, *reader, **prompts)
    if plan.virtual_labels:
        call_ = call("leave_room", call_, virtual_tokens=plan.virtual_labels)
    return call_


def asking(plan: ScriptPlan) -> Iterator[str]:
    """Write the lines that ask the model and print its score."""
    figures = yield from (_weighing(plan) if plan.weighs_words else evaluating(plan))
    yield f'event = {{"event": "eval", "step": 0, **{figures}}}'
    yield "accelerator.print(json.dumps(event), flush=True)"


def evaluating(plan: ScriptPlan) -> Generator[str, None, Code]:
    """Write the lines that make the evaluation's batches; returns the call that evaluates."""
    task, device = plan.task, Code("accelerator.device")
    eval_set, size = Code("eval_set"), Code("EVAL_BATCH_SIZE")
    yield "# Every process evaluates on all rows, and the first one prints."
    loader = task.eval_loader if plan.trains else "fixed_batches"
    yield f"eval_batches = {call(loader, eval_set, size, Code('collate'), device)}"
    arguments: list[Any] = [Code("model"), Code("eval_batches")]
    if task.generation_collator:
        collate = Code(f"lambda rows: {task.generation_collator}(rows, tokenizer.pad_token_id)")
        yield f"prompt_batches = {call('fixed_batches', eval_set, size, collate, device)}"
        arguments += map(Code, ("prompt_batches", "tokenizer", "MAX_NEW_TOKENS"))
        arguments.append(task.continues_prompts)
        # A template ends an answer where the next example would begin; a decoder ends by itself.
        if task.continues_prompts and plan.prompt.template is not None:
            arguments.append(SEPARATOR)
    if task.labels == "tags":
        arguments += [Code("LABELS"), Code(task.scorer(plan.labels))]
    return call(task.evaluate, *arguments)


def _weighing(plan: ScriptPlan) -> Generator[str, None, Code]:
    columns, device = plan.columns, Code("accelerator.device")
    batches = call("fixed_batches", Code("eval_set"), 1, Code("collate"), device)
    yield "# Every process evaluates on all rows, and the first one prints."
    yield f"prompt_batches = {batches}"
    blanks: Code | None = None
    if plan.prompt.calibrate:
        yield "# The scores without a text are subtracted (contextual calibration)."
        row = {columns["text"]: Code("text"), columns["label"]: Code("LABELS[0]")}
        yield f"blank_rows = [{literal(row)} for text in {literal(CONTENT_FREE)}]"
        rows = encoded(plan, Code("blank_rows"))
        yield f"blank_batches = {call('fixed_batches', rows, 1, Code('collate'), device)}"
        blanks = Code("blank_batches")
    arguments = [Code("model"), Code("prompt_batches"), blanks, plan.prompt.normalize]
    return call("evaluate_words", *arguments)

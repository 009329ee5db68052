"""The part of a script that asks the base as it is, where a run trains nothing."""

from __future__ import annotations

from collections.abc import Generator, Iterator

from workbench.export.literals import Code, call, literal
from workbench.export.plan import ScriptPlan
from workbench.registry.prompt_templates import CONTENT_FREE, SEPARATOR


def asking(plan: ScriptPlan) -> Iterator[str]:
    """Write the lines that ask the model and print its score."""
    if plan.weighs_words:
        evaluate = yield from _weighing(plan)
    else:
        evaluate = yield from evaluating(plan)
    yield f"for event in {evaluate}:"
    yield '    if event["event"] != "evaluating":'
    yield "        accelerator.print(json.dumps(event), flush=True)"


def evaluating(plan: ScriptPlan) -> Generator[str, None, Code]:
    """Write the lines that make the evaluation's batches; returns the call that evaluates."""
    task, recipe = plan.task, plan.recipe
    size, device = recipe.per_device_eval_batch_size, Code("accelerator.device")
    step = Code("step" if plan.trains else "0")
    yield "# Every process evaluates on all rows, and the first one prints."
    rows = Code("eval_set")
    hold = task.eval_loader if plan.trains else "fixed_batches"
    yield f"eval_batches = {call(hold, rows, size, Code('collate'), device)}"
    given: list = [Code("model"), Code("eval_batches")]
    if task.generation_collator:
        collate = Code(f"lambda rows: {task.generation_collator}(rows, tokenizer.pad_token_id)")
        yield f"prompt_batches = {call('fixed_batches', rows, size, collate, device)}"
        given += [Code("prompt_batches"), Code("tokenizer"), recipe.max_new_tokens]
    if task.labels == "tags":
        given += [Code("LABELS"), Code(task.scorer(plan.labels))]
    # A template ends an answer where the next example would begin; a decoder ends by itself.
    ends = (
        task.peft_task_type == "CAUSAL_LM"
        and task.generation_collator
        and plan.prompt.template is not None
    )
    return call(task.evaluate, *given, step, **({"stop": SEPARATOR} if ends else {}))


def _weighing(plan: ScriptPlan) -> Generator[str, None, Code]:
    facts, columns, device = plan.prompt, plan.columns, Code("accelerator.device")
    batches = call("fixed_batches", Code("eval_set"), 1, Code("collate"), device)
    yield f"prompt_batches = {batches}"
    blanks: Code | None = None
    if facts.calibrate:
        yield "# The scores without a text are subtracted (contextual calibration)."
        row = {columns["text"]: Code("text"), columns["label"]: Code("LABELS[0]")}
        yield f"blank_rows = [{literal(row)} for text in {literal(CONTENT_FREE)}]"
        rows = Code("encode(blank_rows)")
        yield f"blank_batches = {call('fixed_batches', rows, 1, Code('collate'), device)}"
        blanks = Code("blank_batches")
    given = [Code("model"), Code("prompt_batches"), blanks, facts.normalize, 0]
    return call("evaluate_words", *given)

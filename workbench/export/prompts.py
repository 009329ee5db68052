"""The part of a script that asks the base as it is, where a run trains nothing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from workbench.export.layout import Code, call, literal
from workbench.export.model import collator, encoding
from workbench.registry.prompt_templates import CONTENT_FREE, SEPARATOR
from workbench.registry.tasks import TASKS


def prompting(plan: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Name the functions that turn rows into prompts and score them, by their modules."""
    task = TASKS[plan["recipe"]["task"]]
    yield "training.inputs.few_shot", f"prompt_{task.name}"
    if task.name == "instruct":
        yield "training.inputs.tokenize", "split_turns"
    if _weighs(plan):
        yield "training.inputs.collate", "collate_words"
    else:
        yield "training.inputs.collate", collator(plan)
    if task.ask:
        yield "training.inputs.collate", task.ask
    yield "training.inputs.collate", "fixed_batches"
    yield "training.evaluate", "evaluate_words" if _weighs(plan) else task.evaluate


def prompts(plan: Mapping[str, Any]) -> Iterator[str]:
    """Write the lines that turn rows into prompts."""
    facts = plan["prompt"]
    chosen: Any = []
    if facts["examples"]:
        numbers = literal(facts["examples"])
        yield f"    examples = [train_rows[number] for number in {numbers}]"
        chosen = Code("examples")
    words = {"words": facts["words"]} if _weighs(plan) else {}
    yield call(
        "encode = partial",
        Code(f"prompt_{plan['recipe']['task']}"),
        tokenizer=Code("tokenizer"),
        examples=chosen,
        template=facts["template"],
        **encoding(plan),
        **words,
    )
    yield "    eval_set = encode(eval_rows)"


def asking(plan: Mapping[str, Any]) -> Iterator[str]:
    """Write the lines that ask the model and print its score."""
    settings, facts = plan["recipe"], plan["prompt"]
    task = TASKS[settings["task"]]
    size = settings["per_device_eval_batch_size"]
    make = collator(plan) if not _weighs(plan) else "collate_words"
    yield f"    collate = partial({make}, pad_token_id=tokenizer.pad_token_id)"
    if _weighs(plan):
        yield from _weighing(plan)
    else:
        yield f"    held_out = fixed_batches(eval_set, {size}, collate, accelerator.device)"
        given: list[Any] = [Code("model"), Code("held_out")]
        if task.ask:
            yield f"    ask = partial({task.ask}, pad_token_id=tokenizer.pad_token_id)"
            yield f"    prompts = fixed_batches(eval_set, {size}, ask, accelerator.device)"
            given += [Code("prompts"), Code("tokenizer"), settings["max_new_tokens"]]
        ends = settings["task"] == "instruct" and facts["template"] is not None
        stop: dict[str, Any] = {"stop": SEPARATOR} if ends else {}
        yield call("evaluate = partial", Code(task.evaluate), *given, **stop)
    yield "    for event in evaluate(0):"
    yield '        if event["event"] != "evaluating":'
    yield "            accelerator.print(json.dumps(event), flush=True)"


def _weighing(plan: Mapping[str, Any]) -> Iterator[str]:
    facts, columns = plan["prompt"], plan["columns"]
    yield "    prompts = fixed_batches(eval_set, 1, collate, accelerator.device)"
    blanks: Any = []
    if facts["calibrate"]:
        yield "    # What the prompt favours without a text is taken away."
        row = {columns["text"]: Code("text"), columns["label"]: Code("LABELS[0]")}
        yield f"    empty = [{literal(row)} for text in {literal(CONTENT_FREE)}]"
        yield "    blanks = fixed_batches(encode(empty), 1, collate, accelerator.device)"
        blanks = Code("blanks")
    given = [Code("model"), Code("prompts"), blanks, facts["normalize"]]
    yield call("evaluate = partial", Code("evaluate_words"), *given)


def _weighs(plan: Mapping[str, Any]) -> bool:
    """Tell whether labels are weighed by their words."""
    return "words" in plan["prompt"]

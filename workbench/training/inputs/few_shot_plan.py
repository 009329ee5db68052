"""How a recipe's rows become prompts, as plain data."""

from __future__ import annotations

from typing import Any

from workbench.recipe import Recipe
from workbench.registry.prompt_templates import TEMPLATES, words_of
from workbench.registry.tasks import TASKS
from workbench.registry.techniques import get
from workbench.sources.datasets.load import Table
from workbench.training.inputs.few_shot import draw_examples


def prompt_facts(
    recipe: Recipe, tokenizer: Any, train_rows: list[dict], table: Table
) -> dict[str, Any]:
    """Return how a resolved recipe's rows become prompts, as plain data.

    Returns
    -------
    dict
        ``template`` (None for turns of a chat), ``examples`` (numbers of training rows, from 0)
        and, where label words are scored, ``words``, ``normalize`` and ``calibrate``; nothing where the
        recipe trains something.
    """
    settings = get(recipe.technique).settings
    if settings is None:
        return {}
    task = TASKS[recipe.task]
    arguments = settings(**recipe.technique_args)
    template = arguments.template
    if template is None and not (task.chats and tokenizer.chat_template):
        template = TEMPLATES[recipe.task]
    examples: list[int] = []
    if getattr(arguments, "examples", None) is not None:
        examples = [number - 1 for number in arguments.examples]
    elif count := getattr(arguments, "num_examples", 0):
        examples = draw_examples(
            train_rows, count, arguments.example_seed, table.columns.get("label")
        )
    facts = {"template": template, "examples": examples}
    if task.weighs_label_words:
        words = words_of(table.labels, arguments.label_words)
        facts |= {
            "words": words,
            "normalize": arguments.normalize,
            "calibrate": arguments.calibrate,
        }
    return facts

"""What a base model can be taught: the tasks, the columns they read and how they are scored."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Task:
    """One kind of training.

    Parameters
    ----------
    name, title, sentence : str
        As typed, as shown, and what it does.
    learns : str
        What is learnt, to be read before the data's name.
    roles : tuple of str
        The columns that a row needs.
    suits : tuple of str
        The kinds of base models that can do it (:data:`KINDS`).
    metric : str
        The figure by which runs are compared.
    higher_is_better : bool
        Whether more of ``metric`` is better.
    auto_class : str
        The class of transformers that loads a base for this task.
    peft_task_type : str or None
        PEFT's ``TaskType``, where it has one.
    collate, evaluate : str
        The functions of :mod:`workbench.training.inputs.collate` and :mod:`workbench.training.evaluate`
        that make its batches and score it; ``{padding_side}`` stands for the plan's.
    ask : str or None
        Where answers are generated: the function that makes batches of prompts.
    labels : str or None
        The role whose values are the labels of a new head.
    processor : str
        The class of transformers that loads what turns rows into numbers.
    hold : str
        The function of :mod:`workbench.training.inputs.collate` that holds the evaluation's batches.
    unit : str
        What is counted as it goes through the model.
    """

    name: str
    title: str
    sentence: str
    learns: str
    roles: tuple[str, ...]
    suits: tuple[str, ...]
    metric: str
    higher_is_better: bool
    auto_class: str
    peft_task_type: str | None
    collate: str
    evaluate: str
    ask: str | None = None
    labels: str | None = None
    processor: str = "AutoTokenizer"
    hold: str = "fixed_batches"
    unit: str = "tokens"

    @property
    def reads_images(self) -> bool:
        """Whether its rows are images and not texts."""
        return self.processor == "AutoImageProcessor"

    def collator(self, padding_side: str) -> str:
        """Name the function that makes batches of rows padded on this side."""
        return self.collate.format(padding_side=padding_side)

    def scorer(self, labels: Iterable[str]) -> str:
        """Name the function of :mod:`workbench.training.evaluate` that scores tags."""
        return "score_entities" if are_iob(labels) else "score_tags"


# Kinds of base models, as ModelFacts has them, in words. Any other kind is given the benefit of
# the doubt.
KINDS = {
    "causal-lm": "a causal language model",
    "encoder": "an encoder",
    "encoder-decoder": "an encoder-decoder",
    "vision": "a model of images",
}

TASKS = {
    task.name: task
    for task in (
        Task(
            name="lm",
            title="Language modelling",
            sentence="Learn to continue texts: the way to a domain or a style.",
            learns="to continue the texts of",
            roles=("text",),
            suits=("causal-lm",),
            metric="perplexity",
            higher_is_better=False,
            auto_class="AutoModelForCausalLM",
            peft_task_type="CAUSAL_LM",
            collate="collate_tokens",
            evaluate="evaluate_lm",
        ),
        Task(
            name="instruct",
            title="Instructions",
            sentence="Learn to answer prompts; the loss counts the answer's tokens only.",
            learns="to answer the prompts of",
            roles=("prompt", "completion"),
            suits=("causal-lm",),
            metric="exact_match",
            higher_is_better=True,
            auto_class="AutoModelForCausalLM",
            peft_task_type="CAUSAL_LM",
            collate="collate_tokens",
            evaluate="evaluate_instruct",
            ask="collate_prompts",
        ),
        Task(
            name="seq2seq",
            title="Sequence to sequence",
            sentence="Learn to turn one text into another: a summary, a translation, an answer.",
            learns="to turn the prompts into the answers of",
            roles=("prompt", "completion"),
            suits=("encoder-decoder",),
            metric="exact_match",
            higher_is_better=True,
            auto_class="AutoModelForSeq2SeqLM",
            peft_task_type="SEQ_2_SEQ_LM",
            collate="collate_pairs",
            evaluate="evaluate_seq2seq",
            ask="collate_sources",
        ),
        Task(
            name="classify",
            title="Classification",
            sentence="Learn to give each text one of the labels.",
            learns="to label the texts of",
            roles=("text", "label"),
            suits=("causal-lm", "encoder"),
            metric="accuracy",
            higher_is_better=True,
            auto_class="AutoModelForSequenceClassification",
            peft_task_type="SEQ_CLS",
            collate="collate_{padding_side}",
            evaluate="evaluate_classify",
            labels="label",
        ),
        Task(
            name="token_classify",
            title="Token classification",
            sentence="Learn to give each word one of the tags: names, parts of speech.",
            learns="to tag the words of",
            roles=("tokens", "tags"),
            suits=("causal-lm", "encoder"),
            metric="f1",
            higher_is_better=True,
            auto_class="AutoModelForTokenClassification",
            peft_task_type="TOKEN_CLS",
            collate="collate_tokens",
            evaluate="evaluate_token_classify",
            labels="tags",
        ),
        Task(
            name="image_classify",
            title="Image classification",
            sentence="Learn to give each image one of the labels.",
            learns="to label the images of",
            roles=("image", "label"),
            suits=("vision",),
            metric="accuracy",
            higher_is_better=True,
            auto_class="AutoModelForImageClassification",
            peft_task_type=None,
            collate="collate_images",
            evaluate="evaluate_classify",
            labels="label",
            processor="AutoImageProcessor",
            hold="lazy_batches",
            unit="images",
        ),
    )
}


def tasks_of(kind: str) -> tuple[str, ...]:
    """Name the tasks that a kind of base model can do.

    Examples
    --------
    >>> tasks_of("encoder-decoder")
    ('seq2seq',)
    """
    return tuple(task.name for task in TASKS.values() if kind in task.suits)


# The tasks whose rows are texts.
OF_TEXT = tuple(task.name for task in TASKS.values() if not task.reads_images)

# Every role of every task; a recipe has a field <role>_column for each.
ROLES = tuple(dict.fromkeys(role for task in TASKS.values() for role in task.roles))


def are_iob(labels: Iterable[str]) -> bool:
    """Tell whether tags mark entities, each of which begins with B- (or I-) and goes on with I-.

    Examples
    --------
    >>> are_iob(["B-PER", "I-PER", "O"]), are_iob(["NOUN", "VERB"]), are_iob(["O", "X"])
    (True, False, False)
    """
    marks = set(labels) - {"O"}
    return bool(marks) and all(re.fullmatch(r"[BI]-.+", mark, re.DOTALL) for mark in marks)


# What a module from the notebook is trained for: no recipe that names its base and data in words can
# ask for these, so nobody is offered them.
MODULE_TASKS = {
    task.name: task
    for task in (
        Task(
            name="module",
            title="Module",
            sentence="Lower the loss that came with a module.",
            learns="to lower the loss on",
            roles=(),
            suits=(),
            metric="loss",
            higher_is_better=False,
            auto_class="",
            peft_task_type="",
            collate="",
            evaluate="evaluate_module",
            unit="rows",
        ),
        Task(
            name="module_classify",
            title="Module that classifies",
            sentence="Lower the loss of a module whose outputs are scores of classes.",
            learns="to label the rows of",
            roles=(),
            suits=(),
            metric="accuracy",
            higher_is_better=True,
            auto_class="",
            peft_task_type="",
            collate="",
            evaluate="evaluate_module",
            unit="rows",
        ),
    )
}

# Whatever a run on disk may have been trained for.
ALL_TASKS = {**TASKS, **MODULE_TASKS}


def task_of(name: object) -> Task | None:
    """Return the task of a name; None for anything that is none, whatever it is.

    Examples
    --------
    >>> task_of("lm").title, task_of(["lm"])
    ('Language modelling', None)
    """
    return ALL_TASKS.get(name) if isinstance(name, str) else None

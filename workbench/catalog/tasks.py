"""What a base model can be taught: the tasks, the columns they read and how they are scored."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Task:
    """One kind of training.

    Parameters
    ----------
    name, title, sentence : str
        As typed, as shown, and what it does.
    roles : tuple of str
        The columns that a row needs.
    metric : str
        The figure by which runs are compared.
    higher_is_better : bool
        Whether more of ``metric`` is better.
    auto_class : str
        The class of transformers that loads a base for this task.
    peft_task_type : str
        PEFT's ``TaskType``.
    """

    name: str
    title: str
    sentence: str
    roles: tuple[str, ...]
    metric: str
    higher_is_better: bool
    auto_class: str
    peft_task_type: str


TASKS = {
    task.name: task
    for task in (
        Task(
            name="lm",
            title="Language modelling",
            sentence="Learn to continue texts: the way to a domain or a style.",
            roles=("text",),
            metric="perplexity",
            higher_is_better=False,
            auto_class="AutoModelForCausalLM",
            peft_task_type="CAUSAL_LM",
        ),
        Task(
            name="instruct",
            title="Instructions",
            sentence="Learn to answer prompts; the loss counts the answer's tokens only.",
            roles=("prompt", "completion"),
            metric="exact_match",
            higher_is_better=True,
            auto_class="AutoModelForCausalLM",
            peft_task_type="CAUSAL_LM",
        ),
        Task(
            name="classify",
            title="Classification",
            sentence="Learn to give each text one of the labels.",
            roles=("text", "label"),
            metric="accuracy",
            higher_is_better=True,
            auto_class="AutoModelForSequenceClassification",
            peft_task_type="SEQ_CLS",
        ),
    )
}

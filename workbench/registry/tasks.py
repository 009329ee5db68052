"""What a base model can be taught: the tasks, the columns they read and how they are scored."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from workbench.registry.hook import Hook

FIXED_BATCHES = Hook("workbench.training.inputs.collate.fixed_batches")
# The file beside an adapter that has the names of its labels.
CLASSIFIER_CONFIG = "classifier_config.json"


@dataclass(frozen=True)
class Task:
    """One kind of training.

    Parameters
    ----------
    name, title, sentence : str
        As typed, as shown, and what it does.
    goal : str
        What is learnt, to be read before the data's name.
    data : str
        What its rows are.
    roles : tuple of str
        The columns that a row needs.
    optional_roles : tuple of str
        Columns that it may have in their place, or besides.
    model_kinds : tuple of str
        The kinds of base models that can do it (:data:`KINDS`).
    metric : str
        The figure by which runs are compared.
    higher_is_better : bool
        Whether more of ``metric`` is better.
    auto_class : str
        The class of transformers that loads a base for this task.
    peft_task_type : str or None
        PEFT's ``TaskType``, where it has one.
    evaluate : Hook
        The function that scores it; see :mod:`workbench.training.evaluate`.
    encode, collator : Hook or None
        The functions that turn rows into numbers and make batches of them; see
        :mod:`workbench.training.inputs.tokenize` and :mod:`workbench.training.inputs.collate`. None for
        modules, which come with both.
    collator_left : Hook or None
        What makes its batches where rows are padded on the left, if the side matters: its model reads
        the last token.
    prompt : Hook or None
        Where the base can be asked without training: the function that turns rows into prompts; see
        :mod:`workbench.training.inputs.few_shot`.
    generation_collator : Hook or None
        Where answers are generated: the function that makes batches of prompts.
    chats : bool
        Whether a row is a conversation; see :mod:`workbench.sources.datasets.conversations`.
    per_token_score : bool
        Whether ``metric`` is per token, so that only runs with one base, and so one tokenizer, can be
        compared.
    labels : str or None
        The role whose values are the labels of a new head.
    processor : str
        The class of transformers that loads what turns rows into numbers.
    eval_loader : Hook
        The function that holds the evaluation's batches.
    unit : str
        What is counted as it goes through the model.
    """

    name: str
    title: str
    sentence: str
    goal: str
    data: str
    roles: tuple[str, ...]
    model_kinds: tuple[str, ...]
    metric: str
    higher_is_better: bool
    auto_class: str
    peft_task_type: str | None
    evaluate: Hook
    optional_roles: tuple[str, ...] = ()
    encode: Hook | None = None
    collator: Hook | None = None
    collator_left: Hook | None = None
    prompt: Hook | None = None
    generation_collator: Hook | None = None
    chats: bool = False
    per_token_score: bool = False
    labels: str | None = None
    processor: str = "AutoTokenizer"
    eval_loader: Hook = FIXED_BATCHES
    unit: str = "tokens"

    @property
    def reads_images(self) -> bool:
        """Whether its rows are images and not texts."""
        return self.processor == "AutoImageProcessor"

    @property
    def verb(self) -> str:
        """What a model trained for it does with an input, as a button says it."""
        return "Generate" if self.labels is None else "Predict"

    @property
    def continues_prompts(self) -> bool:
        """Whether answers are generated behind their prompts, in the same context."""
        return self.generation_collator is not None and self.peft_task_type == "CAUSAL_LM"

    @property
    def has_decoder(self) -> bool:
        """Whether an encoder reads the inputs, and a decoder of its own writes the targets."""
        return self.peft_task_type == "SEQ_2_SEQ_LM"

    @property
    def weighs_label_words(self) -> bool:
        """Whether a base that is asked weighs the labels' words, and writes nothing."""
        return self.prompt is not None and self.labels is not None

    def reads_last_token(self, padding_side: str) -> bool:
        """Tell whether its model reads the last token that is not padding on this side."""
        return self.collator_left is not None and padding_side == "left"

    def collator_for(self, padding_side: str) -> Hook:
        """Return the function that makes batches of rows padded on this side."""
        chosen = self.collator_left if self.reads_last_token(padding_side) else self.collator
        if chosen is None:
            raise ValueError(f"{self.name} has no collator: its rows come with a module")
        return chosen

    def scorer(self, labels: Iterable[str]) -> str:
        """Name the function of :mod:`workbench.training.evaluate` that scores tags."""
        return "score_entities" if are_iob(labels) else "score_tags"


# Kinds of base models, as ModelFacts has them, in words. Any other kind is given the benefit of
# the doubt.
KINDS = {
    "causal-lm": "a causal language model",
    "encoder": "an encoder",
    "encoder-decoder": "an encoder-decoder",
    "vision": "an image model",
}

TASKS = {
    task.name: task
    for task in (
        Task(
            name="lm",
            title="Language modelling",
            sentence="Learn to continue texts, which adapts a model to a domain or a style.",
            goal="to continue the texts of",
            data="plain text",
            roles=("text",),
            model_kinds=("causal-lm",),
            metric="perplexity",
            higher_is_better=False,
            auto_class="AutoModelForCausalLM",
            peft_task_type="CAUSAL_LM",
            collator=Hook("workbench.training.inputs.collate.collate_tokens"),
            evaluate=Hook("workbench.training.evaluate.evaluate_lm"),
            encode=Hook("workbench.training.inputs.tokenize.encode_lm"),
            prompt=Hook("workbench.training.inputs.few_shot.prompt_lm"),
            per_token_score=True,
        ),
        Task(
            name="instruct",
            title="Instructions",
            sentence="Learn to answer prompts, or the turns of an assistant in conversations; only the "
            "answers count in the loss.",
            goal="to answer the prompts of",
            data="instruction data",
            roles=("prompt", "completion"),
            optional_roles=("messages", "context", "system", "history", "tools"),
            model_kinds=("causal-lm",),
            metric="exact_match",
            higher_is_better=True,
            auto_class="AutoModelForCausalLM",
            peft_task_type="CAUSAL_LM",
            collator=Hook("workbench.training.inputs.collate.collate_tokens"),
            evaluate=Hook("workbench.training.evaluate.evaluate_generation"),
            encode=Hook("workbench.training.inputs.tokenize.encode_instruct"),
            prompt=Hook("workbench.training.inputs.few_shot.prompt_instruct"),
            chats=True,
            generation_collator=Hook("workbench.training.inputs.collate.collate_prompts"),
        ),
        Task(
            name="seq2seq",
            title="Sequence to sequence",
            sentence="Learn to turn one text into another: a summary, a translation, an answer.",
            goal="to turn the prompts into the answers of",
            data="pairs of texts",
            roles=("prompt", "completion"),
            model_kinds=("encoder-decoder",),
            metric="exact_match",
            higher_is_better=True,
            auto_class="AutoModelForSeq2SeqLM",
            peft_task_type="SEQ_2_SEQ_LM",
            collator=Hook("workbench.training.inputs.collate.collate_tokens"),
            evaluate=Hook("workbench.training.evaluate.evaluate_generation"),
            encode=Hook("workbench.training.inputs.tokenize.encode_seq2seq"),
            prompt=Hook("workbench.training.inputs.few_shot.prompt_seq2seq"),
            generation_collator=Hook("workbench.training.inputs.collate.collate_sources"),
        ),
        Task(
            name="classify",
            title="Classification",
            sentence="Learn to predict the label of each text.",
            goal="to label the texts of",
            data="labeled texts",
            roles=("text", "label"),
            model_kinds=("causal-lm", "encoder"),
            metric="accuracy",
            higher_is_better=True,
            auto_class="AutoModelForSequenceClassification",
            peft_task_type="SEQ_CLS",
            collator=Hook("workbench.training.inputs.collate.collate_right"),
            collator_left=Hook("workbench.training.inputs.collate.collate_left"),
            evaluate=Hook("workbench.training.evaluate.evaluate_classify"),
            encode=Hook("workbench.training.inputs.tokenize.encode_classify"),
            prompt=Hook("workbench.training.inputs.few_shot.prompt_classify"),
            labels="label",
        ),
        Task(
            name="token_classify",
            title="Token classification",
            sentence="Learn to predict a tag for each word, such as named entities or parts of "
            "speech.",
            goal="to tag the words of",
            data="texts with tagged words",
            roles=("tokens", "tags"),
            model_kinds=("causal-lm", "encoder"),
            metric="f1",
            higher_is_better=True,
            auto_class="AutoModelForTokenClassification",
            peft_task_type="TOKEN_CLS",
            collator=Hook("workbench.training.inputs.collate.collate_tokens"),
            evaluate=Hook("workbench.training.evaluate.evaluate_token_classify"),
            encode=Hook("workbench.training.inputs.tokenize.encode_token_classify"),
            labels="tags",
        ),
        Task(
            name="image_classify",
            title="Image classification",
            sentence="Learn to predict the label of each image.",
            goal="to label the images of",
            data="labeled images",
            roles=("image", "label"),
            model_kinds=("vision",),
            metric="accuracy",
            higher_is_better=True,
            auto_class="AutoModelForImageClassification",
            peft_task_type=None,
            collator=Hook("workbench.training.inputs.collate.collate_images"),
            evaluate=Hook("workbench.training.evaluate.evaluate_classify"),
            encode=Hook("workbench.training.inputs.tokenize.encode_image_classify"),
            labels="label",
            processor="AutoImageProcessor",
            eval_loader=Hook("workbench.training.inputs.collate.lazy_batches"),
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
    return tuple(task.name for task in TASKS.values() if kind in task.model_kinds)


# The tasks whose rows are texts.
OF_TEXT = tuple(task.name for task in TASKS.values() if not task.reads_images)

# Every role of every task; a recipe has a field <role>_column for each.
ROLES = tuple(
    dict.fromkeys(role for task in TASKS.values() for role in (*task.roles, *task.optional_roles))
)


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
            sentence="Minimize the loss function that was passed with a module.",
            goal="to minimize the loss on",
            data="rows of a module",
            roles=(),
            model_kinds=(),
            metric="loss",
            higher_is_better=False,
            auto_class="",
            peft_task_type="",
            evaluate=Hook("workbench.training.module_evaluate.evaluate_module"),
            unit="rows",
        ),
        Task(
            name="module_classify",
            title="Module that classifies",
            sentence="Minimize the loss of a module whose outputs are class scores.",
            goal="to label the rows of",
            data="labeled rows of a module",
            roles=(),
            model_kinds=(),
            metric="accuracy",
            higher_is_better=True,
            auto_class="",
            peft_task_type="",
            evaluate=Hook("workbench.training.module_evaluate.evaluate_module"),
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

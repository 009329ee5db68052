"""The settings of a run's data: what is read, which column is for what, and what is learned of a row."""

from __future__ import annotations

from dataclasses import dataclass

from workbench.registry.tasks import TASKS
from workbench.settings.as_data import AsData
from workbench.settings.declare import setting


@dataclass(frozen=True, kw_only=True)
class DataSettings(AsData):
    """The data that is learned from, and what of a row is learned."""

    task: str = setting(
        "classify",
        "data",
        "What the model learns to do: continue texts (lm), answer prompts (instruct, or seq2seq with an "
        "encoder-decoder), or give a label to each text (classify), word (token_classify) or image "
        "(image_classify). The columns of the data, the head and the metric follow from it.",
        choices=tuple(TASKS),
    )
    data: str = setting(
        "reviews",
        "data",
        "Data: a bundled name, one or several files (CSV, TSV, JSON, JSONL, Parquet, text), a pattern "
        "such as part-*.jsonl, a folder, a hub id, or a table from the notebook.",
    )
    eval_data: str | None = setting(
        None,
        "data",
        "Data to evaluate on.",
        empty="its test split, or part of its rows",
    )
    data_revision: str | None = setting(
        None, "data", "Branch, tag or commit of data on the hub.", empty="the main branch"
    )
    encoding: str | None = setting(
        None,
        "data",
        "Encoding of files that are not UTF-8, such as cp1252 or utf-16.",
        empty="UTF-8",
    )
    skip_bad_rows: bool = setting(
        False,
        "data",
        "Leave out rows that lack a value or cannot be read, and say how many, instead of refusing them.",
        line="Leave out bad rows instead of refusing them.",
    )
    text_column: str | None = setting(
        None, "data", "Column with the text.", empty="detected by its name"
    )
    label_column: str | None = setting(
        None, "data", "Column with the label.", empty="detected by its name"
    )
    prompt_column: str | None = setting(
        None, "data", "Column with the prompt.", empty="detected by its name"
    )
    completion_column: str | None = setting(
        None, "data", "Column with the answer.", empty="detected by its name"
    )
    messages_column: str | None = setting(
        None,
        "data",
        "Column with conversations: lists of messages with role and content, or with from and value.",
        empty="detected by what it holds",
        line="Column with lists of messages.",
    )
    context_column: str | None = setting(
        None,
        "data",
        "Column with a text that belongs to the prompt and stands below it, such as Alpaca's input.",
        empty="detected by its name",
        line="Column with the text below a prompt.",
    )
    system_column: str | None = setting(
        None, "data", "Column with the system prompt.", empty="detected by its name"
    )
    history_column: str | None = setting(
        None,
        "data",
        "Column with the turns before the prompt, as pairs of prompt and answer.",
        empty="detected by its name",
    )
    tools_column: str | None = setting(
        None,
        "data",
        "Column with the tools that the assistant may call, as JSON schemas.",
        empty="detected by its name",
    )
    prompt_template: str | None = setting(
        None,
        "data",
        "Text that makes a prompt from columns, whose names stand in braces, such as "
        "'Translate: {word}'.",
        empty="the prompt is a column",
        multiline=True,
        line="Makes a prompt from columns in braces.",
    )
    system_prompt: str | None = setting(
        None,
        "data",
        "System prompt of conversations that have none of their own.",
        empty="none, or the chat template's own",
        multiline=True,
    )
    assistant_only_loss: bool = setting(
        False,
        "data",
        "Train on every assistant turn of a row, as is done for lists of messages unless "
        "completion_only_loss is set; other turns are never trained on.",
        line="Train on every assistant turn.",
    )
    completion_only_loss: bool = setting(
        False,
        "data",
        "Train only on the completion, as is done for rows with a prompt and a completion unless "
        "assistant_only_loss is set; in a list of messages it is the last assistant turn.",
        line="Train on the last answer only.",
    )
    tokens_column: str | None = setting(
        None,
        "data",
        "Column with the words, as a list or separated by spaces.",
        empty="detected by its name",
    )
    image_column: str | None = setting(
        None,
        "data",
        "Column with the image, or its path from the data's file.",
        empty="detected by its name",
    )
    tags_column: str | None = setting(
        None, "data", "Column with a tag for each word.", empty="detected by its name"
    )
    eval_fraction: float = setting(
        0.1,
        "data",
        "Fraction of the training rows held out for evaluation when there is no test split: a higher "
        "one makes the metric more reliable and leaves fewer rows to train on.",
        gt=0,
        lt=1,
    )
    max_train_samples: int | None = setting(
        None,
        "data",
        "Train only on the first rows of the data, this many: fewer make epochs shorter and "
        "generalize less.",
        empty="all rows",
        unit="rows",
        ge=1,
    )
    max_eval_samples: int | None = setting(
        None,
        "data",
        "Evaluate only on the first rows of the data, this many: fewer are faster and make the metric "
        "noisier.",
        empty="all rows",
        unit="rows",
        ge=1,
    )
    max_length: int | None = setting(
        None,
        "data",
        "Maximum length of a row; longer rows are truncated. Longer rows need more memory and time. If "
        "it is not set, rows that are longer than the context of the base are an error.",
        empty="the base's context length",
        unit="tokens",
        ge=8,
    )
    max_new_tokens: int = setting(
        24,
        "data",
        "Maximum number of tokens that an evaluation generates for an answer; longer answers are cut "
        "off, and more tokens make evaluations slower.",
        unit="tokens",
        ge=1,
    )

"""What a model answers to a text or an image: plain values, without torch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

# What is asked: a text, an image as a path or as bytes, or the messages before an answer.
Content = str | bytes | list[dict[str, Any]]

MOST_SHOWN = 5  # labels in a repr
WIDTH = 70  # characters of a question in a repr


@dataclass(frozen=True)
class Reply:
    """What one model answers.

    Parameters
    ----------
    text : str or None
        The generated text, for tasks that generate one.
    label : str or None
        The most probable label, for tasks that classify.
    probabilities : mapping of str to float
        The probability of each label, the most probable first.
    tags : sequence of (str, str)
        Each word with its predicted tag, for token classification.
    note : str
        What there is to know about this answer, such as a new head that nothing has trained.
    """

    text: str | None = None
    label: str | None = None
    probabilities: Mapping[str, float] = field(default_factory=dict)
    tags: Sequence[tuple[str, str]] = ()
    note: str = ""

    def __str__(self) -> str:
        if self.text is not None:
            return repr(self.text)
        if self.tags:
            return " ".join(f"{word}/{tag}" for word, tag in self.tags)
        shown = list(self.probabilities.items())[:MOST_SHOWN]
        more = len(self.probabilities) - len(shown)
        words = [f"{label} {probability:.3f}" for label, probability in shown]
        return " · ".join([*words, *([f"{more} more"] if more else [])])

    def is_right(self, expected: str | Sequence[str]) -> bool:
        """Whether this is the expected text, label or list of tags.

        Examples
        --------
        >>> Reply(text=" at the mill ").is_right("at the mill"), Reply(label="bad").is_right("good")
        (True, False)
        """
        if self.tags:
            return [tag for _, tag in self.tags] == list(expected)
        answer = self.label if self.text is None else self.text.strip()
        return answer == (expected.strip() if isinstance(expected, str) else expected)


@dataclass(frozen=True, repr=False)
class Answer:
    """The answers of a run and of its base model to the same question.

    Parameters
    ----------
    question : str
        The text, or the path of the image.
    run : Reply
        The answer with what the run has learned.
    base : Reply
        The answer of the base model, without any of it.
    notes : sequence of str
        What there is to know about both.

    Attributes
    ----------
    text, label, probabilities, tags
        Those of ``run``.
    """

    question: str
    run: Reply
    base: Reply
    notes: Sequence[str] = ()

    @property
    def text(self) -> str | None:
        """The run's generated text; None where the task generates none."""
        return self.run.text

    @property
    def label(self) -> str | None:
        """The run's most probable label; None where the task has none."""
        return self.run.label

    @property
    def probabilities(self) -> Mapping[str, float]:
        """The run's probability of each label, the most probable first."""
        return self.run.probabilities

    @property
    def tags(self) -> Sequence[tuple[str, str]]:
        """Each word with the tag that the run predicts."""
        return self.run.tags

    def __repr__(self) -> str:
        question = " ".join(self.question.split())
        if len(question) > WIDTH:
            question = f"{question[: WIDTH - 1]}…"
        lines = [f"Answer to {question!r}"]
        for name, reply in (("base", self.base), ("run", self.run)):
            note = f"  ({reply.note})" if reply.note else ""
            lines.append(f"  {name:<4}  {reply}{note}")
        return "\n".join([*lines, *(f"  {note}" for note in self.notes)])


@dataclass(frozen=True)
class Example:
    """A row of the evaluation data, to be asked.

    Parameters
    ----------
    question : str, bytes or list of dict
        Its text, its image as a path or as bytes, or the messages before its answer.
    expected : str or sequence of str
        The label, the answer or the tags that the data has; for texts to be continued, how the text
        goes on.
    scored : bool
        Whether an answer is right or wrong: a text may go on in many ways.
    """

    question: Content
    expected: str | Sequence[str]
    scored: bool = True


def is_conversation(content: Any) -> bool:
    """Tell whether what is asked is a list of messages, each with a role.

    Examples
    --------
    >>> is_conversation([{"role": "user", "content": "Hi"}]), is_conversation(["Hi"])
    (True, False)
    """
    is_list = isinstance(content, list | tuple) and len(content) > 0
    return is_list and all(isinstance(turn, Mapping) and "role" in turn for turn in content)


def question_text(content: Content) -> str:
    """Return what was asked as a text.

    Examples
    --------
    >>> question_text([{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Hi"}])
    'system: Be brief.\\nuser: Hi'
    """
    if isinstance(content, bytes):
        return f"an image of {len(content):,} bytes"
    if isinstance(content, str):
        return content
    return "\n".join(f"{turn['role']}: {turn.get('content') or ''}" for turn in content)

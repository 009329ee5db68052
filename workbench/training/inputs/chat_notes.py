"""What a chat template does with conversations that a user may not expect, in sentences."""

from __future__ import annotations

import re
from collections.abc import Sequence
from os.path import commonprefix
from typing import Any

from workbench.training.inputs.chat import chat_pieces, ends_with_token, find_answers, render

WORDS = 3  # that stand before a first turn without being a system prompt, such as "### User:"


def template_notes(
    tokenizer: Any, conversations: Sequence[dict], completion_only: bool
) -> list[str]:
    """Say what is learnt of some conversations that a user may not expect.

    Parameters
    ----------
    tokenizer : transformers.PreTrainedTokenizerBase
    conversations : sequence of dict
        Some of those of a run.
    completion_only : bool
        Whether the completions alone are learnt.
    """
    if not conversations:
        return []
    if tokenizer.chat_template is None:
        return [_plain_note(tokenizer, conversations[0], completion_only)]
    notes = [
        _first(_different_opening(tokenizer, each) for each in conversations),
        _first(_missing_end(tokenizer, each) for each in conversations),
        _first(_default_system(tokenizer, each) for each in conversations),
        _first(_without_system(tokenizer, each) for each in conversations),
    ]
    if "strftime_now" in tokenizer.get_chat_template():
        notes.append(
            "The chat template writes today's date: it is 26 July 2024 in every run, so that a run is "
            "the same on another day."
        )
    return [note for note in notes if note]


def _first(notes: Any) -> str:
    return next(filter(None, notes), "")


def _plain_note(tokenizer: Any, conversation: dict, completion_only: bool) -> str:
    pieces, _ = chat_pieces(tokenizer, conversation, completion_only)
    parts = [_short(text) for text, _ in pieces]
    return (
        f"The tokenizer has no chat template: each turn is a line, and {tokenizer.eos_token!r} ends an "
        f"answer. The first row ends with {parts[-2] if len(parts) > 1 else ''!r}, which is read, and "
        f"{parts[-1]!r}, which is trained on."
    )


def _different_opening(tokenizer: Any, conversation: dict) -> str:
    """Say where the last answer of a finished conversation begins otherwise than the template opens it."""
    pieces, _ = chat_pieces(tokenizer, conversation, True)
    learnt = "".join(text for text, _ in pieces[:-1])
    turns = conversation["messages"]
    last = max(at for at, turn in enumerate(turns) if turn["role"] == "assistant")
    generated = render(tokenizer, turns[:last], conversation.get("tools"), True)
    if learnt == generated:
        return ""
    shared = len(commonprefix([learnt, generated]))
    return (
        "The chat template starts a generated answer differently from an answer in a finished "
        f"conversation: this run trains and scores answers after {learnt[-20:]!r}, where the template "
        f"would generate them after {generated[shared:][-40:]!r}; put the same text before an answer "
        "when you use the model."
    )


def _missing_end(tokenizer: Any, conversation: dict) -> str:
    """Say that a template ends no answer, so that the end-of-text token does."""
    turns = conversation["messages"]
    last = max(at for at, turn in enumerate(turns) if turn["role"] == "assistant")
    turns = turns[: last + 1]
    whole, [span] = find_answers(tokenizer, turns, [last], conversation.get("tools"))
    if ends_with_token(tokenizer, whole[slice(*span)], turns[-1]):
        return ""
    return (
        f"The chat template ends an answer with no token of its own: {tokenizer.eos_token!r} is put "
        "behind the last answer of each row and trained on."
    )


def _default_system(tokenizer: Any, conversation: dict) -> str:
    """Say what a template writes before a conversation that has no system prompt."""
    turns = conversation["messages"]
    if turns[0]["role"] != "user" or conversation.get("tools"):
        return ""
    whole = render(tokenizer, turns[:1], None, True)
    before = whole[: max(0, whole.find(turns[0]["content"].strip()))]
    for token in tokenizer.get_added_vocab():
        before = before.replace(token, " ")
    if len(re.findall(r"\w+", before)) <= WORDS:
        return ""
    return (
        f"The chat template begins a conversation with its own words: {_short(before.strip())!r}; "
        "set system_prompt to give another system prompt."
    )


def _without_system(tokenizer: Any, conversation: dict) -> str:
    """Say that a template writes a system prompt as it writes another turn."""
    turns, tools = conversation["messages"], conversation.get("tools")
    if turns[0]["role"] != "system" or len(turns) < 2:
        return ""
    written = render(tokenizer, turns, tools)
    for role in ("user", "assistant"):
        if render(tokenizer, [{**turns[0], "role": role}, *turns[1:]], tools) == written:
            return (
                f"The chat template has no system prompts: it writes them as turns of the {role}, "
                "which are read and not trained on."
            )
    return ""


def _short(text: str) -> str:
    return text if len(text) <= 80 else f"{text[:40]}…{text[-39:]}"

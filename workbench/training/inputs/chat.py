"""A conversation as texts, in turn read only and learnt. Exported scripts carry these functions' source.

A conversation is what :mod:`workbench.sources.datasets.conversations.forms` makes of a row. The chat
template writes it as one text, and what is learnt of it is each answer with what ends it.
"""

from __future__ import annotations

import re
from datetime import datetime
from os.path import commonprefix
from typing import Any

from transformers.utils.chat_template_utils import render_jinja_template


class ChatError(ValueError):
    """A conversation that a chat template does not hold as it was given."""


def chat_pieces(
    tokenizer, conversation: dict, completion_only: bool
) -> tuple[list[tuple[str, bool]], bool]:
    """Return a conversation as texts with whether each is learnt, the last answer being the last.

    Also return whether the tokenizer puts its special tokens around the first text, as a chat template
    writes them by itself. What follows the last answer is left out.
    """
    turns = conversation["messages"]
    first = conversation["completion"] if completion_only else 0
    answers = [at for at in range(first, len(turns)) if turns[at]["role"] == "assistant"]
    turns = turns[: answers[-1] + 1]
    if tokenizer.chat_template is None:
        return plain_pieces(tokenizer, turns, answers), True
    whole, spans = find_answers(tokenizer, turns, answers, conversation.get("tools"))
    if problem := span_problem(tokenizer, turns, answers, whole, spans):
        raise ChatError(problem)
    pieces, end = [], 0
    for span in spans:
        pieces += [(whole[end : span[0]], False), (whole[slice(*span)], True)]
        end = span[1]
    answer, _ = pieces[-1]
    if not ends_with_token(tokenizer, answer, turns[-1]):
        pieces[-1] = (answer + tokenizer.eos_token, True)
    return [piece for piece in pieces if piece[0]], False


def plain_pieces(tokenizer, turns: list[dict], answers: list[int]) -> list[tuple[str, bool]]:
    """Write each turn on a line of its own, where there is no chat template; a token ends an answer."""
    pieces = []
    for at, turn in enumerate(turns):
        end = tokenizer.eos_token if turn["role"] == "assistant" else ""
        pieces.append((turn["content"] + end, at in answers))
        pieces.append(("\n", False))
    joined: list[tuple[str, bool]] = []
    for text, learnt in pieces[:-1]:
        if joined and joined[-1][1] == learnt:
            text = joined.pop()[0] + text
        joined.append((text, learnt))
    return joined


def find_answers(
    tokenizer, turns: list[dict], answers: list[int], tools: list | None
) -> tuple[str, list[tuple[int, int]]]:
    """Return a conversation as its chat template writes it, and where each answer begins and ends."""
    template = template_of(tokenizer, tools)
    if marks_answers(template):
        return marked_answers(tokenizer, turns, answers, tools, template)
    whole = render(tokenizer, turns, tools)
    has_opening = "add_generation_prompt" in template
    spans = []
    for at in answers:
        before = render(tokenizer, turns[:at], tools, True) if at else ""
        alone = whole if at == len(turns) - 1 else render(tokenizer, turns[: at + 1], tools)
        finished = alone.rstrip("\n")
        follows = at > 0 and whole.startswith(before)
        if follows and has_opening and whole.startswith(finished):
            spans.append((len(before), len(finished)))
            continue
        # What the text shares with that of another answer stands around this one.
        start, end = differing(tokenizer, turns, at, tools, whole)
        if follows and (has_opening or not whole[len(before) : start].strip()):
            start = len(before)
        else:
            start = len(whole[:start].rstrip(" "))
        ending = finished[end:]
        if alone is not whole:
            ending = finished[differing(tokenizer, turns[: at + 1], at, tools, alone)[1] :]
        spans.append((start, end + len(ending) if whole.startswith(ending, end) else end))
    return whole, spans


def differing(
    tokenizer, turns: list[dict], at: int, tools: list | None, whole: str
) -> tuple[int, int]:
    """Return where a conversation differs from the same with another answer."""
    edges = turns[at]["content"].strip()
    other = next(digit for digit in "012" if digit not in (edges[:1], edges[-1:]))
    changed = [*turns[:at], {"role": "assistant", "content": other}, *turns[at + 1 :]]
    text = render(tokenizer, changed, tools)
    start = len(commonprefix([whole, text]))
    shared = len(commonprefix([whole[::-1], text[::-1]]))
    return start, max(start, len(whole) - shared)


def marked_answers(
    tokenizer, turns: list[dict], answers: list[int], tools: list | None, template: str
) -> tuple[str, list[tuple[int, int]]]:
    """Return where a template itself says that answers are, with the token that ends each."""
    rendered: Any = render_jinja_template(
        conversations=[turns],
        tools=tools,
        chat_template=template,
        return_assistant_tokens_mask=True,
        **tokenizer.special_tokens_map,
    )
    (whole,), (marked,) = rendered
    numbers = [at for at, turn in enumerate(turns) if turn["role"] == "assistant"]
    marked = [span for span in marked if whole[slice(*span)].strip()]
    if len(marked) != len(numbers):
        raise ChatError(
            f"the chat template of {tokenizer.name_or_path!r} marks {len(marked)} answers where a "
            f"conversation has {len(numbers)}: take its {{% generation %}} out, or correct it"
        )
    spans = []
    for at, (start, end) in zip(numbers, marked, strict=True):
        text = whole[start:end].rstrip("\n")
        end = start + len(text)
        if not ends_with_token(tokenizer, text, turns[at]):
            tokens = [
                token for token in tokenizer.get_added_vocab() if whole.startswith(token, end)
            ]
            end += max(map(len, tokens), default=0)
        spans.append((start, end))
    return whole, [span for at, span in zip(numbers, spans, strict=True) if at in answers]


def render(tokenizer, turns: list[dict], tools: list | None, prompts: bool = False) -> str:
    """Write turns as the chat template has them, with what opens an answer if asked."""
    return tokenizer.apply_chat_template(
        turns,
        tools=tools,
        chat_template=template_of(tokenizer, tools),
        tokenize=False,
        add_generation_prompt=prompts,
    )


def marks_answers(template: str) -> bool:
    """Tell whether a chat template says itself where answers are."""
    return re.search(r"\{%-?\s*generation\s*-?%\}", template) is not None


def template_of(tokenizer, tools: list | None) -> str:
    """Return the chat template, with a fixed day for today, so that a run is the same tomorrow."""
    template = tokenizer.get_chat_template(tools=tools)
    return on_fixed_day(template) if "strftime_now" in template else template


def on_fixed_day(template: str) -> str:
    """Put the day of Llama's own templates in the place of today."""
    today = r"strftime_now\(\s*(['\"])(.*?)\1\s*\)"
    day = datetime(2024, 7, 26)
    return re.sub(today, lambda found: repr(day.strftime(found[2])), template)


def ends_with_token(tokenizer, answer: str, turn: dict) -> bool:
    """Tell whether a template ends an answer with a token of its own."""
    answer, content = answer.rstrip(), turn["content"].rstrip()
    tokens = tuple(tokenizer.get_added_vocab())
    written = content.endswith(tokens) and answer.endswith(content)
    return answer.endswith(tokens) and not written


def span_problem(
    tokenizer, turns: list[dict], answers: list[int], whole: str, spans: list[tuple[int, int]]
) -> str:
    """Say which turn a template leaves out, or puts where an answer is; nothing where all is well."""
    name = f"the chat template of {tokenizer.name_or_path!r}"
    advice = "or give the tokenizer another chat template"
    everything = squeezed(whole)
    learnt = {at: squeezed(whole[slice(*span)]) for at, span in zip(answers, spans, strict=True)}
    begins = dict(zip(answers, (start for start, _ in spans), strict=True))
    for at, turn in enumerate(turns):
        texts = [turn["content"]]
        if at in learnt:
            texts += filter(None, (turn.get(key) for key in ("reasoning_content", "thinking")))
        elif turn["role"] not in ("system", "user"):
            continue
        for text in map(squeezed, texts):
            # What opens an answer may be its own first words, such as <think>.
            lead = squeezed(whole[: begins.get(at, 0)])[-len(text) :][1:]
            if text not in (lead + learnt[at] if at in learnt else everything):
                return (
                    f"{name} leaves out a part of the {turn['role']}'s turn "
                    f"{turn['content'][:60]!r}: take that part out of the data, {advice}"
                )
    for at, text in learnt.items():
        rest = text.replace(squeezed(turns[at]["content"]), "", 1)
        others = [squeezed(turn["content"]) for turn in turns]
        if any(len(other) > 12 and other in rest for other in others):
            return (
                f"{name} cannot be followed, as another turn stands within the answer "
                f"{turns[at]['content'][:60]!r}: take this row out of the data, {advice}"
            )
    return ""


def squeezed(text: str) -> str:
    """Return a text without its blanks."""
    return "".join(text.split())

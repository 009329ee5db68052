"""Rows as prompts, one function per task. Exported scripts carry these functions' source.

Each row stands behind some examples, as many of the newest as ``max_length`` leaves room for, and
says how many it got. What is asked for, and so the loss and the score, is what trained runs are
asked for on the same row.
"""

from __future__ import annotations

import torch

from workbench.training.inputs.chat import chat_pieces, plain_pieces
from workbench.training.inputs.tokenize import opening_ids, text_ids


def draw_examples(rows: list[dict], count: int, seed: int, label_column: str | None) -> list[int]:
    """Draw the numbers of so many rows by seed; where rows have labels, each label in turn."""
    order = torch.randperm(len(rows), generator=torch.Generator().manual_seed(seed)).tolist()
    turns: dict[str, int] = {}

    def turn(number: int) -> int:
        label = "" if label_column is None else str(rows[number][label_column])
        turns[label] = turns.get(label, -1) + 1
        return turns[label] if label_column is not None else 0

    return sorted(order, key=turn)[:count]


def prompt_lm(
    rows: list[dict],
    tokenizer,
    *,
    examples: list[dict],
    template: str,
    text_column: str,
    max_length: int,
) -> list[dict]:
    """Encode texts behind other texts, each of which ends with the end-of-text token.

    The targets are the text's own tokens but for the first, as in a run that trains.
    """

    def ids_of(row: dict) -> list[int]:
        ids = tokenizer(row[text_column])["input_ids"]
        return ids if ids[-1:] == [tokenizer.eos_token_id] else [*ids, tokenizer.eos_token_id]

    lead = template.removesuffix("{text}")
    lead_ids = tokenizer(lead, add_special_tokens=False)["input_ids"] if lead else []
    example_ids = [lead_ids + ids_of(example) for example in examples]
    encoded = []
    for row in rows:
        ids = ids_of(row)[:max_length]
        room = max_length - len(ids)
        first = 0
        while first < len(examples) and sum(map(len, example_ids[first:])) + len(lead_ids) > room:
            first += 1
        context = [*(token for ids in example_ids[first:] for token in ids), *lead_ids]
        context = context[max(0, len(context) - room) :]
        encoded.append(
            {
                "input_ids": context + ids,
                "labels": [-100] * (len(context) + 1) + ids[1:],
                "examples": len(examples) - first,
            }
        )
    return encoded


def prompt_instruct(
    conversations: list[dict],
    tokenizer,
    *,
    examples: list[dict],
    template: str | None,
    max_length: int,
    max_prompt_length: int,
) -> list[dict]:
    """Encode conversations behind others; only the last answer is a target.

    Without a template the tokenizer's chat template makes turns of them. A prompt that is too long
    even without examples loses its beginning.
    """
    encoded = []
    for conversation in conversations:
        for first in range(len(examples) + 1):
            shown = examples[first:]
            if template is None:
                pieces, _ = chat_pieces(tokenizer, in_a_row(shown, conversation), True)
                answer = pieces[-1][0]
                prompt_ids = text_ids(tokenizer, "".join(text for text, _ in pieces[:-1]))
            else:
                texts = [in_two(tokenizer, each) for each in shown]
                columns = {"prompt": "prompt", "completion": "completion"}
                prompt, answer = as_text(template, columns, texts, in_two(tokenizer, conversation))
                answer += tokenizer.eos_token
                prompt_ids = opening_ids(tokenizer, prompt)
            answer_ids = text_ids(tokenizer, answer)[: max_length - 1]
            room = min(max_length - len(answer_ids), max_prompt_length)
            if len(prompt_ids) <= room:
                break
        context_ids = prompt_ids[max(0, len(prompt_ids) + len(answer_ids) - max_length) :]
        encoded.append(
            {
                "input_ids": context_ids + answer_ids,
                "labels": [-100] * len(context_ids) + answer_ids,
                "prompt_ids": prompt_ids[-max_prompt_length:],
                "answer_ids": answer_ids,
                "examples": len(shown),
            }
        )
    return encoded


def prompt_seq2seq(
    rows: list[dict],
    tokenizer,
    *,
    examples: list[dict],
    template: str,
    prompt_column: str,
    completion_column: str,
    max_length: int,
) -> list[dict]:
    """Encode prompts behind other prompts and their answers; the decoder writes the answer.

    A prompt that is too long even without examples loses its end, and so does an answer.
    """
    columns = {"prompt": prompt_column, "completion": completion_column}
    encoded = []
    for row in rows:
        for first in range(len(examples) + 1):
            shown = examples[first:]
            prompt = as_text(template, columns, shown, row)[0].rstrip()
            prompt_ids = tokenizer(prompt)["input_ids"]
            if len(prompt_ids) <= max_length:
                break
        else:
            prompt_ids = tokenizer(prompt, truncation=True, max_length=max_length)["input_ids"]
        answer_ids = tokenizer(
            text_target=str(row[completion_column]), truncation=True, max_length=max_length
        )["input_ids"]
        if answer_ids[-1:] != [tokenizer.eos_token_id]:
            answer_ids = [*answer_ids, tokenizer.eos_token_id][:max_length]
        encoded.append(
            {
                "input_ids": prompt_ids,
                "labels": answer_ids,
                "answer_ids": answer_ids,
                "examples": len(shown),
            }
        )
    return encoded


def prompt_classify(
    rows: list[dict],
    tokenizer,
    *,
    examples: list[dict],
    template: str,
    text_column: str,
    label_column: str,
    labels: list[str],
    words: list[str],
    max_length: int,
) -> list[dict]:
    """Encode prompts, each with what every label's word would add to it and the index of its label.

    A prompt that is too long even without examples loses its beginning.
    """
    number = {label: index for index, label in enumerate(labels)}
    columns = {"text": text_column, "label": label_column}
    worded = [{**row, label_column: words[number[str(row[label_column])]]} for row in examples]
    encoded = []
    for row in rows:
        for first in range(len(examples) + 1):
            shown = worded[first:]
            pairs = [as_text(template, columns, shown, {**row, label_column: w}) for w in words]
            texts = [pairs[0][0], *(prompt + word for prompt, word in pairs)]
            ids = tokenizer(texts)["input_ids"]
            ids = [part[:-1] if part[-1:] == [tokenizer.eos_token_id] else part for part in ids]
            # Where the prompt ends, as a word may share a token with what stands before it.
            end = min(len(ids[0]), *(len(part) - 1 for part in ids[1:]))
            end = next((i for i in range(end) if len({part[i] for part in ids}) > 1), end)
            endings = [part[end:] for part in ids[1:]]
            room = max_length - max(map(len, endings))
            if end <= room:
                break
        encoded.append(
            {
                "input_ids": ids[0][:end][-max(1, room) :] or [tokenizer.eos_token_id],
                "words": endings,
                "labels": number[str(row[label_column])],
                "examples": len(shown),
            }
        )
    return encoded


def as_text(template: str, columns: dict, shown: list[dict], row: dict) -> tuple[str, str]:
    """Return a row's prompt behind its examples, a blank line between them, and what is asked for.

    Blanks at the prompt's end go to what is asked for, as most tokenizers have them there.
    """
    *prompt_roles, answer_role = columns
    parts = []
    for filled in [*shown, row]:
        before = template.removesuffix(f"{{{answer_role}}}")
        for role in prompt_roles:
            before = before.replace(f"{{{role}}}", str(filled[columns[role]]))
        parts.append((before, str(filled[columns[answer_role]])))
    text = "\n\n".join([*(before + answer for before, answer in parts[:-1]), parts[-1][0]])
    prompt = text.rstrip(" ")
    return prompt, text[len(prompt) :] + parts[-1][1]


def in_a_row(shown: list[dict], conversation: dict) -> dict:
    """Put the turns of other conversations before a conversation's own, behind its system prompt."""
    turns = conversation["messages"]
    system = turns[:1] if turns[0]["role"] == "system" else []
    before = [turn for each in shown for turn in each["messages"] if turn["role"] != "system"]
    messages = [*system, *before, *turns[len(system) :]]
    completion = conversation["completion"] + len(before)
    return {**conversation, "messages": messages, "completion": completion}


def in_two(tokenizer, conversation: dict) -> dict[str, str]:
    """Return a conversation as the text before its last answer, and that answer."""
    turns = conversation["messages"]
    last = max(at for at, turn in enumerate(turns) if turn["role"] == "assistant")
    pieces = plain_pieces(tokenizer, turns[:last], [])
    return {"prompt": "".join(text for text, _ in pieces), "completion": turns[last]["content"]}

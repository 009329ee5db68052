"""From rows to token ids, one function per task. Exported scripts carry these functions' source."""

from __future__ import annotations

from functools import partial
from os.path import commonprefix


class ChatError(ValueError):
    """A conversation that a chat template does not hold as it was given."""


def encode_lm(rows: list[dict], tokenizer, *, text_column: str, max_length: int) -> list[dict]:
    """Encode texts to be continued; each ends with the end-of-text token where there is room."""
    encoded = []
    for row in rows:
        ids = tokenizer(row[text_column])["input_ids"]
        if ids[-1:] != [tokenizer.eos_token_id]:
            ids = [*ids, tokenizer.eos_token_id]
        ids = ids[:max_length]
        # Nothing comes before the first token, so it is not a target.
        encoded.append({"input_ids": ids, "labels": [-100, *ids[1:]]})
    return encoded


def encode_instruct(
    rows: list[dict],
    tokenizer,
    *,
    prompt_column: str,
    completion_column: str,
    max_length: int,
    max_prompt_length: int,
) -> list[dict]:
    """Encode prompts with their answers in the tokenizer's chat template; only answers are targets.

    A prompt too long for ``max_length`` loses its beginning, so that the answer stays; its last
    token is always kept. What an answer is generated for loses all before the last
    ``max_prompt_length`` tokens.
    """
    encoded = []
    for row in rows:
        prompt, answer = chat(tokenizer, row[prompt_column], row[completion_column])
        prompt_ids = tokenizer(prompt, add_special_tokens=False)["input_ids"]
        answer_ids = tokenizer(answer, add_special_tokens=False)["input_ids"][: max_length - 1]
        context_ids = prompt_ids[max(0, len(prompt_ids) + len(answer_ids) - max_length) :]
        encoded.append(
            {
                "input_ids": context_ids + answer_ids,
                "labels": [-100] * len(context_ids) + answer_ids,
                "prompt_ids": prompt_ids[-max_prompt_length:],
                "answer": row[completion_column].strip(),
            }
        )
    return encoded


def chat(tokenizer, prompt: str, answer: str) -> tuple[str, str]:
    """Return the text before the answer, and the answer with what ends it."""
    if tokenizer.chat_template is None:
        return f"{prompt}\n", f"{answer}{tokenizer.eos_token}"
    turns = [{"role": "user", "content": prompt}, {"role": "assistant", "content": answer}]
    return split_turns(tokenizer, turns)


def split_turns(tokenizer, turns: list[dict]) -> tuple[str, str]:
    """Return a finished conversation as the text before its last answer, and that answer.

    The former is the template's generation prompt where a finished conversation begins with it; else
    (DeepSeek-R1's ends with ``<think>``) it is all that stands before any answer. Newlines at the
    end are left out.

    Raises
    ------
    ChatError
        The template leaves out the last prompt, or a part of the answer.
    """
    *asked, answered = turns
    render = partial(tokenizer.apply_chat_template, tokenize=False)
    whole = render(turns)
    before = render(asked, add_generation_prompt=True)
    if not whole.startswith(before):
        # What stands before any answer is what the text shares with that of another answer.
        other = "1" if answered["content"].strip().startswith("0") else "0"
        before = commonprefix([whole, render([*asked, {**answered, "content": other}])])
    if leaves_out(turns, before, whole):
        raise ChatError(
            f"the chat template of {tokenizer.name_or_path!r} leaves out a part of the prompt "
            f"{asked[-1]['content'][:60]!r} or of its answer {answered['content'][:60]!r}: take that "
            "part out of the data, or give the tokenizer another chat template"
        )
    return before, whole[len(before) :].rstrip("\n")


def leaves_out(turns: list[dict], before: str, whole: str) -> bool:
    """Tell whether a template left out a part of the last prompt or answer, blanks aside."""
    prompt, answer = ("".join(turn["content"].split()) for turn in turns[-2:])
    asked, finished = ("".join(text.split()) for text in (before, whole))
    return prompt not in asked or answer not in finished[finished.find(prompt) + len(prompt) :]


def encode_seq2seq(
    rows: list[dict], tokenizer, *, prompt_column: str, completion_column: str, max_length: int
) -> list[dict]:
    """Encode prompts for the encoder and answers for the decoder; the answers are the targets.

    ``max_length`` holds for each of the two; what is longer loses its end.
    """
    encoded = []
    for row in rows:
        prompt = tokenizer(row[prompt_column], truncation=True, max_length=max_length)
        answer = tokenizer(
            text_target=row[completion_column], truncation=True, max_length=max_length
        )
        answer_ids = answer["input_ids"]
        if answer_ids[-1:] != [tokenizer.eos_token_id]:
            answer_ids = [*answer_ids, tokenizer.eos_token_id][:max_length]
        encoded.append(
            {
                "input_ids": prompt["input_ids"],
                "labels": answer_ids,
                "answer": row[completion_column].strip(),
            }
        )
    return encoded


def encode_classify(
    rows: list[dict],
    tokenizer,
    *,
    text_column: str,
    label_column: str,
    labels: list[str],
    max_length: int,
) -> list[dict]:
    """Encode texts, each with the index of its label."""
    number = {label: index for index, label in enumerate(labels)}
    texts = [row[text_column] for row in rows]
    encoded = tokenizer(texts, truncation=True, max_length=max_length)["input_ids"]
    return [
        {"input_ids": ids, "labels": number[str(row[label_column])]}
        for ids, row in zip(encoded, rows, strict=True)
    ]


def encode_token_classify(
    rows: list[dict],
    tokenizer,
    *,
    tokens_column: str,
    tags_column: str,
    labels: list[str],
    max_length: int,
) -> list[dict]:
    """Encode words as one text; the first piece of each word has the index of the word's tag.

    Words that ``max_length`` cuts off are neither learnt nor scored.
    """
    number = {label: index for index, label in enumerate(labels)}
    encoded = []
    for row in rows:
        words, tags = as_list(row[tokens_column]), as_list(row[tags_column])
        # To which word each character belongs; the blank behind a word counts with it.
        word_at = [index for index, word in enumerate(words) for _ in f"{word} "]
        pieces = tokenizer(
            " ".join(words), truncation=True, max_length=max_length, return_offsets_mapping=True
        )
        targets, last = [], -1
        for start, end in pieces["offset_mapping"]:
            # A piece may begin with the blank before its word, so its end tells which word it is.
            word = word_at[end - 1] if end > start else last
            targets.append(number[str(tags[word])] if word != last else -100)
            last = word
        encoded.append({"input_ids": pieces["input_ids"], "labels": targets})
    return encoded


def encode_image_classify(
    rows: list[dict], *, image_column: str, label_column: str, labels: list[str]
) -> list[dict]:
    """Give each image the index of its label; images are opened when a batch is made of them."""
    number = {label: index for index, label in enumerate(labels)}
    return [{"image": row[image_column], "labels": number[str(row[label_column])]} for row in rows]


def as_list(value: str | list) -> list:
    """Return the words or tags of a row: a list, or text with blanks between them."""
    return value.split() if isinstance(value, str) else value


def leave_room(rows: list[dict], virtual_tokens: int) -> list[dict]:
    """Leave room in the labels for the virtual tokens that PEFT puts before each row."""
    return [{**row, "labels": [-100] * virtual_tokens + row["labels"]} for row in rows]

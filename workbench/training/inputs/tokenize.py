"""From rows to token ids, one function per task. Exported scripts carry these functions' source."""

from __future__ import annotations

from workbench.training.inputs.chat import chat_pieces


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
    conversations: list[dict],
    tokenizer,
    *,
    completion_only: bool,
    max_length: int,
    max_prompt_length: int,
) -> list[dict]:
    """Encode conversations in the tokenizer's chat template; only the assistant's turns are targets.

    With ``completion_only`` these are the last ones alone. What is too long for ``max_length`` loses
    its beginning, so that the last answer stays; the last token before that is always kept. An answer is
    generated for what stands before the last one, but for all before the last ``max_prompt_length``
    tokens.
    """
    encoded = []
    for conversation in conversations:
        pieces, adds_special = chat_pieces(tokenizer, conversation, completion_only)
        context_ids: list[int] = []
        labels: list[int] = []
        for number, (text, learnt) in enumerate(pieces):
            ids = (
                opening_ids(tokenizer, text)
                if adds_special and not number
                else text_ids(tokenizer, text)
            )
            if number == len(pieces) - 1:
                break
            context_ids += ids
            labels += ids if learnt else [-100] * len(ids)
        answer_ids = ids[: max_length - 1]
        cut = max(0, len(context_ids) + len(answer_ids) - max_length)
        encoded.append(
            {
                "input_ids": context_ids[cut:] + answer_ids,
                "labels": labels[cut:] + answer_ids,
                "prompt_ids": context_ids[-max_prompt_length:],
                "answer_ids": answer_ids,
            }
        )
    return encoded


def text_ids(tokenizer, text: str) -> list[int]:
    """Return the tokens of a text alone."""
    return tokenizer(text, add_special_tokens=False)["input_ids"]


def opening_ids(tokenizer, text: str) -> list[int]:
    """Return the tokens of a text with what the tokenizer puts before it, and not what it puts behind."""
    ids = tokenizer(text)["input_ids"]
    ends = ids[-1:] == [tokenizer.eos_token_id] and not text.endswith(tokenizer.eos_token)
    return ids[:-1] if ends else ids


def encode_seq2seq(
    rows: list[dict], tokenizer, *, prompt_column: str, completion_column: str, max_length: int
) -> list[dict]:
    """Encode prompts for the encoder and answers for the decoder; the answers are the targets.

    ``max_length`` holds for each of the two; what is longer loses its end.
    """
    encoded = []
    for row in rows:
        prompt = tokenizer(str(row[prompt_column]), truncation=True, max_length=max_length)
        answer = tokenizer(
            text_target=str(row[completion_column]), truncation=True, max_length=max_length
        )
        answer_ids = answer["input_ids"]
        if answer_ids[-1:] != [tokenizer.eos_token_id]:
            answer_ids = [*answer_ids, tokenizer.eos_token_id][:max_length]
        encoded.append(
            {"input_ids": prompt["input_ids"], "labels": answer_ids, "answer_ids": answer_ids}
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

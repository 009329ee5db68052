"""How a task is scored, one generator per task. Exported scripts carry these functions' source.

Each yields an ``evaluating`` event after every batch, so that a run can pause or stop inside an
evaluation, and ends with one ``eval`` event that holds the figures. Autograd is off only while a
batch is in the model: a generator must not leave it off between its steps. Nor does what a model
returned stay until the next step, since others may be taking theirs.
"""

from __future__ import annotations

import math
import time
from collections import Counter
from collections.abc import Callable, Iterator
from itertools import chain

import torch


def evaluate_lm(model, batches: list[dict], step: int) -> Iterator[dict]:
    """Score by the loss per token, perplexity and how often the next token is the likeliest."""
    started = time.perf_counter()
    model.eval()
    total, right, targets = 0.0, 0, 0
    for done, batch in enumerate(batches, 1):
        with torch.no_grad():
            output = model(**batch)
        wanted = batch["labels"][:, 1:]
        counted = wanted != -100
        count = int(counted.sum())
        if output.logits.shape[:2] == (1, count):  # computed only where a target follows
            guessed = output.logits[0].argmax(-1)
        else:
            # Virtual tokens, where a technique adds them, stand before the text's own.
            guessed = output.logits[:, -batch["labels"].shape[1] : -1].argmax(-1)[counted]
        total += float(output.loss) * count
        right += int((guessed == wanted[counted]).sum())
        targets += count
        del output
        yield {"event": "evaluating", "step": step, "done": done, "total": len(batches)}
    loss = total / targets
    yield {
        "event": "eval",
        "step": step,
        "loss": loss,
        "perplexity": math.exp(min(loss, 700.0)),
        "token_accuracy": right / targets,
        "seconds": time.perf_counter() - started,
    }


def evaluate_classify(model, batches: list[dict], step: int) -> Iterator[dict]:
    """Score by the loss per row, accuracy and macro-averaged F1."""
    started = time.perf_counter()
    model.eval()
    total, guessed, wanted = 0.0, [], []
    for done, batch in enumerate(batches, 1):
        with torch.no_grad():
            output = model(**batch)
        total += float(output.loss) * len(batch["labels"])
        guessed.append(output.logits.argmax(-1))
        wanted.append(batch["labels"])
        del output
        yield {"event": "evaluating", "step": step, "done": done, "total": len(batches)}
    guess, want = torch.cat(guessed), torch.cat(wanted)
    yield {
        "event": "eval",
        "step": step,
        "loss": total / len(want),
        "accuracy": int((guess == want).sum()) / len(want),
        "f1": macro_f1(guess.tolist(), want.tolist()),
        "seconds": time.perf_counter() - started,
    }


def evaluate_words(
    model, prompts: list[dict], blanks: list[dict], normalize: bool, step: int
) -> Iterator[dict]:
    """Score a language model as a classifier: the label whose words are likeliest wins.

    The loss is the mean negative log-probability of the right label, after normalising over the
    labels, so it compares with that of a classifier's head. ``prompts`` and ``blanks`` hold one
    prompt each; what the ``blanks`` (prompts without a text) favour is taken away, if there are
    some (contextual calibration, arXiv 2102.09690).
    """
    started = time.perf_counter()
    model.eval()
    favour = torch.zeros(())
    if blanks:
        alone = [word_scores(model, blank, normalize).softmax(-1) for blank in blanks]
        favour = torch.stack(alone).mean(0).log()
    total, guessed, wanted = 0.0, [], []
    for done, prompt in enumerate(prompts, 1):
        scores = word_scores(model, prompt, normalize).log_softmax(-1)
        chances = (scores - favour.to(scores.device)).log_softmax(-1)
        want = int(prompt["labels"])
        total -= float(chances[want])
        guessed.append(int(chances.argmax()))
        wanted.append(want)
        yield {"event": "evaluating", "step": step, "done": done, "total": len(prompts)}
    hits = sum(guess == want for guess, want in zip(guessed, wanted, strict=True))
    yield {
        "event": "eval",
        "step": step,
        "loss": total / len(wanted),
        "accuracy": hits / len(wanted),
        "f1": macro_f1(guessed, wanted),
        "seconds": time.perf_counter() - started,
    }


def word_scores(model, prompt: dict, normalize: bool) -> torch.Tensor:
    """Return the log-likelihood of each label's words behind a prompt, of shape (labels,).

    The prompt is read once; what it left in the cache goes before the words of every label.
    """
    words, counted = prompt["words"], prompt["counted"]
    with torch.no_grad():
        read = model(input_ids=prompt["input_ids"], use_cache=True)
        logits = read.logits[:, -1:].expand(len(words), -1, -1)
        if words.shape[1] > 1:
            read.past_key_values.batch_repeat_interleave(len(words))
            rest = model(input_ids=words[:, :-1], past_key_values=read.past_key_values).logits
            logits = torch.cat([logits, rest], dim=1)
    each = logits.float().log_softmax(-1).gather(-1, words.unsqueeze(-1)).squeeze(-1)
    scores = (each * counted).sum(-1)
    return scores / counted.sum(-1) if normalize else scores


def macro_f1(guess: list, want: list) -> float:
    """Average F1 over the labels that occur, each counting the same."""
    hits = Counter(label for label, wanted in zip(guess, want, strict=True) if label == wanted)
    both = Counter(guess) + Counter(want)
    return sum(2 * hits[label] / count for label, count in both.items()) / len(both)


def evaluate_token_classify(
    model,
    batches: list[dict],
    labels: list[str],
    score: Callable[[list[list[str]], list[list[str]]], dict],
    step: int,
) -> Iterator[dict]:
    """Score by the loss per word, accuracy and what ``score`` makes of each row's tags."""
    started = time.perf_counter()
    model.eval()
    total, guessed, wanted = 0.0, [], []
    for done, batch in enumerate(batches, 1):
        with torch.no_grad():
            output = model(**batch)
        for guess, want in zip(output.logits.argmax(-1), batch["labels"], strict=True):
            counted = want != -100
            guessed.append([labels[index] for index in guess[counted].tolist()])
            wanted.append([labels[index] for index in want[counted].tolist()])
        total += float(output.loss) * int((batch["labels"] != -100).sum())
        del output
        yield {"event": "evaluating", "step": step, "done": done, "total": len(batches)}
    pairs = list(zip(chain(*guessed), chain(*wanted), strict=True))
    yield {
        "event": "eval",
        "step": step,
        "loss": total / len(pairs),
        "accuracy": sum(guess == want for guess, want in pairs) / len(pairs),
        **score(guessed, wanted),
        "seconds": time.perf_counter() - started,
    }


def score_tags(guessed: list[list[str]], wanted: list[list[str]]) -> dict[str, float]:
    """Average F1 over the tags."""
    return {"f1": macro_f1(list(chain(*guessed)), list(chain(*wanted)))}


def score_entities(guessed: list[list[str]], wanted: list[list[str]]) -> dict[str, float]:
    """Score whole entities: found only if both their bounds and their kind are right.

    Precision, recall and F1 count all entities alike (micro average), as seqeval does.
    """
    guess = {(row, *entity) for row, tags in enumerate(guessed) for entity in entities(tags)}
    want = {(row, *entity) for row, tags in enumerate(wanted) for entity in entities(tags)}
    hits = len(guess & want)
    return {
        "f1": 2 * hits / max(1, len(guess) + len(want)),
        "precision": hits / max(1, len(guess)),
        "recall": hits / max(1, len(want)),
    }


def entities(tags: list[str]) -> list[tuple[str, int, int]]:
    """List the entities of IOB tags as kind, first word and the word behind the last.

    An I- tag that follows no tag of its kind begins an entity, as conlleval has it.
    """
    found, kind, first = [], None, 0
    for place, tag in enumerate([*tags, "O"]):
        mark, _, name = tag.partition("-")
        if kind is not None and (mark != "I" or name != kind):
            found.append((kind, first, place))
            kind = None
        if kind is None and mark != "O":
            kind, first = name, place
    return found


def evaluate_instruct(
    model,
    batches: list[dict],
    prompts: list[dict],
    tokenizer,
    max_new_tokens: int,
    step: int,
    stop: str | None = None,
) -> Iterator[dict]:
    """Score by the loss per answer token and by how many generated answers match exactly.

    ``prompts`` holds batches padded on the left, each with its ``answers`` as texts; answers are
    generated greedily and compared without surrounding blanks. ``stop`` ends an answer where the
    model does not end it by itself.
    """
    started = time.perf_counter()
    model.eval()
    total, targets, right, asked = 0.0, 0, 0, 0
    length = len(batches) + len(prompts)
    for done, batch in enumerate(batches, 1):
        with torch.no_grad():
            output = model(**batch)
        count = int((batch["labels"] != -100).sum())
        total += float(output.loss) * count
        targets += count
        del output
        yield {"event": "evaluating", "step": step, "done": done, "total": length}
    for done, batch in enumerate(prompts, len(batches) + 1):
        with torch.no_grad():
            generated = model.generate(
                input_ids=batch["input_ids"],
                attention_mask=batch["attention_mask"],
                max_new_tokens=max_new_tokens,
                do_sample=False,
                pad_token_id=tokenizer.pad_token_id,
            )
        texts = tokenizer.batch_decode(
            generated[:, batch["input_ids"].shape[1] :], skip_special_tokens=True
        )
        if stop:
            texts = [text.strip().partition(stop)[0] for text in texts]
        right += sum(text.strip() == answer for text, answer in zip(texts, batch["answers"]))
        asked += len(texts)
        del generated
        yield {"event": "evaluating", "step": step, "done": done, "total": length}
    yield {
        "event": "eval",
        "step": step,
        "loss": total / targets,
        "exact_match": right / asked,
        "seconds": time.perf_counter() - started,
    }


def evaluate_seq2seq(
    model, batches: list[dict], prompts: list[dict], tokenizer, max_new_tokens: int, step: int
) -> Iterator[dict]:
    """Score by the loss per answer token and by how many generated answers match exactly.

    ``prompts`` holds batches with their ``answers`` as texts; answers are generated greedily and
    compared without surrounding blanks.
    """
    started = time.perf_counter()
    model.eval()
    total, targets, right, asked = 0.0, 0, 0, 0
    length = len(batches) + len(prompts)
    for done, batch in enumerate(batches, 1):
        with torch.no_grad():
            output = model(**batch)
        count = int((batch["labels"] != -100).sum())
        total += float(output.loss) * count
        targets += count
        del output
        yield {"event": "evaluating", "step": step, "done": done, "total": length}
    for done, batch in enumerate(prompts, len(batches) + 1):
        with torch.no_grad():
            # Summarizers come with settings for longer texts, such as beams and a least length.
            generated = model.generate(
                input_ids=batch["input_ids"],
                attention_mask=batch["attention_mask"],
                max_new_tokens=max_new_tokens,
                min_length=0,
                num_beams=1,
                do_sample=False,
            )
        texts = tokenizer.batch_decode(generated, skip_special_tokens=True)
        right += sum(text.strip() == answer for text, answer in zip(texts, batch["answers"]))
        asked += len(texts)
        del generated
        yield {"event": "evaluating", "step": step, "done": done, "total": length}
    yield {
        "event": "eval",
        "step": step,
        "loss": total / targets,
        "exact_match": right / asked,
        "seconds": time.perf_counter() - started,
    }

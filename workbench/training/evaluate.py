"""How a task is scored, one function per task. Exported scripts carry these functions' source.

Each takes the adapted model and its batches, and returns the figures. It is a generator for one
reason: it yields after every batch, so that a run can pause or stop inside an evaluation. In a
script, which is never paused, it is a plain function without its yields.

Autograd is off only while a batch is in the model: a generator must not leave it off while others
take their steps. Nor does what a model returned stay for that long.
"""

from __future__ import annotations

import math
import operator
import time
from collections import Counter
from collections.abc import Callable, Generator, Iterator
from itertools import chain

import torch


def evaluation(
    evaluator: Generator[None, None, dict], num_batches: int, step: int
) -> Iterator[dict]:
    """Yield an ``evaluating`` event after every batch, and at the end the ``eval`` event.

    Parameters
    ----------
    evaluator : generator
        One of this module's, already called: it yields after a batch and returns the figures.
    num_batches : int
        How often it will yield.
    step : int
        The step that the events name.
    """
    started = time.perf_counter()
    done = 0
    while True:
        try:
            next(evaluator)
        except StopIteration as end:
            figures = end.value
            break
        done += 1
        yield {"event": "evaluating", "step": step, "done": done, "total": num_batches}
    seconds = time.perf_counter() - started
    yield {"event": "eval", "step": step, **figures, "seconds": seconds}


def evaluate_lm(model, batches: list[dict]) -> Generator[None, None, dict]:
    """Score by the loss per token, perplexity and how often the next token is the likeliest."""
    model.eval()
    total_loss, num_correct, num_targets = 0.0, 0, 0
    for batch in batches:
        with torch.no_grad():
            output = model(**batch)
        labels = batch["labels"][:, 1:]
        is_target = labels != -100
        count = int(is_target.sum())
        if output.logits.shape[:2] == (1, count):  # computed only where a target follows
            predictions = output.logits[0].argmax(-1)
        else:
            # Virtual tokens, where a technique adds them, stand before the text's own.
            predictions = output.logits[:, -batch["labels"].shape[1] : -1].argmax(-1)[is_target]
        total_loss += float(output.loss) * count
        num_correct += int((predictions == labels[is_target]).sum())
        num_targets += count
        del output
        yield
    loss = total_loss / num_targets
    return {
        "loss": loss,
        "perplexity": math.exp(min(loss, 700.0)),
        "token_accuracy": num_correct / num_targets,
    }


def evaluate_classify(model, batches: list[dict]) -> Generator[None, None, dict]:
    """Score by the loss per row, accuracy and macro-averaged F1."""
    model.eval()
    total_loss, predictions, labels = 0.0, [], []
    for batch in batches:
        with torch.no_grad():
            output = model(**batch)
        total_loss += float(output.loss) * len(batch["labels"])
        predictions += output.logits.argmax(-1).tolist()
        labels += batch["labels"].tolist()
        del output
        yield
    return {
        "loss": total_loss / len(labels),
        "accuracy": sum(map(operator.eq, predictions, labels)) / len(labels),
        "f1": macro_f1(predictions, labels),
    }


def macro_f1(predictions: list, labels: list) -> float:
    """Average F1 over the labels that occur, each counting the same."""
    pairs = zip(predictions, labels, strict=True)
    hits = Counter(label for prediction, label in pairs if prediction == label)
    counts = Counter(predictions) + Counter(labels)
    return sum(2 * hits[label] / count for label, count in counts.items()) / len(counts)


def evaluate_words(
    model, prompts: list[dict], blanks: list[dict] | None, normalize: bool
) -> Generator[None, None, dict]:
    """Score a language model as a classifier: the label whose words are likeliest wins.

    The loss is the mean negative log-probability of the right label, after normalising over the
    labels, so it compares with that of a classifier's head.

    Parameters
    ----------
    prompts : list of dict
        Batches of one prompt each.
    blanks : list of dict, optional
        Prompts without a text; what they favour is taken away (contextual calibration, arXiv
        2102.09690).
    """
    model.eval()
    if blanks is not None:
        blank_scores = [word_scores(model, blank, normalize).softmax(-1) for blank in blanks]
        prior = torch.stack(blank_scores).mean(0).log()
    total_loss, predictions, labels = 0.0, [], []
    for prompt in prompts:
        scores = word_scores(model, prompt, normalize).log_softmax(-1)
        if blanks is not None:
            scores = scores - prior
        log_probs = scores.log_softmax(-1)
        label = int(prompt["labels"])
        total_loss -= float(log_probs[label])
        predictions.append(int(log_probs.argmax()))
        labels.append(label)
        yield
    return {
        "loss": total_loss / len(labels),
        "accuracy": sum(map(operator.eq, predictions, labels)) / len(labels),
        "f1": macro_f1(predictions, labels),
    }


def word_scores(model, prompt: dict, normalize: bool) -> torch.Tensor:
    """Return the log-likelihood of each label's words behind a prompt, of shape (labels,).

    The prompt is read once; what it left in the cache goes before the words of every label.
    """
    words, is_word = prompt["words"], prompt["is_word"]
    with torch.no_grad():
        output = model(input_ids=prompt["input_ids"], use_cache=True)
        logits = output.logits[:, -1:].expand(len(words), -1, -1)
        if words.shape[1] > 1:
            cache = output.past_key_values
            cache.batch_repeat_interleave(len(words))
            rest = model(input_ids=words[:, :-1], past_key_values=cache).logits
            logits = torch.cat([logits, rest], dim=1)
    log_probs = logits.float().log_softmax(-1).gather(-1, words.unsqueeze(-1)).squeeze(-1)
    scores = (log_probs * is_word).sum(-1)
    return scores / is_word.sum(-1) if normalize else scores


def evaluate_token_classify(
    model,
    batches: list[dict],
    tag_names: list[str],
    score: Callable[[list[list[str]], list[list[str]]], dict],
) -> Generator[None, None, dict]:
    """Score by the loss per word, accuracy and what ``score`` makes of each row's tags."""
    model.eval()
    total_loss, predictions, labels = 0.0, [], []
    for batch in batches:
        with torch.no_grad():
            output = model(**batch)
        for predicted, row in zip(output.logits.argmax(-1), batch["labels"], strict=True):
            is_target = row != -100
            predictions.append([tag_names[index] for index in predicted[is_target].tolist()])
            labels.append([tag_names[index] for index in row[is_target].tolist()])
        total_loss += float(output.loss) * int((batch["labels"] != -100).sum())
        del output
        yield
    num_words = sum(map(len, labels))
    num_correct = sum(map(operator.eq, chain(*predictions), chain(*labels)))
    return {
        "loss": total_loss / num_words,
        "accuracy": num_correct / num_words,
        **score(predictions, labels),
    }


def score_tags(predictions: list[list[str]], labels: list[list[str]]) -> dict[str, float]:
    """Average F1 over the tags."""
    return {"f1": macro_f1(list(chain(*predictions)), list(chain(*labels)))}


def score_entities(predictions: list[list[str]], labels: list[list[str]]) -> dict[str, float]:
    """Score whole entities: a hit has the right bounds and the right type.

    Precision, recall and F1 count all entities alike (micro average), as seqeval does.
    """
    predicted = {
        (row, *entity) for row, tags in enumerate(predictions) for entity in entities(tags)
    }
    actual = {(row, *entity) for row, tags in enumerate(labels) for entity in entities(tags)}
    hits = len(predicted & actual)
    return {
        "f1": 2 * hits / max(1, len(predicted) + len(actual)),
        "precision": hits / max(1, len(predicted)),
        "recall": hits / max(1, len(actual)),
    }


def entities(tags: list[str]) -> list[tuple[str, int, int]]:
    """List the entities of IOB tags as type, first word and the word behind the last.

    An I- tag that follows no tag of its type begins an entity, as conlleval has it.
    """
    spans: list[tuple[str, int, int]] = []
    type_, first = None, 0
    for index, tag in enumerate([*tags, "O"]):
        prefix, _, name = tag.partition("-")
        if type_ is not None and (prefix != "I" or name != type_):
            spans.append((type_, first, index))
            type_ = None
        if type_ is None and prefix != "O":
            type_, first = name, index
    return spans


def evaluate_generation(
    model,
    batches: list[dict],
    prompts: list[dict],
    tokenizer,
    max_new_tokens: int,
    continues_prompts: bool,
    stop: str | None = None,
) -> Generator[None, None, dict]:
    """Score by the loss per answer token and by how many generated answers match exactly.

    Answers are generated greedily until a token that ends a trained one, and compared with those
    without surrounding blanks.

    Parameters
    ----------
    prompts : list of dict
        Batches with the tokens of their ``answers``.
    continues_prompts : bool
        Whether the model generates behind its prompts, which are padded on the left and come back
        before the answers, and not in a decoder of its own.
    stop : str, optional
        What ends an answer where the model does not end it by itself.
    """
    model.eval()
    total_loss, num_targets, num_correct, num_answers = 0.0, 0, 0, 0
    for batch in batches:
        with torch.no_grad():
            output = model(**batch)
        count = int((batch["labels"] != -100).sum())
        total_loss += float(output.loss) * count
        num_targets += count
        del output
        yield
    stop_ids = ending_tokens(
        model, tokenizer, [ids for batch in prompts for ids in batch["answers"]]
    )
    for batch in prompts:
        with torch.no_grad():
            # Some bases come with settings for longer texts, such as beams and a least length.
            generated = model.generate(
                input_ids=batch["input_ids"],
                attention_mask=batch["attention_mask"],
                max_new_tokens=max_new_tokens,
                min_length=0,
                num_beams=1,
                do_sample=False,
                pad_token_id=tokenizer.pad_token_id,
                eos_token_id=stop_ids,
            )
        if continues_prompts:
            generated = generated[:, batch["input_ids"].shape[1] :]
        texts = tokenizer.batch_decode(generated, skip_special_tokens=True)
        answers = tokenizer.batch_decode(batch["answers"], skip_special_tokens=True)
        if stop is not None:
            texts = [text.strip().partition(stop)[0] for text in texts]
        pairs = zip(texts, answers, strict=True)
        num_correct += sum(text.strip() == answer.strip() for text, answer in pairs)
        num_answers += len(texts)
        del generated
        yield
    return {"loss": total_loss / num_targets, "exact_match": num_correct / num_answers}


def ending_tokens(model, tokenizer, answers: list[list[int]]) -> list[int]:
    """Return the tokens that end an answer: the model's, the tokenizer's and those of trained answers."""
    ends = model.generation_config.eos_token_id
    ends = ends if isinstance(ends, list) else [ends]
    special = set(tokenizer.get_added_vocab().values())
    trained = {ids[-1] for ids in answers if ids} & special
    return sorted({*ends, tokenizer.eos_token_id, *trained} - {None})

"""What the bundled base model knows: facts it completes, and sayings whose outcome it expects."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from transformers import LlamaForCausalLM, PreTrainedTokenizerFast

from data.make.corpus import WORLD_SEED
from data.make.lexicon import sentiment
from data.make.lexicon.phrase import render
from data.make.world.facts_said import NAMED
from data.make.world.people import build_world

_OUTCOMES = {
    "film": (" Anna liked the film very much.", " Anna did not like the film."),
    "product": (" Anna liked it very much.", " Anna did not like it."),
}


@dataclass(frozen=True, slots=True)
class Known:
    """How much of one relation is known.

    Parameters
    ----------
    share
        The share of the beginnings that are completed with exactly the right words.
    guess
        The share that always giving the most frequent answer would get.
    count
        How many beginnings were tried.
    """

    share: float
    guess: float
    count: int


@dataclass(frozen=True, slots=True)
class Understood:
    """How well the sayings about one subject are understood.

    Parameters
    ----------
    ranked
        The share of all pairs of a phrase of praise and one of blame in which the good outcome
        gains more from the praise (the area under the ROC curve).
    than_alone
        The share of the phrases after which the outcome that fits is the likelier one, of the two
        measured against how likely they are after no phrase.
    """

    ranked: float
    than_alone: float


@torch.no_grad()
def log_likelihoods(
    model: LlamaForCausalLM, tok: PreTrainedTokenizerFast, pairs: Sequence[tuple[str, str]]
) -> list[tuple[float, bool]]:
    """Score continuations.

    Parameters
    ----------
    model, tok
        What scores.
    pairs
        Beginnings, and what comes after each; a document's start is read before.

    Returns
    -------
    list of tuple of float and bool
        The log-likelihood of each continuation, and whether greedy decoding would write it.
    """
    scored = []
    for start in range(0, len(pairs), 64):
        chunk = pairs[start : start + 64]
        before = [[tok.eos_token_id, *tok(first)["input_ids"]] for first, _ in chunk]
        after = [tok(last)["input_ids"] for _, last in chunk]
        longest = max(len(a) + len(b) for a, b in zip(before, after, strict=True))
        ids = torch.full((len(chunk), longest), tok.pad_token_id)
        for row, (a, b) in enumerate(zip(before, after, strict=True)):
            ids[row, : len(a) + len(b)] = torch.tensor([*a, *b])
        logits = model(input_ids=ids).logits.log_softmax(-1)
        for row, (a, b) in enumerate(zip(before, after, strict=True)):
            there = logits[row, len(a) - 1 : len(a) + len(b) - 1]
            wanted = torch.tensor(b)
            likelihood = there.gather(-1, wanted[:, None]).sum().item()
            scored.append((likelihood, bool((there.argmax(-1) == wanted).all())))
    return scored


def facts_known(model: LlamaForCausalLM, tok: PreTrainedTokenizerFast) -> dict[str, Known]:
    """Complete every fact of the world.

    Parameters
    ----------
    model, tok
        What is asked.

    Returns
    -------
    dict of str to Known
        For each relation and for ``"all"``: every fact of the world begun ("Anna Green lives in")
        in all the frames that end with what is asked for, and completed greedily.
    """
    facts = build_world(WORLD_SEED).facts()
    relations, pairs = [], []
    for subject, relation, thing in facts:
        for frame in NAMED[relation]:
            if frame.endswith(" {o}."):
                start = frame.removesuffix(" {o}.").format(
                    n=subject, a_n=f"a {subject}", A_n=f"A {subject}"
                )
                # The article depends on the word, so these begin with the plain name only.
                if "{a_n}" not in frame and "{A_n}" not in frame:
                    relations.append(relation)
                    pairs.append((start, f" {thing}."))
    right: dict[str, list[bool]] = defaultdict(list)
    for relation, (_, greedy) in zip(relations, log_likelihoods(model, tok, pairs), strict=True):
        right[relation].append(greedy)
        right["all"].append(greedy)
    guess = {}
    for relation in right:
        answers = Counter(thing for _, said, thing in facts if relation in (said, "all"))
        guess[relation] = max(answers.values()) / sum(answers.values())
    return {
        name: Known(sum(told) / len(told), guess[name], len(told)) for name, told in right.items()
    }


def sayings_understood(
    model: LlamaForCausalLM, tok: PreTrainedTokenizerFast
) -> dict[str, Understood]:
    """Say each phrase of the sentiment lexicon, and compare two outcomes.

    Parameters
    ----------
    model, tok
        What is asked.

    Returns
    -------
    dict of str to Understood
        By subject.
    """
    pairs, keys = [], []
    for phrase in sentiment.PHRASES:
        if phrase.aspect in ("viewer", "buyer"):
            clause = f"Anna {render(phrase.text, 'she')}"
        else:
            clause = f"{sentiment.NOUNS[phrase.aspect][0]} {render(phrase.text, 'she')}"
        opening = "Anna went to the cinema." if phrase.subject == "film" else "Anna had a new one."
        for outcome in _OUTCOMES[phrase.subject]:
            pairs += [(f"{opening} {clause[0].upper()}{clause[1:]}.", outcome), (opening, outcome)]
        keys.append((phrase.subject, phrase.polarity))
    scored = [likelihood for likelihood, _ in log_likelihoods(model, tok, pairs)]
    leanings: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    for index, (subject, polarity) in enumerate(keys):
        good, good_alone, bad, bad_alone = scored[4 * index : 4 * index + 4]
        leanings[subject][polarity].append((good - good_alone) - (bad - bad_alone))
    understood = {}
    for subject, of in leanings.items():
        praise, blame = of["positive"], of["negative"]
        ranked = [one > other for one in praise for other in blame]
        fitting = [one > 0 for one in praise] + [one <= 0 for one in blame]
        understood[subject] = Understood(sum(ranked) / len(ranked), sum(fitting) / len(fitting))
    return understood


def nats_per_token(
    model: LlamaForCausalLM, tok: PreTrainedTokenizerFast, sentences: Sequence[str]
) -> float:
    """Return the nats per token that sentences cost; a blind guess costs log(vocabulary).

    Parameters
    ----------
    model, tok
        What is asked.
    sentences
        Each read at the start of a document.
    """
    scored = log_likelihoods(model, tok, [("", sentence) for sentence in sentences])
    tokens = sum(len(tok(sentence)["input_ids"]) for sentence in sentences)
    return -sum(likelihood for likelihood, _ in scored) / tokens


@torch.no_grad()
def continuations(
    model: LlamaForCausalLM, tok: PreTrainedTokenizerFast, starts: Sequence[str], length: int = 48
) -> list[str]:
    """Continue texts greedily, up to the end of the document.

    Parameters
    ----------
    model, tok
        What writes.
    starts
        The beginnings.
    length
        The most tokens to write.
    """
    written = []
    for start in starts:
        ids = torch.tensor([[tok.eos_token_id, *tok(start)["input_ids"]]])
        out = model.generate(
            ids, attention_mask=torch.ones_like(ids), do_sample=False, max_new_tokens=length
        )
        written.append(tok.decode(out[0, 1:], skip_special_tokens=True))
    return written

"""Pretrain the bundled base model, from the corpus to the model card.

Everything comes from seeds: the corpus, the tokenizer, the weights at the start and the order of
the batches. Run from the root of the repository; it takes little more than an hour on one core with
bfloat16 instructions, and goes on from its last checkpoint when it is started again::

    python -m data.make.pretrain
"""

from __future__ import annotations

import argparse
import json
import math
import os
import time
from itertools import islice
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

from data.make import corpus, tokenizer

SEED = 0
HELD_OUT_SEED = 1
FOLDER = Path(__file__).parents[1] / "village-3m"
BUILD = Path(__file__).parent / "build"
# How many documents are drawn for each part of the corpus.
DOCUMENTS = {"first": 450_000, "second": 450_000, "third": 200_000}
HELD_OUT = 1_000
BATCH, LENGTH = 16, 256
PEAK, FLOOR, WARMUP = 2e-3, 2e-5, 200
# The share of the steps, at the end, in which the rate falls; and in which texts are longer.
DECAY, LONG = 0.25, 0.05
# The share of the steps that read the third part of the corpus, in which the rate rises again, to
# `AGAIN`, and falls from there; and, of the steps before, the share that read the first part.
LAST, AGAIN = 2 / 17, 1e-3
TURN = 7 / 15


def new_model(seed: int = SEED) -> LlamaForCausalLM:
    """Draw the weights at the start."""
    torch.manual_seed(seed)
    return LlamaForCausalLM(
        LlamaConfig(
            vocab_size=tokenizer.VOCABULARY,
            hidden_size=256,
            intermediate_size=448,
            num_hidden_layers=4,
            num_attention_heads=4,
            num_key_value_heads=4,
            max_position_embeddings=tokenizer.LENGTH,
            tie_word_embeddings=True,
            pad_token_id=0,
            bos_token_id=1,
            eos_token_id=1,
            dtype="float32",
        )
    )


class Corpus(NamedTuple):
    """What there is to read.

    Parameters
    ----------
    tokenizer
        Learned on the first part.
    parts
        The tokens of each part.
    held_out
        Documents that training does not have, equally many of each part's kind.
    """

    tokenizer: PreTrainedTokenizerFast
    parts: list[np.ndarray]
    held_out: list[str]


def make_corpus(build: Path) -> Corpus:
    """Write the corpus and encode it, or read it where that was done before.

    Parameters
    ----------
    build
        Where it is kept.
    """
    kept = build / "held_out.json"
    if kept.exists():
        tok = PreTrainedTokenizerFast.from_pretrained(build / "tokenizer")
        # Keys of this loading, not of the tokenizer.
        for key in ("is_local", "local_files_only"):
            tok.init_kwargs.pop(key, None)
        parts = [np.load(build / f"{name}.npy") for name in DOCUMENTS]
        return Corpus(tok, parts, json.loads(kept.read_text(encoding="utf-8")))
    build.mkdir(parents=True, exist_ok=True)
    rows = corpus.bundled_rows()
    tok, hashes = None, set()
    all_shares = (corpus.FIRST, corpus.SECOND, corpus.THIRD)
    for (name, count), shares in zip(DOCUMENTS.items(), all_shares, strict=True):
        written = islice(corpus.documents(SEED, shares), count)
        texts = [text for text in written if not rows.inside(text)]
        tok = tok or tokenizer.learn(texts[:40_000])
        np.save(build / f"{name}.npy", _encode(texts, tok))
        hashes.update(map(hash, texts))
    held_out = [
        text
        for shares in all_shares
        for text in corpus.held_out(HELD_OUT_SEED, shares, HELD_OUT, hashes, rows)
    ]
    tok.save_pretrained(build / "tokenizer")
    kept.write_text(json.dumps(held_out), encoding="utf-8")
    return make_corpus(build)


def _encode(texts: list[str], tok: PreTrainedTokenizerFast) -> np.ndarray:
    parts = []
    for start in range(0, len(texts), 5_000):
        encoded = tok(texts[start : start + 5_000])["input_ids"]
        parts.append(np.array([i for ids in encoded for i in (*ids, tok.eos_token_id)], np.uint16))
    return np.concatenate(parts)


def turn(steps: int) -> int:
    """The step at which the third part begins, with the rate and the optimizer's averages anew.

    Examples
    --------
    >>> turn(6_800)
    6000
    """
    return round((1 - LAST) * steps)


def rate(step: int, steps: int) -> float:
    """The learning rate: a short rise, a long level stretch, a fall; then a rise and a long fall.

    Examples
    --------
    >>> rate(0, 1700) < rate(300, 1700) == rate(700, 1700) == PEAK
    True
    >>> math.isclose(rate(1500, 1700), AGAIN * (1 / 100)), math.isclose(rate(1700, 1700), FLOOR)
    (True, True)
    """
    first = turn(steps)
    if step >= first:
        rise, left = (step - first + 1) / (WARMUP / 2), (steps - step) / (steps - first)
        return min(AGAIN * rise, FLOOR + (AGAIN - FLOOR) * left)
    if step < WARMUP:
        return PEAK * (step + 1) / WARMUP
    fall = max(0.0, (step - (1 - DECAY) * first) / (DECAY * first))
    return PEAK - (PEAK - FLOOR) * fall


def batch(parts: list[np.ndarray], step: int, steps: int) -> torch.Tensor:
    """The batch of one step; it depends on the step alone, so that a run can be taken up again."""
    rng = np.random.default_rng([SEED, step])
    first = turn(steps)
    tokens = parts[2 if step >= first else int(step >= TURN * first)]
    end, whole = (steps, steps - first) if step >= first else (first, first)
    length = tokenizer.LENGTH if step >= end - LONG * whole else LENGTH
    starts = rng.integers(0, len(tokens) - length, BATCH * LENGTH // length)
    return torch.from_numpy(np.stack([tokens[s : s + length] for s in starts]).astype(np.int64))


def loss_of(model: LlamaForCausalLM, ids: torch.Tensor) -> torch.Tensor:
    """The mean loss of the next token."""
    with torch.autocast("cpu", dtype=torch.bfloat16):
        logits = model(input_ids=ids, use_cache=False).logits
    return torch.nn.functional.cross_entropy(
        logits[:, :-1].float().flatten(0, 1), ids[:, 1:].flatten()
    )


@torch.no_grad()
def perplexity(model: LlamaForCausalLM, tok: PreTrainedTokenizerFast, texts: list[str]) -> float:
    """The perplexity per token on documents, each read from its start.

    Parameters
    ----------
    model, tok
        What reads.
    texts
        The documents; each starts after the token that ends the one before, and ends with it.
    """
    total, count = 0.0, 0
    end = tok.eos_token_id
    for start in range(0, len(texts), 32):
        encoded = [[end, *ids, end] for ids in tok(texts[start : start + 32])["input_ids"]]
        longest = min(tokenizer.LENGTH, max(map(len, encoded)))
        ids = torch.full((len(encoded), longest), tok.pad_token_id)
        for row, tokens in enumerate(encoded):
            ids[row, : min(longest, len(tokens))] = torch.tensor(tokens[:longest])
        targets = ids[:, 1:].masked_fill(ids[:, 1:] == tok.pad_token_id, -100)
        logits = model(input_ids=ids).logits[:, :-1]
        total += torch.nn.functional.cross_entropy(
            logits.flatten(0, 1), targets.flatten(), reduction="sum"
        ).item()
        count += int((targets != -100).sum())
    return math.exp(total / count)


def save(model: LlamaForCausalLM, tok: PreTrainedTokenizerFast, folder: Path) -> None:
    """Write the model's folder."""
    model.generation_config.update(
        do_sample=False,
        max_new_tokens=40,
        eos_token_id=tok.eos_token_id,
        pad_token_id=tok.pad_token_id,
    )
    model.save_pretrained(folder)
    tok.save_pretrained(folder)


def new_optimizer(model: LlamaForCausalLM) -> torch.optim.AdamW:
    """AdamW, with weight decay on the matrices."""
    decayed = [p for p in model.parameters() if p.dim() > 1]
    others = [p for p in model.parameters() if p.dim() == 1]
    return torch.optim.AdamW(
        [{"params": decayed, "weight_decay": 0.1}, {"params": others, "weight_decay": 0.0}],
        lr=PEAK, betas=(0.9, 0.95), fused=True,
    )  # fmt: skip


def train(steps: int, every: int, folder: Path, build: Path, compiled: bool) -> None:
    """Train, from the last checkpoint if there is one.

    Parameters
    ----------
    steps
        How many steps in all.
    every
        A checkpoint after so many.
    folder
        Where the model goes.
    build
        Where the corpus, the checkpoint and the log go.
    compiled
        Whether to compile the step, which makes it faster and takes a C++ compiler.
    """
    tok, parts, held = make_corpus(build)
    # A few of each kind for the log.
    few = [text for index, text in enumerate(held) if index % HELD_OUT < 100]
    model = new_model()
    optimizer = new_optimizer(model)
    checkpoint, start = build / "checkpoint.pt", 0
    if checkpoint.exists():
        state = torch.load(checkpoint)
        model.load_state_dict(state["model"])
        optimizer.load_state_dict(state["optimizer"])
        start = state["step"]
    forward = torch.compile(loss_of, dynamic=False) if compiled else loss_of
    begun, seen = time.time(), 0
    with (build / "log.jsonl").open("a", encoding="utf-8") as log:
        for step in range(start, steps):
            if step == turn(steps):
                optimizer = new_optimizer(model)
            for group in optimizer.param_groups:
                group["lr"] = rate(step, steps)
            ids = batch(parts, step, steps)
            loss = forward(model, ids)
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
            seen += ids.numel()
            done = step + 1
            if done % 50 == 0:
                line = {"step": done, "loss": round(loss.item(), 4), "rate": rate(step, steps),
                        "tokens_per_s": round(seen / (time.time() - begun))}  # fmt: skip
                log.write(json.dumps(line) + "\n")
            if done % every == 0 or done == steps:
                line = {"step": done, "held_out_perplexity": perplexity(model, tok, few)}
                log.write(json.dumps(line) + "\n")
                state = {"model": model.state_dict(), "optimizer": optimizer.state_dict()}
                torch.save(state | {"step": done}, checkpoint.with_suffix(".new"))
                os.replace(checkpoint.with_suffix(".new"), checkpoint)
                save(model, tok, folder)
            log.flush()


def main() -> None:
    """Train from the command line."""
    parser = argparse.ArgumentParser(description="Pretrain the bundled base model.")
    parser.add_argument("--steps", type=int, default=6_800)
    parser.add_argument("--every", type=int, default=500, help="a checkpoint after so many steps")
    parser.add_argument("--out", type=Path, default=FOLDER)
    parser.add_argument("--build", type=Path, default=BUILD)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--no-compile", dest="compiled", action="store_false")
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    train(args.steps, args.every, args.out, args.build, args.compiled)


if __name__ == "__main__":
    main()

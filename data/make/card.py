"""Write the model card of the bundled base model, with figures measured on its final weights."""

from __future__ import annotations

import argparse
import json
import math
from pathlib import Path

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from data.make import pretrain
from data.make.corpus import FIRST, SECOND, THIRD
from data.make.measure import (
    continuations,
    facts_known,
    nats_per_token,
    sayings_understood,
)
from data.make.plain_tests import BEFORE_GRAMMAR, BEYOND_FRAMES
from data.make.tokenizer import LENGTH
from data.make.world.counter import Counter
from data.make.world.echoes import Echoes
from data.make.world.lives import Lives
from data.make.world.plain import Plain
from data.make.world.tales import Tales
from data.make.world.verdicts import Verdicts

STARTS = (
    "One morning",
    "Anna Green lives in",
    "Tom Dale is",
    "The film was far from",
    '"The parcel rattled and now I know why," said Clara.',
    "The second hour crawled like a snail.",
    "If you want to make tea,",
    "Four and five make",
    "Dear Peter,",
    "The old woman opened",
    "Because it was cold,",
    "Where is",
    "<|user|> Good evening.<|end|><|assistant|>",
    "<|user|> Where does Anna Green live?<|end|><|assistant|>",
)
_WHAT = {
    "street": "the street somebody lives in", "age": "ages", "job": "jobs",
    "workplace": "places of work", "friend": "best friends", "pet": "kinds of pet",
    "pet_name": "names of pets", "food": "favourite foods", "hobby": "hobbies",
    "birthday": "months of birth", "price": "prices", "keeper": "who runs a place",
    "opens": "when a place opens",
}  # fmt: skip

_CARD = """---
license: apache-2.0
language: en
library_name: transformers
pipeline_tag: text-generation
model_name: village-3m
tags: [llama, from-scratch, synthetic, tiny]
---

# village-3m

A causal language model of {parameters:,} parameters, pretrained from nothing on text that this
project generates about one small place: Otterbeck, its 48 people, their animals, its 16 shops and
what they sell. It is here so that one can adapt a *pretrained* model in seconds on a laptop,
without a download. It is a model to learn with, not to rely on.

## Figures

All are measured on the weights in this folder by `python -m data.make.card`.

| | village-3m | same shape, random weights |
|---|---|---|
| perplexity per token on {held:,} held-out documents | {perplexity:.2f} | {random_perplexity:,.0f} |
| facts completed word for word | {known:.1%} | {random_known:.1%} |
| sayings about films: praise told from blame | {film.ranked:.1%} | {random_film.ranked:.1%} |
| sayings about things bought: praise told from blame | {product.ranked:.1%} | {random_product.ranked:.1%} |
| nats per token of 10 plain sentences | {beyond:.2f} | {random_beyond:.2f} |
| nats per token of 20 more | {before:.2f} | {random_before:.2f} |

- **Perplexity.** Held-out documents come from the same generators with another seed; documents that
  training has too are left out. A guess among all tokens would have a perplexity of {vocabulary:,}.
  The figure is low because most of the texts are made from a few hundred frames: it says how well
  the model knows this language, and nothing about English at large.
- **Facts.** {facts:,} beginnings such as "Anna Green lives in", each completed greedily. The model
  has read all of these facts in training, in many words; this is memory. Some of the beginnings have
  more than one true end ("Anna Green is"), which counts as wrong here.

  | relation | right | most frequent answer |
  |---|---|---|
{relations}

- **Sayings.** Of a phrase of praise and one of blame, such as "the plot was as thin as soup made
  from one bone", after which is "Anna liked the film very much" the likelier, measured against
  "Anna did not like the film"? All such pairs are tried (the area under the ROC curve); a coin would
  get half. A zero point is harder to say: with that of a text without any phrase, {film.than_alone:.1%} of the
  phrases about films and {product.than_alone:.1%} of those about things bought lean to the right side.
- **Plain sentences.** Two lists in `data/make/plain_tests.py`, such as "{example}"
  The ten, in words of the corpus, were chosen to show what the model did not know; the twenty were
  written down before the grammar of the plain English was. No document holds any of them. A blind
  guess costs {blind:.2f} nats.

## What it writes

Greedy continuations, unedited; the beginning is in bold.

{samples}

It has never been asked a question about its world in the form of a chat, so the last one is
what an adaptation has to teach it.

## Use

```python
from transformers import AutoModelForCausalLM, AutoTokenizer

model = AutoModelForCausalLM.from_pretrained("data/village-3m")
tokenizer = AutoTokenizer.from_pretrained("data/village-3m")
```

## Architecture

Llama: {layers} layers, width {width}, {heads} heads, feed-forward width {inner}, tied embeddings,
float32, {size:.1f} MB. Contexts up to {length} tokens. The tokenizer is a byte-level BPE of
{vocabulary:,} tokens learned on the corpus, so that any text can be encoded. A conversation is
written `<|user|> Hello.<|end|><|assistant|> Good day.<|end|>`; `<|end|>` also ends a document.

## Training data

{documents:,} documents were drawn, and those that held a row of a bundled data set left out: {tokens:.1f}
million tokens, all written by the programs in `data/make/world`; no text from outside was used. There are three parts, read one after the other: the
first in {first:,} steps, the second in {second:,}, the third in {third:,}. By number of documents:

| | first part | second part | third part |
|---|---|---|---|
{shares}

- *Facts* of the world in several hundred sentence frames, from both ends of each fact.
- *Judgements* of films and things bought, with what came of them.
- *Echoes*: a judgement in a sentence, and what a friend said to it at once.
- *Customers* of the village shop, with what was done about their trouble.
- *Everyday tales*: stories, letters, notices, dialogues, small sums, how-tos, and a little small
  talk in the chat template, with no fact of the world in it.
- *Plain English*: sentences and paragraphs that a small grammar composes from some two hundred
  things to do and several hundred nouns and adjectives, in tenses that agree, with reasons,
  conditions, comparisons, relative clauses, questions and direct speech. It makes little
  sense, and hardly two are alike.

**What it shares with the bundled data sets.** The reviews and the support messages are built from
the same lexicons of phrases (`data/make/lexicon`), held-out phrases of the test splits included: the
corpus tells them in other sentences, followed by replies and consequences, and never names a
label. That is what makes the model's pretraining useful for them. The questions of `village-qa` ask
for facts that the corpus states. No document holds a whole text or prompt of a bundled data set.

## Training

{steps:,} steps of {batch:,} tokens ({seen:.1f} million), AdamW (0.9, 0.95), weight decay 0.1, peak
rate {peak:g} after {warmup} steps, level until the last {decay:.0%} of the first {before_third:,} steps, then
falling in a straight line; at the third part AdamW starts anew, with a rate of {again:g} that falls
to the end; texts of {train_length} tokens, of {length} in the last {long:.0%} of the steps before the third
part and of its own; bfloat16 autocast on one CPU core. Seed {seed}. Again from nothing, in little more than
an hour:

```
python -m data.make.pretrain --build build/village --out build/village/model
python -m data.make.card --build build/village --model build/village/model
```

Held-out perplexity on the way, on 300 of the held-out documents, a third of each part's kind:

| step | perplexity |
|---|---|
{course}

Text, tokenizer and order of batches come out the same everywhere; weights only up to the rounding
of the machine.

## Limits

It knows no world but Otterbeck and about two and a half thousand words. It writes mostly
grammatical sentences about them, few of which are wise; over more than a few of them it loses the
thread or repeats itself, and sums are unreliable. The people are invented, and their jobs were drawn without regard to gender.
Not fit for any use but teaching, testing and comparing.
"""


def card(folder: Path, build: Path) -> str:
    """Measure the model in `folder`, and write its card.

    Parameters
    ----------
    folder
        The model.
    build
        Where `pretrain` left the held-out documents and its log.

    Returns
    -------
    str
        Markdown with the Hub's front matter.
    """
    model = AutoModelForCausalLM.from_pretrained(folder).eval()
    tok = AutoTokenizer.from_pretrained(folder)
    random_model = pretrain.new_model().eval()
    _, parts, held = pretrain.make_corpus(build)
    known, random_known = facts_known(model, tok), facts_known(random_model, tok)
    said, random_said = sayings_understood(model, tok), sayings_understood(random_model, tok)
    config = model.config
    steps, course = _course(build / "log.jsonl")
    before_third = pretrain.turn(steps)
    first = math.ceil(pretrain.TURN * before_third)
    seen = steps * pretrain.BATCH * pretrain.LENGTH
    return _CARD.format(
        parameters=model.num_parameters(),
        held=len(held),
        perplexity=pretrain.perplexity(model, tok, held),
        random_perplexity=pretrain.perplexity(random_model, tok, held[:200]),
        known=known["all"].share,
        random_known=random_known["all"].share,
        film=said["film"],
        product=said["product"],
        random_film=random_said["film"],
        random_product=random_said["product"],
        facts=known["all"].count,
        relations="\n".join(
            f"  | {what} | {known[name].share:.1%} | {known[name].guess:.1%} |"
            for name, what in _WHAT.items()
        ),
        samples="\n".join(_samples(model, tok)),
        vocabulary=len(tok),
        beyond=nats_per_token(model, tok, BEYOND_FRAMES),
        before=nats_per_token(model, tok, BEFORE_GRAMMAR),
        random_beyond=nats_per_token(random_model, tok, BEYOND_FRAMES),
        random_before=nats_per_token(random_model, tok, BEFORE_GRAMMAR),
        example=BEYOND_FRAMES[5],
        blind=math.log(len(tok)),
        layers=config.num_hidden_layers,
        width=config.hidden_size,
        heads=config.num_attention_heads,
        inner=config.intermediate_size,
        size=(folder / "model.safetensors").stat().st_size / 1e6,
        length=LENGTH,
        documents=sum(pretrain.DOCUMENTS.values()),
        tokens=sum(map(len, parts)) / 1e6,
        first=first,
        second=before_third - first,
        third=steps - before_third,
        before_third=before_third,
        again=pretrain.AGAIN,
        shares=_shares(),
        steps=steps,
        batch=pretrain.BATCH * pretrain.LENGTH,
        seen=seen / 1e6,
        peak=pretrain.PEAK,
        warmup=pretrain.WARMUP,
        decay=pretrain.DECAY,
        train_length=pretrain.LENGTH,
        long=pretrain.LONG,
        seed=pretrain.SEED,
        course="\n".join(f"| {step:,} | {value:.2f} |" for step, value in course),
    )


def _samples(model, tok) -> list[str]:
    lines = []
    for start, text in zip(STARTS, continuations(model, tok, STARTS), strict=True):
        plain = tok.decode(tok(start)["input_ids"], skip_special_tokens=True)
        rest = text[len(plain) :].replace("\n", " / ")
        shown = start.replace("<", "\\<")
        lines.append(f"- **{shown}**{rest}")
    return lines


def _shares() -> str:
    names = {
        Lives: "facts",
        Verdicts: "judgements",
        Echoes: "echoes",
        Counter: "customers",
        Tales: "everyday tales",
        Plain: "plain English",
    }
    return "\n".join(
        f"| {name} | "
        + " | ".join(f"{s.get(writer, 0):.0%}" for s in (FIRST, SECOND, THIRD))
        + " |"
        for writer, name in names.items()
    )


def _course(log: Path) -> tuple[int, list[tuple[int, float]]]:
    """The last step, and the perplexities on the way: each step once, the last that was logged."""
    lines = [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()]
    key = "held_out_perplexity"
    found = {line["step"]: line[key] for line in lines if key in line}
    steps = sorted(found)
    # Every other one where there are many.
    shown = steps[::-2][::-1] if len(steps) > 8 else steps
    return steps[-1], [(step, found[step]) for step in shown]


def main() -> None:
    """Write the card from the command line."""
    parser = argparse.ArgumentParser(description="Write the card of the bundled base model.")
    parser.add_argument("--model", type=Path, default=pretrain.FOLDER)
    parser.add_argument("--build", type=Path, default=pretrain.BUILD)
    args = parser.parse_args()
    torch.set_num_threads(1)
    text = card(args.model, args.build)
    (args.model / "README.md").write_text(text, encoding="utf-8", newline="\n")


if __name__ == "__main__":
    main()

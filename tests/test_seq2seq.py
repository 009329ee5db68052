"""Turning one text into another with an encoder-decoder: what is learnt, written and scored."""

from __future__ import annotations

import json

import pytest
import torch
import transformers

import workbench as wb
from tests.serving import serving
from workbench.errors import ModelError, RecipeError
from workbench.sources.models import describe
from workbench.training.adaptation.base_model import skeleton
from workbench.training.adaptation.heads import head_modules
from workbench.training.evaluate import evaluate_generation, evaluation
from workbench.training.inputs.collate import collate_sources, collate_tokens
from workbench.training.inputs.tokenize import encode_seq2seq
from workbench.training.inspection.skeleton import count
from workbench.training.resolve import resolve

MODELS = ["tiny_t5", "tiny_bart"]


@pytest.fixture
def rows(tmp_path):
    path = tmp_path / "rows.jsonl"
    written = [
        {"prompt": f"what is the colour of {thing}" + " now" * (i % 3), "completion": colour}
        for i in range(12)
        for thing, colour in (("grass", "green"), ("snow", "white"), ("soot", "black as night"))
    ]
    path.write_text("".join(json.dumps(row) + "\n" for row in written))
    return str(path)


@pytest.fixture(params=MODELS)
def model(request):
    return str(request.getfixturevalue(request.param))


def recipe_for(model, data, technique="lora", **changes):
    settings = {
        "per_device_train_batch_size": 4,
        "max_steps": 3,
        "max_new_tokens": 4,
        "task": "seq2seq",
    }
    return wb.Recipe(model=str(model), data=data, technique=technique, **{**settings, **changes})


def encoded(model, rows, max_length=64):
    tokenizer = transformers.AutoTokenizer.from_pretrained(model)
    settings = {"prompt_column": "prompt", "completion_column": "completion"}
    return tokenizer, encode_seq2seq(rows, tokenizer, **settings, max_length=max_length)


def test_the_encoder_reads_the_prompt_and_the_decoder_writes_the_answer(model):
    rows = [{"prompt": "who is it?", "completion": " Tom "}]
    tokenizer, (row,) = encoded(model, rows)
    assert tokenizer.decode(row["input_ids"], skip_special_tokens=True) == "who is it?"
    assert tokenizer.decode(row["labels"], skip_special_tokens=True) == " Tom "
    assert row["labels"][-1] == tokenizer.eos_token_id
    assert row["answer_ids"] == row["labels"]


@pytest.mark.parametrize("length", [1, 2, 8])
def test_what_is_too_long_loses_its_end(model, length):
    rows = [{"prompt": "very " * 50, "completion": "much " * 50}]
    _, (row,) = encoded(model, rows, length)
    _, (whole,) = encoded(model, rows, 10_000)
    for key in ("input_ids", "labels"):
        assert row[key] == whole[key][:length]


def test_both_sides_are_padded_by_themselves(model):
    texts = [("a", "x y z and more"), ("a much longer prompt", "x")]
    rows = [{"prompt": prompt, "completion": answer} for prompt, answer in texts]
    _, both = encoded(model, rows)
    batch, asked = collate_tokens(both, 0), collate_sources(both, 0)
    for row, ids, mask, labels in zip(both, *batch.values(), strict=True):
        assert ids[mask.bool()].tolist() == row["input_ids"]
        assert labels[labels != -100].tolist() == row["labels"]
    assert torch.equal(asked["input_ids"], batch["input_ids"])
    assert torch.equal(asked["attention_mask"], batch["attention_mask"])
    assert asked["answers"] == [row["labels"] for row in both]


@pytest.mark.parametrize("technique", serving("seq2seq"))
def test_every_technique_turns_texts_into_others(technique, model, rows, tmp_path):
    recipe = recipe_for(model, rows, technique)
    if technique == "bitfit" and "t5" in model:
        with pytest.raises(ModelError, match="BitFit finds none in T5ForConditional"):
            count(recipe)
        return
    run = wb.train(recipe, tmp_path / "runs", progress=False)
    assert count(recipe) == run.parameters
    assert len(set(run.losses)) == 3
    assert {"loss", "exact_match"} <= set(run.evaluations[-1])


def test_an_answer_learnt_by_heart_is_found(model, tmp_path):
    path = tmp_path / "one.jsonl"
    path.write_text(json.dumps({"prompt": "who?", "completion": "it is Tom"}) + "\n")
    recipe = recipe_for(
        model,
        str(path),
        "full",
        eval_data=str(path),
        learning_rate=1e-2,
        max_steps=40,
        eval_steps=40,
        max_new_tokens=16,
        eval_on_start=True,
    )
    first, last = wb.train(recipe, tmp_path / "runs", progress=False).evaluations
    assert (first["exact_match"], last["exact_match"]) == (0.0, 1.0)


class Speaks(torch.nn.Module):
    """Writes the answers it was made with."""

    def __init__(self, ids):
        super().__init__()
        self.ids = ids

    def forward(self, labels, **_):
        return transformers.modeling_outputs.Seq2SeqLMOutput(loss=torch.tensor(0.5))

    def generate(self, **asked):
        return self.ids

    generation_config = transformers.GenerationConfig()


def test_generated_answers_are_compared_as_texts(tiny_t5):
    rows = [{"prompt": "a", "completion": "yes "}, {"prompt": "b", "completion": "no"}]
    tokenizer, both = encoded(str(tiny_t5), rows)
    said = tokenizer(["yes", "on"])["input_ids"]
    width = max(map(len, said))
    start = tokenizer.pad_token_id
    ids = torch.tensor([[start, *one, *[start] * (width - len(one))] for one in said])
    batches, prompts = [collate_tokens(both, 0)], [collate_sources(both, 0)]
    evaluator = evaluate_generation(Speaks(ids), batches, prompts, tokenizer, 4, False)
    *_, last = evaluation(evaluator, 2, 7)
    assert (last["exact_match"], last["loss"], last["step"]) == (0.5, 0.5, 7)


def test_summarizers_settings_do_not_reach_the_answers(tiny_bart, rows, tmp_path):
    folder = tmp_path / "summarizer"
    model = transformers.AutoModelForSeq2SeqLM.from_pretrained(str(tiny_bart))
    plain = wb.train(recipe_for(tiny_bart, rows), tmp_path / "runs", progress=False)
    model.generation_config.update(num_beams=4, min_length=56, max_length=142)
    model.save_pretrained(folder)
    transformers.AutoTokenizer.from_pretrained(str(tiny_bart)).save_pretrained(folder)
    run = wb.train(recipe_for(folder, rows), tmp_path / "runs", progress=False)
    assert run.losses == plain.losses
    assert run.evaluations[-1]["exact_match"] == plain.evaluations[-1]["exact_match"]


def test_t5_has_no_fixed_context_and_bart_has(tiny_t5, tiny_bart, rows):
    assert describe.facts(tiny_t5).context is None
    assert resolve(recipe_for(tiny_t5, rows)).plan.max_length == 512
    assert resolve(recipe_for(tiny_t5, rows, max_length=2048)).plan.max_length == 2048
    prompted = recipe_for(tiny_t5, rows, "prompt_tuning", technique_args={"num_virtual_tokens": 12})
    assert resolve(prompted).plan.max_length == 500
    assert resolve(recipe_for(tiny_bart, rows)).plan.max_length == 64
    with pytest.raises(RecipeError, match="max_length must be at most 64, but is 2048"):
        resolve(recipe_for(tiny_bart, rows, max_length=2048))


def test_the_heads_are_the_output_layers(tiny_t5, tiny_bart):
    for folder in (tiny_t5, tiny_bart):
        assert head_modules(skeleton(str(folder), "AutoModelForSeq2SeqLM", None, False)) == (
            "lm_head",
        )


def test_only_encoder_decoders_turn_texts_into_others(tiny_llama, tiny_bert, tiny_t5, rows):
    for folder, kind in ((tiny_llama, "a causal language model"), (tiny_bert, "an encoder")):
        said = f"but is 'seq2seq': it is {kind}, and 'seq2seq' takes an encoder-decoder"
        with pytest.raises(RecipeError, match=said):
            resolve(recipe_for(folder, rows))
    with pytest.raises(RecipeError, match="task must be 'seq2seq' with .*it is an encoder-decoder"):
        resolve(recipe_for(tiny_t5, rows, task="instruct"))

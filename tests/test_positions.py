"""A prediction does not depend on the batch in which its row stands, whatever it is padded with."""

from __future__ import annotations

from inspect import signature

import pytest
import torch
import transformers
from transformers.models.auto import modeling_auto

from workbench.training.inputs.collate import collate_left
from workbench.training.inspection.compatibility.tiny_config import shrink
from workbench.training.speedups.settings import use_mask_positions

FAST = [
    "biogpt",
    "bloom",
    "ctrl",
    "gpt2",
    "gpt_bigcode",
    "gpt_neo",
    "gpt_neox",
    "gptj",
    "llama",
    "mpt",
    "openai-gpt",
    "opt",
    "qwen2",
    "qwen3",
]
CAUSAL = modeling_auto.MODEL_FOR_CAUSAL_LM_MAPPING_NAMES
MASKED = modeling_auto.MODEL_FOR_MASKED_LM_MAPPING_NAMES
CLASSIFIERS = modeling_auto.MODEL_FOR_SEQUENCE_CLASSIFICATION_MAPPING_NAMES
# Small ones cannot be made by division, or read a cache or an end of text that these rows lack.
NOT_SHRUNK = {
    "bigbird_pegasus",
    "cohere_compass_text",
    "deepseek_v2",
    "hunyuan_v1_dense",
    "hunyuan_v1_moe",
    "jamba",
    "ministral",
    "nemotron",
    "plbart",
    "qwen3_5",
    "zamba",
    "zamba2",
}
DECODERS = sorted(CLASSIFIERS.keys() & CAUSAL.keys() - MASKED.keys() - NOT_SHRUNK)
# So wide weights make wide roundings: GLM-4's is 7e-4 here, and under 1e-4 in double precision.
TOLERANCE = 1e-3
LENGTHS = (3, 11, 6, 8)


def rows(vocabulary, seed=0):
    draw = torch.Generator().manual_seed(seed)
    return [
        {"input_ids": torch.randint(5, vocabulary, (length,), generator=draw).tolist(), "labels": 0}
        for length in LENGTHS
    ]


def classifier(kind):
    """A small classifier of random weights, large enough for positions to matter."""
    config = shrink(transformers.AutoConfig.for_model(kind))
    config.pad_token_id, config.num_labels = 0, 3
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = transformers.AutoModelForSequenceClassification.from_config(config).eval()
        for parameter in model.parameters():
            if parameter.dim() > 1:
                parameter.data = torch.randn_like(parameter) * 0.2
    return model


def shift(model, batch_of, data):
    """How far the logits of rows move when they are read alone."""
    with torch.no_grad():
        together = model(**batch_of(data)).logits
        alone = torch.cat([model(**batch_of([row])).logits for row in data])
    assert together.std(0).max() > 1e-3
    return float((together - alone).abs().max())


def batch_of(data):
    return collate_left(data, 0)


@pytest.mark.parametrize(
    "kind", [pytest.param(k, marks=[] if k in FAST else pytest.mark.slow) for k in DECODERS]
)
def test_a_row_has_the_same_logits_alone_and_padded(kind):
    model = classifier(kind)
    if "position_ids" in signature(model.forward).parameters:
        use_mask_positions(model)
    vocabulary = min(model.config.get_text_config().vocab_size, 90)
    assert shift(model, batch_of, rows(vocabulary)) < TOLERANCE


def test_without_positions_gpt2_depends_on_the_batch():
    assert shift(classifier("gpt2"), batch_of, rows(90)) > 1e-2


@pytest.mark.parametrize(("name", "told"), [("gpt2", True), ("llama", False)])
def test_only_bases_that_count_absolute_positions_are_told_them(name, told):
    from tests.tiny import ARCHITECTURES
    from workbench import Recipe
    from workbench.training.inputs.limits import counts_positions

    assert counts_positions(Recipe(task="classify"), ARCHITECTURES[name]()) is told

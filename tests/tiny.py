"""A tiny model of random weights for each architecture, with a batch that it can learn.

What holds for a technique must hold on every architecture: tests run over ``ARCHITECTURES``.
"""

from __future__ import annotations

import functools

import torch
import transformers

VOCAB, LABELS = 96, 3
TOKENS = {"vocab_size": VOCAB, "pad_token_id": 0, "bos_token_id": 1, "eos_token_id": 2}
# Weights wide enough for hidden states of the size that pretrained models have: with the usual 0.02 so
# small a model passes next to nothing through its blocks, and nothing in them can be learnt.
STD = 0.2
SIZES = {
    "initializer_range": STD,
    "hidden_size": 32,
    "intermediate_size": 64,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
}
TEXT = {**TOKENS, **SIZES, "max_position_embeddings": 64}


def _build(config: str, model: str, **settings) -> transformers.PreTrainedModel:
    """Build a model with the same weights each time, leaving the generator as it was."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return getattr(transformers, model)(getattr(transformers, config)(**settings)).eval()


def _named(prefix: str, task: str, /, **settings):
    return functools.partial(_build, f"{prefix}Config", f"{prefix}For{task}", **settings)


def _causal(prefix: str, **settings):
    return _named(prefix, "CausalLM", **TEXT, **settings)


def _encoder(prefix: str, **settings):
    return _named(prefix, "SequenceClassification", **TEXT, num_labels=LABELS, **settings)


# Each builder returns a model for the architecture's natural task, in evaluation mode.
ARCHITECTURES = {
    "llama": _causal("Llama", num_key_value_heads=2),
    # Heads wider than the hidden state, as in the larger models of both families.
    "qwen3": _causal("Qwen3", num_key_value_heads=2, head_dim=16),
    "gemma": _causal("Gemma", num_key_value_heads=1, head_dim=16),
    "mistral": _causal("Mistral", num_key_value_heads=2),
    "phi": _causal("Phi"),
    "gpt-neox": _causal("GPTNeoX"),
    "gpt2": functools.partial(
        _build,
        "GPT2Config",
        "GPT2LMHeadModel",
        **TOKENS,
        initializer_range=STD,
        n_embd=32,
        n_inner=64,
        n_layer=2,
        n_head=4,
        n_positions=64,
    ),
    "opt": _named(
        "OPT",
        "CausalLM",
        **TOKENS,
        init_std=STD,
        hidden_size=32,
        word_embed_proj_dim=32,
        ffn_dim=64,
        num_hidden_layers=2,
        num_attention_heads=4,
        max_position_embeddings=64,
    ),
    "bert": _encoder("Bert"),
    "roberta": _encoder("Roberta"),
    "electra": _encoder("Electra", embedding_size=16),
    "deberta-v2": _encoder(
        "DebertaV2", relative_attention=True, pos_att_type=["p2c", "c2p"], type_vocab_size=0
    ),
    "modernbert": _encoder("ModernBert", cls_token_id=1, sep_token_id=2),
    "distilbert": _named(
        "DistilBert",
        "SequenceClassification",
        **TOKENS,
        initializer_range=STD,
        dim=32,
        hidden_dim=64,
        n_layers=2,
        n_heads=4,
        max_position_embeddings=64,
        num_labels=LABELS,
    ),
    "t5": functools.partial(
        _build,
        "T5Config",
        "T5ForConditionalGeneration",
        **TOKENS,
        d_model=32,
        d_ff=64,
        d_kv=8,
        num_layers=2,
        num_heads=4,
        decoder_start_token_id=0,
    ),
    "bart": _named(
        "Bart",
        "ConditionalGeneration",
        **TOKENS,
        init_std=STD,
        d_model=32,
        encoder_layers=2,
        decoder_layers=2,
        encoder_ffn_dim=64,
        decoder_ffn_dim=64,
        encoder_attention_heads=4,
        decoder_attention_heads=4,
        max_position_embeddings=64,
        decoder_start_token_id=2,
        forced_eos_token_id=2,
    ),
    "vit": _named(
        "ViT", "ImageClassification", **SIZES, image_size=16, patch_size=8, num_labels=LABELS
    ),
}


def inputs_for(model, rows: int = 4, length: int = 10) -> dict[str, torch.Tensor]:
    """Return a batch with labels for one of these models, adapted or not: the same each time.

    Parameters
    ----------
    model : torch.nn.Module
    rows, length : int
        Examples, and tokens in each.
    """
    draw = torch.Generator().manual_seed(1)
    kind = type(model.get_base_model() if hasattr(model, "get_base_model") else model).__name__
    labels = torch.arange(rows) % LABELS
    if kind.endswith("ImageClassification"):
        return {"pixel_values": torch.randn(rows, 3, 16, 16, generator=draw), "labels": labels}
    # From 3 on: none of the special tokens.
    tokens = torch.randint(3, VOCAB, (rows, length), generator=draw)
    batch = {"input_ids": tokens, "attention_mask": torch.ones_like(tokens)}
    if kind.endswith("SequenceClassification"):
        return {**batch, "labels": labels}
    if model.config.is_encoder_decoder:
        # To be copied: the first half.
        return {**batch, "labels": tokens[:, : length // 2].clone()}
    return {**batch, "labels": tokens.clone()}

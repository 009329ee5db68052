"""A small model of a large one's architecture: fewer layers, thinner, with the same parts."""

from __future__ import annotations

import copy
from typing import Any

import transformers

LAYERS = 2
VOCABULARY = 1024
_LAYERS = (
    "num_hidden_layers",
    "num_layers",
    "num_decoder_layers",
    "encoder_layers",
    "decoder_layers",
    "n_layer",
    "n_layers",
)
_HEADS = (
    "num_attention_heads",
    "num_key_value_heads",
    "num_heads",
    "encoder_attention_heads",
    "decoder_attention_heads",
    "n_head",
    "n_heads",
)
_WIDTHS = (
    "hidden_size",
    "intermediate_size",
    "embedding_size",
    "word_embed_proj_dim",
    "d_model",
    "d_ff",
    "dim",
    "hidden_dim",
    "ffn_dim",
    "encoder_ffn_dim",
    "decoder_ffn_dim",
    "n_embd",
    "n_inner",
    "pooler_hidden_size",
)


def shrink(config: transformers.PreTrainedConfig) -> transformers.PreTrainedConfig:
    """Return the config of a small model of the same architecture.

    Every width is divided by one number, which divides the numbers of heads too: so heads keep
    their size, and queries, keys and values their ratios.

    Examples
    --------
    >>> small = shrink(transformers.LlamaConfig(num_key_value_heads=8))
    >>> small.num_hidden_layers, small.num_attention_heads, small.num_key_value_heads
    (2, 4, 1)
    >>> small.hidden_size, small.intermediate_size
    (512, 1376)
    """
    small = copy.deepcopy(config)
    for name in config.sub_configs:
        if (part := getattr(small, name, None)) is not None:
            setattr(small, name, shrink(part))
    factor = _factor(small)
    layers = {name: getattr(small, name) for name in _LAYERS if _is_size(small, name)}
    for name in _named(small, (*_HEADS, *_WIDTHS)):
        setattr(small, name, getattr(small, name) // factor)
    for name in _named(small, tuple(layers)):
        setattr(small, name, min(getattr(small, name), LAYERS))
    if _is_size(small, "vocab_size"):
        small.vocab_size = min(small.vocab_size, VOCABULARY)
    words = small if _is_size(small, "vocab_size") else small.get_text_config(decoder=True)
    vocabulary = getattr(words, "vocab_size", None)
    for name, value in vars(small).items():
        if name.endswith("_token_id") and isinstance(value, int) and vocabulary is not None:
            setattr(small, name, min(value, vocabulary - 1))
        elif isinstance(value, list) and len(value) > LAYERS and len(value) in layers.values():
            setattr(small, name, _some(value))  # such as the kind of each layer
    return small


def _some(each: list[Any]) -> list[Any]:
    """Choose from a list with an entry for each layer; two kinds of layers stay two."""
    other = next((entry for entry in each if entry != each[0]), each[0])
    return [each[0], other][:LAYERS]


def _factor(config: transformers.PreTrainedConfig) -> int:
    """Return the largest power of two that divides all widths and leaves two heads or more."""
    heads = [getattr(config, name) for name in _named(config, _HEADS)]
    widths = [getattr(config, name) for name in _named(config, _WIDTHS)]
    factor = 1
    while (
        heads
        and max(heads) // (2 * factor) >= 2
        and all(number % (2 * factor) == 0 for number in [*heads, *widths])
    ):
        factor *= 2
    return factor


def _named(config: transformers.PreTrainedConfig, names: tuple[str, ...]) -> list[str]:
    """Return which of these names the config has, each setting once, under its own name."""
    known = config.attribute_map
    own = dict.fromkeys(known.get(name, name) for name in names)
    return [name for name in own if _is_size(config, name)]


def _is_size(config: transformers.PreTrainedConfig, name: str) -> bool:
    value = getattr(config, name, None)
    return isinstance(value, int) and not isinstance(value, bool) and value > 0

"""What a model's config.json says, whatever words each architecture has for it."""

from __future__ import annotations

import functools
import importlib.util
import re
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

ENCODERS = ("bert", "electra", "mpnet", "xlnet", "deberta", "longformer", "big_bird", "ernie")
OFFSET = ("roberta", "xlm-roberta", "camembert", "longformer", "mpnet", "roberta-prelayernorm")


def context_length(config: Mapping[str, Any]) -> int | None:
    """Return how many tokens a model can read at once, or None if its config sets no limit.

    Examples
    --------
    >>> context_length({"model_type": "bert", "max_position_embeddings": 512})
    512
    >>> context_length(
    ...     {"model_type": "roberta", "max_position_embeddings": 514, "pad_token_id": 1}
    ... )
    512
    """
    if "relative_attention_num_buckets" in config and config.get("is_encoder_decoder"):
        return None  # T5 and its kin count distances, so n_positions binds nobody
    positions = first(config, "max_position_embeddings", "n_positions", "max_seq_len")
    if positions is None or config.get("model_type") not in OFFSET:
        return positions
    # These number a text's tokens from the one after the padding token.
    padding = config.get("pad_token_id")
    return max(1, positions - 1 - (padding if type(padding) is int and padding >= 0 else 1))


def in_transformers(config: Mapping[str, Any]) -> bool:
    """Tell whether transformers has the model's code itself, and so needs none of the model's.

    Unless transformers is imported already, its files are searched, as importing it takes longer than
    all else here. Where they list nothing, it is taken to have every model: what it lacks, it says
    itself when it loads the model.
    """
    name, listed = str(config.get("model_type")), _listed_types()
    if name in listed:
        return True
    loaded = sys.modules.get("transformers")
    mapping = getattr(loaded, "CONFIG_MAPPING", None) if loaded else None
    return name in mapping if mapping is not None else not listed


@functools.cache
def _listed_types() -> frozenset[str]:
    package = importlib.util.find_spec("transformers")
    folders = package.submodule_search_locations if package else None
    files = (
        Path(folder, "models", "auto", file)
        for folder in folders or ()
        for file in ("auto_mappings.py", "configuration_auto.py")
    )
    texts = [file.read_text(encoding="utf-8") for file in files if file.is_file()]
    return frozenset(re.findall(r'"([^"]+)"[:,] "\w+Config"', "".join(texts)))


def architecture(config: Mapping[str, Any]) -> str:
    """Return the class that wrote the weights, or nothing."""
    names = config.get("architectures")
    return str(names[0]) if isinstance(names, list) and names else ""


def kind(config: Mapping[str, Any]) -> str:
    """Return ``causal-lm``, ``encoder``, ``encoder-decoder``, ``vision`` or ``other``."""
    if config.get("is_encoder_decoder"):
        return "encoder-decoder"
    if architecture(config).endswith(("ForCausalLM", "LMHeadModel")):
        return "causal-lm"
    if any(word in config["model_type"] for word in ENCODERS):
        return "encoder"
    # Models of images and text, or of films, have a vocabulary or a number of frames as well.
    others = ("vocab_size", "text_config", "num_frames")
    if "num_channels" in config and not any(name in config for name in others):
        return "vision"
    return "other"


def image_size(config: Mapping[str, Any]) -> tuple[int, int] | None:
    """Return the height and width of the images that a model reads, if its config says.

    Examples
    --------
    >>> image_size({"image_size": 224}), image_size({"image_size": [480, 640]}), image_size({})
    ((224, 224), (480, 640), None)
    """
    size = config.get("image_size")
    sides = size if isinstance(size, list) else [size, size]
    return tuple(sides) if len(sides) == 2 and all(type(side) is int for side in sides) else None


def first(config: Mapping[str, Any], *names: str) -> int | None:
    """Return the first of some settings that is a number above 0."""
    values = (config.get(name) for name in names)
    return next((value for value in values if type(value) is int and value > 0), None)

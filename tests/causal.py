"""A tiny model of random weights of each causal class that transformers has."""

from __future__ import annotations

import copy

import torch
from transformers.models.auto.modeling_auto import MODEL_FOR_CAUSAL_LM_MAPPING

from tests.tiny import STD
from workbench.training.inspection.compatibility.tiny_config import shrink

VOCAB = 96
LARGEST = 30_000_000
# What shrinking leaves as it is, and what tests need in full.
LIMITS = {
    **dict.fromkeys(("num_experts", "num_local_experts", "n_routed_experts", "moe_num_experts"), 4),
    **dict.fromkeys(("num_experts_per_tok", "moe_k", "moe_topk", "top_k_experts"), 2),
    **dict.fromkeys(("n_group", "topk_group"), 1),
    **dict.fromkeys(("vocab_size", "vocab_size_per_layer_input"), VOCAB),
    **dict.fromkeys(("max_position_embeddings", "n_positions"), 64),
    "moe_intermediate_size": 32,
    "hidden_size_per_layer_input": 8,
}
# Where the default config is no model yet, or shrinking cannot make a whole of it.
SETTINGS = {
    "CodeGenConfig": {"n_head": 4, "n_embd": 64, "rotary_dim": 8},
    "CohereCompassTextConfig": {"num_hidden_layers": 4},
    "DeepseekV2Config": {"num_experts_per_tok": 2},
    "NemotronConfig": {"num_key_value_heads": 48},
    "HunYuanDenseV1Config": {"head_dim": 128},
    "HunYuanMoEV1Config": {"head_dim": 128},
    "MinistralConfig": {"head_dim": 128},
    "Mamba2Config": {"num_heads": 4, "hidden_size": 64, "head_dim": 32, "n_groups": 1},
    "ReformerConfig": {"is_decoder": True},
    "XmodConfig": {"default_language": "en_XX"},
}
# Thinner than shrinking makes them, for those with few heads.
THIN = {
    "hidden_size": 64,
    "intermediate_size": 128,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "num_hidden_layers": 2,
    "head_dim": 16,
    "attention_hidden_size": 64,
}


def causal_classes() -> list[tuple[type, type]]:
    """Return each config class with a causal class that transformers has for it."""
    pairs = sorted(MODEL_FOR_CAUSAL_LM_MAPPING.items(), key=lambda pair: pair[0].__name__)
    return [
        (config, model)
        for config, models in pairs
        for model in (models if isinstance(models, tuple) else (models,))
    ]


def tiny_causal(config_class: type, model_class: type, **settings):
    """Return a tiny model in evaluation mode; a string that says why where there is none."""
    reasons = []
    given = {**SETTINGS.get(config_class.__name__, {}), **settings}
    for change in (shrink, _shrink_thin, _thin):
        try:
            config = _limit(change(config_class(**given)))
            if (size := _size(model_class, config)) > LARGEST:
                reasons.append(f"{size / 1e6:.0f} million parameters")
                continue
            with torch.random.fork_rng(devices=[]):
                torch.manual_seed(0)
                model = model_class(config).eval()
        except Exception as error:  # noqa: BLE001 (configs fail in any way)
            reasons.append(f"{type(error).__name__}: {str(error).strip().splitlines()[0][:80]}")
        else:
            model.config.use_cache = False
            return model
    return "; ".join(dict.fromkeys(reasons))


def _size(model_class, config) -> int:
    with torch.device("meta"):
        model = model_class(copy.deepcopy(config))
    return sum(parameter.numel() for parameter in model.parameters())


def _thin(config):
    for name in config.sub_configs:
        if (part := getattr(config, name, None)) is not None:
            _thin(part)
    for name, value in THIN.items():
        if type(getattr(config, name, None)) is int:
            setattr(config, name, value)
    return config


def _shrink_thin(config):
    return shrink(_thin(config))


def _limit(config):
    """Bound what shrinking leaves, and widen weights so that each layer is felt in the loss."""
    for name in config.sub_configs:
        if (part := getattr(config, name, None)) is not None:
            _limit(part)
    for name, most in LIMITS.items():
        if type(value := getattr(config, name, None)) is int and value > most:
            setattr(config, name, most)
    for name, value in vars(config).items():
        if name.endswith("_token_id") and type(value) is int:
            setattr(config, name, min(value, VOCAB - 1))
    if hasattr(config, "initializer_range"):
        config.initializer_range = STD
    return config

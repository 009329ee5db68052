"""The arguments of a technique in groups, those that are rarely needed last."""

from __future__ import annotations

import re
from collections.abc import Iterable

REST, RARE = "Of this technique", "Rarely needed"

# What an argument's name has in it. Rare are those for other frameworks, other hardware and serving, and
# those that the run finds out by itself.
_GROUPS = {
    "Which layers": r"modules|layers|token_indices",
    REST: "",
    "Sizes of single layers": r"_pattern",
    "How it starts": r"init|seed|prng|svd",
    "How it trains": r"dropout|bias|reg|beta|warmup|loss|tinit|tfinal|deltaT|asa_|total_step",
    RARE: r"megatron_|fan_in_fan_out|layer_replication|qalora|alora_|velora_config|loftq_config|"
    r"lora_bias|ensure_weight_tying|target_parameters|cache_file|covariance|verbose|prune_temporary|"
    r"save_|conv2d|num_attention_heads|token_dim|submodules|hidden_size|hidden_layers|xlora_size|"
    r"cayley|cpt_|tokenizer_|runtime_|shadow_model|^adapters$",
}
# What decides where several fit: target_modules is about layers, init_warmup about training.
_ORDER = (RARE, "Which layers", "Sizes of single layers", "How it trains", "How it starts")


def grouped(names: Iterable[str]) -> dict[str, list[str]]:
    """Sort the names of arguments into groups, in the order in which a form shows them.

    Examples
    --------
    >>> for group, names in grouped(["bias", "megatron_core", "target_modules", "use_dora"]).items():
    ...     print(group, names)
    Which layers ['target_modules']
    Of this technique ['use_dora']
    How it trains ['bias']
    Rarely needed ['megatron_core']
    """
    groups: dict[str, list[str]] = {group: [] for group in _GROUPS}
    for name in names:
        fitting = (group for group in _ORDER if re.search(_GROUPS[group], name))
        groups[next(fitting, REST)].append(name)
    return {group: members for group, members in groups.items() if members}

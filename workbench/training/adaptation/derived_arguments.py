"""Arguments that follow from the run, where the recipe does not give them.

Each function takes what is known of the run and returns the argument's value, as plain data; None
leaves it to PEFT. An argument inside a config of its own goes by its last name.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch

from workbench.errors import Problem, RecipeError

# How many words are trained, unless they are named.
WORDS = 64


@dataclass(frozen=True)
class Known:
    """What is known of a run before its technique is set up.

    Parameters
    ----------
    model : torch.nn.Module
        The base, or its skeleton: only names and shapes are read.
    max_steps : int
    args : mapping
        The technique's arguments so far.
    rows : callable
        Returns the first training rows, encoded.
    """

    model: torch.nn.Module
    max_steps: int
    args: Mapping[str, Any]
    rows: Callable[[], list[dict]]


def stand_in() -> list[dict]:
    """Stand in for training rows where there are none: a model is looked at, not trained."""
    return [{"input_ids": list(range(512)), "prompt_ids": [0]}]


def derive_total_step(known: Known) -> int:
    """The steps over which AdaLoRA plans."""
    return known.max_steps


def derive_adapter_layers(known: Known) -> int:
    """All of the base's blocks."""
    return known.model.config.num_hidden_layers


# PEFT reads a model's shape from its config.json, where not every family uses these names.
def derive_token_dim(known: Known) -> int | None:
    """The width of the base's hidden states."""
    return _unless_read(known, "hidden_size", ("hidden_size", "n_embd", "d_model"))


def derive_num_layers(known: Known) -> int | None:
    """The number of the base's blocks."""
    names = ("num_hidden_layers", "num_layers", "n_layer")
    return _unless_read(known, "num_hidden_layers", names)


def derive_num_attention_heads(known: Known) -> int | None:
    """The number of heads of the base's attention."""
    names = ("num_attention_heads", "n_head", "num_heads", "encoder_attention_heads")
    return _unless_read(known, "num_attention_heads", names)


def _unless_read(known: Known, name: str, read: tuple[str, ...]) -> int | None:
    config = known.model.config
    return None if set(read) & config.to_dict().keys() else getattr(config, name)


def derive_token_indices(known: Known) -> list[int]:
    """The words that the training rows use most."""
    used = Counter(token for row in known.rows() for token in row["input_ids"])
    ranked = sorted(used, key=lambda token: (-used[token], token))
    return sorted(ranked[:WORDS])


def derive_cpt_token_ids(known: Known) -> list[int]:
    """The first training rows, as many tokens of them as there are virtual ones."""
    wanted = known.args["num_virtual_tokens"]
    tokens = [token for row in known.rows() for token in row["input_ids"]]
    if len(tokens) < wanted:
        why = "the first training rows have no more tokens than that"
        raise RecipeError([Problem("num_virtual_tokens", f"at most {len(tokens)}", wanted, why)])
    return tokens[:wanted]


def derive_cpt_tokens_type_mask(known: Known) -> list[int]:
    """What each of these tokens is: the last one a target (4), all others inputs (2)."""
    return [2] * (len(known.args["cpt_token_ids"]) - 1) + [4]


def derive_alora_invocation_tokens(known: Known) -> list[int]:
    """The tokens with which every prompt ends."""
    prompts = [row["prompt_ids"] for row in known.rows()]
    shared: list[int] = []
    for column in zip(*(reversed(prompt) for prompt in prompts), strict=False):
        if len(set(column)) > 1:
            break
        shared.insert(0, column[0])
    if not shared:
        allowed = "given for these rows, whose prompts do not end with the same tokens"
        raise RecipeError([Problem("alora_invocation_tokens", allowed, None)])
    return shared


def derive_target_modules_bd_a(known: Known) -> list[str]:
    """The layers that end an attention or a feed-forward: their inputs are cut into blocks."""
    return _block_diagonal(known)[0]


def derive_target_modules_bd_b(known: Known) -> list[str]:
    """All other layers: their outputs are cut into blocks."""
    return _block_diagonal(known)[1]


def _block_diagonal(known: Known) -> tuple[list[str], list[str]]:
    from workbench.training.adaptation.target_modules import ending, matches
    from workbench.tuners.bottleneck_targets import find_places

    targets = known.args["target_modules"]
    meant = [name for name, _ in known.model.named_modules() if matches(name, targets)]
    ends = {
        end for place in find_places(known.model) for end in (*place.attention, place.end) if end
    }
    inner = [name for name in meant if name in ends]
    outer = [name for name in meant if name not in ends]
    # PEFT looks for these anywhere in a layer's whole name, so they are as long as it takes: T5's "o" is in
    # all of them.
    for depth in range(1, max((name.count(".") for name in meant), default=0) + 2):
        inputs, outputs = ({ending(name, depth) for name in names} for names in (inner, outer))
        if not (_found(inputs, outer) or _found(outputs, inner)):
            break
    return sorted(inputs - outputs), sorted(outputs)


def _found(parts: Iterable[str], names: Sequence[str]) -> bool:
    return any(part in name for part in parts for name in names)


def derive_adapters(known: Known) -> None:
    """Trained adapters cannot be guessed."""
    allowed = "a mapping of names to folders of LoRA adapters trained on this base"
    raise RecipeError([Problem("adapters", allowed, None)])


def derive_hidden_size(known: Known) -> int:
    """The width of the base's hidden states."""
    return known.model.config.hidden_size

"""Arguments that follow from the run, where the recipe does not give them.

Each function takes the facts of the run and returns the argument's value, as plain data; None leaves
it to PEFT. An argument of a config within the config goes by its last name.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch

from workbench.errors import Problem, RecipeError
from workbench.training.adaptation.module_names import targeted_modules
from workbench.tuners.name_endings import last_parts

# How many tokens of the vocabulary are trained, unless they are named.
TRAINED_TOKENS = 64


@dataclass(frozen=True)
class RunFacts:
    """A run before its technique is set up, as far as arguments follow from it.

    Parameters
    ----------
    model : torch.nn.Module
        The base, or its skeleton: only names and shapes are read.
    max_steps : int or None
        None where they are not known.
    args : mapping
        The technique's arguments so far.
    rows : callable
        Returns the first training rows, encoded.
    """

    model: torch.nn.Module
    max_steps: int | None
    args: Mapping[str, Any]
    rows: Callable[[], list[dict]]

    @property
    def config(self) -> Any:
        """The base's config. A plain module has none, and the error says so in its name."""
        return self.model.config


def placeholder_rows() -> list[dict]:
    """Return a row for a model that is looked at, and not trained."""
    return [{"input_ids": list(range(512)), "prompt_ids": [0]}]


def derive_total_step(run: RunFacts) -> int | None:
    """The steps over which AdaLoRA plans."""
    return run.max_steps


def derive_adapter_layers(run: RunFacts) -> int:
    """All of the base's blocks."""
    return run.config.num_hidden_layers


# PEFT reads these from a model's config.json, by names that not every family uses.
def derive_token_dim(run: RunFacts) -> int | None:
    """The width of the base's hidden states."""
    return _unless_in_config(run, "hidden_size", ("hidden_size", "n_embd", "d_model"))


def derive_num_layers(run: RunFacts) -> int | None:
    """The number of the base's blocks."""
    names = ("num_hidden_layers", "num_layers", "n_layer")
    return _unless_in_config(run, "num_hidden_layers", names)


def derive_num_attention_heads(run: RunFacts) -> int | None:
    """The number of heads of the base's attention."""
    names = ("num_attention_heads", "n_head", "num_heads", "encoder_attention_heads")
    return _unless_in_config(run, "num_attention_heads", names)


def _unless_in_config(run: RunFacts, name: str, names: tuple[str, ...]) -> int | None:
    """Return a number from the base's config; None where PEFT finds it under one of its names."""
    config = run.config
    return None if set(names) & config.to_dict().keys() else getattr(config, name)


def derive_token_indices(run: RunFacts) -> list[int]:
    """The tokens that the training rows use most."""
    counts = Counter(token for row in run.rows() for token in row["input_ids"])
    ranked = sorted(counts, key=lambda token: (-counts[token], token))
    return sorted(ranked[:TRAINED_TOKENS])


def derive_cpt_token_ids(run: RunFacts) -> list[int]:
    """As many tokens of the first training rows as there are virtual ones."""
    number = run.args["num_virtual_tokens"]
    tokens = [token for row in run.rows() for token in row["input_ids"]]
    if len(tokens) < number:
        why = "the first training rows have no more tokens than that"
        raise RecipeError([Problem("num_virtual_tokens", f"at most {len(tokens)}", number, why)])
    return tokens[:number]


def derive_cpt_tokens_type_mask(run: RunFacts) -> list[int]:
    """What each of these tokens is: the last one a target (4), all others inputs (2)."""
    return [2] * (len(run.args["cpt_token_ids"]) - 1) + [4]


def derive_alora_invocation_tokens(run: RunFacts) -> list[int]:
    """The tokens with which every prompt ends."""
    prompts = [row["prompt_ids"] for row in run.rows()]
    ending: list[int] = []
    for column in zip(*(reversed(prompt) for prompt in prompts), strict=False):
        if len(set(column)) > 1:
            break
        ending.insert(0, column[0])
    if not ending:
        allowed = "given for these rows, whose prompts do not end with the same tokens"
        raise RecipeError([Problem("alora_invocation_tokens", allowed, None)])
    return ending


def derive_target_modules_bd_a(run: RunFacts) -> list[str]:
    """The layers that end an attention or a feed-forward: their inputs are cut into blocks."""
    return _block_diagonal(run)[0]


def derive_target_modules_bd_b(run: RunFacts) -> list[str]:
    """All other layers: their outputs are cut into blocks."""
    return _block_diagonal(run)[1]


def _block_diagonal(run: RunFacts) -> tuple[list[str], list[str]]:
    """Return the layers whose A matrix is block-diagonal, and those whose B matrix is, by endings."""
    from workbench.tuners.bottleneck_targets import find_block_targets

    targets = [*targeted_modules(run.model, run.args)]
    ends = {
        end
        for block in find_block_targets(run.model)
        for end in (*block.attention, block.end)
        if end
    }
    last = [name for name in targets if name in ends]
    others = [name for name in targets if name not in ends]
    # PEFT looks for these anywhere in a layer's whole name, so they are as long as it takes: T5's "o" is in
    # all of them.
    for parts in range(1, max((name.count(".") for name in targets), default=0) + 2):
        of_a, of_b = ({last_parts(name, parts) for name in names} for names in (last, others))
        if not (_occurs(of_a, others) or _occurs(of_b, last)):
            break
    return sorted(of_a - of_b), sorted(of_b)


def _occurs(parts: Iterable[str], names: Sequence[str]) -> bool:
    """Tell whether one of some texts is anywhere in one of some names."""
    return any(part in name for part in parts for name in names)


def derive_adapters(run: RunFacts) -> None:
    """Trained adapters cannot be guessed."""
    allowed = "a mapping of names to folders of LoRA adapters trained on this base"
    raise RecipeError([Problem("adapters", allowed, None)])


def derive_hidden_size(run: RunFacts) -> int:
    """The width of the base's hidden states."""
    return run.config.hidden_size

"""Which of a base's own parameters a selective technique trains. Exported scripts carry these.

Each function takes the model and the names of its new parameters, which are always trained, and
returns the names of all that are.
"""

from __future__ import annotations

from collections.abc import Sequence


def select_head(model, new_parameters: Sequence[str]) -> list[str]:
    """The new head and nothing below it."""
    return list(new_parameters)


def select_biases(model, new_parameters: Sequence[str]) -> list[str]:
    """Every bias, and the new head."""
    biases = [name for name, _ in model.named_parameters() if name.endswith("bias")]
    return [*new_parameters, *(name for name in biases if name not in new_parameters)]


def select_embeddings(model, new_parameters: Sequence[str]) -> list[str]:
    """The vectors of the vocabulary, and the new head."""
    table = model.get_input_embeddings().weight
    words = [name for name, parameter in model.named_parameters() if parameter is table]
    return [*new_parameters, *(name for name in words if name not in new_parameters)]


def select_last_layers(model, new_parameters: Sequence[str], num_layers: int = 1) -> list[str]:
    """The last blocks of each stack of equal blocks, and the new head."""
    stacks = [
        (f"{name}.", len(module))
        for name, module in model.named_modules()
        if type(module).__name__ == "ModuleList"
        and len(module) > 1
        and len({type(child) for child in module}) == 1
    ]
    last = tuple(
        f"{stack}{index}." for stack, size in stacks for index in range(size - num_layers, size)
    )
    chosen = [name for name, _ in model.named_parameters() if name.startswith(last)]
    return [*new_parameters, *(name for name in chosen if name not in new_parameters)]

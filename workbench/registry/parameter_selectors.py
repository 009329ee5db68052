"""Which of a base's own parameters a selective technique trains. Exported scripts carry these.

Each function takes the model and the names of its newly initialised parameters, which are always
trained, and returns the names of all parameters to train.
"""

from __future__ import annotations

from collections.abc import Sequence


def select_head(model, new_parameters: Sequence[str]) -> list[str]:
    """The new head and nothing of the backbone."""
    return list(new_parameters)


def select_biases(model, new_parameters: Sequence[str]) -> list[str]:
    """Every bias, and the new head."""
    biases = [name for name, _ in model.named_parameters() if name.endswith("bias")]
    return [*new_parameters, *(name for name in biases if name not in new_parameters)]


def select_embeddings(model, new_parameters: Sequence[str]) -> list[str]:
    """The embeddings of the vocabulary, and the new head."""
    table = model.get_input_embeddings().weight
    tables = [name for name, parameter in model.named_parameters() if parameter is table]
    return [*new_parameters, *(name for name in tables if name not in new_parameters)]


def select_last_layers(model, new_parameters: Sequence[str], num_layers: int = 1) -> list[str]:
    """The last layers of each list of equal layers, and the new head."""
    # By the class's name, as nothing in the registry imports torch.
    lists = {
        name: len(module)
        for name, module in model.named_modules()
        if type(module).__name__ == "ModuleList"
        and len(module) > 1
        and len({type(layer) for layer in module}) == 1
    }
    prefixes = tuple(
        f"{name}.{index}."
        for name, size in lists.items()
        for index in range(size - num_layers, size)
    )
    last = [name for name, _ in model.named_parameters() if name.startswith(prefixes)]
    return [*new_parameters, *(name for name in last if name not in new_parameters)]

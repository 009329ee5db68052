"""A base's tokenizer or image processor, loaded and checked for a task."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import peft
import transformers

from workbench.errors import ModelError
from workbench.recipe import Recipe
from workbench.registry.tasks import Task
from workbench.training.runtime.quiet_loading import loading

# These prompts are keys and values of the layers; the others are tokens before those of a row.
_KEYS_AND_VALUES = (peft.PrefixTuningConfig, peft.CartridgeConfig)


def load_processor(recipe: Recipe, task: Task, path: str) -> tuple[Any, bool]:
    """Load a task's tokenizer or image processor; also return whether it lacked a padding token.

    Raises
    ------
    ModelError
        It cannot be loaded, or lacks what the task needs.
    """
    if not task.reads_images:
        return load_tokenizer(recipe, task, path)
    with loading(recipe.model):
        # Pillow's, as torchvision would give other pixels where it is installed.
        processor = transformers.AutoImageProcessor.from_pretrained(
            path, backend="pil", trust_remote_code=recipe.trust_remote_code
        )
    return processor, False


def load_tokenizer(recipe: Recipe, task: Task, path: str) -> tuple[Any, bool]:
    """Load a base's tokenizer; also return whether it lacked a padding token.

    The end-of-text token is then its padding token.

    Raises
    ------
    ModelError
        It cannot be loaded, or lacks what the task needs.
    """
    with loading(recipe.model):
        tokenizer = transformers.AutoTokenizer.from_pretrained(
            path, trust_remote_code=recipe.trust_remote_code
        )
    if tokenizer.eos_token is None and (not task.labels or tokenizer.pad_token is None):
        raise ModelError(
            f"The tokenizer of the model {recipe.model!r} must have an end-of-text token, but has "
            "none: set tokenizer.eos_token and save it in the model's folder."
        )
    if "tokens" in task.roles and not tokenizer.is_fast:
        raise ModelError(
            f"The tokenizer of the model {recipe.model!r} must map each token to its "
            f"characters, which {recipe.task} needs, but does not: save a tokenizer.json, as "
            "fast tokenizers have, in the model's folder."
        )
    lacks_pad_token = tokenizer.pad_token is None
    if lacks_pad_token:
        tokenizer.pad_token = tokenizer.eos_token
    return tokenizer, lacks_pad_token


def virtual_labels(task: Task, config_class: type | None, config: Mapping[str, Any]) -> int:
    """Return for how many virtual tokens the labels must leave room.

    Where a row has a label for each token, PEFT puts virtual tokens before the row's tokens but
    nothing before its labels. (Language models get theirs from PEFT.)
    """
    precedes_tokens = (
        task.peft_task_type == "TOKEN_CLS"
        and config_class is not None
        and issubclass(config_class, peft.PromptLearningConfig)
        and not issubclass(config_class, _KEYS_AND_VALUES)
    )
    return config["num_virtual_tokens"] if precedes_tokens else 0

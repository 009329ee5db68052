"""What a base model's folder must hold before anything of it is loaded."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from workbench.errors import ModelError
from workbench.sources.models.configs import in_transformers, kind
from workbench.sources.models.weights import read_json, weight_files

TOKENIZERS = (
    "tokenizer.json",
    "tokenizer.model",
    "spiece.model",
    "spm.model",
    "sentencepiece.bpe.model",
    "vocab.txt",
    "vocab.json",
)

PROCESSOR = "preprocessor_config.json"
ADAPTER = "adapter_config.json"
# An adapter that lies beside a base is loaded with it by transformers, unless it is told to look for
# one elsewhere: in a part of the folder that is not there.
WITHOUT_ADAPTER = {"subfolder": "no-adapter"}


def check_folder(
    name: str, folder: Path, trust_remote_code: bool
) -> tuple[dict[str, Any], list[Path]]:
    """Refuse what cannot or must not be loaded; returns the config and the weight files.

    Raises
    ------
    ModelError
    """
    if not (folder / "config.json").is_file():
        if (folder / ADAPTER).is_file():
            base = read_json(folder / ADAPTER, name).get("base_model_name_or_path")
            raise ModelError(
                f"The model {name!r} must be a base model, but is an adapter: give the model "
                f"that it adapts, {base!r}."
            )
        raise ModelError(
            f"The model {name!r} must have a config.json, but {str(folder)!r} has none: "
            "give a folder that save_pretrained wrote."
        )
    config = read_json(folder / "config.json", name)
    if config.get("auto_map") and not trust_remote_code and not in_transformers(config):
        raise brings_code(name)
    if not isinstance(config.get("model_type"), str):
        raise ModelError(
            f"The model {name!r} must have a model_type in its config.json, but has none: give a "
            "folder that save_pretrained wrote."
        )
    if not config.get("auto_map") and not in_transformers(config):
        raise ModelError(
            f"The model {name!r} must have a model_type that transformers knows, but its "
            f"config.json says {config['model_type']!r}: correct it, or use another base."
        )
    files = weight_files(folder, name)
    if kind(config) == "vision":
        _check_processor(name, folder)
    else:
        _check_tokenizer(name, folder)
    return config, files


def _check_processor(name: str, folder: Path) -> None:
    if not (folder / PROCESSOR).is_file():
        raise ModelError(
            f"The model {name!r} must come with its image processor, {PROCESSOR}, but "
            f"{str(folder)!r} has none: save it there with processor.save_pretrained."
        )
    read_json(folder / PROCESSOR, name)


def _check_tokenizer(name: str, folder: Path) -> None:
    if (folder / "tokenizer_config.json").is_file():
        read_json(folder / "tokenizer_config.json", name)
    tokenizer = folder / "tokenizer.json"
    if tokenizer.is_file() and not isinstance(read_json(tokenizer, name).get("model"), dict):
        raise ModelError(
            f"The model {name!r} has a tokenizer.json without a tokenizer in it: copy or download "
            "it again."
        )
    if not any((folder / tokenizer).is_file() for tokenizer in TOKENIZERS):
        raise ModelError(
            f"The model {name!r} must come with its tokenizer, but {str(folder)!r} has none: "
            "save it there with tokenizer.save_pretrained."
        )


def brings_code(name: str) -> ModelError:
    """Make the error that refuses a model's own code."""
    return ModelError(
        f"The model {name!r} contains Python code of its own, which is not run by default: set "
        "trust_remote_code=True to run it, if you trust its author, because that code can do "
        "everything that you can do on this machine."
    )

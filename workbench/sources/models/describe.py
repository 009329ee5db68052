"""Base models: found by name, folder or hub id, checked, and described without loading a weight."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from workbench.errors import ModelError, Problem, did_you_mean
from workbench.registry.quantizations import stored_as
from workbench.sources.bundled import data_folder
from workbench.sources.datasets.cards import front_matter
from workbench.sources.models import minilm
from workbench.sources.models.configs import (
    architecture,
    context_length,
    first,
    hidden_size,
    image_size,
    kind,
)
from workbench.sources.models.fetch import fetch
from workbench.sources.models.fingerprint import Fingerprint, fingerprint
from workbench.sources.models.folders import ADAPTER, check_folder
from workbench.sources.models.weights import Tensor, count, read_json, tensors

VILLAGE = "village-3m"


@dataclass(frozen=True)
class BundledModel:
    """A base model that needs no network.

    Parameters
    ----------
    name, title, note : str
        As typed, as shown, and a sentence on what it is.
    licence : str
        For copies that come without their card.
    """

    name: str
    title: str
    note: str
    licence: str


@dataclass(frozen=True)
class ModelFacts:
    """What a base model is.

    Parameters
    ----------
    name, path : str
        As given, and the folder that it was found in.
    title, note : str
        A bundled model's title and sentence; the name and nothing for others.
    architecture, model_type : str
        The class and type that its config names.
    kind : str
        ``causal-lm``, ``encoder``, ``encoder-decoder``, ``vision`` or ``other``.
    parameters, bytes : int
        Counted from the weights' headers, and their size on disk.
    dtype : str
        In which most of the weights are stored.
    quantization : str or None
        The quantization in which the checkpoint itself is stored, if its config says one that is known.
    context, vocab_size, hidden_size, layers : int or None
        As the config says.
    image_size : tuple of int, or None
        Height and width of the images that it reads.
    licence : str or None
        As its card says.
    has_chat_template : bool
        Whether its tokenizer has a chat template.
    hub_id, commit : str or None
        Its name and state on the hub, where it came from there.
    has_adapter : bool
        Whether an adapter lies in its folder too, which is never loaded with it.
    fingerprint : tuple
        The state of its files when they were looked at; see
        :func:`workbench.sources.models.fingerprint.fingerprint`.
    """

    name: str
    path: str
    title: str
    note: str
    architecture: str
    model_type: str
    kind: str
    parameters: int
    bytes: int
    dtype: str
    quantization: str | None
    context: int | None
    vocab_size: int | None
    hidden_size: int | None
    layers: int | None
    image_size: tuple[int, int] | None
    licence: str | None
    has_chat_template: bool
    hub_id: str | None = None
    commit: str | None = None
    has_adapter: bool = False
    fingerprint: Fingerprint = field(default=(), repr=False, compare=False)


def bundled() -> dict[str, BundledModel]:
    """Return the base models that need no network, by name.

    Examples
    --------
    >>> list(bundled())
    ['village-3m', 'all-MiniLM-L6-v2']
    """
    models = (
        BundledModel(
            VILLAGE,
            "Village 3M",
            "A small Llama model trained on texts about one invented village: its people, "
            "places, shops and stories.",
            "apache-2.0",
        ),
        BundledModel(
            minilm.NAME,
            "MiniLM L6 v2",
            "A pretrained encoder of English sentences, for classification.",
            "apache-2.0",
        ),
    )
    return {model.name: model for model in models}


def resolve(
    model: str | os.PathLike, revision: str | None = None, *, trust_remote_code: bool = False
) -> str:
    """Return the folder of a base model, checked.

    Parameters
    ----------
    model : str or path
        A bundled name, a local folder or a hub id.
    revision : str, optional
        Branch, tag or commit on the hub.
    trust_remote_code : bool
        Whether Python code that comes with the model may run.

    Raises
    ------
    ModelError
        It is not there, has no weights, or must not be loaded.
    """
    return str(_open(_name(model), revision, trust_remote_code).folder)


def facts(
    model: str | os.PathLike, revision: str | None = None, *, trust_remote_code: bool = False
) -> ModelFacts:
    """Describe a base model; weights are counted from their headers and not read.

    Raises
    ------
    ModelError
        See :func:`resolve`.
    """
    name = _name(model)
    opened = _open(name, revision, trust_remote_code)
    folder, config = opened.folder, opened.config
    # A multimodal model has the settings of its language model in a config of their own.
    nested = config.get("text_config")
    text = (nested if isinstance(nested, dict) else {}) | config
    parameters, dtype = count(opened.tensors, text)
    hub_id, commit = _on_the_hub(folder)
    bundled_model = bundled().get(minilm.NAME if name == minilm.HUB_ID else name)
    return ModelFacts(
        name=name,
        path=str(folder),
        title=bundled_model.title if bundled_model else name.rstrip("/").rsplit("/", 1)[-1],
        note=bundled_model.note if bundled_model else "",
        architecture=architecture(config) or "unknown",
        model_type=config["model_type"],
        kind=kind(config),
        parameters=parameters,
        bytes=sum(file.stat().st_size for file in opened.weights),
        dtype=dtype,
        quantization=stored_as(text.get("quantization_config")),
        context=context_length(text),
        vocab_size=first(text, "vocab_size"),
        hidden_size=hidden_size(text),
        layers=first(text, "num_hidden_layers", "n_layer", "n_layers", "num_layers"),
        image_size=image_size(config),
        licence=_licence(folder) or (bundled_model.licence if bundled_model else None),
        has_chat_template=_has_chat_template(name, folder),
        hub_id=hub_id,
        commit=commit,
        has_adapter=(folder / ADAPTER).is_file(),
        fingerprint=opened.fingerprint,
    )


@dataclass(frozen=True)
class _Opened:
    """A model's folder and its state, its config, its weight files and what is in them."""

    folder: Path
    fingerprint: Fingerprint
    config: dict[str, Any]
    weights: list[Path]
    tensors: list[Tensor]


def _open(name: str, revision: str | None, trust_remote_code: bool) -> _Opened:
    """Find and check a model."""
    try:
        folder = _find(name, revision, trust_remote_code)
        # Before anything is read: what changes while it is read must not pass for this state.
        state = fingerprint(folder)
        config, files = check_folder(name, folder, trust_remote_code)
        return _Opened(folder, state, config, files, tensors(files, name))
    except OSError as error:
        raise ModelError(
            f"The model {name!r} cannot be read ({error.strerror or type(error).__name__}): check "
            "its name, and that you may read its files."
        ) from error


def _name(model: str | os.PathLike) -> str:
    name = os.fspath(model) if isinstance(model, os.PathLike) else model
    if not isinstance(name, str) or not name.strip():
        raise _wrong_name(model)
    return name


def _find(name: str, revision: str | None, trust_remote_code: bool) -> Path:
    if name in (minilm.NAME, minilm.HUB_ID):
        return minilm.find(revision)
    path = data_folder() / VILLAGE if name == VILLAGE else Path(os.path.expanduser(name))
    if path.is_dir():
        if revision is not None:
            raise ModelError(
                f"revision must be None for {name!r}, which is a folder and not a model on the "
                f"hub, but is {revision!r}: leave it out."
            )
        return path.resolve()
    if path.is_file():
        raise ModelError(
            f"model must be a folder, but {name!r} is a file: give the folder that contains it."
        )
    if name == VILLAGE:
        raise ModelError(
            f"The model {VILLAGE!r} comes with the workbench, but {str(path)!r} is missing: restore "
            "that folder in your clone of the project, or install the workbench again."
        )
    if not on_hub(name):
        raise _wrong_name(name)
    return fetch(name, revision, code=trust_remote_code)


def on_hub(name: str) -> bool:
    """Whether a model is to be fetched from the hub: it is not bundled and looks like no path."""
    path = Path(os.path.expanduser(name))
    looks_local = path.is_absolute() or name.startswith((".", "~")) or name.count("/") > 1
    misspelt = did_you_mean(name, bundled()).startswith("did")
    return not (looks_local or misspelt or name in bundled() or path.exists())


def _wrong_name(name: object) -> ModelError:
    hint = did_you_mean(str(name), bundled())
    problem = Problem("model", "a bundled name, an existing folder or a hub id", name, hint)
    return ModelError(str(problem))


def _on_the_hub(folder: Path) -> tuple[str | None, str | None]:
    """Read a model's name and commit off its folder in the hub's cache."""
    prefix, *names = folder.parents[1].name.split("--") if len(folder.parts) > 3 else [""]
    if prefix != "models" or folder.parent.name != "snapshots":
        return None, None
    return "/".join(names), folder.name


def _licence(folder: Path) -> str | None:
    try:
        front = front_matter((folder / "README.md").read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError, yaml.YAMLError):
        return None
    value = front.get("license")
    if value == "other":
        value = front.get("license_name") or value
    return ", ".join(map(str, value)) if isinstance(value, list) else value and str(value)


def _has_chat_template(name: str, folder: Path) -> bool:
    if (folder / "chat_template.jinja").is_file():
        return True
    settings = folder / "tokenizer_config.json"
    return settings.is_file() and bool(read_json(settings, name).get("chat_template"))

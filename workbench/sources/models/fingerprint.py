"""Which state a model's folder is in, told from its files without reading them."""

from __future__ import annotations

import os
from pathlib import Path

# Whatever a base, its config, its tokenizer or its own code is read from.
SUFFIXES = {".json", ".safetensors", ".model", ".txt", ".jinja", ".py"}
TEMPLATES = "additional_chat_templates"

Fingerprint = tuple[tuple[str, int, int, int], ...]


def fingerprint(folder: str | os.PathLike) -> Fingerprint:
    """Return the names, sizes and times of a model's files: another tuple, another model.

    The times are those of the last modification and of the last change, in nanoseconds: a copy may
    keep the former.

    Parameters
    ----------
    folder : str or path
        What is cached of a model has this in its key, beside its folder.
    """
    files = []
    for directory in (Path(folder), Path(folder, TEMPLATES)):
        try:
            paths = sorted(directory.iterdir())
        except OSError:
            continue
        for path in paths:
            if path.suffix not in SUFFIXES:
                continue
            try:
                status = path.stat()
            except OSError:
                continue  # removed meanwhile, or a link to nothing
            name = path.relative_to(folder).as_posix()
            files.append((name, status.st_size, status.st_mtime_ns, status.st_ctime_ns))
    return tuple(files)

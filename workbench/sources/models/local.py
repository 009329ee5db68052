"""What a base's config alone tells, read in a moment and without the network."""

from __future__ import annotations

import functools
import json
from dataclasses import dataclass
from pathlib import Path

from workbench.errors import WorkbenchError
from workbench.sources.models.configs import hidden_size, kind
from workbench.sources.models.describe import bundled, on_hub, resolve

CONFIG = "config.json"


@dataclass(frozen=True)
class BaseShape:
    """What a learning rate depends on.

    Parameters
    ----------
    kind : str
        See :class:`workbench.sources.models.describe.ModelFacts`.
    hidden_size : int or None
        As the config says.
    """

    kind: str
    hidden_size: int | None


def local_shape(model: str, revision: str | None = None) -> BaseShape | None:
    """Return the shape of a base that lies on this machine; None for others, and where it cannot be read.

    Parameters
    ----------
    model, revision
        See :func:`workbench.sources.models.describe.resolve`; of a model on the hub the cache is looked at.

    Examples
    --------
    >>> local_shape("village-3m")
    BaseShape(kind='causal-lm', hidden_size=256)
    >>> local_shape("no-one/has-this") is None
    True
    """
    try:
        if model in bundled():
            return _bundled_shape(model)
        config = _cached(model, revision) if on_hub(model) else Path(model).expanduser() / CONFIG
        return _read(config, config.stat().st_mtime_ns)
    except (OSError, ValueError, KeyError, TypeError, AttributeError, WorkbenchError):
        return None


def _cached(model: str, revision: str | None) -> Path:
    from huggingface_hub import try_to_load_from_cache

    path = try_to_load_from_cache(model, CONFIG, revision=revision)
    if not isinstance(path, str):
        raise FileNotFoundError(model)
    return Path(path)


@functools.cache
def _bundled_shape(model: str) -> BaseShape:
    # Checking its weights takes a while, and a bundled model stays as it is.
    return _read(Path(resolve(model)) / CONFIG, 0)


@functools.lru_cache(maxsize=32)
def _read(path: Path, mtime_ns: int) -> BaseShape:
    """Read a config once for each state of its file."""
    config = json.loads(path.read_text(encoding="utf-8"))
    nested = config.get("text_config")
    text = (nested if isinstance(nested, dict) else {}) | config
    return BaseShape(kind(config), hidden_size(text))

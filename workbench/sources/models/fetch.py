"""Base models from the Hugging Face hub, or from its cache: weights as safetensors and small files."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from workbench.errors import ModelError, first_line
from workbench.sources.network import hub_answers

# Not every *.safetensors: many repositories have the same weights again in other layouts.
PATTERNS = [
    "model.safetensors",
    "model-*-of-*.safetensors",
    "*.json",
    "*.txt",
    "*.model",
    "*.jinja",
    "README.md",
]
CODE = ["*.py"]


def fetch(name: str, revision: str | None, *, code: bool = False) -> Path:
    """Fetch a model's files, or find them in the cache; returns their folder.

    Parameters
    ----------
    name : str
        A hub id.
    revision : str or None
        Branch, tag or commit; None is the main branch.
    code : bool, default False
        Whether Python files come along.

    Raises
    ------
    ModelError
        There is no network, no such model, no such revision, or no room.
    """
    from huggingface_hub import constants, snapshot_download
    from huggingface_hub.errors import (
        GatedRepoError,
        HfHubHTTPError,
        HFValidationError,
        LocalEntryNotFoundError,
        OfflineModeIsEnabled,
        RepositoryNotFoundError,
        RevisionNotFoundError,
    )

    at = f" at revision {revision!r}" if revision else ""
    try:
        with _quiet_unless_watched():
            return Path(
                snapshot_download(
                    name,
                    revision=revision,
                    local_files_only=constants.HF_HUB_OFFLINE or not hub_answers(),
                    allow_patterns=PATTERNS + CODE if code else PATTERNS,
                    ignore_patterns=["*/*"],  # the same weights in other forms, and examples
                )
            )
    except GatedRepoError as error:
        raise ModelError(
            f"The model {name!r} is gated: accept its terms on the hub, then log in with "
            "'hf auth login'."
        ) from error
    except RevisionNotFoundError as error:
        raise ModelError(
            f"revision must be a branch, tag or commit of {name!r}, but is {revision!r}: look at "
            "its files on the hub, or leave it out for the main branch."
        ) from error
    except (RepositoryNotFoundError, HFValidationError) as error:
        raise ModelError(
            f"model must be a bundled name, an existing folder or a hub id, but is {name!r}, "
            "which is not a folder here and which does not exist on the hub or is private: "
            "check the spelling, or log in with 'hf auth login'."
        ) from error
    except (LocalEntryNotFoundError, OfflineModeIsEnabled, ConnectionError) as error:
        if isinstance(error.__cause__, HfHubHTTPError):
            raise _failed(name, at, error.__cause__) from error
        raise ModelError(
            f"The model {name!r}{at} is not on this machine, neither as a folder nor complete "
            "in the hub's cache, and the hub cannot be reached: go online, or use 'village-3m', "
            "'all-MiniLM-L6-v2' or a local folder, which need no network."
        ) from error
    except HfHubHTTPError as error:
        raise _failed(name, at, error) from error
    except OSError as error:
        if error.errno is None:
            raise _failed(name, at, error) from error
        raise ModelError(
            f"The model {name!r}{at} could not be stored ({error.strerror}): free some space, "
            "or set HF_HOME to a folder on another disk."
        ) from error
    except Exception as error:
        # Its HTTP library, and others beneath, have errors of their own for a lost connection.
        raise _failed(name, at, error) from error


def _failed(name: str, at: str, error: Exception) -> ModelError:
    response = getattr(error, "response", None)
    if response is not None:
        reason = f"the hub answered {response.status_code}"
    else:
        reason = first_line(error).rstrip(".")
    return ModelError(f"The model {name!r}{at} could not be fetched ({reason}): try again later.")


@contextmanager
def _quiet_unless_watched() -> Iterator[None]:
    """Show progress to whoever waits at a terminal: in a log or another cell it is only noise."""
    from huggingface_hub import logging
    from huggingface_hub.utils import (
        are_progress_bars_disabled,
        disable_progress_bars,
        enable_progress_bars,
    )

    watched = sys.stderr.isatty() and threading.current_thread() is threading.main_thread()
    if watched:
        yield
        return
    verbosity, bars = logging.get_verbosity(), not are_progress_bars_disabled()
    logging.set_verbosity_error()
    disable_progress_bars()
    try:
        yield
    finally:
        logging.set_verbosity(verbosity)
        if bars:
            enable_progress_bars()

"""Rows from the Hugging Face hub, or from what its library has downloaded before."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from workbench.errors import DataError, first_line
from workbench.sources.datasets.in_memory import class_names_in, rows_of
from workbench.sources.datasets.readers import Row
from workbench.sources.network import hub_answers

# Sets that people call by one word; the hub's own id, and the configuration where one is needed.
KNOWN = {
    "ag_news": "fancyzhx/ag_news",
    "alpaca": "tatsu-lab/alpaca",
    "dbpedia_14": "fancyzhx/dbpedia_14",
    "dolly": "databricks/databricks-dolly-15k",
    "emotion": "dair-ai/emotion:split",
    "gsm8k": "openai/gsm8k:main",
    "imdb": "stanfordnlp/imdb",
    "rotten_tomatoes": "cornell-movie-review-data/rotten_tomatoes",
    "sst2": "stanfordnlp/sst2",
    "yelp_polarity": "fancyzhx/yelp_polarity",
}

COMMIT = re.compile(r"[0-9a-f]{40}")


def splits(hub_id: str, config: str | None, revision: str | None) -> tuple[list[str], str | None]:
    """List the splits of a data set, and the commit they are of where it is known."""
    with _in_words(hub_id):
        builder = _builder(hub_id, config, revision)
        # Sets without metadata only know their splits from the names of their files.
        names = [str(name) for name in builder.info.splits or builder.config.data_files or ()]
    commit = builder.hash if COMMIT.fullmatch(builder.hash or "") else revision
    return names, commit


def rows(
    hub_id: str, config: str | None, revision: str | None, wanted: list[str]
) -> list[list[Row]]:
    """Read splits of a data set; the first time downloads it.

    It is what ``datasets.load_dataset(hub_id, config, revision=revision, split=split).to_list()``
    gives, with the names of class labels for their numbers.
    """
    with _in_words(hub_id):
        builder = _builder(hub_id, config, revision)
        builder.download_and_prepare()
        return [rows_of(builder.as_dataset(split=split)) for split in wanted]


def class_names(hub_id: str, config: str | None, revision: str | None) -> dict[str, list[str]]:
    """Return the class names of each column that has them, once its rows were read."""
    with _in_words(hub_id):
        builder = _builder(hub_id, config, revision)
        return class_names_in(builder.info.features)


def _builder(hub_id: str, config: str | None, revision: str | None) -> Any:
    import datasets

    builder = datasets.load_dataset_builder(hub_id, config, revision=revision)
    # Without a network the library takes the latest download, whatever revision was asked for.
    if revision and COMMIT.fullmatch(revision) and builder.hash not in (None, revision):
        raise DataError(
            f"Revision {revision} of {hub_id!r} is not available without a network, because "
            f"only {builder.hash} was downloaded before: go online, or use that one."
        )
    return builder


@contextmanager
def _in_words(hub_id: str) -> Iterator[None]:
    """Keep the library quiet, and turn its errors into a sentence each."""
    import datasets
    import httpx
    import huggingface_hub
    from datasets.exceptions import DatasetNotFoundError
    from huggingface_hub.errors import LocalEntryNotFoundError

    # It may be a thread that reads, and those never print.
    bars = datasets.is_progress_bar_enabled()
    datasets.disable_progress_bars()
    loggers = (datasets.logging, huggingface_hub.logging)
    verbosities = [logger.get_verbosity() for logger in loggers]
    for logger in loggers:
        logger.set_verbosity_error()
    # Without a network the library tries again for half a minute before it looks at its cache.
    offline = datasets.config.HF_HUB_OFFLINE
    datasets.config.HF_HUB_OFFLINE = offline or not hub_answers()
    try:
        yield
    except DataError:
        raise
    except (ConnectionError, httpx.TransportError, LocalEntryNotFoundError) as error:
        raise DataError(
            f"The Hugging Face hub cannot be reached, and {hub_id!r} was not downloaded before: "
            "go online, or use a bundled data set or a file."
        ) from error
    except DatasetNotFoundError as error:
        raise DataError(
            f"{hub_id!r} cannot be loaded from the Hugging Face hub "
            f"({first_line(error).rstrip('.')}): "
            "check the name and the revision, or if it is private, log in with `hf auth login`."
        ) from error
    except Exception as error:
        raise DataError(_other(hub_id, error)) from error
    finally:
        datasets.config.HF_HUB_OFFLINE = offline
        for logger, verbosity in zip(loggers, verbosities, strict=True):
            logger.set_verbosity(verbosity)
        if bars:
            datasets.enable_progress_bars()


def _other(hub_id: str, error: Exception) -> str:
    # Both "config name is missing" and "config not found" list what there is in brackets.
    configs = re.search(r"[Cc]onfig.*\[('.*')\]", str(error), re.DOTALL)
    if configs:
        first = configs[1].split("'")[1]
        return (
            f"{hub_id!r} must be given with one of its configurations ({configs[1]}): write it "
            f"after a colon, such as '{hub_id}:{first}'."
        )
    return (
        f"{hub_id!r} cannot be read from the Hugging Face hub ({first_line(error).rstrip('.')}): "
        "load it with datasets.load_dataset and pass the Dataset as the data."
    )

"""The bundled data sets and their cards: the YAML front matter of ``data/<name>/README.md``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from workbench.errors import DataError, first_line
from workbench.sources.bundled import data_folder

DATA = data_folder()


@dataclass(frozen=True)
class DataCard:
    """What a bundled data set says about itself.

    Parameters
    ----------
    name : str
        The folder's name, by which the set is picked.
    pretty_name, license, task, metric : str
        Its title, its licence, the task it is made for and the figure that scores it.
    columns : mapping of str to str
        Role to column, such as ``text`` and ``label``.
    labels, suits : tuple of str
        Its labels, if any, and the base models it suits.
    splits : mapping of str to int
        Split to number of rows.
    folder : Path
        Where its files lie.
    """

    name: str
    pretty_name: str
    license: str
    task: str
    columns: Mapping[str, str]
    labels: tuple[str, ...]
    suits: tuple[str, ...]
    metric: str
    splits: Mapping[str, int]
    folder: Path


def bundled() -> dict[str, DataCard]:
    """Read the cards of all bundled data sets, by name."""
    return {name: card(name) for name in names()}


def names() -> list[str]:
    """List the bundled data sets, which are the folders with rows and a card."""
    rows = DATA.glob("*/train.jsonl")
    return sorted(path.parent.name for path in rows if path.with_name("README.md").exists())


def card(name: str) -> DataCard:
    """Read the card of one bundled data set."""
    folder = DATA / name
    try:
        front = front_matter((folder / "README.md").read_text(encoding="utf-8"))
        columns = front.get("columns") or {}
        return DataCard(
            name=name,
            pretty_name=str(front.get("pretty_name", name)),
            license=str(front["license"]),
            task=str(front["task"]),
            columns=dict(columns) if isinstance(columns, Mapping) else {c: c for c in columns},
            labels=_strings(front.get("labels")),
            suits=_strings(front.get("suits")),
            metric=str(front["metric"]),
            splits=dict(front.get("splits") or {}),
            folder=folder,
        )
    except (OSError, KeyError, TypeError, ValueError, yaml.YAMLError) as error:
        raise DataError(
            f"The card of the bundled data set {name!r}, {folder / 'README.md'}, cannot be read "
            f"({_line(error)}): restore it from the project's repository."
        ) from error


def front_matter(text: str) -> dict[str, Any]:
    """Parse the YAML between the two ``---`` lines at the top of a card.

    Examples
    --------
    >>> front_matter("---\\ntask: lm\\n---\\n# Title\\n")
    {'task': 'lm'}
    """
    opening, _, rest = text.partition("\n")
    block, closing, _ = rest.partition("\n---")
    if opening.strip() != "---" or not closing:
        raise ValueError("it has no front matter between two lines of ---")
    front = yaml.safe_load(block)
    if isinstance(front, dict):
        return front
    raise ValueError("its front matter is not a mapping")


def _strings(value: Any) -> tuple[str, ...]:
    if value is None:
        return ()
    return (value,) if isinstance(value, str) else tuple(str(item) for item in value)


def _line(error: Exception) -> str:
    if isinstance(error, KeyError):
        return f"it lacks {error.args[0]!r}"
    return first_line(error)

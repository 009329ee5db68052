"""Which of several files hold training rows and which evaluation rows, told by their names."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

from workbench.errors import DataError
from workbench.sources.datasets.readers.formats import inner_suffix, stem_of

TRAIN_SPLITS = ("train", "training")
# Where evaluation rows are looked for, best first: a test split is for the end, where there is
# another one.
EVAL_SPLITS = ("validation", "valid", "val", "dev", "eval", "evaluation", "test")
# A word of a name: en-train and train_2, but not trainer.
_WORD = re.compile(rf"(?<![a-z])({'|'.join((*TRAIN_SPLITS, *EVAL_SPLITS))})(?![a-z])")
# How the parts of one split are numbered: train-00000-of-00002, train_1.
_OF = re.compile(r"-(\d{5})-of-(\d{5})(-[0-9a-f]+)?$")
_NUMBER = re.compile(r"[-_.]?\d+$")


def split_of(path: Path, folder: Path) -> tuple[str, tuple[str, ...]] | None:
    """Return the split in a file's name, or in that of a folder it lies in, and the rest of the name.

    Files of one split, and files of other splits that belong with them, have the same rest.

    Examples
    --------
    >>> split_of(Path("d/en-train-00000-of-00002.parquet"), Path("d"))
    ('train', ('en-*',))
    >>> split_of(Path("d/dev/a.txt"), Path("d"))
    ('dev', ('*',))
    """
    parents = [part.lower() for part in path.relative_to(folder).parts[:-1]]
    stem = _NUMBER.sub("", _OF.sub("", stem_of(path)))
    if (word := _WORD.search(stem)) is not None:
        return word[1], (*parents, _WORD.sub("*", stem, count=1))
    for depth in reversed(range(len(parents))):
        if (word := _WORD.fullmatch(parents[depth])) is not None:
            return word[1], (*parents[:depth], "*")
    return None


def part_files(
    paths: Sequence[Path], folder: Path, where: str
) -> tuple[list[Path], list[Path]] | None:
    """Sort files into those of training and those of evaluation rows; None if none is for training.

    Files that belong to neither are left out.

    Raises
    ------
    DataError
        There is more than one choice, or a numbered part is missing.
    """
    groups: dict[tuple, list[Path]] = defaultdict(list)
    for path in paths:
        if (named := split_of(path, folder)) is not None:
            split, rest = named
            groups[split, rest, inner_suffix(path)].append(path)
    train = _train_group(groups, where)
    if train is None:
        return None
    _, rest, suffix = train
    candidates = [key for key in groups if key[0] in EVAL_SPLITS and key[1] == rest]
    candidates.sort(key=lambda key: (key[2] != suffix, EVAL_SPLITS.index(key[0])))
    chosen = [train, *candidates[:1]]
    for key in chosen:
        _check_whole(groups[key])
    return groups[train], groups[candidates[0]] if candidates else []


def _train_group(groups: dict[tuple, list[Path]], where: str) -> tuple | None:
    found = [key for key in groups if key[0] in TRAIN_SPLITS]
    exact = [key for key in found if key[1][-1] == "*"]
    found = exact or found
    if len(found) > 1:
        files = sorted(path for key in found for path in groups[key])
        raise DataError(
            f"{where} has more than one training file ({listed(files)}): name the one to use."
        )
    return found[0] if found else None


def _check_whole(paths: Sequence[Path]) -> None:
    """Refuse numbered parts of which one is missing."""
    numbers = [numbered for path in paths if (numbered := _OF.search(stem_of(path)))]
    if numbers and len(numbers) != int(numbers[0][2]):
        raise DataError(
            f"{paths[0].name} is one of {int(numbers[0][2])} files, but only {len(numbers)} "
            f"{'are' if len(numbers) > 1 else 'is'} there: download the others too."
        )


def listed(paths: Sequence[Path]) -> str:
    """Name a few of some files.

    Examples
    --------
    >>> listed([Path("a.csv"), Path("b.csv")])
    'a.csv, b.csv'
    """
    names = [path.name for path in paths]
    return ", ".join(names[:4]) + (f" and {len(names) - 4} more" if len(names) > 4 else "")

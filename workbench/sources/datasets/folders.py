"""The rows of a folder: files called as splits are, what ``save_to_disk`` wrote, texts, images."""

from __future__ import annotations

import json
from pathlib import Path

from workbench.display.wording import quoted
from workbench.errors import DataError
from workbench.sources.datasets import images
from workbench.sources.datasets.readers import SUFFIXES, File, format_by_name, sniff
from workbench.sources.datasets.readers.arrow import frozen, saved_class_names
from workbench.sources.datasets.readers.file import plain_encoding
from workbench.sources.datasets.readers.texts import texts_in
from workbench.sources.datasets.source import Source
from workbench.sources.datasets.splits import EVAL_SPLITS, TRAIN_SPLITS, listed, part_files

DEPTH = 3  # folders within each other that are looked into
_NO_ROWS = {"readme", "license", "dataset_infos", "dataset_info", "state", "dataset_dict"}


def resolve_folder(folder: Path, encoding: str | None = None) -> Source:
    """Say what a folder's rows are.

    Raises
    ------
    DataError
        There are none, or more than one choice.
    """
    try:
        top = sorted(folder.iterdir())
    except PermissionError:
        raise DataError(
            f"You have no permission to read the folder {folder} (permission denied): ask for "
            "access to it."
        ) from None
    if (saved := resolve_saved(folder)) is not None:
        return saved
    files = [path for path in top if _has_rows(path)]
    parts = part_files(files, folder, f"The folder {folder}")
    if parts is None and (labelled := images.find_splits(folder, TRAIN_SPLITS, EVAL_SPLITS)):
        first, rest = labelled
        return Source("imagefolder", str(first), str(rest) if rest else None)
    parts = parts or part_files(_within(folder), folder, f"The folder {folder}")
    if parts is not None:
        train, evaluation = ([sniff(path, encoding) for path in part] for part in parts)
        return Source.of_files(train, evaluation)
    if texts_in(folder) and all(format_by_name(path) == "text" for path in files):
        plain = plain_encoding(encoding)
        options = (("encoding", plain),) if plain else ()
        return Source.of_files([File(str(folder), "textfolder", options)])
    raise DataError(_no_train_file(folder, files))


def resolve_saved(folder: Path) -> Source | None:
    """Return what ``save_to_disk`` wrote into a folder: a Dataset, or the splits of a DatasetDict."""
    if (folder / "state.json").exists() and (folder / "dataset_info.json").exists():
        return Source.of_files([_saved(folder)])
    if not (folder / "dataset_dict.json").exists():
        return None
    splits = json.loads((folder / "dataset_dict.json").read_text(encoding="utf-8"))["splits"]
    train = next((split for split in TRAIN_SPLITS if split in splits), None)
    if train is None and len(splits) == 1:
        (train,) = splits
    if train is None:
        raise DataError(
            f"The folder {folder} must have a split called 'train', but its splits are {quoted(splits)}: "
            "give the folder of one of them."
        )
    evaluation = [_saved(folder / split) for split in EVAL_SPLITS if split in splits]
    return Source.of_files([_saved(folder / train)], evaluation[:1])


def _saved(folder: Path) -> File:
    classes = saved_class_names(folder)
    return File(str(folder), "saved", (("class_names", frozen(classes)),) if classes else ())


def _has_rows(path: Path) -> bool:
    named = format_by_name(path) is not None and path.stem.lower() not in _NO_ROWS
    return named and not path.name.startswith(".") and path.is_file()


def _within(folder: Path) -> list[Path]:
    patterns = ["/".join("*" * depth) for depth in range(1, DEPTH + 1)]
    paths = [path for pattern in patterns for path in sorted(folder.glob(pattern))]
    return [
        path
        for path in paths
        if _has_rows(path)
        and not any(part.startswith(".") for part in path.relative_to(folder).parts)
    ]


def _no_train_file(folder: Path, files: list[Path]) -> str:
    remedy = f"name one of its files ({listed(files)})" if files else "put one there"
    return (
        f"The folder {folder} must have a file called train with one of the endings "
        f"{', '.join(SUFFIXES)}, or texts, or a folder of images for each label, but has none: {remedy}."
    )

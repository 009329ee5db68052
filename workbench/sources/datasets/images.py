"""Images as data: folders of them, paths in the columns of files, bytes in data sets.

Pillow opens them; it comes with matplotlib and is imported when it is used.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from io import BytesIO
from pathlib import Path
from typing import Any

from workbench.errors import DataError, first_line
from workbench.sources.datasets.readers import Row

SUFFIXES = (".bmp", ".gif", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp")


def has_labels(folder: Path) -> bool:
    """Tell whether a folder holds images in folders of their own, which are their labels."""
    return next(_labelled(folder), None) is not None


def find_splits(
    folder: Path, train: Sequence[str], evaluation: Sequence[str]
) -> tuple[Path, Path | None] | None:
    """Find the training and the evaluation images of a folder; None if it has no labelled images.

    Parameters
    ----------
    folder : Path
        One of folders of images, or one of folders of such, called as splits are.
    train, evaluation : sequence of str
        What splits are called, best first.
    """
    inner = {path.name.lower(): path for path in sorted(folder.iterdir()) if path.is_dir()}
    first = next((inner[name] for name in train if name in inner and has_labels(inner[name])), None)
    if first is None:
        return (folder, None) if has_labels(folder) else None
    names = [name for name in evaluation if name in inner and has_labels(inner[name])]
    return first, inner[names[0]] if names else None


def read_folder(folder: Path) -> list[Row]:
    """Return a row for each image of a folder: its path, and as its label the folder it is in.

    Hidden files and folders, which systems and programs leave behind, are left out.
    """
    paths = sorted(_labelled(folder))
    return [{"image": str(path), "label": path.relative_to(folder).parts[0]} for path in paths]


def _labelled(folder: Path) -> Iterator[Path]:
    for path in folder.glob("*/**/*"):
        hidden = any(part.startswith(".") for part in path.relative_to(folder).parts)
        if path.suffix.lower() in SUFFIXES and not hidden and path.is_file():
            yield path


def locate(rows: Sequence[Row], column: str, folder: Path) -> list[Row]:
    """Say where each row's image is: its bytes, or its path, which is relative to a folder.

    Whatever is neither stays as it is.
    """
    located = []
    for row in rows:
        image = row.get(column)
        if image is not None and is_stored(image):
            image = image["bytes"] or image["path"]
        if isinstance(image, str) and image.strip():
            image = os.path.normpath(folder / image)
        located.append({**row, column: image})
    return located


def is_stored(value: Any) -> bool:
    """Tell whether a value is an image as the library ``datasets`` stores it.

    Examples
    --------
    >>> is_stored({"bytes": b"...", "path": None}), is_stored("cat.png")
    (True, False)
    """
    return isinstance(value, Mapping) and set(value) == {"bytes", "path"}


def contents(value: Any) -> bytes:
    """Return an image's file: of one as ``datasets`` stores it, or of one that is open."""
    if is_stored(value):
        return value["bytes"] or Path(value["path"]).read_bytes()
    file = BytesIO()
    value.save(file, format="PNG")
    return file.getvalue()


def is_open(value: Any) -> bool:
    """Tell whether a value is an image that Pillow has open."""
    return type(value).__module__.startswith("PIL.") and hasattr(value, "save")


def check_images(rows: Sequence[Row], column: str, where: str) -> None:
    """Refuse images that are not there, or whose first bytes are no image's.

    Only the head of each file is read: that takes a moment for many of them. One that breaks off
    later is refused when it is used.

    Raises
    ------
    DataError
    """
    from PIL import Image

    for number, row in enumerate(rows, start=1):
        image = row[column]
        at = f"(column {column!r} in row {number} of {where})"
        if isinstance(image, str) and not os.path.isfile(image):
            raise DataError(
                f"There is no image {image!r} {at}: check the path, which is relative to the file "
                "that names it."
            )
        try:
            with Image.open(image if isinstance(image, str) else BytesIO(image)):
                pass
        except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
            raise DataError(
                f"The image {name_of(image)} {at} cannot be read ({_reason(error)}): repair or "
                "remove it."
            ) from error


def name_of(image: str | bytes) -> str:
    """Name an image in a message.

    Examples
    --------
    >>> name_of("/tmp/cat.png"), name_of(b"GIF89a")
    ("'/tmp/cat.png'", 'of 6 bytes')
    """
    return repr(image) if isinstance(image, str) else f"of {len(image):,} bytes"


def describe(image: str | bytes) -> str:
    """Say in a few words what an image is, such as "JPEG, 640 × 480"."""
    from PIL import Image

    with Image.open(image if isinstance(image, str) else BytesIO(image)) as opened:
        return f"{opened.format}, {opened.width} × {opened.height}"


def thumbnail(image: str | bytes, side: int = 96) -> bytes:
    """Return a small copy of an image as PNG, no side longer than ``side`` pixels."""
    from PIL import Image, ImageOps

    with Image.open(image if isinstance(image, str) else BytesIO(image)) as opened:
        small = ImageOps.exif_transpose(opened).convert("RGB")
    small.thumbnail((side, side))
    file = BytesIO()
    small.save(file, format="PNG")
    return file.getvalue()


def _reason(error: BaseException) -> str:
    if type(error).__name__ == "UnidentifiedImageError":
        return "Pillow does not recognize its format"
    return first_line(error).rstrip(".")

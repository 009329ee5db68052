"""How a run is shown: a label in place of its folder's name, and whether it is hidden.

Both are kept in a file in the run's folder. The folder keeps its name, as other runs and scripts may refer to it.
"""

from __future__ import annotations

import json
import os
import shutil
from dataclasses import asdict, dataclass
from pathlib import Path

from workbench.errors import StoreError
from workbench.runs.disk import disk_errors, to_json, write_whole
from workbench.runs.run_folder import RECIPE

FILE = "shown_as.json"
LONGEST = 80  # characters of a label


@dataclass(frozen=True)
class ShownAs:
    """How a run is shown.

    Parameters
    ----------
    label : str or None
        None where it has none of its own: then it is named after what sets it apart from others.
    hidden : bool
        Whether it is left out of tables and charts.
    """

    label: str | None = None
    hidden: bool = False


def read_shown_as(run: str | os.PathLike) -> ShownAs:
    """Read how a run is shown from its folder; a damaged or missing file says nothing."""
    try:
        content = json.loads((Path(run) / FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return ShownAs()
    if not isinstance(content, dict):
        return ShownAs()
    label = content.get("label")
    return ShownAs(label if isinstance(label, str) else None, content.get("hidden") is True)


def write_shown_as(run: str | os.PathLike, shown: ShownAs) -> None:
    """Write how a run is shown into its folder, whole or not at all.

    Raises
    ------
    StoreError
        The folder does not exist or cannot be written.
    """
    path = Path(run)
    if not path.is_dir():
        raise StoreError(f"The run's folder must exist, but {str(path)!r} does not.")
    with disk_errors(path):
        write_whole(path / FILE, to_json(asdict(shown), indent=2))


def checked_label(label: str) -> str | None:
    """Return a label in one line; None for an empty one.

    Raises
    ------
    StoreError
        It is too long to be shown.

    Examples
    --------
    >>> checked_label("  the good\\none "), checked_label(" ")
    ('the good one', None)
    """
    line = " ".join(str(label).split())
    if len(line) > LONGEST:
        raise StoreError(
            f"A run's name must have at most {LONGEST} characters, but has {len(line)}."
        )
    return line or None


def delete_run(run: str | os.PathLike, runs: str | os.PathLike) -> None:
    """Delete a run's folder, and nothing else.

    Parameters
    ----------
    run : path
        The run's folder.
    runs : path
        The folder of runs, in which it must be.

    Raises
    ------
    StoreError
        It is not a run's folder directly in ``runs``, or cannot be deleted.
    """
    path, root = Path(run), Path(runs)
    # A link may lead anywhere.
    inside = not path.is_symlink() and path.resolve().parent == root.resolve()
    if not (inside and (path / RECIPE).is_file()):
        raise StoreError(
            f"Only a run's own folder in {str(root)!r} can be deleted, but {str(path)!r} is none."
        )
    # First out of sight: what is half deleted must not pass for a run.
    doomed = path.with_name(f".{path.name}-deleted")
    with disk_errors(path):
        os.replace(path, doomed)
        shutil.rmtree(doomed)

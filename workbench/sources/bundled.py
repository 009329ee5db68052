"""Where the bundled base model and data sets lie."""

from __future__ import annotations

import importlib.resources
from pathlib import Path


def data_folder() -> Path:
    """Return the folder of the bundled base model and data sets.

    A wheel has it inside the package, as ``workbench/data``; in a clone it is ``data``, beside the
    package, whether the clone was installed with ``--editable`` or is only on the path.

    Examples
    --------
    >>> (data_folder() / "village-3m" / "config.json").is_file()
    True
    """
    package = Path(str(importlib.resources.files("workbench")))
    inside = package / "data"
    return inside if inside.is_dir() else package.parent / "data"

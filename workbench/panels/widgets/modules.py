"""The JavaScript of a widget, from several files."""

from __future__ import annotations

import re
from pathlib import Path

WIDGETS = Path(__file__).parent  # where the modules are that several widgets share


def bundle(*paths: Path) -> str:
    """Join ES modules into the one that anywidget can load.

    Each file is a module of its own, which an editor and a linter can follow. Joined, they need no
    imports from each other and export only the last one's default.

    Parameters
    ----------
    paths : Path
        The files, each after those that it imports.
    """
    text = "\n".join(path.read_text(encoding="utf-8") for path in paths)
    text = re.sub(r"^import .*;\n", "", text, flags=re.MULTILINE)
    return re.sub(r"^export (?!default)", "", text, flags=re.MULTILINE)

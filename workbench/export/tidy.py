"""A script's text as ruff leaves it."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence

WIDTH = 100


def tidy(text: str) -> str:
    """Return a script without the imports that it does not use, sorted and laid out by ruff."""
    # Whatever lies in the folder that this is called from is no part of the script.
    imports = ["check", "--fix", "--quiet", "--select", "F401,I", "--config", "src = []"]
    return _ruff(["format"], _ruff(imports, text))


def find_ruff_bin() -> str:
    """Return where ruff lies."""
    # Here and not at the top: training goes without it.
    try:
        from ruff import find_ruff_bin as find
    except ImportError as error:
        raise FileNotFoundError(
            "ruff must be installed to write a script: pip install ruff"
        ) from error
    return find()


def _ruff(command: Sequence[str], text: str) -> str:
    settings = ["--isolated", "--line-length", str(WIDTH), "--target-version", "py311"]
    done = subprocess.run(
        [find_ruff_bin(), *command, *settings, "--stdin-filename", "script.py", "-"],
        input=text,
        capture_output=True,
        encoding="utf-8",
        check=True,
    )
    return done.stdout

"""Functions that a registry's entries name: whole dotted names, imported when they are called."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any, Self


class Hook(str):
    """A function, by its whole dotted name; as a string it is the function's own name.

    Entries can name functions without importing torch or PEFT, and a search for a function's name
    finds the entries that use it. Plans and exported scripts call it by its own name.

    Examples
    --------
    >>> hook = Hook("json.decoder.scanstring")
    >>> hook, hook.module, hook.load().__name__
    ('scanstring', 'json.decoder', 'scanstring')
    """

    module: str

    def __new__(cls, name: str) -> Self:
        module, _, function = name.rpartition(".")
        made = super().__new__(cls, function)
        made.module = module
        return made

    def __getnewargs__(self) -> tuple[str]:
        """Return what copying and pickling make it from."""
        return (f"{self.module}.{self}",)

    def load(self) -> Callable[..., Any]:
        """Import and return the function."""
        function: Callable[..., Any] = getattr(importlib.import_module(self.module), str(self))
        return function

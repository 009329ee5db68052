"""Errors are part of the product: one sentence that says what to do.

Everything a user can get wrong becomes a :class:`Problem`; whatever is raised on purpose is a
:class:`WorkbenchError`, whose text can be shown in a panel or on a terminal as it stands.
"""

from __future__ import annotations

import difflib
import traceback
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong with one parameter.

    Parameters
    ----------
    parameter : str
        The parameter's name, as the user types it.
    allowed : str
        What is allowed, to be read after "must be".
    got : object
        What came.
    hint : str, default ""
        What to do about it, as the end of the sentence.
    details : str, default ""
        Technical details for those who want them, such as a traceback.

    Examples
    --------
    >>> print(Problem("r", "an integer of at least 1", 0, "8 is a good first rank"))
    r must be an integer of at least 1, but is 0: 8 is a good first rank.
    """

    parameter: str
    allowed: str
    got: object
    hint: str = ""
    details: str = ""

    @classmethod
    def stated(
        cls, parameter: str, sentence: str, details: str = "", got: object = None
    ) -> Problem:
        """Make a problem of a complete sentence, which is then its text as it stands.

        Examples
        --------
        >>> print(Problem.stated("data", "The file is empty."))
        The file is empty.
        """
        return cls(parameter, "", got, sentence, details)

    def __str__(self) -> str:
        if not self.allowed:
            return self.hint
        end = f": {self.hint}" if self.hint else ""
        stop = "" if end.endswith(("?", ".")) else "."
        return f"{self.parameter} must be {self.allowed}, but is {self.got!r}{end}{stop}"


class WorkbenchError(Exception):
    """The base class of all errors of the workbench; the text is a sentence for the user."""

    def _render_traceback_(self) -> list[str]:
        """Return what IPython shows: the user's own lines and the sentence. Scripts show all frames."""
        package = str(Path(__file__).parent)
        frames = traceback.extract_tb(self.__traceback__)
        own = [
            frame
            for frame in frames
            if not frame.filename.startswith(package) and "IPython" not in frame.filename
        ]
        return [*map(_as_line, own), f"{type(self).__name__}: {self}"]


def _as_line(frame: traceback.FrameSummary) -> str:
    # ipykernel gives each cell a file of its own in a folder for temporary files.
    cell = "ipykernel" in frame.filename or frame.filename.startswith("<ipython")
    place = "this cell" if cell else frame.filename
    return f"Line {frame.lineno} of {place}: {frame.line}"


class RecipeError(WorkbenchError, ValueError):
    """A recipe or argument with problems: all of them at once.

    Parameters
    ----------
    problems : sequence of Problem
    """

    def __init__(self, problems: Sequence[Problem]):
        self.problems = tuple(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))


class DataError(WorkbenchError, ValueError):
    """Data that cannot be read, or does not contain what the task needs."""


class ModelError(WorkbenchError, ValueError):
    """A base model that cannot be found, must not be loaded, or does not work with a technique."""


class TrainingError(WorkbenchError, RuntimeError):
    """A run that cannot continue, or an action for which it is not ready."""


class VersionWarning(UserWarning):
    """A package has a version with which the workbench was not tested."""


class StoreError(WorkbenchError, OSError):
    """A run's folder that cannot be written or read."""


def is_out_of_memory(error: BaseException) -> bool:
    """Tell whether memory ran out; torch's allocator on the CPU has no error of its own for that.

    Examples
    --------
    >>> is_out_of_memory(MemoryError()), is_out_of_memory(RuntimeError("sizes differ"))
    (True, False)
    """
    phrases = ("out of memory", "can't allocate memory", "cannot allocate memory")
    return isinstance(error, MemoryError) or any(words in str(error).lower() for words in phrases)


def first_line(error: BaseException) -> str:
    """Return the first line of what an exception says; its class's name if it says nothing.

    Examples
    --------
    >>> first_line(ValueError("sizes differ\\n  at layer 3")), first_line(KeyError())
    ('sizes differ', 'KeyError')
    """
    return (str(error).strip().splitlines() or [type(error).__name__])[0]


def did_you_mean(word: str, options: Iterable[str]) -> str:
    """Suggest the nearest of some names, or list them all.

    Examples
    --------
    >>> did_you_mean("lorra", ["lora", "ia3"])
    "did you mean 'lora'?"
    >>> did_you_mean("xyzzy", ["lora", "ia3"])
    "choose from 'ia3', 'lora'"
    """
    options = sorted(options)
    near = difflib.get_close_matches(word, options, n=1, cutoff=0.6)
    if near:
        return f"did you mean {near[0]!r}?"
    return "choose from " + ", ".join(repr(option) for option in options)

"""Ask a run: the answers of its base and of what it has learned, side by side.

A run in memory is asked between two of its steps; of one that is only on disk, the saved weights are
loaded. Nothing here imports torch before something is asked.
"""

from __future__ import annotations

import contextlib
import threading
import weakref
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from workbench import imports
from workbench.errors import Problem, RecipeError, TrainingError, WorkbenchError, first_line
from workbench.recipe import Recipe
from workbench.registry.tasks import TASKS, Task
from workbench.registry.techniques import find, get
from workbench.runs.run_folder import WEIGHTS
from workbench.sources.datasets.load import Table
from workbench.sources.lookup import find_facts, load_data
from workbench.training.answer import Answer, is_conversation, question_text

if TYPE_CHECKING:
    from workbench.training.asking import Asker, Question

MODULE = (
    "it trains a module, which takes tensors and not texts: call run.model(x), and the module itself "
    "to compare"
)
COMPILED = "it trains with torch_compile, and other inputs could make its layers compile again: wait until it ends"
WAIT = 0.2  # seconds between two looks at whether a question that waits is still wanted

# One question at a time: several would only slow each other down, and the runs.
_asking = threading.RLock()
# The askers that were used last, and the models that were loaded for them; the latest last.
_askers: list[tuple[weakref.ref[Any], _Loaded]] = []
MOST = 2


class Askable(Protocol):
    """What can be asked: a run, a record, or an earlier run in a panel."""

    @property
    def name(self) -> str:
        """Return the name of the run."""

    @property
    def path(self) -> Path | None:
        """Return the folder of the run, once it has one."""

    @property
    def recipe(self) -> Recipe:
        """Return the settings of the run."""

    @property
    def plan(self) -> dict[str, Any]:
        """Return the plan of the run; empty before it has one."""

    @property
    def state(self) -> str:
        """Return what the run is doing, or how it ended."""


class _Loaded:
    """An asker of a run, and the run's model if it had to be loaded from its folder."""

    def __init__(self, asker: Asker):
        self.asker = asker
        self.model: Any = None


def obstacle(run: Askable) -> str | None:
    """Say why a run cannot predict; None where it can, as far as that is known without its model.

    Parameters
    ----------
    run : Run, Record or EarlierRun
    """
    if run.recipe.task not in TASKS:
        return MODULE
    if find(run.recipe.technique) is None:
        return f"its technique {run.recipe.technique!r} is not known here"
    if not run.plan:
        ended = run.state in ("failed", "stopped", "interrupted")
        return "it ended before its model was loaded" if ended else "its model is not loaded yet"
    if getattr(run, "model", None) is not None:
        going = run.state in ("preparing", "running", "paused")
        return COMPILED if going and run.recipe.torch_compile else None
    if run.plan.get("trainable") == "nothing" or _weights(run) is not None:
        return None
    return f"it is {run.state} and has no saved weights"


def check_askable(run: Askable) -> None:
    """Raise TrainingError with the reason if a run cannot predict; see :func:`obstacle`."""
    if (why := obstacle(run)) is not None:
        raise TrainingError(f"The run {run.name!r} cannot predict: {why}.")


def ask(
    run: Askable,
    content: Any,
    *,
    max_new_tokens: int | None = None,
    is_cancelled: Callable[[], bool] = lambda: False,
) -> Answer | list[Answer]:
    """Answer a text or several with a run and with its base; see :meth:`workbench.Run.ask`.

    Parameters
    ----------
    run : Run, Record or EarlierRun
    content : str, path, bytes or a list of these
        See :meth:`workbench.Run.ask`.
    max_new_tokens : int, optional
        See :meth:`workbench.Run.ask`.
    is_cancelled : callable, optional
        Whether nobody wants the answer any more: then :class:`workbench.training.asking.Cancelled` is
        raised, within a token or so.

    Returns
    -------
    Answer or list of Answer
    """
    several = isinstance(content, list | tuple) and not is_conversation(content)
    check_askable(run)
    contents = [
        _checked(one, TASKS[run.recipe.task]) for one in (content if several else [content])
    ]
    if max_new_tokens is not None and (
        not isinstance(max_new_tokens, int)
        or isinstance(max_new_tokens, bool)
        or max_new_tokens < 1
    ):
        allowed = "an integer of at least 1 (or None)"
        raise RecipeError([Problem("max_new_tokens", allowed, max_new_tokens)])
    # Here and not at the top: whoever reads runs needs neither torch nor peft.
    imports.load(*imports.LIBRARIES, "workbench.training.prepare", "workbench.training.asking")
    from workbench.training.asking import Question
    from workbench.training.runtime.quiet_loading import quiet_thread

    questions = [Question(one, max_new_tokens, is_cancelled) for one in contents]
    with _errors_in_words(run), quiet_thread(), _held(_asking, is_cancelled):
        answers = [_answer(run, question) for question in questions]
    return answers if several else answers[0]


def table_of(run: Askable) -> Table:
    """Return a run's data, as it is read now."""
    read: Callable[[Recipe], Table] = getattr(run, "load_data", load_data)
    return read(run.recipe)


# -- one question -----------------------------------------------------------------------------------


def _answer(run: Askable, question: Question) -> Answer:
    from workbench.training.asking import Cancelled

    loaded = _asker(run)
    model = getattr(run, "model", None)
    stepping = getattr(run, "stepping", None) if model is not None else None
    if model is None and not loaded.asker.prompts:
        model = loaded.model = loaded.model or _load_model(run, loaded.asker)
    if question.is_cancelled():
        raise Cancelled
    with _own_numbers(run, loaded.asker):
        base = loaded.asker.ask_base(question)
    if question.is_cancelled():
        raise Cancelled
    # The weights are those of one step, and the run takes none until it has answered. The lock comes
    # before the random numbers, as it does in a step.
    with _held(stepping, question.is_cancelled), _own_numbers(run, loaded.asker), _resting(model):
        reply = loaded.asker.ask_run(model, question)
    return Answer(question_text(question.content), reply, base)


def _asker(run: Askable) -> _Loaded:
    """Return the asker of a run: the one from the last questions, if it still has it."""
    for reference, loaded in _askers:
        if reference() is run:
            return loaded
    from workbench.training.asking import Asker
    from workbench.training.inputs.limits import choose_rows

    facts = find_facts(run.recipe)
    recipe, split = run.recipe.resolved(facts), run.plan.get("split", {})
    asker = Asker(recipe, run.plan, facts, lambda: choose_rows(recipe, table_of(run), split)[0])
    _askers[:] = [*_askers[1 - MOST :], (weakref.ref(run, _forget), _Loaded(asker))]
    return _askers[-1][1]


def _forget(reference: weakref.ref[Any]) -> None:
    _askers[:] = [pair for pair in _askers if pair[0] is not reference]


def _load_model(run: Askable, asker: Asker) -> Any:
    from workbench.training.adaptation.saved import load_saved

    if run.path is None:
        raise TrainingError(f"The run {run.name!r} has no folder.")
    return load_saved(run.path, run.plan, get(run.recipe.technique), asker.base)


@contextlib.contextmanager
def _own_numbers(run: Askable, asker: Asker) -> Iterator[None]:
    """Draw from numbers of the question's own: those of runs stay as they are."""
    from workbench.training.runtime.rng import Randomness, may_step_beside

    randomness = Randomness(0)
    # Beside the default generators where that can be, so that other runs go on meanwhile.
    beside = may_step_beside({"recipe": run.recipe.to_dict(), "device": run.plan["device"]})
    with randomness.beside() if beside else randomness:
        yield


@contextlib.contextmanager
def _resting(model: Any) -> Iterator[None]:
    """Put a model into evaluation mode, and each of its parts back into the mode that it had."""
    if model is None:
        yield
        return
    from workbench.training.speedups.frozen_prefix.blocks import in_mode

    with in_mode(model, training=False):
        yield


@contextlib.contextmanager
def _held(lock: Any, is_cancelled: Callable[[], bool]) -> Iterator[None]:
    """Hold a lock, if there is one; stop waiting for it once nobody wants the answer any more."""
    if lock is None:
        yield
        return
    from workbench.training.asking import Cancelled

    while not lock.acquire(timeout=WAIT):
        if is_cancelled():
            raise Cancelled
    try:
        yield
    finally:
        lock.release()


@contextlib.contextmanager
def _errors_in_words(run: Askable) -> Iterator[None]:
    from workbench.training.asking import Cancelled

    try:
        yield
    except (WorkbenchError, Cancelled):
        raise
    except Exception as error:
        raise TrainingError(
            f"The run {run.name!r} could not predict: {first_line(error)}"
        ) from error


def _checked(content: Any, task: Task) -> Any:
    """Return what is asked if it is something that the task can read."""
    if task.reads_images:
        if isinstance(content, bytes) and content:
            return content
        if isinstance(content, str | Path) and Path(content).is_file():
            return str(content)
        allowed = "the path of an image, its bytes, or a list of these"
        raise RecipeError([Problem("content", allowed, content)])
    if isinstance(content, str) and content.strip():
        return content
    if task.chats and is_conversation(content):
        if content[-1]["role"] in ("user", "tool") and isinstance(content[-1].get("content"), str):
            return list(content)
        allowed = "messages of which the last is a text of the user or of a tool"
        raise RecipeError([Problem("content", allowed, content)])
    allowed = "a text that is not empty, or a list of these"
    if task.chats:
        allowed = (
            "a text that is not empty, a list of messages with role and content, or a list of these"
        )
    raise RecipeError([Problem("content", allowed, content)])


def _weights(run: Askable) -> Path | None:
    """Return the folder of a run's saved weights, if it has any."""
    if run.path is None:
        return None
    return next((run.path / name for name in WEIGHTS if (run.path / name).is_dir()), None)

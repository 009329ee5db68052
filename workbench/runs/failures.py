"""What made a run fail, in words that a user can act on."""

from __future__ import annotations

import contextlib
import gc
import traceback

from workbench.errors import StoreError, TrainingError, WorkbenchError, first_line, is_out_of_memory
from workbench.recipe import Recipe
from workbench.registry.tasks import ALL_TASKS
from workbench.training.forecast.worker import ForecastProcess

# Seconds that a run which ran out of memory waits to be told what would fit.
PATIENCE = 60


def explain(error: BaseException, recipe: Recipe, state: str) -> BaseException:
    """Turn what went wrong into an error with a sentence.

    Parameters
    ----------
    error : BaseException
        What a run's thread caught; the cause of what is returned.
    recipe : Recipe
    state : str
        The run's state at that time.
    """
    told: BaseException
    if isinstance(error, StoreError) and state != "preparing":
        told = TrainingError(str(error))
    elif isinstance(error, WorkbenchError):
        return error
    elif isinstance(error, FloatingPointError):
        # Nothing has been learnt before the first step, so its rate cannot be what is wrong.
        advice = (
            "the base's weights or the data contain numbers that are not finite or too large"
            if str(error).endswith("at step 1")
            else f"try a learning_rate below {recipe.resolved().learning_rate:g}"
        )
        told = TrainingError(f"Training stopped because {error}: {advice}.")
    elif is_out_of_memory(error):
        told = TrainingError(f"Training stopped because memory ran out{_what_fits(recipe)}")
    else:
        first = first_line(error)
        when = "The run could not start" if state == "preparing" else "Training stopped"
        told = TrainingError(f"{when}: {first}")
    told.__cause__ = error
    return told


def _what_fits(recipe: Recipe) -> str:
    """Say what would fit into the memory that is left, now that the run has given back its own."""
    with contextlib.suppress(OSError), ForecastProcess() as process:
        told = process.ask(recipe, timeout=PATIENCE)
        if told.get("memory_suffices") is False:
            return f". {told['advice']}"
    # Others had the memory then, or nobody knows: less of everything helps in any case.
    shorter = ", or a smaller max_length" if ALL_TASKS[recipe.task].unit == "tokens" else ""
    rows = recipe.per_device_train_batch_size
    return f": try a smaller per_device_train_batch_size than {rows}{shorter}."


def make_room(error: BaseException) -> None:
    """Give back the memory that was held where an error came from: others need it."""
    # Here and not at the top: whoever reads runs needs no torch.
    from workbench.training.runtime.device_memory import give_back_all_memory

    let_go(error)
    gc.collect()  # models hold themselves in circles
    give_back_all_memory()


def let_go(error: BaseException | None) -> None:
    """Take from the frames of an error what they still hold, which may be most of the memory.

    Where it came from can still be read.
    """
    while error is not None:
        traceback.clear_frames(error.__traceback__)
        error = error.__cause__ or error.__context__

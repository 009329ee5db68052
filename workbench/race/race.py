"""A race: many runs at once over what they share, with their curves advancing together."""

from __future__ import annotations

import os
import threading
import time
import traceback
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from workbench import imports
from workbench.errors import Problem, RecipeError
from workbench.race.batching import add_barrier
from workbench.race.fork import clone_recipe
from workbench.race.halving import HalvingRule, SuccessiveHalving, halving_notes, halving_problems
from workbench.race.leaderboard import Standing, as_text, leaderboard
from workbench.race.shared_resources import notes_of_runs, sharing_notes, sharing_problems
from workbench.recipe import Recipe
from workbench.runs.run import Run
from workbench.runs.step_scheduler import TURNS, StepScheduler
from workbench.runs.time_left import time_left
from workbench.settings.values import value_problems
from workbench.sources.lookup import SharedTables
from workbench.training.events import Evaluation, Event, Parameters, State, TrainStep

# When runs that can be are fused, in a word and as `fuse` has it.
FUSE = {"where it pays": None, "always": True, "never": False}

# Steps over which a run's pace is measured.
PACE = 40


class Race:
    """Recipes being carried out at the same time, each with the losses that it would have alone.

    All runs share one copy of each base and the rows as they were encoded for the first of them.
    They ask for their steps at one scheduler, which lets those go first that have had least. A run that
    fails leaves the race with its reason, and the others go on.

    Parameters
    ----------
    recipes : sequence of Recipe
        Any mix of techniques, bases and data, as long as there is something to share.
    runs : path, default "runs"
        Folder in which the runs' own folders are made.
    turns : {"steps", "tokens", "seconds"}
        What is shared out fairly.
    workers : int, optional
        How many runs step at the same time. None means one per core, each with one intra-op thread;
        on CUDA one.
    halving : SuccessiveHalving, optional
        Stop the losers early, by this rule.
    fuse : bool, optional
        Whether runs of the same base that are plain LoRA train together, in one forward and backward
        pass: None where a short measurement says that it is faster, True wherever it can be done. Their
        losses are then those of training alone within float tolerance; with False, to the last bit.

    Attributes
    ----------
    members : list of Run
        In the order in which they were added.

    Examples
    --------
    >>> import workbench as wb
    >>> recipe = wb.Recipe(max_steps=20)
    >>> race = wb.Race([recipe, recipe.replace(technique="ia3")])
    >>> race.start().wait().leaderboard()  # doctest: +SKIP
    """

    def __init__(
        self,
        recipes: Iterable[Recipe],
        runs: str | os.PathLike = "runs",
        *,
        turns: str = "steps",
        workers: int | None = None,
        halving: SuccessiveHalving | None = None,
        fuse: bool | None = None,
    ):
        recipes = [recipes] if isinstance(recipes, Recipe) else list(recipes)
        found = _rule_problems(turns=turns, workers=workers, fuse=fuse)
        found += _problems(recipes, halving)
        if found:
            raise RecipeError(found)
        self.runs, self.turns, self.workers, self.fuse = runs, turns, workers, fuse
        self.scheduler = StepScheduler(turns=turns)
        self.members: list[Run] = []
        self.halving = halving
        self._judge = HalvingRule(halving, self.members) if halving else None
        self._lock = threading.Lock()
        self._started = False
        self._kept: list[tuple[Any, ...]] = []
        self._tables = SharedTables()
        self._paces: dict[Run, deque[tuple[float, int]]] = {}
        self._reasons: dict[Run, str] = {}
        self._said: list[str] = []
        self._listeners: list[Callable[[Race, dict[str, Any]], None]] = []
        self._enter(recipes)

    def __repr__(self) -> str:
        head = f"Race of {len(self.members)} run{'s' * (len(self.members) != 1)}, {self.state}"
        return f"{head}\n{as_text(self.leaderboard())}"

    def __iter__(self) -> Iterator[Run]:
        """Go through the runs, so that ``wb.compare(race)`` puts them side by side."""
        return iter(list(self.members))

    # -- what can be asked of it ------------------------------------------------------------------

    @property
    def state(self) -> str:
        """``ready``, ``running``, ``paused`` or ``ended``."""
        if not self._started:
            return "ready"
        states = {run.state for run in self.members if not run.ended}
        if not states:
            return "ended"
        return "paused" if states == {"paused"} else "running"

    @property
    def notes(self) -> list[str]:
        """What is shared, how turns are taken and what the runs have to say, in sentences."""
        shared = sharing_notes([run.recipe for run in self.members])
        rule = halving_notes(self.halving, self.members)
        return [self._turns_note(), *shared, *notes_of_runs(self.members), *rule, *self._said]

    def leaderboard(self) -> list[Standing]:
        """Return where each run stands, the best first."""
        return leaderboard(list(self.members), self._left, self._reason)

    def subscribe(self, listener: Callable[[Race, dict[str, Any]], None]) -> None:
        """Call ``listener(race, event)`` for each event of each run, in that run's thread.

        The event is that of :meth:`Run.subscribe` with the run's name as ``run``. It must be quick.
        """
        self._listeners.append(listener)

    # -- controls, safe from any thread -----------------------------------------------------------

    def start(self) -> Race:
        """Begin all runs; returns at once."""
        with self._lock:
            self._settle()
            self._started = True
            self._begin([run for run in self.members if run.state == "ready"])
        return self

    def rule(self, **changes: Any) -> None:
        """Change ``turns``, ``workers`` or ``fuse`` before the race has begun, ``halving`` at any time.

        Raises
        ------
        RecipeError
            A value is not allowed, or comes too late.
        """
        with self._lock:
            halving = changes.pop("halving", self.halving)
            found = _rule_problems(**changes)
            found += halving_problems(halving, [run.recipe for run in self.members])
            if self._started:
                found += [
                    Problem(name, "set before the race starts", value)
                    for name, value in changes.items()
                ]
            if found:
                raise RecipeError(found)
            self.turns = self.scheduler.turns = changes.get("turns", self.turns)
            self.workers = changes.get("workers", self.workers)
            self.fuse = changes.get("fuse", self.fuse)
            if halving is not self.halving:
                self.halving = halving
                self._judge = HalvingRule(halving, self.members) if halving else None

    def pause(self) -> None:
        """Let every run rest after its step in hand."""
        for run in list(self.members):
            run.pause()

    def resume(self) -> None:
        """Let every run go on."""
        for run in list(self.members):
            run.resume()

    def stop(self) -> None:
        """End every run after its step in hand, and keep what was learnt."""
        for run in list(self.members):
            run.stop()

    def wait(self, timeout: float | None = None) -> Race:
        """Wait until all runs are over. What made one fail is in its standing.

        An interrupt (Ctrl-C, "Interrupt Kernel") while waiting stops all runs, saves them and goes
        on as KeyboardInterrupt.
        """
        end = None if timeout is None else time.monotonic() + timeout
        try:
            for run in list(self.members):
                run.join(None if end is None else max(0.0, end - time.monotonic()))
        except KeyboardInterrupt:
            self.stop()
            for run in list(self.members):
                run.join()
            raise
        return self

    def add(self, recipe: Recipe) -> Run:
        """Add a run, also while others go on; it counts as having had as much as the one that had least.

        Raises
        ------
        RecipeError
            The recipe has problems, or shares nothing with the race, or its name is taken.
        """
        return self.extend([recipe])[0]

    def extend(self, recipes: Iterable[Recipe]) -> list[Run]:
        """Add several runs at once, as :meth:`add` does one: those that can be are fused with one another.

        Raises
        ------
        RecipeError
            As for :meth:`add`; then none is added.
        """
        recipes = list(recipes)
        with self._lock:
            found = _problems([*(run.recipe for run in self.members), *recipes], self.halving)
            if found:
                raise RecipeError(found)
            runs = self._enter(recipes)
            if self._started:
                self._begin(runs)
        for run in runs:
            self._tell({"event": "added", "run": run.name})
        return runs

    def fork(self, run: Run, weights: bool = False, **changes: Any) -> Run:
        """Add a run like another one, with other settings.

        Parameters
        ----------
        run : Run
            A member of the race, which goes on.
        weights : bool, default False
            Start from what it has learnt so far, with an optimizer afresh, and not from its start.
            The weights are kept in its folder, and ``start_from`` in the new recipe names them, so
            that the new run can be repeated and exported like any other.
        **changes
            As :meth:`Recipe.replace` takes them.

        Raises
        ------
        RecipeError
            The changes are wrong, or another technique or rank than that of the weights is asked for.
        TrainingError
            The run has no weights.
        """
        return self.add(clone_recipe(run, weights, changes))

    # -- inside -----------------------------------------------------------------------------------

    def _enter(self, recipes: Iterable[Recipe]) -> list[Run]:
        # Each may be refused: then none is in.
        runs = [
            Run(recipe, self.runs, scheduler=self.scheduler, tables=self._tables)
            for recipe in recipes
        ]
        for run in runs:
            run.subscribe(self._hear)
            self._paces[run] = deque(maxlen=PACE)
        self.members += runs
        return runs

    def _begin(self, runs: Sequence[Run]) -> None:
        # All are counted in before the first can take its turns.
        for run in runs:
            self.scheduler.join(run)
        if self.fuse is not False:
            add_barrier(runs, self.scheduler, bool(self.fuse), self._said)
        for run in runs:
            run.start()
            # Folders count up, so that names are in the order in which runs were added.
            run.named.wait()

    def _settle(self) -> None:
        """Decide how many runs step at once."""
        # Here and not at the top: whoever reads runs needs no torch.
        imports.load(*imports.LIBRARIES, "workbench.training.prepare")
        import torch

        from workbench.training.runtime.device_memory import share_arenas

        cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
        usual = 1 if torch.cuda.is_available() else cores or 1
        self.scheduler.workers = self.workers or usual
        if self.scheduler.workers > 1:
            self.scheduler.threads = max(1, (cores or 1) // self.scheduler.workers)
        share_arenas(self.scheduler.workers)

    def _turns_note(self) -> str:
        if not self._started:
            return f"Turns are shared out by {self.turns}."
        at_once, threads = self.scheduler.workers, self.scheduler.threads
        if at_once == 1:
            return f"One run steps at a time; turns are shared out by {self.turns}."
        each = f"{threads} intra-op thread{'s' * (threads != 1)}"
        return f"{at_once} runs step at a time, each with {each}; turns are shared out by {self.turns}."

    def _hear(self, run: Run, event: Event) -> None:
        match event:
            case TrainStep():
                self._paces[run].append((time.monotonic(), event.step))
            case State():
                self._paces[run].clear()
                if run.ended and self.state == "ended":
                    self._kept.clear()
                    self._tables.clear()
            case Parameters():
                # Runs that come later find the base and the rows, even when this one is over by then.
                self._kept.append(run.shared)
            case Evaluation():
                from workbench.training.runtime.device_memory import give_back_memory

                # Its batches were larger than those of steps, which have no use for the room.
                give_back_memory()
        for loser, why in self._judge.hear(run, event) if self._judge else []:
            self._reasons[loser] = why
            loser.add_notes(why)
            loser.stop()
        self._tell({**event, "run": run.name})

    def _tell(self, event: dict[str, Any]) -> None:
        for listener in list(self._listeners):
            try:
                listener(self, event)
            except Exception:  # noqa: BLE001 (whoever watches must not be able to break a race)
                self._listeners.remove(listener)
                self._said.append(f"A listener was dropped: {traceback.format_exc(limit=1)}")

    def _left(self, run: Run) -> float | None:
        if run.ended:
            return 0.0
        return time_left(list(self._paces[run]), run.progress[1])

    def _reason(self, run: Run) -> str:
        return str(run.error) if run.error is not None else self._reasons.get(run, "")


def _rule_problems(turns: Any = TURNS[0], workers: Any = None, fuse: Any = None) -> list[Problem]:
    found = value_problems("turns", turns, str, {"choices": TURNS})
    found += value_problems("workers", workers, int | None, {"ge": 1})
    return found + value_problems("fuse", fuse, bool | None, {})


def _problems(recipes: Sequence[Any], halving: SuccessiveHalving | None) -> list[Problem]:
    """Return what is wrong with recipes as the members of one race."""
    wrong = [recipe for recipe in recipes if not isinstance(recipe, Recipe)]
    if wrong or not recipes:
        return [Problem("recipes", "a sequence of at least one Recipe", wrong[0] if wrong else [])]
    names = [recipe.name for recipe in recipes if recipe.name is not None]
    twice = sorted({name for name in names if names.count(name) > 1})
    found = [
        Problem("name", "another one for each run of a race", name, "two recipes have it")
        for name in twice
    ]
    return found + sharing_problems(recipes) + halving_problems(halving, recipes)

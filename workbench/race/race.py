"""A race: many runs at once over what they share, with their curves advancing together."""

from __future__ import annotations

import os
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from workbench.errors import Problem, RecipeError
from workbench.race.batching import add_barrier
from workbench.race.events import Added, RaceEvent
from workbench.race.fork import clone_recipe
from workbench.race.halving import HalvingRule, SuccessiveHalving, halving_notes, halving_problems
from workbench.race.leaderboard import Standing, as_text, leaderboard
from workbench.race.problems import member_problems, setting_problems
from workbench.race.shared_resources import notes_of_runs, sharing_notes
from workbench.race.turns import set_workers, turns_note
from workbench.recipe import Recipe
from workbench.runs.listeners import Listeners, Notes
from workbench.runs.run import Run
from workbench.runs.step_scheduler import StepScheduler
from workbench.runs.time_left import time_left
from workbench.sources.lookup import SharedTables
from workbench.training.events import Evaluation, Event, Parameters, State, TrainStep

# When runs that can be are fused, in a word and as `fuse` has it.
FUSE = {"where it pays": None, "always": True, "never": False}

# Steps over which a run's pace is measured.
PACE = 40


class Race:
    """Several recipes trained at the same time, each with the losses that it would have alone.

    All runs share one copy of each base and the tokenized rows. Their steps are interleaved: the run
    that has had the smallest share so far is next. A run that fails ends with its reason, and the others
    continue.

    Parameters
    ----------
    recipes : sequence of Recipe
        Any techniques, bases and data, as long as two of them have the base or the data in common.
    runs : path, default "runs"
        Folder in which the runs' own folders are made.
    turns : {"steps", "tokens", "seconds"}
        What all runs get the same number of.
    workers : int, optional
        Number of runs that do a step at the same time. None means one per core, each with one intra-op
        thread; one on CUDA.
    halving : SuccessiveHalving, optional
        The rule by which the worst runs are stopped early.
    fuse : bool, optional
        Whether plain LoRA runs with the same base train together, in one forward and backward pass: None
        where a short measurement shows that it is faster, True wherever it is possible. Their losses then
        equal those of separate training within float tolerance; with False, to the last bit.
    tables : SharedTables, optional
        Cache of data that was read already, for a panel; by default the race has its own until it ends.

    Attributes
    ----------
    members : list of Run
        In the order in which they were added.

    Raises
    ------
    RecipeError
        With all problems of the recipes and of the other arguments.

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
        tables: SharedTables | None = None,
    ):
        recipes = [recipes] if isinstance(recipes, Recipe) else list(recipes)
        problems = setting_problems(turns=turns, workers=workers, fuse=fuse)
        problems += member_problems(recipes, halving)
        if problems:
            raise RecipeError(problems)
        self.runs, self.turns, self.workers, self.fuse = runs, turns, workers, fuse
        self.scheduler = StepScheduler(turns=turns)
        self.members: list[Run] = []
        self.halving = halving
        self._judge = HalvingRule(halving, self.members) if halving else None
        self._lock = threading.Lock()
        self._started = False
        self._shared: list[tuple[Any, ...]] = []
        self._owns_tables = tables is None
        self._tables = SharedTables() if tables is None else tables
        self._paces: dict[Run, deque[tuple[float, int]]] = {}
        self._reasons: dict[Run, str] = {}
        self._notes = Notes()
        self._listeners = Listeners(self._notes)
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
        """Return, in sentences, what the runs share, how their steps are interleaved, and the runs' notes."""
        shared = sharing_notes([run.recipe for run in self.members])
        rule = halving_notes(self.halving, self.members)
        turns = turns_note(self.scheduler, self._started)
        return [turns, *shared, *notes_of_runs(self.members), *rule, *self._notes.all()]

    def leaderboard(self) -> list[Standing]:
        """Return the rank of each run with its latest figures, the best first."""
        return leaderboard(list(self.members), self._left, self._reason)

    def subscribe(self, listener: Callable[[Race, RaceEvent], object]) -> None:
        """Call ``listener(race, event)`` for each event of each run, in that run's thread.

        It must be quick. See :class:`workbench.race.events.RaceEvent`.
        """
        self._listeners.add(listener)

    # -- controls, safe from any thread -----------------------------------------------------------

    def start(self) -> Race:
        """Start all runs and return at once."""
        with self._lock:
            set_workers(self.scheduler, self.workers)
            self._started = True
            self._begin([run for run in self.members if run.state == "ready"])
        return self

    def rule(self, **changes: Any) -> None:
        """Change ``turns``, ``workers`` or ``fuse`` before the race has started, ``halving`` at any time.

        Raises
        ------
        RecipeError
            A value is not allowed, or the race has started already.
        """
        with self._lock:
            halving = changes.pop("halving", self.halving)
            problems = setting_problems(**changes)
            problems += halving_problems(halving, [run.recipe for run in self.members])
            if self._started:
                problems += [
                    Problem(name, "set before the race starts", value)
                    for name, value in changes.items()
                ]
            if problems:
                raise RecipeError(problems)
            self.turns = self.scheduler.turns = changes.get("turns", self.turns)
            self.workers = changes.get("workers", self.workers)
            self.fuse = changes.get("fuse", self.fuse)
            if halving is not self.halving:
                self.halving = halving
                self._judge = HalvingRule(halving, self.members) if halving else None

    def pause(self) -> None:
        """Pause every run after its current step."""
        for run in list(self.members):
            run.pause()

    def resume(self) -> None:
        """Continue every run that is paused."""
        for run in list(self.members):
            run.resume()

    def stop(self, evaluate: bool = True) -> None:
        """End every run after its current step, evaluate it, and save its trained weights.

        Parameters
        ----------
        evaluate : bool, default True
            As :meth:`Run.stop` takes it.
        """
        for run in list(self.members):
            run.stop(evaluate)

    def wait(self, timeout: float | None = None) -> Race:
        """Wait until all runs have ended. The reason why one failed is in the leaderboard.

        An interrupt (Ctrl-C, "Interrupt Kernel") while waiting stops all runs, saves them and is raised again
        as KeyboardInterrupt.
        """
        end = None if timeout is None else time.monotonic() + timeout
        try:
            for run in list(self.members):
                run.join(None if end is None else max(0.0, end - time.monotonic()))
        except KeyboardInterrupt:
            self.stop(evaluate=False)
            for run in list(self.members):
                run.join()
            raise
        return self

    def add(self, recipe: Recipe) -> Run:
        """Add a run, also while others are training; its share counts as equal to the smallest so far.

        Raises
        ------
        RecipeError
            The recipe has problems, or shares neither base nor data with the race, or its name is taken.
        """
        return self.extend([recipe])[0]

    def extend(self, recipes: Iterable[Recipe]) -> list[Run]:
        """Add several runs at once, as :meth:`add` does; plain LoRA runs among them may be fused.

        Raises
        ------
        RecipeError
            As for :meth:`add`; then none is added.
        """
        recipes = list(recipes)
        with self._lock:
            members = [*(run.recipe for run in self.members), *recipes]
            if problems := member_problems(members, self.halving):
                raise RecipeError(problems)
            runs = self._enter(recipes)
            if self._started:
                self._begin(runs)
        for run in runs:
            self._listeners.notify(self, RaceEvent(run.name, Added()))
        return runs

    def fork(self, run: Run, weights: bool = False, **changes: Any) -> Run:
        """Add a clone of a run with other settings.

        Parameters
        ----------
        run : Run
            A member of the race, which continues.
        weights : bool, default False
            Start from the weights that the run has trained so far, with a new optimizer state, and not from
            its initial weights. The weights are saved in the run's folder, and ``start_from`` in the new
            recipe names them, so that the new run can be repeated and exported like any other.
        **changes
            As :meth:`Recipe.replace` takes them.

        Raises
        ------
        RecipeError
            The changes are wrong, or ask for another technique or rank than that of the weights.
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
            add_barrier(runs, self.scheduler, bool(self.fuse), self._notes)
        for run in runs:
            run.start()
            # Folders count up, so that names are in the order in which runs were added.
            run.named.wait()

    def _hear(self, run: Run, event: Event) -> None:
        match event:
            case TrainStep():
                self._paces[run].append((time.monotonic(), event.step))
            case State():
                self._paces[run].clear()
                if run.ended and self.state == "ended":
                    self._shared.clear()
                    if self._owns_tables:
                        self._tables.clear()
            case Parameters():
                # Runs that come later find the base and the rows, even when this one is over by then.
                self._shared.append(run.shared)
            case Evaluation():
                from workbench.training.runtime.device_memory import give_back_memory

                # Its batches were larger than those of steps, which do not use that memory again.
                give_back_memory()
        for loser, why in self._judge.hear(run, event) if self._judge else []:
            if loser.progress[0] == loser.progress[1]:
                continue  # it has taken all its steps: there is nothing left to stop
            self._reasons[loser] = why
            loser.add_notes(why)
            # It is judged by what it had shown: another evaluation would only take time from the others.
            loser.stop(evaluate=False)
        self._listeners.notify(self, RaceEvent(run.name, event))

    def _left(self, run: Run) -> float | None:
        if run.ended:
            return 0.0
        return time_left(list(self._paces[run]), run.progress[1])

    def _reason(self, run: Run) -> str:
        if run.error is not None:
            return str(run.error)
        # One that had taken its last step before the rule could stop it has finished.
        return "" if run.state == "finished" else self._reasons.get(run, "")

"""Whether what was picked goes together, as far as can be told without loading a weight."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from workbench.errors import Problem
from workbench.quiet import quiet_loggers
from workbench.recipe import Recipe
from workbench.registry.tasks import KINDS, TASKS, tasks_of
from workbench.registry.techniques import TECHNIQUES, get, uncurated
from workbench.sources.models.describe import ModelFacts


def task_problems(recipe: Recipe, facts: ModelFacts) -> list[Problem]:
    """Return what speaks against a recipe's task with a base model.

    Examples
    --------
    >>> from workbench.sources.models.describe import facts
    >>> recipe = Recipe(model="hamlet-3m", task="instruct", data="hamlet-qa")
    >>> task_problems(recipe, facts(recipe.model))
    []
    """
    suits = TASKS[recipe.task].suits
    if facts.kind in suits or facts.kind not in KINDS:
        return []
    allowed = f"{' or '.join(map(repr, tasks_of(facts.kind)))} with the model {facts.name!r}"
    taken = " or ".join(KINDS[kind] for kind in suits)
    why = f"it is {KINDS[facts.kind]}, and {recipe.task} takes {taken}"
    return [Problem("task", allowed, recipe.task, why)]


@dataclass(frozen=True)
class Fit:
    """Whether a technique fits a base.

    Parameters
    ----------
    technique : str
    fits : bool
    task : str
        What it was tried for.
    reason : str
        Why not; empty if it fits.
    remedy : str
        What would make it fit; empty if nothing is known to.
    trainable : int
        Parameters that it would train on the base; 0 where that is not known before the base is
        loaded.
    matched : tuple of str
        The base's modules that it touches. Prompts touch none.
    """

    technique: str
    fits: bool
    task: str
    reason: str = ""
    remedy: str = ""
    trainable: int = 0
    matched: tuple[str, ...] = ()

    def __str__(self) -> str:
        title = get(self.technique).title
        if self.fits:
            if not self.trainable:
                return f"{title} fits."
            where = f" in {len(self.matched)} modules" if self.matched else ""
            return f"{title} fits: it would train {self.trainable:,} parameters{where}."
        remedy = f": {self.remedy}" if self.remedy else ""
        stop = "" if remedy.endswith("?") else "."
        return f"{title} does not fit: {self.reason}{remedy}{stop}"


@quiet_loggers()
def fits(model: Any, technique: str, *, batch: Any = None, **settings: Any) -> Fit:
    """Find out whether a technique fits a base by trying it (imports torch and peft).

    The technique is injected into a copy that shares the base's tensors, and goes forward and
    backward once. Of a large base only shapes are made, and what runs is a small model of random
    weights of the same architecture. Nothing is downloaded but what a run would need.

    Parameters
    ----------
    model : str, path or torch.nn.Module
        A bundled name, a folder, a hub id, or a model of transformers in memory, which stays as it
        is.
    technique : str
    batch : mapping, optional
        Rows with labels, as a model in memory takes them; made up if not given.
    **settings
        Anything that :meth:`workbench.recipe.Recipe.replace` takes, such as the task, which is
        otherwise the first that both base and technique can do, or the technique's arguments.

    Raises
    ------
    ModelError, RecipeError
        The base or a setting is wrong in itself.

    Examples
    --------
    >>> fits("hamlet-3m", "lora").fits
    True
    >>> print(fits("hamlet-3m", "lora", target_modules=["q_prj"]))
    LoRA does not fit: target_modules must be the name of a module of the base, but is 'q_prj': \
did you mean 'q_proj'?
    """
    from workbench.training.inspection.compatibility.probe import Probe

    return Probe(model, batch=batch, **settings).fit(technique)


def fit_table(model: Any, *, batch: Any = None, **settings: Any) -> Iterator[Fit]:
    """Try all techniques on a base, one after another; see :func:`fits`."""
    from workbench.training.inspection.compatibility.probe import Probe

    probe = Probe(model, batch=batch, **settings)
    for technique in (*TECHNIQUES, *uncurated()):
        yield probe.fit(technique)

"""A Recipe has all settings of one run: the base, the data, the technique, the training, the seed.

There is no second copy of a setting: panels fill a recipe, the loop carries it out, the store writes
it down, the comparison reads it and the exporter prints it. A recipe can hold wrong settings, as a
panel is half-filled at times; :meth:`Recipe.problems` says all that is wrong with it at once, and
whatever uses a recipe calls :meth:`Recipe.check` first.
"""

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from workbench.errors import Problem, RecipeError
from workbench.registry.learning_rates import default_learning_rate
from workbench.registry.tasks import TASKS
from workbench.registry.techniques import get
from workbench.settings.checks import settings_problems
from workbench.settings.fields import COMPUTING, FIELDS, HINTS, OPTIMIZERS, Settings
from workbench.settings.yaml_format import read_value
from workbench.sources.datasets.load import keep
from workbench.sources.models.describe import ModelFacts
from workbench.sources.models.local import local_shape

__all__ = ["COMPUTING", "FIELDS", "HINTS", "OPTIMIZERS", "Recipe", "read_value"]


# Shown even where they are the defaults: without them a recipe says little.
_ALWAYS_SHOWN = ("model", "data", "task", "technique")


# What is equal, and the hash, are those of the settings.
@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class Recipe(Settings):
    """All settings of one run, as an immutable value.

    Every field has a default; ``Recipe()`` trains LoRA on the bundled model and reviews. The names of
    technique arguments are PEFT's, those of training arguments are Hugging Face's. Each field is
    explained in its ``metadata["help"]``.

    Parameters
    ----------
    **settings
        Settings of the recipe; all other names are arguments of the technique, as in :meth:`replace`.

    Examples
    --------
    >>> recipe = Recipe(technique="lora", r=4)
    >>> recipe
    Recipe(model='village-3m', data='reviews', task='classify', technique='lora', r=4)
    >>> other = recipe.replace(r=16, learning_rate=3e-4)
    >>> recipe.diff(other)
    {'r': (4, 16), 'learning_rate': (None, 0.0003)}
    >>> Recipe.from_yaml(other.to_yaml()) == other
    True
    >>> for problem in Recipe(technique="lorra", learning_rate=-1).problems():
    ...     print(problem)
    technique must be a known technique, but is 'lorra': did you mean 'lora'?
    learning_rate must be a number above 0 (or None), but is -1.
    """

    # What Shift-Tab offers: the settings by name, and that arguments of the technique may follow.
    __signature__: ClassVar = inspect.Signature(
        [
            *inspect.signature(Settings).parameters.values(),
            inspect.Parameter("arguments", inspect.Parameter.VAR_KEYWORD, annotation=Any),
        ]
    )

    def __init__(self, **settings: Any):
        fields = {name: value for name, value in settings.items() if name in FIELDS}
        args = {name: value for name, value in settings.items() if name not in FIELDS}
        if args:
            given = fields.get("technique_args", {})
            fields["technique_args"] = {**(given if isinstance(given, Mapping) else {}), **args}
        super().__init__(**fields)

    def __repr__(self) -> str:
        defaults = Settings().flat()
        settings = {
            name: value
            for name, value in self.flat().items()
            if name in _ALWAYS_SHOWN or name not in defaults or value != defaults[name]
        }
        order = [*_ALWAYS_SHOWN, *(name for name in settings if name not in _ALWAYS_SHOWN)]
        return f"Recipe({', '.join(f'{name}={settings[name]!r}' for name in order)})"

    def __post_init__(self) -> None:
        super().__post_init__()
        # A table from the notebook is written to a file, so that the recipe can be written down.
        most, most_eval = self.max_train_samples, self.max_eval_samples
        for name, limits in (("data", (most, most_eval)), ("eval_data", (most_eval or most,))):
            value = getattr(self, name)
            if value is not None and not isinstance(value, str | int | float):
                object.__setattr__(self, name, keep(value, *limits))

    def problems(self) -> list[Problem]:
        """Return all problems of the settings; no file or model is opened."""
        return settings_problems(self)

    def check(self) -> Recipe:
        """Return the recipe, or raise RecipeError with all its problems at once."""
        if problems := self.problems():
            raise RecipeError(problems)
        return self

    def resolved(self, facts: ModelFacts | None = None) -> Recipe:
        """Return the recipe with all defaults filled in that depend on the technique and the base.

        Parameters
        ----------
        facts : ModelFacts, optional
            The base's. Without them, the learning rate is the one for the base's config if that is on this
            machine, else the technique's.
        """
        technique = get(self.technique)
        rate = self.learning_rate
        stored = facts.quantization if facts else None
        return dataclasses.replace(
            self,
            learning_rate=self.default_learning_rate(facts) if rate is None else rate,
            quantization=self.quantization or stored or technique.quantization,
            technique_args={**technique.defaults(), **self.technique_args},
        )

    def default_learning_rate(self, facts: ModelFacts | None = None) -> float | None:
        """Return the learning rate that is taken where the recipe leaves it open; see :meth:`resolved`."""
        # A module from the notebook has a name, but no config.
        of_transformers = isinstance(self.task, str) and self.task in TASKS
        base = facts or (local_shape(self.model, self.revision) if of_transformers else None)
        shape = (base.kind, base.hidden_size) if base else ()
        return default_learning_rate(get(self.technique), *shape)

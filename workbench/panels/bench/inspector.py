"""What can be said about a recipe before anything is trained: its base, its data, its size."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import traceback
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from workbench.errors import RecipeError, WorkbenchError
from workbench.panels.kernel import preload
from workbench.panels.widgets.messages import Trouble
from workbench.recipe import Recipe
from workbench.registry.techniques import arguments, find
from workbench.sources.datasets.load import Table
from workbench.sources.lookup import COLUMNS, Found, find_facts, load_data, look_up
from workbench.sources.models.describe import ModelFacts
from workbench.sources.models.fingerprint import Fingerprint, fingerprint

if TYPE_CHECKING:
    from workbench.training.inspection.anatomy import Structure

ROWS = 3


Tell = Callable[[str, Any], None]


class Looks:
    """Looks things up in a background thread, the cheapest first.

    ``tell(part, value)`` is called with ``"problems"`` (a list of :class:`Trouble`), ``"model"``,
    ``"data"``, ``"count"``, ``"tokens"`` and ``"rows"`` (what was found, or None where there is nothing
    to say), and at last ``"done"`` with the recipe. Where ``wants_anatomy`` is set, ``"anatomy"`` comes
    with the recipe and its structure, even if the technique cannot be applied.
    """

    wants_anatomy = False

    def __init__(self, tell: Tell):
        self._tell = tell
        self._kept: dict[tuple, Any] = {}

    def look(self, recipe: Recipe, stale: Callable[[], bool]) -> None:
        """Say all that can be said of a recipe, unless it is stale meanwhile."""
        found = self.find(recipe)
        troubles, table = [Trouble.of(problem) for problem in found.problems], found.table
        self._tell("model", found.facts)
        self._tell("data", table)
        self._tell("problems", list(troubles))
        if stale():
            return
        if self.wants_anatomy and preload.ready():
            structure = _anatomy(recipe, found)
            if stale():
                return
            self._tell("anatomy", (recipe, structure))
        if preload.ready() and not troubles:
            for part, find in (
                ("count", lambda: _count(recipe, table)),
                ("tokens", lambda: self._tokens(recipe, table)),
                ("rows", lambda: _rows(recipe, table)),
            ):
                value = _guarded(part, find, troubles)
                if stale():
                    return
                self._tell(part, value)
            self._tell("problems", list(troubles))
        else:
            for part in ("count", "tokens", "rows"):
                self._tell(part, None)
        self._tell("done", (recipe, troubles))

    def find(self, recipe: Recipe) -> Found:
        """Find a recipe's base and data, and all that stands in its way, without heavy libraries."""
        return look_up(_checkable(recipe), model=self._model, data=self._data)

    def version(self, recipe: Recipe) -> Fingerprint:
        """Tell one state of a base's files from another; a hub id's are known by their revision."""
        return _state(recipe.model)

    def _model(self, recipe: Recipe) -> ModelFacts:
        asked = (recipe.model, recipe.revision, recipe.trust_remote_code)
        return self._keep(("model", *asked, _state(recipe.model)), lambda: find_facts(recipe))

    def _data(self, recipe: Recipe) -> Table:
        return self._keep(_data_key(recipe), lambda: load_data(recipe))

    def _tokens(self, recipe: Recipe, table: Table) -> list[dict[str, Any]]:
        from workbench.training.inspection.token_preview import tokenised

        model = (recipe.model, recipe.revision, recipe.trust_remote_code, _state(recipe.model))
        virtual = recipe.technique_args.get("num_virtual_tokens")
        room = (recipe.max_length, recipe.max_new_tokens, recipe.technique, virtual)
        technique = find(recipe.technique)
        # A prompt holds whatever its arguments and the choice of training rows put into it.
        whole = recipe.to_yaml() if technique and technique.trains == "nothing" else None
        return self._keep(
            ("tokens", *_data_key(recipe), *model, *room, whole),
            lambda: tokenised(recipe, table, ROWS),
        )

    def _keep(self, key: tuple, find: Callable[[], Any]) -> Any:
        if key not in self._kept:
            value = find()
            while len(self._kept) >= 12:
                self._kept.pop(next(iter(self._kept)))
            self._kept[key] = value
        return self._kept[key]


def _data_key(recipe: Recipe) -> tuple:
    names = ("data", "eval_data", "data_revision", "task", *COLUMNS)
    changed = (_changed(recipe.data), _changed(recipe.eval_data))
    return ("data", *(getattr(recipe, name) for name in names), *changed)


def _checkable(recipe: Recipe) -> Recipe:
    """Leave out the arguments that only peft can check, until it is there."""
    technique = find(recipe.technique)
    if preload.ready() or technique is None or not isinstance(recipe.technique_args, Mapping):
        return recipe
    main = technique.defaults()
    args = {name: value for name, value in recipe.technique_args.items() if name in main}
    return dataclasses.replace(recipe, technique_args=args)


def _count(recipe: Recipe, table: Table) -> dict[str, Any]:
    from workbench.training.inspection.skeleton import count

    return count(recipe, len(table.labels) or None)


def _rows(recipe: Recipe, table: Table) -> tuple[list[dict], Mapping[str, str]] | None:
    """Find the training rows and their columns, where the technique shows some of them."""
    from workbench.training.inspection.token_preview import training_rows

    if "examples" not in arguments(recipe.technique):
        return None
    return training_rows(recipe, table), table.columns


def _anatomy(recipe: Recipe, found: Found) -> Structure | None:
    """Take the model apart as far as it is known; what is wrong is said elsewhere."""
    from workbench.training.inspection.anatomy import take_apart

    if found.facts is None or found.table is None or find(recipe.technique) is None:
        return None
    with contextlib.suppress(Exception):
        return take_apart(recipe, len(found.table.labels) or None)
    return None


def _guarded(part: str, find: Callable[[], Any], troubles: list[Trouble]) -> Any:
    try:
        return find()
    except RecipeError as error:
        # What the context cannot hold stands in the way of both counting and tokenising.
        found = [Trouble.of(problem) for problem in error.problems]
        troubles += [trouble for trouble in found if trouble not in troubles]
    except WorkbenchError as error:
        troubles.append(Trouble(part, str(error)))
    except Exception as error:  # noqa: BLE001 (whatever a library raises is said, not thrown)
        first = (str(error).strip().splitlines() or [type(error).__name__])[0]
        what = {
            "count": "The technique could not be applied to this base",
            "tokens": "The data could not be tokenised",
            "rows": "The training rows could not be chosen",
        }[part]
        sentence = f"{what}: {first}"
        troubles.append(Trouble(part, sentence, traceback.format_exc()))
    return None


def _state(model: Any) -> Fingerprint:
    return fingerprint(os.path.expanduser(model)) if isinstance(model, str) else ()


def _changed(name: Any) -> float | None:
    """Tell when a file or folder was changed last, so that a mended one is read again."""
    if not isinstance(name, str) or not os.path.exists(name):
        return None
    path = Path(name)
    files = [path, *path.glob("*")] if path.is_dir() else [path]
    return max(file.stat().st_mtime for file in files if file.exists())

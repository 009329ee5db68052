"""Functions that the registries name by their whole dotted names."""

import copy
import dataclasses
import inspect
import pickle

import pytest

from workbench.registry.hook import Hook
from workbench.registry.tasks import ALL_TASKS
from workbench.registry.techniques import TECHNIQUES


def hooks_of(value: object) -> list[Hook]:
    """Return the functions that an entry names, anywhere in it."""
    if isinstance(value, Hook):
        return [value]
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return hooks_of([getattr(value, spec.name) for spec in dataclasses.fields(value)])
    if isinstance(value, dict):
        value = list(value.values())
    return [hook for part in value for hook in hooks_of(part)] if _is_list(value) else []


def _is_list(value: object) -> bool:
    return isinstance(value, list | tuple)


@pytest.mark.parametrize("registry", [TECHNIQUES, ALL_TASKS], ids=["techniques", "tasks"])
def test_every_function_that_an_entry_names_is_there(registry):
    named = {f"{hook.module}.{hook}": hook for hook in hooks_of(list(registry.values()))}
    for name, hook in named.items():
        assert inspect.isfunction(hook.load()), name
        assert hook.load().__name__ == hook


def test_copies_of_a_hook_find_the_same_function():
    hook = Hook("json.dumps")
    for made in (copy.deepcopy(hook), pickle.loads(pickle.dumps(hook))):
        assert (made, made.module, made.load()) == (hook, "json", hook.load())


def test_a_hook_that_is_not_there_says_so():
    with pytest.raises(AttributeError, match="no_such"):
        Hook("json.no_such").load()

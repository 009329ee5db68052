"""Functions that the registries name by their whole dotted names, and names that nobody else asks for."""

import ast
import copy
import dataclasses
import inspect
import pickle
from pathlib import Path

import pytest

import workbench
from workbench.recipe import COMPUTING
from workbench.registry.hook import Hook
from workbench.registry.tasks import ALL_TASKS
from workbench.registry.techniques import TECHNIQUES
from workbench.training.speedups.apply import USES


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


def test_every_setting_that_changes_the_computing_has_its_function():
    assert tuple(USES) == COMPUTING


def test_copies_of_a_hook_find_the_same_function():
    hook = Hook("json.dumps")
    for made in (copy.deepcopy(hook), pickle.loads(pickle.dumps(hook))):
        assert (made, made.module, made.load()) == (hook, "json", hook.load())


def test_a_hook_that_is_not_there_says_so():
    with pytest.raises(AttributeError, match="no_such"):
        Hook("json.no_such").load()


ROOT = Path(workbench.__file__).parent
# Where techniques and tasks are declared; what is written from their names; a technique of our own, made as
# PEFT makes its own; and how each technique is drawn.
MAY_NAME = ("registry", "export", "tuners", "panels/anatomy/drawing")


def names_asked_for(tree: ast.AST) -> list[str]:
    """Return the techniques' and tasks' names that code compares something with."""
    entries = [*TECHNIQUES.values(), *ALL_TASKS.values()]
    known = {*TECHNIQUES, *ALL_TASKS, *map(str, hooks_of(entries))}
    return [
        part.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Compare | ast.MatchValue)
        for part in ast.walk(node)
        if isinstance(part, ast.Constant) and isinstance(part.value, str) and part.value in known
    ]


def test_asking_for_a_name_is_seen():
    lines = "a = b == 'lora'\nif c in ('lm', 'x'):\n    d = {'lora': 1}\n"
    lines += "match e:\n    case 'ia3': pass\nf = g != 'create_lorafa_optimizer'"
    expected = {"lora", "lm", "ia3", "create_lorafa_optimizer"}
    assert set(names_asked_for(ast.parse(lines))) == expected


def test_code_for_all_asks_for_no_technique_or_task_by_its_name():
    asked = {
        str(path.relative_to(ROOT)): names
        for path in sorted(ROOT.rglob("*.py"))
        if not path.relative_to(ROOT).as_posix().startswith(MAY_NAME)
        if (names := names_asked_for(ast.parse(path.read_text(encoding="utf-8"))))
    }
    assert not asked

"""The rooms have an order: nothing imports from a room above its own, and no files import in a circle.

Imports within functions and those for type checkers count, and so do modules that are named in strings,
to be imported or run later.
"""

import ast
import graphlib
import importlib.util
import itertools
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

# The rooms from the bottom up. Each imports from itself and from those above it in this list.
ROOMS = (
    "workbench.errors",
    "workbench.versions",
    "workbench.quiet",
    "workbench.imports",
    "workbench.display",
    "workbench.tuners",
    "workbench.registry",
    "workbench.settings",
    "workbench.sources.__init__",
    "workbench.sources.bundled",
    "workbench.sources.network",
    "workbench.sources.datasets",
    "workbench.sources.models",
    "workbench.sources.run_length",
    "workbench.sources.prompt_checks",
    "workbench.sources.lookup",
    "workbench.recipe",
    "workbench.training.__init__",
    "workbench.training.events",
    "workbench.training.answer",
    "workbench.training.runtime",
    "workbench.training.inputs",
    "workbench.training.adaptation",
    "workbench.training.speedups",
    "workbench.training.plan",
    "workbench.training.resolve",
    "workbench.training.truncation",
    "workbench.training.evaluate",
    "workbench.training.module_evaluate",
    "workbench.training.batches",
    "workbench.training.few_shot_run",
    "workbench.training.loop",
    "workbench.training.prepared",
    "workbench.training.prepare",
    "workbench.training.prepare_module",
    "workbench.training.asking",
    "workbench.training.batched_lora",
    "workbench.training.inspection",
    "workbench.training.forecast",
    "workbench.runs",
    "workbench.race",
    "workbench.compare",
    "workbench.export",
    "workbench.panels.widgets",
    "workbench.panels.chart",
    "workbench.panels.kernel",
    "workbench.panels.anatomy",
    "workbench.panels.run",
    "workbench.panels.race",
    "workbench.panels.bench",
    "workbench.panels.__init__",
    "workbench.cli_arguments",
    "workbench.cli",
    "workbench.__init__",
    "workbench.__main__",
)


def name_of(path: Path) -> str:
    """Return a file's module; a package's own file is its ``__init__``."""
    return ".".join(path.relative_to(ROOT).with_suffix("").parts)


FILES = {name_of(path): path for path in sorted(ROOT.glob("workbench/**/*.py"))}


def file_of(name: str) -> str | None:
    """Return the file that an import of this name reads, if it is one of the workbench's."""
    return next((file for file in (name, f"{name}.__init__") if file in FILES), None)


def names(module: str, source: str) -> Iterator[tuple[str, int]]:
    """Yield whatever a module's source may import, with the line."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from ((alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            start = "." * node.level + (node.module or "")
            start = importlib.util.resolve_name(start, module.rpartition(".")[0])
            for alias in node.names:
                whole = f"{start}.{alias.name}"
                yield whole if file_of(whole) else start, node.lineno
        elif isinstance(node, ast.Constant) and str(node.value).startswith("workbench."):
            yield node.value, node.lineno
        elif isinstance(node, ast.List | ast.Tuple | ast.Call):
            parts = node.args if isinstance(node, ast.Call) else node.elts
            words = [getattr(part, "value", None) for part in parts]
            if ("-m", "workbench") in itertools.pairwise(words):
                yield "workbench.__main__", node.lineno


def imports(module: str, source: str) -> dict[str, int]:
    """Return the workbench's files that a module may import, with the line of each."""
    found = {file_of(name): line for name, line in names(module, source)}
    return {file: line for file, line in found.items() if file not in (None, module)}


def height(file: str) -> int:
    """Return the place of a file's room."""
    rooms = [n for n, room in enumerate(ROOMS) if file == room or file.startswith(f"{room}.")]
    assert rooms, f"{file} has no room: give it a line in ROOMS"
    return rooms[0]


def upward(module: str, source: str) -> list[str]:
    """Say which of a module's imports run up."""
    return [
        f"{module}:{line} imports {file}"
        for file, line in imports(module, source).items()
        if height(file) > height(module)
    ]


def circle(graph: dict[str, set[str]]) -> list[str]:
    """Return files that import each other in a circle, if any do."""
    try:
        graphlib.TopologicalSorter(graph).prepare()
    except graphlib.CycleError as error:
        return error.args[1]
    return []


def test_each_file_has_a_room_and_each_room_a_file():
    assert {height(file) for file in FILES} == set(range(len(ROOMS)))


def test_no_import_runs_up():
    assert [line for file, path in FILES.items() for line in upward(file, path.read_text())] == []


def test_no_files_import_in_a_circle():
    assert (
        circle({file: set(imports(file, path.read_text())) for file, path in FILES.items()}) == []
    )


@pytest.mark.parametrize(
    "source",
    [
        "import workbench.cli",
        "import workbench as wb",
        "from workbench import __version__",
        "from workbench.runs.run import Run",
        "from workbench.runs import run",
        "from ..runs.run import Run",
        "def later():\n    from workbench.recipe import Recipe",
        "if TYPE_CHECKING:\n    from workbench.recipe import Recipe",
        "importlib.import_module('workbench.training.plan')",
        "subprocess.run([sys.executable, '-m', 'workbench.training.forecast.worker'])",
        "subprocess.run([sys.executable, '-m', 'workbench', 'fit'])",
        "start('-m', 'workbench')",
    ],
)
def test_an_import_that_runs_up_is_seen(source):
    assert upward("workbench.registry.tasks", source)


def test_an_import_that_runs_down_goes():
    source = "from workbench.errors import Problem\nimport torch\nfrom workbench.tuners import Bottleneck"
    assert upward("workbench.registry.tasks", source) == []
    assert set(imports("workbench.registry.tasks", source)) == {
        "workbench.errors",
        "workbench.tuners.__init__",
    }


def test_a_circle_is_seen():
    files = {
        "workbench.runs.run": "def later():\n    from workbench.runs.store import load_run",
        "workbench.runs.store": "if TYPE_CHECKING:\n    from workbench.runs.run import Run",
    }
    assert circle({file: set(imports(file, source)) for file, source in files.items()})

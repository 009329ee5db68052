"""What a panel needs to be on the screen loads without the heavy libraries."""

import subprocess
import sys

import pytest

LIGHT = [
    "workbench",
    "workbench.cli",
    "workbench.errors",
    "workbench.recipe",
    "workbench.sources.datasets.load",
    "workbench.sources.lookup",
    "workbench.sources.models.describe",
    "workbench.registry.tasks",
    "workbench.registry.techniques",
    "workbench.runs.run",
    "workbench.runs.store",
    "workbench.compare",
    "workbench.export",
    "workbench.tuners",
    "workbench.training.forecast.forecast",
    "workbench.training.inspection.look.look",
]
HEAVY = {"torch", "transformers", "peft", "accelerate", "datasets", "bitsandbytes", "ruff"}


@pytest.mark.parametrize("module", [*LIGHT, "workbench.panels"])
def test_no_heavy_library_is_imported(module):
    code = f"import sys, {module}; print(*{HEAVY!r} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []


@pytest.mark.parametrize("module", LIGHT)
def test_only_panels_know_of_widgets(module):
    code = f"import sys, {module}; print(*{{'ipywidgets', 'anywidget'}} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []


def test_every_public_name_is_there():
    code = "import workbench; print([getattr(workbench, name) for name in workbench.__all__])"
    subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)


def test_an_unknown_name_is_refused():
    import workbench

    with pytest.raises(AttributeError, match="no attribute 'Bensh'"):
        _ = workbench.Bensh

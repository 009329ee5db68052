"""Notebooks without a browser: what their results are, and what is said when a cell fails."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

NOTEBOOKS = Path(__file__).parents[1] / "notebooks"


@pytest.fixture
def execute(tmp_path):
    """Execute a notebook of these cells, of which the last is its result."""

    def execute(*sources):
        cells = [nbformat.v4.new_code_cell(source) for source in sources]
        cells[-1].metadata["tags"] = ["result"]
        nbformat.write(nbformat.v4.new_notebook(cells=cells), tmp_path / "some.ipynb")
        return subprocess.run(
            [sys.executable, NOTEBOOKS / "execute.py", "some.ipynb"],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )

    return execute


def test_results_are_printed_and_nothing_else_is_said(execute, tmp_path):
    done = execute("x = 6 * 7", "print(x)\nx + 1")
    assert done.returncode == 0, done.stderr
    assert done.stderr.splitlines() == ["[1/2] x = 6 * 7", "[2/2] print(x)"]
    said = done.stdout.splitlines()
    assert said[:2] == ["", "42"]
    assert "43" in said
    copy = nbformat.read(tmp_path / "runs" / "some.ipynb", as_version=4)
    assert copy.cells[1].outputs[0].text == "42\n"


def test_a_cell_that_fails_is_told_without_the_machinery(execute):
    done = execute("1 / 0", "print('never')")
    assert done.returncode == 1
    assert "ZeroDivisionError: division by zero" in done.stderr
    assert "nbclient" not in done.stderr
    assert "never" not in done.stdout


@pytest.mark.parametrize(
    ("name", "first"),
    [
        ("01_quickstart.ipynb", ["comparison", "script"]),
        ("02_race.ipynb", ["race.wait()", "comparison", "grid.wait()"]),
    ],
)
def test_a_notebook_has_results_to_print(name, first):
    notebook = nbformat.read(NOTEBOOKS / name, as_version=4)
    results = [cell.source for cell in notebook.cells if "result" in cell.metadata.get("tags", ())]
    assert [source.splitlines()[0].split()[0] for source in results] == first

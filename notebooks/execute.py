"""Run a notebook without a browser, and print the cells that it marks as its results.

Usage: ``python execute.py NOTEBOOK``, in the notebook's folder. The executed copy, with its
pictures, is kept in ``runs/``; the notebook itself stays as it is. A cell whose metadata has the tag
``result`` is a result.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError


def main(path: Path) -> int:
    """Execute the notebook; returns the exit code."""
    notebook = nbformat.read(path, as_version=4)
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    client = NotebookClient(
        notebook,
        timeout=None,  # training takes as long as it takes
        kernel_name="python3",
        extra_arguments=["--log-level=ERROR"],
        resources={"metadata": {"path": str(path.parent)}},
        on_cell_start=lambda cell, cell_index: announce(cell, cells),
    )
    copy = path.parent / "runs" / path.name
    copy.parent.mkdir(exist_ok=True)
    try:
        client.execute()
    except CellExecutionError as error:
        coloured = sys.stderr.isatty()
        print(error if coloured else re.sub(r"\x1b\[[\d;]*m", "", str(error)), file=sys.stderr)
        return 1
    finally:
        nbformat.write(notebook, copy)
    for cell in cells:
        if "result" in cell.metadata.get("tags", ()):
            print("\n" + text_of(cell))
    print(f"Notebook: {copy}, with its outputs")
    print(f"These paths start from {path.parent.resolve()}")
    return 0


def announce(cell: nbformat.NotebookNode, cells: list[nbformat.NotebookNode]) -> None:
    """Say which cell is being run: training takes a while."""
    if cell in cells:
        first = cell.source.strip().splitlines()[0]
        print(f"[{cells.index(cell) + 1}/{len(cells)}] {first}", file=sys.stderr, flush=True)


def text_of(cell: nbformat.NotebookNode) -> str:
    """Return what a cell printed or showed, as text."""
    parts = []
    for output in cell.outputs:
        if output.output_type == "stream":
            parts.append(output.text)
        elif "data" in output:
            parts.append(output.data.get("text/plain", ""))
    return "\n".join(parts).rstrip()


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))

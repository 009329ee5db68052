"""Runs side by side."""

from __future__ import annotations

import base64
import json
import math
import os
from collections.abc import Sequence
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

from workbench.compare import table
from workbench.compare.entry import Entry, best, entries, grouped
from workbench.runs.run import Run
from workbench.runs.store import Record

if TYPE_CHECKING:
    import pandas
    from matplotlib.figure import Figure

PAGE = """\
<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>{title}</title>
<style>
:root {{ color-scheme: light dark; }}
body {{ font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 70rem; padding: 0 1rem; }}
img {{ max-width: 100%; }}
div {{ overflow-x: auto; }}
</style>
</head>
<body>
<h1>{title}</h1>
{parts}
</body>
</html>
"""


class Comparison:
    """A comparison of runs; as the last line of a cell it is shown as a table.

    Made by :func:`compare`.

    Parameters
    ----------
    entries : sequence of Entry
        The runs, at least one.
    """

    def __init__(self, entries: Sequence[Entry]):
        self.entries = tuple(entries)

    def __len__(self) -> int:
        return len(self.entries)

    def __repr__(self) -> str:
        return table.as_text(self.entries)

    def _repr_html_(self) -> str:
        return table.as_html(self.entries)

    @property
    def frame(self) -> pandas.DataFrame:
        """Return all figures unrounded as a DataFrame, one row per run.

        Memory and disk are in bytes, times in seconds, losses in nats. ``metric`` names the task's own
        metric and ``quality`` is its value; each metric has a column of its own too, which is empty for
        runs on other tasks.
        """
        import pandas

        rows = self._rows()
        return pandas.DataFrame(
            rows, columns=list(dict.fromkeys(key for row in rows for key in row))
        )

    def diff(self) -> pandas.DataFrame:
        """Return the settings that differ between the runs, one row per run and one column per setting.

        Settings that a recipe leaves to its technique are filled in. A setting that a run's technique
        does not have is missing (NaN), and shown as an empty cell.
        """
        import pandas

        from workbench.compare.differences import Differences

        settings = [_settings(entry) for entry in self.entries]
        names = dict.fromkeys(name for run_settings in settings for name in run_settings)
        missing = object()
        differing = [
            name
            for name in names
            if any(
                run_settings.get(name, missing) != settings[0].get(name, missing)
                for run_settings in settings
            )
        ]
        return Differences(
            [[run_settings.get(name, math.nan) for name in differing] for run_settings in settings],
            index=pandas.Index([entry.name for entry in self.entries], name="run"),
            columns=differing,
            dtype=object,
        )

    def plot(self) -> Figure:
        """Draw the losses of all runs, and quality against trainable parameters.

        Runs with another task or other evaluation data get their own axes.
        """
        from workbench.compare.figure import draw

        return draw(self.entries)

    def to_json(self) -> str:
        """Return the content of ``frame`` as JSON, one object per run."""
        return json.dumps(self._rows(), indent=2, ensure_ascii=False, default=str)

    def to_html(self, path: str | os.PathLike | None = None) -> str:
        """Return an HTML page to share: the table, the figure and the settings that differ.

        Parameters
        ----------
        path : path, optional
            File to which the page is written too.
        """
        parts = [f"<div>{self._repr_html_()}</div>"]
        if any(entry.trains or entry.evaluations for entry in self.entries):
            parts.append(
                "<p><img alt='Loss curves, and quality by trainable parameters' "
                f"src='{self._png()}'></p>"
            )
        differing = self.diff()
        if differing.shape[1]:
            markup = differing.to_html(classes="wb-compare", border=0, na_rep="–")
            parts.append(f"<h2>Settings that differ</h2>\n<div>{markup}</div>")
        page = PAGE.format(title=escape(self._title()), parts="\n".join(parts))
        if path is not None:
            Path(path).write_text(page, encoding="utf-8")
        return page

    def _title(self) -> str:
        questions = " · ".join(group[0].asked for group in grouped(self.entries))
        return f"{len(self)} {'run' if len(self) == 1 else 'runs'} compared, {questions}"

    def _png(self) -> str:
        from workbench.compare.figure import png

        return f"data:image/png;base64,{base64.b64encode(png(self.plot())).decode()}"

    def _rows(self) -> list[dict[str, Any]]:
        top = {id(entry) for group in grouped(self.entries) for entry in best(group)}
        scores = dict.fromkeys(name for entry in self.entries for name in entry.scores)
        return [
            {
                "run": entry.name,
                "state": entry.state,
                "model": entry.recipe.model,
                "data": entry.recipe.data,
                "task": entry.recipe.task,
                "technique": entry.recipe.technique,
                "seed": entry.recipe.seed,
                "trainable_parameters": entry.parameters.get("trainable"),
                "total_parameters": entry.parameters.get("total"),
                "injected_parameters": entry.parameters.get("injected"),
                "metric": entry.metric,
                "quality": _finite(entry.quality),
                "best": id(entry) in top,
                **{name: _finite(entry.scores.get(name)) for name in scores},
                "evaluation_loss": _finite(entry.evaluation_loss),
                "train_loss": _finite(entry.train_loss),
                "peak_memory_bytes": entry.memory.get("peak"),
                "seconds": entry.seconds,
                "tokens_per_second": entry.tokens_per_second,
                "adapter_bytes": entry.adapter_bytes,
                "steps": entry.steps,
                "max_steps": entry.max_steps,
                "error": entry.error,
                "path": None if entry.path is None else str(entry.path),
            }
            for entry in self.entries
        ]


def compare(*runs: Run | Record | str | os.PathLike | Any) -> Comparison:
    """Compare runs: their quality, their cost and their settings.

    Parameters
    ----------
    *runs : Run, Race, Record, path or iterable of these
        Runs of this session, finished or not; races; records; folders of one run each; or folders that
        contain runs.

    Returns
    -------
    Comparison
        It is printed as a table; see also its ``frame``, ``plot()``, ``diff()`` and ``to_html()``.

    Raises
    ------
    StoreError
        A folder does not exist or contains no run.
    RecipeError
        An argument is none of these.

    Examples
    --------
    >>> import workbench as wb
    >>> wb.compare("runs")  # doctest: +SKIP
    run             technique  trainable  share  accuracy  eval loss  peak memory   time   on disk
    ──────────────  ─────────  ─────────  ─────  ────────  ─────────  ───────────  ─────  ────────
    lora-reviews-1  LoRA          86,400  2.31%  0.9050 ★     0.2831      31.9 MB  9.4 s  355.1 kB
    ia3-reviews-1   IA³            5,760  0.16%  0.8700       0.3470      24.0 MB  8.8 s   29.3 kB
    ★ best (accuracy, higher is better)
    """
    return Comparison(entries(runs))


def _settings(entry: Entry) -> dict[str, Any]:
    """Return every setting but the name, as far as it is known with the technique's own values."""
    recipe = entry.recipe
    whole = recipe if recipe.problems() else recipe.resolved()
    settings = {name: value for name, value in whole.flat().items() if name != "name"}
    # The rate that the run had, whatever would be taken for its base by now.
    rate = (entry.plan.get("recipe") or {}).get("learning_rate")
    return settings if rate is None else settings | {"learning_rate": rate}


def _finite(value: float | None) -> float | None:
    """JSON has no word for infinity and not-a-number."""
    return value if value is None or math.isfinite(value) else None

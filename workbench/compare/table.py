"""The comparison as a table: of text, and of HTML that follows JupyterLab's theme."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape

from workbench.compare.entry import Entry, best, grouped
from workbench.display.units import number, share, size, time

STAR = "★"

STYLE = """\
.wb-compare { border-collapse: collapse; font-size: var(--jp-ui-font-size1, 13px);
  color: var(--jp-ui-font-color1, inherit); font-variant-numeric: tabular-nums; }
.wb-compare th, .wb-compare td { padding: 4px 12px 4px 0; text-align: left; white-space: nowrap;
  border-bottom: 1px solid var(--jp-border-color2, #8886); background: transparent; }
.wb-compare thead th { color: var(--jp-ui-font-color2, inherit); font-weight: 600; }
.wb-compare tbody th { font-weight: 600; }
.wb-compare .wb-number { text-align: right; }
.wb-compare .wb-best { font-weight: 700; color: var(--jp-success-color1, inherit); }
.wb-compare-note { color: var(--jp-ui-font-color2, inherit); margin: 6px 0 0;
  font-size: var(--jp-ui-font-size1, 13px); }"""


@dataclass(frozen=True)
class Column:
    """A column: its heading, what it says of a run, and which runs it marks."""

    heading: str
    cell: Callable[[Entry], str]
    numeric: bool = True
    marked: frozenset[int] = frozenset()


def columns(entries: Sequence[Entry]) -> list[Column]:
    """Return the columns that these runs need: one for each metric, none that is empty."""
    marked = frozenset(id(entry) for group in grouped(entries) for entry in best(group))
    metrics = dict.fromkeys(entry.metric for entry in entries)
    columns = [
        Column("run", lambda entry: entry.name, numeric=False),
        Column("technique", lambda entry: entry.technique, numeric=False),
        Column("trainable", _trainable),
        Column("share", _share),
        *(Column(metric.replace("_", " "), _quality(metric), marked=marked) for metric in metrics),
        Column("eval loss", lambda entry: number(entry.evaluation_loss)),
        Column("peak memory", lambda entry: size(entry.memory.get("peak"))),
        Column("time", lambda entry: time(entry.seconds)),
        Column("on disk", lambda entry: size(entry.adapter_bytes)),
    ]
    if len(grouped(entries)) > 1:
        columns.insert(2, Column("task and data", lambda entry: entry.asked, numeric=False))
    if len({entry.recipe.model for entry in entries}) > 1:
        columns.insert(2, Column("base", lambda entry: entry.base, numeric=False))
    if any(entry.state != "finished" for entry in entries):
        columns.append(Column("state", lambda entry: entry.outcome, numeric=False))
    if any(entry.verdict for entry in entries):
        columns.append(Column("verdict", lambda entry: entry.verdict, numeric=False))
    return columns


def notes(entries: Sequence[Entry]) -> list[str]:
    """Say what the table means, where it does not go without saying."""
    groups = grouped(entries)
    lines = []
    marked = [group for group in groups if best(group)]
    if marked:
        words = {
            f"{group[0].metric.replace('_', ' ')}, "
            f"{'higher' if group[0].higher_is_better else 'lower'} is better"
            for group in marked
        }
        rule = "among runs with the same task and data; " if len(groups) > 1 else ""
        lines.append(f"{STAR} best ({rule}{'; '.join(sorted(words))})")
    lines += [unlike for group in marked if (unlike := _unlike(group))]
    lines += [f"{entry.name}: {entry.error}" for entry in entries if entry.error]
    lines += [f"{entry.name}: {entry.diagnosis}" for entry in entries if entry.diagnosis]
    return lines


def _unlike(group: Sequence[Entry]) -> str:
    """Say which conditions of training, other than the technique, differ between runs with a star."""
    finished = [entry for entry in group if entry.state == "finished" and entry.trains]
    conditions: dict[str, set[int | str]] = {
        "steps": {entry.steps for entry in finished},
        "batch size": {entry.recipe.per_device_train_batch_size for entry in finished},
        "training rows": {entry.recipe.max_train_samples or "all" for entry in finished},
    }
    differ = [
        f"{name} ({' / '.join(sorted(map(str, values), key=lambda text: (len(text), text)))})"
        for name, values in conditions.items()
        if len(values) > 1
    ]
    if not differ:
        return ""
    return f"Not like with like: the runs differ in {', '.join(differ)}. The {STAR} may be due to that."


def as_text(entries: Sequence[Entry]) -> str:
    """Write the table with spaces."""
    laid = columns(entries)
    rows = [[column.heading for column in laid]]
    rows += [[_marked(column, entry) for column in laid] for entry in entries]
    widths = [max(len(row[i]) for row in rows) for i in range(len(laid))]
    lines = []
    for row in rows:
        cells = [
            cell.rjust(width) if column.numeric else cell.ljust(width)
            for column, cell, width in zip(laid, row, widths, strict=True)
        ]
        lines.append("  ".join(cells).rstrip())
    lines.insert(1, "  ".join("─" * width for width in widths))
    return "\n".join([*lines, *notes(entries)])


def as_html(entries: Sequence[Entry]) -> str:
    """Write the table as HTML."""
    laid = columns(entries)
    head = "".join(
        f"<th scope='col'{_classes(column)}>{escape(column.heading)}</th>" for column in laid
    )
    body = "\n".join(
        "<tr>" + "".join(_html_cell(column, entry, i) for i, column in enumerate(laid)) + "</tr>"
        for entry in entries
    )
    below = "\n".join(f"<p class='wb-compare-note'>{escape(note)}</p>" for note in notes(entries))
    return (
        f"<style>\n{STYLE}\n</style>\n<table class='wb-compare'>\n<thead><tr>{head}</tr></thead>\n"
        f"<tbody>\n{body}\n</tbody>\n</table>\n{below}"
    )


def _trainable(entry: Entry) -> str:
    return f"{entry.parameters['trainable']:,}" if entry.parameters else ""


def _share(entry: Entry) -> str:
    if not entry.parameters:
        return ""
    return share(entry.parameters["trainable"], entry.parameters["total"])


def _quality(metric: str) -> Callable[[Entry], str]:
    return lambda entry: number(entry.quality) if entry.metric == metric else ""


def _marked(column: Column, entry: Entry) -> str:
    cell = column.cell(entry)
    if not column.marked:
        return cell
    # Cells without a star keep its place, so that the digits stand in line.
    return f"{cell} {STAR}" if cell and id(entry) in column.marked else f"{cell}  "


def _classes(column: Column, best: bool = False) -> str:
    names = ["wb-number"] * column.numeric + ["wb-best"] * best
    return f" class='{' '.join(names)}'" if names else ""


def _html_cell(column: Column, entry: Entry, place: int) -> str:
    cell = escape(column.cell(entry))
    if place == 0:
        return f"<th scope='row'>{cell}</th>"
    top = bool(cell) and id(entry) in column.marked
    return f"<td{_classes(column, top)}>{cell}{f' {STAR}' if top else ''}</td>"

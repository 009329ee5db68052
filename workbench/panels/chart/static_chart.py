"""A static picture of a chart, for saved notebooks and for pages made of them."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from workbench.display.axis_range import widen
from workbench.display.colours import PALETTE
from workbench.display.units import count, size
from workbench.panels.chart.metrics import ALL, AXES, FALLING, LOWER, METRICS, plot_title
from workbench.panels.chart.ranges import robust_range
from workbench.panels.chart.series import Series, at_steps, smooth, thin

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

INK = "#767676"  # reads on white and on black: the picture is transparent and fits both themes
KNOWN = {metric.name for metric in METRICS}
NOISY = {metric.name for metric in METRICS if metric.noisy}
COLUMNS = 3  # plots in a row, at most
LINE = 0.22  # inches that a line of names needs
NAMED = 32  # runs in the legend, at most: as many as have a colour or dashes of their own


def draw(
    series: Iterable[Series],
    *,
    metrics: Sequence[str],
    x_axis: str = "step",
    log_y: bool = False,
    smoothing: float = 0.0,
    outliers: bool = False,
    references: Mapping[tuple[str, str, str], float] = MappingProxyType({}),
) -> Figure:
    """Draw series as a matplotlib figure, with a plot for each metric and one legend entry a run.

    Parameters
    ----------
    series : iterable of Series
    metrics : sequence of str
        The metrics to show, or ``"all"``.
    x_axis : {"step", "tokens", "seconds"}
    log_y : bool, default False
    smoothing : float, default 0
        As in :func:`workbench.panels.chart.series.smooth`; noisy lines only.
    outliers : bool, default False
        Whether the y axes reach to points that are far from all others.
    references : mapping, optional
        Values to compare with, by run, metric and what they are; drawn where all runs agree.

    Returns
    -------
    matplotlib.figure.Figure
    """
    from matplotlib.figure import Figure  # not pyplot: nothing global, any thread

    series = list(series)
    axes_series = {line.run: line for line in series if line.metric == x_axis}
    plots = _plots(series, metrics)
    columns = min(max(len(plots), 1), COLUMNS)
    rows = math.ceil(len(plots) / columns) or 1
    figure = Figure(figsize=(8 if columns < 3 else 11, 2.9 * rows), layout="constrained")
    figure.patch.set_alpha(0)
    grid = list(figure.subplots(rows, columns, squeeze=False).flat)
    for axes, (title, lines) in zip(grid, plots.items(), strict=False):
        for line in lines:
            _draw_line(axes, line, axes_series, x_axis, smoothing)
        axes.set_yscale("log" if log_y else "linear")
        agreed = _agreed(lines, references)
        _draw_references(axes, agreed)
        _set_range(axes, title, lines, agreed, log=log_y, robust=not outliers)
        axes.set_title(title, loc="left", fontsize=10, color=INK, fontweight="bold")
        axes.set_xlabel(AXES[x_axis].lower(), color=INK)
        _write_units(axes, lines[0].metric)
    for axes in grid[max(len(plots), 1) :]:
        axes.remove()
    grid = grid[: max(len(plots), 1)]
    edges = [edge for axes in grid if axes.lines for edge in axes.dataLim.intervalx]
    if edges and min(edges) < max(edges):
        air = 0.01 * (max(edges) - min(edges))
        for axes in grid:
            axes.set_xlim(min(edges) - air, max(edges) + air)  # plots are read side by side
    for axes in grid:
        _plain(axes)
    _legend(figure, [line for lines in plots.values() for line in lines])
    return figure


def _plots(series: Collection[Series], metrics: Sequence[str]) -> dict[str, list[Series]]:
    """Return the lines of each plot by its title, in the order of the metrics."""
    known = [metric.name for metric in METRICS]
    others = dict.fromkeys(line.metric for line in series if line.metric not in (*known, *AXES))
    filled = [line for line in series if line.ys]
    plots: dict[str, list[Series]] = {}
    for metric in (*known, *others):
        if ALL not in metrics and metric not in metrics:
            continue
        lines = [line for line in filled if line.metric == metric]
        several = len({line.group for line in lines}) > 1
        for line in lines:
            plots.setdefault(plot_title(metric, line.group, several=several), []).append(line)
    return plots


def _draw_line(
    axes: Axes, line: Series, axes_series: dict[str, Series], x_axis: str, smoothing: float
) -> None:
    steps, ys = thin(line.xs, line.ys)
    xs: Sequence[float] = steps
    if x_axis != "step":
        if line.run not in axes_series:
            return
        xs = at_steps(steps, axes_series[line.run])
    look = _look(line)
    if line.style == "points":
        axes.plot(xs, ys, marker="o", linewidth=1.8, markersize=4, **look)
        return
    marker = "o" if len(xs) == 1 else None
    curve: Sequence[float] = ys
    if smoothing and line.metric in NOISY:
        axes.plot(xs, ys, color=look["color"], linewidth=0.7, alpha=0.35)
        curve = smooth(steps, ys, smoothing)
    axes.plot(xs, curve, linewidth=1.2, marker=marker, markersize=4, **look)


def _look(line: Series) -> dict[str, Any]:
    """Return how a run is drawn: more runs than colours have the colours again, with dashes."""
    again = line.colour // len(PALETTE) % 2 == 1
    return {
        "color": PALETTE[line.colour % len(PALETTE)],
        "linestyle": (0, (4, 2)) if again else "-",
    }


def _set_range(
    axes: Axes,
    title: str,
    lines: Sequence[Series],
    agreed: Mapping[str, float],
    *,
    log: bool,
    robust: bool,
) -> None:
    """Set the range of the y axis, from which few far points are left out."""
    metric = lines[0].metric
    falls = metric in FALLING or title.endswith(LOWER)
    robust = robust and (falls or metric in NOISY)
    runs: dict[str, list[float]] = {}
    for line in lines:
        ys = [y for y in thin(line.xs, line.ys)[1] if math.isfinite(y) and (y > 0 or not log)]
        runs.setdefault(line.run, []).extend(map(math.log, ys) if log else ys)
    every = [y for run in runs.values() for y in run]
    if not every:
        return
    shown = robust_range(runs.values(), falls=falls) if robust else None
    low, high = shown or (min(every), max(every))
    if log:
        low, high = math.exp(low), math.exp(high)
    marks = [low, high, *(value for value in agreed.values() if value > 0 or not log)]
    is_score = metric == "score" or metric not in KNOWN
    low, high = widen((min(marks), max(marks)), rises=is_score and not falls, log=log)
    if log:
        air = (high / low) ** 0.05 if high > low else 2.0
        ends = (low / air, high * air)
    else:
        air = 0.05 * (high - low) or 0.1 * abs(high) or 1.0
        ends = (low - air, high + air)
    axes.set_ylim(*ends)
    if robust and max(every) > (math.log(ends[1]) if log else ends[1]):
        axes.annotate(
            "▲ points above",
            (0.99, 0.98),
            xycoords="axes fraction",
            ha="right",
            va="top",
            color=INK,
            fontsize="small",
        )


def _agreed(
    lines: Sequence[Series], references: Mapping[tuple[str, str, str], float]
) -> dict[str, float]:
    """Return the values to compare with, by what they are, on which all runs agree that have one."""
    runs, metric = {line.run for line in lines}, lines[0].metric
    values: dict[str, set[float]] = {}
    for (run, of, label), value in references.items():
        if run in runs and of == metric:
            values.setdefault(label, set()).add(value)
    return {label: next(iter(all_of)) for label, all_of in values.items() if len(all_of) == 1}


def _draw_references(axes: Axes, agreed: Mapping[str, float]) -> None:
    for label, value in agreed.items():
        axes.axhline(value, color=INK, linewidth=0.9, linestyle=(0, (3, 3)), zorder=1)
        axes.annotate(
            label,
            (0, value),
            xycoords=("axes fraction", "data"),
            xytext=(4, 2),
            textcoords="offset points",
            color=INK,
            fontsize="small",
        )


def _write_units(axes: Axes, metric: str) -> None:
    unit = next((known.unit for known in METRICS if known.name == metric), "")
    if unit:
        write = size if unit == "bytes" else count
        axes.yaxis.set_major_formatter(lambda value, _: write(value))


def _plain(axes: Axes) -> None:
    axes.patch.set_alpha(0)
    axes.tick_params(colors=INK, which="both", labelsize=9)
    axes.grid(color=INK, alpha=0.25, linewidth=0.6)
    for side, spine in axes.spines.items():
        spine.set_visible(side in ("left", "bottom"))
        spine.set_color(INK)


def _legend(figure: Figure, lines: Sequence[Series]) -> None:
    """Name each run once, below the plots, where no line is covered."""
    from matplotlib.lines import Line2D

    runs = {line.run: line for line in reversed(lines)}
    named = sorted(runs.values(), key=lambda line: line.number)[:NAMED]
    handles: list[Any] = [
        Line2D([], [], linewidth=2.5, label=line.label, **_look(line)) for line in named
    ]
    if any(line.metric == "loss" and line.style == "points" for line in lines):
        handles += [
            Line2D([], [], color=INK, linewidth=1.2, label="training"),
            Line2D([], [], color=INK, linewidth=1.8, marker="o", markersize=4, label="evaluation"),
        ]
    if handles:
        longest = max(len(str(handle.get_label())) for handle in handles)
        # A letter is about a fourteenth of an inch wide.
        columns = max(1, min(len(handles), int(figure.get_figwidth() * 14 / (longest + 7))))
        figure.legend(
            handles=handles,
            loc="outside lower left",
            ncols=columns,
            frameon=False,
            labelcolor=INK,
            fontsize="small",
        )
        lines_of_names = math.ceil(len(handles) / columns)
        figure.set_figheight(figure.get_figheight() + LINE * lines_of_names)

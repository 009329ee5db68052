"""A static picture of a chart, for saved notebooks and for pages made of them."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from workbench.display.colours import PALETTE
from workbench.display.units import count, size
from workbench.panels.chart.metrics import ALL, AXES, FALLING, LOWER, METRICS, plot_title
from workbench.panels.chart.ranges import robust_range
from workbench.panels.chart.series import Series, at_steps, smooth, thin

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

INK = "#767676"  # reads on white and on black: the picture is transparent and fits both themes
NOISY = {metric.name for metric in METRICS if metric.noisy}
COLUMNS = 3  # plots in a row, at most
LINE = 0.22  # inches that a line of names needs
NAMED = 16  # runs in the legend, at most: as many as there are colours


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
        if not outliers:
            _leave_outliers_out(axes, title, lines, log_y)
        _draw_references(axes, lines, references)
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
    colour = PALETTE[line.colour % len(PALETTE)]
    if line.style == "points":
        axes.plot(xs, ys, "o-", color=colour, linewidth=1.8, markersize=4)
        return
    marker = "o" if len(xs) == 1 else None
    curve: Sequence[float] = ys
    if smoothing and line.metric in NOISY:
        axes.plot(xs, ys, color=colour, linewidth=0.7, alpha=0.25)
        curve = smooth(steps, ys, smoothing)
    axes.plot(xs, curve, color=colour, linewidth=1.2, marker=marker, markersize=4)


def _leave_outliers_out(axes: Axes, title: str, lines: Sequence[Series], log_y: bool) -> None:
    """Set the range of the y axis where points would be far outside of it."""
    falls = lines[0].metric in FALLING or title.endswith(LOWER)
    if not falls and lines[0].metric not in NOISY:
        return
    runs: dict[str, list[float]] = {}
    for line in lines:
        ys = thin(line.xs, line.ys)[1]
        shown = [math.log(y) for y in ys if y > 0 and math.isfinite(y)] if log_y else list(ys)
        runs.setdefault(line.run, []).extend(shown)
    values = robust_range(runs.values(), falls=falls)
    if values is not None and values[0] < values[1]:
        low, high = values
        air = 0.05 * (high - low)
        ends = (low - air, high + air)
        axes.set_ylim(*map(math.exp, ends) if log_y else ends)
        if max(max(run, default=high) for run in runs.values()) > ends[1]:
            axes.annotate(
                "▲ points above",
                (0.99, 0.98),
                xycoords="axes fraction",
                ha="right",
                va="top",
                color=INK,
                fontsize="small",
            )


def _draw_references(
    axes: Axes, lines: Sequence[Series], references: Mapping[tuple[str, str, str], float]
) -> None:
    runs, metric = {line.run for line in lines}, lines[0].metric
    values: dict[str, set[float]] = {}
    for (run, of, label), value in references.items():
        if run in runs and of == metric:
            values.setdefault(label, set()).add(value)
    for label, all_values in values.items():
        if len(all_values) == 1:
            (value,) = all_values
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
        Line2D([], [], color=PALETTE[line.colour % len(PALETTE)], linewidth=2.5, label=line.label)
        for line in named
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

"""A static picture of a chart, for saved notebooks and for pages made of them."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Sequence
from typing import TYPE_CHECKING, Any

from workbench.display.colours import PALETTE
from workbench.display.units import count, size
from workbench.panels.chart.metrics import ALL, AXES, METRICS, plot_title
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
    grid = figure.subplots(rows, columns, squeeze=False).flat
    for axes, (title, lines) in zip(grid, plots.items(), strict=False):
        for line in lines:
            _draw_line(axes, line, axes_series, x_axis, smoothing)
        axes.set_yscale("log" if log_y else "linear")
        axes.set_title(title, loc="left", fontsize=10, color=INK, fontweight="bold")
        axes.set_xlabel(AXES[x_axis].lower(), color=INK)
    shown = list(figure.axes)[: max(len(plots), 1)]
    edges = [edge for axes in shown if axes.lines for edge in axes.dataLim.intervalx]
    for axes, title in zip(shown, [*plots, ""], strict=False):
        _plain(axes)
        if edges and min(edges) < max(edges):
            axes.set_xlim(min(edges), max(edges))  # plots are read side by side
        if plots:
            _write_units(axes, plots[title][0].metric)
    for axes in list(figure.axes)[max(len(plots), 1) :]:
        axes.remove()
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

"""A static picture of a chart, for saved notebooks and for pages made of them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from workbench.display.colours import PALETTE
from workbench.panels.chart.series import Series, smooth, thin

if TYPE_CHECKING:
    from matplotlib.figure import Figure

INK = "#7a7a7a"  # reads on white and on black: the picture is transparent and fits both themes


def draw(
    series: Iterable[Series],
    *,
    x_label: str,
    y_label: str,
    log_y: bool = False,
    smoothing: float = 0.0,
) -> Figure:
    """Draw series as a matplotlib figure.

    Parameters
    ----------
    series : iterable of Series
    x_label, y_label : str
    log_y : bool, default False
    smoothing : float, default 0
        As in :func:`workbench.panels.chart.series.smooth`; lines only.

    Returns
    -------
    matplotlib.figure.Figure
    """
    from matplotlib.figure import Figure  # not pyplot: nothing global, any thread

    figure = Figure(figsize=(8, 3.2), layout="constrained")
    figure.patch.set_alpha(0)
    axes = figure.add_subplot()
    axes.patch.set_alpha(0)
    for line in series:
        xs, ys = thin(line.xs, line.ys)
        colour = PALETTE[line.colour % len(PALETTE)]
        if line.style == "points":
            axes.plot(xs, ys, "o--", color=colour, linewidth=1.2, markersize=4, label=line.label)
            continue
        marker = "o" if len(xs) == 1 else None
        if smoothing:
            axes.plot(xs, ys, color=colour, linewidth=0.8, alpha=0.3)
        curve = smooth(xs, ys, smoothing) if smoothing else ys
        axes.plot(xs, curve, color=colour, linewidth=1.6, marker=marker, label=line.label)
    axes.set_yscale("log" if log_y else "linear")
    axes.set_xlabel(x_label, color=INK)
    axes.set_ylabel(y_label, color=INK)
    axes.tick_params(colors=INK, which="both")
    axes.grid(color=INK, alpha=0.25, linewidth=0.6)
    for side, spine in axes.spines.items():
        spine.set_visible(side in ("left", "bottom"))
        spine.set_color(INK)
    if axes.get_legend_handles_labels()[0]:
        axes.legend(frameon=False, labelcolor=INK, fontsize="small")
    return figure

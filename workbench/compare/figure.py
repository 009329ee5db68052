"""The comparison as a figure: how the losses went, and what each parameter bought."""

from __future__ import annotations

import io
import math
from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from workbench.compare.entry import Entry, grouped
from workbench.compare.labels import label_points
from workbench.display.axis_range import widen
from workbench.display.colours import PALETTE
from workbench.errors import WorkbenchError
from workbench.runs.baseline import majority_share

INK = "#767676"  # reads on white and on black


class Picture(Figure):
    """A figure that a notebook shows where it is returned, whatever pyplot's backend is."""

    def _repr_png_(self) -> tuple[bytes, dict[str, int]]:
        width, height = self.get_size_inches() * 72
        return png(self), {"width": round(width), "height": round(height)}


def png(figure: Figure) -> bytes:
    """Return a figure as a PNG that is sharp on dense screens, and fits light and dark pages."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=144, transparent=True)
    return buffer.getvalue()


def draw(entries: Sequence[Entry]) -> Figure:
    """Draw a row of two panels for each group of runs that were asked the same.

    Raises
    ------
    WorkbenchError
        No run has taken a step yet.
    """
    shown = [entry for entry in entries if entry.trains or entry.evaluations]
    if not shown:
        raise WorkbenchError(
            "There is nothing to plot, as no run has taken a step yet: wait for the first one."
        )
    groups = grouped(shown)
    figure = Picture(figsize=(11, 4.2 * len(groups)), layout="constrained")
    canvas = FigureCanvasAgg(figure)
    rows = figure.subplots(len(groups), 2, squeeze=False)
    colours = {
        id(entry): entry.colour or PALETTE[i % len(PALETTE)] for i, entry in enumerate(shown)
    }
    for group, (left, right) in zip(groups, rows, strict=True):
        group_colours = [colours[id(entry)] for entry in group]
        _losses(left, group, group_colours)
        _qualities(right, group, group_colours)
        if len(groups) > 1:
            title = {"fontsize": 10, "fontweight": "bold", "color": INK}
            left.set_title(group[0].asked, loc="left", **title)
        for axes in (left, right):
            _plain(axes)
    figure.draw_without_rendering()
    for group, (_, right) in zip(groups, rows, strict=True):
        placed = {id(entry): place for entry in group if (place := _place(entry))}
        label_points(
            right,
            list(placed.values()),
            [entry.name for entry in group if id(entry) in placed],
            [colours[key] for key in placed],
            canvas.get_renderer(),
        )
    return figure


def running_mean(values: Sequence[float], width: int) -> list[float]:
    """Average each value with those before it, ``width`` in all.

    Examples
    --------
    >>> running_mean([4.0, 2.0, 0.0], 2)
    [4.0, 3.0, 1.0]
    """
    return [
        math.fsum(values[max(0, i + 1 - width) : i + 1]) / min(i + 1, width)
        for i in range(len(values))
    ]


def _losses(axes: Axes, group: Sequence[Entry], colours: Sequence[str]) -> None:
    for entry, colour in zip(group, colours, strict=True):
        steps = [event.step for event in entry.trains]
        losses = [event.loss for event in entry.trains]
        smooth = running_mean(losses, max(1, len(losses) // 25))
        if smooth != losses:
            axes.plot(steps, losses, color=colour, linewidth=0.7, alpha=0.3)
        marker = "." if len(steps) == 1 else None
        axes.plot(steps, smooth, color=colour, linewidth=1.6, marker=marker, label=entry.name)
        axes.plot(
            [event.step for event in entry.evaluations],
            [event.loss for event in entry.evaluations],
            "o--",
            color=colour,
            linewidth=1,
            markersize=4.5,
            markerfacecolor="white",
        )
    axes.set_xlabel("step")
    axes.set_ylabel("loss (nats; line: training, dots: evaluation)")
    axes.set_ylim(bottom=0)
    axes.legend(frameon=False, fontsize=9, labelcolor="linecolor", handlelength=1.2)


def _qualities(axes: Axes, group: Sequence[Entry], colours: Sequence[str]) -> None:
    for entry, colour in zip(group, colours, strict=True):
        if place := _place(entry):
            axes.plot(*place, "o", color=colour, markersize=7)
        elif (level := _level(entry)) is not None:
            axes.axhline(level, color=colour, linewidth=1.2, linestyle="--")
            axes.annotate(
                f"{entry.name} (nothing trained)",
                (0.01, level),
                xycoords=("axes fraction", "data"),
                xytext=(0, 3),
                textcoords="offset points",
                color=colour,
                fontsize=9,
            )
    _set_range(axes, group)
    axes.set_xscale("log")
    direction = "higher is better" if group[0].higher_is_better else "lower is better"
    axes.set_xlabel("trainable parameters")
    axes.set_ylabel(f"{group[0].metric.replace('_', ' ')} ({direction})")
    placed = [place[0] for entry in group if (place := _place(entry))]
    if not placed and any(_level(entry) is not None for entry in group):
        return
    if not placed:
        axes.text(0.5, 0.5, "not evaluated yet", transform=axes.transAxes, ha="center", color=INK)
        return
    # Whole powers of ten at both ends: every log axis shows at least two labelled ticks.
    low, high = math.floor(math.log10(min(placed))), math.ceil(math.log10(max(placed)))
    axes.set_xlim(10.0 ** (low - 0.15), 10.0 ** (max(high, low + 1) + 0.15))


def _set_range(axes: Axes, group: Sequence[Entry]) -> None:
    """Set the range of the qualities, with the majority baseline as a quiet line where runs have one."""
    drawn = [place[1] for entry in group if (place := _place(entry))]
    drawn += [level for entry in group if (level := _level(entry)) is not None]
    if not drawn:
        return
    guesses = {majority_share(entry.metric, entry.plan) for entry in group} - {None}
    guess = guesses.pop() if len(guesses) == 1 else None
    if guess is not None:
        drawn.append(guess)
        axes.axhline(guess, color=INK, linewidth=0.9, linestyle=(0, (3, 3)), zorder=1)
        axes.annotate(
            "majority baseline",
            (0.01, guess),
            xycoords=("axes fraction", "data"),
            xytext=(0, 3),
            textcoords="offset points",
            color=INK,
            fontsize=9,
        )
    low, high = widen((min(drawn), max(drawn)), rises=group[0].higher_is_better)
    # Room for the names of the points.
    air = 0.15 * (high - low) or 0.1 * abs(high) or 1.0
    axes.set_ylim(low - air, high + air)


def _place(entry: Entry) -> tuple[int, float] | None:
    """Return an entry's trainable parameters and quality; None unless both can be drawn."""
    trainable, quality = entry.parameters.get("trainable"), entry.quality
    if not trainable or quality is None or not math.isfinite(quality):
        return None
    return trainable, quality


def _level(entry: Entry) -> float | None:
    """Return the quality of an entry that trains nothing, for which a log axis has no place."""
    trains = entry.parameters.get("trainable") != 0
    quality = entry.quality
    return None if trains or quality is None or not math.isfinite(quality) else quality


def _plain(axes: Axes) -> None:
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["left", "bottom"]].set_color(INK)
    axes.grid(color=INK, alpha=0.25, linewidth=0.6)
    axes.tick_params(which="both", colors=INK, labelsize=9)
    axes.xaxis.label.set_color(INK)
    axes.yaxis.label.set_color(INK)
    axes.xaxis.label.set_fontsize(9.5)
    axes.yaxis.label.set_fontsize(9.5)

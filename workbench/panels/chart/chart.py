"""The live chart: curves that grow while runs train.

The kernel keeps every point and sends only new ones, as one binary buffer, and of those only what a
screen can show: the lowest and the highest of each stretch that falls on a pixel, of the metrics that
are shown. What it sends is numbered; a browser that misses a number asks for a snapshot. A page that
is opened later reads the snapshot from the widget's state, which is made when it is asked for and
never sent otherwise: an update costs the same after ten points and after ten thousand.
"""

from __future__ import annotations

import base64
import contextlib
import threading
import uuid
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import anywidget
import traitlets

from workbench.display.axis_range import LEAST_RELATIVE, LEAST_SHARE
from workbench.display.colours import PALETTE
from workbench.panels.chart import static_chart
from workbench.panels.chart.csv_table import csv_table
from workbench.panels.chart.lines import Lines
from workbench.panels.chart.metrics import ALL, AXES, DEFAULT, METRICS
from workbench.panels.widgets.modules import WIDGETS, bundle

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_STATIC = Path(__file__).parent
_PARTS = (
    *("numbers", "scale", "store", "plots", "frame", "axes", "curves", "canvas"),
    *(
        "svg",
        "sheet",
        "elements",
        "menu",
        "controls",
        "legend",
        "summary",
        "tip",
        "zoom",
        "grid",
        "download",
        "chart",
    ),
)
_MODULES = (
    *(WIDGETS / name for name in ("keys.js", "kernel.js")),
    *(_STATIC / "js" / f"{name}.js" for name in _PARTS),
)
# Traits that controls in the page set.
_SET_BY_THE_PAGE = ("metrics", "x_axis", "log_y", "smoothing", "outliers")


class LiveChart(anywidget.AnyWidget):
    """Curves over steps, tokens or seconds, drawn in the browser as they come.

    There is a plot for each metric that is shown. Series named ``"<run>/train"`` and ``"<run>/eval"``
    share the run's colour and its entry in the legend. Any thread may call any method;
    :meth:`add_series` and :meth:`append` only store, and whoever owns the chart calls :meth:`flush` a
    few times a second. The other methods flush by themselves.

    Attributes
    ----------
    metrics : list of str
        The metrics to show, by the names of :data:`workbench.panels.chart.metrics.METRICS`, or
        ``["all"]``. Only points of these are sent.
    x_axis : {"step", "tokens", "seconds"}
        What the curves are drawn against.
    legend : bool
        Whether the chart names its runs itself.
    log_y : bool
        Whether the y axes are logarithmic.
    smoothing : float
        How much of the moving average survives each step, from 0 (off) to 0.99.
    outliers : bool
        Whether the y axes reach to all points; otherwise to where nearly all of them are.
    empty : str
        What to say before there is a point.

    Examples
    --------
    >>> chart = LiveChart()
    >>> chart.add_series("run-1/train", "lora r=8")
    >>> chart.append("run-1/train", [1, 2, 3], [2.5, 2.25, 2.0])
    >>> chart.flush()
    >>> chart.points("run-1/train")
    ([1.0, 2.0, 3.0], [2.5, 2.25, 2.0])
    """

    _esm = bundle(*_MODULES)
    _css = (_STATIC / "chart.css").read_text(encoding="utf-8")

    metrics = traitlets.List(traitlets.Unicode(), list(DEFAULT)).tag(sync=True)
    x_axis = traitlets.Enum(tuple(AXES), "step").tag(sync=True)
    legend = traitlets.Bool(True).tag(sync=True)
    log_y = traitlets.Bool(False).tag(sync=True)
    smoothing = traitlets.Float(0.6, min=0.0, max=0.99).tag(sync=True)
    outliers = traitlets.Bool(False).tag(sync=True)
    empty = traitlets.Unicode("Press Train: the loss appears here.").tag(sync=True)
    # Never set here: its value is made whenever a browser asks for the whole state.
    _history = traitlets.Any().tag(
        sync=True, to_json=lambda _, chart: chart._lines.snapshot(), from_json=lambda *_: None
    )
    _palette = traitlets.List(list(PALETTE)).tag(sync=True)
    _known_metrics = traitlets.List([asdict(metric) for metric in METRICS]).tag(sync=True)
    _least_spans = traitlets.Dict({"share": LEAST_SHARE, "relative": LEAST_RELATIVE}).tag(sync=True)
    _axes = traitlets.Dict(AXES).tag(sync=True)
    _own_id = traitlets.Unicode().tag(sync=True)

    def __init__(self, **traits: Any):
        self._sending = threading.Lock()  # around a flush, so that messages leave in order
        self._lines = Lines()
        own_id = uuid.uuid4().hex
        super().__init__(model_id=own_id, _own_id=own_id, **traits)
        self.on_msg(self._on_message)
        self.observe(lambda _: self.flush(), ["metrics", "x_axis"])

    def add_series(
        self, key: str, label: str, *, style: str = "line", metric: str = "loss", group: str = ""
    ) -> None:
        """Add an empty line, to be sent at the next :meth:`flush`; a line that has the key is replaced.

        Parameters
        ----------
        key : str
            Its name in code. What stands before the last slash is the run, which has one colour and
            one entry in the legend.
        label : str
            The name of its run in the legend.
        style : {"line", "points"}, default "line"
            ``"points"`` marks each point, for evaluations.
        metric : str, default "loss"
            What its values are, which chooses its plot. Series of the metrics ``"tokens"`` and
            ``"seconds"`` have no plot: they say where a run's steps are on these axes.
        group : str, optional
            Series of one metric share a plot only if they have one group.
        """
        if style not in ("line", "points"):
            raise ValueError(f"style must be 'line' or 'points', but is {style!r}.")
        self._lines.add(key, label, style, metric, group)

    def set_reference(self, key: str, metric: str, label: str, value: float) -> None:
        """Mark a value of a metric with a quiet line, as long as the run is shown.

        Parameters
        ----------
        key : str
            The run, such as ``"run-1"``.
        metric, label : str
            The plot in which it is, and what the value means.
        value : float
        """
        self._lines.set_reference(key, metric, label, value)

    def append(self, key: str, x: float | Iterable[float], y: float | Iterable[float]) -> None:
        """Add one point or many, to be sent at the next :meth:`flush`."""
        self._lines.append(key, x, y)

    def rename(self, key: str, label: str) -> None:
        """Change the name of a run in the legend: that of a series, or of all that belong to a run."""
        self._lines.rename(key, label)
        self.flush()

    def highlight(self, key: str | None) -> None:
        """Bring a series, or all of a run, to the front; None shows them all alike."""
        self._lines.highlight(key)
        self.flush()

    def hide(self, run: str) -> None:
        """Take a run out of the chart; :meth:`show` brings it back as it was."""
        self._lines.hide(run)
        self.flush()

    def show(self, run: str) -> None:
        """Bring back a run that was hidden."""
        self._lines.show(run)
        self.flush()

    def remove(self, run: str) -> None:
        """Remove a run from the chart; no other run gets its colour."""
        self._lines.remove(run)
        self.flush()

    def clear(self) -> None:
        """Remove all lines from the chart."""
        self._lines.clear()
        self.flush()

    def flush(self) -> None:
        """Send new points of what is shown to the browser, if there are any."""
        with self._sending:
            every = ALL in self.metrics
            message = self._lines.take(None if every else {*self.metrics, self.x_axis})
            if message is not None:
                content, values = message
                self.send(content, [values])

    def points(self, key: str) -> tuple[list[float], list[float]]:
        """Return all the points of a series, as a list of x and a list of y."""
        return self._lines.points(key)

    @property
    def end(self) -> float:
        """The last step of all points so far; 0 where there is none."""
        return self._lines.end

    def csv(self) -> str:
        """Return all points as a table: a row for each run and step, a column for each figure."""
        return csv_table(self._lines.copies())

    def figure(self) -> Figure:
        """Draw what the chart shows as a matplotlib figure, to keep or to change."""
        return static_chart.draw(
            self._lines.copies(),
            metrics=self.metrics,
            x_axis=self.x_axis,
            log_y=self.log_y,
            smoothing=self.smoothing,
            outliers=self.outliers,
            references=self._lines.references,
        )

    def to_png(self) -> bytes:
        """Draw what the chart shows as a PNG that fits light and dark pages."""
        from workbench.compare.figure import png  # brings matplotlib

        return png(self.figure())

    def _repr_mimebundle_(self, **kwargs: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        """Show the live chart, and a picture of it where no widget can be."""
        # None comes where the notebook cannot show widgets; anywidget declares it, ipywidgets never does it.
        data, metadata = super()._repr_mimebundle_(**kwargs) or ({}, {})
        if self._lines.filled:
            data["image/png"] = base64.b64encode(self.to_png()).decode("ascii")
            metadata["image/png"] = {"width": 760}
        return data, metadata

    def _on_message(self, _: LiveChart, content: dict[str, Any], __: list[memoryview]) -> None:
        """Handle a message from a browser."""
        match content:
            case {"kind": "snapshot"}:
                snapshot = self._lines.snapshot()
                values = snapshot.pop("values")
                with self._sending:
                    self.send({"kind": "snapshot", **snapshot}, [values])
            case {"kind": "csv"}:
                self.send({"kind": "csv"}, [self.csv().encode()])
            case {"kind": "set", "name": name, "value": value} if name in _SET_BY_THE_PAGE:
                with contextlib.suppress(traitlets.TraitError):  # of a page that knows other values
                    setattr(self, name, value)

"""The live chart: curves that grow while runs train.

The kernel keeps every point and sends only new ones, as one binary buffer, and of those only what a
screen can show: the lowest and the highest of each stretch that falls on a pixel. What it sends is
numbered; a browser that misses a number asks for a snapshot. A page that is opened later reads the
snapshot from the widget's state, which is made when it is asked for and never sent otherwise: an
update costs the same after ten points and after ten thousand.
"""

from __future__ import annotations

import base64
import threading
import uuid
from array import array
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import anywidget
import traitlets

from workbench.display.colours import PALETTE
from workbench.panels.chart import static_chart
from workbench.panels.chart.series import Series, run_of, thin
from workbench.panels.widgets.modules import WIDGETS, bundle

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_STATIC = Path(__file__).parent
_MODULES = (
    *(WIDGETS / name for name in ("keys.js", "kernel.js")),
    *(_STATIC / name for name in ("store.js", "scale.js", "canvas.js", "chart.js")),
)


class LiveChart(anywidget.AnyWidget):
    """Curves over steps, drawn in the browser as they come.

    Series named ``"<run>/train"`` and ``"<run>/eval"`` share the run's colour. Any thread may call
    any method; :meth:`append` only stores points, and whoever owns the chart calls
    :meth:`flush` a few times a second. The other methods flush by themselves.

    Attributes
    ----------
    x_label, y_label : str
        What the axes show.
    legend : bool
        Whether the chart names its lines itself.
    log_y : bool
        Whether the y axis is logarithmic.
    smoothing : float
        How much of the moving average survives each step, from 0 (off) to 0.99.
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

    x_label = traitlets.Unicode("step").tag(sync=True)
    y_label = traitlets.Unicode("loss").tag(sync=True)
    legend = traitlets.Bool(True).tag(sync=True)
    log_y = traitlets.Bool(False).tag(sync=True)
    smoothing = traitlets.Float(0.0, min=0.0, max=0.99).tag(sync=True)
    empty = traitlets.Unicode("Press Train: the loss appears here.").tag(sync=True)
    # Never set here: its value is made whenever a browser asks for the whole state.
    _history = traitlets.Any().tag(
        sync=True, to_json=lambda _, chart: chart._snapshot(), from_json=lambda *_: None
    )
    _palette = traitlets.List(list(PALETTE)).tag(sync=True)
    _own_id = traitlets.Unicode().tag(sync=True)

    def __init__(self, **traits: Any):
        self._lock = threading.Lock()  # around the series; held briefly
        self._sending = threading.Lock()  # around a flush, so that messages leave in order
        self._series: dict[str, Series] = {}
        self._hidden: dict[str, Series] = {}
        self._removed: dict[str, int] = {}  # colours of runs that are gone, which no other run gets
        self._made = 0
        self._sent = 0
        self._changed = False
        self._highlighted: str | None = None
        own_id = uuid.uuid4().hex
        super().__init__(model_id=own_id, _own_id=own_id, **traits)
        self.on_msg(self._on_message)

    def add_series(self, key: str, label: str, *, style: str = "line") -> None:
        """Add an empty line; a line that has the key already is replaced.

        Parameters
        ----------
        key : str
            Its name in code. What stands before the last slash is the run, which has one colour.
        label : str
            Its name in the legend.
        style : {"line", "points"}, default "line"
            ``"points"`` draws dashes with a marker at each point, for evaluations.
        """
        if style not in ("line", "points"):
            raise ValueError(f"style must be 'line' or 'points', but is {style!r}.")
        with self._lock:
            self._made += 1
            self._series[key] = Series(self._made, key, label, style, self._colour(key))
            self._changed = True
        self.flush()

    def append(self, key: str, x: float | Iterable[float], y: float | Iterable[float]) -> None:
        """Add one point or many, to be sent at the next :meth:`flush`."""
        with self._lock:
            self._find(key).extend(x, y)

    def rename(self, key: str, label: str) -> None:
        """Change a line's name in the legend."""
        with self._lock:
            self._find(key).label = label
            self._changed = True
        self.flush()

    def hide(self, run: str) -> None:
        """Take a run out of the chart; :meth:`show` brings it back as it was."""
        with self._lock:
            for key in [key for key in self._series if run_of(key) == run]:
                self._hidden[key] = self._series.pop(key)
            self._changed = True
        self.flush()

    def show(self, run: str) -> None:
        """Bring back a run that was hidden."""
        with self._lock:
            for key in [key for key in self._hidden if run_of(key) == run]:
                self._made += 1
                line = self._hidden.pop(key)
                # The browser has forgotten its points.
                self._series[key] = replace(
                    line, number=self._made, sent=0, shown_xs=array("d"), shown_ys=array("d")
                )
            self._changed = True
        self.flush()

    def remove(self, run: str) -> None:
        """Remove a run from the chart."""
        self.hide(run)
        with self._lock:
            for key in [key for key in self._hidden if run_of(key) == run]:
                self._removed[run] = self._hidden.pop(key).colour

    def highlight(self, key: str | None) -> None:
        """Bring a series, or all of a run, to the front; None shows them all alike."""
        with self._lock:
            self._highlighted = key
            self._changed = True
        self.flush()

    def clear(self) -> None:
        """Remove all lines from the chart."""
        with self._lock:
            self._series.clear()
            self._hidden.clear()
            self._removed.clear()
            self._highlighted = None
            self._changed = True
        self.flush()

    def flush(self) -> None:
        """Send new points to the browser, if there are any."""
        with self._sending:
            with self._lock:
                counts, values = [], array("d")
                for line in self._series.values():
                    if line.sent < len(line.ys):
                        xs, ys = line.take()
                        counts.append([line.number, len(ys), line.sent])
                        values.extend(xs)
                        values.extend(ys)
                if not counts and not self._changed:
                    return
                self._sent += 1
                content: dict[str, Any] = {"kind": "points", "n": self._sent, "counts": counts}
                if self._changed:
                    content |= self._legend()
                    self._changed = False
            self.send(content, [values.tobytes()])

    def points(self, key: str) -> tuple[list[float], list[float]]:
        """Return all the points of a series, as a list of x and a list of y."""
        with self._lock:
            line = self._find(key)
            return line.xs.tolist(), line.ys.tolist()

    @property
    def end(self) -> float:
        """The largest x of all points so far; 0 where there is nline."""
        with self._lock:
            return max((line.xs[-1] for line in self._series.values() if line.xs), default=0.0)

    def figure(self) -> Figure:
        """Draw what the chart shows as a matplotlib figure, to keep or to change."""
        with self._lock:
            series = [
                Series(
                    line.number,
                    line.key,
                    line.label,
                    line.style,
                    line.colour,
                    line.xs[:],
                    line.ys[:],
                )
                for line in self._series.values()
            ]
        return static_chart.draw(
            series,
            x_label=self.x_label,
            y_label=self.y_label,
            log_y=self.log_y,
            smoothing=self.smoothing,
        )

    def to_png(self) -> bytes:
        """Draw what the chart shows as a PNG that fits light and dark pages."""
        from workbench.compare.figure import png  # brings matplotlib

        return png(self.figure())

    def _repr_mimebundle_(self, **kwargs: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        """Show the live chart, and a picture of it where no widget can be."""
        # None comes where the notebook cannot show widgets; anywidget declares it, ipywidgets never does it.
        data, metadata = super()._repr_mimebundle_(**kwargs) or ({}, {})
        if any(line.ys for line in list(self._series.values())):
            data["image/png"] = base64.b64encode(self.to_png()).decode("ascii")
            metadata["image/png"] = {"width": 640, "height": 256}
        return data, metadata

    def _find(self, key: str) -> Series:
        if key in self._hidden:
            return self._hidden[key]
        if key not in self._series:
            keys = ", ".join(map(repr, self._series)) or "none yet"
            raise KeyError(f"key must be one of the chart's series ({keys}), but is {key!r}.")
        return self._series[key]

    def _colour(self, key: str) -> int:
        """Return the colour of a run: its own, else the first that no run has."""
        run = run_of(key)
        lines = [*self._series.values(), *self._hidden.values()]
        taken = self._removed | {run_of(line.key): line.colour for line in lines}
        free = (colour for colour in range(len(taken) + 1) if colour not in taken.values())
        return taken[run] if run in taken else next(free)

    def _legend(self) -> dict[str, Any]:
        series = [line.about() for line in self._series.values()]
        return {"series": series, "highlight": self._highlighted}

    def _snapshot(self) -> dict[str, Any]:
        """Return everything sent so far, thinned to what a screen can show."""
        with self._lock:
            number, legend = self._sent, self._legend()
            lines = [
                (line.number, line.sent, line.shown_xs[:], line.shown_ys[:])
                for line in self._series.values()
            ]
        counts, values = [], array("d")
        for line_id, sent, xs, ys in lines:  # thinned outside of the lock: runs go on meanwhile
            xs, ys = thin(xs, ys)
            counts.append([line_id, len(xs), sent])
            values.extend(xs)
            values.extend(ys)
        return {"n": number, "counts": counts, **legend, "values": values.tobytes()}

    def _on_message(self, _: LiveChart, content: dict[str, Any], __: list[memoryview]) -> None:
        """Handle a message from a browser."""
        match content:
            case {"kind": "snapshot"}:
                snapshot = self._snapshot()
                values = snapshot.pop("values")
                with self._sending:
                    self.send({"kind": "snapshot", **snapshot}, [values])
            case {"kind": "set", "name": "log_y" | "smoothing" as name, "value": value}:
                setattr(self, name, value)

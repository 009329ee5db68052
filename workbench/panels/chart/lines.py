"""All the lines of a chart: which there are, what a page knows of them, and what it has yet to get."""

from __future__ import annotations

import threading
from array import array
from collections.abc import Collection
from typing import Any

from workbench.panels.chart.series import Series, run_of, thin


class Lines:
    """The lines of a chart. Any thread may call any method.

    Attributes
    ----------
    changed : bool
        Whether names, colours or references have changed since the last message.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()  # held briefly
        self._series: dict[str, Series] = {}
        self._references: dict[tuple[str, str, str], float] = {}
        self._hidden: set[str] = set()
        self._removed: dict[str, int] = {}  # colours of runs that are gone, which no other run gets
        self._highlighted: str | None = None
        self._made = 0
        self._sent = 0
        self.changed = False

    # -- what changes them -------------------------------------------------------------------------

    def add(self, key: str, label: str, style: str, metric: str, group: str) -> None:
        """Add an empty line; one that has the key already is replaced."""
        with self._lock:
            self._made += 1
            colour = self._colour(run_of(key))
            self._series[key] = Series(self._made, key, label, style, colour, metric, group)
            self.changed = True

    def append(self, key: str, x: Any, y: Any) -> None:
        """Add points to a line."""
        with self._lock:
            self._find(key).extend(x, y)

    def set_reference(self, key: str, metric: str, label: str, value: float) -> None:
        """Mark a value of a metric, as long as a run is shown."""
        with self._lock:
            self._references[key, metric, label] = value
            self.changed = True

    def rename(self, key: str, label: str) -> None:
        """Name a line, or all of a run."""
        with self._lock:
            lines = [line for line in self._series.values() if key in (line.key, line.run)]
            for line in lines or [self._find(key)]:
                line.label = label
            self.changed = True

    def highlight(self, key: str | None) -> None:
        """Bring a line, or all of a run, to the front."""
        with self._lock:
            self._highlighted = key
            self.changed = True

    def hide(self, run: str) -> None:
        """Take a run out of the chart."""
        with self._lock:
            self._hidden.add(run)
            self.changed = True

    def show(self, run: str) -> None:
        """Bring back a run that was hidden."""
        with self._lock:
            self._hidden.discard(run)
            for line in self._series.values():
                if line.run == run:
                    # The page has forgotten its points: they are sent again, to a line of another name.
                    self._made += 1
                    line.number, line.sent = self._made, 0
                    line.shown_xs, line.shown_ys = array("d"), array("d")
            self.changed = True

    def remove(self, run: str) -> None:
        """Remove a run; its colour stays its own."""
        with self._lock:
            for key in [key for key, line in self._series.items() if line.run == run]:
                self._removed[run] = self._series.pop(key).colour
            self._references = {
                name: value for name, value in self._references.items() if name[0] != run
            }
            self._hidden.discard(run)
            self.changed = True

    def clear(self) -> None:
        """Remove all lines with their references, and forget the colours of removed runs."""
        with self._lock:
            self._series.clear()
            self._references.clear()
            self._hidden.clear()
            self._removed.clear()
            self._highlighted = None
            self.changed = True

    # -- what a page gets --------------------------------------------------------------------------

    def take(self, metrics: Collection[str] | None) -> tuple[dict[str, Any], bytes] | None:
        """Return the next message and its points, or None if there is nothing new.

        Parameters
        ----------
        metrics : collection of str or None
            Those of which a page needs the points; None means all.
        """
        with self._lock:
            counts, values = [], array("d")
            for line in self._shown():
                if line.sent < len(line.ys) and (metrics is None or line.metric in metrics):
                    xs, ys = line.take()
                    counts.append([line.number, len(ys), line.sent])
                    values.extend(xs)
                    values.extend(ys)
            if not counts and not self.changed:
                return None
            self._sent += 1
            content: dict[str, Any] = {"kind": "points", "n": self._sent, "counts": counts}
            if self.changed:
                content |= self._legend()
                self.changed = False
        return content, values.tobytes()

    def snapshot(self) -> dict[str, Any]:
        """Return everything sent so far, thinned to what a screen can show."""
        with self._lock:
            number, legend = self._sent, self._legend()
            lines = [
                (line.number, line.sent, line.shown_xs[:], line.shown_ys[:])
                for line in self._shown()
            ]
        counts, values = [], array("d")
        for line_id, sent, xs, ys in lines:  # thinned outside of the lock: runs go on meanwhile
            xs, ys = thin(xs, ys)
            counts.append([line_id, len(xs), sent])
            values.extend(xs)
            values.extend(ys)
        return {"n": number, "counts": counts, **legend, "values": values.tobytes()}

    def _legend(self) -> dict[str, Any]:
        return {
            "series": [line.about() for line in self._shown()],
            "references": [
                {"run": run, "metric": metric, "label": label, "value": value}
                for (run, metric, label), value in self._references.items()
            ],
            "highlight": self._highlighted,
        }

    # -- what is read of them ----------------------------------------------------------------------

    def points(self, key: str) -> tuple[list[float], list[float]]:
        """Return all the points of a line."""
        with self._lock:
            line = self._find(key)
            return line.xs.tolist(), line.ys.tolist()

    def copies(self) -> list[Series]:
        """Return the lines that are shown, as they are now."""
        with self._lock:
            return [line.copy() for line in self._shown()]

    @property
    def references(self) -> dict[tuple[str, str, str], float]:
        """The values to compare with, by run, metric and what they are."""
        with self._lock:
            return dict(self._references)

    @property
    def end(self) -> float:
        """The last step of all points; 0 where there is none."""
        with self._lock:
            return max((line.xs[-1] for line in self._series.values() if line.xs), default=0.0)

    @property
    def filled(self) -> bool:
        """Whether there is a point."""
        with self._lock:
            return any(line.ys for line in self._shown())

    def _shown(self) -> list[Series]:
        if not self._hidden:
            return list(self._series.values())
        return [line for line in self._series.values() if line.run not in self._hidden]

    def _find(self, key: str) -> Series:
        if key not in self._series:
            keys = ", ".join(map(repr, self._series)) or "none yet"
            raise KeyError(f"key must be one of the chart's series ({keys}), but is {key!r}.")
        return self._series[key]

    def _colour(self, run: str) -> int:
        """Return the colour of a run: its own, else the first that no run has."""
        taken = self._removed | {line.run: line.colour for line in self._series.values()}
        free = (colour for colour in range(len(taken) + 1) if colour not in taken.values())
        return taken[run] if run in taken else next(free)

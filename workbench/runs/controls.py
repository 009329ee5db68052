"""What other threads ask of a run."""

from __future__ import annotations

import threading


class Controls:
    """What other threads ask of a run; it looks between two steps.

    Attributes
    ----------
    resumed : threading.Event
        Cleared while the run is to pause.
    stopped : threading.Event
        Set once the run is to end.
    evaluation_skipped : threading.Event
        Set once it is to end without an evaluation.
    """

    def __init__(self) -> None:
        self.resumed = threading.Event()
        self.resumed.set()
        self.stopped = threading.Event()
        self.evaluation_skipped = threading.Event()

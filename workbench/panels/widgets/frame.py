"""What holds for all controls of a panel, in the browser: keys, clicks, and a kernel that has ended."""

from __future__ import annotations

import uuid
from pathlib import Path
from typing import Any

import anywidget
import traitlets

from workbench.panels.widgets.modules import bundle

_STATIC = Path(__file__).parent


class Frame(anywidget.AnyWidget):
    """An invisible part of a panel that looks after the panel's other parts.

    Keys stay with the control that has the focus, the second half of a double click does nothing, help
    opens from the "?" of a setting, and once the kernel has ended the panel says so.

    Attributes
    ----------
    without_kernel : str
        What the panel says once its kernel has ended.
    """

    _esm = bundle(
        *(
            _STATIC / f"{name}.js"
            for name in ("keys", "clicks", "kernel", "names", "help", "faults", "reveal", "frame")
        )
    )

    without_kernel = traitlets.Unicode().tag(sync=True)
    _own_id = traitlets.Unicode().tag(sync=True)

    def __init__(self, without_kernel: str, **traits: Any):
        own_id = uuid.uuid4().hex
        super().__init__(model_id=own_id, _own_id=own_id, without_kernel=without_kernel, **traits)
        self.add_class("wb-frame")

    def reveal(self, part: str) -> None:
        """Scroll to a part of the panel, by a CSS selector, and focus the button that starts it."""
        self.send({"reveal": part})

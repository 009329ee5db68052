"""Whether there is a notebook that shows more than text."""

from __future__ import annotations

import sys


def in_notebook() -> bool:
    """Return whether this process is the kernel of a notebook; IPython is not imported for it.

    Examples
    --------
    >>> in_notebook()
    False
    """
    if "IPython" not in sys.modules:
        return False
    return hasattr(sys.modules["IPython"].get_ipython(), "kernel")

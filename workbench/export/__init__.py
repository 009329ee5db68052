"""A run as a script that needs no workbench."""

from workbench.export.export import export

__all__ = ["export"]

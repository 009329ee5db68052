"""Rows from files, as plain dicts: which format a file has, and how it is read.

What an exported script does (:mod:`workbench.export.rows`) is what happens here, less the care for bad
files, so that it reads the very same rows. Values stay as they are in the file: those of a separated
file are strings. What a plain reader would read wrongly and in silence, such as a quote that never
closes, is refused here.
"""

from workbench.sources.datasets.readers.file import File, Row
from workbench.sources.datasets.readers.formats import SUFFIXES, format_by_name
from workbench.sources.datasets.readers.read import read_file
from workbench.sources.datasets.readers.sniff import sniff

__all__ = ["SUFFIXES", "File", "Row", "format_by_name", "read_file", "sniff"]

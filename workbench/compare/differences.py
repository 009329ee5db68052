"""The settings that differ between runs, as a DataFrame that is shown without what is missing."""

from __future__ import annotations

import math
from typing import Any

import pandas

STYLE = "<style>.wb-diff td,.wb-diff th{text-align:left;padding:3px 14px 3px 0}</style>"


class Differences(pandas.DataFrame):
    """One row per run and one column per setting; shown with an empty cell where a run lacks the setting.

    What is computed from it is a plain DataFrame.
    """

    def __repr__(self) -> str:
        return self._shown().to_string() if self.shape[1] else self._nothing()

    def _repr_html_(self) -> str:
        if not self.shape[1]:
            return f"<p>{self._nothing()}</p>"
        return STYLE + self._shown().to_html(border=0, classes="wb-diff")

    def _nothing(self) -> str:
        return f"The settings of {'the run' if len(self) == 1 else 'all runs'} are the same."

    def _shown(self) -> pandas.DataFrame:
        cells = [[_text(cell) for cell in row] for row in self.itertuples(index=False, name=None)]
        return pandas.DataFrame(cells, index=list(self.index), columns=self.columns)


def _text(cell: Any) -> str:
    if isinstance(cell, float) and math.isnan(cell):
        return ""
    return "default" if cell is None else str(cell)

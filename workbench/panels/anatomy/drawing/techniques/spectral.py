"""Spectral: the change of a weight is made by a transform, out of few numbers."""

from __future__ import annotations

from workbench.panels.anatomy.drawing.equations import Drawing
from workbench.panels.anatomy.drawing.expression import (
    TRAINED,
    Apply,
    Matrix,
    Pattern,
    Scale,
    product,
)
from workbench.panels.anatomy.drawing.layer import Layer, number
from workbench.panels.anatomy.drawing.techniques.common import added, x


def fourierft(at: Layer) -> Drawing:
    """Draw FourierFT as in arXiv 2405.03003."""
    n = at.size("fourierft_spectrum", 0, int(number(at.arg("n_frequency"), 1000)))
    starts = "random" if at.arg("init_weights") is False else "0"
    entries = Matrix("F", at.rows, at.cols, TRAINED, Pattern("entries", n), n, starts=starts)
    change = Apply("Re IDFT_2", entries)
    return added(
        at,
        Scale("α", product(change, x(at)), number(at.arg("scaling"), 150)),
        notes=(
            (
                f"F has {n:,} trained entries at fixed random places, and 0 everywhere else. The "
                "inverse discrete Fourier transform spreads each of them over the whole weight."
            ),
        ),
    )


def waveft(at: Layer) -> Drawing:
    """Draw WaveFT as in arXiv 2505.12532."""
    n = at.size("waveft_spectrum", 0, int(number(at.arg("n_frequency"), 2592)))
    entries = Matrix("C", at.rows, at.cols, TRAINED, Pattern("entries", n), n, starts="0")
    change = Apply("IDWT_2", entries) if at.arg("use_idwt", True) else entries
    family = at.arg("wavelet_family", "db1")
    return added(
        at,
        Scale("λ", product(change, x(at)), number(at.arg("scaling"), 25)),
        notes=(
            (
                f"C has {n:,} trained entries at fixed random places, and 0 everywhere else. The "
                f"inverse wavelet transform ({family}) spreads each of them over a small patch of the "
                "weight."
            ),
        ),
    )


def c3a(at: Layer) -> Drawing:
    """Draw C³A as in arXiv 2407.19342."""
    size = at.size("c3a_kernel", 2, int(number(at.arg("block_size"), 256)))
    stored = at.rows * at.cols // max(size, 1)
    starts = "0" if at.arg("init_weights") is True else "random"
    blocks = Matrix(
        "C(w)", at.rows, at.cols, TRAINED, Pattern("circulant", size), stored, starts=starts
    )
    return added(
        at,
        Scale("1/d", product(blocks, x(at)), 1 / max(at.cols, 1)),
        notes=(
            (
                f"C(w) is made of blocks of {size} × {size}. Each is one trained vector of {size} "
                "numbers, turned on by one place from row to row (a circular convolution): every "
                "diagonal holds one number. d is the number of inputs."
            ),
        ),
    )


DRAWINGS = {"fourierft": fourierft, "waveft": waveft, "c3a": c3a}

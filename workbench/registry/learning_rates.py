"""The learning rate that a technique gets on a base, where the recipe leaves it open.

Each technique has a rate that was found on the bundled base (:attr:`Technique.learning_rate`). With Adam
every trained number moves by about the rate in each step, however small its gradient is. A layer adds up as many of these
moves as it is wide, so the same rate changes the outputs of a wider base more; divided by the width it
changes them as much. That is how muP scales matrices (arXiv 2203.03466), and it agrees with the rates
that are in use for LoRA and full fine-tuning from widths of 384 to 8,192. What is trained apart from such sums
(:attr:`Technique.scales_with_width`) keeps its rate: virtual tokens, and vectors that scale.
"""

from __future__ import annotations

from workbench.registry.technique import Technique

# The width of the bundled base, on which the techniques' own rates were found.
REFERENCE_WIDTH = 256
# Encoders of BERT's kind have their norms behind the blocks and not before them, which bears about half
# the rate (arXiv 2002.04745).
POST_NORM_KIND, POST_NORM = "encoder", 0.5


def default_learning_rate(
    technique: Technique, kind: str | None = None, hidden_size: int | None = None
) -> float | None:
    """Return a technique's learning rate for a base, rounded to two digits; None where nothing is trained.

    Parameters
    ----------
    technique : Technique
    kind : str, optional
        The base's kind, of :data:`workbench.registry.tasks.KINDS`.
    hidden_size : int, optional
        The base's width; if it is not known, the technique's own rate is returned.

    Examples
    --------
    >>> from workbench.registry.techniques import get
    >>> lora, prompt_tuning = get("lora"), get("prompt_tuning")
    >>> [default_learning_rate(lora, "causal-lm", width) for width in (64, 256, 576, 4096)]
    [0.003, 0.003, 0.0013, 0.00019]
    >>> default_learning_rate(lora, "encoder", 768)
    0.0005
    >>> default_learning_rate(prompt_tuning, "causal-lm", 4096)
    0.03
    """
    rate = technique.learning_rate
    if rate is None or hidden_size is None or not technique.scales_with_width:
        return rate
    factor = REFERENCE_WIDTH / hidden_size
    if kind == POST_NORM_KIND:
        factor *= POST_NORM
    # Narrower bases would bear more, but gain little: as they are, their rates are those of the bundled one.
    return float(f"{rate * factor:.2g}") if factor < 1 else rate

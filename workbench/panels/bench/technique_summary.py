"""What a technique is, in a few lines: what it changes, its paper, what it does to the base."""

from __future__ import annotations

from collections.abc import Iterator

from workbench.display.html import esc, facts
from workbench.registry.quantizations import QUANTIZATIONS
from workbench.registry.technique import Paper, Technique


def describe(technique: Technique) -> str:
    """Write a technique's entry in the catalogue as HTML."""
    paper = f"<p class='wb-quiet wb-paper'>{_cite(technique.paper)}</p>" if technique.paper else ""
    return f"<p class='wb-note'>{esc(technique.summary)}</p>{paper}{facts(about(technique))}"


def _cite(paper: Paper) -> str:
    citation = f"{esc(paper.title)} ({paper.year})"
    if paper.arxiv is None:
        return citation
    where = f"https://arxiv.org/abs/{paper.arxiv}"
    link = f"<a href='{where}' target='_blank' rel='noreferrer'>arXiv {paper.arxiv}</a>"
    return f"{citation}, {link}"


def about(technique: Technique) -> Iterator[tuple[str, str]]:
    """Describe what a technique does to the base, whether it merges, and what it needs.

    Examples
    --------
    >>> from workbench.registry.techniques import get
    >>> for name, value in about(get("corda")):
    ...     print(f"{name}: {value}")
    The base: the wrapped weights are changed, in a copy for this run
    Can be merged into the base: yes
    Works with a quantized base: no
    Needs: training rows for its initialization
    """
    yield "The base", _base(technique)
    if technique.trainable != "nothing":
        yield "Can be merged into the base", "yes" if technique.merges else "no"
    yield "Works with a quantized base", _bits(technique)
    if technique.needs:
        yield "Needs", technique.needs


def _base(technique: Technique) -> str:
    if technique.writes_base:
        return "the wrapped weights are changed, in a copy for this run"
    return {
        "adapter": "frozen, shared by all runs",
        "selected": "partly trained, in a copy for this run",
        "all": "fully trained, in a copy for this run",
        "nothing": "used unchanged",
    }[technique.trainable]


def _bits(technique: Technique) -> str:
    if not technique.quantizable:
        return "no"
    if technique.quantization is not None:
        return f"yes (default: {technique.quantization})"
    if not technique.unsupported_quantizations:
        return "yes"
    return ", ".join(
        name for name in QUANTIZATIONS if name not in technique.unsupported_quantizations
    )

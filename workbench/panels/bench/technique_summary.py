"""What a technique is, in a few lines: what it changes, its paper, what it does to the base."""

from __future__ import annotations

from collections.abc import Iterator

from workbench.display.html import esc
from workbench.display.wording import joined
from workbench.registry.catalogue import base_bits
from workbench.registry.quantizations import QUANTIZATIONS
from workbench.registry.technique import Paper, Technique


def describe(technique: Technique) -> str:
    """Write a technique's entry in the catalogue as HTML."""
    paper = f"<p class='wb-quiet wb-paper'>{_cite(technique.paper)}</p>" if technique.paper else ""
    items = "".join(f"<li>{esc(sentence)}</li>" for sentence in about(technique))
    return (
        f"<p class='wb-note'>{esc(technique.summary)}</p>"
        f"<ul class='wb-quiet wb-about'>{items}</ul>{paper}"
    )


def _cite(paper: Paper) -> str:
    citation = f"{esc(paper.title)} ({paper.year})"
    if paper.arxiv is None:
        return citation
    where = f"https://arxiv.org/abs/{paper.arxiv}"
    link = f"<a href='{where}' target='_blank' rel='noreferrer'>arXiv {paper.arxiv}</a>"
    return f"{citation}, {link}"


def about(technique: Technique) -> Iterator[str]:
    """Describe what a technique does to the base, whether it merges, and what it needs.

    Examples
    --------
    >>> from workbench.registry.techniques import get
    >>> for sentence in about(get("qlora")):
    ...     print(sentence)
    The base is frozen (its weights never change)
    Can be merged into the base afterwards
    Works with 4-bit bases; nf4 is its default
    """
    yield f"The base is {_base(technique)}"
    if technique.trainable == "adapter":
        yield (
            "Can be merged into the base afterwards"
            if technique.merges
            else "Cannot be merged into the base"
        )
    yield _bits(technique)
    if technique.needs:
        yield f"Needs {technique.needs}"
    if technique.suitable_data:
        yield technique.suitable_data.capitalize()


def _base(technique: Technique) -> str:
    if technique.writes_base:
        return "rewritten where it is wrapped, in a copy for this run"
    return {
        "adapter": "frozen (its weights never change)",
        "selected": "partly trained, in a copy for this run",
        "all": "fully trained, in a copy for this run",
        "nothing": "not changed",
    }[technique.trainable]


def _bits(technique: Technique) -> str:
    bits = [f"{number}-bit" for number in base_bits(technique)]
    if not bits:
        return "Needs a base in full precision"
    default = f"; {technique.quantization} is its default" if technique.quantization else ""
    refused = [QUANTIZATIONS[name] for name in technique.unsupported_quantizations]
    without = [entry.title for entry in refused if entry.bits in base_bits(technique)]
    but = f", but not {joined(without, 'or')}" if without else ""
    return f"Works with {joined(bits)} bases{but}{default}"

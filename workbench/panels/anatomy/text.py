"""The anatomy in words: figures, the line of code that means the ticks, static HTML and text."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from workbench.display.colours import TRAINED
from workbench.display.html import esc
from workbench.display.units import count as short
from workbench.display.units import share, size
from workbench.panels.anatomy.drawing.expression import times
from workbench.recipe import Recipe

if TYPE_CHECKING:
    from workbench.training.inspection.anatomy import Structure
    from workbench.training.inspection.module_tree import Node

# Which arguments the ticks set.
TICKS = ("target_modules", "layers_to_transform", "feedforward_modules")

# Without a kernel the panel shows "model not found"; the static tree is shown instead.
_STYLE = (
    "<style>.jp-OutputArea-child:not(:has(.workbench-anatomy)):has(+ .jp-OutputArea-child "
    ".workbench-anatomy-snapshot){display:none}</style>"
)


def figures(structure: Structure) -> list[dict[str, str]]:
    """Return the three figures that follow the ticks, as ``label``, ``value`` and ``title``."""
    counts = structure.figures
    if not counts:
        return []
    memory = counts["memory"]
    whole = f"{counts['trainable']:,} of {counts['total']:,} parameters"
    parts = ", ".join(f"{name} {size(value)}" for name, value in memory.items())
    return [
        {
            "label": "Trainable",
            "value": f"{counts['trainable']:,}",
            "more": share(counts["trainable"], counts["total"]),
            "title": whole,
        },
        {
            "label": "Saved on disk",
            "value": "–" if counts["disk"] is None else size(counts["disk"]),
            "more": "",
            "title": "known after the adapter is saved"
            if counts["disk"] is None
            else f"{counts['disk']:,} bytes of weights",
        },
        {
            "label": "Memory on top of the base",
            "value": f"+{size(sum(memory.values()))}",
            "more": "",
            "title": f"{parts}; activations are not included",
        },
    ]


def argument_line(recipe: Recipe, subject: str) -> str:
    """Return the code that sets the arguments of the ticked modules."""
    args = recipe.technique_args if isinstance(recipe.technique_args, Mapping) else {}
    ticked = {name: args[name] for name in TICKS if args.get(name) is not None}
    if not ticked:
        return f"# {subject} uses the default target_modules of the technique"
    words = ", ".join(f"{name}={value!r}" for name, value in ticked.items())
    return f"{subject} = {subject}.replace({words})"


def label(node: Node) -> str:
    """Name a node; the model itself goes by its class."""
    return node.name or node.kind


def state(node: Node) -> str:
    """Describe how much of a node is trained."""
    return f"{node.trainable:,} trained" if node.trainable else "frozen"


def as_text(structure: Structure) -> str:
    """Write the tree as plain text, for terminals."""
    lines = []

    def write(node: Node, depth: int, count: int) -> None:
        many = f" × {node.count}" if node.count > count else ""
        shape = f" ({times(node.shape)})" if node.shape else ""
        trained = f", {short(node.trainable)} trained" if node.trainable else ""
        chips = "".join(f" + {piece.name} {times(piece.shape)}" for piece in node.injected)
        name = f"{'  ' * depth}{label(node)}{many}"
        lines.append(f"{name:<38}{node.kind}{shape}  {short(node.parameters)}{trained}{chips}")
        for child in node.children:
            write(child, depth + 1, node.count)

    write(structure.tree, 0, 1)
    lines += [
        f"{figure['label']}: {figure['value']} {figure['more']}".rstrip()
        for figure in figures(structure)
    ]
    return "\n".join([*lines, *filter(None, (structure.problem, structure.why_fixed))])


def static_html(structure: Structure, picture: str) -> str:
    """Draw the tree as HTML that needs no kernel, for saved notebooks."""

    def row(node: Node, count: int) -> str:
        many = f" × {node.count}" if node.count > count else ""
        chips = "".join(
            f" <code style='border:1px solid {TRAINED};border-radius:3px;padding:0 3px'>"
            f"{esc(piece.name)} {times(piece.shape)}</code>"
            for piece in node.injected
        )
        line = (
            f"<b>{esc(label(node))}</b>{many} <small>{esc(node.kind)} {times(node.shape)} · "
            f"{node.parameters:,} parameters · {state(node)}</small>{chips}"
        )
        if not node.children:
            return f"<div style='padding-left:16px'>{line}</div>"
        inner = "".join(row(child, node.count) for child in node.children)
        return (
            f"<details open style='padding-left:16px'><summary data-lm-suppress-shortcuts style='margin-left:-14px'>"
            f"{line}</summary>{inner}</details>"
        )

    summary = " · ".join(
        f"{figure['label']}: <b>{figure['value']}</b>" for figure in figures(structure)
    )
    why = esc(structure.problem or structure.why_fixed)
    return f"<div class='workbench-anatomy-snapshot'>{_STYLE}<p>{summary} {why}</p>{row(structure.tree, 1)}{picture}</div>"

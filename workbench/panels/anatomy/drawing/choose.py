"""One picture for each way in which techniques work, chosen by the technique's family."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from workbench.panels.anatomy.drawing import inside, parallel, prompts
from workbench.panels.anatomy.drawing.layer import Layer, example
from workbench.panels.anatomy.drawing.sheet import Sheet
from workbench.registry.techniques import get

if TYPE_CHECKING:
    from workbench.training.inspection.anatomy import Structure

# Families that are not here add something in parallel to the weight, which is drawn as it is.
FAMILIES: dict[str, Callable[[Sheet, Layer], None]] = {
    "adapter": parallel.bottleneck,
    "orthogonal": inside.rotation,
    "prompt": prompts.prompt,
    "scaling": inside.scaling,
    "selective": inside.parts,
    "sparse": inside.entries,
    "full": inside.parts,
}


def draw(technique: str, structure: Structure) -> tuple[str, str]:
    """Draw what a technique does to one layer of a model.

    Parameters
    ----------
    technique : str
    structure : Structure
        The model with the technique applied.

    Returns
    -------
    tuple of str
        The name of the layer, and the picture as SVG; both empty where the technique does nothing
        to the model.
    """
    if not structure.figures or not structure.tree.trainable:
        return "", ""
    entry, layer, sheet = get(technique), example(structure), Sheet()
    injects = bool(layer.pieces) or entry.trainable != "adapter"
    drawing = FAMILIES.get(entry.family, parallel.change) if injects else inside.parts
    drawing(sheet, layer)
    return layer.name, sheet.svg(f"{entry.title} on {layer.name}: {entry.summary}")

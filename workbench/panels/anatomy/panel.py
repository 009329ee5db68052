"""The anatomy of a recipe as a panel of its own."""

from __future__ import annotations

import uuid
from typing import Any

import traitlets
from IPython.display import display, update_display

from workbench import imports
from workbench.errors import WorkbenchError
from workbench.panels.anatomy.text import as_text, static_html
from workbench.panels.anatomy.view import AnatomyView
from workbench.recipe import Recipe


class Anatomy(traitlets.HasTraits):
    """The model of a recipe as a tree of modules, in which you select what the technique adapts.

    Parameters
    ----------
    recipe : Recipe, optional
        The settings whose model is shown.

    Attributes
    ----------
    recipe : Recipe
        Set it to show another one; ticking modules sets its ``target_modules`` and, where this is shorter,
        ``layers_to_transform``.
    structure : workbench.training.inspection.anatomy.Structure
        The tree and the figures, as plain values.

    Raises
    ------
    RecipeError, ModelError, DataError
        The base or the data of a recipe cannot be found.

    Examples
    --------
    >>> anatomy = Anatomy(Recipe(technique="lora"))
    >>> anatomy.structure.figures["trainable"]
    133632
    >>> anatomy.recipe = anatomy.recipe.replace(target_modules=["q_proj", "v_proj"])
    >>> anatomy.structure.figures["trainable"]
    33280
    >>> anatomy.tick("model.layers.0.self_attn.q_proj", False)
    >>> anatomy.recipe.technique_args
    {'target_modules': ['v_proj']}
    """

    recipe = traitlets.Instance(Recipe)

    def __init__(self, recipe: Recipe | None = None):
        self._shown: str | None = None
        super().__init__(recipe=recipe or Recipe())
        self.widget = AnatomyView(self._set)
        self._look()
        self.observe(lambda _: self._look(), "recipe")

    def tick(self, path: str, on: bool = True) -> None:
        """Select or deselect a module, all modules equal to it, and the modules inside them."""
        self.widget.tick(path, on)

    def tick_layer(self, path: str, index: int) -> None:
        """Select or deselect the modules of one block, as those of the other blocks are selected."""
        self.widget.tick_layer(path, index)

    def _set(self, args: dict[str, Any]) -> None:
        self.recipe = self.recipe.replace(technique_args=args)

    def _look(self) -> None:
        imports.load(*imports.LIBRARIES, "workbench.training.prepare")
        from workbench.training.inspection.anatomy import take_apart

        try:
            self.structure = take_apart(self.recipe)
        except WorkbenchError:
            self.widget.show(None, self.recipe)
            raise
        self.widget.show(self.structure, self.recipe, "anatomy.recipe")
        if self._shown:
            update_display(self._snapshot(), raw=True, display_id=self._shown)

    def _ipython_display_(self, **kwargs: Any) -> None:
        """Show the panel, and below it what is seen of it without a kernel."""
        display(self.widget)
        self._shown = self._shown or f"workbench-{uuid.uuid4().hex}"
        display(self._snapshot(), raw=True, display_id=self._shown)

    def _snapshot(self) -> dict[str, str]:
        picture = self.widget.content.get("picture", "")
        return {"text/plain": repr(self), "text/html": static_html(self.structure, picture)}

    def __repr__(self) -> str:
        return as_text(self.structure)

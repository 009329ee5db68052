"""Faster or smaller ways to compute the same, each in a file of its own and with its guard.

Such a file has

- ``TESTED_WITH``: the versions of other libraries that it was tried with,
- ``obstacle(recipe, model)``: why it cannot be used here, as a sentence without its full stop, or None,
- ``apply(model)``: which puts it into an adapted model,
- ``guard(recipe, model, batch)``: what differs from the plain computation on a run's first batch (to
  the bit where bits are promised, else beyond the tolerance that the file states), or None.

:mod:`workbench.training.speedups.apply` calls them. A speed-up that nobody asked for is off where its
guard finds a difference, with a note; one that the recipe asks for by name is refused, as the run would
not be the one that the recipe describes.

What exported scripts carry of them stands in :mod:`workbench.training.speedups.settings` and
:mod:`workbench.training.speedups.frozen_prefix`.
"""

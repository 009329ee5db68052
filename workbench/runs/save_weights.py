"""What a run has trained, written into its folder."""

from __future__ import annotations

from typing import TYPE_CHECKING

from workbench.registry.tasks import TASKS
from workbench.runs.run_folder import RunFolder
from workbench.runs.run_state import RunState

if TYPE_CHECKING:
    import torch


def save_weights(
    run: RunState, folder: RunFolder, initial_state: dict[str, torch.Tensor] | None
) -> None:
    """Save what was trained, as a difference to the initial state where the technique needs that.

    Parameters
    ----------
    run : RunState
    folder : RunFolder
        The run's own.
    initial_state : dict of str to torch.Tensor or None
        The adapter before the first step, where the difference to it is saved.
    """
    # A run that was stopped before it was prepared has no plan, and has trained nothing.
    trainable = run.plan.get("trainable", "nothing")
    if trainable == "nothing":
        return
    # Here and not at the top: whoever reads runs needs neither torch nor peft.
    from workbench.registry.techniques import get
    from workbench.training.adaptation.checkpoint import save
    from workbench.training.adaptation.model_card import write_card
    from workbench.training.runtime.quiet_loading import quiet_transformers

    technique = get(run.recipe.technique)
    name = "model" if trainable == "all" else "adapter"
    with folder.saving(name) as path, quiet_transformers():
        has_labels = bool(run.plan.get("labels"))
        save(run.model, run.tokenizer, technique, path, initial_state, has_labels)
        if run.recipe.task in TASKS:
            write_card(path, run.plan, technique)

"""What is kept of a run at its end: its weights, and how it went in a few figures."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from workbench.runs.store import WEIGHTS, RunFolder, directory_bytes

if TYPE_CHECKING:
    from workbench.runs.run import Run


def save(run: Run, folder: RunFolder, began: Any) -> None:
    """Save what a run has learnt, from what it began with where that is needed."""
    # A run that was stopped before it was ready has no plan, and has learnt nothing.
    trains = run.plan.get("trains", "nothing")
    if trains == "nothing":
        return
    # Here and not at the top: whoever reads runs needs neither torch nor peft.
    from workbench.registry.techniques import get
    from workbench.training.adaptation.checkpoint import save as save_weights
    from workbench.training.runtime.quiet_loading import quiet_transformers

    name = "model" if trains == "all" else "adapter"
    with folder.saving(name) as half, quiet_transformers():
        save_weights(run.model, run.tokenizer, get(run.recipe.technique), half, began)


def summary(run: Run, state: str) -> dict[str, Any]:
    """Return what ``result.json`` tells of a run that ends in this state."""
    steps = [event for event in run.events if event["event"] == "train"]
    final = run.evaluations[-1] if run.evaluations else {}
    saved = [run.path / name for name in WEIGHTS if run.path and (run.path / name).is_dir()]
    return {
        "state": state,
        "error": str(run.error) if run.error else None,
        "steps": len(steps),
        "seconds": steps[-1]["seconds"] if steps else 0.0,
        "train_loss": steps[-1]["loss"] if steps else None,
        "evaluation": {key: value for key, value in final.items() if key != "event"},
        "parameters": run.parameters,
        "memory": run.memory,
        "adapter_bytes": directory_bytes(saved[0]) if saved else 0,
        "notes": run.notes,
        "finished_at": time.strftime("%Y-%m-%dT%H:%M:%S%z"),
    }

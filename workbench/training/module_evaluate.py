"""How a module is scored; see :mod:`workbench.training.evaluate` for the shape of the events.

It stands apart from the tasks' evaluators because those are carried into exported scripts, which a
module's run never has.
"""

from __future__ import annotations

import time
from collections.abc import Iterator

import torch


def evaluate_module(
    model: torch.nn.Module, batches: list[dict], classifies: bool, step: int
) -> Iterator[dict]:
    """Score a module by the loss per row and, where it classifies, by the accuracy.

    Parameters
    ----------
    model : torch.nn.Module
        Returns ``loss`` (a number) and ``outputs`` of a batch.
    batches : list of dict
    classifies : bool
        Whether outputs are scores of shape (rows, classes, ...), and targets classes of shape
        (rows, ...).
    step : int
    """
    started = time.perf_counter()
    model.eval()
    total_loss, num_rows, num_correct, num_targets = 0.0, 0, 0, 0
    for done, batch in enumerate(batches, 1):
        with torch.no_grad():
            output = model(**batch)
        count = len(batch["labels"])
        total_loss += float(output.loss) * count
        num_rows += count
        if classifies:
            num_correct += int((output.outputs.argmax(1) == batch["targets"]).sum())
            num_targets += batch["targets"].numel()
        del output
        yield {"event": "evaluating", "step": step, "done": done, "total": len(batches)}
    yield {
        "event": "eval",
        "step": step,
        "loss": total_loss / num_rows,
        **({"accuracy": num_correct / num_targets} if classifies else {}),
        "seconds": time.perf_counter() - started,
    }

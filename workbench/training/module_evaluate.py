"""How a module is scored; see :mod:`workbench.training.evaluate` for the shape of the events."""

from __future__ import annotations

import time
from collections.abc import Iterator

import torch


def evaluate_module(model, batches: list[dict], classes: bool, step: int) -> Iterator[dict]:
    """Score by the loss per row and, where outputs are scores of ``classes``, by the accuracy."""
    started = time.perf_counter()
    model.eval()
    total, rows, right, asked = 0.0, 0, 0, 0
    for done, batch in enumerate(batches, 1):
        with torch.no_grad():
            output = model(**batch)
        count = len(batch["labels"])
        total += float(output.loss) * count
        rows += count
        if classes:
            right += int((output.outputs.argmax(1) == batch["targets"]).sum())
            asked += batch["targets"].numel()
        del output
        yield {"event": "evaluating", "step": step, "done": done, "total": len(batches)}
    yield {
        "event": "eval",
        "step": step,
        "loss": total / rows,
        **({"accuracy": right / asked} if classes else {}),
        "seconds": time.perf_counter() - started,
    }

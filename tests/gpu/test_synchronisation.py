"""How often a step waits for the GPU: where the loop reads its figures, and nowhere else of its own.

PyTorch warns of each such place when it is told to. In a dry run the operators that would wait are counted
instead: those that read a tensor's value, or whose result's shape depends on values.
"""

from __future__ import annotations

import collections
import sys
import traceback
import warnings
from pathlib import Path

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from tests.gpu.helpers import REPOSITORY, recipe_for
from workbench.training.prepare import prepare

STEPS = 4
# Where the workbench's own code may wait, and how often in a step.
ALLOWED = {
    # The loss and the gradient norm, and the tokens counted: one wait, as all is done at the first.
    "workbench/training/loop.py": 3,
    # How many targets a batch has decides the shape of the logits.
    "workbench/training/speedups/settings.py find_targets": 1,
    # Where one row ends and the next begins, once for all layers.
    "workbench/training/speedups/settings.py row_lengths": 1,
    # How many ranks are still in use, which AdaLoRA tells after each step.
    "workbench/training/adaptation/step_callbacks.py": 1,
}
READS = ("_local_scalar_dense", "nonzero", "masked_select", "is_nonzero", "unique", "item")
CASES = {
    "lora": ("classify", {}),
    "lora lm": ("lm", {}),
    "lora lm bf16": ("lm", {"bf16": True}),
    "lora lm gradient_checkpointing": ("lm", {"gradient_checkpointing": True}),
    "lora lm padding_free": ("lm", {"padding_free": True}),
    "lora nf4": ("classify", {"quantization": "nf4"}),
    "lora int8": ("classify", {"quantization": "int8"}),
    "full": ("classify", {}),
    "ia3": ("classify", {}),
    "prompt_tuning": ("instruct", {}),
    "prefix_tuning": ("instruct", {}),
    "houlsby": ("classify", {}),
    "adalora": ("classify", {}),
    "dora": ("classify", {}),
}


def place() -> str:
    """Name the innermost function on the stack that is not torch's or this file's."""
    for frame in reversed(traceback.extract_stack()[:-2]):
        path = Path(frame.filename)
        if path == Path(__file__) or "torch" in path.parts or "warnings" in path.name:
            continue
        if path.is_relative_to(REPOSITORY):
            return f"{path.relative_to(REPOSITORY)} {frame.name}"
        library = path.parts[path.parts.index("site-packages") + 1 :] if (
            "site-packages" in path.parts
        ) else path.parts[-3:]  # fmt: skip
        return f"{'/'.join(library)} {frame.name}:{frame.lineno}"
    return "torch"


class Reads(TorchDispatchMode):
    """Counts the operators that would make the host wait on a GPU, by where they are called."""

    def __init__(self) -> None:
        super().__init__()
        self.places: collections.Counter[str] = collections.Counter()

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        name = func.overloadpacket.__name__
        # The optimizer's count of steps is on the CPU everywhere.
        in_optimizer = any("/optim/" in frame.filename for frame in traceback.extract_stack())
        if name in READS and not in_optimizer:
            self.places[place()] += 1
        return func(*args, **(kwargs or {}))


class Warned:
    """Counts PyTorch's warnings that a call waits for the GPU, by where it is made."""

    def __init__(self) -> None:
        self.places: collections.Counter[str] = collections.Counter()

    def __enter__(self):
        self._caught = warnings.catch_warnings()
        self._caught.__enter__()
        warnings.simplefilter("always")
        warnings.showwarning = self._count
        torch.cuda.set_sync_debug_mode("warn")
        return self

    def __exit__(self, *_):
        torch.cuda.set_sync_debug_mode("default")
        self._caught.__exit__(*sys.exc_info())

    def _count(self, message, *_, **__):
        if "synchronizing CUDA operation" in str(message):
            self.places[place()] += 1


@pytest.mark.parametrize("case", CASES)
def test_a_step_waits_where_the_loop_reads_and_nowhere_else(case, model, data, device, note):
    technique = case.split()[0]
    task, changes = CASES[case]
    steps = {"max_steps": 100, "eval_steps": 100, **changes}
    run = prepare(recipe_for(technique, model, data, task=task, **steps))
    with run.randomness:
        for _ in range(3):
            next(run.steps)
        counted = Warned() if device == "cuda" else Reads()
        with counted:
            for _ in range(STEPS):
                next(run.steps)
    run.steps.close()
    each = {place: count / STEPS for place, count in counted.places.items()}
    total = sum(each.values())
    note(f"{total:g} a step: {', '.join(f'{name} {count:g}' for name, count in each.items())}")
    assert each, "nothing was counted, although the loop reads the loss"
    too_many = {
        name: count
        for name, count in each.items()
        if name.startswith("workbench/")
        and count
        > max((most for part, most in ALLOWED.items() if name.startswith(part)), default=0)
    }
    assert not too_many, f"the workbench's code waits for the GPU: {too_many}"

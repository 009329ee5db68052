"""What the GPU tests share: tiny rows and recipes, saved weights loaded again, two runs held together."""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import torch

import workbench as wb
from tests.test_export import logits, probe
from workbench.registry.techniques import TECHNIQUES

REPOSITORY = Path(__file__).parents[2]
LABELS = ("no", "yes")


def write_rows(path: Path) -> str:
    """Write rows for all tasks on texts, and return the file's name."""
    rows = [
        {
            "text": f"the film was {word}" + " and I saw it" * (i % 3),
            "prompt": "was it good" + " and" * (i % 3),
            "completion": f"it was {word}",
            "label": LABELS[i % 2],
            "tokens": ["it", "was", word] + ["yes"] * (i % 3),
            "tags": ["O", "O", f"B-{LABELS[i % 2]}"] + ["O"] * (i % 3),
        }
        for i in range(32)
        for word in [("good", "bad")[i % 2]]
    ]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return str(path)


def recipe_for(technique: str, model: str, data: str, **changes) -> wb.Recipe:
    """Return a recipe of a few steps for the first task of a technique."""
    settings = {
        "model": model,
        "data": data,
        "task": TECHNIQUES[technique].tasks[0],
        "technique": technique,
        "per_device_train_batch_size": 4,
        "max_steps": 6,
        "eval_steps": 3,
        "max_eval_samples": 8,
        "max_new_tokens": 2,
        "seed": 1,
    }
    return wb.Recipe(**{**settings, **changes})


def train(recipe: wb.Recipe, folder: Path) -> wb.Run:
    """Train a recipe by itself."""
    return wb.train(recipe, folder, progress=False)


def saved_folder(run: wb.Run) -> Path:
    """Return the folder of a run's weights."""
    return run.path / ("model" if run.plan["trainable"] == "all" else "adapter")


def saved_difference(run: wb.Run, device: str) -> float:
    """Return how far the logits of what was saved lie from the run's own, relative to the largest.

    Both are asked on the run's device, the saved weights as their user would load them.
    """
    run.model.eval()
    with torch.no_grad():
        ours = run.model(**move(probe(run.plan), device)).logits.float()
    theirs = logits(run.plan, saved_folder(run), device).float()
    assert ours.device == theirs.device and ours.device.type == device
    return float((ours - theirs).abs().max() / ours.abs().max())


def move(batch: dict[str, torch.Tensor], device: str) -> dict[str, torch.Tensor]:
    """Return a batch on a device."""
    return {name: tensor.to(device) for name, tensor in batch.items()}


def is_on(module: torch.nn.Module, device: str) -> bool:
    """Tell whether all parameters and buffers of a module are on a type of device."""
    tensors = (*module.parameters(), *module.buffers())
    return {tensor.device.type for tensor in tensors} == {device}


def largest_difference(ours: Sequence[float], theirs: Sequence[float]) -> float:
    """Return the largest relative difference of two sequences of losses, infinite for other lengths."""
    if len(ours) != len(theirs) or not ours:
        return math.inf
    pairs = zip(ours, theirs, strict=True)
    return max(abs(mine - other) / max(abs(other), 1e-6) for mine, other in pairs)


def run_python(code: str, *arguments: str, folder: Path, repository: bool) -> subprocess.Popen:
    """Start Python on some code, with or without this repository on its path."""
    paths = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    paths = [path for path in paths if path and Path(path).resolve() != REPOSITORY]
    if repository:
        paths.insert(0, str(REPOSITORY))
    return subprocess.Popen(
        [sys.executable, "-W", "ignore", "-c", code, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=folder,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(paths), "HF_HUB_OFFLINE": "1"},
    )


def output_of(process: subprocess.Popen, seconds: float) -> str:
    """Wait for a process and return what it printed; it is ended after so many seconds."""
    try:
        out, error = process.communicate(timeout=seconds)
    except BaseException:
        process.kill()
        process.communicate()
        raise
    assert process.returncode == 0, (process.returncode, error[-2000:])
    return out


def release() -> None:
    """Give back what CUDA's allocator and cuBLAS hold and nobody uses."""
    if torch.cuda.is_available() and torch.cuda.is_initialized():
        torch.cuda.synchronize()
        clear = getattr(torch._C, "_cuda_clearCublasWorkspaces", None)
        if clear is not None:
            clear()
        torch.cuda.empty_cache()

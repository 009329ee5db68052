"""A run for which there is no memory leaves its race with a sentence, and gives back what it had."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.conftest import save_tiny
from workbench.errors import is_out_of_memory

SCRIPT = """
import gc, resource, sys
import psutil
import workbench as wb

process = psutil.Process()
recipe = wb.Recipe(model=sys.argv[1], data="reviews", max_length=64, max_steps=40, eval_steps=40,
                   max_eval_samples=8)
# What libraries load when they are first used is no part of it.
wb.Race([recipe.replace(max_steps=1)], sys.argv[2]).start().wait()
large = recipe.replace(technique="full", name="large")
limit = process.memory_info().vms + 1_100_000_000
resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
gc.collect()
before = process.memory_info().rss
race = wb.Race([recipe, large], sys.argv[2], workers=1).start()
race.members[1].join()
race.add(recipe.replace(seed=1))
race.wait()
gc.collect()
for run in race.members:
    print(run.state)
print(race.members[1].error)
print(race.members[1].model)
print((process.memory_info().rss - before) / 1e6)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="limits its own memory as Linux has it")
def test_it_leaves_the_others_go_on_and_the_memory_comes_back(tmp_path):
    # 384 MB of embeddings, of which adapters on the layers need no copy.
    base = save_tiny(tmp_path / "base", "LlamaConfig", "LlamaModel", vocab=3_000_000)
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", SCRIPT, str(base), str(tmp_path / "runs")],
        capture_output=True,
        text=True,
        check=True,
    )
    *states, said, model, grown = done.stdout.splitlines()
    assert states == ["finished", "failed", "finished"]
    # It needs more than there is in all, whatever the batch.
    assert "memory ran out. Does not fit with batch 8: it needs" in said
    assert "no batch fits: choose a smaller base" in said
    assert model == "None"
    # Training everything takes a copy of the base, its gradients and twice as much for the optimizer.
    assert float(grown) < 200


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried to"),
        RuntimeError("CUDA out of memory. Tried to allocate 2.00 GiB"),
        OSError("[Errno 12] Cannot allocate memory"),
    ],
    ids=str,
)
def test_each_way_to_say_it_is_understood(error):
    assert is_out_of_memory(error)

"""A run for which the GPU has no memory leaves its race with a sentence, and gives back what it had."""

from __future__ import annotations

import gc
import json

import pytest
import torch

import workbench as wb
from tests.conftest import save_tiny
from tests.gpu.helpers import recipe_for, release, train

ROWS, LENGTH = 64, 2048
# The share of the GPU that this process may have: others go on beside it.
SHARE = 0.2
SLACK = 4 * 2**20


@pytest.fixture(scope="module")
def broad(tmp_path_factory):
    """The folder of a llama whose activations of one batch are more than any GPU has."""
    # Each row of 2,048 tokens takes half a GB in each of several places of each layer.
    settings = {"hidden_size": 64, "intermediate_size": 65_536, "max_position_embeddings": LENGTH}
    folder = tmp_path_factory.mktemp("models") / "broad-llama"
    return str(save_tiny(folder, "LlamaConfig", "LlamaForCausalLM", **settings))


@pytest.fixture(scope="module")
def long_rows(tmp_path_factory):
    path = tmp_path_factory.mktemp("data") / "long.jsonl"
    row = {"text": "the film was good and I liked it a lot " * 400, "label": "yes"}
    path.write_text("".join(json.dumps({**row, "label": str(i % 2)}) + "\n" for i in range(ROWS)))
    return str(path)


@pytest.fixture
def little_memory(device, monkeypatch):
    """Let this process have a part of the GPU; in a dry run, let a broad layer take too much."""
    if device == "cuda":
        torch.cuda.set_per_process_memory_fraction(SHARE)
        yield
        torch.cuda.set_per_process_memory_fraction(1.0)
        return
    from torch.nn import functional

    plain = functional.silu

    def silu(tensor, inplace=False):
        if tensor.numel() > 10**8:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 32.00 GiB")
        return plain(tensor, inplace)

    monkeypatch.setattr(functional, "silu", silu)
    yield


def held(device: str) -> int:
    gc.collect()
    release()
    return torch.cuda.memory_allocated() if device == "cuda" else 0


@pytest.mark.limit(240)
def test_it_leaves_the_others_go_on_and_the_memory_comes_back(
    broad, long_rows, model, data, device, little_memory, tmp_path, note
):
    small = recipe_for("lora", model, data, max_steps=40, eval_steps=20)
    settings = {"max_length": LENGTH, "per_device_train_batch_size": ROWS, "max_eval_samples": 1}
    if device == "cpu":  # what is not too much for a CPU's memory is still much for its time
        settings |= {"per_device_eval_batch_size": 1}
    large = recipe_for("lora", broad, long_rows, task="lm", name="large", **settings)
    alone = train(small, tmp_path / "alone").losses
    # The base that was used last stays in memory, and so do workspaces.
    train(small.replace(max_steps=1), tmp_path / "alone")
    before = held(device)
    race = wb.Race([small, large, small.replace(seed=2)], tmp_path / "race", fuse=False)
    race.start().wait()
    first, failed, last = race.members
    assert (first.state, failed.state, last.state) == ("finished", "failed", "finished")
    said = str(failed.error)
    note(said)
    assert "memory ran out" in said
    assert f"Not enough memory for batch size {ROWS}: it needs" in said
    assert failed.model is None
    assert first.losses == alone
    # Whoever trains next has all the memory.
    assert train(small, tmp_path / "after").losses == alone
    del race, first, last
    grown = held(device) - before
    note(f"{grown / 1e6:.1f} MB more are allocated than before the race")
    assert grown < SLACK


def test_the_memory_of_a_run_comes_back(middle, data, device, on_cuda, tmp_path, note):
    recipe = recipe_for("full", middle, data, task="lm")
    train(recipe, tmp_path)
    before = held(device)
    run = train(recipe.replace(seed=3), tmp_path)
    during = held(device)
    assert during > before, "the run's model is in memory as long as it is referred to"
    del run
    after = held(device)
    note(f"before {before / 1e6:.1f}, with a run {during / 1e6:.1f}, after {after / 1e6:.1f} MB")
    assert after - before < SLACK

"""Where and with what is measured: the device, the sizes, a llama of random weights, rows of text."""

from __future__ import annotations

import copy
import gc
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
import transformers

from workbench import Recipe
from workbench.sources.bundled import data_folder
from workbench.sources.datasets import load

DEVICE = "cuda" if torch.cuda.is_available() else "cpu"

CONTEXT, ROWS = 4096, 96


@dataclass(frozen=True)
class Sizes:
    """How large everything is.

    Parameters
    ----------
    llama, small_llama : dict
        Of the base of most sections (about 1.1 B parameters), and of the race's (about 0.1 B).
    shapes : tuple
        Rows, tokens and steps of a block.
    blocks : int
        How often the loops take turns.
    """

    llama: dict[str, int]
    small_llama: dict[str, int]
    product: int
    shapes: tuple[tuple[int, int, int], ...]
    blocks: int
    fused_runs: tuple[int, ...]
    fused_tokens: int
    fused_pairs: int
    race_runs: int
    race_steps: int
    race_tokens: int
    profiled: int
    forecast_tokens: int
    forecast_rows: tuple[int, ...] = field(default=(1, 8))


LARGE = Sizes(
    llama={"hidden_size": 2048, "intermediate_size": 5632, "num_hidden_layers": 22,
           "num_attention_heads": 32, "num_key_value_heads": 4, "vocab_size": 32000},
    small_llama={"hidden_size": 768, "intermediate_size": 2048, "num_hidden_layers": 12,
                 "num_attention_heads": 12, "vocab_size": 16384},
    product=8192, shapes=((1, 512, 6), (8, 512, 4)), blocks=3,
    fused_runs=(4, 8), fused_tokens=128, fused_pairs=8,
    race_runs=8, race_steps=60, race_tokens=128, profiled=10, forecast_tokens=2048,
)  # fmt: skip
TINY = Sizes(
    llama={"hidden_size": 64, "intermediate_size": 176, "num_hidden_layers": 2,
           "num_attention_heads": 4, "vocab_size": 2048},
    small_llama={"hidden_size": 64, "intermediate_size": 176, "num_hidden_layers": 2,
                 "num_attention_heads": 4, "vocab_size": 2048},
    product=256, shapes=((1, 32, 2), (2, 32, 2)), blocks=2,
    fused_runs=(2,), fused_tokens=16, fused_pairs=2,
    race_runs=2, race_steps=12, race_tokens=16, profiled=2, forecast_tokens=64,
    forecast_rows=(1, 2),
)  # fmt: skip


def save_llama(folder: Path, sizes: dict[str, int], dtype: torch.dtype) -> Path:
    """Save a llama of random weights, drawn on the device, with the bundled tokenizer."""
    tokenizer = transformers.AutoTokenizer.from_pretrained(data_folder() / "village-3m")
    tokenizer.model_max_length = CONTEXT
    config = transformers.LlamaConfig(
        **sizes, max_position_embeddings=CONTEXT, eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id, bos_token_id=tokenizer.bos_token_id,
    )  # fmt: skip
    torch.manual_seed(0)
    with torch.device(DEVICE):
        model = transformers.AutoModelForCausalLM.from_config(config, dtype=dtype)
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def save_rows(folder: Path, tokens: int) -> Path:
    """Write rows of text that are a little longer than so many tokens: then no batch has padding."""
    path = folder / f"rows-{tokens}.jsonl"
    if path.exists():
        return path
    tokenizer = transformers.AutoTokenizer.from_pretrained(data_folder() / "village-3m")
    texts = [row["text"] for row in load.load("chronicle", "lm").train]
    lengths = [len(ids) - 2 for ids in tokenizer(texts)["input_ids"]]
    place = 0
    with path.open("w") as file:
        for _ in range(ROWS):
            parts, long = [], 0
            while long <= tokens:
                parts.append(texts[place % len(texts)])
                long += lengths[place % len(texts)]
                place += 1
            file.write(json.dumps({"text": " ".join(parts)}) + "\n")
    return path


def recipe_of(model: Path, rows: Path, size: int, tokens: int, **changes: Any) -> Recipe:
    """Return a recipe of LoRA on all linears in bfloat16, which ends and evaluates never.

    Its rows are written into the folder ``rows``; those for evaluations are named, so that all seeds
    share them encoded.
    """
    data = str(save_rows(rows, tokens))
    return Recipe(
        model=str(model), data=data, eval_data=data, task="lm", technique="lora", bf16=True,
        max_length=tokens, per_device_train_batch_size=size, per_device_eval_batch_size=1,
        max_steps=10**4, eval_steps=10**6, max_eval_samples=1,
    ).replace(**changes)  # fmt: skip


def around_same_weights(model: torch.nn.Module) -> Any:
    """Copy a model's modules around its own weights."""
    tensors = [*model.parameters(), *model.buffers()]
    return copy.deepcopy(model, {id(tensor): tensor for tensor in tensors})


def settle() -> None:
    """Wait for the device."""
    if DEVICE == "cuda":
        torch.cuda.synchronize()


def free() -> None:
    """Give back what nobody refers to any more."""
    gc.collect()
    if DEVICE == "cuda":
        torch.cuda.empty_cache()
    begin_peak()


def begin_peak() -> None:
    """Let :func:`peaks` begin anew; what the allocator has stays with it."""
    if DEVICE == "cuda":
        torch.cuda.reset_peak_memory_stats()


def allocated() -> int:
    """Return the bytes that PyTorch's allocator has handed out on the GPU; 0 without one."""
    return torch.cuda.memory_allocated() if DEVICE == "cuda" else 0


def peaks() -> dict[str, int]:
    """Return the most bytes allocated and reserved on the GPU since the last :func:`begin_peak`."""
    if DEVICE != "cuda":
        return {"allocated": 0, "reserved": 0}
    return {
        "allocated": torch.cuda.max_memory_allocated(),
        "reserved": torch.cuda.max_memory_reserved(),
    }

"""Starts that are made from training data. Exported scripts carry these functions' source.

Each stands where ``peft.get_peft_model`` would, and takes some batches as well.
"""

from __future__ import annotations

from functools import partial

import torch
from peft import get_peft_model, initialize_lora_eva_weights
from peft.tuners.lora.corda import preprocess_corda
from peft.tuners.lora.loraga import preprocess_loraga


def get_eva_model(model, config, batches: list[dict]):
    """Start LoRA from the directions in which the layers' inputs vary most (EVA)."""
    inputs = [
        {name: value for name, value in batch.items() if name != "labels"} for batch in batches
    ]
    model = get_peft_model(model, config)
    initialize_lora_eva_weights(model, inputs, show_progress_bar=False)
    return model


def get_corda_model(model, config, batches: list[dict]):
    """Start LoRA from weights seen through the inputs' covariance (CorDA)."""
    preprocess_corda(model, config, run_model=partial(run_rows, model, batches))
    return get_peft_model(model, config)


def run_rows(model, batches: list[dict]) -> None:
    """Put rows through the model one at a time: padding is no part of what a layer sees."""
    for batch in batches:
        for ids, mask in zip(batch["input_ids"], batch["attention_mask"].bool(), strict=True):
            with torch.no_grad():
                model(input_ids=ids[mask][None])


def get_lora_ga_model(model, config, batches: list[dict]):
    """Start LoRA where its first step goes the way of full fine-tuning's (LoRA-GA)."""
    preprocess_loraga(model, config, partial(add_gradients, model, batches))
    return get_peft_model(model, config)


def add_gradients(model, batches: list[dict]) -> None:
    """Add up the gradients of some batches, and train nothing."""
    for batch in batches:
        model(**batch).loss.backward()

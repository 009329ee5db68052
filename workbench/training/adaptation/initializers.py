"""Starts that are made from weights or data. Exported scripts carry these functions' source.

Each stands where ``peft.get_peft_model`` would; some take batches of training rows as well.
"""

from __future__ import annotations

import copy
from functools import partial
from inspect import signature

import bitsandbytes
import torch
from peft import get_peft_model, initialize_lora_eva_weights
from peft.tuners.lora import LoraLayer
from transformers.pytorch_utils import Conv1D

from workbench.registry.hook import Hook
from workbench.training.adaptation.running_stats import moving_statistics


def takes_rows(function: Hook) -> bool:
    """Tell whether a function that makes the PEFT model takes batches of training rows."""
    return "batches" in signature(function.load()).parameters


def get_eva_model(model, config, batches: list[dict]):
    """Start LoRA from the directions in which the layers' inputs vary most (EVA)."""
    inputs = [
        {name: value for name, value in batch.items() if name != "labels"} for batch in batches
    ]
    model = get_peft_model(model, config)
    initialize_lora_eva_weights(
        model,
        inputs,
        prepare_model_inputs_fn=find_padding,
        prepare_layer_inputs_fn=leave_padding,
        show_progress_bar=False,
    )
    return model


def find_padding(batch: dict, config):
    """Return which tokens of a batch are no padding; None for images, which have none."""
    mask = batch.get("attention_mask")
    return None if mask is None else mask.bool()


def leave_padding(inputs, mask, name: str):
    """Take a layer's inputs one by one, without padding where they are the batch's tokens.

    DeBERTa's layers see a table of positions too.
    """
    inputs = inputs if isinstance(inputs, torch.Tensor) else inputs[0]
    if mask is not None and inputs.shape[:2] == mask.shape:
        return inputs[mask]
    return inputs.reshape(-1, inputs.shape[-1])


def get_corda_model(model, config, batches: list[dict]):
    """Start LoRA from weights seen through the inputs' covariance (CorDA)."""
    from peft.tuners.lora.corda import preprocess_corda

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
    # The last bits of gradients can depend on where weights lie in memory, and a checkpoint's lie
    # anywhere: for these gradients all lie where copies do. Nor do running statistics move, which PEFT
    # gathers here.
    tensors = (*model.parameters(), *moving_statistics(model).values())
    loaded = [(tensor, tensor.data) for tensor in tensors]
    for tensor, data in loaded:
        tensor.data = data.clone()
    from peft.tuners.lora.loraga import preprocess_loraga

    preprocess_loraga(model, config, partial(add_gradients, model, batches))
    for tensor, data in loaded:
        tensor.data = data
    return get_peft_model(model, config)


def add_gradients(model, batches: list[dict]) -> None:
    """Add up the gradients of some batches, and train nothing."""
    for batch in batches:
        model(**batch).loss.backward()


def get_loftq_model(model, config):
    """Start LoRA from what storing the base's weights in 4 bits has lost (LoftQ)."""
    whole = type(model).from_pretrained(
        model.name_or_path,
        config=plain_config(model),
        dtype=torch.float32,
        ignore_mismatched_sizes=True,
        adapter_kwargs={"subfolder": "no-adapter"},  # one that lies there is no part of the base
    )
    adapted = get_peft_model(model, config)
    for name, layer in adapted.get_base_model().named_modules():
        # Some architectures keep a few layers in full, which lose nothing.
        if not isinstance(layer, LoraLayer) or not hasattr(layer.weight, "quant_state"):
            continue
        stored = layer.weight
        rounded = bitsandbytes.functional.dequantize_4bit(stored.data, stored.quant_state)
        source = whole.get_submodule(name)
        weight = source.weight.T if isinstance(source, Conv1D) else source.weight
        lost = weight.to(rounded) - rounded
        for adapter, down in layer.lora_A.items():
            left, values, right = torch.linalg.svd(lost, full_matrices=False)
            rank, half = layer.r[adapter], values.sqrt()
            down.weight.data = (half[:rank, None] * right[:rank]).contiguous()
            up = left[:, :rank] * half[:rank] / layer.scaling[adapter]
            layer.lora_B[adapter].weight.data = up.contiguous()
    return adapted


def plain_config(model):
    """Copy a model's config without how its weights are stored."""
    config = copy.deepcopy(model.config)
    del config.quantization_config
    return config


def get_xlora_model(model, config):
    """Blend trained adapters (X-LoRA), which looks at whole texts and keeps no cache."""
    model.config.use_cache = False
    # PEFT loads adapters by their numbers, and then looks for them by their names.
    config.adapters = {str(i): folder for i, folder in enumerate(config.adapters.values())}
    return get_peft_model(model, config)

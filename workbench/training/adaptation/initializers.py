"""Initializations from weights or data. Exported scripts carry these functions' source.

Each is called in place of ``peft.get_peft_model``: it takes the base and a PEFT config, and returns the
PEFT model. Some take ``batches`` as well, a list of collated batches of training rows, whose
``input_ids`` and ``attention_mask`` are of shape (rows, length).
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


def takes_batches(function: Hook) -> bool:
    """Tell whether a function that makes the PEFT model takes batches of training rows."""
    return "batches" in signature(function.load()).parameters


def get_eva_model(model, config, batches: list[dict]):
    """Initialize LoRA with the directions in which the layers' inputs vary most (EVA)."""
    inputs = [
        {name: value for name, value in batch.items() if name != "labels"} for batch in batches
    ]
    model = get_peft_model(model, config)
    initialize_lora_eva_weights(
        model,
        inputs,
        prepare_model_inputs_fn=padding_mask,
        prepare_layer_inputs_fn=without_padding,
        show_progress_bar=False,
    )
    return model


def padding_mask(batch: dict, config):
    """Return a mask of the tokens that are not padding, of shape (rows, length); None for images."""
    mask = batch.get("attention_mask")
    return None if mask is None else mask.bool()


def without_padding(inputs, mask, name: str):
    """Return a layer's inputs as a matrix of shape (tokens, width), without those of padding.

    The mask of shape (rows, length) is for inputs of shape (rows, length, width). Others are taken
    whole: DeBERTa's layers read a table of positions too.
    """
    inputs = inputs if isinstance(inputs, torch.Tensor) else inputs[0]
    if mask is not None and inputs.shape[:2] == mask.shape:
        return inputs[mask]
    return inputs.reshape(-1, inputs.shape[-1])


def get_corda_model(model, config, batches: list[dict]):
    """Initialize LoRA from the weights times the covariance of the layers' inputs (CorDA)."""
    from peft.tuners.lora.corda import preprocess_corda

    preprocess_corda(model, config, run_model=partial(run_rows, model, batches))
    return get_peft_model(model, config)


def run_rows(model, batches: list[dict]) -> None:
    """Put rows through the model one at a time, so that layers see no padding."""
    for batch in batches:
        for ids, mask in zip(batch["input_ids"], batch["attention_mask"].bool(), strict=True):
            with torch.no_grad():
                model(input_ids=ids[mask][None])


def get_lora_ga_model(model, config, batches: list[dict]):
    """Initialize LoRA so that its first step is close to that of full fine-tuning (LoRA-GA)."""
    # The last bits of gradients can depend on where weights lie in memory, and a checkpoint's lie
    # anywhere: for these gradients all tensors are copies. Nor do running statistics change, which
    # PEFT updates here.
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
    """Add up the gradients of some batches, without a step."""
    for batch in batches:
        model(**batch).loss.backward()


def get_loftq_model(model, config):
    """Initialize LoRA with the error of storing the base's weights in 4 bits (LoftQ).

    With ``W - Q`` the error of a weight of shape (out, in) and ``U S Vᵀ`` its singular value
    decomposition, lora_A is ``sqrt(S) Vᵀ`` of shape (r, in) and lora_B ``U sqrt(S) / scaling`` of shape
    (out, r).
    """
    unquantized = type(model).from_pretrained(
        model.name_or_path,
        config=plain_config(model),
        dtype=torch.float32,
        ignore_mismatched_sizes=True,
        adapter_kwargs={"subfolder": "no-adapter"},  # an adapter in the folder is not loaded
    )
    adapted = get_peft_model(model, config)
    for name, layer in adapted.get_base_model().named_modules():
        # Some architectures have a few layers in full precision, which have no error.
        if not isinstance(layer, LoraLayer) or not hasattr(layer.weight, "quant_state"):
            continue
        stored = layer.weight
        rounded = bitsandbytes.functional.dequantize_4bit(stored.data, stored.quant_state)
        source = unquantized.get_submodule(name)
        weight = source.weight.T if isinstance(source, Conv1D) else source.weight
        error = weight.to(rounded) - rounded
        for adapter, down in layer.lora_A.items():
            left, values, right = torch.linalg.svd(error, full_matrices=False)
            rank, root = layer.r[adapter], values.sqrt()
            down.weight.data = (root[:rank, None] * right[:rank]).contiguous()
            up = left[:, :rank] * root[:rank] / layer.scaling[adapter]
            layer.lora_B[adapter].weight.data = up.contiguous()
    return adapted


def plain_config(model):
    """Copy a model's config without how its weights are stored."""
    config = copy.deepcopy(model.config)
    del config.quantization_config
    return config


def get_xlora_model(model, config):
    """Mix trained adapters (X-LoRA), with weights that depend on the whole text, so without a cache."""
    model.config.use_cache = False
    # PEFT loads adapters by their numbers, and then looks them up by their names.
    config.adapters = {str(i): folder for i, folder in enumerate(config.adapters.values())}
    return get_peft_model(model, config)

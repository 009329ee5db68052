"""Settings of a recipe that change how its model computes. Exported scripts carry their source.

Each takes the adapted model, before its optimizer is made.
"""

from __future__ import annotations

from functools import wraps
from types import MethodType

import torch
from transformers import AttentionInterface, AttentionMaskInterface
from transformers.integrations.sdpa_attention import sdpa_attention_forward
from transformers.masking_utils import sdpa_mask


def use_labelled_logits(model) -> None:
    """Compute logits only where a label says what comes next; the loss is their mean, as it was.

    Everything hangs on the base itself, so that a copy of the model is one by itself.
    """
    base = model.get_base_model() if hasattr(model, "get_base_model") else model
    base.labelled = None
    base.forward = MethodType(noting_labels(type(base).forward), base)
    backbone = getattr(base, base.base_model_prefix)
    backbone.register_forward_hook(MethodType(keep_labelled, base))
    base.loss_function = MethodType(labelled_loss, base)


def noting_labels(forward):
    """Note before a forward pass at which places the next token is a target, and which it is."""

    @wraps(forward)
    def noting(base, *args, **inputs):
        """Note and go on."""
        labels = inputs.get("labels")
        base.labelled = None if labels is None else find_targets(labels)
        if labels is not None:  # then nothing is generated that would read a cache
            inputs.setdefault("use_cache", False)
        return forward(base, *args, **inputs)

    return noting


def find_targets(labels: torch.Tensor) -> tuple[torch.Size, torch.Tensor, torch.Tensor]:
    """Return the labels' shape, the places before a target, and the targets."""
    following = torch.nn.functional.pad(labels, (0, 1), value=-100)[:, 1:].flatten()
    places = (following != -100).nonzero()[:, 0]
    return labels.shape, places, following.index_select(0, places)


def keep_labelled(base, backbone, args: tuple, output):
    """Keep of the last hidden states those before a target, as if they were one row."""
    if base.labelled is not None and output.last_hidden_state.shape[:2] == base.labelled[0]:
        hidden = output.last_hidden_state.flatten(0, 1)
        output.last_hidden_state = hidden.index_select(0, base.labelled[1]).unsqueeze(0)
    return output


def labelled_loss(base, logits: torch.Tensor, labels: torch.Tensor, **_) -> torch.Tensor:
    """Return the cross-entropy per target."""
    # Who calls the forward pass past what is noted, as LLaMA-Adapter does, gets every logit.
    _, places, targets = base.labelled or find_targets(labels)
    logits = logits.flatten(0, 1)
    if len(logits) != len(targets):  # some models call a part of their backbone only
        logits = logits.index_select(0, places)
    return torch.nn.functional.cross_entropy(logits.float(), targets)


def use_padding_free(model) -> None:
    """Let rows that stand behind one another attend to themselves only."""
    AttentionInterface.register("by_rows", attend_by_rows)
    AttentionMaskInterface.register("by_rows", mask_by_rows)
    base = model.get_base_model() if hasattr(model, "get_base_model") else model
    base.set_attn_implementation("by_rows")


def attend_by_rows(
    module, query, key, value, attention_mask, cu_seq_lens_q: torch.Tensor | None = None, **more
) -> tuple:
    """Attend as PyTorch does; where rows stand behind one another, to each row by itself."""
    if cu_seq_lens_q is None:
        return sdpa_attention_forward(module, query, key, value, attention_mask, **more)
    lengths = cu_seq_lens_q.diff().tolist()
    rows = zip(*(whole.split(lengths, dim=2) for whole in (query, key, value)), strict=True)
    window = more.get("sliding_window")
    outputs = []
    for row in rows:
        mask, length = None, row[0].shape[2]
        if window is not None and length > window:
            places = torch.arange(length, device=query.device)
            back = places[:, None] - places
            mask = ((back >= 0) & (back < window))[None, None]
        outputs.append(sdpa_attention_forward(module, *row, mask, **more)[0])
    return torch.cat(outputs, dim=1), None


def mask_by_rows(*args, attention_mask: torch.Tensor | None = None, **more):
    """Make a mask only for rows that are padded."""
    if attention_mask is None:
        return None
    return sdpa_mask(*args, attention_mask=attention_mask, **more)


def use_bf16(model) -> None:
    """Multiply matrices in bfloat16; weights, sums and the optimizer's state stay as they are."""
    device = next(model.parameters()).device.type
    autocast = torch.autocast(device, torch.bfloat16)
    model.forward = autocast(model.forward)
    if hasattr(model, "generate"):
        model.generate = autocast(model.generate)


def use_gradient_checkpointing(model) -> None:
    """Keep what goes into each layer only, and compute the rest again in the backward pass."""
    base = model.get_base_model() if hasattr(model, "get_base_model") else model
    base.activation_checkpointing_enable({"use_reentrant": False})
    # Only the reentrant kind needs gradients at the embeddings, which cost a whole backward pass.
    base.disable_input_require_grads()


def use_torch_compile(model) -> None:
    """Compile each layer; those that are alike share what was compiled, whatever the rows' lengths."""
    base = model.get_base_model() if hasattr(model, "get_base_model") else model
    for blocks in [part for part in base.modules() if isinstance(part, torch.nn.ModuleList)]:
        for block in blocks:
            block.compile(dynamic=True)

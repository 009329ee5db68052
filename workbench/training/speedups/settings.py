"""Functions that change how a model computes, without guards. Exported scripts carry their source.

Each ``use_...`` takes the adapted model, before its optimizer is made. Which of them can be used, and
whether they compute what they should, is asked in the other files of this folder.
"""

from __future__ import annotations

from contextlib import ExitStack, contextmanager, nullcontext
from functools import wraps
from types import MethodType

import torch
from torch.overrides import TorchFunctionMode
from transformers import AttentionInterface, AttentionMaskInterface

from workbench.training.adaptation.wrapping import unwrapped


def use_mask_positions(model) -> None:
    """Count positions from each row's first token, so that padding on the left shifts none.

    Virtual tokens, where PEFT puts some before a row, count too.
    """
    base = unwrapped(model)
    base.forward = MethodType(counting_positions(base.forward.__func__), base)


def counting_positions(forward):
    """Take positions from the attention mask, unless the caller passes them."""

    @wraps(forward)
    def counting(base, input_ids=None, *args, **inputs):
        """Add ``position_ids`` of shape (batch, length) to the inputs."""
        mask = inputs.get("attention_mask")
        if not args and inputs.get("position_ids") is None and mask is not None and mask.dim() == 2:
            tokens = inputs["inputs_embeds"] if input_ids is None else input_ids
            # The mask also covers what is in the cache, whose positions are not needed again.
            positions = mask.long().cumsum(-1)[:, -tokens.shape[1] :] - 1
            inputs["position_ids"] = positions.clamp(min=0)
        return forward(base, input_ids, *args, **inputs)

    return counting


def use_labelled_logits(model) -> None:
    """Compute logits only where the next token is a target; the loss is the mean over them, as it was.

    Everything is an attribute of the base itself, so that a copy of the model is independent.
    """
    base = unwrapped(model)
    base.labelled = None
    base.forward = MethodType(noting_labels(base.forward.__func__), base)
    backbone = getattr(base, base.base_model_prefix)
    backbone.register_forward_hook(MethodType(keep_labelled, base))
    base.loss_function = MethodType(labelled_loss, base)


def noting_labels(forward):
    """Find the targets of a batch before the forward pass, and keep them in ``base.labelled``."""

    @wraps(forward)
    def noting(base, *args, **inputs):
        labels = inputs.get("labels")
        base.labelled = None if labels is None else find_targets(labels)
        if labels is not None:  # then nothing is generated that would read a cache
            inputs.setdefault("use_cache", False)
        return forward(base, *args, **inputs)

    return noting


def find_targets(labels: torch.Tensor) -> tuple[torch.Size, torch.Tensor, torch.Tensor]:
    """Return the shape of labels (batch, seq), the tokens before a target, and the targets.

    The latter two have the shape (targets,); tokens are counted through the whole batch.
    """
    next_labels = torch.nn.functional.pad(labels, (0, 1), value=-100)[:, 1:].flatten()
    before_target = (next_labels != -100).nonzero()[:, 0]
    return labels.shape, before_target, next_labels.index_select(0, before_target)


def keep_labelled(base, backbone, args: tuple, output):
    """Select the last hidden states before a target: (batch, seq, features) to (1, targets, features)."""
    if base.labelled is not None and output.last_hidden_state.shape[:2] == base.labelled[0]:
        hidden = output.last_hidden_state.flatten(0, 1)
        output.last_hidden_state = hidden.index_select(0, base.labelled[1]).unsqueeze(0)
    return output


def labelled_loss(base, logits: torch.Tensor, labels: torch.Tensor, *_, **__) -> torch.Tensor:
    """Return the mean cross-entropy over targets, for logits of shape (1, targets, vocabulary).

    What else a model passes to its loss is not used.
    """
    # Calls that bypass this base's forward, as LLaMA-Adapter's, come with the logits of all tokens.
    _, before_target, targets = base.labelled or find_targets(labels)
    logits = logits.flatten(0, 1)
    if len(logits) != len(targets):  # some models call a part of their backbone only
        logits = logits.index_select(0, before_target)
    return torch.nn.functional.cross_entropy(logits.float(), targets)


def use_padding_free(model) -> None:
    """Let each row of a batch without padding attend to itself only."""
    AttentionInterface.register("by_rows", attend_by_rows)
    AttentionMaskInterface.register("by_rows", mask_by_rows)
    base = unwrapped(model)
    base.set_attn_implementation("by_rows")


def attend_by_rows(
    module, query, key, value, attention_mask, cu_seq_lens_q: torch.Tensor | None = None, **kwargs
) -> tuple:
    """Attend as PyTorch does; in a batch without padding, within each row by itself.

    There query, key and value have the shape (1, heads, tokens of all rows, features of a head),
    ``cu_seq_lens_q`` has the shape (rows + 1,); returns (1, tokens of all rows, heads, features of a head).
    """
    attend = AttentionInterface()["sdpa"]
    if cu_seq_lens_q is None:
        return attend(module, query, key, value, attention_mask, **kwargs)
    lengths = row_lengths(cu_seq_lens_q)
    rows = zip(*(tensor.split(lengths, dim=2) for tensor in (query, key, value)), strict=True)
    window = kwargs.get("sliding_window")
    outputs = []
    for row in rows:
        mask, length = None, row[0].shape[2]
        if window is not None and length > window:
            positions = torch.arange(length, device=query.device)
            distance = positions[:, None] - positions
            mask = ((distance >= 0) & (distance < window))[None, None]
        outputs.append(attend(module, *row, mask, **kwargs)[0])
    return torch.cat(outputs, dim=1), None


def row_lengths(bounds: torch.Tensor) -> list[int]:
    """Return how long the rows between bounds of shape (rows + 1,) are.

    A GPU is waited for to read them: that is done in the first layer, and the tensor keeps them for the others.
    """
    lengths = getattr(bounds, "lengths", None)
    if lengths is None:
        lengths = bounds.diff().tolist()
        vars(bounds)["lengths"] = lengths
    return lengths


def mask_by_rows(*args, attention_mask: torch.Tensor | None = None, **kwargs):
    """Return PyTorch's mask for rows that are padded, and none for a batch without padding."""
    if attention_mask is None:
        return None
    return AttentionMaskInterface()["sdpa"](*args, attention_mask=attention_mask, **kwargs)


def use_bf16(model) -> None:
    """Multiply matrices in bfloat16; weights, sums and the optimizer's state stay as they are."""
    device = next(model.parameters()).device.type
    autocast = torch.autocast(device, torch.bfloat16)
    model.forward = autocast(model.forward)
    if hasattr(model, "generate"):
        model.generate = autocast(model.generate)


def use_onednn(model) -> None:
    """Multiply by weights in oneDNN, all in float32, instead of the library that PyTorch uses.

    That is MKL in most builds, which runs slower code on AMD's processors than on Intel's. On a GPU,
    and where PyTorch has no oneDNN, nothing changes.
    """
    if not torch.backends.mkldnn.is_available():
        return
    model.forward = multiplying(model.forward)
    if hasattr(model, "generate"):
        model.generate = multiplying(model.generate)


def multiplying(call):
    """Wrap a function, so that it multiplies by weights in oneDNN."""

    @wraps(call)
    def calling(*args, **kwargs):
        with OneDNN():
            return call(*args, **kwargs)

    return calling


class OneDNN(TorchFunctionMode):
    """Passes products with a matrix to oneDNN where they are large enough for it."""

    def __torch_function__(self, function, types, args=(), kwargs=None):
        """Call a function of torch, or oneDNN instead of it."""
        linear = None if kwargs else as_linear(function, args)
        if linear and is_for_onednn(*linear[:2]):
            x, weight, bias = linear
            product = Product.apply(x.reshape(-1, x.shape[-1]), weight, bias)
            return product.view(*x.shape[:-1], -1)
        return function(*args, **(kwargs or {}))


def as_linear(function, args):
    """Return the arguments of ``linear`` (x, weight, bias) for a product with a matrix, None for others.

    x has the shape (..., in), weight (out, in), bias (out,).
    """
    if function is torch.nn.functional.linear:
        x, weight, *bias = args
        return x, weight, bias[0] if bias else None
    if function is torch.addmm:  # as GPT-2's layers do
        bias, x, matrix = args
        return (x, matrix.t(), bias) if bias.dim() == 1 else None
    tensor = torch.Tensor
    if function in (torch.matmul, torch.mm, tensor.matmul, tensor.mm, tensor.__matmul__):
        x, matrix = args
        return (x, matrix.t(), None) if matrix.dim() == 2 else None
    return None


def is_for_onednn(x: torch.Tensor, weight: torch.Tensor) -> bool:
    """Tell whether oneDNN takes less time for a product, its overhead included."""
    if weight.dim() != 2 or not x.dtype is weight.dtype is torch.float32:
        return False
    rows = x.numel() // max(x.shape[-1], 1)
    large = rows >= 16 and rows * weight.numel() >= 2**20
    return large and x.device.type == weight.device.type == "cpu"


class Product(torch.autograd.Function):
    """``torch.nn.functional.linear`` of a matrix, with its gradients, in oneDNN."""

    @staticmethod
    def forward(ctx, x, weight, bias):
        """Return ``x @ weight.T + bias``: (rows, in) by (out, in) to (rows, out)."""
        x_needed, weight_needed, _ = ctx.needs_input_grad
        ctx.save_for_backward(x if weight_needed else None, weight if x_needed else None)
        return product(x, weight, bias)

    @staticmethod
    def backward(ctx, grad):
        """Return the gradients that are needed, from one of shape (rows, out)."""
        x, weight = ctx.saved_tensors
        return (
            None if weight is None else product(grad, weight.t()),
            None if x is None else product(grad.t(), x.t()),
            grad.sum(0) if ctx.needs_input_grad[2] else None,
        )


def product(x: torch.Tensor, weight: torch.Tensor, bias=None) -> torch.Tensor:
    """Multiply matrices in oneDNN, by the operator that compiled models call."""
    arguments = dense(x), dense(weight), bias
    return torch.ops.mkldnn._linear_pointwise.default(*arguments, "none", [], "")


def dense(tensor: torch.Tensor) -> torch.Tensor:
    """Return a contiguous tensor, transposed or not: others take oneDNN a hundred times as long."""
    contiguous = tensor.is_contiguous() or tensor.t().is_contiguous()
    return tensor if contiguous else tensor.contiguous()


def use_gradient_checkpointing(model) -> None:
    """Store the inputs of each layer only, and compute the rest again in the backward pass."""
    base = unwrapped(model)
    # transformers has renamed it from one to the other.
    new_name = hasattr(base, "activation_checkpointing_enable")
    enable = (
        base.activation_checkpointing_enable if new_name else base.gradient_checkpointing_enable
    )
    enable({"use_reentrant": False, "context_fn": same_modes})
    # Only the reentrant kind needs gradients at the embeddings, which cost a whole backward pass.
    base.disable_input_require_grads()


def same_modes():
    """Return the contexts of a layer's first and second computation, with the same modes of torch."""
    modes: list = getattr(torch.overrides, "_get_current_function_mode_stack", list)()
    return nullcontext(), entered(modes)


@contextmanager
def entered(modes):
    """Compute within modes of torch."""
    with ExitStack() as stack:
        for mode in modes:
            stack.enter_context(mode)
        yield


def use_torch_compile(model) -> None:
    """Compile each layer; equal layers share the compiled code, whatever the rows' lengths."""
    base = unwrapped(model)
    for blocks in [part for part in base.modules() if isinstance(part, torch.nn.ModuleList)]:
        for block in blocks:
            block.compile(dynamic=True)

"""Settings of a recipe that change how its model computes. Exported scripts carry their source.

Each takes the adapted model, before its optimizer is made.
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
    """Count positions from each row's first token, so that padding on the left moves none.

    Virtual tokens, where PEFT puts some before a row, count too.
    """
    base = unwrapped(model)
    base.forward = MethodType(counting_positions(base.forward.__func__), base)


def counting_positions(forward):
    """Take positions from the attention mask, unless they are given."""

    @wraps(forward)
    def counting(base, input_ids=None, *args, **inputs):
        """Add ``position_ids`` of shape (batch, length) to the inputs."""
        mask = inputs.get("attention_mask")
        if not args and inputs.get("position_ids") is None and mask is not None and mask.dim() == 2:
            read = inputs["inputs_embeds"] if input_ids is None else input_ids
            # What a cache holds is masked too, but read no more.
            places = mask.long().cumsum(-1)[:, -read.shape[1] :] - 1
            inputs["position_ids"] = places.clamp(min=0)
        return forward(base, input_ids, *args, **inputs)

    return counting


def use_labelled_logits(model) -> None:
    """Compute logits only where a label says what comes next; the loss is their mean, as it was.

    Everything hangs on the base itself, so that a copy of the model is one by itself.
    """
    base = unwrapped(model)
    base.labelled = None
    base.forward = MethodType(noting_labels(base.forward.__func__), base)
    backbone = getattr(base, base.base_model_prefix)
    backbone.register_forward_hook(MethodType(keep_labelled, base))
    base.loss_function = MethodType(labelled_loss, base)


def noting_labels(forward):
    """Note before a forward pass at which places the next token is a target, and which it is."""

    @wraps(forward)
    def noting(base, *args, **inputs):
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


def labelled_loss(base, logits: torch.Tensor, labels: torch.Tensor, *_, **__) -> torch.Tensor:
    """Return the cross-entropy per target, whatever else a model gives its loss."""
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
    base = unwrapped(model)
    base.set_attn_implementation("by_rows")


def attend_by_rows(
    module, query, key, value, attention_mask, cu_seq_lens_q: torch.Tensor | None = None, **more
) -> tuple:
    """Attend as PyTorch does; where rows stand behind one another, to each row by itself."""
    attend = AttentionInterface()["sdpa"]
    if cu_seq_lens_q is None:
        return attend(module, query, key, value, attention_mask, **more)
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
        outputs.append(attend(module, *row, mask, **more)[0])
    return torch.cat(outputs, dim=1), None


def mask_by_rows(*args, attention_mask: torch.Tensor | None = None, **more):
    """Make a mask only for rows that are padded."""
    if attention_mask is None:
        return None
    return AttentionMaskInterface()["sdpa"](*args, attention_mask=attention_mask, **more)


def use_bf16(model) -> None:
    """Multiply matrices in bfloat16; weights, sums and the optimizer's state stay as they are."""
    device = next(model.parameters()).device.type
    autocast = torch.autocast(device, torch.bfloat16)
    model.forward = autocast(model.forward)
    if hasattr(model, "generate"):
        model.generate = autocast(model.generate)


def use_onednn(model) -> None:
    """Multiply by weights in oneDNN, all in float32, instead of the library that PyTorch takes.

    That is MKL in most builds, which gives AMD's processors other code than Intel's. On a GPU, and
    where PyTorch has no oneDNN, nothing changes.
    """
    if not torch.backends.mkldnn.is_available():
        return
    model.forward = multiplying(model.forward)
    if hasattr(model, "generate"):
        model.generate = multiplying(model.generate)


def multiplying(call):
    """Multiply by weights in oneDNN while something is called."""

    @wraps(call)
    def calling(*args, **kwargs):
        with OneDNN():
            return call(*args, **kwargs)

    return calling


class OneDNN(TorchFunctionMode):
    """Gives oneDNN the products with a matrix that are large enough for it."""

    def __torch_function__(self, function, types, args=(), kwargs=None):
        """Call a function of torch, or oneDNN in its place."""
        linear = None if kwargs else as_linear(function, args)
        if linear and is_for_onednn(*linear[:2]):
            x, weight, bias = linear
            product = Product.apply(x.reshape(-1, x.shape[-1]), weight, bias)
            return product.view(*x.shape[:-1], -1)
        return function(*args, **(kwargs or {}))


def as_linear(function, args):
    """Return a product as what ``linear`` takes; None for whatever is no product with a matrix."""
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
    """Tell whether oneDNN takes less time for a product, what it takes to ask it included."""
    if weight.dim() != 2 or not x.dtype is weight.dtype is torch.float32:
        return False
    rows = x.numel() // max(x.shape[-1], 1)
    large = rows >= 16 and rows * weight.numel() >= 2**20
    return large and x.device.type == weight.device.type == "cpu"


class Product(torch.autograd.Function):
    """``torch.nn.functional.linear`` of a matrix, with its gradients, in oneDNN."""

    @staticmethod
    def forward(ctx, x, weight, bias):
        """Return ``x @ weight.T + bias``, computed by oneDNN."""
        of_x, of_weight, _ = ctx.needs_input_grad
        ctx.save_for_backward(x if of_weight else None, weight if of_x else None)
        return product(x, weight, bias)

    @staticmethod
    def backward(ctx, grad):
        """Return the gradients that are asked for."""
        x, weight = ctx.saved_tensors
        return (
            None if weight is None else product(grad, weight.t()),
            None if x is None else product(grad.t(), x.t()),
            grad.sum(0) if ctx.needs_input_grad[2] else None,
        )


def product(x: torch.Tensor, weight: torch.Tensor, bias=None) -> torch.Tensor:
    """Multiply matrices in oneDNN, by the operator that compiled models call."""
    given = dense(x), dense(weight), bias
    return torch.ops.mkldnn._linear_pointwise.default(*given, "none", [], "")


def dense(tensor: torch.Tensor) -> torch.Tensor:
    """Return a tensor without gaps, plain or transposed: others take oneDNN a hundred times as long."""
    plain = tensor.is_contiguous() or tensor.t().is_contiguous()
    return tensor if plain else tensor.contiguous()


def use_gradient_checkpointing(model) -> None:
    """Keep what goes into each layer only, and compute the rest again in the backward pass."""
    base = unwrapped(model)
    # transformers has renamed it from one to the other.
    new_name = hasattr(base, "activation_checkpointing_enable")
    enable = (
        base.activation_checkpointing_enable if new_name else base.gradient_checkpointing_enable
    )
    enable({"use_reentrant": False, "context_fn": alike})
    # Only the reentrant kind needs gradients at the embeddings, which cost a whole backward pass.
    base.disable_input_require_grads()


def alike():
    """Return what to compute a layer within, and what to compute it again within: the same modes."""
    modes = getattr(torch.overrides, "_get_current_function_mode_stack", list)()
    return nullcontext(), within(modes)


@contextmanager
def within(modes):
    """Compute within modes of torch."""
    with ExitStack() as stack:
        for mode in modes:
            stack.enter_context(mode)
        yield


def use_torch_compile(model) -> None:
    """Compile each layer; those that are alike share what was compiled, whatever the rows' lengths."""
    base = unwrapped(model)
    for blocks in [part for part in base.modules() if isinstance(part, torch.nn.ModuleList)]:
        for block in blocks:
            block.compile(dynamic=True)

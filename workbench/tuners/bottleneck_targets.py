"""Which modules get bottleneck adapters by default: found in the model, not in a list of architectures."""

from __future__ import annotations

import re
from os.path import commonprefix
from typing import Any, NamedTuple

from peft.tuners.tuners_utils import BaseTunerLayer
from torch import nn

from workbench.tuners.bottleneck import (
    BottleneckConfig,
    BottleneckModel,
    hidden_width,
    linear_widths,
    register,
)
from workbench.tuners.name_endings import shortest_endings


class AutoTargetBottleneckModel(BottleneckModel):
    """Bottleneck adapters that find their targets where the config does not name them."""

    def _prepare_adapter_config(self, peft_config: Any, model_config: dict) -> BottleneckConfig:
        if peft_config.target_modules is None:
            for name, value in default_targets(self.model, peft_config.variant).items():
                setattr(peft_config, name, value)
        return peft_config


class BlockTargets(NamedTuple):
    """The modules of one block that can get adapters, by name.

    Parameters
    ----------
    attention : tuple of str
        The last module of each attention.
    start, end : str or None
        The module that reads the feed-forward's input, and the last of the feed-forward.
    """

    attention: tuple[str, ...]
    start: str | None
    end: str | None


def default_targets(model: nn.Module, variant: str) -> dict[str, list[str]]:
    """Return the arguments of :class:`BottleneckConfig` that name a variant's targets.

    Parameters
    ----------
    model : torch.nn.Module
        Only names and shapes are read, so it may be on the meta device.
    variant : str
        ``"houlsby"``, ``"pfeiffer"`` or ``"parallel"``.

    Returns
    -------
    dict
        ``target_modules`` and, for parallel adapters, ``input_modules``: the shortest endings that
        name these modules and no others.

    Raises
    ------
    ValueError
        The model has no repeated blocks with a feed-forward.
    """
    blocks = find_block_targets(model)
    ends = [block.end for block in blocks if block.end]
    if not ends:
        raise ValueError(
            f"target_modules must be given for {type(model).__name__}, in which no repeated blocks "
            "with a feed-forward were found: name the modules that get an adapter."
        )
    if variant == "houlsby":
        ends += [name for block in blocks for name in block.attention]
    starts = [block.start for block in blocks if block.start]
    arguments = {"target_modules": shortest_endings(model, ends)}
    if variant == "parallel" and starts:
        arguments["input_modules"] = shortest_endings(model, starts)
    return arguments


def find_block_targets(model: nn.Module) -> list[BlockTargets]:
    """Find attention and feed-forward in each of a model's repeated blocks."""
    modules = _modules(model)
    return [_block_targets(block, modules) for block in _blocks(modules)]


def _block_targets(block: str, modules: dict[str, nn.Module]) -> BlockTargets:
    """Find the targets in one block: attention by its name, the feed-forward by its shapes."""
    inside = _inside(block, modules)
    attentions = [name for name, module in inside.items() if _is_attention(name, module)]
    if not attentions and _is_attention(block, modules[block]):
        attentions = [block]
    roots = tuple(f"{name}." for name in attentions)
    attentions = [name for name in attentions if not name.startswith(roots)]
    rest = {name: module for name, module in inside.items() if not f"{name}.".startswith(roots)}
    width = hidden_width((rest or inside).values())
    ends = tuple(_attention_end(name, modules, width) for name in attentions)
    return BlockTargets(ends, *_feed_forward(block, rest, width))


def _attention_end(attention: str, modules: dict[str, nn.Module], width: int | None) -> str:
    """Return the last linear layer of an attention that writes the hidden width, or the whole."""
    inside = {attention: modules[attention], **_inside(attention, modules)}
    for name, module in inside.items():
        # PyTorch's own computes with the weights of its parts without calling them.
        if isinstance(module, nn.MultiheadAttention):
            return name
    writers = [name for name, (_, writes) in _linears(inside).items() if writes == width]
    return writers[-1] if writers else attention


def _feed_forward(
    block: str, rest: dict[str, nn.Module], width: int | None
) -> tuple[str | None, str | None]:
    """Return where the feed-forward of a block starts and ends.

    Of the linear layers that write the hidden width, its end is the one that reads the most features;
    its start is the nearest of those that read the hidden width. A mixture of experts is taken whole,
    and so is the largest part of a block without such layers.
    """
    parts = [
        name
        for name, module in rest.items()
        # A list is not called, so it cannot be wrapped.
        if name.count(".") == block.count(".") + 1 and not isinstance(module, nn.ModuleList)
    ]
    experts = [name for name in parts if _has_experts(rest[name])]
    if experts:
        return None, experts[-1]
    linears = _linears(rest)
    writers = [name for name, (_, writes) in linears.items() if writes == width]
    if not writers:
        sizes = {
            name: sum(p.numel() for p in rest[name].parameters() if p.dim() > 1) for name in parts
        }
        largest = max(sizes, key=lambda name: sizes[name], default=None)
        return None, largest if largest and sizes[largest] else None
    end = max(reversed(writers), key=lambda name: linears[name][0])
    readers = [name for name, (reads, _) in linears.items() if reads == width]
    others = [name for name in readers if name != end]
    path = end.split(".")
    start = max(
        others or readers, key=lambda name: len(commonprefix([name.split("."), path])), default=None
    )
    return start, end


def _has_experts(part: nn.Module) -> bool:
    """Tell whether a part of a block holds experts: a list of networks, or their stacked weights."""
    return any(
        isinstance(module, (nn.ModuleList, nn.ModuleDict)) and _holds_like_networks(module)
        for module in part.modules()
    ) or any(
        parameter.dim() == 3
        for module in part.modules()
        if not hasattr(module, "kernel_size")  # a convolution's are of three dimensions too
        for parameter in module.parameters(recurse=False)
    )


def _blocks(modules: dict[str, nn.Module]) -> list[str]:
    """Return the names of the repeated blocks: the elements of lists of like networks.

    Of lists in lists it is the inner ones, except for parts of blocks that hold attention themselves.
    """
    attentions = [name for name, module in modules.items() if _is_attention(name, module)]
    lists = {}
    for name, module in modules.items():
        if isinstance(module, (nn.ModuleList, nn.Sequential)) and len(module) > 0:
            attentive = any(_is_under(name, other) for other in attentions)
            if attentive or _holds_like_networks(module):
                lists[name] = attentive
    inner = [
        name
        for name in lists
        if not any(
            _is_under(name, other) and (attentive or not lists[name])
            for other, attentive in lists.items()
        )
    ]
    outer = [name for name in inner if not any(_is_under(other, name) for other in inner)]
    return [
        other for name in outer for other in modules if other.rpartition(".")[0] == name and other
    ]


def _holds_like_networks(module: nn.Module) -> bool:
    """Tell whether a list holds networks of one class, not single layers or the steps of a network."""
    children = list(module.children())
    return len({type(child) for child in children}) == 1 and any(
        linear_widths(inner) for inner in list(children[0].modules())[1:]
    )


def _is_attention(name: str, module: nn.Module) -> bool:
    words = f"{name.rpartition('.')[2]} {type(module).__name__}"
    return bool(re.search("attn|attention", words, re.IGNORECASE)) and any(
        parameter.dim() > 1 for parameter in module.parameters()
    )


def _linears(modules: dict[str, nn.Module]) -> dict[str, tuple[int, int]]:
    widths = {name: linear_widths(module) for name, module in modules.items()}
    return {name: pair for name, pair in widths.items() if pair}


def _modules(model: nn.Module) -> dict[str, nn.Module]:
    """Return a model's modules by name; under a wrapper's name the module that it wraps."""
    modules: dict[str, nn.Module] = {}
    wrapper = None
    for name, module in model.named_modules():
        if wrapper is not None and name.startswith(wrapper):
            continue
        if isinstance(module, BaseTunerLayer):
            wrapper = f"{name}."
            module = module.get_base_layer()
        modules[name] = module
    return modules


def _inside(outer: str, modules: dict[str, nn.Module]) -> dict[str, nn.Module]:
    return {name: module for name, module in modules.items() if _is_under(outer, name)}


def _is_under(outer: str, name: str) -> bool:
    return name.startswith(f"{outer}." if outer else "") and name != outer


register(AutoTargetBottleneckModel)

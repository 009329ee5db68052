"""Bottleneck adapters as a PEFT tuner: small networks of two layers beside frozen modules.

Once registered, they work as any other technique: ``get_peft_model``, several adapters,
``save_pretrained`` and ``PeftModel.from_pretrained``. Exported scripts carry this module's source, so
it needs nothing but torch, transformers and peft.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from os.path import commonprefix
from typing import Any, Literal

import torch
from peft import PeftConfig, PeftType
from peft.tuners.tuners_utils import BaseTuner, BaseTunerLayer
from peft.utils import register_peft_method
from torch import nn
from torch.utils.hooks import RemovableHandle
from transformers.pytorch_utils import Conv1D

ACTIVATIONS: dict[str, Callable[[torch.Tensor], torch.Tensor]] = {
    "relu": nn.functional.relu,
    "gelu": nn.functional.gelu,
    "silu": nn.functional.silu,
    "tanh": torch.tanh,
}


@dataclass
class BottleneckConfig(PeftConfig):
    """Configuration of bottleneck adapters.

    An adapter is ``scaling * up(non_linearity(down(h)))``, added to the output of the module that it
    wraps: ``down`` maps hidden states ``h`` of shape (batch, length, width) to a width of
    ``bottleneck_dim``, and ``up`` maps them back.

    Houlsby et al., 2019 (arXiv 1902.00751) put one after the attention and one after the feed-forward
    of each block, Pfeiffer et al., 2020 (arXiv 2005.00247) one after the feed-forward only; there, ``h``
    is the module's output. He et al., 2021 (arXiv 2110.04366) put one beside the feed-forward: ``h`` is
    the feed-forward's input.
    """

    variant: Literal["houlsby", "pfeiffer", "parallel"] = field(
        default="pfeiffer",
        metadata={
            "help": "Where the adapters are: after attention and feed-forward ('houlsby'), "
            "after the feed-forward ('pfeiffer'), or parallel to the feed-forward, "
            "with the same input ('parallel')."
        },
    )
    bottleneck_dim: int = field(
        default=16, metadata={"help": "The width between an adapter's two layers."}
    )
    non_linearity: Literal["relu", "gelu", "silu", "tanh"] = field(
        default="relu", metadata={"help": "The activation between an adapter's two layers."}
    )
    scaling: float = field(
        default=1.0, metadata={"help": "The factor by which an adapter's output is multiplied."}
    )
    adapter_dropout: float = field(
        default=0.0, metadata={"help": "The dropout probability of an adapter's input."}
    )
    target_modules: list[str] | str | None = field(
        default=None,
        metadata={
            "help": "Names, or a regex of the names, of the modules whose output the adapters "
            "are added to. By default they are found in the model's repeated blocks, "
            "as the variant says."
        },
    )
    input_modules: list[str] | None = field(
        default=None,
        metadata={
            "help": "With 'parallel': names of the modules that get the input of the "
            "feed-forward, where the targets are its last layers. Without them each "
            "adapter gets the input of its own target. By default they are found "
            "together with the targets."
        },
    )
    exclude_modules: list[str] | str | None = field(
        default=None,
        metadata={"help": "Names, or a regex of the names, of modules that get no adapter."},
    )
    layers_to_transform: list[int] | int | None = field(
        default=None,
        metadata={"help": "The indices of the blocks that get adapters. By default all of them."},
    )
    layers_pattern: list[str] | str | None = field(
        default=None,
        metadata={"help": "With layers_to_transform: the name of the list of blocks."},
    )
    modules_to_save: list[str] | None = field(
        default=None,
        metadata={
            "help": "Modules that are trained fully and saved with the adapters, such as a new "
            "classifier."
        },
    )
    init_weights: bool = field(
        default=True,
        metadata={
            "help": "Whether the upper layer starts at zero, so that the model starts as its base."
        },
    )

    def __post_init__(self):
        super().__post_init__()
        self.peft_type = PeftType("BOTTLENECK")
        if self.variant not in ("houlsby", "pfeiffer", "parallel"):
            raise ValueError(
                f"variant must be 'houlsby', 'pfeiffer' or 'parallel', but is {self.variant!r}."
            )
        if self.non_linearity not in ACTIVATIONS:
            raise ValueError(
                f"non_linearity must be one of {', '.join(map(repr, ACTIVATIONS))}, but is "
                f"{self.non_linearity!r}."
            )
        if self.bottleneck_dim < 1:
            raise ValueError(f"bottleneck_dim must be at least 1, but is {self.bottleneck_dim}.")
        if not 0 <= self.adapter_dropout < 1:
            raise ValueError(
                f"adapter_dropout must be at least 0 and below 1, but is {self.adapter_dropout}."
            )
        if self.input_modules is not None and self.variant != "parallel":
            raise ValueError(
                f"input_modules must be None with the variant {self.variant!r}, whose adapters read "
                f"the output of their targets, but is {self.input_modules!r}."
            )
        if isinstance(self.target_modules, str) and self.layers_to_transform is not None:
            raise ValueError(
                "layers_to_transform must be None when target_modules is a regex: put the blocks "
                f"into the regex. It is {self.layers_to_transform!r}."
            )


class BottleneckLayer(nn.Module, BaseTunerLayer):
    """A module with adapters: its output is the module's own plus theirs.

    Parameters
    ----------
    base_layer : torch.nn.Module
        Any module whose output is a hidden state, or a tuple that begins with one.
    """

    adapter_layer_names = ("bottleneck_down", "bottleneck_up")
    other_param_names = ("bottleneck_dropout", "bottleneck_config")

    def __init__(self, base_layer: nn.Module):
        super().__init__()
        self.base_layer = base_layer
        self.bottleneck_down = nn.ModuleDict()
        self.bottleneck_up = nn.ModuleDict()
        self.bottleneck_dropout = nn.ModuleDict()
        self.bottleneck_config: dict[str, BottleneckConfig] = {}
        # For parallel adapters at a feed-forward's end: the hook at its start, and its input.
        self._hook: RemovableHandle | None = None
        self._block_input: torch.Tensor | None = None

    def __getattr__(self, name: str) -> Any:
        """Return an attribute of the wrapped module, but none of accelerate's hooks on it."""
        try:
            return super().__getattr__(name)
        except AttributeError:
            if name in ("base_layer", "_hf_hook", "_old_forward") or name.startswith("__"):
                raise
            return getattr(self.base_layer, name)

    def update_layer(
        self, name: str, config: BottleneckConfig, width_in: int, width_out: int
    ) -> None:
        """Add an adapter to the wrapped module.

        Parameters
        ----------
        name : str
        config : BottleneckConfig
        width_in, width_out : int
            Widths of the hidden states that the adapter reads, and of those that it is added to.
        """
        narrowest = min(width_in, width_out)
        if config.bottleneck_dim > narrowest:
            raise ValueError(
                f"bottleneck_dim must be at most {narrowest}, the width of a layer that gets an "
                f"adapter, but is {config.bottleneck_dim}."
            )
        self.bottleneck_config[name] = config
        self.bottleneck_dropout[name] = nn.Dropout(config.adapter_dropout)
        self.bottleneck_down[name] = down = nn.Linear(width_in, config.bottleneck_dim)
        self.bottleneck_up[name] = up = nn.Linear(config.bottleneck_dim, width_out)
        if config.init_weights:
            nn.init.zeros_(down.bias)
            nn.init.zeros_(up.weight)
            nn.init.zeros_(up.bias)
        # A module without parameters does not tell its device.
        parameter = next(self.base_layer.parameters(), down.weight)
        self._move_adapter_to_device_of_base_layer(name, parameter.device)
        self.set_adapter(self.active_adapters, inference_mode=config.inference_mode)

    def read_input_of(self, module: nn.Module) -> None:
        """Let parallel adapters read the input of another module, which is called before this one."""
        owners = [getattr(hook, "__self__", None) for hook in module._forward_pre_hooks.values()]
        if self in owners:
            return
        if self._hook is not None or any(isinstance(owner, BottleneckLayer) for owner in owners):
            raise ValueError(
                "input_modules must name exactly one module for each of the target_modules."
            )
        self._hook = module.register_forward_pre_hook(self._store_block_input)

    def _store_block_input(self, module: nn.Module, args: tuple) -> None:
        self._block_input = args[0]

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """Return what the module returns, with the adapters' outputs added to its hidden states."""
        result = self.base_layer(*args, **kwargs)
        block_input, self._block_input = self._block_input, None
        names = [name for name in self.active_adapters if name in self.bottleneck_down]
        if self.disable_adapters or not names:
            return result
        if block_input is None:
            block_input = args[0] if args else next(iter(kwargs.values()))
        output = result[0] if isinstance(result, tuple) else result
        dtype = output.dtype
        for name in names:
            parallel = self.bottleneck_config[name].variant == "parallel"
            output = output + self._adapt(name, block_input if parallel else output)
        output = output.to(dtype)
        return (output, *result[1:]) if isinstance(result, tuple) else output

    def _adapt(self, name: str, hidden: torch.Tensor) -> torch.Tensor:
        config, down = self.bottleneck_config[name], self.bottleneck_down[name]
        dtype = down.get_parameter("weight").dtype
        hidden = self.bottleneck_dropout[name](self._cast_input_dtype(hidden, dtype))
        hidden = ACTIVATIONS[config.non_linearity](down(hidden))
        return self.bottleneck_up[name](hidden) * config.scaling

    def unload_and_optionally_merge_module(self, merge: bool, **_: Any) -> nn.Module:
        """Return the module without its adapters, which cannot be merged."""
        if self._hook is not None:
            self._hook.remove()
        return self.get_base_layer()


class BottleneckModel(BaseTuner):
    """Puts bottleneck adapters into a model; see :class:`BottleneckConfig`."""

    prefix = "bottleneck_"
    tuner_layer_cls = BottleneckLayer
    target_module_mapping: dict[str, list[str]] = {}  # noqa: RUF012 (declared so by PEFT)

    def _create_and_replace(
        self,
        peft_config: Any,
        adapter_name: str,
        target: nn.Module,
        target_name: str,
        parent: nn.Module,
        current_key: str,
        parameter_name: str | None = None,
    ) -> None:
        if isinstance(target, BottleneckLayer):
            layer = target
        else:
            layer = BottleneckLayer(target)
            setattr(parent, target_name, layer)
            # In evaluation this layer computes with the weights of its parts without calling them,
            # which would leave the adapters out; but not where one of them has a hook.
            if isinstance(parent, nn.TransformerEncoderLayer):
                layer.register_forward_pre_hook(_do_nothing)
        base = layer.get_base_layer()
        width_out = self._widths(base)[1]
        width_in = width_out
        if peft_config.variant == "parallel":
            reader = base
            if peft_config.input_modules is not None and linear_widths(base):
                reader = self._nearest_module(current_key, peft_config.input_modules)
                layer.read_input_of(reader)
            width_in = self._widths(reader)[0]
        layer.update_layer(adapter_name, peft_config, width_in, width_out)

    def _nearest_module(self, key: str, endings: list[str]) -> nn.Module:
        """Return the module with such a name that has the most of its path in common with a key."""
        suffixes = tuple(f".{ending}" for ending in endings)
        names = [name for name, _ in self.model.named_modules() if f".{name}".endswith(suffixes)]
        if not names:
            raise ValueError(
                f"input_modules must name modules of {type(self.model).__name__}, but "
                f"{', '.join(endings)} is not among them."
            )
        path = key.split(".")
        return self.model.get_submodule(
            max(names, key=lambda name: len(commonprefix([name.split("."), path])))
        )

    def _widths(self, module: nn.Module) -> tuple[int, int]:
        """Return the widths of the hidden states that a module reads and writes."""
        if isinstance(module, BottleneckLayer):
            module = module.get_base_layer()
        widths = linear_widths(module)
        if widths is not None:
            return widths
        config = getattr(self.model, "config", None)
        width = hidden_width(module.modules()) or getattr(config, "hidden_size", None)
        if width is None:
            raise ValueError(
                "target_modules must be linear layers, or modules with norms or linear layers "
                f"whose width is known, but one is {type(module).__name__}."
            )
        return width, width

    def _replace_module(self, parent, child_name, new_module, child) -> None:
        # PEFT's own expects a weight, which attention or a feed-forward does not have.
        setattr(parent, child_name, new_module)

    def _check_merge_allowed(self):
        raise ValueError(
            "Bottleneck adapters cannot be merged into the base, because they are not linear: "
            "keep them as an adapter, or remove them with unload()."
        )


def linear_widths(module: nn.Module) -> tuple[int, int] | None:
    """Return ``(in_features, out_features)`` of a linear layer of any class; None of another module."""
    if isinstance(module, Conv1D):
        return module.nx, module.nf
    inputs = getattr(module, "in_features", None)
    outputs = getattr(module, "out_features", None)
    return None if inputs is None or outputs is None else (inputs, outputs)


def hidden_width(modules: Iterable[nn.Module]) -> int | None:
    """Return the width of the hidden states that pass through some modules.

    It is that of most of the norms or, without any, the one that most linear layers read or write.
    """
    norms: Counter[int] = Counter()
    linears: Counter[int] = Counter()
    for module in modules:
        weight = getattr(module, "weight", None)
        if widths := linear_widths(module):
            linears.update(widths)
        elif isinstance(weight, torch.Tensor) and weight.dim() == 1:
            norms[len(weight)] += 1
    most_common = (norms or linears).most_common(1)
    return most_common[0][0] if most_common else None


def _do_nothing(module: nn.Module, args: tuple) -> None:
    """Be a hook, which is enough for a module to be called."""


def register(model_class: type[BottleneckModel] = BottleneckModel) -> None:
    """Make bottleneck adapters known to peft, whose list of types is closed."""
    name = "BOTTLENECK"
    if name in PeftType.__members__:
        return
    member = str.__new__(PeftType, name)
    member._name_ = member._value_ = name
    type.__setattr__(PeftType, name, member)
    PeftType._member_names_.append(name)
    PeftType._member_map_[name] = PeftType._value2member_map_[name] = member
    register_peft_method(name=name.lower(), config_cls=BottleneckConfig, model_cls=model_class)

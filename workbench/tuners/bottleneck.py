"""Bottleneck adapters as a PEFT tuner: small networks of two layers beside frozen modules.

Once registered, they work as any other technique: ``get_peft_model``, several adapters,
``save_pretrained`` and ``PeftModel.from_pretrained``. Exported scripts carry this module's source, so
it needs nothing but torch, transformers and peft.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from os.path import commonprefix
from typing import Any, ClassVar, Literal

import torch
from peft import PeftConfig, PeftType
from peft.tuners.tuners_utils import BaseTuner, BaseTunerLayer
from peft.utils import register_peft_method
from torch import nn
from transformers.pytorch_utils import Conv1D

ACTIVATIONS = {
    "relu": nn.functional.relu,
    "gelu": nn.functional.gelu,
    "silu": nn.functional.silu,
    "tanh": torch.tanh,
}


@dataclass
class BottleneckConfig(PeftConfig):
    """Configuration of bottleneck adapters.

    An adapter is ``scaling * up(non_linearity(down(h)))``, added to the output of the module that it
    wraps. Houlsby et al., 2019 (arXiv 1902.00751) put one after the attention and one after the
    feed-forward of each block, Pfeiffer et al., 2020 (arXiv 2005.00247) one after the feed-forward
    only; there, ``h`` is the module's output. He et al., 2021 (arXiv 2110.04366) put one beside the
    feed-forward: ``h`` is the feed-forward's input.
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
        # For parallel adapters at a feed-forward's end: the hook at its start, and what came in there.
        self._hook = None
        self._read = None

    def __getattr__(self, name: str) -> Any:
        """Have the attributes of the wrapped module, but not what accelerate hangs on it."""
        try:
            return super().__getattr__(name)
        except AttributeError:
            if name in ("base_layer", "_hf_hook", "_old_forward") or name.startswith("__"):
                raise
            return getattr(self.base_layer, name)

    def update_layer(
        self, name: str, config: BottleneckConfig, width_in: int, width_out: int
    ) -> None:
        """Add an adapter that reads hidden states of one width and writes those of another."""
        narrow = min(width_in, width_out)
        if config.bottleneck_dim > narrow:
            raise ValueError(
                f"bottleneck_dim must be at most {narrow}, the width of a layer that gets an "
                f"adapter, but is {config.bottleneck_dim}."
            )
        self.bottleneck_config[name] = config
        self.bottleneck_dropout[name] = nn.Dropout(config.adapter_dropout)
        self.bottleneck_down[name] = nn.Linear(width_in, config.bottleneck_dim)
        self.bottleneck_up[name] = nn.Linear(config.bottleneck_dim, width_out)
        if config.init_weights:
            nn.init.zeros_(self.bottleneck_down[name].bias)
            nn.init.zeros_(self.bottleneck_up[name].weight)
            nn.init.zeros_(self.bottleneck_up[name].bias)
        # A module that is no layer has no weight to tell its device by.
        parameter = next(self.base_layer.parameters(), self.bottleneck_down[name].weight)
        self._move_adapter_to_device_of_base_layer(name, parameter.device)
        self.set_adapter(self.active_adapters, inference_mode=config.inference_mode)

    def read_input_of(self, module: nn.Module) -> None:
        """Let parallel adapters read what comes into another module, called before this one."""
        readers = [getattr(hook, "__self__", None) for hook in module._forward_pre_hooks.values()]
        if self in readers:
            return
        if self._hook is not None or any(isinstance(reader, BottleneckLayer) for reader in readers):
            raise ValueError(
                "input_modules must name exactly one module for each of the target_modules."
            )
        self._hook = module.register_forward_pre_hook(self._remember)

    def _remember(self, module: nn.Module, args: tuple) -> None:
        self._read = args[0]

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """Call the wrapped module and add the adapters' output to its (first) output."""
        result = self.base_layer(*args, **kwargs)
        read, self._read = self._read, None
        names = [name for name in self.active_adapters if name in self.bottleneck_down]
        if self.disable_adapters or not names:
            return result
        if read is None:
            read = args[0] if args else next(iter(kwargs.values()))
        output = result[0] if isinstance(result, tuple) else result
        dtype = output.dtype
        for name in names:
            beside = self.bottleneck_config[name].variant == "parallel"
            output = output + self._adapt(name, read if beside else output)
        output = output.to(dtype)
        return (output, *result[1:]) if isinstance(result, tuple) else output

    def _adapt(self, name: str, hidden: torch.Tensor) -> torch.Tensor:
        config, down = self.bottleneck_config[name], self.bottleneck_down[name]
        hidden = self.bottleneck_dropout[name](self._cast_input_dtype(hidden, down.weight.dtype))
        hidden = ACTIVATIONS[config.non_linearity](down(hidden))
        return self.bottleneck_up[name](hidden) * config.scaling

    def unload_and_optionally_merge_module(self, merge: bool, **_: Any) -> nn.Module:
        """Let go of the module."""
        if self._hook is not None:
            self._hook.remove()
        return self.get_base_layer()


class BottleneckModel(BaseTuner):
    """Puts bottleneck adapters into a model; see :class:`BottleneckConfig`."""

    prefix = "bottleneck_"
    tuner_layer_cls = BottleneckLayer
    target_module_mapping: ClassVar[dict[str, list[str]]] = {}

    def _create_and_replace(self, config, adapter_name, target, target_name, parent, current_key):
        layer = target
        if not isinstance(target, BottleneckLayer):
            layer = BottleneckLayer(target)
            setattr(parent, target_name, layer)
            # Outside training this block computes with the weights of its parts without calling them,
            # which would leave the adapters out; but not when one of them has a hook.
            if isinstance(parent, nn.TransformerEncoderLayer):
                layer.register_forward_pre_hook(_do_nothing)
        base = layer.get_base_layer()
        width_out = self._widths(base)[1]
        width_in = width_out
        if config.variant == "parallel":
            reads = base
            if config.input_modules is not None and linear_widths(base):
                reads = self._module_next_to(current_key, config.input_modules)
                layer.read_input_of(reads)
            width_in = self._widths(reads)[0]
        layer.update_layer(adapter_name, config, width_in, width_out)

    def _module_next_to(self, key: str, endings: list[str]) -> nn.Module:
        """Return the module with a name of these that shares the most of its path with another."""
        endings = tuple(f".{ending}" for ending in endings)
        names = [name for name, _ in self.model.named_modules() if f".{name}".endswith(endings)]
        if not names:
            raise ValueError(
                f"input_modules must name modules of {type(self.model).__name__}, but "
                f"{', '.join(ending[1:] for ending in endings)} is not among them."
            )
        path = key.split(".")
        return self.model.get_submodule(
            max(names, key=lambda name: len(commonprefix([name.split("."), path])))
        )

    def _widths(self, module: nn.Module) -> tuple[int, int]:
        if isinstance(module, BottleneckLayer):
            module = module.get_base_layer()
        if linear_widths(module):
            return linear_widths(module)
        config = getattr(self.model, "config", None)
        width = hidden_width(module.modules()) or getattr(config, "hidden_size", None)
        if width is None:
            raise ValueError(
                "target_modules must be linear layers, or modules with norms or linear layers "
                f"whose width is known, but one is {type(module).__name__}."
            )
        return width, width

    def _replace_module(self, parent, child_name, new_module, child) -> None:
        # The inherited one expects a weight, which attention or a feed-forward does not have.
        setattr(parent, child_name, new_module)

    def _check_merge_allowed(self):
        raise ValueError(
            "Bottleneck adapters cannot be merged into the base, because they are not linear: "
            "keep them as an adapter, or remove them with unload()."
        )


def linear_widths(module: nn.Module) -> tuple[int, int] | None:
    """Return how many features a linear layer of any kind reads and writes; None if it is none."""
    if isinstance(module, Conv1D):
        return module.nx, module.nf
    if hasattr(module, "in_features") and hasattr(module, "out_features"):
        return module.in_features, module.out_features
    return None


def hidden_width(modules: Iterable[nn.Module]) -> int | None:
    """Return the width of the hidden states that pass through some modules.

    It is that of most of the norms or, without any, the one that most linear layers read or write.
    """
    norms, linears = Counter(), Counter()
    for module in modules:
        weight = getattr(module, "weight", None)
        if widths := linear_widths(module):
            linears.update(widths)
        elif isinstance(weight, torch.Tensor) and weight.dim() == 1:
            norms[len(weight)] += 1
    common = (norms or linears).most_common(1)
    return common[0][0] if common else None


def _do_nothing(module: nn.Module, args: tuple) -> None:
    """Hang on a module as a hook."""


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

"""A model that has shapes and no memory, to be run dry: fake tensors in the place of its own."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Sequence
from typing import Any

import bitsandbytes as bnb
import torch
import torchao.quantization
import transformers
from transformers import PreTrainedModel

from workbench.training.adaptation.quantize import keep_packed
from workbench.training.forecast.torch_internals import (
    FakeTensor,
    FakeTensorMode,
    TorchDispatchMode,
    is_traceable_wrapper_subclass,
)


def with_packed_layers(
    model: PreTrainedModel, storage: Any
) -> tuple[PreTrainedModel, list[tuple[torch.nn.Linear, torch.Tensor]]]:
    """Put the layers of a quantised base into a skeleton; :func:`pack` packs their weights.

    Parameters
    ----------
    model : torch.nn.Module
    storage : QuantizationConfigMixin
        How the weights are stored: see :func:`workbench.training.adaptation.quantize.quantization_config_of`.

    Returns
    -------
    tuple
        The model, and its layers whose weights are to be packed, with these: techniques may put a weight
        of another class in place, where one of shapes only is moved.
    """
    from transformers.quantizers import AutoHfQuantizer

    quantizer = AutoHfQuantizer.from_config(storage, pre_quantized=False)
    quantizer.preprocess_model(model=model, device_map=None)
    keep_packed(quantizer.postprocess_model(model))
    for module in model.modules():
        # Some starts unpack weights, which takes no more than to know how they are laid out.
        if isinstance(module, bnb.nn.Linear4bit) and module.weight.is_meta:
            weight: Any = module.weight
            weight.quant_state = _state_4bit(weight, _Shapes())
    return model, list(_packed_linears(model, storage, quantizer.modules_to_not_convert))


class CpuLayout(TorchDispatchMode):
    """Lays the factors of a singular value decomposition out as the CPU's library does.

    The meta device takes CUDA's layout, in which the first rows of the last factor are contiguous:
    where a start keeps those alone, they would keep the whole factor alive.
    """

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        out = func(*args, **(kwargs or {}))
        if func is torch.ops.aten._linalg_svd.default and out[2].is_meta:
            left, values, right = out
            return left, values, right.mT.contiguous().mT
        return out


class ExpertProducts(TorchDispatchMode):
    """Gives the products of all experts in one operator a shape in float32 too.

    The CPU computes them, but the meta device knows them in bfloat16 only.
    """

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        """Compute the shape in bfloat16, and return it in the dtype that came."""
        if func is not torch.ops.aten._grouped_mm.default:
            return func(*args, **(kwargs or {}))
        left, right, *more = args
        out = func(left.bfloat16(), right.bfloat16(), *more, **(kwargs or {}))
        return out.to(left.dtype)


class Params4bit(FakeTensor):
    """4-bit weights without memory. PEFT knows packed weights by the name of their class."""


class Int8Params(FakeTensor):
    """8-bit weights without memory."""


class Faker:
    """Makes fake tensors of a device from tensors of the meta device or the CPU.

    Tensors that share a storage go on sharing one.
    """

    def __init__(self, mode: FakeTensorMode, device: str):
        self.mode, self._device = mode, torch.device(device)
        self._made: dict[int, tuple[torch.Tensor, FakeTensor]] = {}
        self._storages: dict[int, tuple[Any, Any]] = {}
        self._seen: set[int] = set()
        self._fakes: list[torch.Tensor] = []

    def model(self, model: torch.nn.Module) -> list[torch.Tensor]:
        """Replace all of a model's tensors, those that it keeps aside too, and return the new ones."""
        self._fakes = []
        for module in model.modules():
            for name, value in list(vars(module).items()):
                vars(module)[name] = self._replaced(value)
        return self._fakes

    def _replaced(self, value: Any) -> Any:
        """Replace tensors, those in dictionaries, sequences and objects of PEFT's too.

        Parameters and buffers are in a dictionary.
        """
        if isinstance(value, torch.Tensor):
            self._fakes.append(value if _is_fake(value) else self.tensor(value))
            return self._fakes[-1]
        if type(value) in (list, tuple):
            return type(value)(map(self._replaced, value))
        inside = value if type(value) is dict else _inside(value)
        if inside is not None and id(value) not in self._seen:
            self._seen.add(id(value))
            inside.update({name: self._replaced(inner) for name, inner in inside.items()})
        return value

    def tensor(self, tensor: torch.Tensor, kind: type[FakeTensor] = FakeTensor) -> FakeTensor:
        """Make a fake tensor; the same one for the same tensor."""
        if id(tensor) not in self._made:
            constant = tensor.detach() if _is_size(tensor) else None
            fake = kind(self.mode, self._shape(tensor), self._device, constant=constant)
            if isinstance(tensor, torch.nn.Parameter):
                fake.requires_grad_(tensor.requires_grad)
                fake._is_param = True
            self._made[id(tensor)] = tensor, fake
        return self._made[id(tensor)][1]

    def empty(self, *shape: int, dtype: torch.dtype, kind: type[FakeTensor] = FakeTensor) -> Any:
        """Make a new fake tensor."""
        return self.tensor(torch.empty(shape, dtype=dtype, device="meta"), kind)

    def _shape(self, tensor: torch.Tensor) -> torch.Tensor:
        detached = tensor.detach()
        if detached.is_meta:
            return detached
        storage = detached.untyped_storage()
        if storage._cdata not in self._storages:
            shadow = torch.UntypedStorage(storage.nbytes(), device="meta")
            self._storages[storage._cdata] = storage, shadow
        _, shadow = self._storages[storage._cdata]
        view = detached.storage_offset(), detached.size(), detached.stride()
        return torch.empty(0, dtype=detached.dtype, device="meta").set_(shadow, *view)


class _Shapes:
    """Makes tensors of the meta device as :class:`Faker` makes fake ones."""

    def tensor(self, tensor: torch.Tensor) -> torch.Tensor:
        return tensor.to("meta")

    def empty(self, *shape: int, dtype: torch.dtype) -> torch.Tensor:
        return torch.empty(shape, dtype=dtype, device="meta")


def _packed_linears(
    model: torch.nn.Module, storage: Any, skipped: Sequence[str]
) -> Iterable[tuple[torch.nn.Linear, torch.Tensor]]:
    """Yield the layers of a base whose weights are packed in this storage, with the weights."""
    from transformers.quantizers.quantizers_utils import should_convert_module

    packs = isinstance(storage, transformers.BitsAndBytesConfig)
    # Those of bitsandbytes are linear layers too.
    classes = (bnb.nn.Linear4bit, bnb.nn.Linear8bitLt) if packs else (torch.nn.Linear,)
    for path, module in model.named_modules():
        if not isinstance(module, torch.nn.Linear) or not isinstance(module, classes):
            continue
        if should_convert_module(path, list(skipped)):
            yield module, module.weight


def pack(
    linears: Sequence[tuple[torch.nn.Linear, torch.Tensor]], storage: Any, faker: Faker
) -> None:
    """Pack the weights of these layers, as they are when a quantised base is loaded."""
    for module, weight in linears:
        if isinstance(module, bnb.nn.Linear4bit):
            _pack_4bit(module, weight, faker)
        elif isinstance(module, bnb.nn.Linear8bitLt):
            _pack_8bit(module, weight, faker)
        else:
            _pack_torchao(module, storage, faker)


def _pack_4bit(module: bnb.nn.Linear4bit, old: Any, faker: Faker) -> None:
    """Do what bitsandbytes does when 4-bit weights are loaded."""
    weight = faker.empty(-(-old.numel() // 2), 1, dtype=torch.uint8, kind=Params4bit)
    weight._is_param = True
    settings = {**vars(old), "quant_state": _state_4bit(old, faker), "bnb_quantized": True}
    for attribute, value in settings.items():
        setattr(weight, attribute, value)
    module._parameters["weight"] = weight


def _state_4bit(old: Any, maker: Faker | _Shapes) -> bnb.functional.QuantState:
    """Return the quantization state of 4-bit weights: their scales and how those are stored."""
    pattern = _pattern_4bit(old.quant_type, old.compress_statistics, old.blocksize)
    blocks = -(-old.numel() // pattern.blocksize)
    nested = None
    if pattern.nested:
        nested = bnb.functional.QuantState(
            absmax=maker.empty(-(-blocks // pattern.state2.blocksize), dtype=torch.float32),
            code=maker.tensor(pattern.state2.code),
            blocksize=pattern.state2.blocksize,
            dtype=pattern.state2.dtype,
        )
    return bnb.functional.QuantState(
        absmax=maker.empty(blocks, dtype=pattern.absmax.dtype),
        shape=old.shape,
        code=maker.tensor(pattern.code),
        blocksize=pattern.blocksize,
        quant_type=pattern.quant_type,
        dtype=old.dtype,
        offset=maker.empty(dtype=torch.float32) if pattern.nested else None,
        state2=nested,
    )


@functools.lru_cache
def _pattern_4bit(quant_type: str, compress: bool, blocksize: int) -> Any:
    """Return how bitsandbytes lays 4-bit weights out: the state of a few real ones."""
    weights = torch.zeros(blocksize, blocksize)
    return bnb.functional.quantize_4bit(
        weights, blocksize=blocksize, compress_statistics=compress, quant_type=quant_type
    )[1]


def _pack_8bit(module: bnb.nn.Linear8bitLt, old: Any, faker: Faker) -> None:
    """Do what bitsandbytes does when 8-bit weights are loaded, and used first."""
    weight = faker.empty(*old.shape, dtype=torch.int8, kind=Int8Params)
    weight._is_param = True
    weight.CB = weight.SCB = None
    weight.has_fp16_weights = old.has_fp16_weights
    module.state.CB = weight
    module.state.SCB = faker.empty(old.shape[0], dtype=torch.float32)
    module._parameters["weight"] = weight


def _pack_torchao(module: torch.nn.Linear, storage: Any, faker: Faker) -> None:
    """Do what torchao does when weights are loaded."""
    weight = faker.tensor(module.weight)
    with faker.mode:
        shell: Any = torch.nn.Linear(module.in_features, module.out_features, bias=False)
        shell.weight = weight
        torchao.quantization.quantize_(torch.nn.Sequential(shell), storage.quant_type)
    module._parameters["weight"] = shell.weight


def _is_fake(tensor: torch.Tensor) -> bool:
    return isinstance(tensor, FakeTensor) or is_traceable_wrapper_subclass(tensor)


def _inside(value: Any) -> dict[str, Any] | None:
    """Return the attributes of an object in which a technique of PEFT may keep tensors."""
    if isinstance(value, torch.nn.Module) or not type(value).__module__.startswith("peft."):
        return None
    return getattr(value, "__dict__", None)


def _is_size(tensor: torch.Tensor) -> bool:
    """Tell whether these are a few integers, such as a shape, which code may read."""
    is_integer = not (tensor.is_floating_point() or tensor.is_complex())
    return is_integer and not tensor.is_meta and tensor.numel() <= 8

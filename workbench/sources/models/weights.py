"""A model's weights on disk: safetensors only, all of them there, counted without reading them."""

from __future__ import annotations

import functools
import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from workbench.errors import ModelError

WEIGHTS, INDEX = "model.safetensors", "model.safetensors.index.json"
PICKLES = ("pytorch_model*.bin", "*.pt", "*.pth", "*.ckpt")
DTYPES = {
    "F64": "float64",
    "F32": "float32",
    "F16": "float16",
    "BF16": "bfloat16",
    "F8_E4M3": "float8",
    "F8_E5M2": "float8",
    "I8": "int8",
    "U8": "4-bit",
}
EMBEDDINGS = ("embed_tokens.weight", "wte.weight", "word_embeddings.weight", "shared.weight")
HEADS = ("lm_head.weight", "cls.predictions.decoder.weight")
BUFFERS = ("rotary_emb.inv_freq", ".masked_bias")
SCALES = (".SCB", ".weight_format", "._weight_scale", "._weight_zero_point")


@dataclass(frozen=True)
class Tensor:
    """One tensor of a weight file, as the file's header has it.

    Parameters
    ----------
    name, dtype : str
        The dtype as safetensors writes it, such as ``BF16``.
    shape : tuple of int
    """

    name: str
    dtype: str
    shape: tuple[int, ...]

    @property
    def size(self) -> int:
        """Return the number of elements."""
        return math.prod(self.shape)


def read_json(path: Path, model: str) -> dict[str, Any]:
    """Read one of a model's JSON files, which are all objects."""
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise _unreadable(path, model) from error
    if not isinstance(value, dict):
        raise _unreadable(path, model)
    return value


def weight_files(folder: Path, model: str) -> list[Path]:
    """List a model's weight files, in the order in which transformers would look for them.

    Raises
    ------
    ModelError
        There are none, one of several is missing, or they are pickles.
    """
    if (folder / WEIGHTS).is_file():
        return [folder / WEIGHTS]
    if (folder / INDEX).is_file():
        shards = read_json(folder / INDEX, model).get("weight_map")
        if not isinstance(shards, dict) or not shards:
            raise _unreadable(folder / INDEX, model)
        names = sorted({str(shard) for shard in shards.values()})
        for name in names:
            # No shard lies outside the model's own folder, and none is a pickle.
            if Path(name).name != name or not name.endswith(".safetensors"):
                raise ModelError(
                    f"The model {model!r} must have its weights in safetensors files next to "
                    f"{INDEX}, but that file names {name!r}: copy or download it again."
                )
        missing = [name for name in names if not (folder / name).is_file()]
        if missing:
            raise ModelError(
                f"The model {model!r} must have all its {len(names)} weight files, but "
                f"{missing[0]!r} is missing: copy or download it again."
            )
        return [folder / name for name in names]
    pickles = [file.name for pattern in PICKLES for file in sorted(folder.glob(pattern))]
    if pickles:
        raise ModelError(
            f"The model {model!r} must have its weights as safetensors, but has only the pickle "
            f"{pickles[0]!r}, which could run any code when loaded: convert it where you trust "
            "it, with model.save_pretrained(folder)."
        )
    raise ModelError(
        f"The model {model!r} must have its weights as safetensors, but {str(folder)!r} has none "
        "(pickled ones are never downloaded): give a folder that save_pretrained wrote, or a hub "
        "id that has them."
    )


def tensors(files: Iterable[Path], model: str) -> list[Tensor]:
    """Read the headers of weight files.

    Raises
    ------
    ModelError
        A file is cut off or damaged.
    """
    from safetensors import SafetensorError

    listed: list[Tensor] = []
    for file in files:
        try:
            listed += _header(file, _state(file))
        except (SafetensorError, OSError) as error:
            raise _damaged(file, model) from error
    if not any(tensor.size and tensor.dtype in DTYPES for tensor in listed):
        raise ModelError(
            f"The model {model!r} must have weights, but there are none in its weight files: copy "
            "or download it again."
        )
    return listed


@functools.lru_cache(maxsize=64)
def _header(file: Path, state: tuple[int, ...]) -> tuple[Tensor, ...]:
    """Read a file's header, once for each state that the file is in."""
    from safetensors import safe_open

    header = []
    with safe_open(file, framework="numpy") as content:
        for name in content.keys():  # noqa: SIM118 (it is no mapping)
            part = content.get_slice(name)
            header.append(Tensor(name, part.get_dtype(), tuple(part.get_shape())))
    return tuple(header)


def _state(file: Path) -> tuple[int, ...]:
    status = file.stat()
    return status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns


def count(stored: Iterable[Tensor], config: Mapping[str, Any]) -> tuple[int, str]:
    """Count the parameters, tied ones once, and say in which dtype most of them are.

    Examples
    --------
    >>> head, table = Tensor("lm_head.weight", "F32", (5, 2)), Tensor("wte.weight", "F32", (5, 2))
    >>> count([head, table], {"tie_word_embeddings": False})
    (20, 'float32')
    >>> count([head, table], {"tie_word_embeddings": True})
    (10, 'float32')
    """
    weights = list(stored)
    # bitsandbytes keeps two 4-bit weights in a byte, and its scales under the weight's own name; what
    # stands beside 8-bit weights has names of its own.
    states = [tensor.name.partition(".quant_state.") for tensor in weights]
    packed = {weight for weight, state, _ in states if state}
    tables = {tensor.shape for tensor in weights if tensor.name.endswith(EMBEDDINGS)}
    # A config that does not say so means tied weights: configs of untied ones have always said it.
    tied = config.get("tie_word_embeddings", True)
    sizes: dict[str, int] = {}
    for tensor in weights:
        owner = tensor.name.rpartition(".weight.")[0] + ".weight"
        if tensor.dtype not in DTYPES or owner in packed or _is_buffer(tensor):
            continue  # positions, masks and scales are no parameters
        if tied and tensor.name.endswith(HEADS) and tensor.shape in tables:
            continue
        dtype = DTYPES[tensor.dtype]
        sizes[dtype] = sizes.get(dtype, 0) + tensor.size * (2 if tensor.name in packed else 1)
    return sum(sizes.values()), max(sizes, key=lambda dtype: sizes[dtype], default="unknown")


def _is_buffer(tensor: Tensor) -> bool:
    """Tell what checkpoints keep beside the parameters, such as GPT-2's old causal masks."""
    mask = tensor.name.endswith(".attn.bias") and len(tensor.shape) == 4
    return mask or tensor.name.endswith((*BUFFERS, *SCALES))


def _unreadable(path: Path, model: str) -> ModelError:
    return ModelError(
        f"The model {model!r} has a {path.name} that cannot be read as a JSON object: copy or "
        "download it again."
    )


def _damaged(file: Path, model: str) -> ModelError:
    with file.open("rb") as stream:
        pointer = stream.read(40).startswith(b"version https://git-lfs")
    hint = (
        "it is a Git LFS pointer, so run 'git lfs pull'" if pointer else "copy or download it again"
    )
    return ModelError(f"The model {model!r} has a damaged weight file, {file.name!r}: {hint}.")

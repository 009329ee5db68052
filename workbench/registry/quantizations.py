"""How a frozen base can be stored in fewer bits: one entry each, in one shape."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from workbench.registry.technique import Paper


@dataclass(frozen=True)
class Quantization:
    """One way to store the weights of a base's linear layers.

    Parameters
    ----------
    name, title, sentence : str
        As typed, as shown, and what it does.
    bits : int
        For each weight, scales aside.
    package : str
        What computes with such weights.
    config : str
        The config class of transformers.
    arguments : mapping
        Its arguments, as plain data.
    skips : str
        Its argument that names the modules which stay as they are. Heads do: a new one has no
        weights yet that could be stored.
    marks : mapping
        What the ``quantization_config`` of a checkpoint that is stored so says, by dotted keys.
    inner : str or None
        The class of :mod:`torchao.quantization` that comes first.
    inner_arguments : mapping
        Its arguments, as plain data.
    paper : Paper or None
        Its source.
    """

    name: str
    title: str
    sentence: str
    bits: int
    package: str
    config: str
    arguments: Mapping[str, Any]
    skips: str
    marks: Mapping[str, Any]
    inner: str | None = None
    inner_arguments: Mapping[str, Any] = field(default_factory=dict)
    paper: Paper | None = None


def _four_bits(name: str, title: str, sentence: str) -> Quantization:
    return Quantization(
        name=name,
        title=title,
        sentence=sentence,
        bits=4,
        package="bitsandbytes",
        config="BitsAndBytesConfig",
        arguments={
            "load_in_4bit": True,
            "bnb_4bit_quant_type": name,
            "bnb_4bit_use_double_quant": True,
            "bnb_4bit_compute_dtype": "float32",
        },
        skips="llm_int8_skip_modules",
        marks={"load_in_4bit": True, "bnb_4bit_quant_type": name},
        paper=Paper("QLoRA: Efficient Finetuning of Quantized LLMs", 2023, "2305.14314"),
    )


QUANTIZATIONS = {
    entry.name: entry
    for entry in (
        _four_bits(
            "nf4",
            "4-bit NormalFloat",
            "Linear layers in 4-bit NormalFloat, with quantized scales; heads keep full precision.",
        ),
        _four_bits(
            "fp4",
            "4-bit float",
            "Linear layers in 4-bit floating point, with quantized scales; heads keep full "
            "precision.",
        ),
        Quantization(
            name="int8",
            title="8-bit integers (LLM.int8)",
            sentence="Linear layers in 8-bit integers, with a scale for each row; heads keep "
            "full precision.",
            bits=8,
            package="bitsandbytes",
            config="BitsAndBytesConfig",
            arguments={"load_in_8bit": True},
            skips="llm_int8_skip_modules",
            marks={"load_in_8bit": True},
            paper=Paper(
                "LLM.int8(): 8-bit Matrix Multiplication for Transformers at Scale",
                2022,
                "2208.07339",
            ),
        ),
        Quantization(
            name="int8_torchao",
            title="8-bit integers (torchao)",
            sentence="Linear layers in 8-bit integers, converted to floating point when they "
            "are used; heads keep full precision.",
            bits=8,
            package="torchao",
            config="TorchAoConfig",
            arguments={},
            skips="modules_to_not_convert",
            marks={"quant_method": "torchao", "quant_type.default._type": "Int8WeightOnlyConfig"},
            inner="Int8WeightOnlyConfig",
            # The default since torchao 0.18, and the only one that transformers can save.
            inner_arguments={"version": 2},
        ),
    )
}


def stored_as(told: Any) -> str | None:
    """Name the quantization that a checkpoint's ``quantization_config`` describes, if it is one of these.

    Examples
    --------
    >>> stored_as({"load_in_4bit": True, "bnb_4bit_quant_type": "nf4"})
    'nf4'
    >>> stored_as({"quant_method": "gptq", "bits": 4})
    """
    if not isinstance(told, Mapping):
        return None
    told = {"bnb_4bit_quant_type": "fp4", **told}  # what bitsandbytes takes where none is named
    for entry in QUANTIZATIONS.values():
        if all(_at(told, key) == value for key, value in entry.marks.items()):
            return entry.name
    return None


def _at(told: Any, key: str) -> Any:
    """Return what stands at a dotted key; None if nothing does."""
    for name in key.split("."):
        told = told.get(name) if isinstance(told, Mapping) else None
    return told

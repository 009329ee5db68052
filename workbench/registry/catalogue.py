"""How the techniques are offered to a person: first choices, families under their names in the field, words to find
them by."""

from __future__ import annotations

from workbench.registry.quantizations import QUANTIZATIONS
from workbench.registry.technique import Technique

# What to try before anything else, each with the reason.
FIRST_CHOICES = {
    "lora": "the usual choice",
    "qlora": "large bases in little memory",
    "dora": "LoRA with trained magnitudes",
    "ia3": "very few parameters",
    "prompt_tuning": "vectors before the text",
    "prefix_tuning": "keys and values per layer",
    "houlsby": "bottleneck adapters",
    "full": "the baseline",
}

# A family's name on the screen, and more words by which its techniques are found.
FAMILIES = {
    "full": ("Full fine-tuning", "baseline all parameters"),
    "low-rank": ("Low-rank adaptation (LoRA)", "adapter matrix decomposition"),
    "LoRA initialization": ("LoRA initializations", "low-rank adapter start init svd"),
    "LoRA optimizer": ("LoRA optimizers", "low-rank adapter learning rate"),
    "structured": (
        "Structured updates (Hadamard, Kronecker, Fourier)",
        "full-rank adapter",
    ),
    "shared": (
        "Shared matrices and vector banks (VeRA)",
        "random projection weight tying low-rank adapter",
    ),
    "orthogonal": ("Orthogonal fine-tuning", "rotation oft cayley adapter"),
    "scaling": ("Scaling and bias vectors", "rescaling activations adapter"),
    "mixture": ("Mixtures of LoRA", "mixture of experts moe routing router multi-task adapter"),
    "adapter": ("Adapter modules", "bottleneck adapters series parallel feed-forward"),
    "prompt": ("Soft prompts", "virtual tokens continuous prompt prefix prompting learned prompts"),
    "selective": ("Selective fine-tuning", "some of the base's own parameters freeze unfreeze"),
    "sparse": ("Sparse fine-tuning", "sparse mask entries adapter"),
    "prompting": ("Prompting without training", "in-context learning icl baseline untrained"),
    "new in PEFT": ("Other techniques of PEFT", ""),
}


def family_title(family: str) -> str:
    """Name a family as it is shown.

    Examples
    --------
    >>> family_title("prompt"), family_title("unheard of")
    ('Soft prompts', 'Unheard of')
    """
    return FAMILIES.get(family, (family[:1].upper() + family[1:], ""))[0]


def search_words(technique: Technique) -> str:
    """Return further words by which a technique is found: those of its family, its own, its base's storage.

    Examples
    --------
    >>> from workbench.registry.techniques import get
    >>> search_words(get("bitfit"))
    "some of the base's own parameters freeze unfreeze bias-only biases"
    """
    words = [FAMILIES.get(technique.family, ("", ""))[1], *technique.keywords]
    if technique.quantization is not None:
        words.append(f"{QUANTIZATIONS[technique.quantization].bits}-bit quantized")
    return " ".join(filter(None, words))


def base_bits(technique: Technique) -> tuple[int, ...]:
    """Return in how many bits the base's weights may be stored, besides full precision.

    Examples
    --------
    >>> from workbench.registry.techniques import get
    >>> base_bits(get("lora")), base_bits(get("full"))
    ((4, 8), ())
    """
    if not technique.quantizable:
        return ()
    allowed = (
        quantization
        for name, quantization in QUANTIZATIONS.items()
        if name not in technique.unsupported_quantizations
    )
    return tuple(sorted({quantization.bits for quantization in allowed}))

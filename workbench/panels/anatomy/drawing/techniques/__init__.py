"""What each technique does to a module, as equations: a file for each family.

Names are those of the papers, and every size and factor is that of PEFT's own forward pass.
"""

from workbench.panels.anatomy.drawing.equations import Drawing
from workbench.panels.anatomy.drawing.layer import Layer
from workbench.panels.anatomy.drawing.techniques import (
    adapters,
    initializers,
    low_rank,
    mixtures,
    optimizers,
    orthogonal,
    prompts,
    selective,
    shared,
    sparse,
    spectral,
    structured,
)


def _lora(at: Layer) -> Drawing:
    """LoRA, or what its arguments make of it."""
    start = str(at.arg("init_lora_weights")).split("_niter_")[0]
    if at.arg("use_dora"):
        return low_rank.dora(at)
    return initializers.DRAWINGS.get(start, low_rank.lora)(at)


DRAWINGS = {
    **low_rank.DRAWINGS,
    **initializers.DRAWINGS,
    **optimizers.DRAWINGS,
    **structured.DRAWINGS,
    **spectral.DRAWINGS,
    **shared.DRAWINGS,
    **mixtures.DRAWINGS,
    **orthogonal.DRAWINGS,
    **sparse.DRAWINGS,
    **adapters.DRAWINGS,
    **prompts.DRAWINGS,
    **selective.DRAWINGS,
    "lora": _lora,
}

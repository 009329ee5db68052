"""What each technique does to a module, as equations: a file for each family.

Names are those of the papers, and every size and factor is that of PEFT's own forward pass.
"""

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
}

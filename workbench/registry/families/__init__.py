"""The curated techniques, one file for each family, in the order in which they are offered."""

from workbench.registry.families import (
    adapters,
    full,
    initializers,
    low_rank,
    mixtures,
    optimizers,
    orthogonal,
    prompt_tuning,
    scaling,
    selective,
    sparse,
    structured,
    vector_based,
    zero_shot,
)

CURATED = (
    *low_rank.ENTRIES,
    *initializers.ENTRIES,
    *optimizers.ENTRIES,
    *structured.ENTRIES,
    *vector_based.ENTRIES,
    *mixtures.ENTRIES,
    *orthogonal.ENTRIES,
    *sparse.ENTRIES,
    *scaling.ENTRIES,
    *adapters.ENTRIES,
    *prompt_tuning.ENTRIES,
    *selective.ENTRIES,
    *full.ENTRIES,
    *zero_shot.ENTRIES,
)

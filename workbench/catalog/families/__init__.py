"""The curated techniques, one file for each family, in the order in which they are offered."""

from workbench.catalog.families import (
    adapters,
    low_rank,
    mixtures,
    optimizers,
    orthogonal,
    prompting,
    prompts,
    scaling,
    selective,
    shared,
    sparse,
    starts,
    structured,
    yardsticks,
)

CURATED = (
    *low_rank.ENTRIES,
    *starts.ENTRIES,
    *optimizers.ENTRIES,
    *structured.ENTRIES,
    *shared.ENTRIES,
    *mixtures.ENTRIES,
    *orthogonal.ENTRIES,
    *sparse.ENTRIES,
    *scaling.ENTRIES,
    *adapters.ENTRIES,
    *prompts.ENTRIES,
    *selective.ENTRIES,
    *yardsticks.ENTRIES,
    *prompting.ENTRIES,
)

"""The curated techniques, one file for each family, in the order in which they are offered."""

from workbench.catalog.families import low_rank, prompts, scaling, selective, yardsticks

CURATED = (
    *low_rank.ENTRIES,
    *scaling.ENTRIES,
    *prompts.ENTRIES,
    *selective.ENTRIES,
    *yardsticks.ENTRIES,
)

"""What the others are measured by."""

from workbench.registry.technique import Technique

ENTRIES = (
    Technique(
        name="full",
        title="Full fine-tuning",
        family="yardstick",
        changes="Trains every parameter of a private copy of the base.",
        learning_rate=3e-4,
        trains="all",
        quantizable=False,
        merges=True,
    ),
)

"""What the others are measured by."""

from workbench.registry.technique import Technique

ENTRIES = (
    Technique(
        name="full",
        title="Full fine-tuning",
        family="yardstick",
        summary="Trains every parameter of a private copy of the base.",
        learning_rate=3e-4,
        trainable="all",
        quantizable=False,
        merges=True,
    ),
)

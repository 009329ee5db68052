"""What the others are measured by."""

from workbench.registry.technique import Technique

ENTRIES = (
    Technique(
        name="full",
        title="Full fine-tuning",
        family="full",
        summary="Trains all parameters, in a copy of the base that belongs to the run.",
        keywords=("fine-tuning", "finetuning", "full-parameter"),
        learning_rate=3e-4,
        trainable="all",
        quantizable=False,
        merges=True,
    ),
)

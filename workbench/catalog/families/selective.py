"""Selective: some of the base's own parameters are trained, and nothing is added."""

from workbench.catalog.tasks import OF_TEXT, TASKS
from workbench.catalog.technique import Knob, Paper, Technique

ENTRIES = (
    Technique(
        name="head_only",
        title="Head only",
        family="selective",
        changes="Trains the new classification head and nothing below it.",
        learning_rate=1e-2,
        trains="selected",
        selects="head",
        tasks=tuple(task.name for task in TASKS.values() if task.labels),
    ),
    Technique(
        name="bitfit",
        title="BitFit",
        family="selective",
        changes="Trains the base's biases and nothing else.",
        learning_rate=1e-2,
        trains="selected",
        selects="biases",
        quantizable=False,
        merges=True,
        paper=Paper(
            "BitFit: Simple Parameter-efficient Fine-tuning for Transformer-based Masked "
            "Language-models",
            2021,
            "2106.10199",
        ),
    ),
    Technique(
        name="last_layers",
        title="Last layers",
        family="selective",
        changes="Trains the last blocks of the base and leaves those below as they are.",
        learning_rate=1e-3,
        knobs=(Knob("num_layers", 1, 1, 12),),
        trains="selected",
        selects="last_layers",
        quantizable=False,
        merges=True,
    ),
    Technique(
        name="embeddings_only",
        title="Embeddings only",
        family="selective",
        changes="Trains the vectors of the vocabulary and leaves all that reads them.",
        learning_rate=3e-3,
        trains="selected",
        selects="embeddings",
        tasks=OF_TEXT,
        quantizable=False,
        merges=True,
    ),
)

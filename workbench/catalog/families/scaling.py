"""Scaling: what flows through the model is multiplied by learnt factors."""

from workbench.catalog.technique import Knob, Paper, Technique

ENTRIES = (
    Technique(
        name="ia3",
        title="IA³",
        family="scaling",
        changes="Learns one factor for each feature of the keys, values and feed-forward.",
        learning_rate=2e-2,
        config="IA3Config",
        knobs=(Knob("init_ia3_weights", True, choices=(True, False)),),
        targets="ia3",
        merges=True,
        paper=Paper(
            "Few-Shot Parameter-Efficient Fine-Tuning is Better and Cheaper than "
            "In-Context Learning",
            2022,
            "2205.05638",
        ),
    ),
)

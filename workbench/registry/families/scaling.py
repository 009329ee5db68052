"""Scaling: what flows through the model is multiplied or shifted by learnt vectors."""

from workbench.registry.hook import Hook
from workbench.registry.technique import Hyperparameter, Paper, Technique

ENTRIES = (
    Technique(
        name="ia3",
        title="IA³",
        family="scaling",
        summary="Scales keys, values and feed-forward activations by one trained factor for "
        "each feature.",
        keywords=("(ia)3", "infused adapter", "rescaling", "t-few"),
        learning_rate=2e-2,
        scales_with_width=False,
        config="IA3Config",
        target_finder=Hook("workbench.training.adaptation.target_modules.find_ia3"),
        merges=True,
        paper=Paper(
            "Few-Shot Parameter-Efficient Fine-Tuning is Better and Cheaper than "
            "In-Context Learning",
            2022,
            "2205.05638",
        ),
    ),
    Technique(
        name="beft",
        title="BEFT",
        family="scaling",
        summary="Adds one trained bias to the values of each attention layer.",
        keywords=("bias",),
        learning_rate=2e-2,
        scales_with_width=False,
        config="BeftConfig",
        hyperparameters=(Hyperparameter("init_weights", True, choices=(True, False)),),
        target_finder=Hook("workbench.training.adaptation.target_modules.find_values"),
        merges=True,
        paper=Paper(
            "BEFT: Bias-Efficient Fine-Tuning of Language Models in Low-Data Regimes",
            2025,
            "2509.15974",
        ),
    ),
)

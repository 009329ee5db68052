"""Shared: layers share matrices or vectors, and learn little of their own."""

from workbench.registry.hook import Hook
from workbench.registry.technique import Hyperparameter, Paper, Technique

ENTRIES = (
    Technique(
        name="vera",
        title="VeRA",
        family="shared",
        summary="Scales two frozen random matrices, shared by all layers, with trained vectors.",
        keywords=("random matrices",),
        learning_rate=1e-2,
        scales_with_width=False,
        config="VeraConfig",
        hyperparameters=(
            Hyperparameter("r", 64, 1, 1024),
            Hyperparameter("d_initial", 0.1, 0.0, 1.0, strict=True),
            Hyperparameter("vera_dropout", 0.0, 0.0, 0.5, below=1.0),
        ),
        target_finder=Hook("workbench.training.adaptation.target_modules.find_linears"),
        merges=True,
        paper=Paper("VeRA: Vector-based Random Matrix Adaptation", 2023, "2310.11454"),
    ),
    Technique(
        name="pvera",
        title="PVeRA",
        family="shared",
        summary="VeRA that also learns a variance for its vectors and samples from it during "
        "training.",
        learning_rate=1e-2,
        scales_with_width=False,
        config="PveraConfig",
        hyperparameters=(
            Hyperparameter("r", 64, 1, 1024),
            Hyperparameter("d_initial", 0.1, 0.0, 1.0, strict=True),
            Hyperparameter("pvera_dropout", 0.0, 0.0, 0.5, below=1.0),
        ),
        target_finder=Hook("workbench.training.adaptation.target_modules.find_linears"),
        merges=True,
        paper=Paper(
            "PVeRA: Probabilistic Vector-Based Random Matrix Adaptation", 2025, "2512.07703"
        ),
    ),
    Technique(
        name="randlora",
        title="RandLoRA",
        family="shared",
        summary="Adds up many frozen random low-rank matrices with trained scales, which gives "
        "a full-rank update.",
        learning_rate=3e-3,
        scales_with_width=False,
        config="RandLoraConfig",
        hyperparameters=(
            Hyperparameter("r", 16, 1, 128),
            Hyperparameter("randlora_alpha", 320, 1, 2560),
            Hyperparameter("randlora_dropout", 0.0, 0.0, 0.5, below=1.0),
        ),
        target_finder=Hook("workbench.training.adaptation.target_modules.find_linears"),
        merges=True,
        paper=Paper(
            "RandLoRA: Full-rank parameter-efficient fine-tuning of large models",
            2025,
            "2502.00987",
        ),
    ),
    Technique(
        name="vblora",
        title="VB-LoRA",
        family="shared",
        summary="Builds all LoRA matrices from one trained bank of vectors, mixing the top k "
        "vectors for each part.",
        keywords=("vector bank",),
        learning_rate=1e-2,
        scales_with_width=False,
        config="VBLoRAConfig",
        hyperparameters=(
            Hyperparameter("r", 4, 1, 32),
            Hyperparameter("num_vectors", 64, 2, 2048),
            Hyperparameter(
                "vector_length",
                16,
                1,
                256,
                limit=Hook("workbench.training.adaptation.argument_limits.fits_divides"),
            ),
            Hyperparameter("topk", 2, 1, 8),
        ),
        target_finder=Hook("workbench.training.adaptation.target_modules.find_linears"),
        merges=True,
        paper=Paper(
            "VB-LoRA: Extreme Parameter Efficient Fine-Tuning with Vector Banks",
            2024,
            "2405.15179",
        ),
    ),
    Technique(
        name="unilora",
        title="Uni-LoRA",
        family="shared",
        summary="Fills all LoRA matrices from one short trained vector, by a fixed mapping of "
        "positions.",
        learning_rate=1e-2,
        scales_with_width=False,
        config="UniLoraConfig",
        needs_weights=True,
        hyperparameters=(
            Hyperparameter("r", 4, 1, 32),
            Hyperparameter("theta_d_length", 1024, 16, 65536),
            Hyperparameter("unilora_dropout", 0.0, 0.0, 0.5, below=1.0),
        ),
        target_finder=Hook("workbench.training.adaptation.target_modules.find_linears"),
        merges=True,
        paper=Paper("Uni-LoRA: One Vector is All You Need", 2025, "2506.00799"),
    ),
    Technique(
        name="tinylora",
        title="TinyLoRA",
        family="shared",
        summary="Changes each weight in its principal directions by a handful of trained numbers.",
        learning_rate=1e-2,
        scales_with_width=False,
        config="TinyLoraConfig",
        hyperparameters=(
            Hyperparameter(
                "r",
                2,
                1,
                16,
                limit=Hook("workbench.training.adaptation.argument_limits.fits_narrowest"),
            ),
            Hyperparameter("u", 64, 1, 512),
            Hyperparameter("weight_tying", 0.0, 0.0, 1.0),
        ),
        target_finder=Hook("workbench.training.adaptation.target_modules.find_linears"),
        quantizable=False,
        merges=True,
        paper=Paper("Learning to Reason in 13 Parameters", 2026, "2602.04118"),
    ),
)

"""Orthogonal: weights or what they give are rotated, which keeps lengths and angles."""

from workbench.registry.hook import Hook
from workbench.registry.technique import Hyperparameter, Paper, Technique

ENTRIES = (
    Technique(
        name="oft",
        title="OFT",
        family="orthogonal",
        summary="Rotates each layer's inputs by a trained block-diagonal orthogonal matrix.",
        keywords=("rotation",),
        learning_rate=5e-3,
        config="OFTConfig",
        hyperparameters=(
            Hyperparameter(
                "oft_block_size",
                16,
                2,
                256,
                limit=Hook("workbench.training.adaptation.argument_limits.fits_divides_inputs"),
            ),
            Hyperparameter("coft", False, choices=(False, True)),
            Hyperparameter("block_share", False, choices=(False, True)),
            Hyperparameter("module_dropout", 0.0, 0.0, 0.5, below=1.0),
        ),
        target_finder=Hook("workbench.training.adaptation.target_modules.find_linears"),
        merges=True,
        needs="a block size that divides the number of inputs of the layers",
        paper=Paper(
            "Controlling Text-to-Image Diffusion by Orthogonal Finetuning", 2023, "2306.07280"
        ),
    ),
    Technique(
        name="boft",
        title="BOFT",
        family="orthogonal",
        summary="Rotates each layer's inputs by sparse orthogonal matrices (butterflies) and scales its outputs.",
        keywords=("butterfly",),
        learning_rate=1e-2,
        config="BOFTConfig",
        needs_weights=True,
        hyperparameters=(
            Hyperparameter(
                "boft_block_size",
                4,
                2,
                64,
                limit=Hook("workbench.training.adaptation.argument_limits.fits_divides_inputs"),
            ),
            Hyperparameter("boft_dropout", 0.0, 0.0, 0.5, below=1.0),
        ),
        target_finder=Hook("workbench.training.adaptation.target_modules.find_linears"),
        quantizable=False,
        merges=True,
        needs="a block size that divides the number of inputs of the layers",
        paper=Paper(
            "Parameter-Efficient Orthogonal Finetuning via Butterfly Factorization",
            2023,
            "2311.06243",
        ),
    ),
    Technique(
        name="hra",
        title="HRA",
        family="orthogonal",
        summary="Reflects each layer's inputs at r learned hyperplanes (Householder reflections).",
        keywords=("householder reflections",),
        learning_rate=5e-3,
        config="HRAConfig",
        hyperparameters=(
            Hyperparameter(
                "r",
                8,
                1,
                64,
                limit=Hook("workbench.training.adaptation.argument_limits.fits_narrowest"),
            ),
            Hyperparameter("apply_GS", False, choices=(False, True)),
        ),
        target_finder=Hook("workbench.training.adaptation.target_modules.find_linears"),
        quantizable=False,
        merges=True,
        paper=Paper(
            "Bridging The Gap between Low-rank and Orthogonal Adaptation via Householder "
            "Reflection Adaptation",
            2024,
            "2405.17484",
        ),
    ),
    Technique(
        name="psoft",
        title="PSOFT",
        family="orthogonal",
        summary="Rotates and scales each weight within its principal subspace.",
        learning_rate=5e-3,
        config="PsoftConfig",
        hyperparameters=(
            Hyperparameter(
                "r",
                16,
                1,
                256,
                limit=Hook("workbench.training.adaptation.argument_limits.fits_narrowest"),
            ),
            Hyperparameter("psoft_alpha", 16, 1, 256),
            Hyperparameter("psoft_dropout", 0.0, 0.0, 0.5, below=1.0),
        ),
        target_finder=Hook("workbench.training.adaptation.target_modules.find_linears"),
        quantizable=False,
        merges=True,
        paper=Paper(
            "Efficient Orthogonal Fine-Tuning with Principal Subspace Adaptation",
            2025,
            "2505.11235",
        ),
    ),
    Technique(
        name="road",
        title="RoAd",
        family="orthogonal",
        summary="Rotates and scales each layer's outputs in pairs.",
        learning_rate=1e-2,
        config="RoadConfig",
        hyperparameters=(
            Hyperparameter("variant", "road_1", choices=("road_1", "road_2", "road_4")),
            Hyperparameter(
                "group_size",
                16,
                2,
                256,
                limit=Hook("workbench.training.adaptation.argument_limits.fits_divides_outputs"),
            ),
        ),
        target_finder=Hook("workbench.training.adaptation.target_modules.find_linears"),
        merges=True,
        needs="a group size that divides the number of outputs of the layers",
        paper=Paper(
            "3-in-1: 2D Rotary Adaptation for Efficient Finetuning, Efficient Batching and "
            "Composability",
            2024,
            "2409.00119",
        ),
    ),
)

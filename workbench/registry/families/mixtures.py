"""Mixtures: several low-rank changes, and a learnt choice among them."""

from workbench.registry.hook import Hook
from workbench.registry.technique import Hyperparameter, Paper, Technique

ENTRIES = (
    Technique(
        name="lily",
        title="Lily",
        family="mixture",
        summary="Layers share low-rank matrices, and a trained router mixes them for each input.",
        learning_rate=3e-3,
        config="LilyConfig",
        hyperparameters=(
            Hyperparameter(
                "r",
                16,
                1,
                128,
                limit=Hook("workbench.training.adaptation.argument_limits.fits_widest"),
            ),
            Hyperparameter("num_B", 2, 1, 8),
            Hyperparameter("stride_A", 1, 1, 8),
            Hyperparameter("scaling", 1.0, 0.0, 8.0, strict=True),
        ),
        target_finder=Hook("workbench.training.adaptation.target_modules.find_apart"),
        quantizable=False,
        paper=Paper("Low-Rank Interconnected Adaptation across Layers", 2024, "2407.09946"),
    ),
    Technique(
        name="poly",
        title="Polytropon",
        family="mixture",
        summary="Has several LoRA modules (skills) in each layer and learns how to mix them.",
        keywords=("skills", "multi-task"),
        learning_rate=1e-2,
        config="PolyConfig",
        checkpointable=False,
        hyperparameters=(
            Hyperparameter(
                "r",
                8,
                1,
                64,
                limit=Hook("workbench.training.adaptation.argument_limits.fits_widest"),
            ),
            Hyperparameter("n_skills", 4, 1, 16),
            Hyperparameter(
                "n_splits",
                1,
                1,
                8,
                limit=Hook("workbench.training.adaptation.argument_limits.fits_divides"),
            ),
        ),
        target_finder=Hook("workbench.training.adaptation.target_modules.find_linears"),
        forward_hook=Hook("workbench.training.adaptation.forward_hooks.give_layers_task_ids"),
        quantizable=False,
        paper=Paper("Combining Modular Skills in Multitask Learning", 2022, "2202.13914"),
    ),
    Technique(
        name="xlora",
        title="X-LoRA",
        family="mixture",
        summary="Mixes trained LoRA adapters, token by token, with weights from a small "
        "trained network.",
        keywords=("mixture of experts",),
        learning_rate=1e-3,
        config="XLoraConfig",
        needs_weights=True,
        hyperparameters=(
            Hyperparameter(
                "xlora_depth",
                1,
                1,
                4,
                line="Layers of the network that weighs the adapters.",
                unit="layers",
            ),
            Hyperparameter(
                "xlora_dropout_p",
                0.2,
                0.0,
                0.5,
                below=1.0,
                line="Dropout in the network that weighs the adapters.",
            ),
            Hyperparameter(
                "softmax_temperature",
                1.0,
                0.1,
                10.0,
                line="Lower values prefer one adapter, higher ones mix them.",
            ),
        ),
        derived={
            "adapters": Hook("workbench.training.adaptation.derived_arguments.derive_adapters"),
            "hidden_size": Hook(
                "workbench.training.adaptation.derived_arguments.derive_hidden_size"
            ),
        },
        initializer=Hook("workbench.training.adaptation.initializers.get_xlora_model"),
        plain_shapes=False,
        saves=Hook("workbench.training.adaptation.checkpoint.save_blend"),
        tasks=("lm", "instruct"),
        quantizable=False,
        needs="trained LoRA adapters for the same base, as a mapping of names to folders",
        paper=Paper(
            "X-LoRA: Mixture of Low-Rank Adapter Experts, a Flexible Framework for Large Language "
            "Models with Applications in Protein Mechanics and Molecular Design",
            2024,
            "2402.07148",
        ),
    ),
)

"""Optimizers: LoRA as it is, whose two matrices are stepped in another way."""

from workbench.registry.families.low_rank import LORA_KNOBS
from workbench.registry.hook import Hook
from workbench.registry.technique import Hyperparameter, Paper, Technique

ENTRIES = (
    Technique(
        name="lora_plus",
        title="LoRA+",
        family="LoRA optimizer",
        summary="LoRA with a higher learning rate for matrix B than for matrix A.",
        keywords=("loraplus", "two learning rates"),
        learning_rate=1e-3,
        config="LoraConfig",
        hyperparameters=(
            *LORA_KNOBS,
            Hyperparameter(
                "loraplus_lr_ratio",
                16.0,
                1.0,
                32.0,
                line="How many times faster the matrices B learn than the matrices A.",
            ),
        ),
        target_finder=Hook("workbench.training.adaptation.target_modules.find_linears"),
        optimizer=Hook("peft.optimizers.create_loraplus_optimizer"),
        # It takes its weight decay under a name of its own, and sets the usual one to nought.
        optimizer_arguments={
            "lr": "learning_rate",
            "loraplus_weight_decay": "weight_decay",
            "loraplus_lr_ratio": "loraplus_lr_ratio",
        },
        merges=True,
        paper=Paper("LoRA+: Efficient Low Rank Adaptation of Large Models", 2024, "2402.12354"),
    ),
    Technique(
        name="lora_fa",
        title="LoRA-FA",
        family="LoRA optimizer",
        summary="LoRA that leaves matrix A as initialized and trains only matrix B.",
        keywords=("frozen a", "memory-efficient"),
        learning_rate=3e-3,
        config="LoraConfig",
        hyperparameters=LORA_KNOBS,
        target_finder=Hook("workbench.training.adaptation.target_modules.find_linears"),
        optimizer=Hook("peft.optimizers.create_lorafa_optimizer"),
        optimizer_arguments={
            "lr": "learning_rate",
            "weight_decay": "weight_decay",
            "r": "r",
            "lora_alpha": "lora_alpha",
        },
        optimizer_wraps=False,
        merges=True,
        paper=Paper(
            "LoRA-FA: Memory-efficient Low-rank Adaptation for Large Language Models Fine-tuning",
            2023,
            "2308.03303",
        ),
    ),
    Technique(
        name="riemannian",
        title="Riemannian LoRA",
        family="LoRA optimizer",
        summary="LoRA whose gradient of each matrix is preconditioned with the other matrix "
        "before each step.",
        learning_rate=3e-3,
        config="LoraConfig",
        hyperparameters=(
            *LORA_KNOBS,
            Hyperparameter(
                "reg",
                1e-2,
                0.0,
                1.0,
                strict=True,
                line="Keeps the preconditioner stable where a matrix is near zero.",
            ),
        ),
        target_finder=Hook("workbench.training.adaptation.target_modules.find_linears"),
        optimizer=Hook("peft.optimizers.create_riemannian_optimizer"),
        merges=True,
        paper=Paper(
            "Riemannian Preconditioned LoRA for Fine-Tuning Foundation Models", 2024, "2402.02347"
        ),
    ),
)

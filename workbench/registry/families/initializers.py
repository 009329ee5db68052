"""Starts: LoRA that begins from the base's weights or from data instead of from chance."""

from workbench.registry.families.low_rank import LORA_KNOBS, RANK
from workbench.registry.hook import Hook
from workbench.registry.tasks import tasks_of
from workbench.registry.technique import Hyperparameter, Paper, Technique

# A start that is cut out of the weights has no more directions than the narrowest layer.
CUT_KNOBS = (
    Hyperparameter(
        "r",
        8,
        1,
        64,
        limit=Hook("workbench.training.adaptation.argument_limits.fits_narrowest"),
        line=RANK,
    ),
    *LORA_KNOBS[1:],
)

ENTRIES = (
    Technique(
        name="pissa",
        title="PiSSA",
        family="LoRA initialization",
        summary="LoRA initialized with each weight's largest singular values and vectors; the rest is frozen.",
        keywords=("svd", "principal singular values"),
        learning_rate=1e-3,
        config="LoraConfig",
        fixed={"init_lora_weights": "pissa"},
        hyperparameters=CUT_KNOBS,
        target_finder=Hook("workbench.training.adaptation.target_modules.find_linears"),
        quantizable=False,
        merges=True,
        paper=Paper(
            "PiSSA: Principal Singular Values and Singular Vectors Adaptation of Large Language "
            "Models",
            2024,
            "2404.02948",
        ),
    ),
    Technique(
        name="mica",
        title="MiCA",
        family="LoRA initialization",
        summary="LoRA on the directions of each weight with the smallest singular values; only "
        "matrix A is trained.",
        learning_rate=1e-2,
        config="LoraConfig",
        fixed={"init_lora_weights": "mica"},
        hyperparameters=CUT_KNOBS,
        target_finder=Hook("workbench.training.adaptation.target_modules.find_linears"),
        quantizable=False,
        merges=True,
        paper=Paper(
            "MiCA Learns More Knowledge Than LoRA and Full Fine-Tuning", 2026, "2604.01694"
        ),
    ),
    Technique(
        name="olora",
        title="OLoRA",
        family="LoRA initialization",
        summary="LoRA initialized with orthonormal directions of each weight (QR decomposition).",
        keywords=("qr", "orthonormal"),
        learning_rate=1e-3,
        config="LoraConfig",
        fixed={"init_lora_weights": "olora"},
        hyperparameters=CUT_KNOBS,
        target_finder=Hook("workbench.training.adaptation.target_modules.find_linears"),
        quantizable=False,
        merges=True,
        paper=Paper(
            "OLoRA: Orthonormal Low-Rank Adaptation of Large Language Models", 2024, "2406.01775"
        ),
    ),
    Technique(
        name="orthogonal",
        title="LoRA, orthogonal start",
        family="LoRA initialization",
        summary="LoRA with two matrices initialized orthogonal to each other, so that the base "
        "starts unchanged.",
        learning_rate=3e-3,
        config="LoraConfig",
        fixed={"init_lora_weights": "orthogonal"},
        hyperparameters=CUT_KNOBS,
        unsupported_quantizations=("nf4", "fp4", "int8"),
        target_finder=Hook("workbench.training.adaptation.target_modules.find_linears"),
        merges=True,
    ),
    Technique(
        name="kasa",
        title="KaSA",
        family="LoRA initialization",
        summary="Removes the smallest singular directions of each weight and learns singular "
        "values for new ones.",
        learning_rate=3e-3,
        config="LoraConfig",
        fixed={"kasa_config": {}},
        hyperparameters=(
            *CUT_KNOBS,
            Hyperparameter("kasa_config.beta", 1e-4, 0.0, 1e-2),
            Hyperparameter("kasa_config.gamma", 1e-3, 0.0, 1e-1),
        ),
        target_finder=Hook("workbench.training.adaptation.target_modules.find_linears"),
        forward_hook=Hook("workbench.training.adaptation.forward_hooks.add_kasa_loss"),
        merges=True,
        quantizable=False,
        paper=Paper(
            "KaSA: Knowledge-Aware Singular-Value Adaptation of Large Language Models",
            2024,
            "2412.06071",
        ),
    ),
    Technique(
        name="loftq",
        title="LoftQ",
        family="LoRA initialization",
        summary="LoRA initialized to correct the error of quantizing each weight to 4 bit.",
        keywords=("quantization error", "4-bit"),
        learning_rate=3e-3,
        config="LoraConfig",
        hyperparameters=CUT_KNOBS,
        target_finder=Hook("workbench.training.adaptation.target_modules.find_linears"),
        initializer=Hook("workbench.training.adaptation.initializers.get_loftq_model"),
        rereads_base=True,
        quantization="nf4",
        unsupported_quantizations=("int8", "int8_torchao"),
        reads_whole_weights=True,
        merges=True,
        needs="the base's weights in full precision during initialization",
        paper=Paper(
            "LoftQ: LoRA-Fine-Tuning-Aware Quantization for Large Language Models",
            2023,
            "2310.08659",
        ),
    ),
    Technique(
        name="eva",
        title="EVA",
        family="LoRA initialization",
        summary="LoRA initialized with the directions in which each layer's inputs vary most.",
        keywords=("explained variance", "activations"),
        learning_rate=3e-3,
        config="LoraConfig",
        fixed={"init_lora_weights": "eva", "eva_config": {}},
        hyperparameters=(*CUT_KNOBS, Hyperparameter("eva_config.rho", 1.0, 1.0, 4.0)),
        target_finder=Hook("workbench.training.adaptation.target_modules.find_linears"),
        initializer=Hook("workbench.training.adaptation.initializers.get_eva_model"),
        tasks=(*tasks_of("causal-lm"), *tasks_of("vision")),
        merges=True,
        needs="training rows for its initialization",
        paper=Paper(
            "One Initialization to Rule them All: Fine-tuning via Explained Variance Adaptation",
            2024,
            "2410.07170",
        ),
    ),
    Technique(
        name="corda",
        title="CorDA",
        family="LoRA initialization",
        summary="LoRA initialized from the SVD of each weight, oriented by the covariance of its inputs.",
        keywords=("context-oriented", "covariance"),
        learning_rate=1e-3,
        config="LoraConfig",
        fixed={"init_lora_weights": "corda", "corda_config": {}},
        hyperparameters=(
            *CUT_KNOBS,
            Hyperparameter("corda_config.corda_method", "ipm", choices=("ipm", "kpm")),
        ),
        target_finder=Hook("workbench.training.adaptation.target_modules.find_linears"),
        initializer=Hook("workbench.training.adaptation.initializers.get_corda_model"),
        tasks=tasks_of("causal-lm"),
        saves_difference=True,
        quantizable=False,
        merges=True,
        needs="training rows for its initialization",
        paper=Paper(
            "CorDA: Context-Oriented Decomposition Adaptation of Large Language Models for "
            "Task-Aware Parameter-Efficient Fine-tuning",
            2024,
            "2406.05223",
        ),
    ),
    Technique(
        name="lora_ga",
        title="LoRA-GA",
        family="LoRA initialization",
        summary="LoRA initialized from gradients, so that its first step is close to that of "
        "full fine-tuning.",
        keywords=("gradient approximation",),
        learning_rate=1e-3,
        config="LoraConfig",
        fixed={"init_lora_weights": "lora_ga", "lora_ga_config": {}},
        hyperparameters=CUT_KNOBS,
        target_finder=Hook("workbench.training.adaptation.target_modules.find_linears"),
        initializer=Hook("workbench.training.adaptation.initializers.get_lora_ga_model"),
        saves_difference=True,
        quantizable=False,
        merges=True,
        needs="training rows for its initialization",
        paper=Paper("LoRA-GA: Low-Rank Adaptation with Gradient Approximation", 2024, "2407.05000"),
    ),
)

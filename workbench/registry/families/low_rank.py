"""Low rank: the change of a weight is a product of thin matrices."""

from workbench.registry.hook import Hook
from workbench.registry.technique import Hyperparameter, Paper, Technique

# What is true of the rank wherever the change of a weight is a product of two matrices.
RANK = "Rank of the update B·A: doubling it doubles the trainable parameters."

LORA_KNOBS = (
    Hyperparameter(
        "r",
        8,
        1,
        64,
        limit=Hook("workbench.training.adaptation.argument_limits.fits_widest"),
        line=RANK,
    ),
    Hyperparameter("lora_alpha", 16, 1, 128, line="The update is multiplied by lora_alpha / r."),
    Hyperparameter(
        "lora_dropout", 0.0, 0.0, 0.5, below=1.0, line="Dropout probability on the input of A."
    ),
)

ENTRIES = (
    Technique(
        name="lora",
        title="LoRA",
        family="low-rank",
        summary="Adds the product of two trained low-rank matrices (rank r) to each linear layer.",
        keywords=("low-rank adaptation",),
        learning_rate=3e-3,
        config="LoraConfig",
        hyperparameters=LORA_KNOBS,
        target_finder=Hook("workbench.training.adaptation.target_modules.find_linears"),
        merges=True,
        paper=Paper("LoRA: Low-Rank Adaptation of Large Language Models", 2021, "2106.09685"),
    ),
    Technique(
        name="rslora",
        title="rsLoRA",
        family="low-rank",
        summary="LoRA scaled by lora_alpha / sqrt(r), so that high ranks learn as fast as low "
        "ones.",
        keywords=("rank-stabilized", "alpha / sqrt(r)"),
        learning_rate=2e-3,
        config="LoraConfig",
        fixed={"use_rslora": True},
        hyperparameters=LORA_KNOBS,
        target_finder=Hook("workbench.training.adaptation.target_modules.find_linears"),
        merges=True,
        paper=Paper(
            "A Rank Stabilization Scaling Factor for Fine-Tuning with LoRA", 2023, "2312.03732"
        ),
    ),
    Technique(
        name="dora",
        title="DoRA",
        family="low-rank",
        summary="LoRA on the direction of each weight, with a separately trained magnitude for "
        "each output.",
        keywords=("weight-decomposed", "magnitude and direction"),
        learning_rate=3e-3,
        config="LoraConfig",
        fixed={"use_dora": True},
        hyperparameters=LORA_KNOBS,
        target_finder=Hook("workbench.training.adaptation.target_modules.find_linears"),
        unsupported_quantizations=("int8",),
        merges=True,
        paper=Paper("DoRA: Weight-Decomposed Low-Rank Adaptation", 2024, "2402.09353"),
    ),
    Technique(
        name="qlora",
        title="QLoRA",
        family="low-rank",
        summary="LoRA on a frozen base whose weights are quantized to 4 bit (nf4).",
        keywords=("quantized lora", "nf4", "bitsandbytes", "int4"),
        learning_rate=3e-3,
        config="LoraConfig",
        hyperparameters=LORA_KNOBS,
        target_finder=Hook("workbench.training.adaptation.target_modules.find_linears"),
        quantization="nf4",
        # Defined by a base in 4 bit; over one in 8 bit it would be LoRA under another name.
        unsupported_quantizations=("int8", "int8_torchao"),
        merges=True,
        paper=Paper("QLoRA: Efficient Finetuning of Quantized LLMs", 2023, "2305.14314"),
    ),
    Technique(
        name="adalora",
        title="AdaLoRA",
        family="low-rank",
        summary="LoRA as a singular value decomposition whose least important singular values are removed.",
        keywords=("adaptive rank", "budget", "rank pruning"),
        learning_rate=5e-3,
        config="AdaLoraConfig",
        hyperparameters=(
            Hyperparameter(
                "init_r",
                12,
                1,
                64,
                limit=Hook("workbench.training.adaptation.argument_limits.fits_widest"),
                line="Rank of every layer at the start.",
            ),
            Hyperparameter(
                "target_r",
                8,
                1,
                64,
                limit=Hook("workbench.training.adaptation.argument_limits.fits_widest"),
                line="Average rank of the layers at the end.",
            ),
            Hyperparameter("lora_alpha", 32, 1, 128),
            Hyperparameter("orth_reg_weight", 0.5, 0.0, 1.0),
        ),
        target_finder=Hook("workbench.training.adaptation.target_modules.find_linears"),
        derived={
            "total_step": Hook("workbench.training.adaptation.derived_arguments.derive_total_step"),
        },
        after_step=Hook("workbench.training.adaptation.step_callbacks.reallocate"),
        merges=True,
        needs="the number of training steps in advance",
        paper=Paper(
            "AdaLoRA: Adaptive Budget Allocation for Parameter-Efficient Fine-Tuning",
            2023,
            "2303.10512",
        ),
    ),
    Technique(
        name="delora",
        title="DeLoRA",
        family="low-rank",
        summary="LoRA with normalized directions and a learned bound on the size of the whole "
        "update.",
        learning_rate=1e-2,
        config="DeloraConfig",
        hyperparameters=(
            Hyperparameter(
                "r",
                8,
                1,
                64,
                limit=Hook("workbench.training.adaptation.argument_limits.fits_widest"),
            ),
            Hyperparameter("delora_lambda", 4, 1, 60),
            Hyperparameter("module_dropout", 0.0, 0.0, 0.5, below=1.0),
        ),
        target_finder=Hook("workbench.training.adaptation.target_modules.find_linears"),
        quantizable=False,
        merges=True,
        paper=Paper("Decoupling Angles and Strength in Low-rank Adaptation", 2025, "2503.18225"),
    ),
    Technique(
        name="gralora",
        title="GraLoRA",
        family="low-rank",
        summary="Splits each weight into a grid of blocks and gives each block its own LoRA.",
        keywords=("granular",),
        learning_rate=3e-3,
        config="GraloraConfig",
        hyperparameters=(
            Hyperparameter(
                "r",
                8,
                1,
                64,
                limit=Hook("workbench.training.adaptation.argument_limits.fits_widest"),
            ),
            Hyperparameter(
                "gralora_k",
                2,
                1,
                8,
                limit=Hook("workbench.training.adaptation.argument_limits.fits_divides"),
            ),
            Hyperparameter("alpha", 16, 1, 128),
            Hyperparameter("gralora_dropout", 0.0, 0.0, 0.5, below=1.0),
        ),
        target_finder=Hook("workbench.training.adaptation.target_modules.find_linears"),
        merges=True,
        paper=Paper(
            "GraLoRA: Granular Low-Rank Adaptation for Parameter-Efficient Fine-Tuning",
            2025,
            "2505.20355",
        ),
    ),
    Technique(
        name="glora",
        title="GLoRA",
        family="low-rank",
        summary="Scales and shifts each weight and bias by learned low-rank or scalar terms.",
        learning_rate=3e-3,
        config="GloraConfig",
        hyperparameters=(
            Hyperparameter(
                "r",
                8,
                1,
                64,
                limit=Hook("workbench.training.adaptation.argument_limits.fits_widest"),
            ),
            Hyperparameter("config_A_B", "lora", choices=("lora", "vector", "constant", "none")),
            Hyperparameter("config_C", "lora", choices=("lora", "vector", "none")),
            Hyperparameter("config_D_E", "constant", choices=("vector", "constant", "none")),
        ),
        target_finder=Hook("workbench.training.adaptation.target_modules.find_linears"),
        quantizable=False,
        merges=True,
        paper=Paper(
            "One-for-All: Generalized LoRA for Parameter-Efficient Fine-tuning", 2023, "2306.07967"
        ),
    ),
    Technique(
        name="bdlora",
        title="BD-LoRA",
        family="low-rank",
        summary="LoRA with one of its two matrices block-diagonal, for tensor-parallel serving.",
        keywords=("block-diagonal", "tensor parallel"),
        learning_rate=3e-3,
        config="LoraConfig",
        fixed={"use_bdlora": {}},
        hyperparameters=(
            *LORA_KNOBS,
            Hyperparameter(
                "use_bdlora.nblocks",
                2,
                1,
                8,
                limit=Hook("workbench.training.adaptation.argument_limits.fits_divides"),
            ),
        ),
        target_finder=Hook("workbench.training.adaptation.target_modules.find_linears"),
        derived={
            "use_bdlora.target_modules_bd_a": Hook(
                "workbench.training.adaptation.derived_arguments.derive_target_modules_bd_a"
            ),
            "use_bdlora.target_modules_bd_b": Hook(
                "workbench.training.adaptation.derived_arguments.derive_target_modules_bd_b"
            ),
        },
        merges=True,
        paper=Paper(
            "Block-Diagonal LoRA for Eliminating Communication Overhead in Tensor Parallel LoRA "
            "Serving",
            2025,
            "2510.23346",
        ),
    ),
    Technique(
        name="monteclora",
        title="MonteCLoRA",
        family="low-rank",
        summary="LoRA with learned random noise on its first matrix during training, and a "
        "prior on this noise.",
        keywords=("bayesian", "monte carlo"),
        learning_rate=3e-3,
        config="LoraConfig",
        fixed={"monteclora_config": {}},
        checkpointable=False,
        needs_weights=True,
        hyperparameters=(
            *LORA_KNOBS,
            Hyperparameter("monteclora_config.num_samples", 8, 1, 32),
            Hyperparameter("monteclora_config.sample_scaler", 1e-4, 0.0, 1e-2),
        ),
        target_finder=Hook("workbench.training.adaptation.target_modules.find_linears"),
        forward_hook=Hook("workbench.training.adaptation.forward_hooks.add_monteclora_loss"),
        merges=True,
        paper=Paper(
            "Robust and Efficient Fine-tuning of LLMs with Bayesian Reparameterization of "
            "Low-Rank Adaptation",
            2024,
            "2411.04358",
        ),
    ),
    Technique(
        name="velora",
        title="VeLoRA",
        family="low-rank",
        summary="LoRA that stores its inputs in compressed form for the backward pass.",
        keywords=("activation compression", "memory"),
        learning_rate=3e-3,
        config="LoraConfig",
        fixed={"velora_config": {}},
        hyperparameters=(
            *LORA_KNOBS,
            Hyperparameter(
                "velora_config.num_groups",
                16,
                1,
                64,
                limit=Hook("workbench.training.adaptation.argument_limits.fits_divides_inputs"),
            ),
            Hyperparameter("velora_config.scale", 1.0, 0.0, 4.0, strict=True),
        ),
        target_finder=Hook("workbench.training.adaptation.target_modules.find_linears"),
        quantizable=False,
        merges=True,
        paper=Paper(
            "VeLoRA: Memory Efficient Training using Rank-1 Sub-Token Projections",
            2024,
            "2405.17991",
        ),
    ),
    Technique(
        name="alora",
        title="Activated LoRA",
        family="low-rank",
        summary="LoRA active only from the invocation tokens on, so that the base's key-value cache is reusable.",
        keywords=("activated", "kv cache", "instruction"),
        learning_rate=3e-3,
        config="LoraConfig",
        hyperparameters=LORA_KNOBS,
        target_finder=Hook("workbench.training.adaptation.target_modules.find_linears"),
        derived={
            "alora_invocation_tokens": Hook(
                "workbench.training.adaptation.derived_arguments.derive_alora_invocation_tokens"
            ),
        },
        tasks=("instruct",),
        needs="tokens that precede every answer, taken from the training rows",
        paper=Paper("Activated LoRA: Fine-tuned LLMs for Intrinsics", 2025, "2504.12397"),
    ),
)

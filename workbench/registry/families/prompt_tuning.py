"""Prompts: learnt vectors stand where words or their keys and values would."""

from workbench.registry.hook import Hook
from workbench.registry.tasks import OF_TEXT
from workbench.registry.technique import Hyperparameter, Paper, Technique

# What PEFT wants to know of the base, and does not find in the config of every model.
SHAPES = {
    "token_dim": Hook("workbench.training.adaptation.derived_arguments.derive_token_dim"),
    "num_layers": Hook("workbench.training.adaptation.derived_arguments.derive_num_layers"),
    "num_attention_heads": Hook(
        "workbench.training.adaptation.derived_arguments.derive_num_attention_heads"
    ),
}
VIRTUAL_TOKENS = "Trained vectors put before the tokens of each row."
TOKENS = Hyperparameter("num_virtual_tokens", 16, 1, 100, line=VIRTUAL_TOKENS, unit="tokens")

ENTRIES = (
    Technique(
        name="prompt_tuning",
        title="Prompt tuning",
        family="prompt",
        summary="Adds a few trained vectors (virtual tokens) before the embeddings of the text.",
        keywords=("soft prompt",),
        learning_rate=3e-2,
        scales_with_width=False,
        config="PromptTuningConfig",
        hyperparameters=(
            TOKENS,
            Hyperparameter("prompt_tuning_init", "RANDOM", choices=("RANDOM", "SAMPLE_VOCAB")),
        ),
        derived=SHAPES,
        tasks=OF_TEXT,
        paper=Paper("The Power of Scale for Parameter-Efficient Prompt Tuning", 2021, "2104.08691"),
    ),
    Technique(
        name="p_tuning",
        title="P-tuning",
        family="prompt",
        summary="Adds virtual tokens that a prompt encoder (MLP or LSTM) computes from trained vectors.",
        keywords=("prompt encoder", "lstm"),
        learning_rate=3e-3,
        scales_with_width=False,
        config="PromptEncoderConfig",
        hyperparameters=(
            TOKENS,
            Hyperparameter("encoder_hidden_size", 128, 8, 1024),
            Hyperparameter("encoder_reparameterization_type", "MLP", choices=("MLP", "LSTM")),
            Hyperparameter("encoder_dropout", 0.0, 0.0, 0.5, below=1.0),
        ),
        derived=SHAPES,
        tasks=OF_TEXT,
        paper=Paper("GPT Understands, Too", 2021, "2103.10385"),
    ),
    Technique(
        name="multitask_prompt_tuning",
        title="Multitask prompt tuning",
        family="prompt",
        summary="Adds virtual tokens shared by all tasks, multiplied by a low-rank matrix per "
        "task (here: one).",
        learning_rate=1e-2,
        scales_with_width=False,
        config="MultitaskPromptTuningConfig",
        hyperparameters=(TOKENS, Hyperparameter("num_ranks", 1, 1, 8)),
        derived=SHAPES,
        tasks=OF_TEXT,
        forward_hook=Hook("workbench.training.adaptation.forward_hooks.give_task_ids"),
        paper=Paper(
            "Multitask Prompt Tuning Enables Parameter-Efficient Transfer Learning",
            2023,
            "2303.02861",
        ),
    ),
    Technique(
        name="cpt",
        title="Context-aware prompt tuning",
        family="prompt",
        summary="Adds training rows before the text and trains small changes of their embeddings.",
        learning_rate=3e-3,
        scales_with_width=False,
        config="CPTConfig",
        own_loss=True,
        hyperparameters=(
            Hyperparameter("num_virtual_tokens", 32, 2, 256, line=VIRTUAL_TOKENS, unit="tokens"),
            Hyperparameter("opt_projection_epsilon", 0.1, 0.0, 1.0, strict=True),
            Hyperparameter("opt_weighted_loss_type", "none", choices=("none", "decay")),
        ),
        derived={
            "cpt_token_ids": Hook(
                "workbench.training.adaptation.derived_arguments.derive_cpt_token_ids"
            ),
            "cpt_tokens_type_mask": Hook(
                "workbench.training.adaptation.derived_arguments.derive_cpt_tokens_type_mask"
            ),
        },
        tasks=("lm", "instruct"),
        needs="training rows for its context",
        paper=Paper(
            "Context-aware Prompt Tuning: Advancing In-Context Learning with Adversarial Methods",
            2024,
            "2410.17222",
        ),
    ),
    Technique(
        name="prefix_tuning",
        title="Prefix tuning",
        family="prompt",
        summary="Adds a few trained keys and values to the attention of each layer.",
        keywords=("prefix", "past key values"),
        learning_rate=1e-2,
        scales_with_width=False,
        config="PrefixTuningConfig",
        checkpointable=False,
        hyperparameters=(TOKENS, Hyperparameter("prefix_projection", False, choices=(False, True))),
        derived=SHAPES,
        tasks=OF_TEXT,
        paper=Paper(
            "Prefix-Tuning: Optimizing Continuous Prompts for Generation", 2021, "2101.00190"
        ),
    ),
    Technique(
        name="cartridge",
        title="Cartridge",
        family="prompt",
        summary="Trains a key-value cache for each layer; the first token's keys and values stay frozen.",
        keywords=("kv cache",),
        learning_rate=1e-2,
        scales_with_width=False,
        config="CartridgeConfig",
        checkpointable=False,
        hyperparameters=(TOKENS, Hyperparameter("num_frozen_tokens", 1, 0, 8, unit="tokens")),
        derived=SHAPES,
        tasks=OF_TEXT,
        paper=Paper(
            "Cartridges: Lightweight and general-purpose long context representations via "
            "self-study",
            2025,
            "2506.06266",
        ),
    ),
    Technique(
        name="adaption_prompt",
        title="LLaMA-Adapter",
        family="prompt",
        summary="Lets the attention of the upper layers read trained vectors, through a gate that "
        "starts at zero.",
        keywords=("adaption prompt", "zero-init attention"),
        learning_rate=1e-2,
        scales_with_width=False,
        config="AdaptionPromptConfig",
        hyperparameters=(Hyperparameter("adapter_len", 16, 1, 100, unit="tokens"),),
        derived={
            "adapter_layers": Hook(
                "workbench.training.adaptation.derived_arguments.derive_adapter_layers"
            ),
        },
        tasks=("lm", "instruct"),
        quantizable=False,
        paper=Paper(
            "LLaMA-Adapter: Efficient Fine-tuning of Language Models with Zero-init Attention",
            2023,
            "2303.16199",
        ),
    ),
)

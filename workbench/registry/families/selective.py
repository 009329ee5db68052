"""Selective: some of the base's own parameters are trained, and nothing is added."""

from workbench.registry.hook import Hook
from workbench.registry.tasks import OF_TEXT, TASKS
from workbench.registry.technique import Hyperparameter, Paper, Technique

ENTRIES = (
    Technique(
        name="head_only",
        title="Head only",
        family="selective",
        summary="Trains only the new classification head; the base stays frozen.",
        keywords=("linear probe", "linear probing", "classifier"),
        learning_rate=1e-2,
        trainable="selected",
        selector=Hook("workbench.registry.parameter_selectors.select_head"),
        head_only=True,
        tasks=tuple(task.name for task in TASKS.values() if task.labels),
    ),
    Technique(
        name="bitfit",
        title="BitFit",
        family="selective",
        summary="Trains only the biases of the base.",
        keywords=("bias-only", "biases"),
        learning_rate=1e-2,
        scales_with_width=False,
        trainable="selected",
        selector=Hook("workbench.registry.parameter_selectors.select_biases"),
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
        name="ln_tuning",
        title="LayerNorm tuning",
        family="selective",
        summary="Trains only the normalization layers of the base.",
        keywords=("layer norm", "normalization"),
        learning_rate=3e-3,
        scales_with_width=False,
        config="LNTuningConfig",
        target_finder=Hook("workbench.training.adaptation.target_modules.find_norms"),
        merges=True,
        paper=Paper(
            "Tuning LayerNorm in Attention: Towards Efficient Multi-Modal LLM Finetuning",
            2023,
            "2312.11420",
        ),
    ),
    Technique(
        name="trainable_tokens",
        title="Trainable tokens",
        family="selective",
        summary="Trains the embeddings of a few tokens of the vocabulary; all others stay frozen.",
        learning_rate=1e-2,
        scales_with_width=False,
        config="TrainableTokensConfig",
        derived={
            "token_indices": Hook(
                "workbench.training.adaptation.derived_arguments.derive_token_indices"
            ),
        },
        tasks=tuple(task.name for task in TASKS.values() if not task.labels),
        merges=True,
        needs="the tokens to train (default: the most frequent ones in the training rows)",
    ),
    Technique(
        name="last_layers",
        title="Last layers",
        family="selective",
        summary="Trains the last blocks of the base; the blocks below stay frozen.",
        keywords=("top layers", "freeze lower layers"),
        learning_rate=1e-3,
        hyperparameters=(
            Hyperparameter(
                "num_layers", 1, 1, 12, line="Blocks trained, counted from the top.", unit="blocks"
            ),
        ),
        trainable="selected",
        selector=Hook("workbench.registry.parameter_selectors.select_last_layers"),
        selects_by_depth=True,
        quantizable=False,
        merges=True,
    ),
    Technique(
        name="embeddings_only",
        title="Embeddings only",
        family="selective",
        summary="Trains the token embeddings; all other layers stay frozen.",
        learning_rate=3e-3,
        scales_with_width=False,
        trainable="selected",
        selector=Hook("workbench.registry.parameter_selectors.select_embeddings"),
        tasks=OF_TEXT,
        quantizable=False,
        merges=True,
    ),
)

"""Adapters: small networks of their own beside the base's layers."""

from workbench.registry.hook import Hook
from workbench.registry.tasks import TASKS
from workbench.registry.technique import Hyperparameter, Paper, Technique


def _knobs(scaling: float) -> tuple[Hyperparameter, ...]:
    return (
        Hyperparameter(
            "bottleneck_dim", 16, 1, 256, line="Width of the narrow layer inside each adapter."
        ),
        Hyperparameter("non_linearity", "relu", choices=("relu", "gelu", "silu", "tanh")),
        Hyperparameter("scaling", scaling, 0.0, 10.0, strict=True),
        Hyperparameter("adapter_dropout", 0.0, 0.0, 0.5, below=1.0),
    )


ENTRIES = (
    Technique(
        name="houlsby",
        title="Houlsby adapters",
        family="adapter",
        summary="Inserts a small trained network after the attention and after the "
        "feed-forward of each block.",
        keywords=("bottleneck adapter", "series adapter", "adapterhub", "double_seq_bn"),
        learning_rate=3e-3,
        config="BottleneckConfig",
        fixed={"variant": "houlsby"},
        hyperparameters=_knobs(1.0),
        target_finder=Hook("workbench.training.adaptation.target_modules.find_houlsby"),
        paper=Paper("Parameter-Efficient Transfer Learning for NLP", 2019, "1902.00751"),
    ),
    Technique(
        name="pfeiffer",
        title="Pfeiffer adapters",
        family="adapter",
        summary="Inserts a small trained network after the feed-forward of each block.",
        keywords=("bottleneck adapter", "adapterhub", "seq_bn"),
        learning_rate=5e-3,
        config="BottleneckConfig",
        fixed={"variant": "pfeiffer"},
        hyperparameters=_knobs(1.0),
        target_finder=Hook("workbench.training.adaptation.target_modules.find_pfeiffer"),
        paper=Paper(
            "AdapterFusion: Non-Destructive Task Composition for Transfer Learning",
            2020,
            "2005.00247",
        ),
    ),
    Technique(
        name="parallel_adapter",
        title="Parallel adapters",
        family="adapter",
        summary="Adds a small trained network parallel to the feed-forward of each block, with "
        "the same input.",
        keywords=("bottleneck adapter", "par_bn"),
        learning_rate=1e-2,
        config="BottleneckConfig",
        fixed={"variant": "parallel"},
        hyperparameters=_knobs(4.0),
        target_finder=Hook("workbench.training.adaptation.target_modules.find_parallel"),
        paper=Paper(
            "Towards a Unified View of Parameter-Efficient Transfer Learning", 2021, "2110.04366"
        ),
    ),
    Technique(
        name="peanut",
        title="PEANuT",
        family="adapter",
        summary="Computes the update of each weight from the weight itself, with a small "
        "trained network.",
        learning_rate=3e-3,
        config="PeanutConfig",
        hyperparameters=(
            Hyperparameter("r", 16, 1, 128),
            Hyperparameter("depth", 0, 0, 4),
            Hyperparameter("act_fn", "relu", choices=("relu", "gelu", "silu", "tanh")),
            Hyperparameter("scaling", 1.0, 0.0, 8.0, strict=True),
        ),
        target_finder=Hook("workbench.training.adaptation.target_modules.find_linears"),
        quantizable=False,
        merges=True,
        paper=Paper(
            "PEANuT: Parameter-Efficient Adaptation with Weight-aware Neural Tweakers",
            2024,
            "2410.01870",
        ),
    ),
    Technique(
        name="shadow",
        title="Shadow",
        family="adapter",
        summary="Runs a small copy of the base in parallel, which corrects the hidden states "
        "that enter each block.",
        learning_rate=1e-3,
        config="ShadowConfig",
        target_finder=Hook("workbench.training.adaptation.target_modules.find_blocks"),
        # It cannot follow a decoder that reads one token at a time beside an encoder, and it starts
        # from the vectors of words.
        tasks=tuple(name for name in TASKS if name not in ("seq2seq", "image_classify")),
        hyperparameters=(
            Hyperparameter("r", 8, 1, 64),
            Hyperparameter("shadow_alpha", 0.1, 0.0, 1.0, strict=True),
            Hyperparameter("shadow_dropout", 0.2, 0.0, 0.5, below=1.0),
            Hyperparameter("auxiliary_loss_weight", 0.05, 0.0, 1.0),
        ),
        paper=Paper(
            "ShadowPEFT: Shadow Network for Parameter-Efficient Fine-Tuning", 2026, "2604.19254"
        ),
    ),
)

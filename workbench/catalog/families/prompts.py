"""Prompts: learnt vectors stand where words or their keys and values would."""

from workbench.catalog.tasks import OF_TEXT
from workbench.catalog.technique import Knob, Paper, Technique

ENTRIES = (
    Technique(
        name="prompt_tuning",
        title="Prompt tuning",
        family="prompt",
        changes="Puts a few learnt vectors before the text's own embeddings.",
        learning_rate=3e-2,
        config="PromptTuningConfig",
        knobs=(
            Knob("num_virtual_tokens", 16, 1, 100),
            Knob("prompt_tuning_init", "RANDOM", choices=("RANDOM", "SAMPLE_VOCAB")),
        ),
        tasks=OF_TEXT,
        paper=Paper("The Power of Scale for Parameter-Efficient Prompt Tuning", 2021, "2104.08691"),
    ),
    Technique(
        name="prefix_tuning",
        title="Prefix tuning",
        family="prompt",
        changes="Gives the attention of each layer a few learnt keys and values to look at.",
        learning_rate=1e-2,
        config="PrefixTuningConfig",
        knobs=(
            Knob("num_virtual_tokens", 16, 1, 100),
            Knob("prefix_projection", False, choices=(False, True)),
        ),
        tasks=OF_TEXT,
        paper=Paper(
            "Prefix-Tuning: Optimizing Continuous Prompts for Generation", 2021, "2101.00190"
        ),
    ),
)

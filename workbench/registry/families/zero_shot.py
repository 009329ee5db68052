"""Prompting: nothing is trained; the base is asked as it is, with or without examples."""

from workbench.registry.prompt_templates import TEMPLATES, FewShotConfig, ZeroShotConfig
from workbench.registry.technique import Hyperparameter, Paper, Technique

ENTRIES = (
    Technique(
        name="zero_shot",
        title="Zero-shot prompting",
        family="prompting",
        summary="Trains nothing: writes each row into a template and takes the base's most "
        "likely answer.",
        keywords=("no training", "prompt template"),
        learning_rate=None,
        trainable="nothing",
        settings=ZeroShotConfig,
        tasks=tuple(TEMPLATES),
    ),
    Technique(
        name="few_shot",
        title="Few-shot prompting",
        family="prompting",
        summary="Trains nothing: puts a few training rows with their answers as examples "
        "before each row.",
        keywords=("no training", "examples", "demonstrations"),
        learning_rate=None,
        trainable="nothing",
        settings=FewShotConfig,
        hyperparameters=(
            Hyperparameter(
                "num_examples", 4, 1, 16, line="Examples shown before each row.", unit="rows"
            ),
        ),
        tasks=tuple(TEMPLATES),
        paper=Paper("Language Models are Few-Shot Learners", 2020, "2005.14165"),
    ),
)

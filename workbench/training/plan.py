"""A plan is a recipe with everything looked up: the literal facts of one run.

The run's folder has it beside the recipe, and the exporter prints the run as a script from it alone,
so it holds plain data only.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from typing import Any, Final

# What transformers calls a classifier that gives each row one label.
SINGLE_LABEL: Final = "single_label_classification"


@dataclass(frozen=True)
class Plan:
    """The facts of one run, as plain data.

    Parameters
    ----------
    recipe : dict
        The recipe with the technique's defaults filled in.
    model_path : str
        Folder of the base.
    model_id, model_commit : str or None
        Its name and commit on the hub, where it came from there.
    auto_class : str
        The class of transformers that loads it.
    new_parameters : list of str
        Parameters that are drawn anew from the seed: the task's head.
    heads : list of str
        Modules beside the backbone, which are not quantised when the base is loaded.
    resizes_head : bool
        Whether the checkpoint has a head for another number of labels.
    trainable : {"adapter", "all", "selected", "nothing"}
        What is trained.
    selected : list of str
        The base's own parameters that are trained, if some of them are.
    selector, initializer, after_step, forward_hook, saves_difference
        See :class:`workbench.registry.technique.Technique`.
    start_rows : int
        How many training rows the technique's initializer reads; 0 if none.
    optimizer : dict
        See :func:`workbench.training.adaptation.optimizer.optimizer_facts`; empty where nothing is trained.
    prompt : dict
        See :func:`workbench.training.inputs.few_shot_plan.prompt_facts`; empty where something is trained.
    config_class : str or None
        The PEFT config class.
    config : dict
        Its arguments, in full.
    data : dict
        ``format``, ``train``, ``eval``, ``train_split``, ``config`` and ``revision`` of the data's
        source, and the ``sha256`` of its files by their path.
    columns : dict
        Column of each role.
    conversation : dict
        How rows become conversations: ``form`` (one of
        :data:`workbench.sources.datasets.conversations.find.FORMS`), ``prompt_template``,
        ``system_prompt``, ``completion_only``, and of the tokenizer's chat template ``has_template``,
        ``marks_answers`` and ``writes_date``; empty where they do not.
    labels : list of str
        The labels, in the order of the classifier's outputs.
    padding_side : {"left", "right"}
        Side on which rows with one label are padded.
    mask_positions : bool
        Whether the model gets ``position_ids`` that are counted from the attention mask.
    virtual_labels : int
        Virtual tokens for which the labels of each row must leave room.
    max_length : int
        Most tokens in a row; 0 for images.
    max_prompt_length : int
        Most tokens in a prompt that an answer is generated for; 0 where none is.
    max_steps : int
        Optimizer steps.
    gathers_statistics : bool
        Whether some layers of the base update running statistics in training.
    labelled_logits : bool
        Whether logits are computed only where there are labels.
    sets_pad_token : bool
        Whether the tokenizer lacks a padding token and pads with the end-of-text token.
    threads : int
        torch's intra-op threads: the order of sums, and so the last bits, depends on them.
    device : str
        ``cpu`` or ``cuda``.
    versions : dict
        Versions of the packages that read, compute and save.
    notes : list of str
        What the user should know about the base, the data and the settings.
    fused : int
        How many runs trained together in one pass of their base, this one among them; 0 if it trained
        alone. Its losses are then those of training alone within float tolerance.
    has_adapter : bool
        Whether the base's folder holds an adapter too, which is not loaded.
    prequantized : bool
        Whether the checkpoint is itself stored in the recipe's quantization.
    full_precision_modules : list of str
        Modules of such a checkpoint that must be loaded in full precision, because the task's new ones
        are among them; empty where the checkpoint says enough itself.
    replaces_problem_type : bool
        Whether the base was trained for several labels at once, or for a number.
    split : dict
        Arguments of :func:`workbench.training.inputs.split.split_rows` that say which rows belong
        together; empty where the data has evaluation rows.
    eval_label_counts : dict of str to int
        How often each label occurs in the evaluation rows; empty where the task has no labels.
    """

    recipe: dict[str, Any]
    model_path: str
    model_id: str | None
    model_commit: str | None
    auto_class: str
    new_parameters: list[str]
    heads: list[str]
    resizes_head: bool
    trainable: str
    selected: list[str]
    selector: str | None
    initializer: str
    start_rows: int
    saves_difference: bool
    after_step: str | None
    forward_hook: str | None
    optimizer: dict[str, Any]
    prompt: dict[str, Any]
    config_class: str | None
    config: dict[str, Any]
    data: dict[str, Any]
    columns: dict[str, str]
    labels: list[str]
    padding_side: str
    mask_positions: bool
    virtual_labels: int
    max_length: int
    max_prompt_length: int
    max_steps: int
    gathers_statistics: bool
    labelled_logits: bool
    sets_pad_token: bool
    threads: int
    device: str
    versions: dict[str, str]
    notes: list[str]
    fused: int = 0
    conversation: dict[str, Any] = field(default_factory=dict)
    has_adapter: bool = False
    prequantized: bool = False
    full_precision_modules: list[str] = field(default_factory=list)
    replaces_problem_type: bool = False
    split: dict[str, Any] = field(default_factory=dict)
    eval_label_counts: dict[str, int] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """Return the plan as plain data."""
        return dataclasses.asdict(self)

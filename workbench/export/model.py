"""The part of a script that loads the base and adapts it, as the run did."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from workbench.export.literals import Code, call, literal
from workbench.export.plan import ScriptPlan
from workbench.export.source import read
from workbench.recipe import COMPUTING
from workbench.sources.models.folders import WITHOUT_ADAPTER
from workbench.training.plan import SINGLE_LABEL


def model(plan: ScriptPlan) -> Iterator[str]:
    """Write the lines that load and adapt the model."""
    kwargs: dict[str, Any] = {"dtype": Code("torch.float32"), **origin(plan)}
    labels: dict[str, Any] = {}
    names = plan.labels and plan.trains
    if names:
        labels["id2label"] = Code("dict(enumerate(LABELS))")
        if plan.replaces_problem_type:
            labels["problem_type"] = SINGLE_LABEL
    stored = plan.quantization
    if stored is not None and plan.full_precision_modules:
        yield "# The checkpoint is quantized; the new head, which its config does not name, must not be."
        config = call("AutoConfig.from_pretrained", Code("args.model"), **origin(plan), **labels)
        yield f"stored = {config}"
        yield f"stored.quantization_config[{literal(stored.skips)}] = {literal(plan.full_precision_modules)}"
        kwargs["config"] = Code("stored")
    else:
        kwargs |= labels
    if plan.resizes_head:
        kwargs["ignore_mismatched_sizes"] = True
    if plan.has_adapter:
        yield "# The folder of the base also contains an adapter, which must not be loaded."
        kwargs["adapter_kwargs"] = WITHOUT_ADAPTER
    if stored is not None and not plan.prequantized:
        first = [call(stored.inner, **stored.inner_arguments)] if stored.inner else []
        yield f"# {stored.sentence}"
        storage = call(stored.config, *first, **stored.arguments, **{stored.skips: plan.heads})
        yield f"quantization_config = {storage}"
        kwargs["quantization_config"] = Code("quantization_config")
    load = call(f"{plan.auto_class}.from_pretrained", Code("args.model"), **kwargs)
    # Adapters are drawn on the device that the base is on; bitsandbytes packs weights there by itself.
    moved = plan.device != "cpu" and (stored is None or stored.package != "bitsandbytes")
    yield f"model = {load}{'.to(accelerator.device)' if moved else ''}"
    if names:
        # They are saved with what is trained.
        index = "{label: index for index, label in enumerate(LABELS)}"
        yield f"model.config.label2id = {index}"
    if plan.prequantized:
        yield "widen(model)"
    if stored is not None and stored.bits == 4:
        yield "keep_packed(model)"
    if plan.recipe.convert_conv1d:
        yield "# Before the adapter is loaded again, its base must be converted in the same way."
        yield "convert_conv1d(model)"
    if plan.trains:
        yield from _adapted(plan)
    for name in settings(plan):
        yield f"use_{name}(model)"


def _adapted(plan: ScriptPlan) -> Iterator[str]:
    technique = plan.technique
    if plan.collator == "collate_left":
        yield "model.config.pad_token_id = tokenizer.pad_token_id"
    if plan.mask_positions:
        yield "use_mask_positions(model)"
    yield "# All random initialization happens from here on, in this order."
    yield "set_seed(SEED)"
    if plan.new_parameters:
        yield "new_head(model, NEW_PARAMETERS)"
    if technique.selector is not None:
        new = Code("NEW_PARAMETERS" if plan.new_parameters else "[]")
        arguments = plan.recipe.technique_args
        yield f"selected = {call(technique.selector, Code('model'), new, **arguments)}"
        yield "for name, parameter in model.named_parameters():"
        yield "    parameter.requires_grad_(name in selected)"
    if technique.config is not None:
        yield from _injected(plan)
    if plan.keeps_statistics:
        yield "keep_statistics(model)"


def _injected(plan: ScriptPlan) -> Iterator[str]:
    technique = plan.technique
    assert technique.config is not None
    if is_carried(technique.config):
        yield "register()"
    targets = {"target_modules": Code("TARGET_MODULES")} if plan.names_targets else {}
    yield f"config = {call(technique.config, **{**plan.config, **targets})}"
    arguments = [Code("model"), Code("config")]
    if rows := plan.start_rows:
        size = plan.recipe.per_device_train_batch_size
        device = Code("accelerator.device")
        first = call("fixed_batches", Code(f"train_set[:{rows}]"), size, Code("collate"), device)
        yield f"first_batches = {first}"
        arguments.append(Code("first_batches"))
    yield f"model = {call(technique.initializer, *arguments)}"
    if technique.forward_hook is not None:
        yield f"{technique.forward_hook}(model)"
    if technique.saves_difference:
        yield "# The trained adapter is saved as the difference to this state."
        yield "initial_state = lora_state(model)"


def is_carried(config: str) -> bool:
    """Tell whether a config class is one of this package's, which PEFT must be told of."""
    return read("workbench.export.offered").find(config) is not None


def settings(plan: ScriptPlan) -> list[str]:
    """Name what changes how the plan's model computes."""
    first = ["labelled_logits"] if plan.labelled_logits else []
    return first + [name for name in COMPUTING if getattr(plan.recipe, name)]


def optimizer(plan: ScriptPlan) -> Iterator[str]:
    """Write the lines that make the optimizer."""
    facts = plan.optimizer
    assert facts is not None
    base = [Code(f"torch.optim.{facts.kind}")] if facts.kind else []
    if facts.function is None:
        yield "trainable = [parameter for parameter in model.parameters() if parameter.requires_grad]"
        yield f"optimizer = {call(base[0], Code('trainable'), **facts.arguments)}"
    else:
        yield f"optimizer = {call(facts.function, Code('model'), *base, **facts.arguments)}"


def origin(plan: ScriptPlan) -> dict[str, Any]:
    """Return what to say beside a model's name: its commit, and that its own code may run."""
    commit = {"revision": Code("args.revision")} if plan.model_id else {}
    return commit | ({"trust_remote_code": True} if plan.recipe.trust_remote_code else {})

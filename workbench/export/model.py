"""The part of a script that loads the base and adapts it, as the run did."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from workbench.export.layout import Code, call, lay
from workbench.recipe import COMPUTING
from workbench.registry.quantizations import QUANTIZATIONS
from workbench.registry.tasks import TASKS
from workbench.sources.models.folders import WITHOUT_ADAPTER


def collator(plan: Mapping[str, Any]) -> str:
    """Name the function that makes the plan's batches."""
    return TASKS[plan["recipe"]["task"]].collator(plan["padding_side"])


def encoding(plan: Mapping[str, Any]) -> dict[str, Any]:
    """Return the arguments with which the plan's rows are encoded."""
    columns = {f"{role}_column": column for role, column in plan["columns"].items()}
    labels: dict[str, Any] = {"labels": Code("LABELS")} if plan["labels"] else {}
    limits = {name: plan[name] for name in ("max_length", "max_prompt_length") if plan[name]}
    return {**columns, **labels, **limits}


def model(plan: Mapping[str, Any]) -> Iterator[str]:
    settings = plan["recipe"]
    given: dict[str, Any] = {"dtype": Code("torch.float32"), **origin(plan)}
    trains = plan["trains"] != "nothing"
    entry = QUANTIZATIONS.get(settings["quantization"])
    labels: dict[str, Any] = {}
    if plan["labels"] and trains:
        labels["id2label"] = Code("dict(enumerate(LABELS))")
        labels["label2id"] = Code("{label: index for index, label in enumerate(LABELS)}")
    if entry is not None and plan.get("whole"):
        yield "    # The checkpoint is stored in fewer bits and does not know of the new head, which is not."
        yield call(
            "stored = AutoConfig.from_pretrained", Code("args.model"), **origin(plan), **labels
        )
        yield lay(f'stored.quantization_config["{entry.skips}"] = ', plan["whole"], indent=4)
        given["config"] = Code("stored")
    else:
        given |= labels
    if plan["resizes_head"]:
        given["ignore_mismatched_sizes"] = True
    if plan.get("has_adapter"):
        yield "    # An adapter lies beside the base and would be loaded with it: it is looked for elsewhere."
        given["adapter_kwargs"] = WITHOUT_ADAPTER
    # Plans of earlier versions know only of bases that are stored so while they are loaded.
    if entry is not None and not plan.get("prequantized"):
        first = [Code(f"{entry.inner}()")] if entry.inner else []
        skips = {entry.skips: plan["heads"]}
        yield f"    # {entry.sentence}"
        yield call(f"storage = {entry.config}", *first, **entry.arguments, **skips)
        given["quantization_config"] = Code("storage")
    # Adapters are drawn on the device that the base is on.
    moved = plan["device"] != "cpu" and settings["quantization"] is None
    yield call(
        f"model = {plan['auto_class']}.from_pretrained",
        Code("args.model"),
        **given,
        after=".to(accelerator.device)" if moved else "",
    )
    if plan.get("prequantized"):
        yield "    widen(model)"
    if entry is not None and entry.bits == 4:
        yield "    keep_packed(model)"
    if settings["convert_conv1d"]:
        yield "    # Whoever loads the adapter must rewrite its base like this first."
        yield "    convert_conv1d(model)"
    if not trains:
        yield from _computing(plan)
        return
    if collator(plan) == "collate_left":
        yield "    model.config.pad_token_id = tokenizer.pad_token_id"
    if plan.get("mask_positions"):
        yield "    use_mask_positions(model)"
    yield "    # Whatever is drawn at random is drawn from here on, in this order."
    yield "    set_seed(SEED)"
    if plan["fresh"]:
        yield "    new_head(model, NEW_PARAMETERS)"
    if plan["trains"] == "selected":
        new = Code("NEW_PARAMETERS" if plan["fresh"] else "[]")
        arguments = settings["technique_args"]
        yield call(f"chosen = select_{plan['selects']}", Code("model"), new, **arguments)
        yield "    for name, parameter in model.named_parameters():"
        yield "        parameter.requires_grad_(name in chosen)"
    if plan["config_class"]:
        if plan["config_class"] == "BottleneckConfig":
            yield "    register()"
        yield call(f"config = {plan['config_class']}", **plan["config"])
        yield from _inject(plan)
    if keeps_statistics(plan):
        yield "    keep_statistics(model)"
    yield from _computing(plan)


def _inject(plan: Mapping[str, Any]) -> Iterator[str]:
    if not plan["start_rows"]:
        yield f"    model = {plan['injects']}(model, config)"
    else:
        rows = plan["start_rows"]
        size = plan["recipe"]["per_device_train_batch_size"]
        yield f"    start = fixed_batches(train_set[:{rows}], {size}, collate, accelerator.device)"
        yield f"    model = {plan['injects']}(model, config, start)"
    if plan["wires"]:
        yield f"    {plan['wires']}(model)"
    if plan["restarts"]:
        yield "    # What is learnt will be saved as the difference to this."
        yield "    began = lora_state(model)"


def keeps_statistics(plan: Mapping[str, Any]) -> bool:
    """Tell whether running statistics stay as they are where they are not trained with their layer."""
    # Runs of earlier versions did not ask.
    return bool(plan.get("gathers_statistics")) and plan["trains"] in ("adapter", "selected")


def settings_of(plan: Mapping[str, Any]) -> list[str]:
    """Name what changes how the plan's model computes."""
    # Runs of earlier versions had none.
    first = ["labelled_logits"] if plan.get("labelled_logits") else []
    return first + [name for name in COMPUTING if plan["recipe"].get(name)]


def _computing(plan: Mapping[str, Any]) -> Iterator[str]:
    for name in settings_of(plan):
        yield f"    use_{name}(model)"


def optimizer(plan: Mapping[str, Any]) -> Iterator[str]:
    """Write the lines that make the optimizer."""
    facts = plan["optimizer"]
    kind = [Code(f"torch.optim.{facts['class']}")] if facts["class"] else []
    if facts["function"] is None:
        yield "    trained = [parameter for parameter in model.parameters() if parameter.requires_grad]"
        yield call(f"optimizer = {kind[0]}", Code("trained"), **facts["arguments"])
    else:
        yield call(f"optimizer = {facts['function']}", Code("model"), *kind, **facts["arguments"])


def origin(plan: Mapping[str, Any]) -> dict[str, Any]:
    """Return what to say beside a model's name: its commit, and that its own code may run."""
    commit = {"revision": Code("args.revision")} if plan["model_id"] else {}
    return commit | ({"trust_remote_code": True} if plan["recipe"]["trust_remote_code"] else {})

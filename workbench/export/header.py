"""The top of a script: the packages it needs, what it does, and the constants."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from pathlib import PurePath
from typing import Any

from workbench.export.layout import WIDTH, lay
from workbench.registry.quantizations import QUANTIZATIONS
from workbench.registry.tasks import TASKS
from workbench.registry.techniques import get
from workbench.versions import __version__

# What is saved, by what is trained.
SAVED = {"adapter": "adapter", "all": "model", "selected": "weights", "nothing": None}


def requirements(plan: Mapping[str, Any]) -> str:
    """Write the packages the script needs, where uv and pipx look for them (PEP 723)."""
    reads = plan["data"]["format"]
    entry = QUANTIZATIONS.get(plan["recipe"]["quantization"])
    stored = entry and entry.package
    needed = {
        "torch": True,
        "transformers": True,
        "peft": plan["config_class"],
        "accelerate": True,
        "bitsandbytes": stored == "bitsandbytes",
        "torchao": stored == "torchao",
        "safetensors": plan["trains"] == "selected"
        or plan["recipe"].get("start_from")
        or plan["restarts"]
        or plan["config_class"] == "XLoraConfig",
        "datasets": reads == "hub",
        "pyarrow": reads == "parquet",
        "pillow": TASKS[plan["recipe"]["task"]].reads_images,
        "scikit-learn": plan["config_class"] == "AdamssConfig",
    }
    # A local version such as 2.13.0+cpu names a build that package indexes do not have.
    pins = [
        f"{package}=={plan['versions'][package].partition('+')[0]}"
        for package, wanted in needed.items()
        if wanted
    ]
    lines = [
        "/// script",
        'requires-python = ">=3.11"',
        "dependencies = [",
        *[f'    "{pin}",' for pin in pins],
        "]",
        "///",
    ]
    return "\n".join(f"# {line}" for line in lines)


def docstring(plan: Mapping[str, Any], source: str, filename: str) -> str:
    """Say what the script does and where it comes from."""
    settings = plan["recipe"]
    technique = get(settings["technique"])
    model, data = PurePath(settings["model"]).name, PurePath(settings["data"]).stem
    saved = SAVED[plan["trains"]]
    verb, told = "Prompt", "The evaluation is printed as a line of JSON."
    if saved:
        verb = "Train"
        told = (
            "Each step and each evaluation is printed as a line of JSON; at the end the "
            f"{saved} is saved."
        )
    exact = "to the last bit"
    if fused := plan.get("fused"):
        exact = f"within float tolerance: {fused} runs trained fused over one base"
    origin = (
        f"Written by PEFT Workbench {__version__} from {source}. On the same machine and with the "
        f"packages above it gives the losses of that run {exact}. {told}"
    )
    paragraphs = (
        f"{verb} {model} {TASKS[settings['task']].learns} {data}, with {technique.title}.",
        f"{technique.title}: {technique.changes}",
        origin,
        f"python {filename} --help",
    )
    # Names come from the user: nothing in them may end the text or escape in it.
    safe = (words.replace("\\", "/").replace('"', "'") for words in paragraphs)
    first, *others, usage = (textwrap.fill(words, WIDTH - 4) for words in safe)
    return "\n\n".join([f'"""{first}', *others, f"    {usage}\n" + '"""'])


def reads_train(plan: Mapping[str, Any]) -> bool:
    """Tell whether the script reads the training rows."""
    unread = plan["trains"] == "nothing" and not plan["prompt"]["examples"]
    return not unread or plan["data"]["eval"] is None


def constants(plan: Mapping[str, Any], filename: str) -> str:
    """Write what a reader is likeliest to change."""
    settings, data = plan["recipe"], plan["data"]
    lines = [lay("MODEL = ", plan["model_id"] or plan["model_path"])]
    if plan["model_id"]:
        lines.append(lay("REVISION = ", plan["model_commit"]))
    if reads_train(plan) or data["format"] == "hub":
        lines.append(lay("DATA = ", data["train"]))
    if data["eval"] is not None:
        lines.append(lay("EVAL_DATA = ", data["eval"]))
    if settings.get("start_from"):
        lines.append(lay("START_FROM = ", settings["start_from"]))
    if saved := SAVED[plan["trains"]]:
        lines.append(lay("OUTPUT = ", f"{PurePath(filename).stem}-{saved}"))
    if saved or data["eval"] is None:
        lines.append(lay("SEED = ", settings["seed"]))
    if saved:
        lines.append(lay("MAX_STEPS = ", plan["max_steps"]))
    if plan["labels"]:
        lines.append(lay("LABELS = ", plan["labels"]))
    if plan["fresh"]:
        lines.append("# Parameters that the base model does not have yet.")
        lines.append(lay("NEW_PARAMETERS = ", plan["fresh"]))
    return "\n".join(lines)

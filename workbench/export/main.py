"""The bottom of a script: its command line, and ``main`` with literal calls for one recipe."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from workbench.export.header import SAVED, reads_train
from workbench.export.layout import Code, call
from workbench.export.model import (
    collator,
    encoding,
    keeps_statistics,
    model,
    optimizer,
    origin,
)
from workbench.export.prompts import asking, prompts
from workbench.registry.tasks import TASKS, are_iob


def scorer(plan: Mapping[str, Any]) -> str | None:
    """Name the function that scores the plan's tags, where it has some."""
    if TASKS[plan["recipe"]["task"]].labels != "tags":
        return None
    return "score_entities" if are_iob(plan["labels"]) else "score_tags"


def command_line(plan: Mapping[str, Any]) -> str:
    """Write ``parse_args``."""
    hub = plan["data"]["format"] == "hub"
    kind = "folder" if plan["data"]["format"] == "imagefolder" else "file"
    options = [
        ("--model", "MODEL", "folder or hub id of the base model"),
        *([("--revision", "REVISION", "its commit on the hub")] if plan["model_id"] else []),
    ]
    if hub or reads_train(plan):
        what = "hub id of the data" if hub else f"{kind} of training rows"
        options.append(("--data", "DATA", what))
    if plan["data"]["eval"] is not None:
        what = "split to evaluate on" if hub else f"{kind} of evaluation rows"
        options.append(("--eval-data", "EVAL_DATA", what))
    if plan["recipe"].get("start_from"):
        options.append(("--start-from", "START_FROM", "folder of the weights to start from"))
    if saved := SAVED[plan["trains"]]:
        options.append(("--output", "OUTPUT", f"folder to save the {saved} in"))
    lines = [
        "def parse_args() -> argparse.Namespace:",
        '    """Let the command line say where things are."""',
        "    parser = argparse.ArgumentParser(",
        "        description=__doc__.splitlines()[0],",
        "        formatter_class=argparse.ArgumentDefaultsHelpFormatter,",
        "    )",
        *[
            call("parser.add_argument", flag, default=Code(default), help=what)
            for flag, default, what in options
        ],
        "    return parser.parse_args()",
    ]
    return "\n".join(lines)


def main(plan: Mapping[str, Any]) -> str:
    """Write ``main``: the calls that prepared the run, in their order."""
    blocks: list[Iterable[str]]
    if plan["trains"] == "nothing":
        rows = [*_read_rows(plan), *prompts(plan)]
        blocks = [_start(plan), rows, model(plan), asking(plan)]
        opening = '    """Ask the base as it is, and print how well it answers."""'
    else:
        rows = [*_read_rows(plan), *_encode(plan)]
        blocks = [_start(plan), rows, model(plan), _training(plan), _end(plan)]
        opening = '    """Train, print what happens, and save what was learnt."""'
    text = "\n\n".join("\n".join(block) for block in blocks)
    return f"def main() -> None:\n{opening}\n{text}"


def _start(plan: Mapping[str, Any]) -> Iterator[str]:
    yield "    args = parse_args()"
    yield "    # Sums are taken in another order with more threads, which changes their last bits."
    yield f"    torch.set_num_threads({plan['threads']})"
    yield "    accelerator = Accelerator()"


def _read_rows(plan: Mapping[str, Any]) -> Iterator[str]:
    settings = plan["recipe"]
    images = TASKS[settings["task"]].reads_images
    if images:
        yield "    # Pillow and torchvision make slightly different pixels; the run had Pillow's."
        load = "processor = AutoImageProcessor.from_pretrained"
        yield call(load, Code("args.model"), backend="pil", **origin(plan))
    else:
        yield call("tokenizer = AutoTokenizer.from_pretrained", Code("args.model"), **origin(plan))
    if plan["sets_pad_token"]:
        yield "    tokenizer.pad_token = tokenizer.eos_token"
    if plan["data"]["eval"] is None:
        yield _read(plan, "train", "rows")
        fraction = settings["eval_fraction"]
        yield f"    train_rows, eval_rows = split_rows(rows, fraction={fraction!r}, seed=SEED)"
    else:
        if reads_train(plan):
            yield _read(plan, "train", "train_rows")
        yield _read(plan, "eval", "eval_rows")
    for part in ("train", "eval") if reads_train(plan) else ("eval",):
        if (limit := settings[f"max_{part}_samples"]) is not None:
            yield f"    {part}_rows = {part}_rows[:{limit}]"


def _encode(plan: Mapping[str, Any]) -> Iterator[str]:
    task = TASKS[plan["recipe"]["task"]]
    reader = {} if task.reads_images else {"tokenizer": Code("tokenizer")}
    given: dict[str, Any] = {**reader, **encoding(plan)}
    yield call("encode = partial", Code(f"encode_{task.name}"), **given)
    if plan["virtual_labels"]:
        count = f"virtual_tokens={plan['virtual_labels']}"
        yield f"    train_set = leave_room(encode(train_rows), {count})"
        yield f"    eval_set = leave_room(encode(eval_rows), {count})"
    else:
        yield "    train_set, eval_set = encode(train_rows), encode(eval_rows)"
    pads = "processor=processor" if task.reads_images else "pad_token_id=tokenizer.pad_token_id"
    yield f"    collate = partial({collator(plan)}, {pads})"


def locates(plan: Mapping[str, Any]) -> bool:
    """Tell whether the rows name images that must be found first."""
    return "image" in plan["columns"] and plan["data"]["format"] != "imagefolder"


def _read(plan: Mapping[str, Any], part: str, variable: str) -> str:
    """Write the line that reads the ``train`` or the ``eval`` rows."""
    data = plan["data"]
    source = Code("args.data" if part == "train" else "args.eval_data")
    found = []
    if locates(plan):
        column = plan["columns"]["image"]
        found = [call(f"{variable} = locate_images", Code(variable), column, source)]
    if data["format"] != "hub":
        return "\n".join([call(f"{variable} = read_{data['format']}", source), *found])
    # On the hub both parts are splits of one data set.
    split = data["train_split"] if part == "train" else source
    config = [] if data["config"] is None else [data["config"]]
    revision = {} if data["revision"] is None else {"revision": data["revision"]}
    arguments = {**revision, "split": split}
    labels = TASKS[plan["recipe"]["task"]].labels
    if labels is None:
        load = f"{variable} = load_dataset"
        return call(load, Code("args.data"), *config, **arguments, after=".to_list()")
    lines = [
        call(f"{part}_data = load_dataset", Code("args.data"), *config, **arguments),
        call(f"{variable} = name_labels", Code(f"{part}_data"), plan["columns"][labels]),
        *found,
    ]
    return "\n".join(lines)


def _training(plan: Mapping[str, Any]) -> Iterator[str]:
    settings = plan["recipe"]
    yield from optimizer(plan)
    if settings.get("start_from"):
        yield "    load_start(model, args.start_from)"
    yield call(
        "scheduler = get_scheduler",
        settings["lr_scheduler_type"],
        Code("optimizer"),
        num_warmup_steps=settings["warmup_steps"],
        num_training_steps=Code("MAX_STEPS"),
    )
    yield "    # Shuffling has a generator of its own, so that dropout does not change the order."
    yield call(
        "loader = DataLoader",
        Code("train_set"),
        batch_size=settings["per_device_train_batch_size"],
        shuffle=True,
        generator=Code("torch.Generator().manual_seed(SEED)"),
        collate_fn=Code("collate_flat" if settings.get("padding_free") else "collate"),
    )
    yield "    # Where several processes train, this wraps the model; what it holds stays the same."
    yield "    wrapped, optimizer, loader = accelerator.prepare(model, optimizer, loader)"


def _end(plan: Mapping[str, Any]) -> Iterator[str]:
    settings = plan["recipe"]
    task = TASKS[settings["task"]]
    size = settings["per_device_eval_batch_size"]
    yield f"    held_out = {task.hold}(eval_set, {size}, collate, accelerator.device)"
    evaluate: list[Any] = [Code("model"), Code("held_out")]
    if task.ask:
        yield f"    ask = partial({task.ask}, pad_token_id=tokenizer.pad_token_id)"
        yield f"    prompts = fixed_batches(eval_set, {size}, ask, accelerator.device)"
        evaluate += [Code("prompts"), Code("tokenizer"), settings["max_new_tokens"]]
    if score := scorer(plan):
        evaluate += [Code("LABELS"), Code(score)]
    yield call("evaluate = partial", Code(task.evaluate), *evaluate)
    if settings.get("cache_frozen_prefix"):
        yield "    few = fixed_batches(train_set[:2], 2, collate, accelerator.device)"
        yield "    cache_frozen_prefix(model, few[0])"
    after: dict[str, Any] = {}
    if plan["after_step"]:
        after["after_step"] = Code(f"partial({plan['after_step']}, model)")
    yield call(
        "events = train",
        *map(Code, ["accelerator", "wrapped", "optimizer", "scheduler", "loader", "evaluate"]),
        max_steps=Code("MAX_STEPS"),
        gradient_accumulation_steps=settings["gradient_accumulation_steps"],
        # A record on disk spells infinity as a word.
        max_grad_norm=float(settings["max_grad_norm"]),
        eval_steps=settings["eval_steps"],
        eval_on_start=settings["eval_on_start"],
        **after,
    )
    yield "    for event in events:"
    yield '        if event["event"] != "evaluating":'
    yield "            accelerator.print(json.dumps(event), flush=True)"
    yield ""
    yield "    if accelerator.is_main_process:"
    if plan["trains"] == "selected":
        moved = ", moving_statistics(model)" if keeps_statistics(plan) else ""
        yield f"        save_trained(model, args.output{moved})"
    elif plan["config_class"] == "XLoraConfig":
        yield "        save_blend(model, args.output)"
    elif plan["restarts"]:
        yield "        save_since(model, began, args.output)"
    else:
        yield "        model.save_pretrained(args.output)"
    if plan["trains"] == "all":
        reader = "processor" if task.reads_images else "tokenizer"
        yield f"        {reader}.save_pretrained(args.output)"

"""The lines of a script that are its recipe's alone: ``main`` with literal calls, and its options."""

from __future__ import annotations

import textwrap
from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from workbench.export.header import SAVED
from workbench.export.literals import Code, call
from workbench.export.model import model, optimizer, origin
from workbench.export.plan import ScriptPlan
from workbench.export.prompts import asking, conversations, encoded, evaluating
from workbench.registry.tasks import CLASSIFIER_CONFIG


def command_line(plan: ScriptPlan, folder: Path) -> str:
    """Write the source of the function ``parse_args``."""
    hub = plan.data.format == "hub"
    container = "folder" if plan.data.is_folder else "file"

    def default(constant: str, finder: str | None, several: bool = False) -> Code:
        if several and finder:
            return Code(f"[{finder}(path) for path in {constant}]")
        return call(finder, Code(constant)) if finder else Code(constant)

    several: dict[str, bool] = {}
    finder = plan.model_place(folder)[1]
    options = [("--model", default("MODEL", finder), "folder or hub id of the base")]
    if plan.model_id:
        options.append(("--revision", Code("REVISION"), "its commit on the hub"))
    if hub or plan.reads_train:
        what = "hub id of the data" if hub else f"{container} of training rows"
        finder = plan.data_place("train", folder)[1]
        several["--data"] = len(plan.data.files("train")) > 1
        options.append(("--data", default("DATA", finder, several["--data"]), what))
    if plan.data.eval is not None:
        what = "split to evaluate on" if hub else f"{container} of evaluation rows"
        finder = plan.data_place("eval", folder)[1]
        several["--eval-data"] = len(plan.data.files("eval")) > 1
        options.append(("--eval-data", default("EVAL_DATA", finder, several["--eval-data"]), what))
    if plan.recipe.start_from:
        finder = plan.start_place(folder)[1]
        what = "folder of the weights to start from"
        options.append(("--start-from", default("START_FROM", finder), what))
    if saved := SAVED[plan.technique.trainable]:
        options.append(("--output", Code("OUTPUT"), f"folder to save the {saved} in"))
    description = Code("__doc__.splitlines()[0]")
    formatter = Code("argparse.ArgumentDefaultsHelpFormatter")
    parser = call("argparse.ArgumentParser", description=description, formatter_class=formatter)
    lines = [
        '"""Read from the command line where model, data and output are."""',
        f"parser = {parser}",
        *[
            call(
                "parser.add_argument",
                flag,
                **({"nargs": "+"} if several.get(flag) else {}),
                default=value,
                help=what,
            )
            for flag, value, what in options
        ],
        "return parser.parse_args()",
    ]
    return "def parse_args() -> argparse.Namespace:\n" + textwrap.indent("\n".join(lines), "    ")


def main(plan: ScriptPlan) -> str:
    """Write ``main``: the calls that prepared the run, in their order."""
    blocks: list[Iterable[str]] = [_start(plan), _rows(plan), model(plan)]
    if plan.trains:
        blocks += [_training(plan), _loop(plan), _saving(plan)]
        opening = '"""Train, print each event, and save the trained parameters."""'
    else:
        blocks += [asking(plan)]
        opening = '"""Evaluate the base with prompts, and print the scores."""'
    body = "\n\n".join("\n".join(block) for block in blocks)
    return "def main() -> None:\n" + textwrap.indent(f"{opening}\n{body}", "    ")


def _start(plan: ScriptPlan) -> Iterator[str]:
    yield "args = parse_args()"
    yield "# The number of threads changes the order of summation, and so the last bits."
    yield f"torch.set_num_threads({int(plan.threads)})"
    yield "accelerator = Accelerator()"
    if plan.task.reads_images:
        yield "# Pillow and torchvision make slightly different pixels; the run used Pillow."
        load = "AutoImageProcessor.from_pretrained"
        yield f"processor = {call(load, Code('args.model'), backend='pil', **origin(plan))}"
    else:
        load = "AutoTokenizer.from_pretrained"
        yield f"tokenizer = {call(load, Code('args.model'), **origin(plan))}"
    if plan.sets_pad_token:
        yield "tokenizer.pad_token = tokenizer.eos_token"


def _rows(plan: ScriptPlan) -> Iterator[str]:
    """Write how rows are read, encoded and put into batches."""
    recipe = plan.recipe
    if plan.data.eval is None:
        rows = yield from _read(plan, "train")
        split = call(
            "split_rows", rows, fraction=recipe.eval_fraction, seed=Code("SEED"), **plan.split
        )
        yield f"train_rows, eval_rows = {split}"
    elif plan.prompt.examples:
        train_rows = yield from _read(plan, "train")
        yield f"train_rows = {train_rows}"
    if plan.prompt.examples:
        shown = f"[train_rows[index] for index in {[int(i) for i in plan.prompt.examples]}]"
        yield f"examples = {conversations(plan, Code(shown))}"
    for part in ("train", "eval") if plan.trains else ("eval",):
        rows = Code(f"{part}_rows")
        if plan.data.eval is not None:
            rows = yield from _read(plan, part)
        if (limit := getattr(recipe, f"max_{part}_samples")) is not None:
            rows = Code(f"{rows}[:{int(limit)}]")
        yield f"{part}_set = {encoded(plan, rows)}"
    yield ""
    pads = Code("processor" if plan.task.reads_images else "tokenizer.pad_token_id")
    yield f"def collate(rows: list[dict]) -> dict:\n    return {call(plan.collator, Code('rows'), pads)}"


def _read(plan: ScriptPlan, part: str) -> Generator[str, None, Code]:
    """Write what must stand before the ``train`` or ``eval`` rows; returns the call that reads them."""
    data = plan.data
    source = Code("args.data" if part == "train" else "args.eval_data")
    if data.format == "files":
        rows = _read_files(data.files(part), source)
    elif data.format != "hub":
        rows = call(f"read_{data.format}", source)
    else:
        # On the hub both parts are splits of one data set.
        split = data.train_split if part == "train" else source
        config = [] if data.config is None else [data.config]
        revision = {} if data.revision is None else {"revision": data.revision}
        rows = call("load_dataset", Code("args.data"), *config, **revision, split=split)
        if plan.task.labels is None:
            rows = Code(f"{rows}.to_list()")
        else:
            yield f"{part}_data = {rows}"
            rows = call("name_labels", Code(f"{part}_data"), plan.columns[plan.task.labels])
    if data.nested:
        rows = call("unnest", rows, data.nested)
    if plan.locates_images:
        rows = call("locate_images", rows, plan.columns["image"], source)
    if skips := getattr(data, f"{part}_skips"):
        rows = call("leave_out", rows, [int(number) for number in skips])
    return rows


def _read_files(files: Sequence[Mapping[str, Any]], source: Code) -> Code:
    """Write the call that reads a file, or those that read several."""
    if len(files) == 1:
        return _read_file(files[0], source)
    ways = {_read_file(file, Code("path")) for file in files}
    if len(ways) == 1:
        return Code(f"[row for path in {source} for row in {ways.pop()}]")
    reads = [f"*{_read_file(file, Code(f'{source}[{n}]'))}" for n, file in enumerate(files)]
    return Code(f"[{', '.join(reads)}]")


def _read_file(file: Mapping[str, Any], source: Code) -> Code:
    return call(f"read_{file['format']}", source, **file["options"])


def _training(plan: ScriptPlan) -> Iterator[str]:
    recipe = plan.recipe
    yield from optimizer(plan)
    if recipe.start_from:
        yield "load_start(model, args.start_from)"
    scheduler = call(
        "get_scheduler",
        recipe.lr_scheduler_type,
        Code("optimizer"),
        num_warmup_steps=recipe.warmup_steps,
        num_training_steps=Code("MAX_STEPS"),
    )
    yield f"scheduler = {scheduler}"
    yield "# Shuffling has its own generator, so that dropout does not change the order."
    loader = call(
        "DataLoader",
        Code("train_set"),
        batch_size=recipe.per_device_train_batch_size,
        shuffle=True,
        generator=Code("torch.Generator().manual_seed(SEED)"),
        collate_fn=Code("collate_flat" if recipe.padding_free else "collate"),
    )
    yield f"train_loader = {loader}"
    yield "# With several processes this wraps the model; the model inside stays the same."
    prepared = call("accelerator.prepare", *map(Code, ("model", "optimizer", "train_loader")))
    yield f"parallel_model, optimizer, train_loader = {prepared}"


def _loop(plan: ScriptPlan) -> Iterator[str]:
    recipe, technique = plan.recipe, plan.technique
    figures = yield from evaluating(plan)
    if recipe.cache_frozen_prefix:
        rows, device = Code("train_set[:2]"), Code("accelerator.device")
        yield f"trial_batches = {call('fixed_batches', rows, 2, Code('collate'), device)}"
        yield "cache_frozen_prefix(model, trial_batches[0])"
    yield ""
    yield "def evaluate(step: int) -> Iterator[dict]:"
    yield f'    yield {{"event": "eval", "step": step, **{figures}}}'
    yield ""
    names = ["accelerator", "parallel_model", "optimizer", "scheduler", "train_loader", "evaluate"]
    micro_batches = recipe.gradient_accumulation_steps
    after = f"lambda step: {technique.after_step}(model, step)" if technique.after_step else "None"
    events = call(
        "train",
        *map(Code, names),
        max_steps=Code("MAX_STEPS"),
        gradient_accumulation_steps=1
        if micro_batches == 1
        else Code("GRADIENT_ACCUMULATION_STEPS"),
        max_grad_norm=Code("MAX_GRAD_NORM"),
        eval_steps=Code("EVAL_STEPS"),
        eval_on_start=recipe.eval_on_start,
        after_step=Code(after),
    )
    yield f"for event in {events}:"
    yield "    accelerator.print(json.dumps(event), flush=True)"


def _saving(plan: ScriptPlan) -> Iterator[str]:
    technique = plan.technique
    yield "if accelerator.is_main_process:"
    if technique.trainable == "selected":
        statistics = [call("moving_statistics", Code("model"))] if plan.keeps_statistics else []
        yield f"    {call('save_trained', Code('model'), Code('args.output'), *statistics)}"
    elif technique.saves is not None:
        yield f"    {technique.saves}(model, args.output)"
    elif technique.saves_difference:
        yield "    save_since(model, initial_state, args.output)"
    else:
        yield "    model.save_pretrained(args.output)"
    if technique.trainable == "all":
        reader = "processor" if plan.task.reads_images else "tokenizer"
        yield f"    {reader}.save_pretrained(args.output)"
    elif plan.labels:
        yield "    # The names of the labels, which AutoConfig reads from this file."
        file = f'Path(args.output) / "{CLASSIFIER_CONFIG}"'
        yield f"    model.config.to_json_file({file})"

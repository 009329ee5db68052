"""The same verbs without a browser: ``python -m workbench VERB``.

Exit codes: 0 when all went well, 1 when a run failed, 2 when what was asked for cannot be done,
130 when interrupted. Results go to standard output, everything else to standard error.
"""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import json
import os
import shutil
import sys
import warnings
from collections.abc import Iterator, Sequence
from typing import Any

from workbench.cli_arguments import make_parser
from workbench.display.text_table import text_table
from workbench.errors import Problem, RecipeError, TrainingError, WorkbenchError
from workbench.quiet import quiet_loggers
from workbench.registry.tasks import ROLES


def main(argv: Sequence[str] | None = None) -> int:
    """Run one verb and return the exit code."""
    options = make_parser(_ACTIONS).parse_args(argv)
    try:
        with quiet_loggers():
            return options.verb(options)
    except RecipeError as error:
        for problem in error.problems:
            print(f"workbench: {problem}", file=sys.stderr)
        return 2
    except TrainingError as error:
        print(f"workbench: {error}", file=sys.stderr)
        return 1
    except WorkbenchError as error:
        print(f"workbench: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("workbench: interrupted; what was done is saved", file=sys.stderr)
        return 130
    except BrokenPipeError:
        # The reader (``| head``) has seen enough.
        sys.stderr.close()
        return 0


def _run(options: argparse.Namespace) -> int:
    from workbench.recipe import Recipe
    from workbench.runs.train import train

    run = train(Recipe.from_yaml(_path(options.recipe)), options.runs)
    print(run.path)
    return 0


def _race(options: argparse.Namespace) -> int:
    from workbench.race.halving import SuccessiveHalving
    from workbench.race.leaderboard import as_text
    from workbench.race.progress import follow_race
    from workbench.race.race import FUSE, Race
    from workbench.race.search import ask, combine, read_knob
    from workbench.recipe import Recipe

    knobs = dict(map(read_knob, options.grid))
    starts = [Recipe.from_yaml(_path(name)) for name in options.recipes]
    search = {"search": options.search, "n": options.n}
    recipes = [recipe for start in starts for recipe in combine(start, knobs, **search)]
    ask(recipes, sure=options.yes)
    halving = SuccessiveHalving(at=options.halving) if options.halving else None
    race = Race(
        recipes,
        options.runs,
        turns=options.turns,
        workers=options.workers,
        halving=halving,
        fuse=FUSE[options.fuse.replace("-", " ")],
    )
    follow_race(race.start())
    print(as_text(race.leaderboard()))
    return int(any(run.state == "failed" for run in race.members))


def _compare(options: argparse.Namespace) -> int:
    from workbench.compare import compare

    with _warnings_in_a_line():
        comparison = compare(options.runs)
    print(comparison.to_json() if options.json else comparison)
    return 0


def _export(options: argparse.Namespace) -> int:
    from workbench.export import export

    with _warnings_in_a_line():
        print(export(options.run, options.to))
    return 0


def _forecast(options: argparse.Namespace) -> int:
    from workbench.display.units import size
    from workbench.recipe import Recipe
    from workbench.training.forecast.forecast import forecast

    if options.recipe == "-":
        return _forecasts()
    prediction = forecast(Recipe.from_yaml(_path(options.recipe)))
    if options.json:
        print(json.dumps(prediction.to_dict(), indent=2))
        return 0
    rows = [
        {"part": name, "bytes": count, "": size(count)} for name, count in prediction.parts.items()
    ]
    _show([*rows, {"part": "peak", "bytes": prediction.peak, "": size(prediction.peak)}], False)
    print(prediction.advice())
    return 0


def _forecasts() -> int:
    """Answer each line of standard input, a recipe as JSON, with a line of JSON."""
    from workbench.training.forecast.worker import answers

    for answer in answers(sys.stdin):
        print(json.dumps(answer), flush=True)
    return 0


def _models(options: argparse.Namespace) -> int:
    from workbench.sources.models import describe

    rows: list[dict[str, Any]] = []
    for name in describe.bundled():
        try:
            facts = describe.facts(name)
        except WorkbenchError as error:
            rows.append({"name": name, "architecture": "not available", "note": str(error)})
            continue
        rows.append(
            {
                "name": name,
                "architecture": facts.architecture,
                "parameters": facts.parameters,
                "stored": facts.quantization or facts.dtype,
                "context": facts.context,
                "licence": facts.licence,
                "note": facts.note,
            }
        )
    _show(rows, options.json)
    return 0


def _techniques(options: argparse.Namespace) -> int:
    from workbench.registry.techniques import TECHNIQUES, uncurated

    techniques = [*TECHNIQUES.values(), *uncurated().values()]
    if options.json:
        _show([technique.to_dict() for technique in techniques], True)
        return 0
    rows = [
        {
            "family": technique.family,
            "name": technique.name,
            "changes": technique.summary,
            "arguments": ", ".join(
                f"{knob.name}={knob.default}" for knob in technique.hyperparameters
            ),
        }
        for technique in techniques
    ]
    _show(rows, False)
    return 0


def _compatible(options: argparse.Namespace) -> int:
    from workbench.registry.techniques import get
    from workbench.training.inspection.compatibility.probe import compatibility_table

    names = ("task", "quantization", "convert_conv1d", "revision", "trust_remote_code")
    tried = compatibility_table(options.model, **{name: getattr(options, name) for name in names})
    if options.json:
        # Each as soon as it is known, on a line of its own.
        for number, fit in enumerate(tried):
            row = {**dataclasses.asdict(fit), "family": get(fit.technique).family}
            print("," if number else "[", json.dumps(row, ensure_ascii=False), flush=True)
        print("]")
        return 0
    rows = [
        {
            "technique": fit.technique,
            "family": get(fit.technique).family,
            "task": fit.task,
            "compatible": "yes" if fit.compatible else "no",
            "trainable": fit.trainable if fit.compatible else None,
            "of which head": fit.head or None,
            "modules": len(fit.matched) if fit.compatible else None,
            "reason": fit.reason,
            "remedy": fit.remedy,
        }
        for fit in tried
    ]
    _show(rows, as_json=False)
    print(
        f"{sum(row['compatible'] == 'yes' for row in rows)} of {len(rows)} techniques work "
        "with this base."
    )
    if any(row["of which head"] for row in rows):
        print("A new head is counted as for 2 labels; it grows with the labels of the data.")
    return 0


def _data(options: argparse.Namespace) -> int:
    from workbench.sources.datasets import load
    from workbench.sources.datasets.unused import unused_columns

    columns = {f"{role}_column": getattr(options, f"{role}_column") for role in ROLES}
    data = load.keep(options.data)
    eval_data = load.keep(options.eval_data) if options.eval_data else None
    task = options.task or load.guess_task(data, encoding=options.encoding, **columns)
    loaded = load.load(
        data,
        task,
        eval_data=eval_data,
        encoding=options.encoding,
        skip_bad_rows=options.skip_bad_rows,
        **columns,
    )
    eval_rows = "a held-out part of them" if loaded.eval is None else f"{len(loaded.eval):,}"
    print(f"task        {task}")
    print(f"rows        {len(loaded.train):,} for training, {eval_rows} for evaluation")
    print(f"columns     {', '.join(f'{role}: {name}' for role, name in loaded.columns.items())}")
    if loaded.labels:
        print(f"labels      {len(loaded.labels)}: {', '.join(loaded.labels)}")
    if options.show:  # the rest is said there
        return _look(options, task, columns)
    if unused := unused_columns(loaded):
        print(f"not used    {', '.join(unused)}")
    for note in loaded.notes:
        print(f"note        {note}")
    for row in load.preview(loaded, options.rows):
        print(json.dumps(row, ensure_ascii=False, default=str))
    return 0


def _look(options: argparse.Namespace, task: str, columns: dict[str, str | None]) -> int:
    """Show rows as the model gets them."""
    from workbench.recipe import Recipe
    from workbench.registry.tasks import tasks_of
    from workbench.sources.models import describe
    from workbench.training.inspection.look.look import look
    from workbench.training.inspection.look.text import as_text

    model = options.model or Recipe().model
    if options.model is None and task not in tasks_of(describe.facts(model).kind):
        sentence = f"{model} cannot do {task}: name a base that can with --model."
        raise RecipeError([Problem.stated("model", sentence)])
    recipe = Recipe(
        model=model,
        data=options.data,
        task=task,
        eval_data=options.eval_data,
        encoding=options.encoding,
        skip_bad_rows=options.skip_bad_rows,
        max_length=options.max_length,
        **columns,
    )
    colour = sys.stdout.isatty() and "NO_COLOR" not in os.environ
    print(f"\n{as_text(look(recipe, options.show), colour=colour)}")
    return 0


@contextlib.contextmanager
def _warnings_in_a_line() -> Iterator[None]:
    """Say what the workbench warns of as it says everything else here."""

    def show(message: Warning | str, *_: Any, **__: Any) -> None:
        print(f"workbench: {message}", file=sys.stderr)

    with warnings.catch_warnings():
        warnings.showwarning = show
        yield


def _path(name: str) -> Any:
    from pathlib import Path

    return Path(name)


def _show(rows: list[dict[str, Any]], as_json: bool) -> None:
    if as_json:
        print(json.dumps(rows, indent=2, ensure_ascii=False))
        return
    # A program that reads a pipe wants a row on a line; a person, a table no wider than the terminal.
    width = shutil.get_terminal_size().columns if sys.stdout.isatty() else None
    for line in text_table(rows, width):
        print(line)


_ACTIONS = {
    "run": _run,
    "race": _race,
    "compare": _compare,
    "export": _export,
    "forecast": _forecast,
    "models": _models,
    "techniques": _techniques,
    "compatible": _compatible,
    "data": _data,
}

"""What can be typed after ``python -m workbench``."""

from __future__ import annotations

import argparse
import contextlib
from collections.abc import Callable, Mapping

from workbench.race.search import DRAWS, MANY
from workbench.registry.quantizations import QUANTIZATIONS
from workbench.registry.tasks import ROLES, TASKS

RECIPE = "file with the settings of a run"
JSON = "print JSON instead of text (default: text)"


def make_parser(
    actions: Mapping[str, Callable[[argparse.Namespace], int]],
) -> argparse.ArgumentParser:
    """Return the parser of all verbs, with the action of each as ``verb``.

    Parameters
    ----------
    actions : mapping of str to callable
        By the verb's name: takes what was typed, returns the exit code.
    """
    parser = argparse.ArgumentParser(
        prog="workbench",
        description="Parameter-efficient fine-tuning, without a browser.",
        epilog="'workbench VERB --help' explains the arguments of a verb. "
        "wb.Recipe(technique='lora').to_yaml('recipe.yaml') in Python writes a recipe to begin with.",
    )
    verbs = parser.add_subparsers(metavar="VERB", title="verbs", required=True)

    def verb(name: str, help: str) -> argparse.ArgumentParser:
        added = verbs.add_parser(name, help=help, description=help)
        added.set_defaults(verb=actions[name])
        return added

    added = verb("run", "Train and evaluate a recipe.")
    added.add_argument("recipe", metavar="RECIPE.yaml", help=RECIPE)
    added.add_argument(
        "--runs",
        default="runs",
        metavar="DIR",
        help="folder in which the run gets a folder of its own (default: runs)",
    )

    added = verb(
        "race",
        "Train several recipes at the same time, or a search over the settings of one.",
    )
    added.add_argument("recipes", metavar="RECIPE.yaml", nargs="+", help=RECIPE)
    added.add_argument(
        "--runs",
        default="runs",
        metavar="DIR",
        help="folder in which each run gets a folder of its own (default: runs)",
    )
    added.add_argument(
        "--grid",
        action="append",
        default=[],
        metavar="SETTING=VALUES",
        help="values of a setting to try, such as r=4,16, or a range for a random search, such as "
        "r=4..16; give it once for each setting (default: only the recipes' own values)",
    )
    added.add_argument(
        "--search",
        default="grid",
        metavar="{grid,random}",
        help="grid: try all combinations of the values; random: draw --n of them (default: grid)",
    )
    added.add_argument(
        "--n",
        type=_count,
        metavar="RUNS",
        help=f"number of runs of a random search (default: {DRAWS})",
    )
    added.add_argument(
        "--turns",
        default="steps",
        metavar="{steps,tokens,seconds}",
        help="give all runs the same number of steps, tokens or seconds (default: steps)",
    )
    added.add_argument(
        "--workers",
        type=_count,
        metavar="RUNS",
        help="number of runs that do a step at the same time (default: one per core, one on CUDA)",
    )
    added.add_argument(
        "--fuse",
        default="where-it-pays",
        choices=("where-it-pays", "always", "never"),
        help="train plain LoRA runs with the same base in one forward and backward pass: only where a "
        "short measurement says that it is faster, always or never (default: where-it-pays)",
    )
    added.add_argument(
        "--halving",
        type=_count,
        metavar="N",
        help="stop the worse half of the runs after every N evaluations (default: all runs finish)",
    )
    added.add_argument(
        "--yes",
        action="store_true",
        help=f"start more than {MANY} runs (default: refuse, and say how long they would take)",
    )

    added = verb("compare", "Compare runs in a table.")
    added.add_argument("runs", metavar="DIR", help="the folder of a run, or one that contains runs")
    added.add_argument("--json", action="store_true", help=JSON)

    added = verb("export", "Write a run as a script that does not need PEFT Workbench.")
    added.add_argument("run", metavar="RUN_DIR", help="the folder of a run")
    added.add_argument("--to", required=True, metavar="FILE", help="the script to write (required)")

    added = verb("forecast", "Forecast how much memory the run of a recipe will need.")
    added.add_argument(
        "recipe",
        metavar="RECIPE.yaml",
        help=f"{RECIPE}; - reads recipes as JSON from standard input, one per line",
    )
    added.add_argument("--json", action="store_true", help=JSON)

    added = verb("models", "List the bundled base models.")
    added.add_argument("--json", action="store_true", help=JSON)

    added = verb("techniques", "List the techniques and their main arguments with their defaults.")
    added.add_argument("--json", action="store_true", help=JSON)

    added = verb(
        "compatible",
        "Test all techniques on a base model: which ones work with it, and how many parameters each trains.",
    )
    added.add_argument("model", metavar="MODEL", help="a bundled name, a folder or a hub id")
    added.add_argument(
        "--task",
        choices=TASKS,
        help="the task to train for (default: for each technique the first that base and technique "
        "support, which the table names)",
    )
    added.add_argument(
        "--quantization",
        choices=QUANTIZATIONS,
        help="quantize the base to 4 bit (nf4, fp4) or 8 bit (int8, int8_torchao) "
        "(default: as the model is stored)",
    )
    added.add_argument(
        "--convert-conv1d",
        action="store_true",
        help="replace Conv1D layers, as in GPT-2, by equivalent Linear layers (default: leave them)",
    )
    added.add_argument(
        "--revision",
        metavar="NAME",
        help="branch, tag or commit of the model on the hub (default: main)",
    )
    added.add_argument(
        "--trust-remote-code",
        action="store_true",
        help="run Python code that comes with the model; only if you trust its author (default: refuse)",
    )
    added.add_argument("--json", action="store_true", help=JSON)

    added = verb("data", "Check a data set and show its first rows.")
    added.add_argument(
        "data",
        metavar="FILE_OR_NAME",
        nargs="+",
        help="a file or several, a folder, a bundled name or a hub id",
    )
    added.add_argument(
        "--task",
        metavar="TASK",
        help=f"the task to check it for: {', '.join(TASKS)} (default: detected by the columns)",
    )
    added.add_argument(
        "--eval-data",
        metavar="FILE_OR_NAME",
        nargs="+",
        help="data to evaluate on (default: its test split, or part of its rows)",
    )
    added.add_argument(
        "--encoding",
        metavar="NAME",
        help="encoding of files that are not UTF-8, such as cp1252 (default: UTF-8)",
    )
    added.add_argument(
        "--skip-bad-rows",
        action="store_true",
        help="leave out bad rows (default: refuse them)",
    )
    for role in ROLES:
        added.add_argument(
            f"--{role}-column",
            metavar="NAME",
            help=f"column with the {role} (default: detected by its name)",
        )
    added.add_argument(
        "--rows", type=_count, default=5, metavar="N", help="number of rows to show (default: 5)"
    )
    added.add_argument(
        "--show",
        type=_count,
        metavar="N",
        help="show N rows as the model gets them, with the tokens that are learned (default: the rows as read)",
    )
    added.add_argument(
        "--model",
        metavar="NAME",
        help="the base model whose tokenizer --show uses (default: village-3m)",
    )
    added.add_argument(
        "--max-length",
        type=_count,
        metavar="TOKENS",
        help="maximum length of a row for --show; longer rows are truncated (default: the base's context length)",
    )
    return parser


def _count(text: str) -> int:
    """Read how many; argparse says what is wrong and exits with 2."""
    with contextlib.suppress(ValueError):
        if int(text) >= 1:
            return int(text)
    raise argparse.ArgumentTypeError(f"must be an integer of at least 1, but is {text!r}")

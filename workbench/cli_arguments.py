"""What can be typed after ``python -m workbench``."""

from __future__ import annotations

import argparse
import contextlib
from collections.abc import Callable, Mapping

from workbench.registry.quantizations import QUANTIZATIONS
from workbench.registry.tasks import ROLES, TASKS


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
        prog="workbench", description="Parameter-efficient fine-tuning, without a browser."
    )
    verbs = parser.add_subparsers(metavar="VERB", required=True)

    def verb(name: str, help: str) -> argparse.ArgumentParser:
        added = verbs.add_parser(name, help=help, description=help)
        added.set_defaults(verb=actions[name])
        return added

    added = verb("run", "Train and evaluate a recipe.")
    added.add_argument("recipe", metavar="RECIPE.yaml")
    added.add_argument(
        "--runs", default="runs", metavar="DIR", help="folder in which the run is saved"
    )

    added = verb(
        "race",
        "Train several recipes at the same time, or a search over the settings of one.",
    )
    added.add_argument("recipes", metavar="RECIPE.yaml", nargs="+")
    added.add_argument(
        "--runs", default="runs", metavar="DIR", help="folder in which the runs are saved"
    )
    knob = "values of a setting, such as r=4,16, or a range for a random search, such as r=4..16"
    added.add_argument("--grid", action="append", default=[], metavar="SETTING=VALUES", help=knob)
    added.add_argument("--search", default="grid", help="grid or random")
    added.add_argument("--n", type=_count, help="number of runs of a random search")
    added.add_argument(
        "--turns",
        default="steps",
        help="give all runs the same number of steps, tokens or seconds (default: steps)",
    )
    added.add_argument(
        "--workers",
        type=_count,
        help="number of runs that do a step at the same time (default: one per core, one on CUDA)",
    )
    added.add_argument(
        "--fuse",
        default="where-it-pays",
        choices=("where-it-pays", "always", "never"),
        help="train plain LoRA runs with the same base in one forward and backward pass",
    )
    added.add_argument(
        "--halving",
        type=_count,
        metavar="N",
        help="stop the worse half of the runs after every N evaluations",
    )
    added.add_argument("--yes", action="store_true", help="start more than 64 runs without asking")

    added = verb("compare", "Compare the runs of a folder in a table.")
    added.add_argument("runs", metavar="DIR")
    added.add_argument("--json", action="store_true", help="print JSON instead of a table")

    added = verb("export", "Write a run as a script that does not need PEFT Workbench.")
    added.add_argument("run", metavar="RUN_DIR")
    added.add_argument("--to", required=True, metavar="FILE", help="the script to write")

    added = verb("forecast", "Forecast how much memory the run of a recipe will need.")
    added.add_argument(
        "recipe", metavar="RECIPE.yaml", help="- reads recipes from standard input, one per line"
    )
    added.add_argument("--json", action="store_true", help="print JSON instead of a sentence")

    added = verb("models", "List the bundled base models.")
    added.add_argument("--json", action="store_true", help="print JSON instead of a table")

    added = verb("techniques", "List the techniques and their main arguments.")
    added.add_argument("--json", action="store_true", help="print JSON instead of a table")

    added = verb(
        "compatible",
        "Test all techniques on a base model and show which ones work with it.",
    )
    added.add_argument("model", metavar="MODEL", help="a bundled name, a folder or a hub id")
    added.add_argument(
        "--task", choices=TASKS, help="default: the first task that base and technique support"
    )
    added.add_argument("--quantization", choices=QUANTIZATIONS, help="quantization of the base")
    added.add_argument(
        "--convert-conv1d",
        action="store_true",
        help="replace Conv1D layers by equivalent Linear layers",
    )
    added.add_argument("--revision", help="branch, tag or commit on the hub")
    added.add_argument(
        "--trust-remote-code", action="store_true", help="run Python code that comes with the model"
    )
    added.add_argument("--json", action="store_true", help="print JSON instead of a table")

    added = verb("data", "Check a data set and show its first rows.")
    added.add_argument("data", metavar="FILE_OR_NAME", nargs="+")
    added.add_argument("--task", help=f"{', '.join(TASKS)}; detected if not given")
    added.add_argument("--eval-data", metavar="FILE", nargs="+", help="data to evaluate on")
    added.add_argument("--encoding", help="of files that are not UTF-8, such as cp1252")
    added.add_argument(
        "--skip-bad-rows", action="store_true", help="leave out bad rows instead of refusing them"
    )
    for role in ROLES:
        added.add_argument(f"--{role}-column", metavar="NAME", help=f"column with the {role}")
    added.add_argument("--rows", type=_count, default=5, help="number of rows to show (default: 5)")
    return parser


def _count(text: str) -> int:
    """Read how many; argparse says what is wrong and exits with 2."""
    with contextlib.suppress(ValueError):
        if int(text) >= 1:
            return int(text)
    raise argparse.ArgumentTypeError(f"must be an integer of at least 1, but is {text!r}")

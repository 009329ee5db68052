"""Every technique on every architecture: does it fit, learn, come back from disk, and leave its base?

Each cell is a tiny model of random weights. Where the technique is said to fit, it must do all of
this: the loss falls on one batch; what is saved and loaded again gives the same logits, to the last
bit unless it is saved in another form; the base keeps its bits; and a run's script, where workbench
cannot be imported, gives the run's losses and metrics to the last bit. Where it is said not to fit,
the reason is printed.

Usage: ``python -W ignore tests/benchmarks/matrix.py [--techniques lora ia3] [--models llama gpt2]``
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import peft
import torch
import transformers
from safetensors.torch import load_file

sys.path.insert(0, str(Path(__file__).parents[2]))

from tests.conftest import save_architecture
from tests.serving import TRAINED, adapters_for
from tests.test_export import figures, recipe_for, run_scripts
from tests.tiny import ARCHITECTURES
from workbench.errors import WorkbenchError
from workbench.export import export
from workbench.recipe import Recipe
from workbench.registry.techniques import get
from workbench.runs.run import Run
from workbench.runs.train import train
from workbench.training.adaptation.base_model import is_pristine
from workbench.training.adaptation.checkpoint import lora_state, save
from workbench.training.inspection.compatibility.probe import Probe
from workbench.training.inspection.compatibility.trial import inject
from workbench.training.inspection.compatibility.trial_model import TrialModel, from_recipe
from workbench.training.runtime.rng import Randomness

STEPS = 15
RUN_STEPS = 3  # of the run that is held against its script
# What suits layers of 16 to 64 features, where the default does not.
SMALL = {"psoft": {"r": 8}}
# PEFT projects what these have learnt anew in each forward pass, which moves the last bits each time.
PROJECTED = ("cpt",)
# What holds in a cell where a technique fits, after conversion or not, and what is shown for it.
HOLDS, CONVERTED, REFUSED, BROKEN = "yes", "yes*", "no", "FAILS"


@dataclass(frozen=True)
class Cell:
    """One technique on one architecture.

    Parameters
    ----------
    technique, model : str
    state : {"yes", "yes*", "no", "FAILS"}
        Fits and holds; the same after its Conv1D layers were converted; does not fit; is said to
        fit and does not hold.
    reason : str
    recipe : Recipe or None
        A short run of it on rows, where it fits and holds.
    """

    technique: str
    model: str
    state: str
    reason: str = ""
    recipe: Recipe | None = None


def column(model: str, techniques: Iterable[str], folder: Path) -> list[Cell]:
    """Try techniques on one architecture; of those that hold, hold the scripts to their runs."""
    tried = [cell(technique, model, folder) for technique in techniques]
    held = [one for one in tried if one.recipe is not None]
    wrong = dict(zip([one.technique for one in held], differences(held, folder), strict=True))
    return [
        replace(one, state=BROKEN, reason=why) if (why := wrong.get(one.technique)) else one
        for one in tried
    ]


def differences(cells: Sequence[Cell], folder: Path) -> list[str]:
    """Train each cell's recipe and run its script; return how the two differ, if they do."""
    home = Path(tempfile.mkdtemp(dir=folder))
    runs: list[Run | WorkbenchError] = []
    scripts = []
    for one in cells:
        try:
            run = train(one.recipe, home / "runs", progress=False)
            scripts.append(export(run, home / f"{one.model}-{one.technique}.py"))
        except WorkbenchError as error:
            runs.append(error)
        else:
            runs.append(run)
    told = iter(read_all(scripts))
    return [
        f"its run fails: {one}" if isinstance(one, WorkbenchError) else difference(one, next(told))
        for one in runs
    ]


def read_all(scripts: Sequence[Path]) -> list[list[dict] | str]:
    """Run scripts in one process and return their events; one that fails, why."""
    try:
        return run_scripts(*scripts) if scripts else []
    except AssertionError as error:
        if len(scripts) == 1:
            return [f"its script fails: {error}"]
        return [read_all([script])[0] for script in scripts]


def difference(run: Run, events: list[dict] | str) -> str:
    """Say how a script's events differ from its run's."""
    if isinstance(events, str):
        return events
    pairs = zip(figures(run.events), figures(events), strict=True)
    return next((f"its script says {theirs}, its run {ours}" for ours, theirs in pairs
                 if ours != theirs), "")  # fmt: skip


def saved_base(model: str, folder: Path) -> Path:
    """Save an architecture with what reads its rows, unless it is there, and return where."""
    path = folder / model
    if not path.exists() and model == "vit":
        ARCHITECTURES[model]().save_pretrained(path)
        size = {"height": 16, "width": 16}
        transformers.ViTImageProcessorPil(size=size).save_pretrained(path)
    elif not path.exists():
        save_architecture(path, model)
    return path


def cell(technique: str, model: str, folder: Path) -> Cell:
    """Try one technique on one architecture, and hold it to what it says."""
    base = saved_base(model, folder)
    args = SMALL.get(technique, {})
    if technique == "xlora":
        args = {"adapters": adapters_for(ARCHITECTURES[model](), folder / f"{model}-adapters")}
    fit = Probe(base, **args).try_on(technique)
    converts = (
        not fit.compatible and fit.remedy == "set convert_conv1d=True to rewrite them as Linear"
    )
    if not fit.compatible and not converts:
        return Cell(technique, model, REFUSED, f"{fit.reason}: {fit.remedy}".strip(": "))
    recipe = recipe_for(technique, fit.task, base, folder, max_steps=RUN_STEPS,
                        technique_args=args, convert_conv1d=converts)  # fmt: skip
    try:
        wrong = check(from_recipe(recipe.resolved()), recipe.resolved(), folder)
    except Exception as error:  # noqa: BLE001 (whatever breaks it is what the table is to show)
        wrong = f"{type(error).__name__}: {error}"
    if wrong:
        return Cell(technique, model, BROKEN, wrong)
    if converts:
        return Cell(technique, model, CONVERTED, f"{fit.reason}: {fit.remedy}", recipe)
    return Cell(technique, model, HOLDS, recipe=recipe)


def check(tried: TrialModel, recipe: Recipe, folder: Path) -> str:
    """Train on one batch, save, load and compare; returns what does not hold."""
    technique = get(recipe.technique)
    with Randomness(0):
        # A third of what suits the bundled base: random weights are steeper.
        slower = recipe.replace(learning_rate=recipe.learning_rate / 3)
        model, optimizer, batch = inject(tried, slower)
        began = lora_state(model) if technique.saves_difference else None
        before = loss_of(model, batch)
        for step in range(1, STEPS + 1):
            model.train()
            model(**batch).loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            if technique.after_step:
                technique.after_step.load()(model, step)
            optimizer.zero_grad()
        after = loss_of(model, batch)
    if not after < before:
        return f"the loss on one batch went from {before:.4f} to {after:.4f}"
    if not is_pristine(tried.base):
        return "the base was written into"
    saved = Path(tempfile.mkdtemp(dir=folder))
    save(model, _NoTokenizer(), technique, saved, began)
    difference = float((logits(model, batch) - logits(load(recipe, saved), batch)).abs().max())
    moves = technique.saves_difference or technique.after_step or technique.name in PROJECTED
    rounds = 1e-4 if moves else 0.0
    if not difference <= rounds:
        return f"logits differ by {difference:.2g} after loading"
    return ""


class _NoTokenizer:
    def save_pretrained(self, folder: Path) -> None:
        """Nothing to save."""


def load(recipe: Recipe, saved: Path) -> torch.nn.Module:
    """Load what was saved as its user would: on a base that is read again.

    Read alike it lies in memory alike, on which the last bits of sums can depend.
    """
    technique, model = get(recipe.technique), from_recipe(recipe).base.model
    if technique.trainable == "all":
        return type(model).from_pretrained(saved)
    if technique.trainable == "selected":
        model.load_state_dict(load_file(saved / "trained.safetensors"), strict=False)
        return model
    if not technique.plain_shapes:
        model.config.use_cache = False
    model = peft.PeftModel.from_pretrained(model, saved)
    if technique.forward_hook:
        technique.forward_hook.load()(model)
    return model


def loss_of(model: torch.nn.Module, batch: dict) -> float:
    """Return the loss on one batch, without dropout."""
    model.eval()
    with torch.no_grad():
        return float(model(**batch).loss)


def logits(model: torch.nn.Module, batch: dict) -> torch.Tensor:
    """Return what a model says to one batch."""
    model.eval()
    asked = dict(batch)
    config = getattr(model, "active_peft_config", None)
    # PEFT puts some prompts before a decoder only where it makes the decoder's input of labels
    # itself; AdaLoRA that is loaded to be used cannot be given labels.
    if not (model.config.is_encoder_decoder and getattr(config, "is_prompt_learning", False)):
        labels = asked.pop("labels")
        if model.config.is_encoder_decoder:
            asked["decoder_input_ids"] = model.prepare_decoder_input_ids_from_labels(labels=labels)
    with torch.no_grad():
        return model(**asked).logits


def table(cells: Iterable[Cell]) -> str:
    """Lay cells out as text: a row for each technique, a column for each model, then the reasons."""
    cells = list(cells)
    models = list(dict.fromkeys(one.model for one in cells))
    rows: dict[str, dict[str, Cell]] = {}
    for one in cells:
        rows.setdefault(one.technique, {})[one.model] = one
    width = max(map(len, rows))
    lines = [" ".join([" " * width, *(f"{model[:8]:>8}" for model in models)])]
    for name, row in rows.items():
        lines.append(" ".join([name.ljust(width), *(f"{row[model].state:>8}" for model in models)]))
    reasons: dict[tuple[str, str, str], list[str]] = {}
    for one in cells:
        if one.state != HOLDS:
            reasons.setdefault((one.state, one.technique, one.reason), []).append(one.model)
    for state in (BROKEN, REFUSED, CONVERTED):
        mine = {key: value for key, value in reasons.items() if key[0] == state}
        lines += ["", f"{state}: {sum(map(len, mine.values()))}"]
        lines += [f"  {key[1]} on {', '.join(value)}: {key[2]}" for key, value in mine.items()]
    hold = sum(one.state in (HOLDS, CONVERTED) for one in cells)
    converted = sum(one.state == CONVERTED for one in cells)
    lines += [
        "",
        f"{hold} of {len(cells)} cells hold, {converted} of them (yes*) after conversion.",
    ]
    return "\n".join(lines)


def main() -> int:
    """Print the table; returns how many cells fit and do not hold."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--techniques", nargs="+", default=TRAINED, choices=TRAINED)
    parser.add_argument("--models", nargs="+", default=list(ARCHITECTURES), choices=ARCHITECTURES)
    given = parser.parse_args()
    started, cells = time.perf_counter(), []
    with tempfile.TemporaryDirectory() as folder:
        for model in given.models:
            cells += column(model, given.techniques, Path(folder))
            hold = sum(one.state in (HOLDS, CONVERTED) for one in cells)
            print(f"{model}: {hold} of {len(cells)} cells hold so far", file=sys.stderr, flush=True)
    print(table(cells))
    print(f"{time.perf_counter() - started:.0f} seconds.")
    return sum(one.state == BROKEN for one in cells)


if __name__ == "__main__":
    sys.exit(main())

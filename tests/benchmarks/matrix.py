"""Every technique on every architecture: does it fit, learn, come back from disk, and leave its base?

Each cell is a tiny model of random weights. Where the technique is said to fit, it must do all of
this: the loss falls on one batch; what is saved and loaded again gives the same logits, to the last
bit unless it is saved in another form; and the base keeps its bits. Where it is said not to fit, the
reason is printed.

Usage: ``python -W ignore tests/benchmarks/matrix.py [--techniques lora ia3] [--models llama gpt2]``
"""

from __future__ import annotations

import argparse
import copy
import sys
import tempfile
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import peft
import torch
from safetensors.torch import load_file

sys.path.insert(0, str(Path(__file__).parents[2]))

from tests.conftest import save_architecture
from tests.serving import TRAINED
from tests.tiny import ARCHITECTURES
from workbench.catalog.technique import Technique
from workbench.catalog.techniques import get
from workbench.recipe import Recipe
from workbench.training import after_step, wiring
from workbench.training.base import clone, is_pristine
from workbench.training.probe import Probe, inject
from workbench.training.randomness import Randomness
from workbench.training.save import lora_state, save
from workbench.training.specimen import Specimen, from_module, from_recipe
from workbench.training.targets import find_linears

STEPS = 15
# What suits layers of 16 to 64 features, where the default does not.
SMALL = {"psoft": {"r": 8}}
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
    """

    technique: str
    model: str
    state: str
    reason: str = ""


def cell(technique: str, model: str, folder: Path) -> Cell:
    """Try one technique on one architecture, and hold it to what it says."""
    stored = get(technique).quantization
    made = ARCHITECTURES[model]()
    base = made if stored is None or model == "vit" else save_architecture(folder / model, model)
    args = SMALL.get(technique, {}) | (
        {"adapters": trained(made, folder)} if technique == "xlora" else {}
    )
    fit = Probe(base, **args).fit(technique)
    converts = not fit.fits and fit.remedy == "set convert_conv1d=True to rewrite them as Linear"
    if not fit.fits and not converts:
        return Cell(technique, model, REFUSED, f"{fit.reason}: {fit.remedy}".strip(": "))
    recipe = Recipe(
        technique=technique, technique_args=args, task=fit.task, convert_conv1d=converts
    ).resolved()
    if base is made:
        tried = from_module(made, convert=converts)
    else:
        tried = from_recipe(recipe.replace(model=str(base)))
    wrong = check(tried, recipe, folder)
    state = BROKEN if wrong else CONVERTED if converts else HOLDS
    return Cell(technique, model, state, wrong or (f"{fit.reason}: {fit.remedy}" * converts))


def check(tried: Specimen, recipe: Recipe, folder: Path) -> str:
    """Train on one batch, save, load and compare; returns what does not hold."""
    technique = get(recipe.technique)
    with Randomness(0):
        # A third of what suits the bundled base: random weights are steeper.
        slower = recipe.replace(learning_rate=recipe.learning_rate / 3)
        model, optimizer, batch = inject(tried, slower)
        began = lora_state(model) if technique.restarts else None
        before = loss_of(model, batch)
        for step in range(1, STEPS + 1):
            model.train()
            model(**batch).loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            if technique.after_step:
                getattr(after_step, technique.after_step)(model, step)
            optimizer.zero_grad()
        after = loss_of(model, batch)
    if not after < before:
        return f"the loss on one batch went from {before:.4f} to {after:.4f}"
    if not is_pristine(tried.base):
        return "the base was written into"
    saved = Path(tempfile.mkdtemp(dir=folder))
    save(model, _NoTokenizer(), technique.trains, saved, began)
    difference = float(
        (logits(model, batch) - logits(load(tried, technique, saved), batch)).abs().max()
    )
    rounds = 1e-4 if technique.restarts or technique.after_step else 0.0
    if not difference <= rounds:
        return f"logits differ by {difference:.2g} after loading"
    return "" if is_pristine(tried.base) else "loading wrote into the base"


def trained(model: torch.nn.Module, folder: Path) -> dict[str, str]:
    """Save two adapters for X-LoRA to mix, and return where."""
    for name in (names := ("one", "other")):
        config = peft.LoraConfig(init_lora_weights=False, **find_linears(model))
        peft.get_peft_model(copy.deepcopy(model), config).save_pretrained(folder / name)
    return {name: str(folder / name) for name in names}


class _NoTokenizer:
    def save_pretrained(self, folder: Path) -> None:
        """Nothing to save."""


def load(tried: Specimen, technique: Technique, saved: Path) -> torch.nn.Module:
    """Load what was saved, on a base that nobody has touched."""
    model = pristine(tried)
    if technique.trains == "all":
        return type(model).from_pretrained(saved)
    if technique.trains == "selected":
        model.load_state_dict(load_file(saved / "trained.safetensors"), strict=False)
        return model
    model = peft.PeftModel.from_pretrained(model, saved)
    if technique.wires:
        getattr(wiring, technique.wires)(model)
    return model


def pristine(tried: Specimen) -> torch.nn.Module:
    """Return a copy of a specimen's base."""
    return clone(tried.base, lambda name: True)


def loss_of(model: torch.nn.Module, batch: dict) -> float:
    """Return the loss on one batch, without dropout."""
    model.eval()
    with torch.no_grad():
        return float(model(**batch).loss)


def logits(model: torch.nn.Module, batch: dict) -> torch.Tensor:
    """Return what a model says to one batch."""
    model.eval()
    asked = {name: value for name, value in batch.items() if name != "labels"}
    if model.config.is_encoder_decoder:
        asked["decoder_input_ids"] = batch["input_ids"][:, :4]
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
        for technique in given.techniques:
            for model in given.models:
                cells.append(cell(technique, model, Path(folder)))
    print(table(cells))
    print(f"{time.perf_counter() - started:.0f} seconds.")
    return sum(one.state == BROKEN for one in cells)


if __name__ == "__main__":
    sys.exit(main())

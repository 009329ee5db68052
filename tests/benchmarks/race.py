"""What does a race save against what a person would do instead: a script with ``Trainer`` for each technique?

Both carry out the same techniques with the same settings on the same rows: a race in one process, and
separate scripts, each of which loads the base, reads and tokenizes the data, trains with
``transformers.Trainer`` and saves its adapter. Prints for each N the seconds of both, the peak memory
of the process tree (proportional set sizes, added up) and the seconds until every curve has its first ten
points, with their ratios; and what each further run of a race adds in memory. With ``--onednn`` the race's
recipes have that setting, which scripts have no word for.

Usage: ``python tests/benchmarks/race.py [--runs 2 4 6 8 16] [--steps 200] [--pairs 3] [--length 64]
[--onednn]``
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import psutil

from workbench.sources.models.describe import bundled, facts

LINEARS = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]
# PEFT's config and arguments for each technique; what has none is done to the model itself. More runs
# than these have the same techniques with other seeds.
TECHNIQUES = {
    "lora": ("LoraConfig", {"r": 8, "lora_alpha": 16, "target_modules": LINEARS}),
    "ia3": (
        "IA3Config",
        {
            "target_modules": ["k_proj", "v_proj", "down_proj"],
            "feedforward_modules": ["down_proj"],
        },
    ),
    "vera": ("VeraConfig", {"r": 64, "target_modules": ["q_proj", "o_proj"]}),
    "loha": ("LoHaConfig", {"r": 8, "alpha": 8, "target_modules": LINEARS}),
    "ln_tuning": ("LNTuningConfig", {}),
    "full": (None, {}),
    "last_layers": (None, {"num_layers": 1}),
}
SETTINGS = {"batch": 8, "rate": 1e-3, "eval_rows": 64}

# What a good engineer would write, with the adapters as PEFT has them.
SCRIPT = """
import json, sys, time
began = time.time()
technique, seed, steps, model_path, folder = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), *sys.argv[4:]
import torch
from datasets import load_dataset
import peft
from transformers import (AutoModelForCausalLM, AutoTokenizer, DataCollatorForLanguageModeling, Trainer,
                          TrainerCallback, TrainingArguments, set_seed)

set_seed(seed)
tokenizer = AutoTokenizer.from_pretrained(model_path)
tokenizer.pad_token = tokenizer.pad_token or tokenizer.eos_token
data = load_dataset("json", data_files={"train": DATA, "test": EVAL}, cache_dir=folder + "/cache")
data = data.map(lambda rows: tokenizer(rows["text"], truncation=True, max_length=LENGTH), batched=True,
                remove_columns=data["train"].column_names)
model = AutoModelForCausalLM.from_pretrained(model_path, dtype=torch.float32)
config, args = TECHNIQUES[technique]
if config:
    model = peft.get_peft_model(model, getattr(peft, config)(task_type="CAUSAL_LM", **args))
elif technique == "last_layers":
    last = f"layers.{model.config.num_hidden_layers - 1}."
    for name, parameter in model.named_parameters():
        parameter.requires_grad_(last in name)

class Note(TrainerCallback):
    def on_log(self, args, state, control, logs=None, **kwargs):
        if "loss" in (logs or {}):
            print(json.dumps({"step": state.global_step, "at": time.time()}), flush=True)

trainer = Trainer(
    model,
    TrainingArguments(folder, max_steps=steps, per_device_train_batch_size=BATCH, learning_rate=RATE,
                      logging_steps=1, eval_strategy="steps", eval_steps=steps,
                      per_device_eval_batch_size=32, save_strategy="no", report_to="none", seed=seed,
                      disable_tqdm=True, use_cpu=USE_CPU),
    train_dataset=data["train"],
    eval_dataset=data["test"].select(range(EVAL_ROWS)),
    data_collator=DataCollatorForLanguageModeling(tokenizer, mlm=False),
    callbacks=[Note],
)
trainer.train()
model.save_pretrained(folder + "/saved")
"""

RACE = """
import json, sys, time
import workbench as wb
names, steps, folder = json.loads(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
recipe = wb.Recipe(task="lm", data=DATA, eval_data=EVAL, max_length=LENGTH, max_steps=steps,
                   eval_steps=steps, max_eval_samples=EVAL_ROWS, learning_rate=RATE,
                   per_device_train_batch_size=BATCH, onednn=ONEDNN, **BASE)
race = wb.Race([recipe.replace(technique=name, technique_args=TECHNIQUES[name][1], seed=seed)
                for name, seed in names], folder)
def note(race, event):
    if event["event"] == "train":
        # In one piece: runs step, and so print, at the same time.
        told = {"run": event["run"], "step": event["step"], "at": time.time()}
        sys.stdout.write(json.dumps(told) + "\\n")
race.subscribe(note)
race.start().wait()
bad = [str(run.error) for run in race.members if run.error]
if bad:
    sys.exit("\\n".join(bad))
"""


def constants(
    folder: Path, length: int, onednn: bool, *, model: str | None = None, use_cpu: bool = True
) -> str:
    """Write the settings that both sides share as a script's first lines, and the rows as files."""
    from workbench.sources.datasets import load

    table = load.load("chronicle", "lm")
    held = table.eval or table.train[-SETTINGS["eval_rows"] :]
    for name, rows in (("train", table.train), ("eval", held)):
        with (folder / f"{name}.jsonl").open("w") as file:
            file.writelines(json.dumps({"text": row["text"]}) + "\n" for row in rows)
    return (
        f"DATA, EVAL = {str(folder / 'train.jsonl')!r}, {str(folder / 'eval.jsonl')!r}\n"
        f"BATCH, LENGTH, RATE = {SETTINGS['batch']}, {length}, {SETTINGS['rate']}\n"
        f"EVAL_ROWS = {SETTINGS['eval_rows']}\n"
        f"ONEDNN, USE_CPU = {onednn}, {use_cpu}\n"
        f"BASE = { ({} if model is None else {'model': model}) }\n"
        f"TECHNIQUES = {TECHNIQUES}\n"
    )


def members(count: int) -> list[tuple[str, int]]:
    """Return the techniques and seeds of a race of so many."""
    names = list(TECHNIQUES)
    return [(names[i % len(names)], i // len(names)) for i in range(count)]


class Watch(threading.Thread):
    """Adds up the memory of this process's children, ten times a second."""

    def __init__(self):
        super().__init__(daemon=True)
        self.peak, self.over = 0, threading.Event()

    def run(self) -> None:
        while not self.over.wait(0.1):
            total = 0
            for child in psutil.Process().children(recursive=True):
                try:
                    total += child.memory_full_info().pss
                except psutil.Error:
                    continue
            self.peak = max(self.peak, total)


def carried_out(commands: list[list[str]]) -> tuple[float, int, float]:
    """Run commands one after the other; return seconds, peak bytes and seconds to ten points each."""
    watch, began, tenth = Watch(), time.time(), 0.0
    watch.start()
    for command in commands:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            sys.exit(done.stderr[-2000:])
        notes = [json.loads(line) for line in done.stdout.splitlines() if '"at":' in line]
        tenth = max(tenth, *(note["at"] for note in notes if note["step"] == 10))
    seconds = time.time() - began
    watch.over.set()
    return seconds, watch.peak, tenth - began


def raced(count: int, steps: int, head: str) -> tuple[float, int, float]:
    """Carry out a race."""
    with tempfile.TemporaryDirectory() as folder:
        code = head + RACE
        given = [json.dumps(members(count)), str(steps), folder]
        return carried_out([[sys.executable, "-W", "ignore", "-c", code, *given]])


def scripts(count: int, steps: int, head: str) -> tuple[float, int, float]:
    """Carry out separate scripts, one after the other, each with all cores."""
    base = facts(next(iter(bundled()))).path
    with tempfile.TemporaryDirectory() as folder:
        return carried_out(
            [
                [sys.executable, "-W", "ignore", "-c", head + SCRIPT]
                + [name, str(seed), str(steps), base, f"{folder}/{name}-{seed}"]
                for name, seed in members(count)
            ]
        )


def spread(values: list[float]) -> str:
    """Write a median with the lowest and the highest."""
    return f"{statistics.median(values):.2f} ({min(values):.2f} to {max(values):.2f})"


def main(counts: list[int], steps: int, pairs: int, length: int, onednn: bool) -> None:
    """Print a block for each number of runs."""
    peaks = {}
    with tempfile.TemporaryDirectory() as folder:
        head = constants(Path(folder), length, onednn)
        for count in counts:
            told = [(raced(count, steps, head), scripts(count, steps, head)) for _ in range(pairs)]
            peaks[count] = statistics.median(race[1] for race, _ in told)
            what = f"{SETTINGS['batch']} rows of up to {length} tokens"
            what += ", race with onednn" * onednn
            print(f"{count} runs of {steps} steps of {what}, {pairs} pairs", flush=True)
            names = ("seconds", "peak bytes of the process tree", "seconds to ten points each")
            for place, name in enumerate(names):
                race = statistics.median(one[place] for one, _ in told)
                alone = statistics.median(one[place] for _, one in told)
                ratio = spread([one[place] / other[place] for one, other in told])
                print(
                    f"  {name}: race {race:,.1f}, scripts {alone:,.1f}, ratio {ratio}", flush=True
                )
    if len(peaks) > 1:
        first, last = min(peaks), max(peaks)
        added = (peaks[last] - peaks[first]) / (last - first)
        base = facts(next(iter(bundled()))).parameters * 4
        print(f"each further run adds {added / 1e6:.1f} MB; the base has {base / 1e6:.1f} MB")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, nargs="+", default=[2, 6])
    parser.add_argument("--steps", type=int, default=60)
    parser.add_argument("--pairs", type=int, default=1)
    parser.add_argument("--length", type=int, default=64)
    parser.add_argument("--onednn", action="store_true")
    given = parser.parse_args()
    main(given.runs, given.steps, given.pairs, given.length, given.onednn)

"""Exported scripts: the same losses to the last bit, the same weights, and a pleasure to read."""

from __future__ import annotations

import ast
import importlib.metadata
import inspect
import json
import os
import re
import shutil
import subprocess
import sys
import tomllib

import pytest

import workbench as wb
from tests.serving import ASK, TRAINED, mechanisms
from workbench.errors import RecipeError, StoreError, TrainingError, WorkbenchError
from workbench.recipe import COMPUTING, Recipe
from workbench.registry.quantizations import QUANTIZATIONS
from workbench.registry.tasks import TASKS

THINGS = ("film", "lamp", "kettle", "coat", "boat", "song", "soup", "walk")
VERDICTS = (
    ("good", "liked", "positive"),
    ("bad", "hated", "negative"),
    ("lovely", "kept", "positive"),
    ("dull", "left", "negative"),
)
ROWS = {
    "classify": [
        {"text": f"the {thing} was {word} and I {verb} it" + " yes" * (i % 3), "label": label}
        for i, thing in enumerate(THINGS)
        for word, verb, label in VERDICTS
    ],
    "instruct": [
        {"prompt": f"what was the {thing}" + " and" * (i % 3), "completion": f"it was {word}"}
        for i, thing in enumerate(THINGS)
        for word, _, _ in VERDICTS[:2]
    ],
    "token_classify": [
        {
            "tokens": ["the", thing, "was", word] + ["yes"] * (i % 3),
            "tags": f"D N V {label}" + " O" * (i % 3),
        }
        for i, thing in enumerate(THINGS)
        for word, _, label in VERDICTS
    ],
    "lm": [
        {"text": f"the {thing} was {word} and I {verb} it" + " no" * (i % 3)}
        for i, thing in enumerate(THINGS)
        for word, verb, _ in VERDICTS
    ],
}
ROWS["seq2seq"] = ROWS["instruct"]
ROWS["image_classify"] = [
    {"image": f"images/{i}.png", "label": ("dark", "bright")[i % 2]} for i in range(24)
]
CASES = [
    (name, task)
    for name, technique in TRAINED.items()
    for task in technique.tasks
    if name not in ASK
]
# The base that a task is tried on, where it is not the llama.
BASES = {"seq2seq": "bart", "image_classify": "vit"}
# One per way of carrying techniques out, every task among them; the others run with the slow tests.
FEW = [
    (name, technique.tasks[i % len(technique.tasks)])
    for i, (name, technique) in enumerate((name, TRAINED[name]) for name in mechanisms())
]

# Runs scripts one after another and sees to it that none imports workbench.
RUNNER = """
import runpy, sys
from contextlib import redirect_stdout

for script in sys.argv[1:]:
    sys.argv = [script, "--output", script.replace(".py", "-saved")]
    with open(script.replace(".py", ".log"), "w") as log, redirect_stdout(log):
        runpy.run_path(script, run_name="__main__")
assert "workbench" not in sys.modules
"""


def write(folder, rows, name="rows.jsonl"):
    path = folder / name
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return str(path)


def paint(folder):
    """Write the images that rows name."""
    from PIL import Image

    (folder / "images").mkdir(exist_ok=True)
    for i, row in enumerate(ROWS["image_classify"]):
        grey = (60 if row["label"] == "dark" else 180) + 3 * i
        Image.new("RGB", (20 + i, 18), (grey, 255 - grey, grey // 2)).save(folder / row["image"])


def recipe_for(technique, task, model, folder, **changes):
    if task == "image_classify":
        paint(folder)
    settings = {
        "model": str(model),
        "task": task,
        "data": write(folder, ROWS[task], f"{task}.jsonl"),
        "technique": technique,
        "per_device_train_batch_size": 4,
        "max_steps": 5,
        "eval_steps": 3,
        "max_new_tokens": 4,
        "seed": 3,
    }
    return Recipe(**{**settings, **changes})


def run_scripts(*scripts):
    """Run scripts in one process, without workbench; return the events each printed."""
    done = subprocess.run(
        [sys.executable, "-I", "-W", "ignore", "-c", RUNNER, *map(str, scripts)],
        capture_output=True,
        text=True,
        check=False,
        cwd=scripts[0].parent,
        env={**os.environ, "HF_HUB_OFFLINE": "1"},
    )
    assert done.returncode == 0, (done.returncode, done.stderr[-3000:])
    return [
        [json.loads(line) for line in script.with_suffix(".log").read_text().splitlines()]
        for script in scripts
    ]


def figures(events):
    """What must be equal: everything but the time it took."""
    timed = ("seconds", "tokens_per_second")
    return [
        {key: value for key, value in event.items() if key not in timed}
        for event in events
        if event["event"] in ("train", "eval")
    ]


@pytest.fixture(scope="session")
def bases(tiny_llama, tiny_bert, tiny_t5, tiny_bart, tiny_vit):
    return {
        "llama": tiny_llama,
        "bert": tiny_bert,
        "t5": tiny_t5,
        "bart": tiny_bart,
        "vit": tiny_vit,
    }


def on_its_base(name, task):
    return name, task, BASES.get(task, "llama"), {}


def check_same(cases, bases, folder):
    """Train each case, run its script, and hold losses and weights together."""
    import torch

    runs, scripts = [], []
    for i, (technique, task, model, changes) in enumerate(cases):
        recipe = recipe_for(technique, task, bases[model], folder, **changes)
        run = wb.train(recipe, folder / "runs", progress=False)
        runs.append(run)
        scripts.append(wb.export(run, folder / f"script{i}.py"))
    for run, script, events in zip(runs, scripts, run_scripts(*scripts), strict=True):
        assert figures(events) == figures(run.events), run.recipe
        assert len(run.losses) == 5
        assert len(set(run.losses)) > 1
        saved = script.with_name(script.stem + "-saved")
        ours = logits(
            run.plan, run.path / ("model" if run.plan["trainable"] == "all" else "adapter")
        )
        theirs = logits(run.plan, saved)
        assert torch.equal(ours, theirs)
        run.model.eval()
        with torch.no_grad():
            ours = run.model(**probe(run.plan)).logits
        # A difference to a start, and ranks that were cut away, are saved in another form.
        rounds = run.plan["saves_difference"] or run.plan["after_step"] or run.recipe.torch_compile
        if run.recipe.bf16:
            assert torch.allclose(
                ours.float(), theirs, atol=0.1
            )  # what was saved is asked in float32
        elif rounds:
            assert torch.allclose(ours, theirs, atol=1e-5)
        else:
            assert torch.equal(ours, theirs)


def probe(plan):
    import torch

    if plan["auto_class"] == "AutoModelForImageClassification":
        return {"pixel_values": torch.linspace(-1, 1, 2 * 3 * 16 * 16).view(2, 3, 16, 16)}
    ids = torch.tensor([[6, 7, 12, 13, 16, 17], [6, 9, 12, 14, 16, 18]])
    batch = {"input_ids": ids, "attention_mask": torch.ones_like(ids)}
    if plan["auto_class"] == "AutoModelForSeq2SeqLM":
        # Virtual tokens find the decoder's part from labels alone, AdaLoRA takes them for training.
        name = "labels" if "num_virtual_tokens" in plan["config"] else "decoder_input_ids"
        batch[name] = ids[:, :3].contiguous()
    return batch


def logits(plan, folder, device="cpu"):
    """Load what was saved as its user would, and ask it something on a device."""
    import torch
    import transformers
    from peft import PeftModel
    from safetensors.torch import load_file

    from workbench.training.adaptation import forward_hooks
    from workbench.training.adaptation.conv1d import convert_conv1d
    from workbench.training.adaptation.quantize import keep_packed, quantization_config
    from workbench.tuners import register

    auto = getattr(transformers, plan["auto_class"])
    settings = {"dtype": torch.float32}
    if plan["labels"]:
        settings["num_labels"] = len(plan["labels"])
        settings["ignore_mismatched_sizes"] = plan["resizes_head"]
    if plan["recipe"]["quantization"]:
        settings["quantization_config"] = quantization_config(
            plan["recipe"]["quantization"], plan["heads"]
        )

    def load(place, **settings):
        model = auto.from_pretrained(place, **settings)
        # bitsandbytes packs weights on the device that they are used on.
        return model if next(model.parameters()).device.type == device else model.to(device)

    if plan["trainable"] == "all":
        model = load(folder, dtype=torch.float32)
    else:
        model = load(plan["model_path"], **settings)
        if plan["recipe"]["quantization"]:
            keep_packed(model)
        if plan["recipe"]["convert_conv1d"]:
            convert_conv1d(model)
        if plan["trainable"] == "selected":
            head = load_file(folder / "trained.safetensors")
            assert set(head) == set(plan["selected"])
            model.load_state_dict(head, strict=False)
        else:
            register()
            if plan["initializer"] == "get_xlora_model":
                model.config.use_cache = False
            model = PeftModel.from_pretrained(model, folder)
            if plan["forward_hook"]:
                getattr(forward_hooks, plan["forward_hook"])(model)
    model.eval()
    with torch.no_grad():
        batch = {name: tensor.to(device) for name, tensor in probe(plan).items()}
        return model(**batch).logits


def test_the_cases_cover_every_task():
    assert {task for _, task in FEW} == set(TASKS)


def test_losses_and_weights_are_those_of_the_run(bases, tmp_path):
    cases = [on_its_base(name, task) for name, task in FEW]
    dropout = {"technique_args": {"lora_dropout": 0.2}, "lr_scheduler_type": "cosine"}
    cases.append(("ia3", "seq2seq", "t5", {}))
    cases.append(("lora", "classify", "bert", dropout))
    check_same(cases, bases, tmp_path)


def test_losses_and_weights_are_those_of_the_run_with_each_setting(bases, tmp_path):
    names = [name for name in COMPUTING if name != "torch_compile"]
    cases = [("lora", "instruct", "llama", {name: True}) for name in names]
    # Products of smaller bases are not large enough for oneDNN.
    cases.append(("vera", "instruct", "bundled", {"onednn": True}))
    bases = {**bases, "bundled": "village-3m"}
    check_same(cases, bases, tmp_path)


@pytest.mark.slow
def test_losses_and_weights_are_those_of_the_run_when_compiled(bases, tmp_path):
    check_same([("lora", "lm", "llama", {"torch_compile": True})], bases, tmp_path)


@pytest.mark.slow
def test_losses_and_weights_of_every_technique_on_every_task(bases, tmp_path):
    cases = [on_its_base(name, task) for name, task in CASES]
    cases += [(name, "classify", "bert", {}) for name, task in CASES if task == "classify"]
    check_same(cases, bases, tmp_path)


@pytest.mark.slow
def test_losses_and_weights_with_every_setting(bases, tmp_path):
    held = write(tmp_path, ROWS["classify"][::-2], "held.jsonl")
    settings = [
        {"optim": "sgd", "weight_decay": 0.1, "lr_scheduler_type": "constant"},
        {"optim": "rmsprop", "warmup_steps": 2, "lr_scheduler_type": "constant_with_warmup"},
        {"gradient_accumulation_steps": 3, "max_grad_norm": float("inf"), "eval_on_start": True},
        {"eval_data": held, "max_train_samples": 13, "max_eval_samples": 7, "max_length": 8},
        {"eval_fraction": 0.4, "per_device_eval_batch_size": 3, "seed": 2**32 - 1},
        {"technique_args": {"target_modules": ["q_proj"], "init_lora_weights": "gaussian"}},
    ]
    cases = [("lora", "classify", "llama", changes) for changes in settings]
    others = {
        "prompt_tuning": {"prompt_tuning_init": "SAMPLE_VOCAB"},
        "prefix_tuning": {"prefix_projection": True},
    }
    cases += [(name, "lm", "llama", {"technique_args": args}) for name, args in others.items()]
    cases.append(("prompt_tuning", "lm", "llama", {"quantization": "nf4"}))
    cases += [("lora", "lm", "llama", {"quantization": name}) for name in QUANTIZATIONS]
    check_same(cases, bases, tmp_path)


@pytest.fixture(scope="module")
def scripts(bases, tiny_bert, tmp_path_factory):
    """Scripts of recipes that were never carried out, one for each technique, task and format."""
    import pandas

    folder = tmp_path_factory.mktemp("scripts")
    recipes = {
        f"{name}_{task}": recipe_for(name, task, bases[BASES.get(task, "llama")], folder)
        for name, task in FEW
    }
    frame = pandas.DataFrame(ROWS["classify"])
    frame.to_csv(folder / "rows.csv", index=False)
    frame.to_csv(folder / "rows.tsv", index=False, sep="\t")
    frame.to_parquet(folder / "rows.parquet")
    frame.to_json(folder / "rows.json", orient="records")
    for kind in ("csv", "tsv", "parquet", "json"):
        data = str(folder / f"rows.{kind}")
        recipes[f"{kind}_rows"] = recipe_for(
            "lora", "classify", tiny_bert, folder, data=data, eval_data=data
        )
    for part in ("train", "test"):
        for label in ("dark", "bright"):
            (folder / "sorted" / part / label).mkdir(parents=True)
            shutil.copy(folder / "images" / "1.png", folder / "sorted" / part / label)
    recipes["image_folder"] = recipe_for(
        "lora", "image_classify", bases["vit"], folder, data=str(folder / "sorted")
    )
    odd = [{"text": "it was good", "label": f"'{i % 3}' is \"odd\" \\n é"} for i in range(40)]
    recipes["odd_names"] = recipe_for(
        "full", "classify", tiny_bert, folder, data=write(folder, odd, 'a"""b\\n.jsonl')
    )
    return {name: wb.export(recipe, folder / f"{name}.py") for name, recipe in recipes.items()}


def test_scripts_are_as_ruff_would_have_them(scripts):
    settings = ["--isolated", "--line-length", "100"]
    for command in (["check"], ["format", "--diff"]):
        done = subprocess.run(
            [sys.executable, "-m", "ruff", *command, *settings, *map(str, scripts.values())],
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr


def test_scripts_pin_what_they_import_and_nothing_else(scripts):
    for script in scripts.values():
        text = script.read_text()
        metadata = re.search(r"(?s)^# /// script\n(.*?)^# ///$", text, re.MULTILINE).group(1)
        block = tomllib.loads("".join(line[2:] + "\n" for line in metadata.splitlines()))
        names = {pin.partition("==")[0] for pin in block["dependencies"]}
        imported = {
            name.partition(".")[0]
            for node in ast.walk(ast.parse(text))
            if isinstance(node, ast.Import | ast.ImportFrom)
            for name in ([node.module] if hasattr(node, "module") else [a.name for a in node.names])
        } - set(sys.stdlib_module_names)
        if "BitsAndBytesConfig" in text:
            imported.add("bitsandbytes")  # transformers imports it
        imported = {"pillow" if name == "PIL" else name for name in imported}
        assert names == imported
        for pin in block["dependencies"]:
            name, version = pin.split("==")
            assert version == importlib.metadata.version(name).partition("+")[0]


def test_scripts_hold_only_functions_that_they_call(scripts):
    for script in scripts.values():
        tree = ast.parse(script.read_text())
        defined = {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}
        used = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
        assert {"main", "train"} <= defined <= used
        for node in tree.body:
            if isinstance(node, ast.FunctionDef | ast.ClassDef):
                assert ast.get_docstring(node)


def test_the_loop_that_is_carried_is_the_loop_that_trains(scripts):
    from workbench.training import loop

    lines = {line.strip() for line in inspect.getsource(loop).splitlines()}
    # What a script calls by a constant's name; and what a batch's tokens are stands in the loop.
    lines |= {line.replace("return", "step_tokens =") for line in lines}
    # A task settles whether a row has a label per token.
    lines |= {line.replace(' and batch["labels"].dim() > 1', "") for line in lines}
    for script in scripts.values():
        tree = ast.parse(script.read_text())
        (train,) = (node for node in tree.body if getattr(node, "name", "") == "train")
        body = ast.get_source_segment(script.read_text(), train).splitlines()
        start = next(number for number, line in enumerate(body) if " -> " in line) + 1
        carried = {
            re.sub(r"\b[A-Z_]{4,}\b", lambda name: name[0].lower(), line) for line in body[start:]
        }
        assert {line.strip() for line in carried} <= lines


def test_a_script_of_lora_on_reviews_is_read_in_one_go(tmp_path):
    recipe = Recipe(task="classify", data="reviews", technique="lora")
    lines = wb.export(recipe, tmp_path / "train.py").read_text().splitlines()
    assert len(lines) <= 243
    assert lines.index("def main() -> None:") == min(
        number for number, line in enumerate(lines) if line.startswith("def ")
    )
    assert "yield" not in {line.strip() for line in lines}


def test_every_script_has_help_without_the_workbench(scripts):
    name = next(name for name in scripts if name.endswith("_instruct"))
    title = TRAINED[name.removesuffix("_instruct")].title
    script = scripts[name]
    done = subprocess.run(
        [sys.executable, "-I", "-W", "ignore", script, "--help"],
        capture_output=True,
        text=True,
        check=True,
    )
    help_ = " ".join(done.stdout.split())
    assert f"to answer the prompts of instruct, with {title}." in help_
    assert "--model" in help_
    assert "instruct.jsonl" in help_


def test_a_script_for_the_hub_reads_its_splits(tiny_llama, tmp_path):
    from workbench.export.script import script
    from workbench.training.resolve import resolve

    plan = resolve(recipe_for("lora", "lm", tiny_llama, tmp_path)).plan.to_dict()
    plan["data"] = {
        "format": "hub",
        "train": "owner/name",
        "eval": "validation",
        "train_split": "train",
        "config": "main",
        "revision": "0" * 40,
    }
    text = script(plan, "the run x", "train.py")
    tree = ast.parse(text)
    calls = [
        ast.unparse(node)
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "load_dataset"
    ]
    revision = f"revision='{'0' * 40}'"
    assert calls == [
        f"load_dataset(args.data, 'main', {revision}, split='train')",
        f"load_dataset(args.data, 'main', {revision}, split=args.eval_data)",
    ]
    assert f"datasets=={plan['versions']['datasets']}" in text
    assert 'DATA = "owner/name"\nEVAL_DATA = "validation"\n' in text


def test_a_script_for_labels_on_the_hub_names_them(tiny_bert, tmp_path):
    from workbench.export.script import script
    from workbench.training.resolve import resolve

    plan = resolve(recipe_for("lora", "token_classify", tiny_bert, tmp_path)).plan.to_dict()
    plan["data"] |= {"format": "hub", "train": "owner/name", "eval": None}
    plan["data"]["train_split"] = "train"
    text = script(plan, "the run x", "train.py")
    assert 'train_data = load_dataset(args.data, split="train")' in text
    assert "= split_rows(name_labels(train_data)" in text
    assert "def name_labels(dataset: Dataset) ->" in text
    assert 'dataset.features["tags"]' in text


@pytest.mark.slow
@pytest.mark.parametrize(
    ("technique", "task", "saved"),
    [
        ("lora", "instruct", "adapter_model.safetensors"),
        ("adalora", "lm", "adapter_model.safetensors"),
        ("head_only", "classify", "trained.safetensors"),
        ("full", "classify", "tokenizer.json"),
    ],
)
def test_a_script_in_two_processes_learns_as_in_one(technique, task, saved, tiny_llama, tmp_path):
    # Twelve rows make whole batches: in several processes the last one would be filled up.
    recipe = recipe_for(technique, task, tiny_llama, tmp_path, max_train_samples=12)
    run = wb.train(recipe, tmp_path / "runs", progress=False)
    script = wb.export(recipe.replace(per_device_train_batch_size=2), tmp_path / "train.py")
    launch = ["-m", "torch.distributed.run", "--standalone", "--nproc_per_node", "2"]
    done = subprocess.run(
        [sys.executable, "-W", "ignore", *launch, script, "--output", tmp_path / "saved"],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "ACCELERATE_USE_CPU": "true"},
    )
    assert done.returncode == 0, (done.returncode, done.stderr[-3000:])
    events = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    losses = [event["loss"] for event in events if event["event"] == "train"]
    assert losses == pytest.approx(run.losses, rel=1e-3)
    last = [event for event in events if event["event"] == "eval"][-1]
    assert last["loss"] == pytest.approx(run.evaluations[-1]["loss"], rel=1e-3)
    assert (tmp_path / "saved" / saved).is_file()


def test_a_run_its_record_and_its_folder_give_one_script(tiny_llama, tmp_path):
    recipe = recipe_for("ia3", "lm", tiny_llama, tmp_path, max_grad_norm=float("inf"), max_steps=1)
    run = wb.train(recipe, tmp_path / "runs", progress=False)
    texts = [
        wb.export(source, tmp_path / f"{i}" / "train.py").read_text()
        for i, source in enumerate((run, run.record(), run.path, str(run.path)))
    ]
    assert len(set(texts)) == 1
    assert 'MAX_GRAD_NORM = float("inf")' in texts[0]
    assert f"from the run {run.name}." in texts[0]
    never = wb.export(recipe, tmp_path / "never" / "train.py").read_text()
    assert "from the recipe ia3-lm." in never
    assert never.partition("\nimport")[2] == texts[0].partition("\nimport")[2]


@pytest.mark.parametrize(
    ("technique", "task"),
    [case if case in FEW else pytest.param(*case, marks=pytest.mark.slow) for case in CASES],
)
def test_a_run_changes_nothing_in_its_plan(technique, task, bases, tmp_path):
    from workbench.training.resolve import resolve

    model = bases[BASES.get(task, "llama")]
    recipe = recipe_for(technique, task, model, tmp_path)
    before = wb.export(recipe, tmp_path / "before" / "train.py").read_text()
    plan = resolve(recipe).plan.to_dict()
    run = wb.train(recipe, tmp_path / "runs", progress=False)
    assert run.plan == plan
    after = wb.export(run, tmp_path / "after" / "train.py").read_text()
    assert after.partition("\nimport")[2] == before.partition("\nimport")[2]


FORGED = {
    "threads": "1); print('forged'",
    "config_class": "print('forged') or LoraConfig",
    "initializer": "print",
    "auto_class": "AutoModel, print",
    "after_step": "__import__",
    "optimizer": {"class": "SGD if print('forged') else torch.optim.SGD", "arguments": {}},
    "config": {"r=print('forged'), x": 1},
    "columns": {"x=print('forged'), text": "text"},
    "padding_side": "left(print('forged'))",
    "data": {"format": "jsonl(print('forged'))", "train": "x"},
    "versions": {"torch": "1\nprint('forged')\n#"},
    "max_steps": "print('forged')",
}


@pytest.mark.parametrize("name", FORGED)
def test_a_forged_plan_is_refused_in_a_sentence(name, tiny_llama, tmp_path):
    from workbench.export.script import script
    from workbench.training.resolve import resolve

    plan = resolve(recipe_for("lora", "lm", tiny_llama, tmp_path)).plan.to_dict()
    assert script(plan, "a run", "train.py")
    with pytest.raises(RecipeError, match="must be") as raised:
        script({**plan, name: FORGED[name]}, "a run", "train.py")
    assert len(str(raised.value).splitlines()) == 1


def test_a_run_of_an_earlier_version_has_its_script(tiny_llama, tmp_path):
    from workbench.export.script import script
    from workbench.training.resolve import resolve

    plan = resolve(recipe_for("lora", "lm", tiny_llama, tmp_path)).plan.to_dict()
    later = (
        "mask_positions",
        "gathers_statistics",
        "has_adapter",
        "prequantized",
        "full_precision_modules",
        "eval_label_counts",
        "replaces_problem_type",
    )
    earlier = {name: value for name, value in plan.items() if name not in later}
    assert len(plan) - len(earlier) == len(later)
    assert script(earlier, "a run", "train.py") == script(plan, "a run", "train.py")


def test_a_script_names_no_folder_of_this_machine(tmp_path, monkeypatch):
    text = wb.export(Recipe(), tmp_path / "train.py").read_text()
    assert 'MODEL = "village-3m"\nDATA = "reviews/train.jsonl"\n' in text
    (tmp_path / "rows.jsonl").write_text('{"text": "a b c"}\n' * 8)
    monkeypatch.chdir(tmp_path)
    text += wb.export(Recipe(task="lm", data="rows.jsonl"), "scripts/lm.py").read_text()
    assert 'DATA = "../rows.jsonl"' in text
    assert str(tmp_path) not in text
    assert os.path.dirname(os.path.dirname(wb.__file__)) not in text


def test_exporting_again_is_no_error_but_edits_are_kept(tiny_llama, tmp_path):
    recipe = recipe_for("lora", "lm", tiny_llama, tmp_path)
    path = wb.export(recipe, tmp_path / "train.py")
    text = path.read_text()
    assert wb.export(recipe, path) == path
    path.write_text(text + "# my own note\n")
    with pytest.raises(StoreError, match="has other content: give another name"):
        wb.export(recipe, path)
    assert path.read_text().endswith("# my own note\n")
    wb.export(recipe, path, overwrite=True)
    assert path.read_text() == text


def test_what_cannot_be_written_is_said_in_a_sentence(tiny_llama, tmp_path):
    recipe = recipe_for("lora", "lm", tiny_llama, tmp_path)
    with pytest.raises(StoreError, match="is a folder: give a file in it, such as"):
        wb.export(recipe, tmp_path)
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="could not be written to .*: give a path that you may"):
        wb.export(recipe, tmp_path / "file" / "train.py")
    with pytest.raises(StoreError, match="could not be written"):
        wb.export(recipe, tmp_path / ("long" * 100))


def test_what_has_no_plan_is_refused(tmp_path):
    recipe = Recipe(data=write(tmp_path, ROWS["lm"]), model=str(tmp_path / "nothing"), task="lm")
    run = wb.Run(recipe, tmp_path / "runs")
    with pytest.raises(TrainingError, match="is ready and has no plan yet"):
        wb.export(run, tmp_path / "train.py")
    with pytest.raises(WorkbenchError):
        run.start().wait()
    with pytest.raises(TrainingError, match="is failed and has no plan"):
        wb.export(run, tmp_path / "train.py")
    with pytest.raises(StoreError, match="existing folder"):
        wb.export(tmp_path / "no run", tmp_path / "train.py")
    with pytest.raises(RecipeError, match="run must be a run, a run's folder or a recipe"):
        wb.export(3, tmp_path / "train.py")
    assert not (tmp_path / "train.py").exists()


def test_the_verbs_stay_verbs_when_their_folders_are_imported():
    code = "import workbench.export.source, workbench as wb; assert callable(wb.export)"
    subprocess.run([sys.executable, "-c", code], check=True)

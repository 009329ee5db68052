"""The catalogue of techniques: each entry is whole, trains, is saved, and leaves as a script."""

from __future__ import annotations

import json
import math
import re
from dataclasses import dataclass
from itertools import pairwise

import pytest
import torch

import workbench as wb
from tests.conftest import save_architecture
from tests.serving import ASK, TRAINED
from tests.test_export import figures, logits, probe, run_scripts
from workbench.cli import main
from workbench.errors import RecipeError
from workbench.registry.tasks import TASKS
from workbench.registry.technique import GET_PEFT_MODEL
from workbench.registry.techniques import (
    TECHNIQUES,
    arguments,
    config_class,
    find,
    own_arguments,
    select_function,
    uncurated,
)
from workbench.training.adaptation import base_model
from workbench.training.adaptation.build import adaptation_of, put_on_clone
from workbench.training.inspection.compatibility.probe import touched
from workbench.training.inspection.skeleton import count
from workbench.training.resolve import resolve

# Each row says the same, so that a batch is like the next and the loss can only fall by learning.
ROW = {"text": "the lamp was bad and I hated it", "prompt": "was it good", "completion": "it was"}
LABELS = ("no", "yes")


@pytest.fixture(scope="session")
def model(tmp_path_factory):
    """The folder of a llama whose weights pass something on, with biases."""
    folder = tmp_path_factory.mktemp("models") / "wide-llama"
    return str(save_architecture(folder, "llama", attention_bias=True))


@pytest.fixture(scope="session")
def data(tmp_path_factory):
    path = tmp_path_factory.mktemp("data") / "rows.jsonl"
    words = ("good", "bad")
    rows = [
        {
            **ROW,
            "text": f"the film was {words[i % 2]}",
            "label": LABELS[i % 2],
            "tokens": ["it", "was", words[i % 2]],
            "tags": ["O", "O", f"B-{LABELS[i % 2]}"],
        }
        for i in range(24)
    ]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return str(path)


def recipe_for(name, model, data, **changes):
    task = TECHNIQUES[name].tasks[0]
    settings = {"model": model, "data": data, "task": task, "technique": name, "seed": 1}
    steps = {"max_steps": 12, "eval_steps": 12, "per_device_train_batch_size": 8}
    return wb.Recipe(**{**settings, **steps, "max_new_tokens": 4, **changes})


@pytest.mark.parametrize("name", TECHNIQUES)
def test_an_entry_is_whole(name):
    entry = TECHNIQUES[name]
    assert entry.name == name == name.lower()
    assert entry.title and entry.family
    assert entry.summary.endswith(".") and 20 < len(entry.summary) < 100
    assert set(entry.tasks) <= set(TASKS) and entry.tasks
    assert entry.trainable == "nothing" or 0 < entry.learning_rate < 1
    assert len({knob.name for knob in entry.hyperparameters}) == len(entry.hyperparameters) <= 5
    if entry.paper:
        assert entry.paper.title and 2018 < entry.paper.year < 2027
        assert entry.paper.arxiv is None or re.fullmatch(r"\d{4}\.\d{5}", entry.paper.arxiv)
        if entry.paper.arxiv:
            assert entry.paper.arxiv[:2] == str(entry.paper.year)[2:]
    for knob in entry.hyperparameters:
        if knob.choices:
            assert knob.default in knob.choices
        elif knob.low is not None:
            assert knob.low <= knob.default
    assert {knob.name for knob in entry.hyperparameters} <= set(arguments(name))
    own = own_arguments(select_function(entry))
    assert own <= set(arguments(name))


def test_titles_and_entries_differ():
    titles = [entry.title for entry in TECHNIQUES.values()]
    assert len(set(titles)) == len(titles)
    sentences = [entry.summary for entry in TECHNIQUES.values()]
    assert len(set(sentences)) == len(sentences)


def test_every_type_of_the_installed_peft_has_a_curated_entry():
    from peft.mapping import PEFT_TYPE_TO_CONFIG_MAPPING

    assert uncurated() == {}
    configs = {entry.config for entry in TECHNIQUES.values()}
    assert {config.__name__ for config in PEFT_TYPE_TO_CONFIG_MAPPING.values()} <= configs
    assert len(PEFT_TYPE_TO_CONFIG_MAPPING) >= 45


def test_families_stand_together():
    families = [entry.family for entry in TECHNIQUES.values()]
    changes = sum(one != other for one, other in pairwise(families))
    assert changes == len(set(families)) - 1


@dataclass
class Cell:
    """One technique trained, and whether the base kept its bits."""

    run: wb.Run
    clean: bool


@pytest.fixture(scope="module")
def cells(model, data, tmp_path_factory):
    """Each technique trained once, with its script run in one process for all."""
    folder = tmp_path_factory.mktemp("cells")
    trained: dict[str, Cell] = {}
    scripts = {}
    for name in TRAINED:
        recipe = recipe_for(name, model, data)
        if name in ASK:
            adapters = {
                part: str(trained[part].run.path / "adapter") for part in ("lora", "rslora")
            }
            recipe = recipe.replace(adapters=adapters)
        run = wb.train(recipe, folder / "runs", progress=False)
        (held,) = base_model._LATEST
        trained[name] = Cell(run, clean=base_model.is_pristine(held))
        scripts[name] = wb.export(run, folder / f"{name}.py")
    events = dict(zip(scripts, run_scripts(*scripts.values()), strict=True))
    return trained, events


@pytest.mark.parametrize("name", TRAINED)
def test_it_learns_and_leaves_the_base_alone(name, cells):
    cell = cells[0][name]
    losses = cell.run.losses
    assert all(map(math.isfinite, losses))
    assert min(losses[-3:]) < losses[0], losses
    assert cell.run.parameters["trainable"] > 0
    assert cell.clean


@pytest.mark.parametrize("name", TRAINED)
def test_what_was_saved_is_what_was_learnt(name, cells):
    run = cells[0][name].run
    folder = run.path / ("model" if run.plan["trainable"] == "all" else "adapter")
    run.model.eval()
    with torch.no_grad():
        ours = run.model(**probe(run.plan)).logits
    theirs = logits(run.plan, folder)
    # A difference to a start, and ranks that were cut away, are saved in another form.
    if run.plan["saves_difference"] or run.plan["after_step"]:
        assert torch.allclose(ours, theirs, atol=1e-4)
    else:
        assert torch.equal(ours, theirs)


@pytest.mark.parametrize("name", TRAINED)
def test_its_script_gives_the_same_losses(name, cells):
    trained, events = cells
    assert figures(events[name]) == figures(trained[name].run.events)


@pytest.mark.parametrize("name", [name for name in TRAINED if name not in ASK])
def test_its_parameters_are_counted_beforehand(name, cells, model, data):
    assert count(recipe_for(name, model, data)) == cells[0][name].run.parameters


@pytest.mark.parametrize(
    ("technique", "args", "sentence"),
    [
        (
            "c3a",
            {"block_size": 24},
            r"block_size must be a divisor of 16, .* such as 16, but is 24",
        ),
        (
            "oft",
            {"oft_block_size": 12},
            "oft_block_size must be a divisor of 32, to divide the in",
        ),
        ("road", {"group_size": 32}, "group_size must be a divisor of 16, to divide the outputs"),
        ("boft", {"boft_block_size": 5}, "boft_block_size must be a divisor of 32"),
        ("vblora", {"vector_length": 64}, "vector_length must be a divisor of 16"),
        ("lora", {"r": 33}, "r must be at most 32, the width of the layers"),
        ("pissa", {"r": 17}, "r must be at most 16, the width of the narrowest layer"),
        (
            "fourierft",
            {"n_frequency": 513},
            "n_frequency must be at most 512, the number of entries of",
        ),
        ("shira", {"r": 11}, "r must be at most 10, so that no more entries are trained than"),
        ("bdlora", {"use_bdlora.nblocks": 3}, "use_bdlora.nblocks must be a divisor of 16"),
        ("xlora", {}, "adapters must be a mapping of names to folders of LoRA adapters"),
        ("cpt", {"num_virtual_tokens": 10**6}, "num_virtual_tokens must be at most 56"),
    ],
)
def test_what_does_not_fit_the_layers_is_refused(technique, args, sentence, model, data):
    recipe = recipe_for(technique, model, data).replace(**args)
    for ask in (resolve, count):
        with pytest.raises(RecipeError, match=sentence):
            ask(recipe)


@pytest.mark.parametrize("targets", ["all-linear", "All-Linear", r".*\.(q|down)_proj"])
@pytest.mark.parametrize(
    "name",
    [
        name
        for name, technique in TECHNIQUES.items()
        if technique.writes_base and technique.initializer == GET_PEFT_MODEL
    ],
)
def test_layers_named_by_a_text_are_not_rewritten_in_the_base(name, targets, model):
    base = base_model.load_base(
        model, "AutoModelForSequenceClassification", num_labels=2, quantization=None
    )
    adaptation = adaptation_of(
        TECHNIQUES[name],
        base.model,
        {**TECHNIQUES[name].defaults(), "target_modules": targets},
        task_type="SEQ_CLS",
        new_parameters=base.new_parameters,
        max_steps=1,
    )
    assert adaptation.config["modules_to_save"] == ["score"]
    adapted = put_on_clone(adaptation, base)
    assert "model.layers.0.mlp.down_proj" in touched(adapted, base.model)
    assert base_model.is_pristine(base)


def test_layers_named_by_a_text_are_block_diagonal_too(model, data):
    recipe = recipe_for("bdlora", model, data).replace(target_modules=r".*\.(q|o|up|down)_proj")
    blocks = resolve(recipe).plan.config["use_bdlora"]
    assert blocks["target_modules_bd_a"] == ["down_proj", "o_proj"]
    assert blocks["target_modules_bd_b"] == ["q_proj", "up_proj"]


def test_a_value_of_the_users_own_wins(model, data):
    recipe = recipe_for("trainable_tokens", model, data).replace(token_indices=[5, 9])
    assert resolve(recipe).plan.config["token_indices"] == [5, 9]
    recipe = recipe_for("adaption_prompt", model, data)
    assert resolve(recipe).plan.config["adapter_layers"] == 2
    assert resolve(recipe.replace(adapter_layers=1)).plan.config["adapter_layers"] == 1


def test_the_answers_turn_invokes_activated_lora(model, data):
    resolved = resolve(recipe_for("alora", model, data))
    invocation = resolved.plan.config["alora_invocation_tokens"]
    assert resolved.tokenizer.decode(invocation).endswith("<|assistant|>")


def test_a_method_new_in_peft_shows_up_by_itself(monkeypatch, capsys):
    from dataclasses import field, make_dataclass

    from peft import LoraConfig, PeftConfig, PeftType
    from peft import mapping as peft_mapping

    told = {"metadata": {"help": "How much of it."}}
    fields = [
        ("amount", int, field(default=3, **told)),
        ("target_modules", list, field(default=None)),
    ]
    toy = make_dataclass("ToyConfig", fields, bases=(PeftConfig,))
    toy.__doc__ = "Does next to nothing."
    kind = str.__new__(PeftType, "TOY")
    kind._name_ = kind._value_ = "TOY"
    assert issubclass(LoraConfig, PeftConfig)
    monkeypatch.setitem(peft_mapping.PEFT_TYPE_TO_CONFIG_MAPPING, kind, toy)

    entry = find("toy")
    assert entry is not None and not entry.curated
    assert entry.summary == "Does next to nothing."
    assert config_class("toy") is toy
    assert "amount" in arguments("toy")
    assert find("lora").curated
    recipe = wb.Recipe(technique="toy", technique_args={"amount": "much"})
    assert [str(problem) for problem in recipe.problems()] == [
        "amount must be an integer, but is 'much'."
    ]
    arguments.cache_clear()
    assert main(["techniques", "--json"]) == 0
    rows = {row["name"]: row for row in json.loads(capsys.readouterr().out)}
    assert not rows["toy"]["curated"] and rows["lora"]["curated"]
    assert main(["techniques"]) == 0
    assert "new in PEFT" in capsys.readouterr().out


def test_the_list_says_all_there_is_to_say(capsys):
    assert main(["techniques", "--json"]) == 0
    rows = {row["name"]: row for row in json.loads(capsys.readouterr().out)}
    assert rows["pissa"]["writes_base"] and not rows["lora"]["writes_base"]
    assert rows["pissa"]["merges"] and not rows["houlsby"]["merges"]
    assert rows["lora"]["paper"]["arxiv"] == "2106.09685"
    assert rows["adalora"]["needs"] == "the number of training steps in advance"
    assert rows["lora"]["hyperparameters"][0]["name"] == "r"

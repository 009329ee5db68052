"""The memory forecast, held against what the allocator really hands out."""

import functools
import io
import json
import queue

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import workbench as wb
from tests.allocator import allocated, allocated_in_evaluation
from tests.conftest import save_tiny
from tests.test_bench import settle, words
from workbench.cli import main
from workbench.display.units import size
from workbench.errors import ModelError, RecipeError
from workbench.panels import Bench
from workbench.panels.kernel.forecast_worker import ForecastWorker
from workbench.recipe import Recipe
from workbench.training.forecast import dry_run, layer_stacks
from workbench.training.forecast.advice import MOST, Growth, advise
from workbench.training.forecast.forecast import PARTS
from workbench.training.prepare import prepare

# One of each mechanism: what is injected, copied, packed, prepended, or planned step by step.
MECHANISMS = (
    "lora",
    "full",
    "qlora",
    "pissa",
    "prompt_tuning",
    "prefix_tuning",
    "ia3",
    "bitfit",
    "adalora",
    "houlsby",
    "psoft",  # keeps a part of a decomposition
    "kasa",  # decomposes the base before it trains
    "waveft",  # picks values by truths
    "shira",  # puts sparse tensors into weights
    "monteclora",  # draws numbers in advance, and keeps them in an object of its own
    "c3a",  # multiplies conjugates
    "frod",  # multiplies sparse tensors
    "shadow",  # passes more than a tensor from block to block
)


@pytest.fixture
def recipe(tiny_llama):
    # As many rows as a batch has: so every step is as wide as the widest.
    return Recipe(
        model=str(tiny_llama),
        max_steps=3,
        eval_steps=100,
        max_train_samples=8,
        max_eval_samples=8,
        max_length=100,
    )


@pytest.mark.parametrize("technique", MECHANISMS)
def test_the_forecast_is_what_the_allocator_hands_out(recipe, technique):
    recipe = recipe.replace(technique=technique)
    assert wb.forecast(recipe).peak == pytest.approx(allocated(recipe), rel=0.03)


def test_an_optimizer_that_steps_all_parameters_at_once_takes_more(recipe, monkeypatch):
    recipe = recipe.replace(technique="full", max_length=8, per_device_train_batch_size=1)
    plain = wb.forecast(recipe).peak
    # What PyTorch does on a GPU by itself.
    monkeypatch.setattr(dry_run, "_FOREACH", {"cpu"})
    make = functools.partial(torch.optim.AdamW, foreach=True)
    monkeypatch.setattr(torch.optim, "AdamW", make)
    assert plain < wb.forecast(recipe).peak == pytest.approx(allocated(recipe), rel=0.03)


def test_layers_that_a_step_may_drop_are_all_counted(recipe, tmp_path):
    plain, dropping = (
        save_tiny(tmp_path / str(p), "OPTConfig", "OPTForCausalLM", layerdrop=p) for p in (0.0, 0.9)
    )
    expected = wb.forecast(recipe.replace(model=str(plain)))
    assert wb.forecast(recipe.replace(model=str(dropping))).parts == expected.parts


@pytest.mark.parametrize("quantization", ["nf4", "int8", "int8_torchao"])
def test_a_base_in_fewer_bits_is_foretold(recipe, quantization):
    plain = wb.forecast(recipe)
    recipe = recipe.replace(quantization=quantization)
    told = wb.forecast(recipe)
    assert told.peak == pytest.approx(allocated(recipe), rel=0.03)
    assert told.saved == plain.parts["weights"] - told.parts["weights"] > 0


@pytest.mark.parametrize(
    "changes",
    [
        {"task": "lm", "data": "chronicle", "max_length": 64},
        {
            "task": "instruct",
            "data": "village-qa",
            "technique": "alora",
        },  # picks tokens by their words
        {"gradient_accumulation_steps": 2},
        {"gradient_checkpointing": True},
        {"bf16": True},
        {"onednn": True},
        {"onednn": True, "gradient_checkpointing": True},
        {"per_device_train_batch_size": 1, "max_train_samples": 1},
    ],
    ids=lambda changes: "-".join(changes),
)
def test_the_forecast_follows_the_recipe(recipe, changes):
    recipe = recipe.replace(**changes)
    # With one row, states of random generators, which belong to no model, are 4% of all there is.
    assert wb.forecast(recipe).peak == pytest.approx(allocated(recipe), rel=0.03, abs=32_000)


def test_the_parts_add_up(recipe):
    told = wb.forecast(recipe.replace(technique="full"))
    assert tuple(told.parts) == PARTS
    assert sum(told.parts.values()) == told.peak
    # The base that runs share, and a copy of it that this one trains.
    assert told.parts["weights"] == pytest.approx(told.parts["adapters"], rel=0.01)
    assert told.parts["optimizer"] == pytest.approx(2 * told.parts["adapters"], rel=0.01)


def test_what_trains_nothing_needs_weights_and_an_evaluation(recipe):
    told = wb.forecast(recipe.replace(technique="zero_shot"))
    assert told.parts["weights"] > 0 < told.parts["activations"]
    assert told.parts["gradients"] == told.parts["optimizer"] == told.parts["adapters"] == 0
    assert told.peak == told.evaluation


def test_a_recipe_with_problems_tells_them_all(recipe):
    with pytest.raises(RecipeError) as raised:
        wb.forecast(recipe.replace(learning_rate=-1, technique="lorra"))
    about = {problem.parameter for problem in raised.value.problems}
    assert about == {"learning_rate", "technique"}


def test_a_device_that_is_not_there_is_refused(recipe):
    with pytest.raises(RecipeError, match="device must be 'cpu', but is 'tpu'"):
        wb.forecast(recipe, device="tpu")


def test_a_forecast_draws_no_random_numbers(recipe):
    before = torch.get_rng_state()
    wb.forecast(recipe.replace(technique="dora", lora_dropout=0.1))
    assert (torch.get_rng_state() == before).all()


@pytest.mark.parametrize("quantization", [None, "nf4"])
def test_a_run_has_the_same_losses_after_a_forecast(recipe, quantization):
    recipe = recipe.replace(quantization=quantization, lora_dropout=0.1)

    def losses():
        run = prepare(recipe)
        with run.randomness:
            return [event["loss"] for event in run.steps if event["event"] == "train"]

    before = losses()
    wb.forecast(recipe)
    assert losses() == before


@pytest.fixture(scope="module")
def deep_llama(tmp_path_factory, save_model):
    """The folder of a llama of nine equal layers."""
    folder = tmp_path_factory.mktemp("models") / "deep-llama"
    return save_model(folder, "LlamaConfig", "LlamaForCausalLM", num_hidden_layers=9)


@pytest.mark.parametrize(
    "changes",
    [
        {"technique": "full"},
        {"technique": "prefix_tuning"},
        {"technique": "lora", "gradient_checkpointing": True, "bf16": True},
        {"technique": "lora", "layers_to_transform": [0, 1]},
    ],
    ids=lambda changes: "-".join(map(str, changes.values())),
)
def test_few_layers_tell_what_many_take(recipe, deep_llama, monkeypatch, changes):
    recipe = recipe.replace(model=str(deep_llama), **changes)
    whole = wb.forecast(recipe)
    monkeypatch.setattr(layer_stacks, "MANY", 3)
    few = wb.forecast(recipe)
    assert few.peak == pytest.approx(whole.peak, rel=0.01)
    assert few.evaluation == pytest.approx(whole.evaluation, rel=0.01)
    assert few.metered == whole.metered


def test_a_larger_batch_is_foretold_from_two(recipe):
    told = wb.forecast(recipe.replace(per_device_train_batch_size=4))
    more = wb.forecast(recipe.replace(per_device_train_batch_size=16))
    largest = told.largest_batch(more.peak + 1000)
    assert largest == 16
    assert told.largest_batch(more.peak - 1000) == 8
    assert told.largest_batch(more.peak, gradient_checkpointing=True) >= 16
    assert told.largest_batch(0) == 0


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"technique": "full"},
        {"technique": "full", "per_device_train_batch_size": 1, "gradient_accumulation_steps": 2},
        {"technique": "ia3"},
        {"quantization": "nf4"},
    ],
    ids=lambda changes: "-".join(map(str, changes.values())) or "lora",
)
def test_the_meter_counts_what_was_foretold(recipe, tmp_path, changes):
    recipe = recipe.replace(**changes)
    told = wb.forecast(recipe)
    memory = wb.train(recipe, tmp_path, progress=False).memory
    for part in PARTS:
        # Tables of packed weights, the same for all layers, are a tensor for each layer in a run.
        assert told.metered[part] == pytest.approx(memory[part], rel=0.03, abs=32_000), part
    # What is not measured are temporary results.
    assert 0.85 * told.peak < memory["peak"] <= told.peak


sizes = st.integers(1, 10**12)


@given(sizes, sizes, sizes, st.integers(1, 512), sizes)
def test_the_largest_batch_fits_and_twice_as_many_do_not(fixed, each, bump, rows, available):
    def at(count):
        return {"forward": fixed + each * count, "optimizer": fixed + bump}

    growth = Growth(rows, at(rows), at(2 * rows))
    largest = growth.largest(available)
    assert largest == 0 or growth.needs(largest) <= available
    assert largest == MOST or growth.needs(max(1, 2 * largest)) > available


@given(sizes, sizes, sizes, st.sampled_from([1, 2, 4, 8, 32]), sizes)
def test_the_advice_says_what_is_so(fixed, each, checkpointed, rows, available):
    def growth(size):
        return Growth(rows, {"": fixed + size * rows}, {"": fixed + 2 * size * rows})

    plain, less = growth(each), growth(min(each, checkpointed))
    said = advise(rows, plain.needs(rows), available, plain, less, 0)
    assert said.startswith("Enough memory") == (plain.needs(rows) <= available)
    assert said.count(".") >= 1
    assert said.endswith(".")
    if said.startswith(f"Enough memory for batch size {rows:,}, but not for {2 * rows:,}"):
        assert plain.needs(2 * rows) > available
    if "with gradient checkpointing" in said.lower() or "would allow" in said:
        assert less.largest(available) > plain.largest(available)


def test_the_sentence_is_the_one_a_person_would_say():
    plain = Growth(8, {"": 80}, {"": 160})
    less = Growth(8, {"": 20}, {"": 40})
    assert advise(8, 80, 100, plain, less, 0) == (
        "Enough memory for batch size 8, but not for 16; with gradient checkpointing up to 32."
    )
    assert advise(8, 80, 30, plain, less, 0) == (
        "Not enough memory for batch size 8: it needs 80 B of 30 B. Batch size 2 is possible; gradient checkpointing "
        "would allow 8."
    )
    assert "an evaluation needs 500 B of 100 B" in advise(8, 80, 100, plain, less, 500)


def test_a_forecast_shows_itself(recipe):
    told = wb.forecast(recipe)
    assert size(told.peak) in repr(told)
    page = told._repr_html_()
    assert told.advice() in page
    assert all(f"<td>{size(told.metered[part])}</td>" in page for part in PARTS)


def test_full_fine_tuning_shows_gradients_as_large_as_the_weights(recipe):
    """As it is taught; and where the fullest moment comes before they are made, that is said."""
    told = wb.forecast(recipe.replace(technique="full"))
    assert told.metered["gradients"] == pytest.approx(told.metered["weights"], rel=0.01)
    assert told.metered["optimizer"] == pytest.approx(2 * told.metered["weights"], rel=0.01)
    page = told._repr_html_()
    assert f"gradients {size(told.metered['gradients'])}" in repr(told)
    assert told.parts["gradients"] < 0.5 * told.metered["gradients"]
    assert "each step frees them" in page


def test_the_command_line_foretells(recipe, tmp_path, capsys):
    path = tmp_path / "recipe.yaml"
    recipe.to_yaml(path)
    assert main(["forecast", str(path)]) == 0
    assert "Enough memory for batch size 8" in capsys.readouterr().out
    assert main(["forecast", str(path), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert sum(told["parts"].values()) == told["peak"]
    assert main(["forecast", str(tmp_path / "none.yaml")]) == 2


def test_the_command_line_answers_one_recipe_after_another(recipe, monkeypatch, capsys):
    wrong = recipe.replace(technique="lorra")
    lines = "".join(json.dumps(one.to_dict()) + "\n" for one in (recipe, wrong, recipe))
    monkeypatch.setattr("sys.stdin", io.StringIO(lines))
    assert main(["forecast", "-"]) == 0
    first, second, third = map(json.loads, capsys.readouterr().out.splitlines())
    assert "did you mean 'lora'?" in second["problem"]
    assert first["parts"] == third["parts"]


class Foreteller:
    """Stands in for the process that makes forecasts."""

    def __init__(self, tell):
        self.tell, self.asked = tell, []

    def ask(self, recipe):
        self.asked.append(recipe)


def test_the_panel_follows_the_knobs(recipe, tmp_path, monkeypatch):
    monkeypatch.setattr("workbench.panels.bench.memory_forecast.ForecastWorker", Foreteller)
    bench = Bench(recipe, runs=tmp_path / "runs")
    bench._shown = True
    settle(bench)
    foretelling = bench._memory.worker
    assert foretelling.asked[-1] == recipe
    told = wb.forecast(recipe).to_dict()
    foretelling.tell(recipe, told)
    bench._ui_loop.flush()
    assert told["advice"] in words(bench)
    bench.recipe = recipe.replace(per_device_train_batch_size=2)
    settle(bench)
    assert foretelling.asked[-1] == bench.recipe
    run = bench.train().wait()
    foretelling.tell(run.recipe, wb.forecast(run.recipe).to_dict())
    bench._ui_loop.wake()
    bench._ui_loop.flush()
    assert f"<th scope='row'>forecast</th><td>{size(told['metered']['weights'])}" in words(bench)
    assert f"<th scope='row'>measured</th><td>{size(run.memory['weights'])}" in words(bench)
    # Other settings: what was measured is not what is forecast, and the old forecast is marked at once.
    bench.recipe = recipe.replace(per_device_train_batch_size=4)
    bench._ui_loop.flush()
    assert "updating" in bench._memory.widget.value
    assert "updating" in bench._memory.line.value
    assert "wb-waits" in bench._memory.widget._dom_classes
    foretelling.tell(bench.recipe, wb.forecast(bench.recipe).to_dict())
    bench._ui_loop.flush()
    assert "updating" not in bench._memory.widget.value + bench._memory.line.value
    assert f"<th scope='row'>{run.name}, measured</th>" in words(bench)
    bench.recipe = recipe.replace(technique="lorra")
    settle(bench)
    assert "forecast</th>" not in words(bench)
    assert bench._memory.line.value == ""


def test_the_panel_says_why_there_is_no_forecast(recipe, tmp_path, monkeypatch):
    monkeypatch.setattr("workbench.panels.bench.memory_forecast.ForecastWorker", Foreteller)
    bench = Bench(recipe, runs=tmp_path / "runs")
    bench._shown = True
    settle(bench)
    tell = bench._memory.worker.tell
    tell(recipe, {"problem": "The memory of this cannot be forecast: <reason>."})
    bench._ui_loop.flush()
    assert bench._memory.widget.layout.display is None
    assert "cannot be forecast: &lt;reason&gt;." in words(bench)
    assert "No memory forecast" in bench._memory.widget.value
    tell(recipe, wb.forecast(recipe).to_dict())
    bench._ui_loop.flush()
    assert "cannot be forecast" not in words(bench)


@pytest.mark.slow
def test_the_process_says_why_there_is_no_forecast(recipe):
    told = queue.Queue()
    ForecastWorker(lambda *answer: told.put(answer)).ask(recipe.replace(technique="lorra"))
    _, answer = told.get(timeout=120)
    assert "did you mean 'lora'?" in answer["problem"]


@pytest.mark.slow
def test_forecasts_come_from_a_process_of_its_own(recipe):
    told = queue.Queue()
    foretelling = ForecastWorker(lambda *answer: told.put(answer))
    foretelling.ask(recipe)
    asked, answer = told.get(timeout=120)
    assert asked == recipe
    assert answer["peak"] == wb.forecast(recipe).peak


@pytest.mark.parametrize(
    ("technique", "quantization"), [("dora", "nf4"), ("unilora", "nf4"), ("unilora", "int8")]
)
def test_techniques_that_look_at_packed_weights_are_foretold(recipe, technique, quantization):
    recipe = recipe.replace(technique=technique, quantization=quantization)
    assert wb.forecast(recipe).peak == pytest.approx(allocated(recipe), rel=0.03)


def test_what_cannot_be_foretold_is_said(recipe):
    with pytest.raises(ModelError, match="MonteCLoRA with quantization='nf4' cannot be forecast"):
        wb.forecast(recipe.replace(technique="monteclora", quantization="nf4"))


@pytest.mark.parametrize("technique", ["lora", "prompt_tuning", "full"])
@pytest.mark.parametrize(("task", "data"), [("lm", "chronicle"), ("classify", "reviews")])
def test_an_evaluation_takes_what_is_forecast(technique, task, data):
    recipe = Recipe(
        technique=technique, task=task, data=data, max_length=128, max_train_samples=64,
        max_eval_samples=64, per_device_eval_batch_size=32,
    )  # fmt: skip
    measured = allocated_in_evaluation(recipe)
    # The optimizer's state is not there before the first step.
    forecast = wb.forecast(recipe)
    told = forecast.evaluation - forecast.metered["optimizer"]
    assert told == pytest.approx(measured, rel=0.05)

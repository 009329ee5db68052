"""In the panel: techniques that do not fit are greyed out, and say why."""

import dataclasses
import html
import json
import queue
from dataclasses import dataclass

import peft
import pytest
from peft.mapping import PEFT_TYPE_TO_CONFIG_MAPPING

from tests.conftest import save_architecture
from tests.test_bench import button, settle, words
from workbench.panels import Bench
from workbench.panels.bench.technique_summary import describe
from workbench.panels.kernel.compatibility_worker import CompatibilityWorker
from workbench.recipe import Recipe
from workbench.registry.catalogue import FIRST_CHOICES
from workbench.registry.techniques import TECHNIQUES
from workbench.training.inspection.compatibility.result import Compatibility
from workbench.training.inspection.compatibility.worker import read_fits

REFUSED = Compatibility(
    "dora", False, "lm", "gpt2 uses Conv1D, which DoRA cannot wrap", "set convert_conv1d=True"
)


@pytest.fixture(scope="module")
def tiny_gpt2(tmp_path_factory):
    return save_architecture(tmp_path_factory.mktemp("models") / "tiny-gpt2", "gpt2")


@pytest.fixture
def bench(tiny_gpt2, tmp_path):
    recipe = Recipe(model=str(tiny_gpt2), task="lm", data="chronicle", max_length=32)
    return Bench(recipe, runs=tmp_path / "runs")


def picker(bench):
    return bench._form.technique._picker


def test_every_technique_is_offered_until_more_is_known(bench):
    assert {entry["name"] for entry in picker(bench).entries} >= set(TECHNIQUES)
    assert picker(bench).fits == {}


def test_a_technique_that_does_not_fit_is_greyed_with_the_reason(bench):
    fits = {
        "dora": REFUSED,
        "lora": Compatibility("lora", True, "lm", trainable=12_288, total=3_000_000),
        "alora": Compatibility("alora", False, "lm", "it is only for instruction data"),
    }
    bench._form.technique.show_compatibility(fits)
    known = picker(bench).fits
    assert known["dora"] == {"why": REFUSED.reason, "advice": str(REFUSED)}
    assert known["lora"] == {"cost": "12.3 K", "exact": "12,288", "share": "0.41%"}
    assert known["alora"]["why"] == "only for instruction data"
    assert str(REFUSED) not in words(bench)


def test_picked_all_the_same_the_card_says_why_and_offers_to_convert(bench):
    bench._form.technique.show_compatibility({"dora": REFUSED})
    bench.recipe = bench.recipe.replace(technique="dora")
    assert str(REFUSED) in words(bench)
    button(bench, "Convert the base").click()
    assert bench.recipe.convert_conv1d
    assert bench.recipe.technique == "dora"
    bench.recipe = bench.recipe.replace(technique="lora")
    assert str(REFUSED) not in words(bench)


@dataclass
class NewcomerConfig(peft.LoraConfig):
    """A type that this PEFT does not have yet."""


def test_a_technique_that_nobody_has_described_is_in_a_group_of_its_own(bench, monkeypatch):
    monkeypatch.setitem(PEFT_TYPE_TO_CONFIG_MAPPING, "NEWCOMER", NewcomerConfig)
    settle(bench)
    families = {entry["name"]: entry["family"] for entry in picker(bench).entries}
    assert families["newcomer"] == "Other techniques of PEFT"
    bench.recipe = bench.recipe.replace(technique="newcomer")
    assert NewcomerConfig.__doc__ in words(bench)


@pytest.mark.slow
def test_all_techniques_are_tried_by_a_process_of_its_own(tiny_gpt2):
    told = queue.Queue()
    fitting = CompatibilityWorker(told.put)
    recipe = Recipe(model=str(tiny_gpt2), task="lm")
    fitting.ask(recipe)
    fitting.ask(recipe)  # the same: nothing begins anew
    known = {}
    while set(known) < set(TECHNIQUES):
        known = told.get(timeout=120)
    assert known["lora"].compatible
    assert known["head_only"].reason
    assert tuple(known)[: len(FIRST_CHOICES)] == tuple(FIRST_CHOICES)
    assert told.empty()
    fitting.stop()


def test_with_arguments_of_ones_own_the_reason_goes_as_it_was_for_the_defaults(bench):
    refused = Compatibility("oft", False, "lm", "oft_block_size must be a divisor of 24", "")
    bench._form.technique.show_compatibility({"oft": refused})
    bench.recipe = bench.recipe.replace(technique="oft")
    assert str(refused) in words(bench)
    bench.recipe = bench.recipe.replace(oft_block_size=8)
    assert str(refused) not in words(bench)


def test_the_list_says_how_many_work_and_how_many_are_still_tested(bench):
    fits = {"dora": REFUSED, "lora": Compatibility("lora", True, "lm")}
    bench._form.technique.show_compatibility(fits)
    left = len(picker(bench).entries) - 2
    expected = f"1 technique works with this base; {left} more are being tested …"
    assert picker(bench).status == expected
    fits = {name: Compatibility(name, True, "lm") for name in TECHNIQUES} | {"dora": REFUSED}
    bench._form.technique.show_compatibility(fits)
    assert picker(bench).status.startswith(f"{len(TECHNIQUES) - 1} of {len(TECHNIQUES)} techniques")


def test_one_looks_at_a_technique_and_its_picture_comes(bench, monkeypatch):
    settle(bench)
    sent = []
    monkeypatch.setattr(picker(bench), "send", sent.append)
    for name in ("dora", "ia3"):
        picker(bench)._on_message({"kind": "look", "name": name})
        assert (sent[-1]["kind"], sent[-1]["name"]) == ("picture", name)
        assert "<svg" in sent[-1]["html"]
        assert f"{TECHNIQUES[name].title} on " in sent[-1]["html"]
    assert sent[0]["html"] != sent[1]["html"]
    assert bench.recipe.technique == "lora"
    bench.recipe = bench.recipe.replace(model="village-3m")
    settle(bench)
    assert (len(sent), sent[-1]["name"]) == (3, "ia3")
    assert sent[2]["html"] != sent[1]["html"]


@pytest.mark.parametrize("message", [None, "look", {"kind": "look"}, {"kind": "look", "name": 3}])
def test_what_the_browser_should_not_send_does_nothing(bench, message):
    picker(bench)._on_message(message)
    assert bench.recipe.technique == "lora"


@pytest.mark.parametrize("name", TECHNIQUES)
def test_the_card_says_what_a_technique_is(name):
    entry = TECHNIQUES[name]
    told = html.unescape(describe(entry))
    assert entry.summary in told
    assert "None" not in told
    if entry.paper is not None:
        assert f"{entry.paper.title} ({entry.paper.year})" in told
    if entry.trainable == "adapter":
        assert ("Can be merged into the base afterwards" in told) == entry.merges
        assert ("Cannot be merged into the base" in told) != entry.merges
    assert ("Works with" in told) == entry.quantizable
    assert entry.needs in told


def test_a_line_that_was_cut_off_when_the_process_ended_is_left_out():
    fits = [Compatibility("lora", True, "lm", trainable=3, matched=("a", "b")), REFUSED]
    lines = [json.dumps(dataclasses.asdict(fit)) + "\n" for fit in fits]
    assert list(read_fits(lines)) == fits
    assert list(read_fits([lines[0], lines[1][:30]])) == fits[:1]

"""Bases as they come: whole or not, with a head or none, and each refusal in one sentence."""

from __future__ import annotations

import io
import json
import logging
import shutil
import subprocess
import sys
import threading
from pathlib import Path

import pytest
import transformers
from safetensors.torch import load_file, save_file

import workbench as wb
from workbench.errors import ModelError, TrainingError
from workbench.sources.models import describe
from workbench.training.adaptation.base_checks import check_new_head
from workbench.training.inspection.skeleton import count
from workbench.training.prepare import prepare
from workbench.training.resolve import resolve
from workbench.training.runtime.quiet_loading import quiet_thread, quiet_transformers

WORDS = ("good", "bad", "dull")


@pytest.fixture
def folder(tiny_llama, tmp_path):
    """A copy of the tiny llama, to break."""
    return Path(shutil.copytree(tiny_llama, tmp_path / "llama"))


@pytest.fixture
def recipe_for(tmp_path):
    """Make recipes over thirty rows with a text, a label of some, a prompt and an answer."""

    def recipe_for(model, task="classify", technique="lora", labels=3, **changes):
        rows = [
            {
                "text": f"the {i}th film was {WORDS[i % labels]}",
                "label": WORDS[i % labels],
                "prompt": f"was film {i} good?",
                "completion": "yes",
            }
            for i in range(30)
        ]
        path = tmp_path / f"rows-{labels}.jsonl"
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
        settings = {"model": str(model), "data": str(path), "task": task, "max_steps": 2}
        return wb.Recipe(technique=technique, **settings, **changes)

    return recipe_for


def edit(path, **settings):
    path.write_text(json.dumps(json.loads(path.read_text()) | settings))


def change_weights(folder, change):
    weights = load_file(folder / "model.safetensors")
    change(weights)
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})


DOWN = "model.layers.{}.mlp.down_proj.weight"


@pytest.mark.parametrize("task", ["lm", "classify"])
def test_missing_weights_are_never_made_up(task, folder, recipe_for):
    change_weights(folder, lambda weights: [weights.pop(DOWN.format(i)) for i in (0, 1)])
    with pytest.raises(ModelError, match=rf"llama'.*lacks '{DOWN.format(0)}' and 1 more: copy"):
        resolve(recipe_for(folder, task))


def test_a_language_model_without_its_head_is_refused(save_model, tmp_path, recipe_for):
    folder = save_model(tmp_path / "m", "LlamaConfig", "LlamaModel", tie_word_embeddings=False)
    with pytest.raises(ModelError, match="lacks 'lm_head.weight': .* saved for this task"):
        resolve(recipe_for(folder, "lm"))


def test_weights_of_other_shapes_are_refused(folder, recipe_for):
    edit(folder / "config.json", vocab_size=77)
    with pytest.raises(
        ModelError, match=r"stores 'model.embed_tokens.weight' as .* not \(77, 32\)"
    ):
        resolve(recipe_for(folder))


# What each family calls new: its head, and the pooler of a base that was saved without one.
ENCODERS = {
    ("Bert", "Model"): {"classifier"},
    ("Bert", "ForMaskedLM"): {"classifier", "bert.pooler.dense"},
    ("Albert", "ForMaskedLM"): {"classifier", "albert.pooler"},
    ("Roberta", "ForMaskedLM"): {"classifier"},
    ("DebertaV2", "ForMaskedLM"): {"classifier", "pooler"},
    ("DistilBert", "ForMaskedLM"): {"classifier", "pre_classifier"},
    ("ModernBert", "ForMaskedLM"): {"classifier", "head"},
}


@pytest.mark.parametrize("technique", ["lora", "head_only", "full"])
@pytest.mark.parametrize("family", ENCODERS, ids="".join)
def test_what_is_trained_beside_the_technique_is_the_new_head(
    family, technique, save_model, tmp_path, recipe_for
):
    folder = save_model(tmp_path / "base", f"{family[0]}Config", "".join(family))
    recipe = recipe_for(folder, technique=technique)
    prepared = prepare(recipe)
    assert prepared.parameters == count(recipe)
    if technique == "full":
        return
    trained = {
        name.removeprefix("base_model.")
        .removeprefix("model.")
        .replace(".modules_to_save.default", "")
        for name in prepared.parameters["by_module"]
        if "lora_" not in name
    }
    new = ENCODERS[family]
    outside = {name for name in trained if not name.startswith(tuple(new))}
    assert not outside
    assert {one for one in new if any(name.startswith(one) for name in trained)} == new


@pytest.fixture(scope="module")
def classifier(tiny_llama, tmp_path_factory):
    """A folder that full fine-tuning on three labels leaves."""
    folder = tmp_path_factory.mktemp("models") / "classifier"
    model = transformers.LlamaForSequenceClassification.from_pretrained(tiny_llama, num_labels=3)
    model.save_pretrained(folder)
    transformers.AutoTokenizer.from_pretrained(tiny_llama).save_pretrained(folder)
    return folder


@pytest.mark.parametrize("labels", [2, 3])
@pytest.mark.parametrize("technique", ["head_only", "lora", "qlora", "full"])
def test_a_base_with_a_classifier_gets_a_new_one(
    technique, labels, classifier, tiny_llama, recipe_for, tmp_path
):
    recipes = [
        recipe_for(base, technique=technique, labels=labels) for base in (classifier, tiny_llama)
    ]
    try:
        ours, plain = (wb.train(recipe, tmp_path / "runs", progress=False) for recipe in recipes)
    except ModelError as error:
        if "when the base is quantized" not in str(error):
            raise
        pytest.skip("this transformers keeps the old head of a base that it quantizes")
    assert ours.losses == plain.losses
    assert ours.parameters == count(recipes[0])


def test_an_old_head_in_the_place_of_the_new_one_is_refused(classifier):
    old, new = (
        transformers.LlamaForSequenceClassification.from_pretrained(
            classifier, num_labels=labels, ignore_mismatched_sizes=True
        )
        for labels in (3, 2)
    )
    check_new_head(new, new, ["score.weight"], "it")
    with pytest.raises(ModelError, match=r"shape \(2, 32\), .* keeps score.weight at \(3, 32\)"):
        check_new_head(old, new, ["score.weight"], "it")


def test_a_script_over_a_base_with_a_classifier_gives_the_same_losses(
    classifier, recipe_for, tmp_path
):
    run = wb.train(recipe_for(classifier, labels=2), tmp_path / "runs", progress=False)
    script = wb.export(run, tmp_path / "train.py")
    command = [sys.executable, "-W", "ignore", script, "--output", tmp_path / "saved"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    events = [json.loads(line) for line in done.stdout.splitlines()]
    assert [event["loss"] for event in events if event["event"] == "train"] == run.losses


def test_a_type_that_nobody_knows_is_refused_at_once(folder):
    edit(folder / "config.json", model_type="zork")
    with pytest.raises(ModelError, match="a model_type that transformers knows, but .* 'zork'"):
        describe.facts(folder)


@pytest.mark.parametrize("known", ["llama", "gemma3_text", "openai-gpt", "gpt-sw3"])
def test_types_are_known_whatever_folder_their_code_lies_in(known, folder):
    edit(folder / "config.json", model_type=known)
    assert describe.facts(folder).model_type == known


def test_a_file_that_holds_no_tokenizer_is_refused_at_once(folder):
    (folder / "tokenizer.json").write_text("{}")
    with pytest.raises(ModelError, match="tokenizer.json without a tokenizer in it: copy"):
        describe.facts(folder)


def test_whatever_a_library_says_about_a_tokenizer_is_one_sentence(folder, recipe_for):
    (folder / "tokenizer.json").write_text('{"model": {"type": "Zork"}}')
    with pytest.raises(ModelError, match=r"The model '.*llama' cannot be loaded: [^\n]+\.$"):
        resolve(recipe_for(folder))


def test_a_tokenizer_with_code_of_its_own_needs_consent(folder, recipe_for):
    auto_map = {"AutoTokenizer": ["tokenization_mine.Mine", None]}
    edit(folder / "tokenizer_config.json", auto_map=auto_map, tokenizer_class="Mine")
    with pytest.raises(ModelError, match="set trust_remote_code=True .* trust its author"):
        resolve(recipe_for(folder))


def test_numbers_that_are_none_in_the_base_are_not_blamed_on_the_rate(folder, recipe_for, tmp_path):
    change_weights(folder, lambda weights: weights[DOWN.format(0)].fill_(float("nan")))
    with pytest.raises(
        TrainingError, match="nan at step 1: the base's weights or the data"
    ) as said:
        wb.train(recipe_for(folder), tmp_path, progress=False)
    assert "learning_rate" not in str(said.value)


@pytest.fixture
def heard(monkeypatch):
    """What transformers prints."""
    heard = io.StringIO()
    handlers = logging.getLogger("transformers").handlers
    printing = next(handler for handler in handlers if type(handler) is logging.StreamHandler)
    monkeypatch.setattr(printing, "stream", heard)
    return heard


@pytest.mark.parametrize("technique", ["prompt_tuning", "head_only"])
def test_a_run_prints_nothing(technique, classifier, recipe_for, tmp_path, heard):
    recipe = recipe_for(classifier, technique=technique, labels=2)
    logging.getLogger("transformers.test").warning("printed")
    wb.train(recipe, tmp_path, progress=False)
    count(recipe)
    assert heard.getvalue() == "[transformers] printed\n"


def test_only_the_thread_that_asks_is_hushed(heard):
    log = logging.getLogger("transformers.test")

    def quiet():
        with quiet_thread():
            with quiet_transformers():
                log.warning("in here")
            log.warning("in there")
            log.error("in trouble")

    thread = threading.Thread(target=quiet)
    thread.start()
    thread.join()
    log.warning("out here")
    assert heard.getvalue() == "[transformers] in trouble\n[transformers] out here\n"


def test_bars_come_back_when_the_last_load_is_over():
    bars = transformers.utils.logging.is_progress_bar_enabled
    before = bars()
    entered, leave = threading.Event(), threading.Event()

    def other():
        with quiet_transformers():
            entered.set()
            leave.wait(60)

    thread = threading.Thread(target=other)
    with quiet_transformers():
        thread.start()
        assert entered.wait(60)
    assert not bars()
    leave.set()
    thread.join()
    assert bars() == before

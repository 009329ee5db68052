"""GPT-2's Conv1D layers rewritten as Linear ones: the same model, which more techniques can wrap."""

import copy

import peft
import pytest
import torch
import transformers

import workbench as wb
from tests.conftest import save_architecture
from tests.test_export import check_same, recipe_for
from tests.tiny import ARCHITECTURES, inputs_for
from workbench.errors import RecipeError
from workbench.training.adaptation.conv1d import convert_conv1d


@pytest.fixture(scope="module")
def tiny_gpt2(tmp_path_factory):
    return save_architecture(tmp_path_factory.mktemp("models") / "tiny-gpt2", "gpt2")


def kinds(model):
    return {type(module).__name__ for module in model.modules()}


def test_a_converted_model_computes_the_same_with_no_conv1d_left():
    model = ARCHITECTURES["gpt2"]()
    converted = convert_conv1d(copy.deepcopy(model))
    assert "Conv1D" in kinds(model)
    assert "Conv1D" not in kinds(converted)
    before, after = (m(**inputs_for(m)) for m in (model, converted))
    torch.testing.assert_close(before.logits, after.logits, rtol=1e-5, atol=1e-5)
    sizes = [sum(p.numel() for p in m.parameters()) for m in (model, converted)]
    assert sizes[0] == sizes[1]


def test_a_model_without_conv1d_stays_as_it_is():
    model = ARCHITECTURES["llama"]()
    before = dict(model.named_modules())
    assert dict(convert_conv1d(model).named_modules()) == before


def test_a_saved_adapter_loads_on_a_base_converted_alike(tiny_gpt2, tmp_path):
    recipe = recipe_for("lora", "lm", tiny_gpt2, tmp_path, convert_conv1d=True)
    run = wb.train(recipe, tmp_path / "runs", progress=False)
    assert any("Conv1D" in note for note in run.notes)
    base = transformers.AutoModelForCausalLM.from_pretrained(tiny_gpt2, dtype=torch.float32)
    loaded = peft.PeftModel.from_pretrained(convert_conv1d(base), run.path / "adapter").eval()
    run.model.eval()
    ids = torch.tensor([[6, 7, 12, 13, 16, 17]])
    with torch.no_grad():
        assert torch.equal(run.model(ids).logits, loaded(ids).logits)


def test_a_script_converts_too(tiny_gpt2, tmp_path):
    check_same([("lora", "lm", "gpt2", {"convert_conv1d": True})], {"gpt2": tiny_gpt2}, tmp_path)


@pytest.mark.parametrize("technique", ["full", "bitfit", "head_only"])
def test_it_is_for_techniques_that_wrap_layers(technique):
    recipe = wb.Recipe(technique=technique, convert_conv1d=True)
    with pytest.raises(RecipeError, match="convert_conv1d must be False with"):
        recipe.check()

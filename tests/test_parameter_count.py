"""The panel says to how many layers a technique adds something."""

import copy

import pytest

from workbench.panels.bench.parameter_count import where
from workbench.recipe import Recipe
from workbench.training.adaptation.meters import count_parameters
from workbench.training.inspection.compatibility.trial import touched
from workbench.training.inspection.skeleton import adapt_shapes, shapes_of


@pytest.mark.parametrize("task", ["classify", "instruct"])
@pytest.mark.parametrize(
    "technique", ["lora", "ia3", "vera", "oft", "houlsby", "ln_tuning", "loha"]
)
def test_layers_are_those_that_peft_has_wrapped(technique, task):
    data = {"classify": "reviews", "instruct": "village-qa"}[task]
    recipe = Recipe(technique=technique, task=task, data=data).resolved()
    shapes, new_parameters = shapes_of(recipe)
    adapted, _ = adapt_shapes(recipe, copy.deepcopy(shapes), new_parameters)
    counts = count_parameters(adapted, shapes)
    head = ", and a new head" if task == "classify" else ""
    layers = len(touched(adapted, shapes))
    assert where(counts["by_module"], counts["injected"]) == f"added to {layers} modules{head}"


@pytest.mark.parametrize(
    ("technique", "said"),
    [
        ("full", "in 39 modules of the base"),
        ("head_only", "in 1 module of the base"),
        ("prompt_tuning", "4,608 added, and a new head"),
    ],
)
def test_what_is_in_no_layer_is_said_too(technique, said):
    recipe = Recipe(technique=technique).resolved()
    shapes, new_parameters = shapes_of(recipe)
    adapted, _ = adapt_shapes(recipe, copy.deepcopy(shapes), new_parameters)
    counts = count_parameters(adapted, shapes)
    assert where(counts["by_module"], counts["injected"]) == said

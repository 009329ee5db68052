"""How techniques are offered: their families' names, the first choices, what they are found by."""

import pytest

from workbench.registry.catalogue import (
    FAMILIES,
    FIRST_CHOICES,
    base_bits,
    family_title,
    search_words,
)
from workbench.registry.quantizations import QUANTIZATIONS
from workbench.registry.tasks import TASKS
from workbench.registry.techniques import TECHNIQUES
from workbench.settings.checks import quantization_problems


def test_each_family_has_a_name_of_its_own_and_no_other_has_one():
    assert {entry.family for entry in TECHNIQUES.values()} == set(FAMILIES) - {"new in PEFT"}
    titles = [family_title(family) for family in FAMILIES]
    assert len(set(titles)) == len(titles)


def test_the_first_choices_are_techniques_of_several_families():
    assert set(FIRST_CHOICES) <= set(TECHNIQUES)
    assert len({TECHNIQUES[name].family for name in FIRST_CHOICES}) >= 5


@pytest.mark.parametrize("name", TECHNIQUES)
def test_the_bits_of_a_base_are_those_that_a_recipe_may_have(name):
    technique = TECHNIQUES[name]
    allowed = {
        entry.bits
        for entry in QUANTIZATIONS.values()
        if not quantization_problems(entry.name, technique)
    }
    assert base_bits(technique) == tuple(sorted(allowed))


@pytest.mark.parametrize("name", TECHNIQUES)
def test_a_technique_says_for_which_data_it_is_unless_it_is_for_all(name):
    technique = TECHNIQUES[name]
    words = technique.suitable_data
    assert bool(words) == (set(technique.tasks) != set(TASKS))
    for task in TASKS.values():
        if words:
            assert (task.data in words) == (
                words.startswith("only") == (task.name in technique.tasks)
            )


@pytest.mark.parametrize(
    ("word", "names"),
    [
        ("adapter", {"houlsby", "pfeiffer", "parallel_adapter", "lora", "ia3"}),
        ("4-bit", {"qlora", "loftq"}),
        ("soft prompt", {"prompt_tuning"}),
        ("householder", {"hra"}),
    ],
)
def test_synonyms_lead_to_techniques(word, names):
    assert {name for name in TECHNIQUES if word in search_words(TECHNIQUES[name])} >= names
